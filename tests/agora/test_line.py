"""Waiting for slots, on virtual time: order, pairs, cancellation, and the share that is used."""

import asyncio
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.agora.budget import PAUSE_S, Budget, Limit, MemoryBudget
from reconciler.agora.line import START_WITHIN_S, Line
from tests.agora.support import LoopClock, virtual_time
from tests.agora.test_budget import most_in_a_second


@dataclass(frozen=True)
class Asked:
    """One recording's wish: a pair, or a single call; `fails` is an acquire that needs no start."""

    at_s: float
    is_pair: bool = False
    latency_s: float = 0.1
    fails: bool = False
    is_query: bool = False

    @property
    def kind(self) -> str:
        return "acquire" if self.is_pair else "query" if self.is_query else "single"


@dataclass
class Traffic:
    """What left when. Pairs also tell how long their starts took from the acquire's answer."""

    rate: int
    left: list[tuple[float, str, int]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    start_gaps_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = LoopClock()
        self.budget: Budget = MemoryBudget(self.clock)
        self.lines = [self.line()]

    def line(self) -> Line:
        return Line(self.budget, "app", Limit(self.rate), self.clock)

    @property
    def times_s(self) -> list[float]:
        return sorted(at_s for at_s, _, _ in self.left)

    def numbers(self, kind: str) -> list[int]:
        return [number for _, what, number in self.left if what == kind]

    async def carry(self, wishes: list[Asked]) -> None:
        await asyncio.gather(*(self._one(number, asked) for number, asked in enumerate(wishes)))

    async def _one(self, number: int, asked: Asked) -> None:
        line = self.lines[number % len(self.lines)]
        await self.clock.sleep(asked.at_s)
        self.asked.append(number)
        if not asked.is_pair:
            await (line.wait_for_query() if asked.is_query else line.wait())
            self._leave(asked.kind, number)
            return
        pair = await line.wait_for_acquire(15)
        self._leave("acquire", number)
        await self.clock.sleep(asked.latency_s)
        line.acquired(pair, None if asked.fails else f"resource-{number}")
        if not asked.fails:
            answered_s = self.clock.monotonic_s()
            await line.wait_for_start(f"resource-{number}")
            self._leave("start", number)
            self.start_gaps_s.append(self.clock.monotonic_s() - answered_s)

    def _leave(self, kind: str, number: int) -> None:
        self.left.append((self.clock.monotonic_s(), kind, number))


WISHES = st.lists(
    st.builds(
        Asked,
        at_s=st.floats(0, 3),
        is_pair=st.booleans(),
        latency_s=st.one_of(st.floats(0, 1), st.floats(0, 14)),
        fails=st.booleans(),
        is_query=st.booleans(),
    ),
    max_size=60,
)
FEW = settings(max_examples=40)


@FEW
@given(WISHES, st.sampled_from([1, 3, 10, 40]))
@virtual_time
async def test_every_call_leaves_within_the_rate_and_starts_within_2_s(
    wishes: list[Asked], rate: int
) -> None:
    traffic = Traffic(rate)
    await traffic.carry(wishes)
    starts = sum(1 for asked in wishes if asked.is_pair and not asked.fails)
    assert len(traffic.left) == len(wishes) + starts
    assert most_in_a_second(traffic.times_s) <= rate
    assert max(traffic.start_gaps_s, default=0) <= START_WITHIN_S


@FEW
@given(WISHES)
@virtual_time
async def test_calls_of_one_kind_leave_in_order_of_asking(wishes: list[Asked]) -> None:
    traffic = Traffic(10)
    await traffic.carry(wishes)
    for kind in ("single", "acquire", "query"):
        asked = [number for number in traffic.asked if wishes[number].kind == kind]
        assert traffic.numbers(kind) == asked


@FEW
@given(WISHES)
@virtual_time
async def test_no_acquire_passes_a_call_that_asked_before(wishes: list[Asked]) -> None:
    wishes = [replace(asked, is_query=False) for asked in wishes]
    traffic = Traffic(10)
    await traffic.carry(wishes)
    order = [number for _, kind, number in traffic.left if kind != "start"]
    for place, number in enumerate(order):
        passed = set(traffic.asked[: traffic.asked.index(number)]) - set(order[:place])
        assert not (wishes[number].is_pair and passed)


@FEW
@given(WISHES)
@virtual_time
async def test_two_processes_together_keep_to_the_rate(wishes: list[Asked]) -> None:
    traffic = Traffic(10)
    traffic.lines.append(traffic.line())
    await traffic.carry(wishes)
    assert most_in_a_second(traffic.times_s) <= 10


@pytest.mark.parametrize("latency_s", [0.02, 0.2, 0.8])
@virtual_time
async def test_500_waiting_pairs_use_94_percent_and_each_start_follows_soon(
    latency_s: float,
) -> None:
    traffic, rng = Traffic(10), Random(1)
    await traffic.carry(
        [Asked(0, is_pair=True, latency_s=latency_s * rng.uniform(0.5, 2)) for _ in range(500)]
    )
    while_they_wait = [at_s for at_s in traffic.times_s if at_s <= traffic.left[-30][0]]
    assert len(while_they_wait) / while_they_wait[-1] / 10 >= 0.94
    assert most_in_a_second(traffic.times_s) <= 10
    assert max(traffic.start_gaps_s) <= 1


@virtual_time
async def test_a_start_goes_before_all_that_wait() -> None:
    traffic = Traffic(10)
    pair = Asked(0, is_pair=True, latency_s=0.25)
    await traffic.carry([pair, *[Asked(0.01)] * 50])
    assert [kind for _, kind, _ in traffic.left[:5]] == [
        "acquire",
        "single",
        "single",
        "start",
        "single",
    ]


@virtual_time
async def test_a_service_that_hangs_and_then_answers_all_at_once_makes_no_start_late() -> None:
    traffic = Traffic(10)
    await traffic.carry([Asked(0, is_pair=True, latency_s=8 - 0.105 * turn) for turn in range(40)])
    before = [kind for at_s, kind, _ in traffic.left if at_s < 8]
    assert before == ["acquire"] * 14
    assert 1.3 < max(traffic.start_gaps_s) <= START_WITHIN_S


@virtual_time
async def test_pairs_under_way_hold_up_no_other_calls() -> None:
    traffic = Traffic(10)
    await traffic.carry([*[Asked(0, is_pair=True, latency_s=14)] * 20, Asked(3)])
    (single,) = (at_s for at_s, kind, _ in traffic.left if kind == "single")
    assert single - 3 <= 0.3


@virtual_time
async def test_a_pair_whose_start_never_comes_is_forgotten() -> None:
    traffic = Traffic(1)
    (line,) = traffic.lines
    pair = await line.wait_for_acquire(15)
    line.acquired(pair, "resource-1")
    await traffic.carry([Asked(0, is_pair=True)])
    assert traffic.times_s[0] <= START_WITHIN_S + 2.2


@virtual_time
async def test_an_acquire_that_is_never_heard_of_again_is_forgotten() -> None:
    traffic = Traffic(1)
    await traffic.lines[0].wait_for_acquire(15)
    await traffic.carry([Asked(0, is_pair=True)])
    assert 15 <= traffic.times_s[0] <= 15 + START_WITHIN_S + 2.2


@virtual_time
async def test_who_stops_waiting_takes_no_slot() -> None:
    traffic = Traffic(10)
    (line,) = traffic.lines
    waiting = [asyncio.create_task(line.wait()) for _ in range(20)]
    waiting += [asyncio.create_task(wait_for_pair(line)) for _ in range(20)]
    waiting += [asyncio.create_task(line.wait_for_start(f"r{number}")) for number in range(20)]
    await asyncio.sleep(0.01)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await traffic.carry([Asked(0, is_pair=True)] * 3)
    assert traffic.times_s[2] <= 0.6


async def wait_for_pair(line: Line) -> None:
    await line.wait_for_acquire(15)


@virtual_time
async def test_a_refusal_voids_the_slots_in_hand() -> None:
    traffic = Traffic(10)
    (line,) = traffic.lines
    carrying = asyncio.create_task(traffic.carry([Asked(0)] * 8))
    await asyncio.sleep(0.3)
    await line.slow_down()
    await carrying
    after = [at_s for at_s in traffic.times_s if at_s > 0.3]
    assert len(after) == 5
    assert after[0] >= 0.3 + PAUSE_S
    assert after[1] - after[0] >= 0.2


@dataclass
class StallingClock(LoopClock):
    """A clock whose loop is busy with something else at one moment."""

    at_s: float
    for_s: float

    async def sleep(self, seconds: float) -> None:
        before_s = self.monotonic_s()
        late_s = self.for_s if before_s < self.at_s <= before_s + seconds else 0.0
        await asyncio.sleep(seconds + late_s)


@pytest.mark.parametrize(("for_s", "leaves_s"), [(0.04, 0.25), (0.06, 0.315), (3, 3.21)])
@virtual_time
async def test_a_slot_that_is_missed_is_lost_and_booked_anew(for_s: float, leaves_s: float) -> None:
    traffic = Traffic(10)
    traffic.clock = StallingClock(at_s=0.2, for_s=for_s)
    traffic.lines = [traffic.line()]
    await traffic.carry([Asked(0)] * 5)
    assert len(traffic.left) == 5
    assert most_in_a_second(traffic.times_s) <= 10
    assert traffic.times_s[2] == pytest.approx(leaves_s)


class BrokenBudget:
    """A budget whose state cannot be written."""

    async def book(
        self, app: str, limit: Limit, calls: int, ahead_s: float = 0
    ) -> tuple[float, ...]:
        raise OSError(f"disk full: {app} {limit.calls_per_s} {calls} {ahead_s}")

    async def slow_down(self, app: str) -> None:
        raise OSError(app)


@virtual_time
async def test_a_budget_that_fails_fails_all_who_wait_and_none_for_ever() -> None:
    line = Line(BrokenBudget(), "app", Limit(10), LoopClock())
    for _ in range(2):
        waiting = [line.wait(), line.wait_for_start("r"), wait_for_pair(line)]
        problems = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(problem) for problem in problems] == [OSError] * 3


