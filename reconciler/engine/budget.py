"""The request budget of `agora/`, kept in state: all processes that share it share the rate."""

from dataclasses import replace

from reconciler.agora.budget import AHEAD_S_MAX, Ledger, Limit, MemoryBudget, book, slow_down
from reconciler.clock import Clock
from reconciler.errors import StateError
from reconciler.state.store import Spent, Store

UNBOOKED = 0.1
"""The share of the rate of those who cannot book (design/reconcile.md, "Budget")."""


class StateBudget:
    """Books slots in the state's time, which is the server's where there is one.

    Where state takes no more writes (a full disk), calls go on slowly and unbooked: what was
    started and cannot be written down must still be stopped.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._unbooked = MemoryBudget(clock)

    async def book(
        self, app: str, limit: Limit, calls: int, ahead_s: float = AHEAD_S_MAX
    ) -> tuple[float, ...]:
        """Book the next slots; see `agora.budget.Budget`."""
        slots: tuple[float, ...] = ()

        def step(spent: Spent | None, now_s: float) -> Spent:
            nonlocal slots
            ledger, slots = book(_ledger(spent), now_s, limit, calls, ahead_s)
            return _spent(ledger)

        try:
            now_s = self._store.spend(app, step)
        except StateError:
            slow = replace(limit, calls_per_s=limit.calls_per_s * UNBOOKED)
            return await self._unbooked.book(app, slow, calls, ahead_s)
        return tuple(slot_s - now_s for slot_s in slots)

    async def slow_down(self, app: str) -> None:
        """Take note of a refused call; see `agora.budget.Budget`."""
        try:
            self._store.spend(app, lambda spent, now_s: _spent(slow_down(_ledger(spent), now_s)))
        except StateError:
            await self._unbooked.slow_down(app)


def _ledger(spent: Spent | None) -> Ledger:
    return Ledger(spent.last_s, spent.slowness, spent.slowed_s) if spent else Ledger()


def _spent(ledger: Ledger) -> Spent:
    return Spent(ledger.last_s, ledger.slowness, ledger.slowed_s)
