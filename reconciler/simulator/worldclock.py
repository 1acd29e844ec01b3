"""The clock that drives a World: as fast as asked for, and moved by control requests."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

SCALE_MAX = 100_000.0
TIME_S_MAX = 32_503_680_000.0  # the year 3000: everything can still be written as a date


class WorldClock:
    """Simulated Unix time, which runs `scale` times as fast as the clock it reads."""

    def __init__(self, read_s: Callable[[], float], scale: float = 1.0) -> None:
        self._read_s = read_s
        self._anchor_s = self._start_s = read_s()
        self._scale = scale
        self._moved = asyncio.Event()

    @property
    def scale(self) -> float:
        """Return how many simulated seconds one second is; 0 is a clock that only orders move."""
        return self._scale

    def now_s(self) -> float:
        """Return the simulated Unix time."""
        since_s = self._read_s() - self._anchor_s
        return min(TIME_S_MAX, self._start_s + since_s * self._scale)

    def real_s(self) -> float:
        """Return the time that callers have: neither scaled nor moved."""
        return self._read_s()

    def set_s(self, now_s: float, scale: float) -> None:
        """Set time and speed; whoever waits looks again."""
        self._start_s, self._scale, self._anchor_s = now_s, scale, self._read_s()
        self.nudge()

    def nudge(self) -> None:
        """Wake all that wait, since there may be something to do."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def until(self, time_s: float | None) -> None:
        """Wait until then (None: without end), or until the next nudge."""
        moved = self._moved
        left_s = None if time_s is None else time_s - self.now_s()
        if left_s is not None and left_s <= 0:
            return
        timeout_s = left_s / self._scale if left_s is not None and self._scale else None
        with suppress(TimeoutError):
            # `wait_for` would swallow a cancellation that comes with the nudge (Python 3.11).
            async with asyncio.timeout(timeout_s):
                await moved.wait()

    async def reach(self, time_s: float) -> None:
        """Wait until then."""
        while self.now_s() < time_s:
            await self.until(time_s)
