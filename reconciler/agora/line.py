"""The calls of one App ID, waiting in line for their slots (design/reconcile.md, "Budget").

`Queue` decides who goes next and is pure; `Line` books the slots, waits for them on the clock, and
lets one call go in each. A start goes before all others, since it must follow its acquire within
2 s. For that a slot is booked for it together with its acquire's; one that comes before the start
is ready is used by the next in line, and another is booked. Then comes what changes something, and
queries last.
"""

import asyncio
import math
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeAlias, TypeVar

from reconciler.agora.budget import AHEAD_S_MAX, OTHERS_AHEAD_S, Budget, Limit
from reconciler.clock import Clock

START_WITHIN_S = 2.0
"""How soon a start should follow its acquire's answer (agora-api.md 2.3)."""

READY_TOGETHER_S = 1.5
"""So long may the starts of all acquires under way take, should a service that hung answer them at
once: less than 2 s. With acquires that take up to a second, the whole budget is used nevertheless.
"""

ASKED_AGAIN_S = 0.1
"""How soon a booking is asked for again that was refused; sooner than what is booked runs out."""

QUERY_TURN = 4
"""Of so many slots one is a query's while any waits, the next that no start takes. So the start of
many sessions is confirmed about as fast as it goes, within the 90 s that each of them has.
"""

Ticket = TypeVar("Ticket", bound=Hashable)
Pair: TypeAlias = Hashable
"""Names an acquire that was let go, then its resource ID, until the start gets in line."""


class Queue(Generic[Ticket]):
    """Who goes next. Pure: it is told the time.

    A pair is an acquire and its start. Between them it is `under way` until the start gets in line,
    or the time is over at which it was to come; only so many pairs are under way at once that all
    their starts could leave in time.
    """

    def __init__(self, pairs_max: int) -> None:
        self._pairs_max = pairs_max
        self._starts: deque[Ticket] = deque()
        self._others: dict[Ticket, bool] = {}  # in order of asking; is it an acquire?
        self._queries: dict[Ticket, None] = {}  # in order of asking
        self._passed = 0  # so many have gone before the first query that waits
        self._under_way: dict[Pair, float] = {}

    def __len__(self) -> int:
        return len(self._starts) + len(self._others) + len(self._queries)

    @property
    def starts(self) -> int:
        """Return how many starts wait."""
        return len(self._starts)

    def add(self, ticket: Ticket, *, is_acquire: bool = False) -> None:
        """Get in line."""
        self._others[ticket] = is_acquire

    def add_query(self, ticket: Ticket) -> None:
        """Get in line behind what changes something, until it is a query's turn."""
        self._queries[ticket] = None

    def add_start(self, ticket: Ticket, pair: Pair) -> None:
        """Get in line before all but other starts; `pair` is no longer under way."""
        self._under_way.pop(pair, None)
        self._starts.append(ticket)

    def expect(self, pair: Pair, until_s: float) -> None:
        """Keep a slot for the start of this pair, if it gets in line before then."""
        self._under_way[pair] = until_s

    def forget(self, pair: Pair) -> None:
        """Expect no start of this pair any more."""
        self._under_way.pop(pair, None)

    def leave(self, ticket: Ticket) -> None:
        """Get out of the line."""
        self.forget(ticket)
        self._others.pop(ticket, None)
        self._queries.pop(ticket, None)
        if ticket in self._starts:
            self._starts.remove(ticket)

    def slots_wanted(self, now_s: float) -> int:
        """Return how many slots should be booked now: none if nobody can go."""
        head = self._head(now_s)
        if head is None and not self._starts:
            return 0
        of_head = 0 if head is None else 2 if self._others.get(head) else 1
        return len(self._starts) + len(self._under_way) + of_head

    def take(self, now_s: float) -> Ticket | None:
        """Let the next one go; an acquire is a pair under way from then on."""
        head = self._starts.popleft() if self._starts else self._head(now_s)
        if head is None:
            return None
        self._passed = 0 if head in self._queries or not self._queries else self._passed + 1
        self._queries.pop(head, None)
        if self._others.pop(head, False):
            self._under_way[head] = math.inf
        return head

    def clear(self) -> tuple[Ticket, ...]:
        """Send everybody away; return who waited."""
        waiting = (*self._starts, *self._others, *self._queries)
        self._starts.clear()
        self._others.clear()
        self._queries.clear()
        return waiting

    def _head(self, now_s: float) -> Ticket | None:
        """Return who goes next where no start does."""
        self._under_way = {pair: s for pair, s in self._under_way.items() if s > now_s}
        is_full = len(self._under_way) + len(self._starts) >= self._pairs_max
        actions = (ticket for ticket, pair in self._others.items() if not (pair and is_full))
        action, query = next(actions, None), next(iter(self._queries), None)
        is_its_turn = query is not None and self._passed >= QUERY_TURN - 1
        return query if action is None or is_its_turn else action


