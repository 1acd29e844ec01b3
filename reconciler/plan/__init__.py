"""What to do: values in, a Plan out. Pure.

`session.py`, `recorded.py`, `applied.py` are what state remembers, `action.py` is what comes out.
`compare.py` says what differs between applied and desired, `decide.py` what follows from it for
one session, `make.py` puts a whole Plan together, `life.py` moves a session along its life.
"""
