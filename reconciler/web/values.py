"""What the documents have in common (design/cli.md): their version, diagnostics, plain values."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.spec.wire import Json

FORMAT_VERSION = "1"


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic in the shape of design/cli.md."""
    return {
        "file": diagnostic.position.file,
        "line": diagnostic.position.line,
        "column": diagnostic.position.column,
        "path": diagnostic.path,
        "severity": str(diagnostic.severity),
        "code": diagnostic.code,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }


def plain(value: object) -> Json:
    """Return a value of a spec as JSON has it; sets become lists, in order."""
    match value:
        case None | str() | bool() | int() | float():
            return value
        case Mapping():
            return {str(key): plain(member) for key, member in value.items()}
        case AbstractSet():
            return [plain(member) for member in in_order(value)]
        case Sequence():
            return [plain(member) for member in value]
        case _:
            return str(value)


def in_order(members: AbstractSet[Any]) -> list[Any]:
    """Return the members of a set: numbers by size, then all else as text."""
    return sorted(members, key=_order)


def _order(member: object) -> tuple[str, object]:
    is_number = isinstance(member, int | float)
    return ("number", member) if is_number else ("text", str(member))
