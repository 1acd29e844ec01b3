"""What stays of a file once it is read: a row for each recording, and the problems.

Light on purpose: a run in which nothing changed reads these rows from the cache and imports no
model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.spec.desired import Desired, thaw

PATTERN = ("spec", "recording")
"""Where a RecordingSet holds the manifest body that its rows fill in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording's row.

    `digest` is empty for a recording with errors: it exists and is not to be pruned, but nothing
    can be planned for it. `origin` is the row that a set made it from, such as `rooms.csv:57`.
    `uids` are those the user gave. `body` is the Desired as JSON text; empty with errors, and where
    it is still in the cache.
    """

    name: str
    file: str
    document: int
    origin: str = ""
    digest: str = ""
    app: str = ""
    channel: str = ""
    uids: tuple[str, ...] = ()
    body: str = field(default="", repr=False)
    fetch: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    def desired(self) -> Desired:
        """Return the recording itself. Raises ValueError for one with errors."""
        return thaw(self.body or (self.fetch() if self.fetch else ""))


@dataclass(frozen=True, slots=True)
class FileResult:
    """What one file came to.

    `complete` is False where a recording may exist that could not even be named; `secretive` means
    that a body holds a literal secret, and nothing of the file may be written anywhere.
    """

    entries: tuple[Entry, ...]
    sets: tuple[tuple[str, str, int], ...]
    """The RecordingSets: the name of each, its file, the number of its document."""

    rows: tuple[str, ...]
    """The YAML files that the sets read rows from: they lie beside the specs and are none."""

    diagnostics: tuple[Diagnostic, ...]
    complete: bool
    secretive: bool
    documents: int = 0
    """How many manifests of any kind the file holds."""


def to_row(result: FileResult) -> dict[str, Any]:
    """Return a result as JSON data, but for the bodies."""
    entries = [_entry_row(entry) for entry in result.entries]
    diagnostics = [diagnostic_row(diagnostic) for diagnostic in result.diagnostics]
    return {
        "entries": entries,
        "sets": [[name, document] for name, _, document in result.sets],
        "rows": result.rows,
        "diagnostics": diagnostics,
        "complete": result.complete,
        "documents": result.documents,
    }


def from_row(file: str, row: dict[str, Any], fetch: Callable[[int], str]) -> FileResult:
    """Make a result of what `to_row` gave; `fetch` reads the body of the entry with this number."""
    entries = tuple(
        Entry(
            name,
            file,
            document,
            origin,
            digest,
            app,
            channel,
            tuple(uids),
            "",
            _fetcher(fetch, number),
        )
        for number, (name, document, origin, digest, app, channel, uids) in enumerate(
            row["entries"]
        )
    )
    return FileResult(
        entries=entries,
        sets=tuple((name, file, document) for name, document in row["sets"]),
        rows=tuple(row["rows"]),
        diagnostics=diagnostics_of(row["diagnostics"]),
        complete=row["complete"],
        secretive=False,
        documents=row["documents"],
    )


def unreadable(diagnostics: tuple[Diagnostic, ...]) -> FileResult:
    """Make the result of a file of which nothing can be said but why."""
    return FileResult((), (), (), diagnostics, complete=False, secretive=False, documents=1)


def _entry_row(entry: Entry) -> list[Any]:
    place = [entry.name, entry.document, entry.origin]
    return [*place, entry.digest, entry.app, entry.channel, entry.uids]


def _fetcher(fetch: Callable[[int], str], number: int) -> Callable[[], str]:
    return lambda: fetch(number)


def diagnostic_row(diagnostic: Diagnostic) -> list[Any]:
    """Return a diagnostic as JSON data."""
    place = diagnostic.position
    return [
        [place.file, place.line, place.column],
        diagnostic.path,
        str(diagnostic.severity),
        diagnostic.code,
        diagnostic.message,
        diagnostic.hint,
    ]


def diagnostics_of(rows: list[list[Any]]) -> tuple[Diagnostic, ...]:
    """Make diagnostics of what `diagnostic_row` gave."""
    return tuple(
        Diagnostic(Position(*place), path, Severity(severity), code, message, hint)
        for place, path, severity, code, message, hint in rows
    )
