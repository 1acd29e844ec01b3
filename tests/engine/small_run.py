"""A `run` as small as can be: passes over what is woken, one at a time, and requests in between."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from reconciler.clock import Clock
from reconciler.engine.attendant import Attendant
from reconciler.engine.outcome import RequeueAfter, Retry
from reconciler.engine.reconcile import reconcile
from reconciler.engine.shop import Shop
from reconciler.engine.site import Site

LOOK_S = 0.5


class SmallRun:
    """What holds a scope in tests; `guarded` are the digests of plans that a guard holds."""

    def __init__(self, shop: Shop, guarded: Collection[str] = ()) -> None:
        self.shop = shop
        self.attendant = Attendant(self)
        self.guarded = set(guarded)
        self.woken: list[str] = []
        self.foreign: set[str] = set()
        self.passing: set[str] = set()
        self._turning = asyncio.Lock()
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def site(self) -> Site:
        return self.shop.site

    def owns(self, names: Collection[str]) -> bool:
        return not self.foreign & set(names)

    @asynccontextmanager
    async def alone(self, names: Collection[str]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for name in sorted(set(names)):
                await stack.enter_async_context(self._locks[name])
            assert not self.passing & set(names)
            yield

    def wake(self, names: Collection[str]) -> None:
        self.woken += names

    def holds(self, digest: str) -> bool:
        return any(each.startswith(digest) for each in self.guarded)

    def approve(self, digest: str) -> str:
        meant = {each for each in self.guarded if each.startswith(digest)}
        self.guarded -= meant
        return "" if len(meant) == 1 else f"no guard holds one plan `{digest}`"

    async def turn(self) -> None:
        """Take what is asked, and make one pass over each Recording that was woken."""
        async with self._turning:
            await self.attendant.look()
            names, self.woken = set(self.woken), []
            await asyncio.gather(*map(self._pass, names))

    async def _pass(self, name: str) -> None:
        async with self._locks[name]:
            self.passing.add(name)
            outcome, *_ = await reconcile(self.shop.site, self.shop.differ, name)
            self.passing.discard(name)
        if isinstance(outcome, RequeueAfter | Retry):
            self.wake([name])

    async def rest(self, clock: Clock) -> None:
        """Answer all that was begun, and make passes until nothing is under way."""
        await self.attendant.end()
        await self.turn()
        while self.woken:
            await clock.sleep(LOOK_S)
            await self.turn()

    async def serve(self, clock: Clock) -> None:
        """Go on until cancelled; what was begun is answered."""
        try:
            while True:
                await self.turn()
                await clock.sleep(LOOK_S)
        finally:
            self.site.halt.order()
            await self.attendant.end()
