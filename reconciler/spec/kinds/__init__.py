"""The manifest kinds and recording modes, one file each; `table.py` lists them."""
