"""Whether what is only observed is left alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.plan.session import Session
from reconciler.state.store import Change, SetSession
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.checks.stops import LONG_PASS_S
from tests.simulation.wishes import PASS_S, Wishes

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation


class Policies(Check):
    """What is only observed is neither started, nor changed, nor stopped.

    design/spec-format.md, `manage: observe`: "queried and reported, never acted on".
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._wishes = Wishes(sim)
        self._began_s: dict[int, float] = {}
        self._seen: set[str] = set()

    def held(self, process: "Process") -> None:
        self._began_s[process.number] = self.sim.now_s

    def look(self) -> None:
        self._wishes.look()

    def wrote(self, process: "Process", changes: Sequence[Change]) -> None:
        """Look at what is to be started."""
        self._wishes.look()
        for change in changes:
            if isinstance(change, SetSession) and change.session.id not in self._seen:
                self._seen.add(change.session.id)
                if self._is_observed(process, change.session, LONG_PASS_S):
                    self.fail(f"`{change.session.recording}` is only observed, and is started")

    def called(self, process: "Process", call: Call) -> None:
        if call.endpoint not in {"update", "updateLayout", "stop"}:
            return
        self._wishes.look()
        session = self.sim.book.by_resource(call.resource_id)
        if session is not None and self._is_observed(process, session, PASS_S):
            self.fail(f"`{session.recording}` is only observed, and told to `{call.endpoint}`")

    def _is_observed(self, process: "Process", session: Session, pass_s: float) -> bool:
        """Tell whether its policy said so whenever what is done now may have been decided."""
        now_s = self.sim.now_s
        since_s = now_s - pass_s
        if process.command != "run":
            since_s = min(since_s, self._began_s.get(process.number, now_s))
        found = [view.wishes.get(session.recording) for view in self._wishes.views(since_s)]
        known = [each for each in found if each is not None]
        return bool(known) and all(each.says("manage", "observe") for each in known)
