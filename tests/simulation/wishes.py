"""What people asked for and when, as the specs and requests had it: what stops are justified by.

Each change of the specs makes a View. Whoever acts may act on one that is a little old: for as long
as a pass takes, and for as long as nothing newer could be read.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any

from reconciler.engine.demands import Approve, Resume, Stop, Suspend
from reconciler.plan.session import Session
from tests.daemon.cast import Opens, Role
from tests.simulation.truth import HostClock

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

PASS_S = 60.0
"""How old what a pass acts on may be: one of its calls, repeated, may come before."""

_ELSE = frozenset({"layout", "policy", "replicas", "schedule", "subscriptions", "suspend"})
"""Fields of a spec that take no other session (design/reconcile.md, "What changes how")."""

_SET, _TEMPLATE = "rooms.yaml", "template.yaml"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Recording's manifest said last while it was sound."""

    name: str
    place: tuple[str, str, str]
    """App, channel and mode: what one that only changed its name is known by."""

    replicas: int
    policy: Mapping[str, Any]
    held_until_s: float
    """Until when its spec suspends it."""

    opens: Opens
    wire: str
    """What takes another session when it changes."""

    def says(self, field: str, value: object) -> bool:
        """Tell whether its policy says that."""
        return bool(self.policy.get(field) == value)

    def is_open(self, at_s: float) -> bool:
        """Tell whether a window of its schedule is open."""
        return any(from_s <= at_s < until_s for from_s, until_s in self.opens(at_s, at_s + 1))

    def closes(self, from_s: float, until_s: float) -> bool:
        """Tell whether at some moment of these no window is open."""
        spans = self.opens(from_s, until_s + 1)
        ends = (end_s for _, end_s in spans if from_s <= end_s <= until_s)
        return not all(map(self.is_open, (from_s, until_s, *ends)))


@dataclass(frozen=True, slots=True)
class View:
    """The specs from a moment on.

    `names` are those of the manifests that are there, `wishes` what they ask for, by name.
    """

    since_s: float
    names: frozenset[str]
    wishes: Mapping[str, Wish]
    is_sound: bool
    is_empty: bool
    """Nothing is there at all, or a set that makes nothing."""

    def of(self, session: Session) -> Wish | None:
        """Return what is asked of a session's Recording, whatever it is called now."""
        if session.recording in self.wishes:
            return self.wishes[session.recording]
        place = (session.app, session.channel, session.mode)
        mine = [each for each in self.wishes.values() if each.place == place]
        return mine[0] if len(mine) == 1 else None


