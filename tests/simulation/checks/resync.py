"""How often each running session is queried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.session import Phase
from reconciler.simulator.session import Session
from tests.daemon.wires import Call
from tests.simulation.checks.calm import InCalm

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

RESYNC_S = 120.0 * 1.1
"""`--resync`, and what sessions differ by so that they are not all queried together."""

SELDOM_S = 5 * RESYNC_S
"""The same where notifications of the session arrive: they tell of its end."""

SILENT_S = 180.0
"""After that nobody relies on a session's notifications; it tells its progress every minute."""

SLACK_S = 60.0
"""The wait in line, and how seldom is looked here."""

OK = 200


class Resync(InCalm):
    """A running session is queried as `--resync` says, or its notifications arrive.

    While a daemon lives, the service is reached, and nothing goes wrong (design/reconcile.md,
    "running").
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._queried_s: dict[str, float] = {}
        self._heard_s: dict[str, float] = {}

    def called(self, process: Process, call: Call) -> None:
        del process
        if call.endpoint == "query":
            self._queried_s[call.sid] = call.at_s

    def notified(self, app: str, told: dict[str, object], status: int | None) -> None:
        del app
        payload = told["payload"]
        if status == OK and isinstance(payload, dict):
            self._heard_s[payload["sid"]] = self.sim.clock.monotonic_s()

    def look(self) -> None:
        super().look()
        if self.sim.clock.monotonic_s() - self.calm_since_s < RESYNC_S:
            return
        for session in self.sim.stage.alive():
            if session.sid not in self.sim.foreign and session.reachable:
                self._check(session)

    def _check(self, session: Session) -> None:
        known = self.sim.book.by_resource(session.resource_id)
        if known is None or known.phase is not Phase.RUNNING or not known.sid:
            return
        now_s = self.sim.clock.monotonic_s()
        since_s = max(self._queried_s.get(session.sid, 0.0), self.calm_since_s)
        # That notifications stay away is seen in a pass over everything (`--interval`).
        silent_s = self._heard_s.get(session.sid, 0.0) + SILENT_S
        silent_s += self.sim.script.settings["interval_s"]
        due_s = min(max(since_s + RESYNC_S, silent_s), since_s + SELDOM_S)
        if now_s > due_s + SLACK_S:
            self.fail(f"{session.sid[:6]} was not queried for {now_s - since_s:.0f} s")
