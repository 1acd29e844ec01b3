"""All specs under some paths, as desired recordings with every problem there is.

The entry to `spec`.

Files are read one after the other and let go: what stays of a recording is a row of the index and
its JSON. A file that has not changed, and whose Templates, Storages, Apps, variables and rows have
not, comes from the cache; the models are imported only when something does not
(docs/decisions/004-spec-cache.md).
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.diagnostics import Diagnostic, Position, Severity, ordered, path_text
from reconciler.errors import SpecError
from reconciler.spec import desired, index
from reconciler.spec.cache import Cache
from reconciler.spec.index import Entry, FileResult
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting
from reconciler.spec.source import Source
from reconciler.spec.syntax import Document, parse
from reconciler.spec.wire import Path as SpecPath

if TYPE_CHECKING:
    from reconciler.spec.definitions import Definitions
    from reconciler.spec.shared import Uses

_MAY_DEFINE = re.compile(rb"""kind["']?\s*:\s*["']?(?:App|Storage|Template)\b""")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that some paths desire.

    `entries` are in order of name. `complete` is False when something could not be read at all: a
    recording that is not in the index may exist all the same, and nothing may be pruned.
    """

    entries: tuple[Entry, ...]
    diagnostics: tuple[Diagnostic, ...]
    complete: bool

    @property
    def errors(self) -> int:
        """Return how many of the problems are errors."""
        return sum(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    @property
    def warnings(self) -> int:
        """Return how many of the problems are warnings."""
        return len(self.diagnostics) - self.errors


def read_catalog(files: Files, setting: Setting, cache: Cache | None = None) -> Catalog:
    """Read all specs that `files` may see, with what `setting` gives from outside."""
    if cache:
        setting = replace(setting, key=cache.key)
    return _Load(files, setting, cache).catalog()


class _LateDefinitionError(Exception):
    """A file defines a shared manifest although its text did not look like it."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file


class _Load:
    def __init__(self, files: Files, setting: Setting, cache: Cache | None) -> None:
        self._files = files
        self._setting = setting
        self._cache = cache
        self._loaded = files.load()
        self._defining = {
            source.file for source in self._loaded.sources if _MAY_DEFINE.search(source.data)
        }
        self._late: set[str] = set()

    def catalog(self) -> Catalog:
        while True:
            try:
                results = [self._result(source) for source in self._loaded.sources]
                break
            except _LateDefinitionError as late:
                self._late.add(late.file)
                self._defining.add(late.file)
                self.__dict__.pop("_definitions", None)
                self.__dict__.pop("_outline", None)
        entries, clashes = _without_clashes(results, self._documents)
        found = [*self._loaded.diagnostics, *self._outline.diagnostics, *clashes]
        found += [diagnostic for result in results for diagnostic in result.diagnostics]
        complete = not self._loaded.diagnostics and all(result.complete for result in results)
        return Catalog(entries, ordered(found), complete)

    # What one file comes to

    def _result(self, source: Source) -> FileResult:
        key = self._name("file", source.file, source.digest)
        row = self._row(key)
        if row is not None and all(
            self._current(source, label) == digest for label, digest in row["uses"].items()
        ):
            return index.from_row(source.file, row, partial(self._body, source, key))
        return self._fresh(source, key)

    def _fresh(self, source: Source, key: bytes) -> FileResult:
        from reconciler.spec.recordings import FileReader

        parsed = parse(source)
        if parsed.diagnostics:
            return FileResult((), parsed.diagnostics, complete=False, secretive=False)
        if source.file not in self._defining and any(map(_shared_kind, parsed.documents)):
            raise _LateDefinitionError(source.file)
        reader = FileReader(self._definitions.shared, self._setting, self._files)
        result = reader.read(parsed.documents)
        if not result.secretive and source.file not in self._late:
            row = index.to_row(result)
            row |= {
                "uses": self._dependencies(source, reader.uses),
                "until": _until(reader.uses.until_s),
            }
            self._remember(key, row, json.dumps([entry.body for entry in result.entries]))
        return result

    def _body(self, source: Source, key: bytes, number: int) -> str:
        found = self._cache.bodies(key) if self._cache else None
        if found is None:  # damaged, or trimmed by another run since: make it again
            return self._fresh(source, key).entries[number].body
        return str(json.loads(found)[number])

    # The manifests that others refer to

    @cached_property
    def _outline(self) -> "_Outline":
        """What of the shared manifests is needed when no file has changed.

        Their digests and their problems.
        """
        defining = [source for source in self._loaded.sources if source.file in self._defining]
        parts = [part for source in defining for part in (source.file, source.digest)]
        agora = {
            name: value
            for name, value in self._setting.environ.items()
            if name.startswith("AGORA_")
        }
        outside = [sorted(self._setting.allowed_hosts), agora, dict(self._setting.variables)]
        key = self._name("definitions", *parts, json.dumps(outside, sort_keys=True, default=repr))
        row = self._row(key)
        if row is not None:
            return _Outline(row["digests"], index.diagnostics_of(row["diagnostics"]))
        made = self._definitions
        digests = {_label(*name): digest for name, digest in made.shared.digests.items()}
        problems = [index.diagnostic_row(diagnostic) for diagnostic in made.diagnostics]
        content = {"digests": digests, "diagnostics": problems, "until": _until(made.until_s)}
        self._remember(key, content, "")
        return _Outline(digests, made.diagnostics)

    @cached_property
    def _definitions(self) -> "Definitions":
        from reconciler.spec.definitions import define

        documents = [
            (kind, document)
            for source in self._loaded.sources
            if source.file in self._defining
            for document in parse(source).documents
            if (kind := _shared_kind(document))
        ]
        return define(documents, self._setting)

    def _documents(self, file: str) -> tuple[Document, ...]:
        source = next(source for source in self._loaded.sources if source.file == file)
        return parse(source).documents

    # The cache

    def _name(self, *parts: str) -> bytes:
        return self._cache.name(_program(), *parts) if self._cache else b""

    def _row(self, key: bytes) -> dict[str, Any] | None:
        content = self._cache.index(key) if self._cache else None
        row: dict[str, Any] | None = json.loads(content) if content else None
        if row is None or (row["until"] is not None and row["until"] <= self._setting.now_s):
            return None
        return row

    def _remember(self, key: bytes, row: dict[str, Any], bodies: str) -> None:
        if self._cache:
            self._cache.put(key, json.dumps(row).encode(), bodies.encode())

    def _dependencies(self, source: Source, uses: "Uses") -> dict[str, str | None]:
        labels = [_label(*name) for name in uses.shared]
        labels += [_label("var", name) for name in uses.variables]
        labels += [_label("file", name) for name in uses.files]
        return {label: self._current(source, label) for label in labels}

    def _current(self, source: Source, label: str) -> str | None:
        """Return the digest that a dependency has now, None for what is not there."""
        kind, _, name = label.partition(" ")
        if kind == "var":
            value = self._setting.variables.get(name)
            return None if value is None else self._digest(json.dumps(value, default=repr).encode())
        if kind == "file":
            try:
                return self._digest(self._files.beside(source, name))
            except SpecError as problem:
                return str(problem)
        return self._outline.digests.get(label)

    def _digest(self, content: bytes) -> str:
        return hashlib.blake2b(content, key=self._setting.key, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Outline:
    digests: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


def _label(kind: str, name: str) -> str:
    return f"{kind} {name}"


def _until(time_s: float) -> float | None:
    return None if time_s == inf else time_s


def _shared_kind(document: Document) -> str:
    kind = document.data.get("kind")
    return kind if kind in {"App", "Storage", "Template"} else ""


def _program() -> str:
    """Name this very program.

    A cache that another version made, or this one before an edit, is not read.
    """
    folder = Path(__file__).parent
    with (
        os.scandir(folder) as entries,
        os.scandir(folder / "rules") as rules,
        os.scandir(folder / "kinds") as kinds,
    ):
        newest = max(
            entry.stat().st_mtime_ns
            for entry in (*entries, *rules, *kinds)
            if entry.name.endswith(".py")
        )
    return f"{__version__}/{desired.FORMAT}/{newest}"


def _without_clashes(
    results: Iterable[FileResult], documents: Callable[[str], tuple[Document, ...]]
) -> tuple[tuple[Entry, ...], list[Diagnostic]]:
    """Return the entries in order of name, and what two of them claim at once.

    Neither of two that clash is used: which one was meant is not ours to guess.
    """
    entries = [entry for result in results for entry in result.entries]
    problems: list[Diagnostic] = []
    spoiled: set[str] = set()
    first_named: dict[str, Entry] = {}
    first_at: dict[tuple[str, str, str], Entry] = {}
    for entry in entries:
        other = first_named.setdefault(entry.name, entry)
        if other is not entry:
            spoiled.add(entry.name)
            problems.append(_twice(entry, other, documents))
        for uid in entry.uids:
            other = first_at.setdefault((entry.app, entry.channel, uid), entry)
            if other.name != entry.name:
                spoiled |= {entry.name, other.name}
                problems.append(_clash(entry, other, uid, documents))
    sound = {
        name: replace(entry, digest="", body="", fetch=None) if name in spoiled else entry
        for name, entry in first_named.items()
    }
    return tuple(sound[name] for name in sorted(sound)), problems


_Documents = Callable[[str], tuple[Document, ...]]


def _twice(entry: Entry, other: Entry, documents: _Documents) -> Diagnostic:
    path = ("metadata", "name")
    where = _position(other, path, documents)
    message = f"another Recording is called `{entry.name}`, at {where}"
    return _problem(entry, path, "duplicate-name", message, "rename one of the two", documents)


def _clash(entry: Entry, other: Entry, uid: str, documents: _Documents) -> Diagnostic:
    path = ("spec", "uid")
    where = _position(other, path, documents)
    message = (
        f"`{entry.name}` and `{other.name}` ({where}) both record `{entry.channel}` as uid {uid}"
    )
    return _problem(entry, path, "uid-clash", message, "give each its own uid, or none", documents)


def _problem(
    entry: Entry, path: SpecPath, code: str, message: str, hint: str, documents: _Documents
) -> Diagnostic:
    position = _position(entry, path, documents)
    shown = path_text(_written(entry, path, documents)[1])
    return Diagnostic(position, shown, Severity.ERROR, code, message, hint)


def _position(entry: Entry, path: SpecPath, documents: _Documents) -> Position:
    document, written = _written(entry, path, documents)
    return document.position(written)


def _written(entry: Entry, path: SpecPath, documents: _Documents) -> tuple[Document, SpecPath]:
    document = documents(entry.file)[entry.document]
    is_set = document.data.get("kind") == "RecordingSet"
    return document, (*index.PATTERN, *path) if is_set else path