class FullBudget(MemoryBudget):
    """A budget that others have booked out until some moment."""

    async def book(
        self, app: str, limit: Limit, calls: int, ahead_s: float = 0
    ) -> tuple[float, ...]:
        is_free = LoopClock().monotonic_s() > 5
        return await super().book(app, limit, calls, ahead_s) if is_free else ()


@virtual_time
async def test_where_no_slot_is_free_it_is_asked_again() -> None:
    clock = LoopClock()
    await Line(FullBudget(clock), "app", Limit(10), clock).wait()
    assert 5 < clock.monotonic_s() < 5.3


class CancellingClock(LoopClock):
    """A clock during whose first sleep somebody who waits is cancelled, at the very last moment."""

    def __init__(self) -> None:
        self.victim: asyncio.Task[None] | None = None

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self.victim is not None:
            self.victim.cancel()


@virtual_time
async def test_who_is_cancelled_just_when_its_turn_comes_costs_no_slot() -> None:
    clock = CancellingClock()
    line = Line(MemoryBudget(clock), "app", Limit(10), clock)
    clock.victim = asyncio.create_task(line.wait())
    other = asyncio.create_task(line.wait())
    await other
    assert clock.victim.cancelled()
    assert clock.monotonic_s() < 0.01


@virtual_time
async def test_when_all_ends_nobody_is_left_waiting() -> None:
    traffic = Traffic(1)
    waiting = [asyncio.create_task(traffic.lines[0].wait()) for _ in range(3)]
    await asyncio.sleep(0.1)
    for task in asyncio.all_tasks() - {asyncio.current_task(), *waiting}:
        task.cancel()
    problems = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(problem) for problem in problems[1:]] == [asyncio.CancelledError] * 2


