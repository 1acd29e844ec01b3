"""What is shown of recordings, plans and events: the JSON documents of design/cli.md, and a page.

Values in, documents and HTML out; `view.py` alone reads state. The command line prints them and the
daemon answers with them, so that no number can differ between the two.
"""
