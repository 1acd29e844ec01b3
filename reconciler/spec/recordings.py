"""The Recordings and RecordingSets of one file to rows of the index (`index.Entry`)."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.errors import SpecError
from reconciler.spec.build import Built, build
from reconciler.spec.envelope import kind_of_manifest
from reconciler.spec.expand import Row, rows
from reconciler.spec.index import PATTERN, Entry, FileResult
from reconciler.spec.kinds.manifests import RecordingSet
from reconciler.spec.load import Files
from reconciler.spec.places import Layer, Place
from reconciler.spec.problems import Problem, error
from reconciler.spec.read import read
from reconciler.spec.setting import Setting
from reconciler.spec.shared import Shared, Uses
from reconciler.spec.substitute import Substitution
from reconciler.spec.syntax import Document


class FileReader:
    """Read the recordings of one file; what they depend on is in `uses` afterwards."""

    def __init__(self, shared: Shared, setting: Setting, files: Files) -> None:
        self.uses = Uses()
        self._shared = shared
        self._setting = setting
        self._files = files
        self._entries: list[Entry] = []
        self._diagnostics: list[Diagnostic] = []
        self._complete = True
        self._secretive = False

    def read(self, documents: tuple[Document, ...]) -> FileResult:
        """Read all documents of the file; those of shared kinds are somebody else's."""
        for document in documents:
            kind, problems = kind_of_manifest(document.data)
            self._report(Place((Layer(document),)), problems)
            if kind == "Recording":
                self._recording(document)
            elif kind == "RecordingSet":
                self._set(document)
            elif kind is None:
                self._complete = False
        return FileResult(
            tuple(self._entries), tuple(self._diagnostics), self._complete, self._secretive
        )

    def _recording(self, document: Document) -> None:
        place = Place((Layer(document),))
        data, problems = self._filled(document, document.data, None)
        self._build(data, place, problems)

    def _build(self, data: Any, place: Place, problems: list[Problem]) -> None:
        """Build one Recording.

        What cannot be filled in is a problem already, whatever the value then looks like.
        """
        self._report(place, problems)
        told = {place.position(problem.path) for problem in problems}
        built = build(data, place, self._shared, self.uses, self._setting.now_s)
        self._diagnostics += [found for found in built.diagnostics if found.position not in told]
        self._add(built, place, broken=bool(problems))

    def _filled(self, document: Document, data: Any, row: Row | None) -> tuple[Any, list[Problem]]:
        if b"${" not in document.source.data:
            return data, []
        filling = Substitution(
            self._setting.variables, row.values if row else None, self.uses.variables
        )
        return filling.fill(data), filling.problems

    def _set(self, document: Document) -> None:
        """Read a set: everything but its pattern first, then the pattern once for each row."""
        place = Place((Layer(document),))
        head = {**document.data, "spec": _without_pattern(document.data.get("spec"))}
        filled, problems = self._filled(document, head, None)
        pattern = document.data.get("spec", {})
        pattern = pattern.get("recording") if isinstance(pattern, dict) else None
        if isinstance(filled["spec"], dict) and pattern is not None:
            filled["spec"]["recording"] = pattern
        reading = read(RecordingSet, filled)
        self._report(place, [*problems, *reading.problems])
        if reading.model is None or problems or reading.problems:
            self._complete = False
            return
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
                path = ("spec", "generators", index)
                self._report(place, [error(path, problem.code, str(problem), problem.hint)])

    def _read_file(self, document: Document, name: str) -> bytes:
        self.uses.files.add(name)
        return self._files.beside(document.source, name)

    def _made(self, document: Document, row: Row) -> None:
        place = Place((Layer(document, PATTERN, row.values),), row.origin)
        if row.fault:
            self._complete = False
            self._report(place, [error((), "row", row.fault)])
            return
        data, problems = self._filled(document, document.data["spec"]["recording"], row)
        unknown = [key for key in data if key not in {"metadata", "spec"}]
        hint = "a pattern has `metadata` and `spec`"
        problems += [
            error((key,), "unknown-key", f"`{key}` is not known here", hint) for key in unknown
        ]
        self._build(data, place, problems)

    def _add(self, built: Built, place: Place, *, broken: bool) -> None:
        if built.name is None:
            self._complete = False
            return
        document = place.layers[-1].document
        entry = Entry(built.name, document.source.file, document.index)
        desired = built.desired
        if desired is None or broken:
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


def _without_pattern(spec: Any) -> Any:
    return (
        {key: value for key, value in spec.items() if key != "recording"}
        if isinstance(spec, dict)
        else spec
    )
