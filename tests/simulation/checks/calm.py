"""Since when nothing goes wrong: what is promised for as long as all is well counts from then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.check import Check
from tests.simulation.setting import ADDRESSES

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation


class InCalm(Check):
    """Follows whether the daemon lives, reaches the service, and can write."""

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._wrong_s = 0.0
        self.calm_since_s = 0.0
        """On the clock that only goes on."""

    def held(self, process: Process) -> None:
        """Begin anew: a process has come."""
        del process
        self.calm_since_s = self.sim.clock.monotonic_s()

    def died(self, process: Process) -> None:
        """Begin anew: a process has gone."""
        self.held(process)

    def look(self) -> None:
        """Look whether something goes wrong now."""
        sim = self.sim
        network = sim.network
        is_reached = network.down is None and not network.lost and not network.on_the_way
        is_reached = is_reached and sim.apps.endpoints == ADDRESSES
        is_well = not sim.disk.is_full and not sim.stage.simulator.gateway.faults.rules
        is_read = bool(sim.shelf.paths)  # who begins without any specs looks at nothing yet
        is_right = sim.clock.wrong_s == self._wrong_s
        if sim.daemon is None or not (is_reached and is_well and is_read and is_right):
            self.calm_since_s = sim.clock.monotonic_s()
        self._wrong_s = sim.clock.wrong_s
