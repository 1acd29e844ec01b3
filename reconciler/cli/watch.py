"""A `run` from its start to its end: open state, hold the scope or stand by, run, begin anew.

Where state or the lock goes away the process stays, asks for them again, and goes on.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass

from reconciler.cli.desk import Desk, Inside
from reconciler.clock import Clock
from reconciler.daemon.claims import HAND_OVER_S, Turns
from reconciler.daemon.daemon import Daemon, Setup
from reconciler.engine.halt import Halt
from reconciler.engine.records import Records
from reconciler.errors import LockedError, StateError
from reconciler.state.store import Holder, Store

AGAIN_S = 5.0
"""How often state that cannot be used is tried again."""

LOCK_POLL_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`patience_s` is how long to wait for the lock; None, as a standby, for ever.

    `began` is waited for once, before any work: when the scope is held, or is being waited for.
    """

    scope: str
    patience_s: float | None
    began: Callable[[], Awaitable[None]]
    opened: Callable[[], Store]
    setup: Callable[[Store], Setup]


class Watch:
    """Runs one Daemon after the other, until it is stopped."""

    def __init__(self, terms: Terms, desk: Desk, clock: Clock) -> None:
        self._terms = terms
        self._desk = desk
        self._clock = clock
        self._halt = Halt()
        self._has_begun = False
        self._turns = Turns(clock)

    def stop(self) -> None:
        """End; recordings go on."""
        self._halt.order()
        if self._desk.inside.daemon is not None:
            self._desk.inside.daemon.stop()

    def reload(self) -> None:
        """Read the specs again, now."""
        if self._desk.inside.daemon is not None:
            self._desk.inside.daemon.sync()

    async def run(self) -> None:
        """Run until stopped.

        Raises StateError and LockedError before the scope was ever held, unless it is a standby;
        what happens to state afterwards is waited out. Raises what `began` does.
        """
        if self._terms.patience_s is None:
            await self._begin()
        while not self._halt.ordered:
            try:
                if await self._once():
                    log.info("another `run` takes over: a Recording moves to an App of its own")
                    await self._halt.sleep(HAND_OVER_S, self._clock)
            except StateError as problem:
                if not self._has_begun:
                    raise
                log.warning("state cannot be used", extra={"problem": str(problem)})
                self._desk.metrics_told.state_failed()
                self._desk.inside = Inside(problem=str(problem))
                await self._halt.sleep(AGAIN_S, self._clock)

    async def _begin(self) -> None:
        if not self._has_begun:
            await self._terms.began()
        self._has_begun = True

    async def _once(self) -> bool:
        """Work for as long as the scope is held; tell whether another `run` is to take over."""
        # A server that says nothing is waited for beside the loop, which answers HTTP meanwhile.
        store = await asyncio.to_thread(self._terms.opened)
        self._desk.inside = Inside(store=store)
        try:
            with ExitStack() as stack:
                return await self._lock(store, stack) and await self._work(store)
        finally:
            self._desk.inside = Inside()
            with suppress(StateError):
                store.close()

    async def _lock(self, store: Store, stack: ExitStack) -> bool:
        """Hold the scope; tell whether it is, or nothing new may begin."""
        deadline_s = self._clock.monotonic_s() + (self._terms.patience_s or 0.0)
        said = False
        while not self._halt.ordered:
            try:
                stack.enter_context(self._share(store))
            except LockedError as problem:
                if not self._has_begun and self._clock.monotonic_s() >= deadline_s:
                    raise
                if not said:
                    log.info("it stands by", extra={"problem": str(problem)})
                said = True
                await self._halt.sleep(LOCK_POLL_S, self._clock)
            else:
                log.info("the scope is held", extra={"scope": self._terms.scope})
                await self._begin()
                break
        return not self._halt.ordered

    def _share(self, store: Store) -> AbstractContextManager[None]:
        holder = Holder(
            host=os.uname().nodename,
            process=os.getpid(),
            command="run",
            since_s=self._clock.now_s(),
        )
        return store.share(self._terms.scope, holder)

    async def _work(self, store: Store) -> bool:
        records = Records(store, self._terms.scope, store.snapshot(self._terms.scope))
        daemon = Daemon(records, self._terms.setup(store))
        self._turns.begin(daemon.claims)
        self._desk.inside = Inside(store=store, daemon=daemon)
        hands_over = daemon.claims.torn
        if not await daemon.run() and not hands_over.is_set():
            log.warning("the lock is gone with the connection to state; it is asked for again")
        if hands_over.is_set():
            self._turns.over()
        return hands_over.is_set()
