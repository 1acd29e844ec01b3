"""The command line: each command parses its options, calls one function and renders the answer."""
