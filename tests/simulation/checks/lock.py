"""The lock of the scope (design/reconcile.md, "Locking")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.state.store import Change
from tests.daemon.wires import Call
from tests.simulation.check import Check

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

CHANGING = frozenset({"acquire", "start", "update", "updateLayout", "stop"})
LOCKED = "is locked by"


class Lock(Check):
    """One process at a time holds the scope, and only that one changes anything at the service.

    A killed holder never blocks: who is told that the scope is locked is told the truth. `plan`
    changes and writes nothing.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._holder: Process | None = None

    def held(self, process: Process) -> None:
        if self._holder is not None and self._holder.has_lock:
            self.fail(f"{process.name} has the lock that {self._holder.name} has too")
        self._holder = process

    def called(self, process: Process, call: Call) -> None:
        if call.endpoint in CHANGING and not (process is self._holder and process.has_lock):
            self.fail(f"{process.name} sends `{call.endpoint}` without the lock")

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        del changes
        if process is not self._holder or not process.has_lock:
            self.fail(f"{process.name} writes to state without the lock")

    def died(self, process: Process) -> None:
        refused = getattr(process, "failed", "")
        if LOCKED in refused and (self._holder is None or not self._holder.has_lock):
            self.fail(f"{process.name} does not get a lock that nobody has: {refused}")
