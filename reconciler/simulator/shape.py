"""Checks of JSON values by shape: types, ranges, keys. Pure.

A check is a function of a value, its path and what to do with unknown keys; it returns nothing or
raises ShapeError with the first thing that is wrong. Bodies of the service, fault rules and
control requests are all described with these.
"""

import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import NoReturn, TypeAlias

from reconciler.simulator.tree import Json


class UnknownKeys(StrEnum):
    """What happens to a key that nobody knows."""

    REFUSE = "refuse"
    IGNORE = "ignore"


class ShapeError(Exception):
    """A value is not what it must be; `path` says which, `problem` what it must be."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"`{path}` {problem}" if path else problem)
        self.path = path


Check: TypeAlias = Callable[[Json, str, UnknownKeys], None]


def anything(value: Json, path: str, unknown: UnknownKeys) -> None:
    """Accept every value."""
    del value, path, unknown


def flag(value: Json, path: str, unknown: UnknownKeys) -> None:
    """Accept a boolean."""
    del unknown
    if not isinstance(value, bool):
        refuse(path, "must be true or false")


def whole(low: int, high: int | None = None) -> Check:
    """Accept a whole number in a range."""

    def check(value: Json, path: str, _: UnknownKeys) -> None:
        if not is_whole(value) or not _within(value, low, high):
            refuse(path, f"must be a whole number {_range(low, high)}")

    return check


def number(low: float, high: float | None = None) -> Check:
    """Accept a number in a range."""

    def check(value: Json, path: str, _: UnknownKeys) -> None:
        if not (is_whole(value) or isinstance(value, float)) or not _within(value, low, high):
            refuse(path, f"must be a number {_range(low, high)}")

    return check


def text(pattern: str = "(?s:.*)", problem: str = "must be a text") -> Check:
    """Accept a text that fits a pattern as a whole."""
    compiled = re.compile(pattern)

    def check(value: Json, path: str, _: UnknownKeys) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            refuse(path, problem)

    return check


def choice(*values: str | int) -> Check:
    """Accept one of some texts or numbers."""
    names = ", ".join(str(value) or '""' for value in values)

    def check(value: Json, path: str, _: UnknownKeys) -> None:
        if isinstance(value, bool | float) or value not in values:
            refuse(path, f"must be one of {names}")

    return check


def array(item: Check, *, least: int = 0, most: int | None = None) -> Check:
    """Accept a list of so many items."""

    def check(value: Json, path: str, unknown: UnknownKeys) -> None:
        if not isinstance(value, list):
            refuse(path, "must be a list")
        if not _within(len(value), least, most):
            refuse(path, f"must have a number of entries {_range(least, most)}")
        for index, entry in enumerate(value):
            item(entry, f"{path}[{index}]", unknown)

    return check


def block(
    fields: Mapping[str, Check], *, needs: Collection[str] = (), passes_unknown: bool = False
) -> Check:
    """Accept an object with these keys, some of them needed; others only if they pass."""

    def check(value: Json, path: str, unknown: UnknownKeys) -> None:
        if not isinstance(value, dict):
            refuse(path, "must be an object")
        for key in needs:
            if key not in value:
                refuse(_below(path, key), "is missing")
        for key, part in value.items():
            if key in fields:
                fields[key](part, _below(path, key), unknown)
            elif unknown is UnknownKeys.REFUSE and not passes_unknown:
                refuse(_below(path, key), "is not known here")

    return check


def refuse(path: str, problem: str) -> NoReturn:
    """Say that a value is not what it must be. Raises ShapeError."""
    raise ShapeError(path, problem)


def is_whole(value: Json) -> bool:
    """Tell whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _within(value: Json, low: float, high: float | None) -> bool:
    return isinstance(value, int | float) and low <= value and (high is None or value <= high)


def _range(low: float, high: float | None) -> str:
    return f"of at least {low}" if high is None else f"from {low} to {high}"


def _below(path: str, key: str) -> str:
    name = key if len(key) <= KEY_SHOWN_MAX else f"{key[:KEY_SHOWN_MAX]}..."
    return f"{path}.{name}" if path else name


KEY_SHOWN_MAX = 64
