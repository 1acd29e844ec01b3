"""Whether what a command suspends for a while is suspended for that while."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.engine.demands import Suspend
from reconciler.state.store import Change, Rename, SetRecorded
from tests.simulation.check import Check

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation


class Suspends(Check):
    """Suspended without an end is only what somebody asked that of.

    design/cli.md, `suspend`: "not recording until resumed or the time is over".
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._names: dict[str, set[str]] = {}
        """What each was called before, by its name."""

    def wrote(self, process: "Process", changes: Sequence[Change]) -> None:
        del process
        for change in changes:
            if isinstance(change, Rename):
                before = self._names.pop(change.before, {change.before})
                self._names[change.after] = {change.after, *before}
            elif isinstance(change, SetRecorded) and (held := change.recorded.override):
                name = change.recorded.name
                if held.until_s is None and not self._is_asked(name):
                    self.fail(f"`{name}` is suspended without an end, and nobody asked for that")

    def _is_asked(self, name: str) -> bool:
        names = self._names.get(name, {name})
        return any(
            isinstance(demand, Suspend) and demand.for_s is None and names & {*demand.names}
            for _, demand in self.sim.demands
        )
