"""Which recorder uid a new session claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.plan.session import Phase, Session
from reconciler.state.store import Change, SetSession
from tests.simulation.check import Check
from tests.simulation.truth import called_so

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation


class Uids(Check):
    """No session claims the uid of another one of ours that may live, an orphan least of all.

    After a start that stays perhaps started, the Recording goes on on another uid
    (design/reconcile.md, "Errors of the service"; agora-api.md 7.5).
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._known: set[str] = set()

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look at the sessions that are new."""
        for change in changes:
            if isinstance(change, SetSession) and change.session.id not in self._known:
                self._known.add(change.session.id)
                if change.session.phase is Phase.NONE:
                    self._check(process, change.session)

    def _check(self, process: Process, new: Session) -> None:
        for other in self.sim.book.sessions.values():
            if other.id != new.id and other.may_live and _place(other) == _place(new):
                self.fail(
                    f"{process.name} claims for {called_so(new)} the uid of {called_so(other)}"
                )


def _place(session: Session) -> tuple[str, str, str]:
    return session.app_key, session.channel, session.uid
