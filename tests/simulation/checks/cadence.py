"""How often each session that records is queried."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from reconciler.plan.session import Phase
from reconciler.simulator import tree
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

IN_A_ROW = 5
"""So many have to arrive until anybody relies on them."""

SILENT_S = 180.0
"""After that nobody relies on a session's notifications; it tells its progress every minute."""

SLACK_S = 30.0
"""The wait in line, and how seldom is looked here."""

OK = 200


class Cadence(InCalm):
    """A session that records is queried every `--resync`, and always more often than its `maxIdle`.

    design/reconcile.md, "running". Where its notifications arrive, five times as seldom: they tell
    of its end, whatever that is (plan/cadence.py). All that while a daemon lives, the service is
    reached, and nothing goes wrong.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._queried_s: dict[str, float] = {}
        self._heard_s: dict[str, deque[float]] = {}

    def called(self, process: Process, call: Call) -> None:
        """Take note of a query."""
        del process
        if call.endpoint == "query":
            self._queried_s[call.sid] = call.at_s

    def notified(self, app: str, told: dict[str, object], status: int | None) -> None:
        """Take note of what was heard of a session."""
        del app
        payload = told["payload"]
        if status == OK and isinstance(payload, dict):
            heard = self._heard_s.setdefault(payload["sid"], deque(maxlen=IN_A_ROW))
            heard.append(self.sim.clock.monotonic_s())

    def look(self) -> None:
        """Look at all that record."""
        super().look()
        for session in self.sim.stage.alive():
            if session.sid not in self.sim.foreign and session.reachable:
                self._check(session)

    def _check(self, session: Session) -> None:
        known = self.sim.book.by_resource(session.resource_id)
        if known is None or known.phase is not Phase.RUNNING or not known.sid:
            return
        now_s = self.sim.clock.monotonic_s()
        since_s = max(self._queried_s.get(session.sid, 0.0), self.calm_since_s)
        often_s = since_s + min(RESYNC_S, _idle_s(session))
        # That notifications stay away is seen in a pass over everything (`--interval`).
        due_s = min(max(often_s, self._relied_s(session.sid)), since_s + SELDOM_S)
        if now_s > due_s + SLACK_S:
            self.fail(f"{session.sid[:6]} was not queried for {now_s - since_s:.0f} s")

    def _relied_s(self, sid: str) -> float:
        """Return until when somebody may rely on a session's notifications."""
        heard = self._heard_s.get(sid)
        if heard is None or len(heard) < IN_A_ROW:
            return 0.0
        interval_s: float = self.sim.script.settings["interval_s"]
        return heard[-1] + SILENT_S + interval_s


def _idle_s(session: Session) -> float:
    return float(tree.whole(session.recording, "maxIdleTime") or RESYNC_S)
