"""Timers on virtual time: when what goes off, and what can go wrong beside it."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.clock import Clock
from reconciler.daemon.timers import Timers
from tests.agora.support import LoopClock, virtual_time

LATE_S = 1e-5
"""So much later a timer may go off: the scheduler counts in microseconds."""


@dataclass
class Diary:
    """Timers, and when the work that they begin was begun and ended."""

    clock: Clock = field(default_factory=LoopClock)
    begun: list[tuple[str, float]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timers = Timers(self.clock, Random(1))

    @contextmanager
    def started(self) -> Iterator[Timers]:
        self.timers.start()
        yield self.timers
        self.timers.stop()

    def times_s(self, name: str) -> list[float]:
        return [at_s for each, at_s in self.begun if each == name]

    async def work(self, name: str, takes_s: float = 0.0) -> None:
        self.begun.append((name, self.clock.monotonic_s()))
        await self.clock.sleep(takes_s)
        self.ended.append(name)

    async def a(self) -> None:
        await self.work("a")

    async def b(self) -> None:
        await self.work("b")

    async def slow(self) -> None:
        await self.work("slow", 3.0)

    async def slower(self) -> None:
        await self.work("slower", 25.0)

    async def wrong(self) -> None:
        await self.work("wrong")
        raise ValueError("what was wrong with secret-7731")


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=6), st.sampled_from([0, 2e-7, 9e-7]))
@virtual_time
async def test_every_moment_comes_in_time_and_never_early(
    moments_s: list[float], ahead_s: float
) -> None:
    diary = Diary(StuckClock(ahead_s))
    with diary.started() as timers:
        for number, moment_s in enumerate(moments_s):
            timers.at(f"timer {number}", moment_s, diary.a)
        await asyncio.sleep(max(moments_s) + 1)
    for at_s, moment_s in zip(diary.times_s("a"), sorted(moments_s), strict=True):
        assert moment_s <= at_s <= moment_s + LATE_S


@virtual_time
async def test_a_moment_that_has_passed_is_now_and_all_of_now_go_in_order_of_asking() -> None:
    diary = Diary()
    with diary.started() as timers:
        await asyncio.sleep(100)
        timers.at("later", 101.0, diary.slow)
        timers.at("second", 50.0, diary.b)
        timers.at("third", -1e9, diary.a)
        await asyncio.sleep(10)
    assert [name for name, _ in diary.begun] == ["b", "a", "slow"]
    assert diary.times_s("a")[0] == pytest.approx(100, abs=LATE_S)


@virtual_time
async def test_what_was_asked_before_the_start_goes_off_after_it() -> None:
    diary = Diary()
    diary.timers.at("past", 0.0, diary.a)
    diary.timers.every("beat", 5.0, diary.b)
    await asyncio.sleep(20)
    assert diary.begun == []
    with diary.started():
        await asyncio.sleep(6)
    assert [name for name, _ in diary.begun] == ["a", "b", "b"]


@virtual_time
async def test_a_timer_takes_the_place_of_the_one_of_its_name() -> None:
    diary = Diary()
    with diary.started() as timers:
        for moment_s in range(5000, 10, -1):
            timers.at("one", float(moment_s), diary.a)
        timers.every("two", 3.0, diary.a)
        timers.at("two", 15.0, diary.b)
        await asyncio.sleep(10_000)
    assert [name for name, _ in diary.begun] == ["a", "b"]
    assert [at_s for _, at_s in diary.begun] == pytest.approx([11, 15])


@virtual_time
async def test_what_is_asked_for_twice_is_done_once_and_may_be_asked_for_again() -> None:
    diary = Diary()
    with diary.started() as timers:
        for _ in range(2):
            timers.at("one", 5.0, diary.a)
        await asyncio.sleep(10)
        assert diary.times_s("a") == pytest.approx([5])
        timers.at("one", 5.0, diary.a)
        await asyncio.sleep(10)
    assert diary.times_s("a") == pytest.approx([5, 10], abs=LATE_S)


@virtual_time
async def test_a_timer_that_is_cancelled_does_not_go_off() -> None:
    diary = Diary()
    with diary.started() as timers:
        timers.at("one", 5.0, diary.a)
        timers.every("two", 5.0, diary.a)
        timers.cancel("one")
        timers.cancel("two")
        timers.cancel("never there")
        await asyncio.sleep(100)
    assert diary.begun == []


@virtual_time
async def test_a_beat_is_kept_for_weeks_whatever_the_work_takes() -> None:
    diary = Diary()
    with diary.started() as timers:
        timers.every("beat", 3600.1, diary.slow)
        await asyncio.sleep(300 * 3600.1 + 1)
    times_s = diary.times_s("slow")
    assert len(times_s) == 300
    assert times_s[0] == pytest.approx(3600.1)
    assert times_s[-1] == pytest.approx(300 * 3600.1, abs=LATE_S)


@virtual_time
async def test_work_that_takes_longer_than_its_beat_leaves_beats_out_and_never_overlaps() -> None:
    diary = Diary()
    with diary.started() as timers:
        timers.every("beat", 10.0, diary.slower)
        await asyncio.sleep(101)
        assert diary.times_s("slower") == pytest.approx([10, 40, 70, 100])
        assert len(diary.ended) == 3


@virtual_time
async def test_a_loop_that_was_stuck_makes_up_for_missed_beats_once() -> None:
    clock = StuckClock()
    diary = Diary(clock)
    with diary.started() as timers:
        timers.every("beat", 10.0, diary.a)
        await asyncio.sleep(12)
        clock.ahead_s = 60.0
        await asyncio.sleep(20)
    assert diary.times_s("a") == pytest.approx([10, 80, 90])


@dataclass
class StuckClock(LoopClock):
    """A clock that goes on while the loop does nothing, as on a machine that was asleep."""

    ahead_s: float = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


@virtual_time
async def test_jitter_comes_after_each_beat_and_moves_none() -> None:
    diary = Diary()
    with diary.started() as timers:
        timers.every("beat", 100.0, diary.a, jitter_s=30.0)
        await asyncio.sleep(20_000)
    late_s = [at_s - 100.0 * number for number, at_s in enumerate(diary.times_s("a"), start=1)]
    assert all(-LATE_S <= each <= 30 + LATE_S for each in late_s)
    assert max(late_s) > 25
    assert min(late_s) < 5


@dataclass
class JumpingClock(LoopClock):
    """A clock whose Unix time is set to something else."""

    offset_s: float = 0.0

    def now_s(self) -> float:
        return super().now_s() + self.offset_s


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0, -2e9])
@virtual_time
async def test_a_clock_that_is_set_moves_no_timer(jump_s: float) -> None:
    clock = JumpingClock()
    diary = Diary(clock)
    with diary.started() as timers:
        timers.every("beat", 10.0, diary.a)
        timers.at("once", 35.0, diary.b)
        await asyncio.sleep(15)
        clock.offset_s = jump_s
        await asyncio.sleep(30)
    assert diary.times_s("a") == pytest.approx([10, 20, 30, 40])
    assert diary.times_s("b") == pytest.approx([35])


class HurriedClock(LoopClock):
    """A clock that is faster than the loop on which it is waited for."""

    def monotonic_s(self) -> float:
        return super().monotonic_s() * 15

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 15)


@virtual_time
async def test_timers_wait_on_their_clock_and_not_on_the_loop() -> None:
    diary = Diary(HurriedClock())
    with diary.started() as timers:
        timers.every("beat", 60.0, diary.a)
        await asyncio.sleep(13)
    assert diary.times_s("a") == pytest.approx([60, 120, 180], abs=0.001)


@virtual_time
async def test_work_that_fails_is_logged_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    diary = Diary()
    with diary.started() as timers:
        timers.every("beat", 10.0, diary.wrong)
        timers.at("once", 15.0, diary.wrong)
        await asyncio.sleep(31)
        timers.at("once", 35.0, diary.a)
        await asyncio.sleep(10)
    assert diary.times_s("wrong") == pytest.approx([10, 15, 20, 30, 40])
    assert diary.times_s("a") == pytest.approx([35])
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert {record.getMessage() for record in told} == {"the work of a timer failed"}
    assert [vars(record)["timer"] for record in told] == ["beat", "once", "beat", "beat", "beat"]
    assert {record.name for record in caplog.records} == {"reconciler.daemon.timers"}


class Chain:
    """Work that asks for its next time itself, as the work queue's does."""

    def __init__(self, diary: Diary, takes_s: float, *moments_s: float) -> None:
        self._diary = diary
        self._takes_s = takes_s
        self._moments_s = list(moments_s)

    async def work(self) -> None:
        if self._moments_s:
            self._diary.timers.at("chain", self._moments_s.pop(0), self.work)
        await self._diary.work("chain", self._takes_s)


