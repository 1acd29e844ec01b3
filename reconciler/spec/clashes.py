"""What two Recordings, or two sets of them, claim at once: a name, a uid of a channel.

Neither of two that clash is used: which one was meant is not ours to guess. The texts are read
only where something clashes. Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from reconciler.diagnostics import Diagnostic, Severity, path_text
from reconciler.spec.index import PATTERN, Entry, FileResult
from reconciler.spec.wire import Path, get

if TYPE_CHECKING:
    from reconciler.spec.syntax import Document

Documents: TypeAlias = "Callable[[str], tuple[Document, ...]]"
"""The documents of a file, by its name."""

NAME: Path = ("metadata", "name")


def without_clashes(
    results: Iterable[FileResult], documents: Documents
) -> tuple[tuple[Entry, ...], list[Diagnostic]]:
    """Return the entries in order of name, those that clash without what they desire.

    With them come the clashes.
    """
    files = tuple(results)
    search = _Search(documents)
    search.sets(each for result in files for each in result.sets)
    for entry in (each for result in files for each in result.entries):
        search.entry(entry)
    return search.entries(), search.problems


class _Search:
    def __init__(self, documents: Documents) -> None:
        self.problems: list[Diagnostic] = []
        self._documents = documents
        self._named: dict[str, Entry] = {}
        self._at: dict[tuple[str, str, str], Entry] = {}
        self._spoiled: set[str] = set()
        self._spoiled_sets: set[tuple[str, int]] = set()

    def entries(self) -> tuple[Entry, ...]:
        """Return what was seen, in order of name."""
        return tuple(
            replace(entry, digest="", body="", fetch=None) if name in self._spoiled else entry
            for name, entry in sorted(self._named.items())
        )

    def sets(self, sets: Iterable[tuple[str, str, int]]) -> None:
        """Note the sets; of two with one name nothing is used that they make."""
        first: dict[str, tuple[str, int]] = {}
        for name, file, number in sets:
            other = first.setdefault(name, (file, number))
            if other != (file, number):
                self._spoiled_sets |= {other, (file, number)}
                position = self._documents(file)[number].position(NAME)
                where = self._documents(other[0])[other[1]].position(NAME)
                message = f"another RecordingSet is called `{name}`, at {where}"
                found = Severity.ERROR, "duplicate-name", message, "rename one of the two"
                self.problems.append(Diagnostic(position, path_text(NAME), *found))

    def entry(self, entry: Entry) -> None:
        """Note a recording."""
        if (entry.file, entry.document) in self._spoiled_sets:
            self._spoiled.add(entry.name)
        other = self._named.setdefault(entry.name, entry)
        if other is not entry:
            self._spoiled.add(entry.name)
            message = f"another Recording is called `{entry.name}`, at {self._where(other, NAME)}"
            self._report(entry, NAME, "duplicate-name", message, "rename one of the two")
        for uid in entry.uids:
            other = self._at.setdefault((entry.app, entry.channel, uid), entry)
            if other.name != entry.name:
                self._spoiled |= {entry.name, other.name}
                self._clash(entry, other, uid)

    def _clash(self, entry: Entry, other: Entry, uid: str) -> None:
        where = self._where(other, self._uid_path(other, uid))
        both = f"`{entry.name}` and `{other.name}` ({where}) both record"
        message = f"{both} `{entry.channel}` as uid {uid}"
        path = self._uid_path(entry, uid)
        self._report(entry, path, "uid-clash", message, "give each its own uid, or none")

    def _uid_path(self, entry: Entry, uid: str) -> Path:
        """Return which of a recording's own fields has this uid; another's is taken for `uid`."""
        document, path = self._written(entry, ("spec", "backupUids"))
        backups = get(document.data, path)
        if isinstance(backups, list) and uid in map(str, backups):
            return ("spec", "backupUids", [*map(str, backups)].index(uid))
        return ("spec", "uid")

    def _report(self, entry: Entry, path: Path, code: str, message: str, hint: str) -> None:
        document, written = self._written(entry, path)
        if entry.origin:
            message += f" (made from {entry.origin})"
        found = Severity.ERROR, code, message, hint
        self.problems.append(Diagnostic(document.position(written), path_text(written), *found))

    def _where(self, entry: Entry, path: Path) -> str:
        document, written = self._written(entry, path)
        made = f", made from {entry.origin}" if entry.origin else ""
        return f"{document.position(written)}{made}"

    def _written(self, entry: Entry, path: Path) -> "tuple[Document, Path]":
        document = self._documents(entry.file)[entry.document]
        is_set = document.data.get("kind") == "RecordingSet"
        return document, (*PATTERN, *path) if is_set else path
