"""Whether sessions are handed over before they end, or get out of reach."""

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from reconciler.engine.guard import GUARDED
from reconciler.plan.life import SETTLED
from reconciler.plan.session import End, Session
from reconciler.plan.spans import both
from reconciler.simulator.session import Phase, Tick
from reconciler.simulator.session import Session as Simulated
from reconciler.state.store import Change, Condition, SetSession
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.process import Process
from tests.simulation.seconds import living

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

MARGIN_S, MARGIN_SHARE = 600.0, 0.05
FORCED_S = 60.0
TAKEN_S = 45.0
"""How long a session takes to be replaced once it is time: a start, its confirmation, a stop."""

SLACK_S = 15.0
"""How late a stop may be: the tick, a slot, the answer."""

REPEATS_S = 300.0
"""A session's life is never overrated: it may count from its `acquire` (agora-api.md 7.6)."""


class Rotations(Check):
    """A session that should go on is replaced between three margins and one before it ends.

    And 60 s before its resource expires it is stopped whatever happens; found past that, it is an
    orphan, which is not an end (design/reconcile.md, **expiry**).
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._wrong_s = 0.0
        self._unnoticed_s = 0.0
        """How far the clock was set while no `run` was there to notice it (decision 016)."""

        self._guarded: set[str] = set()
        """Of which Recordings a guard holds what would end a session: that goes on as it is."""

    def look(self) -> None:
        now_s, wrong_s = self.sim.now_s, self.sim.clock.wrong_s
        if self.sim.daemon is None:
            self._unnoticed_s += abs(wrong_s - self._wrong_s)
        self._wrong_s = wrong_s
        for session, (name, _) in living(self.sim):
            resource_s = session.due.get(Tick.UNREACHABLE, inf)
            if now_s <= resource_s - FORCED_S + SLACK_S and now_s <= self._rotated_s(session, name):
                continue
            if session.reachable and self._is_calm(name) and name not in self._guarded:
                is_late = now_s > self._rotated_s(session, name)
                what = "is not replaced" if is_late else "is not stopped"
                self.fail(f"a session of `{name}` is about to end, and {what}")

    def called(self, process: Process, call: Call) -> None:
        """Check that what is rotated is not rotated too early."""
        del process
        session = self.sim.stage.simulator.world.sessions.get(call.sid)
        state = self.sim.book.by_resource(call.resource_id)
        if call.endpoint != "stop" or session is None or state is None:
            return
        if session.phase is not Phase.LIVE:  # it has ended unasked, and nothing is due
            return
        end_s = _end_s(session, restarts_always=True)
        margin_s = 3 * _margin_s(end_s - session.started_s)
        first_s = end_s - margin_s - REPEATS_S - self._unnoticed_s
        if state.stop_reason == End.ROTATED and self.sim.now_s < first_s:
            self.fail(
                f"a session of `{state.recording}` is rotated {first_s - self.sim.now_s:g} s early"
            )

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Check that what is out of reach is not taken to have ended; hear what is held."""
        del process
        for change in changes:
            if isinstance(change, SetSession) and change.session.phase in SETTLED:
                self._check_ended(change.session)
            elif isinstance(change, Condition) and change.type == GUARDED:
                note = self._guarded.add if change.status else self._guarded.discard
                note(change.recording)

    def _check_ended(self, state: Session) -> None:
        session = self.sim.stage.simulator.world.sessions.get(state.sid)
        is_lost = session is not None and session.phase is Phase.LIVE and not session.reachable
        if is_lost and state.end_reason != End.FORGOTTEN:
            self.fail(
                f"a session of `{state.recording}` is out of reach, and taken to have ended"
                f" ({state.end_reason})"
            )

    def _rotated_s(self, session: Simulated, name: str) -> float:
        """Return when it is to have been replaced at the latest; infinite: it need not be."""
        role = self.sim.roles.get(name)
        if role is None:
            return inf
        is_always = role.spec.get("policy", {}).get("restart", "always") == "always"
        end_s = _end_s(session, restarts_always=is_always)
        return end_s - _margin_s(end_s - session.started_s) + TAKEN_S

    def _is_calm(self, name: str) -> bool:
        """Tell whether a daemon lives, and nothing excuses it."""
        now_s = int(self.sim.now_s)
        daemon = self.sim.daemon
        is_excused = both(self.sim.excuses.of(name), ((now_s - 1, now_s + 1),))
        return daemon is not None and daemon.alive and not is_excused


def _end_s(session: Simulated, *, restarts_always: bool) -> float:
    ticks = [Tick.UNREACHABLE, Tick.TOKEN, *([Tick.HOURS] if restarts_always else [])]
    return min(session.due.get(tick, inf) for tick in ticks)


def _margin_s(life_s: float) -> float:
    return min(MARGIN_S, MARGIN_SHARE * life_s)
