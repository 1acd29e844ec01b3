"""A `run` from its start to its end: open state, hold the scope or stand by, run, begin anew.

Where state or the lock goes away the process stays, asks for them again, and goes on.
"""

import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass

from reconciler.cli.desk import Desk, Inside
from reconciler.clock import Clock
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
    """`patience_s` is how long to wait for the lock; None, as a standby, for ever."""

    scope: str
    patience_s: float | None
    opened: Callable[[], Store]
    setup: Callable[[Store], Setup]


class Watch:
    """Runs one Daemon after the other, until it is stopped."""

    def __init__(self, terms: Terms, desk: Desk, clock: Clock) -> None:
        self._terms = terms
        self._desk = desk
        self._clock = clock
        self._halt = Halt()
        self._held = False

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
        what happens to state afterwards is waited out.
        """
        while not self._halt.ordered:
            try:
                await self._once()
            except StateError as problem:
                if not (self._held or self._stands_by):
                    raise
                log.warning("state cannot be used", extra={"problem": str(problem)})
                await self._halt.sleep(AGAIN_S, self._clock)

    @property
    def _stands_by(self) -> bool:
        return self._terms.patience_s is None

    async def _once(self) -> None:
        store = self._terms.opened()
        self._desk.inside = Inside(store=store)
        try:
            with ExitStack() as stack:
                if await self._lock(store, stack):
                    await self._work(store)
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
                is_late = self._clock.monotonic_s() >= deadline_s
                if is_late and not (self._held or self._stands_by):
                    raise
                if not said:
                    log.info("it stands by", extra={"problem": str(problem)})
                said = True
                await self._halt.sleep(LOCK_POLL_S, self._clock)
            else:
                log.info("the scope is held", extra={"scope": self._terms.scope})
                self._held = True
                return True
        return False

    def _share(self, store: Store) -> AbstractContextManager[None]:
        holder = Holder(
            host=os.uname().nodename,
            process=os.getpid(),
            command="run",
            since_s=self._clock.now_s(),
        )
        return store.share(self._terms.scope, holder)

    async def _work(self, store: Store) -> None:
        records = Records(store, self._terms.scope, store.snapshot(self._terms.scope))
        daemon = Daemon(records, self._terms.setup(store))
        self._desk.inside = Inside(store=store, daemon=daemon)
        if not await daemon.run():
            log.warning("the lock is gone with the connection to state; it is asked for again")
