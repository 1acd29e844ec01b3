"""Invariant 5: the request budget of an App ID, shared by all processes, and used."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Unanswered
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.setting import APP_IDS, RATES

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

BOOKED_S = 10.0
"""So far ahead are slots booked: what left unbooked may stand among them."""

WINDOW_S = 1.0
USE_MIN = 0.94
RUSH_MIN = 8
"""With fewer to be started at once, what the first and the last call take counts for too much."""

THROTTLED = 429


@dataclass(slots=True)
class Rush:
    """The start of everything: until its last acquire has left, work is waiting."""

    total: int
    began_s: float
    acquires: int = 0
    calls: int = 0


class Budget(Check):
    """No sliding second holds more calls of an App ID than its rate, whoever makes them.

    At least 94 % of it is used while there is work, and no 429 comes that nobody ordered
    (design/reconcile.md, invariant 5). What was not sent does not count.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._began_s = math.inf
        self._unbooked_s = -math.inf
        self._lately: dict[str, deque[float]] = defaultdict(deque)
        self._rushes: dict[str, Rush] = {}

    def look(self) -> None:
        """Look at the disk: while it is full nobody can book, and each goes on slowly, a tenth."""
        if self.sim.disk.is_full:
            self._unbooked_s = self.sim.clock.monotonic_s()

    def called(self, process: Process, call: Call) -> None:
        self.look()
        if not call.app_id:
            return  # the addresses of notifications belong to no App ID (agora-api.md 4.5)
        self._began_s = min(self._began_s, call.at_s)
        lately = self._lately[call.app_id]
        lately.append(call.at_s)
        while lately[0] <= call.at_s - WINDOW_S:
            lately.popleft()
        rate = RATES[call.app_id]
        if len(lately) > rate and call.at_s - self._unbooked_s > BOOKED_S:
            self.fail(f"{process.name} makes call {len(lately)} of a second that may hold {rate}")
        if not self.sim.script.steps or call.at_s < self.sim.script.steps[0].at_s:
            self._used(call, rate)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        if not isinstance(answer, Reply) or answer.status != THROTTLED:
            return
        self._rushes[call.app_id] = Rush(0, call.at_s)  # from here on it goes more slowly
        # Others, with a state of their own, have called just before: theirs count at the service.
        is_booked = call.at_s - self._unbooked_s > BOOKED_S
        is_alone = call.at_s >= self._began_s + WINDOW_S and is_booked
        if is_alone and not self._is_ordered(answer):
            self.fail(f"{process.name} is told at `{call.endpoint}` that it calls too often")

    def _is_ordered(self, answer: Reply) -> bool:
        log = self.sim.stage.simulator.gateway.log
        return any(
            each.request_id == answer.request_id and each.fault
            for each in log.since(0, len(RATES) * 10_000)
        )

    def _used(self, call: Call, rate: int) -> None:
        """Measure how long the starts take that are all to be made when the first `run` begins."""
        if call.app_id not in self._rushes:
            self._rushes[call.app_id] = Rush(self._started_at_once(call.app_id), call.at_s)
        rush = self._rushes[call.app_id]
        rush.calls += 1
        rush.acquires += call.endpoint == "acquire"
        if call.endpoint != "acquire" or rush.acquires != rush.total or rush.total < RUSH_MIN:
            return
        took_s = call.at_s - rush.began_s
        if rush.calls - 1 < USE_MIN * rate * took_s:
            self.fail(f"{rush.calls} calls took {took_s:.2f} s, of {rate} a second, with work left")

    def _started_at_once(self, app_id: str) -> int:
        return sum(
            each.replicas
            for each in self.sim.roles.values()
            if APP_IDS[each.spec["app"]] == app_id
            and each.spec["policy"].get("manage") != "observe"
            and not each.times.schedule
        )
