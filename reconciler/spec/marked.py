"""Values that carry more than they show.

A text without a type of its own, a reference that knows its folder.
"""

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
