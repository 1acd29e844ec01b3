"""Problems before they have a place.

`path` says where in a manifest, `places.py` finds the file and line.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.diagnostics import Severity
from reconciler.spec.wire import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a manifest.

    `path` starts at the manifest's root; `of_key` points at the key, not its value. `meant` is the
    key that an unknown one was to be.
    """

    path: Path
    severity: Severity
    code: str
    message: str
    hint: str | None = None
    of_key: bool = False
    meant: str = ""


def error(path: Path, code: str, message: str, hint: str | None = None) -> Problem:
    """Make a problem for which the manifest is not used."""
    return Problem(path, Severity.ERROR, code, message, hint)


def warning(path: Path, code: str, message: str, hint: str | None = None) -> Problem:
    """Make a problem that is reported and lived with."""
    return Problem(path, Severity.WARNING, code, message, hint)


def hides(unreadable: Iterable[Path], path: Path) -> bool:
    """Tell whether a problem may only be there because something at or below it was unreadable."""
    return any(lost[: len(path)] == path or path[: len(lost)] == lost for lost in unreadable)


def without_echoes(problems: Iterable[Problem]) -> list[Problem]:
    """Leave out what another problem explains.

    That is a missing key beside the unknown one that was to be it, and a list that is too short
    because its items are wrong.
    """
    found = list(problems)
    meant = {(*problem.path[:-1], problem.meant) for problem in found if problem.meant}
    wrong = {problem.path[:length] for problem in found for length in range(len(problem.path))}
    return [
        problem
        for problem in found
        if not (problem.code == "missing" and problem.path in meant)
        and not (problem.code == "empty" and problem.path in wrong)
    ]
