"""Problems as values: what is wrong, where, how grave, and what to do.

Made by `spec` (and later by `plan`), rendered by `cli`. Pure. The shape is the contract of
`design/cli.md`, "Bad input"; nothing here knows of YAML or of the service.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """`error`: the manifest is not used. `warning`: it is used, and someone should look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file that a person can open; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem.

    `path` is the value's path in its document (`spec.layout.regions[2].x`), empty for a file.
    """

    position: Position
    path: str
    severity: Severity
    code: str
    message: str
    hint: str | None = None

    @property
    def sort_key(self) -> tuple[Position, Severity, str, str, str]:
        """Order by place, then errors first, then text: any order of reading prints the same."""
        return (self.position, self.severity, self.path, self.code, self.message)


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place and drop exact repeats.

    One mistake in a template is one problem, however many use it.
    """
    return tuple(sorted(set(diagnostics), key=lambda diagnostic: diagnostic.sort_key))


def path_text(path: Iterable[str | int]) -> str:
    """Write a path as people do: `spec.layout.regions[2].x`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
