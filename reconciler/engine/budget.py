"""The request budget of `agora/`, kept in state: all processes that share it share the rate."""

from reconciler.agora.budget import Ledger, Limit, book, slow_down
from reconciler.state.store import Spent, Store


class StateBudget:
    """Books slots in the state's time, which is the server's where there is one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def book(self, app: str, limit: Limit, calls: int) -> tuple[float, ...]:
        """Book the next slots; see `agora.budget.Budget`."""
        slots: tuple[float, ...] = ()

        def step(spent: Spent | None, now_s: float) -> Spent:
            nonlocal slots
            ledger, slots = book(_ledger(spent), now_s, limit, calls)
            return _spent(ledger)

        now_s = self._store.spend(app, step)
        return tuple(slot_s - now_s for slot_s in slots)

    async def slow_down(self, app: str) -> None:
        """Take note of a refused call; see `agora.budget.Budget`."""
        self._store.spend(app, lambda spent, now_s: _spent(slow_down(_ledger(spent), now_s)))


def _ledger(spent: Spent | None) -> Ledger:
    return Ledger(spent.last_s, spent.slowness, spent.slowed_s) if spent else Ledger()


def _spent(ledger: Ledger) -> Spent:
    return Spent(ledger.last_s, ledger.slowness, ledger.slowed_s)
