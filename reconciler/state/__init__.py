"""What we know: the only memory of which sessions exist (design/reconcile.md, "Words").

`store.py` is the interface, `schema.py` the tables and their migrations, `sqlite.py` and
`postgres.py` the two places they are kept in, `open.py` the way from a URL to one of them.
`rescue.py` writes back a file that was removed while its holder lived.
"""
