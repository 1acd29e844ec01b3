"""The request budget: slots of an App ID's requests per second, booked before a call leaves.

Slots are a steady pace apart, a little more than the rate asks for, so that no sliding second holds
more than the rate even where calls are late (performance.md, "Request budget"). The arithmetic is
pure, on a Ledger small enough for a row of a table; `Budget` is the interface that the state store
implements, so that all processes that share a state share the budget (design/reconcile.md,
"Budget"). `line.py` waits for the slots.
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler.clock import Clock

MARGIN = 0.05
"""105 ms between calls at 10 a second: 95 % of the rate, and room for 50 ms of jitter."""

MARGIN_MIN = 0.02
"""Below this a call could hardly be on time."""

LATE_S_MAX = 0.1
"""A slot not used within 100 ms is lost (design/reconcile.md, "Budget")."""

AHEAD_S_MAX = 10.0
"""No booking is further ahead, and one that is, is void: a clock set back blocks nothing."""

OTHERS_AHEAD_S = 0.4
"""How far ahead is booked for what is no start. So a start, which goes behind what others booked,
leaves within 2 s of its acquire whatever the queue (design/reconcile.md, invariant 4)."""

PAUSE_S = 1.0
"""After "too many requests" nothing leaves until a whole sliding second is empty."""

SLOWNESS_MAX = 8.0
"""The slowest pace is an eighth of the rate: with 10 a second, a start still leaves within 2 s."""

RECOVERY_S = 30.0
"""How long it takes to get from twice the pace's gap back to the usual one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What one App ID may ask of the service.

    `margin` is the share of the rate that is given up so that late calls do no harm.
    """

    calls_per_s: float
    margin: float = MARGIN

    @property
    def gap_s(self) -> float:
        """Return the time between two slots."""
        return (1 + self._spare) / self.calls_per_s

    @property
    def late_s(self) -> float:
        """Return how late a slot may be used: later, and a sliding second could hold too many."""
        return min(LATE_S_MAX, self._spare)

    @property
    def _spare(self) -> float:
        return max(self.margin, MARGIN_MIN)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is booked for one App ID. Times are of whichever clock the bookings use.

    `last_s` is the last slot that was booked. At `slowed_s` the service last said that there were
    too many calls; the gaps between slots were then `slowness` times the usual ones.
    """

    last_s: float = -math.inf
    slowness: float = 1.0
    slowed_s: float = -math.inf


def book(
    ledger: Ledger, now_s: float, limit: Limit, calls: int, ahead_s: float = AHEAD_S_MAX
) -> tuple[Ledger, tuple[float, ...]]:
    """Book the next slots, all or none; return the new ledger and the slots' times, rising.

    None are booked where the first would be more than `ahead_s` ahead, or the last too far.
    """
    gap_s = limit.gap_s * _slowness(ledger, now_s)
    is_void = ledger.last_s > now_s + AHEAD_S_MAX
    after_last_s = now_s if is_void else ledger.last_s + gap_s
    after_pause_s = now_s if ledger.slowed_s > now_s else ledger.slowed_s + PAUSE_S
    first_s = max(now_s, after_last_s, after_pause_s)
    slots = tuple(first_s + number * gap_s for number in range(calls))
    if first_s > now_s + ahead_s or slots[-1] > now_s + AHEAD_S_MAX:
        return ledger, ()
    return replace(ledger, last_s=slots[-1]), slots


def slow_down(ledger: Ledger, now_s: float) -> Ledger:
    """Return the ledger after the service refused a call as one too many.

    Several refusals within the pause have one cause and count once.
    """
    has_one_cause = 0 <= now_s - ledger.slowed_s < PAUSE_S
    slowness = _slowness(ledger, now_s) * (1 if has_one_cause else 2)
    return replace(ledger, slowness=min(slowness, SLOWNESS_MAX), slowed_s=now_s)


def _slowness(ledger: Ledger, now_s: float) -> float:
    """Return by how much the gaps are longer than usual: less and less as nothing is refused.

    A refusal still to come is one from before the clock was set back, or began anew.
    """
    if ledger.slowed_s > now_s:
        return 1.0
    quiet_s = now_s - ledger.slowed_s
    return max(ledger.slowness - quiet_s / RECOVERY_S, 1.0)


class Budget(Protocol):
    """Books slots, for all who share it. `app` names the App ID without being it."""

    async def book(
        self, app: str, limit: Limit, calls: int, ahead_s: float = AHEAD_S_MAX
    ) -> tuple[float, ...]:
        """Book the next slots in one booking; return the seconds until each, rising.

        Empty where there is no place within `ahead_s`: ask again later.
        """
        ...

    async def slow_down(self, app: str) -> None:
        """Take note that the service refused a call of this App ID as one too many."""
        ...


class MemoryBudget:
    """The budget of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ledgers: dict[str, Ledger] = {}

    async def book(
        self, app: str, limit: Limit, calls: int, ahead_s: float = AHEAD_S_MAX
    ) -> tuple[float, ...]:
        """Book the next slots; see `Budget`."""
        now_s = self._clock.monotonic_s()
        ledger = self._ledgers.get(app, Ledger())
        self._ledgers[app], slots = book(ledger, now_s, limit, calls, ahead_s)
        return tuple(slot_s - now_s for slot_s in slots)

    async def slow_down(self, app: str) -> None:
        """Take note of a refused call; see `Budget`."""
        now_s = self._clock.monotonic_s()
        self._ledgers[app] = slow_down(self._ledgers.get(app, Ledger()), now_s)