class Times:
    """When something was so; looked at often enough."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []
        self._is = False

    def look(self, now_s: float, *, is_so: bool) -> None:
        """Take note of how it is."""
        if is_so and self._is:
            self._spans[-1] = (self._spans[-1][0], now_s)
        elif is_so:
            self._spans.append((now_s, now_s))
        elif self._is:
            self._spans[-1] = (self._spans[-1][0], now_s)
        self._is = is_so

    def before(self, at_s: float) -> float:
        """Return when that began which was so at a moment; the moment itself if it was not."""
        for from_s, until_s in reversed(self._spans):
            if from_s < at_s <= until_s:
                at_s = from_s
        return at_s

    def after(self, at_s: float, calm_s: float) -> float:
        """Return the end of the first `calm_s` after a moment in which it was not so."""
        calm_until_s = at_s + calm_s
        for from_s, until_s in self._spans:
            if until_s >= at_s and from_s < calm_until_s:
                calm_until_s = until_s + calm_s
        return calm_until_s


class Wishes:
    """All that was asked for so far."""

    def __init__(self, sim: "Simulation") -> None:
        self._sim = sim
        self._views: list[View] = []
        self._edition = -1
        self._unread = Times()
        self._idle = Times()

    def look(self) -> None:
        """Look at the specs; called whenever somebody may have changed them."""
        sim = self._sim
        is_full = sim.disk.is_full
        self._unread.look(sim.now_s, is_so=bool(sim.shelf.problem) or is_full)
        is_idle = sim.daemon is None
        self._idle.look(sim.now_s, is_so=is_idle or is_full)
        if self._edition != sim.edition:
            self._edition = sim.edition
            self._views.append(self._view())

    def views(self, since_s: float) -> Iterator[View]:
        """Yield the specs that whoever decided at this moment or later may have read."""
        return self.true_views(self.acted_s(since_s))

    def acted_s(self, since_s: float) -> float:
        """Return since when at least what was acted upon at this moment may have been read."""
        return self._unread.before(since_s)

    def now(self) -> View:
        """Return the specs as they are."""
        self.look()
        return self._views[-1]

    def true_views(self, since_s: float) -> Iterator[View]:
        """Yield the specs as they were at this moment and later."""
        for view in reversed(self._views):
            yield view
            if view.since_s <= since_s:
                return

    def is_suspended(self, session: Session, since_s: float, clock: HostClock) -> bool:
        """Tell whether a command held the Recording at this moment or later."""
        held_until_s = 0.0
        for at_s, demand in self._sim.demands:
            if not isinstance(demand, Suspend | Resume) or not self._means(demand.names, session):
                continue
            heard_s = self._heard_s(at_s)
            if isinstance(demand, Resume):
                held_until_s = min(held_until_s, heard_s)
            elif demand.for_s is None:
                held_until_s = inf
            else:
                late_s = clock.jump_s(at_s)  # its end was noted in the host's time
                held_until_s = max(held_until_s, heard_s + demand.for_s + late_s)
        return since_s <= held_until_s

    def is_stopped(self, session: Session, since_s: float) -> bool:
        """Tell whether a command asked to stop what lived at this moment or later."""
        return any(
            isinstance(demand, Stop)
            and self._means(demand.names, session)
            and since_s <= self._heard_s(at_s) + demand.timeout_s
            for at_s, demand in self._sim.demands
        )

    def is_approved(self, view: View) -> bool:
        """Tell whether somebody lifted a guard since the specs were so."""
        return any(
            isinstance(demand, Approve) and at_s >= view.since_s
            for at_s, demand in self._sim.demands
        )

    def _heard_s(self, at_s: float) -> float:
        """Return until when at most a request was carried out that was made then."""
        return self._idle.after(at_s, PASS_S)

    def _means(self, names: tuple[str, ...], session: Session) -> bool:
        wishes = (view.of(session) for view in self._views)
        return not {wish.name for wish in wishes if wish}.isdisjoint(names)

    def _view(self) -> View:
        sim = self._sim
        before = self._views[-1].wishes if self._views else {}
        by_place = {each.place: each for each in before.values()}
        names = {name for name in sim.roles if (sim.stage.specs / f"{name}.yaml").exists()}
        rows = self._rows()
        names |= set(rows or ())
        wishes = {}
        for name in sorted(names):
            role = sim.roles[name]
            wish = by_place.get(_place(role)) if role.broken else self._wish(role)
            if wish is not None:
                wishes[name] = wish
        return View(
            since_s=sim.now_s,
            names=frozenset(names),
            wishes=wishes,
            is_sound=not any(sim.roles[name].broken for name in names),
            is_empty=(rows == [] and self._has_members()) or not any(sim.stage.specs.iterdir()),
        )

    def _has_members(self) -> bool:
        """Tell whether sessions live of what the set has made."""
        sessions = self._sim.book.sessions.values()
        return any(each.may_live and self._sim.file_of(each.recording) == _SET for each in sessions)

    def _rows(self) -> list[str] | None:
        """Return the names that the set makes; None: there is no set."""
        path = self._sim.stage.specs / _SET
        if not path.exists():
            return None
        spec = json.loads(path.read_text(encoding="utf-8"))["spec"]
        return [row["name"] for row in spec["generators"][0]["list"]]

    def _wish(self, role: Role) -> Wish:
        spec = role.spec
        wire = {key: value for key, value in spec.items() if key not in _ELSE}
        wire["appId"] = self._sim.apps.ids[spec["app"]]
        if "web" in spec:  # it is paused and pushed elsewhere while it records
            page = {key: value for key, value in spec["web"].items() if key != "paused"}
            wire["web"] = {**page, "rtmp": "rtmp" in page}
        if "template" in spec:
            path = self._sim.stage.specs / _TEMPLATE
            wire["template"] = path.read_text(encoding="utf-8") if path.exists() else ""
        return Wish(
            name=role.name,
            place=_place(role),
            replicas=int(spec.get("replicas", 1)),
            policy=dict(spec.get("policy", {})),
            held_until_s=_held_until_s(spec.get("suspend")),
            opens=role.times.opens,
            wire=json.dumps([role.mode, role.channel, wire], sort_keys=True),
        )


def _place(role: Role) -> tuple[str, str, str]:
    return (str(role.spec["app"]), role.channel, role.mode)


def _held_until_s(suspend: Any) -> float:
    if isinstance(suspend, dict):
        return datetime.fromisoformat(suspend["until"]).timestamp() if "until" in suspend else inf
    return inf if suspend else 0.0
