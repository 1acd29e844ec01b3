"""What becomes of a session whose `sid` cannot be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Unanswered
from reconciler.state.store import Change, SetSession
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.checks.replies import told_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

KEEP_S = 30.0
LATE_S = 30.0
"""The wait in line, which is long where nobody can book: a tenth of the rate."""

OK = 200


class Kept(Check):
    """A `sid` that cannot be stored within 30 s is stopped.

    design/reconcile.md, "Errors of the service": so nothing records that nobody knows of. That is
    for who got it, as long as it lives.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._open: dict[str, tuple[Process, float]] = {}

    def called(self, process: Process, call: Call) -> None:
        """Take note of a stop."""
        del process
        if call.endpoint == "stop":
            self._open.pop(call.sid, None)

    def unsent(self, process: Process, call: Call) -> None:
        """Take note of a stop that could not leave: that was tried."""
        self.called(process, call)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        """Take note of what was started while nothing can be written."""
        if not isinstance(answer, Reply) or answer.status != OK or call.endpoint != "start":
            return
        sid = told_by(answer).get("sid")
        if sid and self.sim.disk.is_full:
            self._open[str(sid)] = (process, self.sim.clock.monotonic_s())

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Take note of what can be written after all."""
        del process
        for change in changes:
            if isinstance(change, SetSession):
                self._open.pop(change.session.sid, None)

    def look(self) -> None:
        """Look at what is still unknown to state."""
        for sid, (process, since_s) in list(self._open.items()):
            if not process.alive:
                del self._open[sid]
            elif self.sim.clock.monotonic_s() - since_s > KEEP_S + LATE_S:
                self.fail(f"{process.name} can keep no `sid` of {sid[:6]}, and did not stop it")
