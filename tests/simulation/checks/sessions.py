"""How many sessions of one replica record at once."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from reconciler.plan.session import End, Session
from reconciler.state.store import Change, SetSession
from tests.simulation.check import Check
from tests.simulation.process import Process
from tests.simulation.truth import called_so, living

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

_GOING = frozenset({End.UNCONFIRMED, End.UNWANTED})
"""Why one may be on its way out beside another: it was given up, or is wanted no more."""


class Sessions(Check):
    """Never two sessions for one Recording and replica (design/reconcile.md, invariant 2).

    But for the overlap of a start-first replacement, an orphan, one given up as unconfirmed that is
    being stopped, and one that was found alive after its end and is being stopped.
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._over: set[str] = set()
        """Ids of those that state took for ended at some time."""

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look again when state has changed."""
        del process
        for change in changes:
            if isinstance(change, SetSession) and not change.session.may_live:
                self._over.add(change.session.id)
        self.look()

    def look(self) -> None:
        """Compare all that lives."""
        found: dict[tuple[str, int], list[Session]] = defaultdict(list)
        for _, known in living(self.sim):
            if known is not None and known.may_live and not known.is_orphan:
                found[known.recording, known.replica].append(known)
        for sessions in found.values():
            for first, second in combinations(sessions, 2):
                if not self._may_overlap(first, second):
                    self.fail(f"{called_so(first)} and {called_so(second)} live at once")
            going_on = [each for each in sessions if not each.stop_reason]
            if len(going_on) > 2:
                self.fail(f"{len(going_on)} of {called_so(going_on[0])} live at once")

    def _may_overlap(self, first: Session, second: Session) -> bool:
        is_pair = first.id == second.replaces or second.id == first.replaces
        return is_pair or self._is_going(first) or self._is_going(second)

    def _is_going(self, session: Session) -> bool:
        is_found = bool(session.stop_reason) and session.id in self._over
        return is_found or session.stop_reason in _GOING
