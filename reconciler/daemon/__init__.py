"""`reconciler run`: the engine, always on (design/reconcile.md, "The daemon").

Sources, timers and HTTP around one loop; what they find out becomes wake-ups of the engine's work
queue. Here alone is what listens and what runs for months.
"""