@virtual_time
async def test_who_comes_back_at_once_is_served_again() -> None:
    clock = LoopClock()
    line = Line(MemoryBudget(clock), "app", Limit(10), clock)
    for _ in range(3):
        await line.wait()
    assert clock.monotonic_s() == pytest.approx(0.21)


@virtual_time
async def test_a_start_is_in_time_however_many_others_book_and_nothing_is_lost_by_it() -> None:
    traffic = Traffic(10)
    traffic.lines = [traffic.line() for _ in range(40)]
    wishes = [Asked(0, is_pair=number % 40 == 0, latency_s=0.3) for number in range(400)]
    await traffic.carry(wishes)
    assert len(traffic.start_gaps_s) == 10
    assert max(traffic.start_gaps_s) < START_WITHIN_S
    assert most_in_a_second(traffic.times_s) <= 10
    assert (len(traffic.times_s) - 1) / traffic.times_s[-1] > 0.94 * 10


@virtual_time
async def test_several_lines_use_all_of_a_low_rate() -> None:
    traffic = Traffic(1)
    traffic.lines = [traffic.line() for _ in range(3)]
    await traffic.carry([Asked(0, is_pair=number % 3 == 0) for number in range(30)])
    assert (len(traffic.times_s) - 1) / traffic.times_s[-1] > 0.9
