"""Small readers of JSON that somebody else wrote: the value, if it is there and of its kind.

Whatever is missing or of another kind reads as None or empty, since the service's answers vary and
an unknown one is no reason to fail (agora-api.md 1.6). Pure.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

Tree: TypeAlias = Mapping[str, Any]

_MILLISECONDS_MIN = 100_000_000_000
"""As seconds this were the year 5138; the service counts now in seconds, now in ms (K7)."""

_DIGITS_MAX = 20
"""No number of the service is longer; Python refuses to read endless ones."""


def parsed(body: bytes) -> Tree | None:
    """Read a JSON object; None for anything else."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def branch(tree: Tree, *keys: str) -> Tree:
    """Return the object that the keys lead to, empty where there is none."""
    for key in keys:
        found = tree.get(key)
        tree = found if isinstance(found, dict) else {}
    return tree


def branches(tree: Tree, key: str) -> tuple[Tree, ...]:
    """Return the objects of a list."""
    found = tree.get(key)
    return tuple(i for i in found if isinstance(i, dict)) if isinstance(found, list) else ()


def text(tree: Tree, *keys: str) -> str | None:
    """Return the first of these keys that holds a text."""
    return next((found for key in keys if isinstance(found := tree.get(key), str)), None)


def identity(tree: Tree, key: str) -> str | None:
    """Return an ID as text; the service writes some as numbers."""
    found = tree.get(key)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


def whole(tree: Tree, key: str) -> int | None:
    """Return a whole number, written as one or as digits."""
    found = tree.get(key)
    if isinstance(found, str) and found.isascii() and found.removeprefix("-").isdigit():
        return int(found) if len(found) < _DIGITS_MAX else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def flag(tree: Tree, key: str) -> bool | None:
    """Return a truth value."""
    found = tree.get(key)
    return found if isinstance(found, bool) else None


def time_ms(tree: Tree, key: str) -> int | None:
    """Return a time in Unix milliseconds, from either unit (K7)."""
    found = whole(tree, key)
    return found if found is None or found >= _MILLISECONDS_MIN else found * 1000
