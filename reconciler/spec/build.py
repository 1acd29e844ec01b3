"""One Recording manifest, text to desired: templates, model, checks, body, rules. Pure.

Everything that is wrong is said in one go, each problem at the text that caused it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import SpecError
from reconciler.spec import desired as values
from reconciler.spec import limits
from reconciler.spec.checks import (
    Around,
    deadlines,
    recording_problems,
    storage_deadlines,
)
from reconciler.spec.compile import (
    GROUP_ASSUMED,
    derived_group,
    encode,
    listed,
    media_of,
)
from reconciler.spec.desired import Desired
from reconciler.spec.kinds.app import DEFAULT_NAME, AppSpec
from reconciler.spec.kinds.base import Metadata
from reconciler.spec.kinds.channel import GENERATE, ChannelSpec
from reconciler.spec.kinds.individual import IndividualSpec
from reconciler.spec.kinds.modes import MODELS, ModeSpec
from reconciler.spec.kinds.recording import CronWindowSpec, FixedWindowSpec, SuspendSpec
from reconciler.spec.kinds.storage import StorageSpec
from reconciler.spec.places import Layer, Place
from reconciler.spec.problems import Problem, error, hides, warning, without_echoes
from reconciler.spec.read import read
from reconciler.spec.rules.rule import Body
from reconciler.spec.rules.table import findings
from reconciler.spec.shared import Shared, SharedStorage, Uses, near
from reconciler.spec.storage import storage_config
from reconciler.spec.substitute import UNFILLED
from reconciler.spec.templates import inherit, merge, template_names
from reconciler.spec.trace import spec_path, wire_paths
from reconciler.spec.values import shown
from reconciler.spec.wire import Json, Mode, Path, get
from reconciler.spec.wire import merge as merge_wire

MODE_HINT = "write `individual`, `mix` or `web`"
COMPOSITE = "composite"
ONE_MEDIUM = "one-medium"
"""Rule C27, for bodies in which a list was forgotten."""


@dataclass(frozen=True, slots=True)
class Built:
    """What became of one Recording manifest.

    `desired` is None where it has errors; `name` where even that is unreadable.
    """

    name: str | None
    desired: Desired | None
    diagnostics: tuple[Diagnostic, ...]


def build(
    manifest: Mapping[str, Any],
    place: Place,
    known: Iterable[Problem],
    shared: Shared,
    uses: Uses,
    now_s: float,
) -> Built:
    """Build one Recording.

    `place` knows where `manifest` was written, `known` is what is wrong with it already; `uses`
    collects what the result depends on.
    """
    return _Build(place, shared, uses, now_s).run(manifest, tuple(known))


class _Build:
    def __init__(self, place: Place, shared: Shared, uses: Uses, now_s: float) -> None:
        self._place = place
        self._shared = shared
        self._uses = uses
        self._now_s = now_s
        self._problems: list[Problem] = []
        self._foreign: list[Diagnostic] = []

    def run(self, manifest: Mapping[str, Any], known: tuple[Problem, ...]) -> Built:
        metadata = self._metadata(manifest)
        spec = self._spec(manifest.get("spec"))
        desired = self._desired(metadata, spec) if spec else None
        diagnostics = [*self._diagnostics(known), *self._foreign]
        failed = any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
        name = metadata.name if metadata else None
        return Built(name, None if failed else desired, tuple(diagnostics))

    def _diagnostics(self, known: tuple[Problem, ...]) -> Iterator[Diagnostic]:
        """Give all problems a place.

        What could not be filled in is said already, whatever the value then looks like.
        """
        unfilled = {
            self._place.diagnostic(found).position for found in known if found.code == UNFILLED
        }
        for problem in without_echoes([*known, *self._problems]):
            found = self._place.diagnostic(problem)
            if problem in known or found.position not in unfilled:
                yield found

    def _metadata(self, manifest: Mapping[str, Any]) -> Metadata | None:
        if "metadata" not in manifest:
            self._problems.append(error(("metadata",), "missing", "`metadata` is required"))
            return None
        reading = read(Metadata, manifest["metadata"], ("metadata",))
        self._problems += reading.problems
        return reading.model

    def _spec(self, own: Any) -> "_Spec | None":
        """Read the spec over its templates, in the model of its mode."""
        if not isinstance(own, dict):
            message = "`spec` must be a mapping" if own is not None else "`spec` is required"
            code = "mapping" if own is not None else "missing"
            self._problems.append(error(("spec",), code, message))
            return None
        data = self._merged(own)
        mode = self._mode(data) if data is not None else None
        if data is None or mode is None:
            return None
        reading = read(MODELS[mode], {**data, "mode": str(mode)}, ("spec",))
        self._problems += reading.problems
        told = {found.path for found in reading.problems}
        self._problems += (
            error(("spec", *path), "null", "must have a value, this is null", "leave the key out")
            for path in _nulls(data)
            if ("spec", *path) not in told
        )
        if reading.model is None:
            return None
        return _Spec(mode, reading.model, reading.unreadable)

    def _merged(self, own: dict[str, Any]) -> dict[str, Any] | None:
        names = template_names(own)
        if not names:
            return own
        try:
            inherited = inherit(names, self._template)
        except _SpoiledError:
            return None
        except SpecError as problem:
            self._problems.append(
                error(("spec", "template"), problem.code, str(problem), problem.hint)
            )
            return None
        above = tuple(Layer(document) for document in inherited.documents)
        self._place = Place((*above, *self._place.layers), self._place.origin)
        return merge(inherited.spec, own)

    def _template(self, name: str) -> Any:
        self._uses.shared.add(("Template", name))
        if name in self._shared.spoiled_templates:
            raise _SpoiledError
        if name not in self._shared.templates:
            self._uses.shared.add(("Template", "*"))
            hint = near(self._shared.templates, name)
            raise SpecError("reference", f"there is no Template `{name}`", hint=hint)
        return self._shared.templates[name]

    def _mode(self, data: Mapping[str, Any]) -> Mode | None:
        word = data.get("mode")
        path: Path = ("spec", "mode")
        if word == COMPOSITE:
            hint = "write `mix`"
            self._problems.append(
                warning(path, "mode-composite", "`composite` is read as `mix`", hint)
            )
            return Mode.MIX
        if isinstance(word, str) and word in MODELS:
            return Mode(word)
        if word is None:
            self._problems.append(error(path, "missing", "`mode` is required", MODE_HINT))
        else:
            message = f"there is no mode {shown(word)}"
            self._problems.append(
                error(path, "choice", message, near(map(str, MODELS), str(word)) or MODE_HINT)
            )
        return None

    def _desired(self, metadata: Metadata | None, spec: "_Spec") -> Desired | None:
        app_name, app = self._app(spec.model)
        checked = recording_problems(spec.model, Around(app, self._now_s, spec.unreadable))
        self._problems += (found for found in checked if not hides(spec.unreadable, found.path))
        storage = self._storage(spec.model)
        request = encode(spec.model, spec.mode)
        if isinstance(spec.model.storage, StorageSpec):
            request["storageConfig"] = storage_config(spec.model.storage, spec.model.prefix)
        elif storage and storage.spec:
            request["storageConfig"] = storage_config(storage.spec, spec.model.prefix)
        acquire = request.pop("acquire", {})
        derived = _derive_group(spec, request)
        body = _Wire(listed(request), _mapping(acquire), self._raw(spec.model), derived)
        wrong = (found.path for found in self._problems if found.severity is Severity.ERROR)
        lost = [*spec.unreadable, *wrong]
        if storage and storage.spec is None:
            lost.append(("spec", "storage"))
        self._uses.until_s = min(self._uses.until_s, *deadlines(spec.model, self._now_s))
        self._judge(spec, body, lost, storage)
        if metadata is None or app_name is None or (storage and storage.spec is None):
            return None
        _assume(spec, body.request)
        _round(body.request)
        return _value(metadata, spec, app_name, body, storage)

    def _app(self, spec: ModeSpec) -> tuple[str | None, AppSpec | None]:
        apps = self._shared.apps
        self._uses.shared.add(("App", "*"))
        path: Path = ("spec", "app")
        if spec.app is not None and spec.app not in apps:
            hint = near(apps, spec.app)
            self._problems.append(error(path, "reference", f"there is no App `{spec.app}`", hint))
            return None, None
        name = spec.app or (DEFAULT_NAME if DEFAULT_NAME in apps else None)
        if name is None and len(apps) == 1:
            name = next(iter(apps))
        if name is None:
            message = f"there are {len(apps)} Apps and none is named `default`"
            self._problems.append(error(path, "reference", message, near(apps, "")))
            return None, None
        # What the environment describes is known where the spec is applied, and perhaps not here.
        return name, None if self._shared.app_is_environments else apps[name]

    def _storage(self, spec: ModeSpec) -> SharedStorage | None:
        """Find the Storage that a spec names; None too where it is written inline."""
        if not isinstance(spec.storage, str):
            return None
        self._uses.shared.add(("Storage", spec.storage))
        found = self._shared.storages.get(spec.storage)
        if found is None:
            self._uses.shared.add(("Storage", "*"))
            hint = near(self._shared.storages, spec.storage)
            message = f"there is no Storage `{spec.storage}`"
            self._problems.append(error(("spec", "storage"), "reference", message, hint))
        elif found.spec:
            until = storage_deadlines(found.spec, self._now_s)
            self._uses.until_s = min(self._uses.until_s, *until)
        return found

    def _raw(self, spec: ModeSpec) -> dict[str, Json] | None:
        if spec.raw is None:
            return None
        try:
            return spec.raw.wire()
        except SpecError as problem:
            self._problems.append(error(("spec", "raw"), problem.code, str(problem), problem.hint))
        except ValueError as problem:  # refused as a field's Secret would be
            self._problems.append(error(("spec", "raw"), "secret", str(problem)))
        return None

    def _judge(
        self, spec: "_Spec", body: "_Wire", lost: list[Path], storage: SharedStorage | None
    ) -> None:
        """Run the service's rules, and bring their findings home to the texts that caused them."""
        whole = merge_wire(body.request, body.raw) if body.raw else body.request
        uids = tuple(uid for uid in (spec.model.uid, *spec.model.backup_uids) if uid)
        judged = Body(spec.mode, spec.model.channel, uids, body.acquire, whole, self._now_s)
        unreadable = [wire for path in lost for wire in wire_paths(path[1:])]
        for rule, found in findings(judged, unreadable=unreadable):
            path = spec_path(found.path, whole, body.raw)
            if hides(lost, ("spec", *path)):
                continue
            if rule.code == ONE_MEDIUM and path[:1] == ("subscriptions",):
                continue  # a spec forgets no medium: it says `none`, or the other one is sent
            if path[:2] == ("storage", "prefix") and spec.model.prefix:
                path = ("prefix",)
            at_storage = storage is not None and path[:1] == ("storage",)
            where = ("spec", *(path[1:] if at_storage else path))
            problem = Problem(where, found.severity, rule.code, found.message, found.hint)
            if storage is not None and at_storage:
                self._foreign.append(Place((Layer(storage.document),)).diagnostic(problem))
            else:
                self._problems.append(problem)


