"""Frozen values to JSON and back, for what two processes say to each other through state.

What is read was written by another process, perhaps of another version: all of it is checked.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

TEXT_MAX = 1 << 20
"""Characters of a text that is read: 5,000 names of 63 characters are a third of it."""

NUMBER_MAX = 1 << 53
"""Below it a float tells whole numbers apart; times and numbers of rows are far below."""


def written(value: "DataclassInstance") -> str:
    """Return a value as JSON: dataclasses of texts, numbers and truths, of tuples and of these."""
    return json.dumps(asdict(value), separators=(",", ":"))


def read(kind: type[T], text: str) -> T:
    """Read what `written` made of a value of this kind. Raises ValueError for anything else."""
    if len(text) > TEXT_MAX:
        raise ValueError("it is too long")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    return cast("T", _value(kind, tree, "it"))


def _value(kind: object, tree: object, name: str) -> object:
    """Return what stands there; `name` is what it is called if it does not fit."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return _one_of(parts, tree, name)
    if origin is tuple:
        return _items(parts[0], tree, name)
    if isinstance(kind, type) and is_dataclass(kind):
        return _members(kind, tree, name)
    if origin is Literal and tree in parts and isinstance(tree, str):
        return tree
    if isinstance(kind, type) and _fits(kind, tree):
        return kind(tree)
    raise ValueError(f"`{name}` is not as it should be")


def _one_of(kinds: Sequence[object], tree: object, name: str) -> object:
    """Read a value that may be none: the only choice there is."""
    if tree is None and NoneType in kinds:
        return None
    (kind,) = (each for each in kinds if each is not NoneType)
    return _value(kind, tree, name)


def _items(kind: object, tree: object, name: str) -> object:
    if isinstance(tree, list):
        return tuple(_value(kind, item, name) for item in tree)
    raise ValueError(f"`{name}` is no list")


def _members(kind: type, tree: object, name: str) -> object:
    hints = get_type_hints(kind)
    if isinstance(tree, dict) and tree.keys() == hints.keys():
        return kind(**{key: _value(hint, tree[key], key) for key, hint in hints.items()})
    raise ValueError(f"`{name}` has other members than it should have")


def _fits(kind: type, tree: object) -> bool:
    """Tell whether it is of that kind; a truth is no number, and what is no number neither."""
    if issubclass(kind, StrEnum):
        return isinstance(tree, str) and tree in set(kind)
    if isinstance(tree, bool):
        return kind is bool
    if isinstance(tree, int | float):
        is_of_kind = kind is float or (kind is int and isinstance(tree, int))
        return is_of_kind and -NUMBER_MAX < tree < NUMBER_MAX
    return kind is str and isinstance(tree, str)
