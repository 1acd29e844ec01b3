"""Documents of the shared kinds to `Shared`.

Read once each, checked whether or not anything uses them. Pure.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.spec.apps import AppDefinition, broken, foreign_hosts
from reconciler.spec.build import COMPOSITE, MODE_HINT
from reconciler.spec.checks import inline_secrets, storage_deadlines, storage_secrets
from reconciler.spec.envelope import kind_of_manifest
from reconciler.spec.kinds import app as apps
from reconciler.spec.kinds.app import App, AppSpec
from reconciler.spec.kinds.base import Metadata
from reconciler.spec.kinds.modes import MODELS
from reconciler.spec.kinds.storage import Storage, StorageSpec
from reconciler.spec.places import Layer, Place
from reconciler.spec.problems import Problem, error, hides, warning, without_echoes
from reconciler.spec.read import read
from reconciler.spec.rules.rule import Body
from reconciler.spec.rules.table import findings
from reconciler.spec.setting import Setting
from reconciler.spec.shared import Shared, SharedStorage, near
from reconciler.spec.storage import storage_config, storage_problems
from reconciler.spec.substitute import UNFILLED, Substitution
from reconciler.spec.syntax import Document
from reconciler.spec.templates import circle, template_names
from reconciler.spec.trace import spec_path
from reconciler.spec.values import shown
from reconciler.spec.wire import Json, Mode, Path


@dataclass(frozen=True, slots=True)
class Definitions:
    """The shared manifests and everything wrong with them.

    At `until_s` (Unix time) the verdict may change by itself.
    """

    shared: Shared
    diagnostics: tuple[Diagnostic, ...]
    until_s: float

    def apps(self) -> dict[str, AppDefinition]:
        """Return all Apps by name, those with errors too."""
        return {name: self._app(name, spec) for name, spec in self.shared.apps.items()}

    def _app(self, name: str, spec: AppSpec | None) -> AppDefinition:
        is_environments = self.shared.app_is_environments
        if spec is not None:
            return replace(apps.definition(name, spec), of_environment=is_environments)
        return broken(name, _WRONG_ENVIRONMENT if is_environments else _WRONG_MANIFEST)


_WRONG_ENVIRONMENT = "what AGORA_ENDPOINTS says is no list of base URLs"
_WRONG_MANIFEST = "its manifest has errors"


def define(documents: Iterable[tuple[str, Document]], setting: Setting) -> Definitions:
    """Read all documents of shared kinds, given with their kinds in order of path."""
    return _Definer(setting).run(documents)


class _Definer:
    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._diagnostics: list[Diagnostic] = []
        self._seen: dict[tuple[str, str], Document] = {}
        self._spoiled: set[tuple[str, str]] = set()
        self._circles: set[frozenset[str]] = set()
        self._digests: dict[tuple[str, str], str] = {}
        self._apps: dict[str, AppSpec | None] = {}
        self._storages: dict[str, SharedStorage] = {}
        self._templates: dict[str, Document] = {}
        self._until_s = inf

    def run(self, documents: Iterable[tuple[str, Document]]) -> Definitions:
        empty = True
        for kind, document in documents:
            empty = empty and kind != "App"
            self._define(kind, document)
        if empty:
            self._apps[apps.DEFAULT_NAME] = self._app_from_environment()
        self._digests["App", "*"] = self._digest(
            [(name, self._digests.get(("App", name))) for name in sorted(self._apps)]
            + [repr(self._apps.get(apps.DEFAULT_NAME)) if empty else ""]
        )
        for kind, named in (("Storage", self._storages), ("Template", self._templates)):
            self._digests[kind, "*"] = self._digest(sorted(named))
        for name, document in self._templates.items():
            self._follow(name, document)
        for kind, name in sorted(self._spoiled):
            self._spoil(kind, name)
        spoiled = frozenset(name for kind, name in self._spoiled if kind == "Template")
        shared = Shared(self._apps, self._storages, self._templates, empty, self._digests, spoiled)
        return Definitions(shared, tuple(self._diagnostics), self._until_s)

    def _define(self, kind: str, document: Document) -> None:
        filling = Substitution(self._setting.variables, folder=document.source.folder)
        filled = replace(document, data=filling.fill(document.data))
        self._report(document, filling.problems)
        data = filled.data
        _, envelope = kind_of_manifest(data)  # reported with the file's other documents
        name = self._name(kind, document, data, {problem.meant for problem in envelope})
        if name is None:
            return
        if envelope or filling.problems:
            self._spoiled.add((kind, name))
        self._digests[kind, name] = self._digest(
            [document.source.digest, document.index, repr(data)]
        )
        known = [*envelope, *filling.problems]
        if kind == "App":
            self._apps[name] = self._app(document, data, known)
        elif kind == "Storage":
            self._storages[name] = SharedStorage(filled, self._storage(document, data, known))
        else:
            self._templates[name] = filled
            self._report(document, _new(template_problems(data.get("spec")), known))

    def _name(
        self, kind: str, document: Document, data: Mapping[str, Any], meant: set[str]
    ) -> str | None:
        if "metadata" not in data:
            if "metadata" not in meant:
                self._report(document, [error(("metadata",), "missing", "`metadata` is required")])
            return None
        reading = read(Metadata, data["metadata"], ("metadata",))
        self._report(document, reading.problems)
        if reading.model is None:
            return None
        name = reading.model.name
        first = self._seen.setdefault((kind, name), document)
        if first is not document:
            self._spoiled.add((kind, name))
            where = first.position(("metadata", "name"))
            message = f"another {kind} is called `{name}`, at {where}"
            self._report(
                document,
                [error(("metadata", "name"), "duplicate-name", message, "rename one of the two")],
            )
        return name

    def _follow(self, name: str, document: Document) -> None:
        """Say of a template that its own templates are not there, or lead back to it."""
        path: Path = ("spec", "template")
        problems: list[Problem] = []
        for each in self._names_in(name):
            if each not in self._templates:
                hint = near(self._templates, each)
                problems.append(error(path, "reference", f"there is no Template `{each}`", hint))
        way = circle(name, self._names_in)
        if way and frozenset(way) not in self._circles:
            self._circles.add(frozenset(way))
            message = f"templates use each other in a circle: {' -> '.join(way)}"
            problems.append(error(path, "template", message, "take one of them out"))
        if problems or way:
            self._spoiled.add(("Template", name))
        self._report(document, problems)

    def _names_in(self, name: str) -> tuple[str, ...]:
        document = self._templates.get(name)
        return template_names(document.data.get("spec")) if document else ()

    def _app(
        self, document: Document, data: Mapping[str, Any], known: list[Problem]
    ) -> AppSpec | None:
        reading = read(App, data)
        problems = _new(reading.problems, known)
        if reading.model:
            problems += app_problems(reading.model.spec, self._setting.allowed_hosts)
        self._report(document, problems)
        return reading.model.spec if reading.model and not _failed(reading.problems) else None

    def _app_from_environment(self) -> AppSpec | None:
        reading = read(App, apps.from_environment(self._setting.environ))
        return reading.model.spec if reading.model and not _failed(reading.problems) else None

    def _storage(
        self, document: Document, data: Mapping[str, Any], known: list[Problem]
    ) -> StorageSpec | None:
        reading = read(Storage, data)
        problems = _new(reading.problems, known)
        if reading.model:
            spec = reading.model.spec
            checked = storage_problems(spec, ("spec",), reading.unreadable)
            problems += (found for found in checked if not hides(reading.unreadable, found.path))
            problems += inline_secrets(storage_secrets(spec, ("spec",)))
            self._until_s = min(self._until_s, *storage_deadlines(spec, self._setting.now_s))
            if not _failed(problems):
                problems += storage_findings(spec, self._setting.now_s)
        self._report(document, problems)
        return reading.model.spec if reading.model and not _failed(problems) else None

    def _spoil(self, kind: str, name: str) -> None:
        """Let nobody use a name that stands for two, or for what is only half known.

        What used it depends on that, too.
        """
        self._digests[kind, name] = self._digest([self._digests[kind, name], "spoiled"])
        if kind == "App":
            self._apps[name] = None
        elif kind == "Storage":
            self._storages[name] = replace(self._storages[name], spec=None)

    def _report(self, document: Document, problems: Iterable[Problem]) -> None:
        place = Place((Layer(document),))
        self._diagnostics += [place.diagnostic(problem) for problem in problems]

    def _digest(self, parts: list[Any]) -> str:
        return hashlib.blake2b(
            repr(parts).encode(), key=self._setting.key, digest_size=16
        ).hexdigest()


def _new(problems: Iterable[Problem], known: Iterable[Problem]) -> list[Problem]:
    """Return what a model says of the `spec` that is not said already."""
    unfilled = [problem.path for problem in known if problem.code == UNFILLED]
    found = without_echoes([*known, *problems])
    return [
        problem
        for problem in found[len(list(known)) :]
        if problem.path[:1] == ("spec",) and not hides(unfilled, problem.path)
    ]


def _failed(problems: Iterable[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def app_problems(spec: AppSpec, allowed_hosts: frozenset[str]) -> Iterator[Problem]:
    """Return what to say of an App beside its form: foreign hosts, secrets in the open."""
    for index, host in foreign_hosts(spec.endpoints, allowed_hosts):
        message = f"credentials are not sent to `{host}`"
        hint = f"allow it with --allow-endpoint {host}, or RECONCILER_ALLOW_ENDPOINTS"
        yield warning(("spec", "endpoints", index), "endpoint-not-allowed", message, hint)
    yield from inline_secrets(
        [
            (("spec", "credentials", "customerId"), spec.credentials.customer_id),
            (("spec", "credentials", "customerSecret"), spec.credentials.customer_secret),
            (("spec", "certificate"), spec.certificate),
            (("spec", "notifications", "secret"), spec.notifications and spec.notifications.secret),
        ]
    )


def storage_findings(spec: StorageSpec, now_s: float) -> Iterator[Problem]:
    """Return what the service's rules say of a Storage by itself."""
    request: dict[str, Json] = {"storageConfig": dict(storage_config(spec))}
    for rule, finding in findings(Body(Mode.WEB, "any", (), {}, request, now_s)):
        if finding.path[0] == "storageConfig":
            path: Path = ("spec", *spec_path(finding.path, request, None)[1:])
            yield Problem(path, finding.severity, rule.code, finding.message, finding.hint)


