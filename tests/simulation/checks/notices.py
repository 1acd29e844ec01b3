"""Notifications: stored before they are answered, and acted on once (agora-api.md 8.1, 8.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reconciler.plan.life import SETTLED
from reconciler.plan.session import REACHABLE
from reconciler.simulator.session import Phase
from reconciler.state.store import Change, Notice
from tests.simulation.check import Check
from tests.simulation.truth import app_of

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

ACCEPTED = 200
EXIT = 11


class Notices(Check):
    """One notification is stored once, however often it comes, and before it is acknowledged.

    What was not acknowledged comes again, and acts then: an end that was told and taken is in
    state. What is refused leaves nothing. What comes for another App ends nothing of this one: each
    signs for its own (`Lost` finds it too).
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._stored: dict[str, float] = {}
        self._told: set[tuple[object, ...]] = set()
        self._settled: set[str] = set()

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        for each in changes:
            if isinstance(each, Notice):
                about = (each.sid, each.uid, each.service_type, each.kind, each.sequence)
                if each.notice_id in self._stored or about in self._told:
                    self.fail(f"{process.name} acts on notification {each.notice_id} again")
                self._stored[each.notice_id] = self.sim.clock.monotonic_s()
                self._told.add(about)

    def notified(self, app: str, told: dict[str, object], status: int | None) -> None:
        payload: Any = told["payload"]
        notice_id = str(told["noticeId"])
        keys = ("sid", "uid", "serviceType")
        about = (*(payload[key] for key in keys), told["eventType"], payload["sequence"])
        is_stored = notice_id in self._stored or about in self._told
        if status == ACCEPTED and not is_stored:
            self.fail(f"notification {notice_id} was acknowledged, and is not stored")
        now_s = self.sim.clock.monotonic_s()
        if status not in {ACCEPTED, None} and self._stored.get(notice_id) == now_s:
            self.fail(f"notification {notice_id} was refused ({status}), and is stored")
        if status == ACCEPTED and told["eventType"] == EXIT:
            self._check_ended(app, str(payload["sid"]))

    def _check_ended(self, app: str, sid: str) -> None:
        session = self.sim.stage.simulator.world.sessions[sid]
        known = self.sim.book.by_resource(session.resource_id)
        if known is None or known.sid != sid:
            return  # of others, or of a start whose answer has not come: nobody knows its `sid`
        if app != app_of(self.sim, sid):
            is_new = self.sim.book.written_s.get(known.id) == self.sim.now_s
            if is_new and known.end_reason and session.phase is Phase.LIVE:
                self.fail(f"the end of {sid[:6]} was told by another App, and believed")
            return
        if known.phase not in SETTLED:
            self.fail(f"the end of {sid[:6]} was told and acknowledged, and it is {known.phase}")
        self._settled.add(known.id)

    def end(self) -> None:
        for session_id in sorted(self._settled):
            if self.sim.book.sessions[session_id].phase in REACHABLE:
                self.fail(f"session {session_id} ended, was told to have ended, and lives in state")
