"""Problems before they have a place.

`path` says where in a manifest, `places.py` finds the file and line.
"""

from dataclasses import dataclass

from reconciler.diagnostics import Severity
from reconciler.spec.wire import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a manifest.

    `path` starts at the manifest's root; `of_key` points at the key, not its value.
    """

    path: Path
    severity: Severity
    code: str
    message: str
    hint: str | None = None
    of_key: bool = False


def error(path: Path, code: str, message: str, hint: str | None = None) -> Problem:
    """Make a problem for which the manifest is not used."""
    return Problem(path, Severity.ERROR, code, message, hint)


def warning(path: Path, code: str, message: str, hint: str | None = None) -> Problem:
    """Make a problem that is reported and lived with."""
    return Problem(path, Severity.WARNING, code, message, hint)
