"""How many sessions of one replica record at once."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

from reconciler.plan.session import End, Session
from reconciler.state.store import Change
from tests.simulation.check import Check
from tests.simulation.process import Process
from tests.simulation.truth import called_so, living

_GOING = frozenset({End.UNCONFIRMED, End.UNWANTED})
"""Why one may be on its way out beside another: it was given up, or was found alive."""


class Sessions(Check):
    """Never two sessions for one Recording and replica (design/reconcile.md, invariant 2).

    But for the overlap of a start-first replacement, an orphan, one given up as unconfirmed that is
    being stopped, and one that was found alive after its end and is being stopped.
    """

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look again when state has changed."""
        del process, changes
        self.look()

    def look(self) -> None:
        """Compare all that lives."""
        found: dict[tuple[str, int], list[Session]] = defaultdict(list)
        for _, known in living(self.sim):
            if known is not None and known.may_live and not known.is_orphan:
                found[known.recording, known.replica].append(known)
        for sessions in found.values():
            for first, second in combinations(sessions, 2):
                if not _may_overlap(first, second):
                    self.fail(f"{called_so(first)} and {called_so(second)} live at once")
            going_on = [each for each in sessions if not each.stop_reason]
            if len(going_on) > 2:
                self.fail(f"{len(going_on)} of {called_so(going_on[0])} live at once")


def _may_overlap(first: Session, second: Session) -> bool:
    is_pair = first.id == second.replaces or second.id == first.replaces
    return is_pair or first.stop_reason in _GOING or second.stop_reason in _GOING
