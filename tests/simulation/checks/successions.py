"""When a session may take the place of one that was told to stop."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from reconciler.agora.messages import Reply, Unanswered
from reconciler.plan.session import End, Session
from reconciler.state.store import Change, Notice, SetSession
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.checks.replies import told_by
from tests.simulation.truth import HostClock, called_so, claimed_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

TAKEN_S = 90.0
EXIT, PAGE_STOPPED = 11, 71
OVER = frozenset({7, 8, 20})

OK, NOT_FOUND = 200, 404
NO_FILES = 435
LEAVING = frozenset({49, 50})
"""Codes of a stop that is under way already (agora-api.md 6.7)."""

_BESIDE = frozenset({End.UNCONFIRMED, End.FORGOTTEN})
"""One that did not come up is stopped while another comes up; one let go is nobody's business."""


class Successions(Check):
    """Nobody takes the place of one that was told to stop before it is known to be over.

    "Stop-first starts once `query` says 7, 8 or 404, or after 90 s" (design/reconcile.md,
    "replacement", invariant 2). A notification of its end says so too ("missing").
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._clock = HostClock(sim)
        self._told: dict[str, float | None] = {}
        """When the stops of sessions were taken, by `sid`; None: no answer says so yet."""

        self._lost_at: dict[str, frozenset[str]] = {}
        """What was out of reach when each session was begun: one that is back is too late."""

        self._over: dict[str, float] = {}
        """Since when it is known, on the clock that only goes on."""

    def called(self, process: Process, call: Call) -> None:
        """Look at an acquire's predecessors."""
        self._clock.look()
        if call.endpoint == "stop":
            self._told.setdefault(call.sid, None)
        elif call.endpoint == "acquire" and (after := claimed_by(self.sim, call)) is not None:
            for before in self._before(after):
                if before.id not in self._lost_at.get(after.id, ()):
                    self._check(process, before)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        """Take note of what tells that a session is over, or leaves."""
        del process
        if not isinstance(answer, Reply) or call.endpoint not in {"query", "stop"}:
            return
        told = told_by(answer)
        if told.get("code") in ({NOT_FOUND, NO_FILES} if call.endpoint == "stop" else {NOT_FOUND}):
            self._take_note(call.sid)
        elif call.endpoint == "query":
            self._asked(call, answer.status, told)
        elif answer.status == OK or told.get("code") in LEAVING:
            self._told[call.sid] = self._told.get(call.sid) or self.sim.now_s

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Take note of an end that was told and stored, though nobody lived to answer."""
        del process
        for change in changes:
            if isinstance(change, Notice) and change.kind in {EXIT, PAGE_STOPPED} and change.sid:
                self._take_note(change.sid)
            elif isinstance(change, SetSession) and change.session.id not in self._lost_at:
                self._lost_at[change.session.id] = self._lost()

    def notified(self, app: str, told: dict[str, object], status: int | None) -> None:
        """Take note of an end that was told."""
        del app
        payload: Any = told["payload"]
        if status == OK and told["eventType"] in {EXIT, PAGE_STOPPED}:
            self._take_note(payload["sid"])

    def look(self) -> None:
        """Look at the host's clock."""
        self._clock.look()

    def _lost(self) -> frozenset[str]:
        known = self.sim.book.sessions.values()
        return frozenset(each.id for each in known if each.is_orphan)

    def _take_note(self, sid: str) -> None:
        self._over[sid] = self.sim.clock.monotonic_s()

    def _asked(self, call: Call, status: int, told: dict[str, Any]) -> None:
        response = told.get("serverResponse", {})
        states = [each.get("payload", {}) for each in response.get("extensionServiceState", [])]
        if response.get("status") in OVER or any(each.get("state") == "exit" for each in states):
            self._take_note(call.sid)
        elif status == OK and self._over.get(call.sid, -inf) < call.at_s:
            self._over.pop(call.sid, None)

    def _before(self, after: Session) -> list[Session]:
        return [
            each
            for each in self.sim.book.sessions.values()
            if (each.recording, each.replica) == (after.recording, after.replica)
            and each.id != after.id
            and each.sid in self._told
        ]

    def _check(self, process: Process, before: Session) -> None:
        if not before.stop_reason or before.stop_reason in _BESIDE or before.is_orphan:
            return  # one that was not to be stopped after all goes on, and one out of reach does
        if before.sid in self._over or before.end_reason == End.FORGOTTEN:
            return
        taken_s = self._told[before.sid]
        if taken_s is None:
            self.fail(f"{process.name} starts in place of {called_so(before)}, which took no stop")
        elif self.sim.now_s - taken_s < TAKEN_S - self._clock.jump_s(taken_s):
            waited_s = self.sim.now_s - taken_s
            self.fail(
                f"{process.name} starts in place of {called_so(before)}, told to stop"
                f" {waited_s:.1f} s before and not known to be over"
            )
