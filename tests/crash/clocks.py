"""Clocks for a program in a process of its own, whose service is a simulator in another.

`Together` makes waiting take no time: where the program only waits, it and the simulator (whose own
clock stands still, `--time-scale 0`) are moved to the next moment at which something is due. So
every run takes the same steps, whatever the machine is busy with.
"""

import asyncio
import http.client
import json
import selectors
from typing import Any
from urllib.parse import urlsplit


class Together:
    """The simulator's time, as seconds since this process began to look and as Unix time."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._begin_s = self._clock({})
        self._passed_s = 0.0
        self.calls = 0
        """Calls to the service that are under way: no time passes while there are any."""

    def now_s(self) -> float:
        return self._begin_s + self._passed_s

    def monotonic_s(self) -> float:
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass here and there."""
        self._passed_s += seconds
        self._clock({"advance": seconds})

    def install(self) -> None:
        """Give every event loop that is made from now on this time."""
        clock = self

        class Loops(asyncio.DefaultEventLoopPolicy):
            def new_event_loop(self) -> asyncio.AbstractEventLoop:
                return _Loop(clock)

        asyncio.set_event_loop_policy(Loops())

    def _clock(self, order: dict[str, float]) -> float:
        body = json.dumps(order) if order else None
        self._connection.request("POST" if order else "GET", "/_sim/clock", body)
        now_s: float = json.load(self._connection.getresponse())["now"]
        return now_s


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Together) -> None:
        super().__init__(_Selector(clock))
        self.time = clock.monotonic_s  # type: ignore[method-assign]  # it is the same for all loops


class _Selector(selectors.DefaultSelector):
    """Waits for what comes in; where nothing can, lets time pass instead."""

    def __init__(self, clock: Together) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._clock.calls:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self._clock.advance(timeout)
        return ready
