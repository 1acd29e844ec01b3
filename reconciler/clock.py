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
