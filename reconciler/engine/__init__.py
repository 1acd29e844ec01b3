"""Doing it: everything that waits, calls or writes on the way from a Plan to running sessions.

`reconcile.py` is the function to show a visitor. Around it: `assess.py` makes a Plan of specs and
state, `apply.py` carries a whole Plan out, `observe.py`, `start.py`, `change.py` and `stop.py` are
the steps; `records.py` is the one way to state, `apps.py` to the service, `vault.py` to secrets.
"""
