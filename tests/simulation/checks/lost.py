"""Sessions of ours that nobody would know of, confirm or stop any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Unanswered
from reconciler.engine.demands import Forget
from reconciler.plan.session import REACHABLE, End, Phase, Session
from reconciler.simulator.session import Session as Simulated
from reconciler.state.store import Change, SetSession
from tests.daemon.cast import Role
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.stances import Stances
from tests.simulation.truth import called_so, lives, living

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

_HALTING = frozenset({401, 403})
_NO_SID = frozenset({Phase.ACQUIRED, Phase.ORPHAN})

STOP_LATE_S = 300.0 + 60.0
"""The longest gap between two stops (plan/looks.py), and what a stop itself may take."""


class Lost(Check):
    """No session is ever lost (design/reconcile.md, invariant 3).

    While one lives, state has it in a phase that may live, with its `sid` unless no answer told it.
    What 404 alone settled may live until it was looked at once more ("missing"). What has to end is
    stopped, and the stop repeated, until it has ended.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._stances = Stances(sim)
        self._stopped_s: dict[str, float] = {}
        """Since when each session that has to end waits for another stop."""

        self._halted: set[str] = set()
        """App IDs whose work the service stopped: 401 and 403 do that, once, until a person mends
        it (design/reconcile.md, "Errors of the service")."""

    def called(self, process: Process, call: Call) -> None:
        """Take note of a stop."""
        del process
        if call.endpoint == "stop":
            self._stopped_s.pop(call.sid, None)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        """Take note of an App that may not be called any more."""
        del process
        if isinstance(answer, Reply) and answer.status in _HALTING:
            self._halted.add(call.app_id)

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look at what state has of what lives, of those that it wrote."""
        del process
        for change in changes:
            if isinstance(change, SetSession):
                session = lives(self.sim, change.session)
                if session is not None and session.sid not in self.sim.foreign:
                    self._check(session, change.session)

    def look(self) -> None:
        """Look at all that lives."""
        self._stances.look()
        may_stop = self._may_stop()
        for session, known in living(self.sim):
            self._check(session, known)
            if known is None or not known.stop_reason or known.phase not in REACHABLE:
                self._stopped_s.pop(session.sid, None)
            elif may_stop and not self._is_observed(known):
                self._check_stops(session, known)
            else:
                self._stopped_s.pop(session.sid, None)

    def end(self) -> None:
        """Look at what is left when nothing is left to do."""
        for session, known in living(self.sim):
            if known is None or known.is_orphan or self._is_dropped(known):
                continue
            if known.app_id in self._halted and known.unanswered_s is not None:
                continue
            is_on_the_way = bool(known.stop_reason) or known.phase is Phase.MISSING
            if is_on_the_way and self._is_observed(known):
                continue  # nobody waits for what nobody acts on
            if known.phase is not Phase.RUNNING or known.stop_reason:
                what = f"{known.phase} {known.stop_reason}"
            elif not self._is_wanted(known):
                what = "nobody wants it"
            else:
                continue
            self.fail(f"{called_so(known)} lives at the end, {session.sid[:6]}: {what}")

    def _check(self, session: Simulated, known: Session | None) -> None:
        if known is None or known.resource_id != session.resource_id:
            self.fail(f"{session.sid[:6]} of {session.identity.cname} lives, unknown to state")
        elif not known.may_live:
            if known.recheck_s is None and not self._is_dropped(known):
                self.fail(f"{called_so(known)} lives, and is {known.phase} ({known.end_reason})")
        elif known.sid != session.sid and (known.sid or known.phase not in _NO_SID):
            self.fail(f"{called_so(known)} is {session.sid[:6]} in truth")

    def _check_stops(self, session: Simulated, known: Session) -> None:
        since_s = self._stopped_s.setdefault(session.sid, self.sim.since_s)
        if session.reachable and self.sim.since_s - since_s > STOP_LATE_S:
            self.fail(f"{called_so(known)} has to end, and is no longer told so")

    def _may_stop(self) -> bool:
        """Tell whether somebody is at work who can write and call."""
        sim = self.sim
        is_open = sim.network.down is None and not sim.network.lost and not sim.disk.is_full
        return is_open and sim.daemon is not None

    def _is_wanted(self, known: Session) -> bool:
        """Tell whether it is to record, or may not be stopped (`protect`, `manage`)."""
        role = self.sim.roles.get(known.recording)
        if role is not None and known.replica < role.replicas:
            return True
        return any(
            policy.get("protect") or policy.get("manage") == "observe"
            for policy in (each.spec.get("policy", {}) for each in self._roles(known))
        )

    def _is_dropped(self, known: Session) -> bool:
        """Tell whether it is not followed any more: `Orphans` judges the latest ends of those."""
        return known.end_reason == End.UNSEEN or self._is_let_go(known)

    def _is_let_go(self, known: Session) -> bool:
        """Tell whether somebody asked to let it run (`forget`, `onRemoval`, `manage`)."""
        if known.end_reason != End.FORGOTTEN:
            return False
        if any(isinstance(demand, Forget) for _, demand in self.sim.demands):
            return True
        # What was asked last may never have been read: its manifest was broken until it was gone.
        return any(
            self._stances.ever(role, "onRemoval", "leave")
            or self._stances.ever(role, "manage", "observe")
            for role in self._roles(known)
        )

    def _roles(self, known: Session) -> Iterator[Role]:
        """Yield what its Recording is, also one that is gone or renamed."""
        for role in (*self.sim.past, *self.sim.roles.values()):
            if known.recording in self._stances.names(role) or known.channel == role.channel:
                yield role

    def _is_observed(self, known: Session) -> bool:
        """Tell whether it is never acted on, whatever it was to be before (`manage: observe`)."""
        role = self.sim.roles.get(known.recording)
        return role is not None and role.spec.get("policy", {}).get("manage") == "observe"