class _SpoiledError(Exception):
    """A template is wrong, which is said where it stands."""


@dataclass(frozen=True, slots=True)
class _Spec:
    mode: Mode
    model: ModeSpec
    unreadable: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Wire:
    request: dict[str, Json]
    acquire: dict[str, Json]
    raw: dict[str, Json] | None
    group_derived: bool


_GROUP = "subscribeUidGroup"


def _derive_group(spec: _Spec, request: dict[str, Json]) -> bool:
    """Fill in the group where the lists say it; else the rules warn that one is assumed."""
    if not isinstance(spec.model, IndividualSpec) or spec.model.subscriptions.group is not None:
        return False
    recording = request["recordingConfig"]
    media = media_of(spec.model.subscriptions, spec.model.streams)
    group = derived_group(recording, media) if isinstance(recording, dict) else None
    if group is not None and isinstance(recording, dict):
        recording[_GROUP] = group
    return True


def _assume(spec: _Spec, request: dict[str, Json]) -> None:
    """Fill in what the service requires and the rules have warned of (C20, C21)."""
    recording = request.get("recordingConfig")
    if isinstance(recording, dict) and isinstance(spec.model, ChannelSpec):
        recording.setdefault("channelType", 0)
        if isinstance(spec.model, IndividualSpec):
            recording.setdefault(_GROUP, GROUP_ASSUMED)


