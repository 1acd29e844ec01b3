"""Invariant 7: an updateLayout carries the whole layout, an update every list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.plan.session import REACHABLE
from reconciler.simulator.session import Session
from tests.daemon.wires import Call
from tests.simulation.check import Check

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

KINDS = {"floating": 0, "best-fit": 1, "vertical": 2, "custom": 3}
EVERYBODY = ["#allstream#"]
DEFAULTS = {"mixedVideoLayout": 0, "backgroundColor": "#000000"}
"""What a field is that an updateLayout leaves out (agora-api.md 4.2)."""

COLOR = "backgroundColor"
FIELDS = frozenset({*DEFAULTS, "maxResolutionUid", "layoutConfig"})
"""All that the specs of the simulation say of a layout."""

Config = Mapping[str, Any]
Lists = dict[str, list[str]]


class Layouts(Check):
    """`updateLayout` carries the whole layout of a spec, `update` the lists of every kind.

    What a call leaves out is lost (agora-api.md 4.1, 4.2). In the end every session has the layout
    and the lists of its spec (design/reconcile.md, invariant 7).
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._layouts: list[Config] = []
        self._lists: list[Lists] = []

    def look(self) -> None:
        for role in self.sim.roles.values():
            _keep(self._layouts, _layout_of(role.spec))
            _keep(self._lists, _lists_of(role.spec))

    def called(self, process: Process, call: Call) -> None:
        if call.endpoint not in {"update", "updateLayout"}:
            return
        self.look()
        channel, request = call.body["cname"], call.body["clientRequest"]
        if call.endpoint == "updateLayout":
            self._check_layout(process, channel, request)
        elif "streamSubscribe" in request:
            lists = _lists(request["streamSubscribe"])
            if lists not in self._lists:
                self.fail(f"{process.name} sends lists of {channel} that are not whole: {lists}")

    def end(self) -> None:
        for session in self.sim.stage.alive():
            known = self.sim.book.by_resource(session.resource_id)
            role = None if known is None else self.sim.roles.get(known.recording)
            # One that no call reaches any more, was let go of or is on its way out stays as it is.
            if known is None or role is None or known.phase not in REACHABLE or known.stop_reason:
                continue
            if not session.is_web and not _is_kept(role.spec["policy"]):
                self._compare(session, role.spec)

    def _check_layout(self, process: Process, channel: str, request: Config) -> None:
        if "mixedVideoLayout" not in request:
            self.fail(f"{process.name} sends a layout of {channel} without its kind")
        whole, known = _layout({**DEFAULTS, **request}), self._layouts
        # With `ignore: [layout.background]` a call carries the colour that was last applied.
        mixed = [{**each, COLOR: other[COLOR]} for each in known for other in known]
        if whole not in mixed:
            self.fail(f"{process.name} sends a layout of {channel} that is not whole: {request}")

    def _compare(self, session: Session, spec: Config) -> None:
        name, ignored = session.identity.cname, spec["policy"].get("ignore", [])
        config: Config = session.recording
        if session.mode == "mix":
            layout, desired = dict(_layout(config["transcodingConfig"])), dict(_layout_of(spec))
            if "layout.background" in ignored:
                layout[COLOR] = desired[COLOR]
            if layout != desired:
                self.fail(f"{name} has the layout {layout} in the end, not {desired}")
        lists = {
            kind: sorted(config.get(f"subscribe{kind}Uids", EVERYBODY))
            for kind in ("Audio", "Video")
        }
        if lists != _lists_of(spec) and "subscriptions" not in ignored:
            self.fail(f"{name} has the lists {lists} in the end, not {_lists_of(spec)}")


def _is_kept(policy: Config) -> bool:
    """Tell whether a session may stay as it is: it is only observed, or must not be replaced.

    A change that would replace it is an error then, the whole of it; with `defer` what takes no
    other session is sent nevertheless (spec-format.md, `replace`, `protect`).
    """
    is_held = policy.get("replace") == "forbid" or policy.get("protect", False)
    return is_held or policy.get("manage") == "observe"


def _keep(kept: list[Any], value: Any) -> None:
    if value not in kept:
        kept.append(value)


def _layout_of(spec: Config) -> Config:
    """Return what a spec's layout is on the wire, with its defaults (agora-api.md 3.5)."""
    asked = spec.get("layout", {})
    layout = {
        "mixedVideoLayout": KINDS[asked.get("type", "floating")],
        COLOR: asked.get("background", {}).get("color", DEFAULTS[COLOR]),
    }
    if "focusUid" in asked:
        layout["maxResolutionUid"] = asked["focusUid"]
    if "regions" in asked:
        layout["layoutConfig"] = [
            {"x_axis": at["x"], "y_axis": at["y"], "width": at["width"], "height": at["height"]}
            for at in asked["regions"]
        ]
    return _layout(layout)


def _layout(config: Config) -> Config:
    layout = {key: value for key, value in config.items() if key in FIELDS}
    if "layoutConfig" in layout:
        full: Config = {"alpha": 1, "render_mode": 0}
        layout["layoutConfig"] = [{**full, **region} for region in layout["layoutConfig"]]
    return layout


def _lists_of(spec: Config) -> Lists:
    asked = {"Audio": "all", "Video": "all"}
    asked |= {kind.capitalize(): value for kind, value in spec.get("subscriptions", {}).items()}
    return {kind: EVERYBODY if whom == "all" else sorted(set(whom)) for kind, whom in asked.items()}


def _lists(subscribe: Config) -> Lists:
    return {
        kind: sorted(subscribe.get(f"{kind.lower()}UidList", {}).get(f"subscribe{kind}Uids", []))
        for kind in ("Audio", "Video")
    }
