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
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.diagnostics import Diagnostic, Severity, ordered
from reconciler.errors import SpecError
from reconciler.spec import apps, desired, index
from reconciler.spec.apps import AppDefinition
from reconciler.spec.cache import Cache
from reconciler.spec.clashes import without_clashes
from reconciler.spec.index import Entry, FileResult
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting
from reconciler.spec.source import Source

if TYPE_CHECKING:
    from reconciler.spec.definitions import Definitions
    from reconciler.spec.shared import Uses
    from reconciler.spec.syntax import Document, Parsed

SHARED_FILES_MIN = 100
"""So many files are worth the children's start, about 50 ms."""

_Fresh = tuple[FileResult, dict[str, Any] | None]

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
    apps: Mapping[str, AppDefinition] = field(default_factory=dict)
    """By name; without any manifest of an App the one that the environment describes."""

    sets: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The names of the RecordingSets, by file and number of the document."""

    empty_sets: tuple[str, ...] = ()
    """The RecordingSets that were read and make no recording, not even a wrong one."""

    manifests: int = 0
    """How many manifests of any kind there are; a file that cannot be read counts as one."""

    @property
    def errors(self) -> int:
        """Return how many of the problems are errors."""
        return sum(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    @property
    def warnings(self) -> int:
        """Return how many of the problems are warnings."""
        return len(self.diagnostics) - self.errors


def read_catalog(
    files: Files, setting: Setting, cache: Cache | None = None, *, workers: int = 1
) -> Catalog:
    """Read all specs that `files` may see, with what `setting` gives from outside.

    With more than one of `workers` a first read of many files is shared among forked processes;
    only a process without threads may ask for that.
    """
    if cache:
        setting = replace(setting, key=cache.key)
    return _Load(files, setting, cache, workers).catalog()


class _LateDefinitionError(Exception):
    """A file defines a shared manifest although its text did not look like it."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file


