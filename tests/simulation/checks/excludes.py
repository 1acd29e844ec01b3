"""That the replicas of a Recording are kept away from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.truth import called_so, claimed_by, living

if TYPE_CHECKING:
    from reconciler.plan.session import Session
    from tests.simulation.process import Process


class Excludes(Check):
    """Each `acquire` excludes the resources of the other replicas that live then.

    design/spec-format.md, `replicas`: in `excludeResourceIds`, and nothing else stands there.
    """

    def called(self, process: Process, call: Call) -> None:
        """Compare what an acquire excludes with what lives."""
        if call.endpoint != "acquire" or (session := claimed_by(self.sim, call)) is None:
            return
        excluded = call.body["clientRequest"].get("excludeResourceIds", [])
        for _, known in living(self.sim):
            # One that state takes for ended may live on: 404 alone said so ("missing").
            if known is None or not known.may_live or known.resource_id in excluded:
                continue
            if _are_siblings(known, session):
                self.fail(f"{process.name} does not exclude {called_so(known)} at an acquire")
        for resource_id in excluded:
            other = self.sim.book.by_resource(resource_id)
            if other is None or not _are_siblings(other, session):
                self.fail(f"{process.name} excludes {resource_id[:6]}, which is no other replica's")


def _are_siblings(one: Session, other: Session) -> bool:
    return one.recording == other.recording and one.replica != other.replica