@pytest.mark.parametrize("takes_s", [0.0, 2.0])
@virtual_time
async def test_what_asks_for_itself_while_it_works_comes_back_after_its_end(takes_s: float) -> None:
    diary = Diary()
    with diary.started() as timers:
        timers.at("chain", 10.0, Chain(diary, takes_s, 0.0, 10.0, 30.0).work)
        await asyncio.sleep(100)
    late_s = takes_s
    expected = [10, 10 + late_s, 10 + 2 * late_s, 30]
    assert diary.times_s("chain") == pytest.approx(expected, abs=10 * LATE_S)


@virtual_time
async def test_a_beat_can_be_replaced_or_cancelled_by_its_own_work() -> None:
    diary = Diary()
    timers = diary.timers

    async def cancels() -> None:
        timers.cancel("one")
        await diary.a()

    async def replaces() -> None:
        timers.every("two", 7.0, diary.b)
        await diary.slow()

    with diary.started():
        timers.every("one", 10.0, cancels)
        timers.every("two", 10.0, replaces)
        await asyncio.sleep(32)
    assert diary.times_s("a") == pytest.approx([10])
    assert diary.times_s("slow") == pytest.approx([10])
    assert diary.times_s("b") == pytest.approx([17, 24, 31])


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("later_s", [0.0, 5.0])
@virtual_time
async def test_a_timer_that_is_set_anew_just_as_it_goes_off_is_not_lost(
    turns: int, later_s: float
) -> None:
    diary = Diary()
    with diary.started() as timers:
        timers.at("one", 10.0, diary.slow)
        await asyncio.sleep(10)
        for _ in range(turns):
            await asyncio.sleep(0)
        timers.at("one", 10.0 + later_s, diary.a)
        await asyncio.sleep(20)
    (at_s,) = diary.times_s("a")
    assert at_s >= 10 + later_s
    assert at_s <= 10 + max(later_s, 3.0) + 10 * LATE_S
    assert len(diary.times_s("slow")) <= 1
    assert all(name == "slow" for name in diary.ended[:-1])


