"""Since when nothing goes wrong: what is promised for as long as all is well counts from then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


class Calm:
    """Follows whether the daemon lives, reaches the service, and can write."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._wrong_s = 0.0
        self.since_s = 0.0
        """On the clock that only goes on."""

    def broken(self) -> None:
        """Take note that a process has come or gone."""
        self.since_s = self._sim.clock.monotonic_s()

    def look(self) -> None:
        """Look whether something goes wrong now."""
        sim = self._sim
        network = sim.network
        is_reached = network.down is None and not network.lost and not network.on_the_way
        is_well = not sim.disk.is_full and not sim.stage.simulator.gateway.faults.rules
        is_right = sim.clock.wrong_s == self._wrong_s
        if sim.daemon is None or not (is_reached and is_well and is_right):
            self.since_s = sim.clock.monotonic_s()
        self._wrong_s = sim.clock.wrong_s
