"""JSON values: read from bytes with bounds, and looked into without surprises. Pure.

`decode` is the only reader of bodies, so what it refuses nobody else has to expect: numbers
without end, text that is not Unicode, nests without bottom.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = dict[str, Json]

NESTING_MAX = 32  # the deepest documented body has 7 levels


def decode(raw: bytes) -> Json:
    """Read one JSON document. Raises ValueError if it is none that a service could keep."""
    try:
        value: Json = json.loads(raw.decode(), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None
    for text, depth in _walk(value):
        text.encode()  # a lone surrogate is a ValueError
        if depth > NESTING_MAX:
            raise ValueError("the document is nested too deeply")
    return value


def encode(value: Json) -> bytes:
    """Write one JSON document, compact and in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode()


def digest(value: Json) -> str:
    """Return a fingerprint that is the same for equal documents, in whatever order their keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def child(tree: Json, *keys: str) -> Object:
    """Return the object below these keys, empty if there is none."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}


def items(tree: Object, key: str) -> list[Object]:
    """Return the objects of a list, none if there is no list."""
    found = tree.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text(tree: Object, key: str, default: str = "") -> str:
    """Return a text, or the default if there is none."""
    found = tree.get(key)
    return found if isinstance(found, str) else default


def texts(tree: Object, key: str) -> tuple[str, ...]:
    """Return the texts of a list, none if there is no list."""
    found = tree.get(key)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def whole(tree: Object, key: str, default: int = 0) -> int:
    """Return a whole number, or the default if there is none."""
    found = tree.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def number(tree: Object, key: str, default: float = 0.0) -> float:
    """Return a number, or the default if there is none."""
    found = tree.get(key)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else default


def flag(tree: Object, key: str, *, default: bool = False) -> bool:
    """Return a boolean, or the default if there is none."""
    found = tree.get(key)
    return found if isinstance(found, bool) else default


def _walk(root: Json) -> Iterator[tuple[str, int]]:
    """Yield every text, and an empty one for every other value, with its depth."""
    stack: list[tuple[Json, int]] = [(root, 0)]
    while stack:
        value, depth = stack.pop()
        yield (value if isinstance(value, str) else ""), depth
        if isinstance(value, dict):
            stack += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            stack += [(item, depth + 1) for item in value]


def _refuse(name: str) -> Json:
    raise ValueError(f"`{name}` is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise ValueError(f"`{digits}` is out of range")
    return value
