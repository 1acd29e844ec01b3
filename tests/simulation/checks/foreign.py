"""Sessions of others under our App IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.session import Session
from reconciler.state.store import Change, SetSession
from tests.daemon.wires import Call
from tests.simulation.check import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation


class Foreign(Check):
    """Nothing foreign is ever called, changed, stopped or taken for ours (style.md, convention 10).

    A session that is not in our state is refused with a diagnostic.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._orphans: set[str] = set()
        """The ids of those that ever were orphans without a `sid`."""

    def called(self, process: Process, call: Call) -> None:
        """Look at whom it calls."""
        del process
        if call.resource_id in self._resources():
            self.fail(f"{call.endpoint} of the foreign {call.resource_id[:6]}")
        elif call.sid in self.sim.foreign:
            known = self.sim.book.by_resource(call.resource_id)
            if known is None or not self._is_mistaken(known, call.sid):
                self.fail(f"{call.endpoint} of the foreign {call.sid[:6]}")

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look at what state takes for its own."""
        del process
        for change in changes:
            if isinstance(change, SetSession):
                session = change.session
                if session.is_orphan and not session.sid:
                    self._orphans.add(session.id)
                if session.sid in self.sim.foreign and not self._is_mistaken(session, session.sid):
                    self.fail(f"the foreign {session.sid[:6]} is in state")

    def _is_mistaken(self, known: Session, sid: str) -> bool:
        """Tell whether it was heard of under channel and uid of an orphan, sent after its start.

        That is all that there is to tell an orphan by (design/reconcile.md, "Orphans"): it cannot
        be told from somebody else's session, which a call with our resource ID does not reach.
        """
        who = self.sim.stage.simulator.world.sessions[sid].identity
        is_same = (known.app_id, known.channel, known.uid) == (who.app_id, who.cname, who.uid)
        return is_same and known.id in self._orphans

    def _resources(self) -> set[str]:
        sessions = self.sim.stage.simulator.world.sessions
        return {sessions[sid].resource_id for sid in self.sim.foreign if sid in sessions}
