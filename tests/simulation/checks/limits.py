"""How many sessions of an App may run at once."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.plan.action import Kind
from reconciler.plan.reasons import Reason
from reconciler.plan.session import End, Phase, Session
from reconciler.state.store import Change, SetSession
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.truth import called_so
from tests.simulation.wishes import PASS_S, Times
from tests.simulation.works import Works

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.plan.action import Action, Plan
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

WEB = "web"
FIELDS = {False: ("maxRecordings", 50), True: ("maxWebRecordings", 200)}
"""What limits them and how many it lets run, by whether they record a page (spec-format.md)."""

BEGINNING = frozenset({Kind.START, Kind.RESTART})
SUCCEEDING = frozenset({Kind.REPLACE, Kind.ROTATE})

Seat = tuple[str, bool]
"""An App, and whether it is for web pages: what one limit counts."""


class Limits(Check):
    """Never does a session begin where its App's `maxRecordings` are taken already.

    Every session and orphan that may live takes a place; what runs keeps it, the others get those
    that are free by name; a Recording beyond is an error, a successor waits (design/reconcile.md,
    "replacement"; design/cli.md, "apply"). Those of others are not counted: no state has them.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._edition = -1
        self._views: list[tuple[float, Mapping[Seat, int]]] = []
        """What the specs let run, and since when."""

        self._unread = Times()
        self._works = Works()
        self._read: dict[int, tuple[float, int]] = {}
        """When each process could read the specs first, and which edition they were."""

        self._claims: dict[str, Process] = {}
        """Who claimed the uid of each session."""

    def look(self) -> None:
        """Look at what the specs let run."""
        sim = self.sim
        self._unread.look(sim.now_s, is_so=bool(sim.shelf.problem) or sim.disk.is_full)
        path = sim.stage.specs / "app.yaml"
        if self._edition != sim.edition and path.exists():
            self._edition = sim.edition
            self._views.append((sim.now_s, dict(_limits(path.read_text(encoding="utf-8")))))

    def held(self, process: Process) -> None:
        """Take note of when a process read the specs first."""
        self._read[process.number] = (self.sim.now_s, self.sim.edition)

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look at the sessions that are begun."""
        for change in changes:
            if isinstance(change, SetSession) and change.session.id not in self._claims:
                self._claims[change.session.id] = process
                if change.session.phase is Phase.NONE:
                    self._check(process, change.session)

    def called(self, process: Process, call: Call) -> None:
        """Take note of what it is at."""
        self._works.called(process, call)

    def unsent(self, process: Process, call: Call) -> None:
        """Take note of what it is at, though nobody is reached."""
        self._works.called(process, call)

    def planned(self, process: Process, plan: Plan) -> None:
        """Look at what an `apply` is going to begin; who has the lock knows all that state has."""
        if not process.has_lock or self._read[process.number][1] != self.sim.edition:
            return
        limits = self._let(process)
        starts = [each for each in plan.actions if each.kind in BEGINNING and not each.session]
        firsts = [each for each in starts if not each.after]
        wanted = Counter(seat for each in firsts if (seat := self._seat_of(each)))
        for seat, number in sorted(wanted.items()):
            free = limits[seat] - self._planned_beside(seat)
            if number > max(free, 0):
                self.fail(f"{process.name} plans {number} starts of {seat[0]}, with {free} places")
        for each in plan.actions:
            if each.kind in SUCCEEDING and not (each.stop_first or each.after):
                self._check_successor(process, each, wanted, limits)
        self._check_order(plan, firsts)

    def _check_successor(
        self, process: Process, action: Action, starts: Counter[Seat], limits: Mapping[Seat, int]
    ) -> None:
        seat = self._seat_of(action)
        if seat is not None and limits[seat] - self._planned_beside(seat) - starts[seat] <= 0:
            self.fail(f"{process.name} plans a successor of {action.key}, with no place for it")

    def _check_order(self, plan: Plan, starts: Sequence[Action]) -> None:
        """See that the free places go by name."""
        last = {seat: each.key for each in starts if (seat := self._seat_of(each)) is not None}
        for each in plan.actions:
            if each.kind is Kind.ERROR and each.reason is Reason.NO_PLACE:
                seat = self._seat_of(each)
                if seat in last and _order(each) < (last[seat].recording, last[seat].replica):
                    self.fail(f"{last[seat]} has the place of {each.key}, which comes before it")

    def _check(self, process: Process, new: Session) -> None:
        self.look()
        at_it_s = self._works.there_s(process, new.channel)
        most = self._let(process, at_it_s)[new.app, new.mode == WEB]
        others = [each for each in self._seated(new) if each.id != new.id]
        if len(others) >= most:
            text = f"{process.name} begins {called_so(new)} beside {len(others)} others"
            self.fail(f"{text}, and {new.app} may have {most}: {_listed(others)}")

    def _let(self, process: Process, at_it_s: float = 0.0) -> Mapping[Seat, int]:
        """Return the most that any of the specs let run that a process may act upon.

        Those too that it began with what it is at, since `at_it_s`.
        """
        since_s = self.sim.now_s - max(PASS_S, at_it_s)
        if process.command != "run":
            since_s = min(since_s, self._read[process.number][0])
        since_s = self._unread.before(since_s)
        found: Counter[Seat] = Counter()
        for at_s, limits in reversed(self._views):
            found |= Counter(limits)
            if at_s <= since_s:
                break
        return found

    def _seated(self, new: Session) -> Iterator[Session]:
        """Yield all that takes a place where a session is begun, but for the one it is begun for.

        What did not come up in time is given up: the one after it has its place ("starting").
        """
        seat = (new.app_key, new.mode == WEB)
        for each in self.sim.book.sessions.values():
            if (each.app_key, each.mode == WEB) == seat and self._takes_place(each):
                is_same = (each.recording, each.replica) == (new.recording, new.replica)
                if not (is_same and each.stop_reason == End.UNCONFIRMED):
                    yield each

    def _takes_place(self, session: Session) -> bool:
        """Tell whether it may live, or is about to: by a process that is at work."""
        is_claimed = session.phase is Phase.NONE and self._claims[session.id].alive
        return session.may_live or is_claimed

    def _planned_beside(self, seat: Seat) -> int:
        sessions = self.sim.book.sessions.values()
        place = (*seat, self.sim.apps.ids[seat[0]])
        known = ((each.app, each.mode == WEB, each.app_id) for each in sessions if each.may_live)
        return sum(each == place for each in known)

    def _seat_of(self, action: Action) -> Seat | None:
        role = self.sim.roles.get(action.key.recording)
        return None if role is None else (str(role.spec["app"]), role.mode == WEB)


def _limits(text: str) -> Iterator[tuple[Seat, int]]:
    for document in text.split("---\n"):
        told = json.loads(document)
        for is_web, (field, most) in FIELDS.items():
            yield (told["metadata"]["name"], is_web), told["spec"].get(field, most)


def _order(action: Action) -> tuple[str, int]:
    return action.key.recording, action.key.replica


def _listed(sessions: Sequence[Session]) -> str:
    return ", ".join(f"{called_so(each)} {each.phase}" for each in sessions)
