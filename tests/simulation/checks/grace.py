"""Invariant 8: a 404 alone does not mean that a session ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from reconciler.agora.messages import Reply, Unanswered
from reconciler.plan.life import SETTLED
from reconciler.plan.session import REACHABLE, End, Phase, Session
from reconciler.state.store import Change, Notice, SetSession
from tests.daemon.wires import Call
from tests.simulation.checks.calm import InCalm
from tests.simulation.checks.replies import told_by
from tests.simulation.refused import Refused
from tests.simulation.setting import ADDRESSES
from tests.simulation.truth import HostClock

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

GRACE_S = 90.0
RECHECKS_S = (180.0, 600.0)
LATE_S = 120.0
"""So late a recheck may come: the queue, a clock that was set, and how seldom is looked here."""

SAME_MOMENT_S = 0.001
HOUR_S = 3600.0
OK, NOT_FOUND = 200, 404
TAKEN = frozenset({49, 50, 435})
"""Codes of a stop that say that the session ends or has ended (agora-api.md 6.7)."""

OVER = frozenset({7, 8, 20})
ENDINGS = frozenset({11, 41, 71})
"""Notifications of an end (agora-api.md 7.3)."""


@dataclass(slots=True)
class Missing:
    """Since when, and when last, a session was answered 404 with code 404."""

    first_s: float
    last_s: float
    process: Process
    """Who was answered so first."""


class Grace(InCalm):
    """For 90 s from the first 404, nothing but 404 ends a session in state, or starts another.

    Past its resource's expiry it proves nothing at all, and the gateway's never does. What 404
    alone has settled is queried again 3 and 10 min later (design/reconcile.md, invariant 8 and
    "missing").
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._missing: dict[str, Missing] = {}
        self._proved: set[str] = set()
        self._phases: dict[str, Phase] = {}
        self._hours: dict[str, float] = {}
        self._rechecks: dict[str, list[float]] = {}
        self._put_off: dict[str, list[float]] = {}
        """What was due when nobody was reached."""

        self._clock = HostClock(sim)
        self._refused = Refused(sim)
        self._barred_s = -inf

    def loaded(self, process: Process) -> None:
        self._refused.loaded(process)

    def called(self, process: Process, call: Call) -> None:
        self._refused.called(process, call)
        if call.endpoint == "query" and call.sid in self._rechecks:
            # What state holds is dated by the host's clock, which somebody may have set meanwhile.
            at_s = call.at_s + self._clock.jump_s(self.sim.now_s - RECHECKS_S[-1])
            due = self._put_off.pop(call.sid, self._rechecks[call.sid])
            self._rechecks[call.sid] = [due_s for due_s in due if due_s > at_s]
        elif call.endpoint == "start":
            self._check_start(process, call)

    def unsent(self, process: Process, call: Call) -> None:
        self._refused.called(process, call)
        if call.endpoint == "query" and call.sid in self._rechecks:
            # Nobody was reached: it is tried again, as late after that as at first.
            again_s = call.at_s + RECHECKS_S[0]
            due = self._rechecks[call.sid]
            self._put_off.setdefault(call.sid, due)
            self._rechecks[call.sid] = [max(due_s, again_s) for due_s in due]

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        if isinstance(answer, Unanswered):
            return
        self._refused.answered(process, call, answer)
        told = told_by(answer)
        if call.endpoint == "acquire" and "resourceId" in told:
            hours = call.body["clientRequest"].get("resourceExpiredHour", 72)
            self._hours[told["resourceId"]] = hours
        elif call.sid and answer.status == NOT_FOUND and told.get("code") == NOT_FOUND:
            now_s = self.sim.clock.monotonic_s()
            self._missing.setdefault(call.sid, Missing(now_s, now_s, process)).last_s = now_s
        elif call.endpoint == "query" and answer.status == OK and not self.sim.disk.is_full:
            self._queried(call.sid, told.get("serverResponse", {}))
        elif call.endpoint == "stop" and _is_taken(answer.status, told):
            self._proved.add(call.sid)

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        self._refused.wrote(process, changes)
        self._clock.look()
        for change in changes:
            if isinstance(change, Notice) and change.kind in ENDINGS and change.sid:
                self._proved.add(change.sid)
                self._rechecks.pop(change.sid, None)
        for change in changes:
            if isinstance(change, SetSession):
                session = change.session
                before = self._phases.get(session.id)
                self._phases[session.id] = session.phase
                if before in REACHABLE and session.phase in SETTLED:
                    self._ended(process, session)
                elif before in SETTLED and session.phase not in SETTLED:
                    self._rechecks.pop(session.sid, None)

    def look(self) -> None:
        if self.sim.daemon is None and self.sim.clock.wrong_s != self._wrong_s:
            self._rechecks.clear()  # nobody can tell how old what was noted is by now
        self._clock.look()
        super().look()
        late_s = self.sim.clock.monotonic_s() - LATE_S
        for sid, due in self._rechecks.items():
            tried_s = self._blocked_s(sid) + RECHECKS_S[0] if due else -inf
            if due and max(due[0], tried_s, self.calm_since_s) < late_s:
                self.fail(f"{sid[:6]}, settled by 404 alone, was not queried again")

    def _blocked_s(self, sid: str) -> float:
        """Return until when nobody could call its App: a look is tried again 3 min later then."""
        if self.sim.daemon is None:
            return -inf
        session = self.sim.stage.simulator.world.sessions.get(sid)
        app_id = "" if session is None else session.identity.app_id
        if self.sim.apps.endpoints != ADDRESSES:
            self._barred_s = self.sim.clock.monotonic_s()
        return max(self._refused.until_s(self.sim.daemon, app_id), self._barred_s)

    def _queried(self, sid: str, response: Mapping[str, Any]) -> None:
        services = response.get("extensionServiceState", [])
        states = {each.get("payload", {}).get("state") for each in services}
        if response.get("status") in OVER or "exit" in states:
            self._proved.add(sid)
        elif response:
            self._missing.pop(sid, None)

    def _ended(self, process: Process, session: Session) -> None:
        sid = session.sid
        if sid in self._proved or session.end_reason == End.FORGOTTEN:  # left alive, on request
            return
        now_s, missing = self.sim.clock.monotonic_s(), self._missing.get(sid)
        if missing is None:
            self.fail(f"{process.name} ends {sid[:6]} though nothing says that it has ended")
            return
        since_s = now_s - missing.first_s
        if process is not missing.process:  # nobody noticed a clock that was set between the two
            since_s += self._clock.jump_s(self.sim.now_s - since_s)
        if since_s < GRACE_S - SAME_MOMENT_S:
            self.fail(f"{process.name} ends {sid[:6]} {since_s:.1f} s after its first 404")
        if missing.last_s >= self._unreachable_s(session):
            self.fail(f"{process.name} ends {sid[:6]} by a 404 past its resource's expiry")
        self._rechecks[sid] = [now_s + each_s for each_s in RECHECKS_S]

    def _unreachable_s(self, session: Session) -> float:
        simulated = self.sim.stage.simulator.world.sessions.get(session.sid)
        if simulated is None:
            return inf
        started_s = simulated.started_s
        began_s = started_s - self.sim.script.begins_s
        return began_s + self._hours[session.resource_id] * HOUR_S

    def _check_start(self, process: Process, call: Call) -> None:
        session = self.sim.book.by_resource(call.resource_id)
        if session is None:
            return
        for other in self.sim.book.sessions.values():
            is_same = (other.recording, other.replica) == (session.recording, session.replica)
            # A replacement overlaps, and what is to end anyway is out of the way by its 404.
            is_kept = other.id not in {session.id, session.replaces} and not other.stop_reason
            if is_same and is_kept and self._is_in_grace(other):
                self.fail(f"{process.name} starts anew while {other.sid[:6]} may be moving")

    def _is_in_grace(self, session: Session) -> bool:
        missing = self._missing.get(session.sid)
        if missing is None or session.sid in self._proved or session.phase is Phase.ORPHAN:
            return False
        since_s = self.sim.clock.monotonic_s() - missing.first_s
        wrong_s = self._clock.jump_s(self.sim.now_s - since_s)
        return since_s + wrong_s < GRACE_S - SAME_MOMENT_S


def _is_taken(status: int, told: Mapping[str, Any]) -> bool:
    """Tell whether a stop was taken: also by a session that ends already, or left no files."""
    return told.get("code") in TAKEN or (status == OK and "resourceId" in told)
