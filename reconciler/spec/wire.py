"""The shapes of the service's bodies, and the way to a value inside one.

Wire names live in `mapping.py`, the rules about values in `rules/`. A Secret may stand wherever the
service wants a text or a number: bodies carry references until somebody asks for the values.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

from reconciler.spec.secrets import Secret

Json: TypeAlias = "bool | int | float | str | Secret | list[Json] | dict[str, Json] | None"
Path: TypeAlias = tuple[str | int, ...]


class Mode(StrEnum):
    """How the service records; the value is the word in the URL path (agora-api.md 1.5)."""

    INDIVIDUAL = "individual"
    MIX = "mix"
    WEB = "web"


def get(tree: Any, path: Path) -> Any:
    """Return the value at `path`, or None where the tree does not go that far."""
    for step in path:
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, Sequence) and not isinstance(tree, str) and isinstance(step, int):
            tree = tree[step] if step < len(tree) else None
        else:
            return None
    return tree


def put(tree: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at `path`, making the mappings (and lists of one) that lead there."""
    node: Any = tree
    last = len(path) - 1
    for index in range(last):
        step = path[index]
        if isinstance(step, int):
            node = node[step]
            continue
        child = node.get(step)
        if child is None:
            child = node[step] = [{}] if isinstance(path[index + 1], int) else {}
        node = child
    node[path[last]] = value


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` merged in: objects merge deeply, all else replaces, None removes.

    Neither changes.
    """
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            inherited = merged.get(key)
            merged[key] = merge(inherited if isinstance(inherited, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