class Line:
    """Lets the calls of one App ID go, each in a slot of its own; those of a kind in order."""

    def __init__(self, budget: Budget, app: str, limit: Limit, clock: Clock) -> None:
        """Wait for slots that `budget` knows under the name `app`."""
        self._budget = budget
        self._app = app
        self._limit = limit
        self._clock = clock
        self._queue = Queue[asyncio.Future[None]](max(1, int(READY_TOGETHER_S / limit.gap_s)))
        self._slots: deque[float] = deque()
        self._serving: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when a call that changes something may go."""
        ticket = self._ticket()
        self._queue.add(ticket)
        await self._turn_of(ticket)

    async def wait_for_query(self) -> None:
        """Return when a call may go that only asks: after those that change something."""
        ticket = self._ticket()
        self._queue.add_query(ticket)
        await self._turn_of(ticket)

    async def wait_for_acquire(self, timeout_s: float) -> Pair:
        """Return when an acquire may go, with what `acquired` wants to know when it ended.

        A pair that it hears nothing of is forgotten after the call's timeout.
        """
        ticket = self._ticket()
        self._queue.add(ticket, is_acquire=True)
        await self._turn_of(ticket)
        self._queue.expect(ticket, self._clock.monotonic_s() + timeout_s + START_WITHIN_S)
        return ticket

    def acquired(self, pair: Pair, resource_id: str | None) -> None:
        """Take note of an acquire's end: a start with this resource ID follows, or none does."""
        self._queue.forget(pair)
        if resource_id is not None:
            self._queue.expect(resource_id, self._clock.monotonic_s() + START_WITHIN_S)

    async def wait_for_start(self, resource_id: str) -> None:
        """Return when a start may go: before all other calls that wait."""
        ticket = self._ticket()
        self._queue.add_start(ticket, resource_id)
        await self._turn_of(ticket)

    async def slow_down(self) -> None:
        """Take note that the service refused a call as one too many."""
        self._slots.clear()
        await self._budget.slow_down(self._app)

    def _ticket(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    async def _turn_of(self, ticket: asyncio.Future[None]) -> None:
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
            self._serving.add_done_callback(self._end)
        try:
            await ticket
        except asyncio.CancelledError:
            self._queue.leave(ticket)
            raise

    async def _serve(self) -> None:
        while len(self._queue):
            if await self._slot_came():
                self._let_go()

    def _let_go(self) -> None:
        now_s = self._clock.monotonic_s()
        while (ticket := self._queue.take(now_s)) is not None:
            if not ticket.done():  # it may have been cancelled just now
                ticket.set_result(None)
                return

    async def _slot_came(self) -> bool:
        """Wait for the next slot, booking what is wanted; say whether it can be used."""
        wanted = self._queue.slots_wanted(self._clock.monotonic_s())
        if (starts := self._queue.starts - len(self._slots)) > 0:
            await self._book(starts, AHEAD_S_MAX)
        elif (calls := wanted - len(self._slots)) > 0:
            await self._book(calls, OTHERS_AHEAD_S)
        if not wanted or not self._slots:
            await self._clock.sleep(min(self._limit.gap_s, ASKED_AGAIN_S))
            return False
        slot_s = self._slots[0]
        await self._clock.sleep(slot_s - self._clock.monotonic_s())
        if not self._slots or self._slots[0] != slot_s:  # slowed down meanwhile
            return False
        self._slots.popleft()
        return self._clock.monotonic_s() - slot_s <= self._limit.late_s

    async def _book(self, calls: int, ahead_s: float) -> None:
        waits = await self._budget.book(self._app, self._limit, calls, ahead_s)
        now_s = self._clock.monotonic_s()
        self._slots.extend(now_s + wait_s for wait_s in waits)

    def _end(self, serving: asyncio.Task[None]) -> None:
        """Fail whoever waits if the budget failed, rather than let them wait for ever."""
        problem = None if serving.cancelled() else serving.exception()
        if problem is None and not serving.cancelled():
            return  # who got in line since then is served by the next task
        for ticket in self._queue.clear():
            if problem is None or ticket.done():
                ticket.cancel()
            else:
                ticket.set_exception(problem)
