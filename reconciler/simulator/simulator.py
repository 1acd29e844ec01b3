"""One simulated service and the clock that drives it.

Knows no HTTP; `app` and `control` share it.
"""

from collections.abc import Callable, Sequence

from reconciler.simulator.gateway import Gateway
from reconciler.simulator.settings import Settings
from reconciler.simulator.timeline import advance
from reconciler.simulator.tree import Json
from reconciler.simulator.world import World
from reconciler.simulator.worldclock import WorldClock


class Simulator:
    """A service that lives as time goes by; `read_s` tells the Unix time."""

    def __init__(
        self,
        settings: Settings,
        read_s: Callable[[], float],
        *,
        scale: float = 1.0,
        faults: Sequence[Json] = (),
    ) -> None:
        self.settings = settings
        self.clock = WorldClock(read_s, scale)
        self._first_faults = list(faults)
        self.gateway = self._fresh_gateway()

    @property
    def world(self) -> World:
        """Return the world as it was left; `lived` brings it up to now."""
        return self.gateway.world

    def lived(self) -> World:
        """Return the world as it is now."""
        advance(self.world, self.clock.now_s())
        return self.world

    def move_clock(self, now_s: float, scale: float) -> None:
        """Set the simulated time, never back, and its speed; all that is due happens."""
        self.clock.set_s(max(now_s, self.lived().now_s), scale)
        self.lived()

    def reset(self) -> None:
        """Begin anew, but for the time: no sessions, the faults of the beginning."""
        self.gateway = self._fresh_gateway()
        self.clock.nudge()

    def _fresh_gateway(self) -> Gateway:
        return Gateway(self.settings, self.clock.now_s(), self._first_faults)