def template_problems(spec: Any) -> tuple[Problem, ...]:
    """Return what no Recording could mend.

    What every mode that the template may serve finds wrong with it.
    """
    if not isinstance(spec, dict):
        message = "`spec` must be a mapping" if spec is not None else "`spec` is required"
        code = "mapping" if spec is not None else "missing"
        return (error(("spec",), code, message),)
    word = spec.get("mode", COMPOSITE)
    if word is not None and str(word) not in {*Mode, COMPOSITE}:
        return (error(("spec", "mode"), "choice", f"there is no mode {shown(word)}", MODE_HINT),)
    modes = [Mode(word)] if str(word) in set(Mode) else list(Mode)
    given = {key: value for key, value in spec.items() if value is not None}
    found = [_unmissing(given, mode) for mode in modes]
    hopeless = [
        problem
        for number, problems in enumerate(found)
        for problem in problems
        if all(_spoils(others, problem.path) for others in found[:number] + found[number + 1 :])
    ]
    known = [problem for problem in hopeless if problem.code != "unknown-key"]
    # Several modes say the same with hints of their own: the one that knows what was meant stays.
    last = sorted(known or hopeless, key=lambda problem: problem.meant)
    return tuple({(problem.path, problem.code): problem for problem in last}.values())


def _unmissing(given: dict[str, Any], mode: Mode) -> list[Problem]:
    """Return what one mode's model finds wrong, but for what a Recording may still add."""
    reading = read(MODELS[mode], {**given, "mode": str(mode)}, ("spec",))
    return [problem for problem in reading.problems if problem.code != "missing"]


def _spoils(problems: list[Problem], path: Path) -> bool:
    return any(problem.path == path[: len(problem.path)] for problem in problems)
