"""The one place that reads the system's clock; everything else is handed a Clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits. Tests bring their own, so that a day takes no time."""

    def now_s(self) -> float:
        """Return the Unix time, which may be set back."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since some moment; never goes back, for measuring and for deadlines."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return that much later; at once, after the others had their turn, for 0 and less."""
        ...


class SystemClock:
    """The clock on the wall."""

    def now_s(self) -> float:
        """Return the Unix time."""
        return time.time()

    def monotonic_s(self) -> float:
        """Return seconds since some moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""
        import asyncio  # noqa: PLC0415  # commands that never wait need not load it: docs/decisions/002

        await asyncio.sleep(seconds)


class SteadyClock:
    """A clock whose Unix time runs evenly, whatever the one that it reads is set to meanwhile.

    So that what lasts 90 s lasts 90 s. `follow` lets it have the other one's time again.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin with the time of that clock."""
        self._clock = clock
        self._begins_s = self._wall_s()

    def now_s(self) -> float:
        """Return the Unix time, as far as nobody has set it."""
        return self._begins_s + self._clock.monotonic_s()

    def monotonic_s(self) -> float:
        """Return seconds since some moment; never goes back."""
        return self._clock.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""
        await self._clock.sleep(seconds)

    def set_by_s(self) -> float:
        """Return by how many seconds the other clock was set since this one has followed it."""
        return self._wall_s() - self._begins_s

    def follow(self) -> None:
        """Have the other clock's time from now on."""
        self._begins_s = self._wall_s()

    def _wall_s(self) -> float:
        return self._clock.now_s() - self._clock.monotonic_s()
