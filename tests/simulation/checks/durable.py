"""What a process reads of state is all that was ever committed to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.state.store import Snapshot
from tests.simulation.check import Check
from tests.simulation.truth import called_so

if TYPE_CHECKING:
    from tests.simulation.process import Process


class Durable(Check):
    """A commit is on the disk when it returns: it survives a power cut (state/store.py).

    State is the only memory of which sessions exist (design/reconcile.md, "Words"): each one that
    may live is there as it was written last, whatever became of the processes and their host.
    """

    def recalled(self, process: Process, snapshot: Snapshot) -> None:
        """Compare what was read with what was written."""
        found = {each.id: each for each in snapshot.sessions}
        for known in self.sim.book.sessions.values():
            if known.may_live and found.get(known.id) != known:
                what = "is not there" if known.id not in found else "is as it was before"
                self.fail(f"{process.name} reads state, and {called_so(known)} {what}")
