"""Values that carry more than they show.

A text without a type of its own, a reference that knows its folder.
"""

from collections.abc import Iterable
from typing import Any, TypeGuard

SECRET_FORMS = frozenset({"env", "file", "exec"})


class Cell(str):
    """A value without a type of its own (a CSV cell, `--var`).

    Read as the type of the field it lands in.
    """

    __slots__ = ()


class SecretForm(dict[str, Any]):
    """A mapping with one key of a Secret's, which remembers the folder of the file that said it.

    Wherever a template or a set takes it.
    """

    __slots__ = ("folder",)

    def __init__(self, mapping: dict[str, Any], folder: str) -> None:
        super().__init__(mapping)
        self.folder = folder


def is_secret_form(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a mapping is one of `{env: ...}`, `{file: ...}`, `{exec: ...}`."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in SECRET_FORMS


def is_deeper(tree: object, levels: int) -> bool:
    """Tell whether mappings and lists are nested more than so many levels deep."""
    below = [tree]
    for _ in range(levels):
        below = [item for node in below for item in _items(node)]
        if not below:
            return False
    return any(isinstance(node, dict | list) for node in below)


def _items(node: object) -> Iterable[object]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def is_text(text: str) -> bool:
    """Tell whether a text can be written to a file: a lone surrogate cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