def _nulls(tree: Any, path: Path = ()) -> Iterator[Path]:
    """Return where a spec says null; `raw` may, there it removes."""
    for key, value in tree.items():
        if value is None:
            yield (*path, key)
        elif isinstance(value, dict) and (path or key != "raw"):
            yield from _nulls(value, (*path, key))


def _round(request: dict[str, Json]) -> None:
    """Send six decimals, as the service counts them (C37), after the rules have said so."""
    for region in get(request, ("recordingConfig", "transcodingConfig", "layoutConfig")) or ():
        for key, value in region.items():
            if isinstance(value, float):
                region[key] = round(value, limits.LAYOUT_DECIMALS)


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _value(
    metadata: Metadata, spec: _Spec, app: str, body: _Wire, shared: SharedStorage | None
) -> Desired:
    model = spec.model
    inline = model.storage if isinstance(model.storage, StorageSpec) else None
    storage = inline or (shared.spec if shared else None)
    suspend = model.suspend
    why = suspend if isinstance(suspend, SuspendSpec) else None
    return Desired(
        name=metadata.name,
        app=app,
        mode=spec.mode,
        channel=model.channel,
        uids=tuple(uid for uid in (model.uid, *model.backup_uids) if uid),
        replicas=model.replicas,
        acquire=body.acquire,
        request=body.request,
        raw=body.raw,
        generate_token=isinstance(model, ChannelSpec) and model.token == GENERATE,
        group_derived=body.group_derived,
        refresh_s=storage.refresh if storage else 0,
        suspend=suspend is not False,
        suspend_reason=(why.reason or "") if why else "",
        suspend_until=why.until.isoformat() if why and why.until else "",
        schedule=None if model.schedule is None else tuple(map(_window, model.schedule)),
        policy=values.Policy(**model.policy.__dict__),
        labels=dict(metadata.labels),
        annotations=dict(metadata.annotations),
    )


def _window(window: CronWindowSpec | FixedWindowSpec) -> values.Window:
    if isinstance(window, CronWindowSpec):
        return values.Window(cron=window.cron, duration_s=window.duration, timezone=window.timezone)
    return values.Window(start=window.from_.isoformat(), until=window.until.isoformat())
