"""Work beside the loop that may take long and may be left behind: programs that yield secrets."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], bool]) -> bool:
    """Do work in a thread of its own.

    The end of the process does not wait for it, as it would for a thread of the loop's pool: a
    program that hangs must not keep a `run` from ending within its 10 s.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def run() -> None:
        found = False
        try:
            found = work()
        finally:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, done, found)

    Thread(target=run, daemon=True, name="aside").start()
    return await done


def _settle(done: asyncio.Future[T], found: T) -> None:
    if not done.cancelled():
        done.set_result(found)