class _Load:
    def __init__(self, files: Files, setting: Setting, cache: Cache | None, workers: int) -> None:
        self._files = files
        self._setting = setting
        self._cache = cache
        self._workers = workers
        self._loaded = files.load()
        self._defining = {
            source.file for source in self._loaded.sources if _MAY_DEFINE.search(source.data)
        }
        self._late: set[str] = set()

    def catalog(self) -> Catalog:
        while True:
            try:
                results = self._results()
                break
            except _LateDefinitionError as late:
                self._late.add(late.file)
                self._defining.add(late.file)
                self.__dict__.pop("_definitions", None)
                self.__dict__.pop("_outline", None)
        entries, clashes = without_clashes(results, self._documents)
        found = [*self._loaded.diagnostics, *self._outline.diagnostics, *clashes]
        found += [diagnostic for result in results for diagnostic in result.diagnostics]
        complete = not self._loaded.diagnostics and all(result.complete for result in results)
        # One mistake in a template may get another hint from each mode: the first of them stays.
        hinted = sorted(found, key=lambda problem: problem.hint or "", reverse=True)
        told = {problem.sort_key: problem for problem in hinted}
        return Catalog(
            entries=entries,
            diagnostics=ordered(told.values()),
            complete=complete,
            apps=self._outline.apps,
            sets={(file, number): name for each in results for name, file, number in each.sets},
            empty_sets=tuple(_empty_sets(results)),
            manifests=sum(result.documents for result in results),
        )

    # What one file comes to

    def _results(self) -> list[FileResult]:
        known = {source.file: self._cached(source) for source in self._loaded.sources}
        unknown = [source for source in self._loaded.sources if known[source.file] is None]
        for source, (result, row) in zip(unknown, self._fresh_ones(unknown), strict=True):
            known[source.file] = result
            if row is not None:
                bodies = json.dumps([entry.body for entry in result.entries])
                self._remember(self._file_key(source), row, bodies)
        rows = {name for result in known.values() if result for name in result.rows}
        return [
            result
            for file, result in known.items()
            if result and (result.entries or result.sets or posixpath.normpath(file) not in rows)
        ]

    def _cached(self, source: Source) -> FileResult | None:
        row = self._row(self._file_key(source))
        if row is None or source.file in self._late:
            return None
        if all(self._current(source, label) == digest for label, digest in row["uses"].items()):
            return index.from_row(source.file, row, partial(self._body, source))
        return None

    def _fresh_ones(self, sources: list[Source]) -> Iterable[_Fresh]:
        if self._workers == 1 or len(sources) < SHARED_FILES_MIN:
            return map(self._fresh, sources)
        from reconciler.spec.workers import forked_map

        self._fresh(sources[0])  # what all need is made before the children are
        return forked_map(lambda number: self._fresh(sources[number]), len(sources), self._workers)

    def _fresh(self, source: Source) -> _Fresh:
        """Read a file; with it comes the row to remember it by, if it may be remembered."""
        from reconciler.spec.recordings import FileReader

        parsed = _parsed(source)
        if parsed.diagnostics:
            return index.unreadable(parsed.diagnostics), None
        if source.file not in self._defining and any(map(self._shared_kind, parsed.documents)):
            raise _LateDefinitionError(source.file)
        reader = FileReader(self._definitions.shared, self._setting, self._files)
        result = replace(reader.read(parsed.documents), documents=len(parsed.documents))
        if self._cache is None or result.secretive or source.file in self._late:
            return result, None
        uses = self._dependencies(source, reader.uses)
        return result, index.to_row(result) | {"uses": uses, "until": _until(reader.uses.until_s)}

    def _body(self, source: Source, number: int) -> str:
        found = self._cache.bodies(self._file_key(source)) if self._cache else None
        if found is None:  # damaged, or trimmed by another run since: make it again
            return self._fresh(source)[0].entries[number].body
        return str(json.loads(found)[number])

    def _file_key(self, source: Source) -> bytes:
        return self._name("file", source.file, source.digest)

    # The manifests that others refer to

    @cached_property
    def _outline(self) -> "_Outline":
        """What of the shared manifests is needed when no file has changed.

        Their digests, their problems, and the Apps.
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
            known = {name: apps.from_row(app) for name, app in row["apps"].items()}
            return _Outline(row["digests"], index.diagnostics_of(row["diagnostics"]), known)
        made = self._definitions
        found = made.apps()
        digests = {_label(*name): digest for name, digest in made.shared.digests.items()}
        problems = [index.diagnostic_row(diagnostic) for diagnostic in made.diagnostics]
        if not any(app.inline for app in found.values()):  # no secret goes into the cache
            rows = {name: apps.to_row(app) for name, app in found.items()}
            content = {"digests": digests, "diagnostics": problems, "apps": rows}
            self._remember(key, content | {"until": _until(made.until_s)}, "")
        return _Outline(digests, made.diagnostics, found)

    @cached_property
    def _definitions(self) -> "Definitions":
        from reconciler.spec.definitions import define

        documents = [
            (kind, document)
            for source in self._loaded.sources
            if source.file in self._defining
            for document in _parsed(source).documents
            if (kind := self._shared_kind(document))
        ]
        return define(documents, self._setting)

    def _documents(self, file: str) -> "tuple[Document, ...]":
        source = next(source for source in self._loaded.sources if source.file == file)
        return _parsed(source).documents

    def _shared_kind(self, document: "Document") -> str:
        kind = document.data.get("kind")
        if isinstance(kind, str) and "${" in kind:
            from reconciler.spec.substitute import Substitution

            kind = Substitution(self._setting.variables).fill(kind)
        return kind if isinstance(kind, str) and kind in {"App", "Storage", "Template"} else ""

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


def _parsed(source: Source) -> "Parsed":
    from reconciler.spec.syntax import parse

    return parse(source)


@dataclass(frozen=True, slots=True)
class _Outline:
    digests: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]
    apps: Mapping[str, AppDefinition]


def _empty_sets(results: Iterable[FileResult]) -> Iterator[str]:
    """Yield the sets without recordings; of a file that was read in part nobody knows."""
    for result in results:
        if result.sets and result.complete:
            filled = {entry.document for entry in result.entries}
            yield from (name for name, _, number in result.sets if number not in filled)


def _label(kind: str, name: str) -> str:
    return f"{kind} {name}"


def _until(time_s: float) -> float | None:
    return None if time_s == inf else time_s


@cache
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
