"""Invariant 6: changes of one session go one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Unanswered
from tests.daemon.wires import Call
from tests.simulation.check import Check

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

CHANGES = frozenset({"update", "updateLayout"})
STOP_WITHIN_S = 8.0
"""So long a `run` that is to end waits for what is under way."""


class Serial(Check):
    """`update` and `updateLayout` of one session never overlap, whoever sends them.

    Each waits for the answer before it (design/reconcile.md, invariant 6), or until it waits no
    longer. The calls of a process that was killed are cut off with it: no answer to them will ever
    come, and whoever follows only knows that they may have left, so it need not wait. One that
    ends in order finishes what was begun, or records it (design/reconcile.md, "The daemon"): it
    gives its calls some seconds, then they are cut off as well.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._changing: dict[str, tuple[Process, Call]] = {}

    def called(self, process: Process, call: Call) -> None:
        if call.endpoint not in CHANGES:
            return
        before = self._changing.get(call.sid)
        if before is not None and not before[0].life.dead:
            self.fail(
                f"{process.name} sends {call.endpoint} to {call.sid[:6]} while the"
                f" {before[1].endpoint} of {before[0].name} has no answer yet"
            )
        self._changing[call.sid] = process, call

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        del process, answer
        known = self._changing.get(call.sid)
        if known is not None and known[1] is call:
            del self._changing[call.sid]

    def died(self, process: Process) -> None:
        if process.life.dead:
            return
        cut = [call for caller, call in self._changing.values() if caller is process]
        for call in cut:
            if self.sim.clock.monotonic_s() - call.at_s < STOP_WITHIN_S:
                self.fail(f"{process.name} ends while its {call.endpoint} has no answer")
            del self._changing[call.sid]
