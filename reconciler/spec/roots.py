"""Names of places that mean the same wherever they are read.

State is used from any folder and any checkout. Like `load.py`, this module asks the file system;
nothing is read.
"""

import posixpath
from functools import lru_cache
from pathlib import Path


def absolute(folder: str) -> str:
    """Return a folder's whole name; an empty one is the current folder."""
    return posixpath.normpath(Path(folder).absolute().as_posix())


def from_root(path: str) -> str:
    """Return a spec file or PATH as state keeps it (design/reconcile.md, "Guards").

    Relative to the root of the Git checkout that it lies in, else to the current folder. It need
    not exist.
    """
    whole = absolute(path)
    root = whole if _is_root(whole) else _root_above(posixpath.dirname(whole))
    return posixpath.relpath(whole, root or absolute(""))


@lru_cache(maxsize=1024)
def _root_above(folder: str) -> str:
    """Return the checkout's root at or above a folder; asked once for all the files in it."""
    whole = Path(folder)
    return next((str(each) for each in (whole, *whole.parents) if _is_root(str(each))), "")


def _is_root(folder: str) -> bool:
    """Tell whether a checkout starts here; in a linked one `.git` is a file."""
    return Path(folder, ".git").exists()
