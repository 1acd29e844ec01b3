"""Ending in order: nothing new begins, and who waits is woken.

asyncio is loaded by who waits, not by who only could: a plan from state alone needs none of it
(docs/decisions/002-argparse-and-lazy-commands.md).
"""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from reconciler.clock import Clock
from reconciler.plan.result import Problem

if TYPE_CHECKING:
    from asyncio import Future

T = TypeVar("T")

HALTED = Problem("interrupted", "it was not begun, since the run was interrupted", None)
INTERRUPTED = Problem(
    "interrupted",
    "the run was interrupted; what was begun is recorded, and the next run goes on from there",
    None,
)


class Halt:
    """Whether to begin nothing new."""

    def __init__(self) -> None:
        self.ordered = False
        # In the order in which they came: what goes on first must not hang on addresses.
        self._waiting: dict[Future[None], None] = {}
        self._parts = WeakKeyDictionary[Halt, None]()

    def part(self) -> "Halt":
        """Return the Halt of a part of the work: it is ordered with the whole, or alone."""
        part = Halt()
        part.ordered = self.ordered
        self._parts[part] = None
        return part

    def order(self) -> None:
        """Begin nothing new from now on."""
        self.ordered = True
        for each in self._waiting:
            if not each.done():
                each.set_result(None)
        for part in list(self._parts):
            part.order()

    async def sleep(self, seconds: float, clock: Clock) -> None:
        """Wait that long, or until nothing new may begin."""
        await self.unless(clock.sleep(seconds))

    async def unless(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what comes of waiting, which may be dropped; None if nothing new may begin."""
        import asyncio

        doing = asyncio.ensure_future(work)
        halted: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[halted] = None
        if self.ordered:
            halted.set_result(None)
        try:
            both: set[Future[Any]] = {doing, halted}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            del self._waiting[halted]
            doing.cancel()
