"""The Recordings and RecordingSets of one file to rows of the index (`index.Entry`)."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import SpecError
from reconciler.spec.build import Built, build
from reconciler.spec.envelope import kind_of_manifest, with_head
from reconciler.spec.expand import Row, rows
from reconciler.spec.index import PATTERN, Entry, FileResult
from reconciler.spec.kinds.manifests import FileGenerator, RecordingSet
from reconciler.spec.load import SUFFIXES, Files
from reconciler.spec.places import Layer, Place
from reconciler.spec.problems import Problem, error, hides, without_echoes
from reconciler.spec.read import read
from reconciler.spec.setting import Setting
from reconciler.spec.shared import Shared, Uses
from reconciler.spec.substitute import Substitution
from reconciler.spec.syntax import Document
from reconciler.spec.wire import Path


class FileReader:
    """Read the recordings of one file; what they depend on is in `uses` afterwards."""

    def __init__(self, shared: Shared, setting: Setting, files: Files) -> None:
        self.uses = Uses()
        self._shared = shared
        self._setting = setting
        self._files = files
        self._entries: list[Entry] = []
        self._sets: list[tuple[str, str, int]] = []
        self._row_files: set[str] = set()
        self._diagnostics: list[Diagnostic] = []
        self._complete = True
        self._secretive = False

    def read(self, documents: tuple[Document, ...]) -> FileResult:
        """Read all documents of the file; those of shared kinds are somebody else's."""
        for document in documents:
            head = with_head(
                document.data, Substitution(self._setting.variables, used=self.uses.variables)
            )
            kind, problems = kind_of_manifest(head)
            if kind == "Recording":
                self._recording(document, problems)
            elif kind == "RecordingSet":
                self._set(document, problems)
            else:
                self._report(Place((Layer(document),)), problems)
                self._complete = self._complete and kind is not None
        return FileResult(
            entries=tuple(self._entries),
            sets=tuple(self._sets),
            rows=tuple(sorted(self._row_files)),
            diagnostics=tuple(self._diagnostics),
            complete=self._complete,
            secretive=self._secretive,
        )

    def _recording(self, document: Document, known: Iterable[Problem]) -> None:
        data, problems = self._filled(document, document.data, None)
        self._build(data, Place((Layer(document),)), [*known, *problems])

    def _build(self, data: Any, place: Place, known: Iterable[Problem]) -> None:
        built = build(data, place, known, self._shared, self.uses, self._setting.now_s)
        self._diagnostics += built.diagnostics
        self._add(built, place)

    def _filled(self, document: Document, data: Any, row: Row | None) -> tuple[Any, list[Problem]]:
        if b"${" not in document.source.data and b"\\" not in document.source.data:
            return data, []
        filling = Substitution(
            self._setting.variables,
            row.values if row else None,
            document.source.folder,
            self.uses.variables,
        )
        return filling.fill(data), filling.problems

    def _set(self, document: Document, known: Iterable[Problem]) -> None:
        """Read a set: everything but its pattern first, then the pattern once for each row."""
        place = Place((Layer(document),))
        head, pattern = _parted(document.data)
        filled, unfilled = self._filled(document, head, None)
        if pattern is not None:
            filled["spec"]["recording"] = pattern
        reading = read(RecordingSet, filled)
        lost = [problem.path for problem in unfilled]
        found = [*known, *unfilled, *_pattern_problems(pattern)]
        found += (
            problem
            for problem in reading.problems
            if problem.path[0] in {"metadata", "spec"} and not hides(lost, problem.path)
        )
        self._report(place, without_echoes(found))
        if reading.model is None or found:
            self._complete = False
            return
        self._sets.append((reading.model.name, document.source.file, document.index))
        for row in self._rows(document, reading.model, place):
            self._made(document, row)

    def _rows(self, document: Document, model: RecordingSet, place: Place) -> Iterator[Row]:
        for index, generator in enumerate(model.spec.generators):
            label = f"generators[{index}]"
            read_file = partial(self._read_file, document)
            try:
                yield from rows(generator, label, read_file)
            except SpecError as problem:
                self._complete = False
                form = "file" if isinstance(generator, FileGenerator) else "matrix"
                path = ("spec", "generators", index, form)
                self._report(place, [error(path, problem.code, str(problem), problem.hint)])

    def _read_file(self, document: Document, name: str) -> bytes:
        self.uses.files.add(name)
        if name.endswith(SUFFIXES):
            self._row_files.add(posixpath.normpath(posixpath.join(document.source.folder, name)))
        return self._files.beside(document.source, name)

    def _made(self, document: Document, row: Row) -> None:
        place = Place((Layer(document, PATTERN, row.values),), row.origin)
        if row.fault:
            self._complete = False
            self._report(place, [error((), "row", row.fault)])
            return
        data, problems = self._filled(document, document.data["spec"]["recording"], row)
        self._build(data, place, problems)

    def _add(self, built: Built, place: Place) -> None:
        if built.name is None:
            self._complete = False
            return
        document = place.layers[-1].document
        entry = Entry(built.name, document.source.file, document.index, place.origin)
        desired = built.desired
        if desired is None:
            self._entries.append(entry)
            return
        frozen = desired.freeze()
        self._secretive = self._secretive or frozen.secretive
        self._entries.append(
            replace(
                entry,
                digest=frozen.digest,
                app=desired.app,
                channel=desired.channel,
                uids=desired.uids,
                body=frozen.body,
            )
        )

    def _report(self, place: Place, problems: Any) -> None:
        self._diagnostics += [place.diagnostic(problem) for problem in problems]


def _parted(manifest: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return a set without its pattern, and the pattern (None: there is none)."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        return manifest, None
    rest = {key: value for key, value in spec.items() if key != "recording"}
    return {**manifest, "spec": rest}, spec.get("recording")


def _pattern_problems(pattern: Any) -> Iterator[Problem]:
    for key in pattern if isinstance(pattern, dict) else ():
        if key not in {"metadata", "spec"}:
            path: Path = ("spec", "recording", key)
            message, hint = f"`{key}` is not known here", "a pattern has `metadata` and `spec`"
            yield Problem(path, Severity.ERROR, "unknown-key", message, hint, of_key=True)