@settings(max_examples=30)
@given(st.integers(0, 2**32))
@virtual_time
async def test_work_of_one_name_never_overlaps_itself(seed: int) -> None:
    random, busy, spans = Random(seed), set[str](), list[tuple[float, float]]()
    diary = Diary()

    async def work() -> None:
        assert "one" not in busy
        busy.add("one")
        begun_s = diary.clock.monotonic_s()
        await asyncio.sleep(random.choice([0, 0.5, 4]))
        spans.append((begun_s, diary.clock.monotonic_s()))
        busy.remove("one")

    with diary.started() as timers:
        for _ in range(60):
            now_s = diary.clock.monotonic_s()
            match random.randrange(4):
                case 0:
                    timers.every(
                        "one", random.choice([0.5, 3]), work, jitter_s=random.choice([0, 1])
                    )
                case 1:
                    timers.cancel("one")
                case _:
                    timers.at("one", now_s + random.choice([-1, 0, 0.5, 2]), work)
            await asyncio.sleep(random.choice([0, 0.25, 2]))
        timers.at("one", 0.0, work)
        last_s = diary.clock.monotonic_s()
        await asyncio.sleep(30)
    assert all(end_s <= begin_s for (_, end_s), (begin_s, _) in pairwise(spans))
    assert spans[-1][0] >= last_s
