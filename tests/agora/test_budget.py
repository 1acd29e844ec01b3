"""The arithmetic of slots, without waiting for any."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agora.budget import (
    AHEAD_S_MAX,
    LATE_S_MAX,
    MARGIN_MIN,
    PAUSE_S,
    RECOVERY_S,
    SLOWNESS_MAX,
    Ledger,
    Limit,
    MemoryBudget,
    book,
    slow_down,
)
from tests.agora.support import LoopClock, virtual_time

TEN = Limit(10)
LIMITS = st.builds(Limit, st.integers(1, 60), st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.5]))
STEPS = st.lists(st.tuples(st.floats(0, 1.5), st.integers(1, 3), st.floats(0, 1)), max_size=80)


def most_in_a_second(times_s: list[float]) -> int:
    """Count the calls of the fullest sliding second, from any of them on."""
    return max((sum(1 for t in times_s if start <= t < start + 1) for start in times_s), default=0)


@given(LIMITS, STEPS)
def test_no_sliding_second_holds_more_than_the_rate_however_late_slots_are_used(
    limit: Limit, steps: list[tuple[float, int, float]]
) -> None:
    ledger, now_s, used_s = Ledger(), 1000.0, []
    for wait_s, calls, lateness in steps:
        now_s += wait_s
        ledger, slots = book(ledger, now_s, limit, calls)
        used_s += [slot_s + lateness * limit.late_s for slot_s in slots]
    assert most_in_a_second(used_s) <= limit.calls_per_s


@given(LIMITS, STEPS)
def test_slots_rise_by_at_least_the_gap_and_none_is_past_or_far_ahead(
    limit: Limit, steps: list[tuple[float, int, float]]
) -> None:
    ledger, now_s = Ledger(), 1000.0
    all_slots: list[float] = []
    for wait_s, calls, _ in steps:
        now_s += wait_s
        ledger, slots = book(ledger, now_s, limit, calls)
        assert len(slots) in {0, calls}
        assert all(now_s <= slot_s <= now_s + AHEAD_S_MAX for slot_s in slots)
        all_slots += slots
    assert all(b - a >= limit.gap_s - 1e-9 for a, b in pairwise(all_slots))


def approx(slot_s: float) -> Any:
    return pytest.approx((slot_s,))


def test_the_first_call_need_not_wait_and_a_pair_is_booked_at_once() -> None:
    ledger, slots = book(Ledger(), 50.0, TEN, 2)
    assert slots == (50.0, 50.105)
    assert book(ledger, 50.0, TEN, 1)[1] == approx(50.21)


def test_the_usual_margin_uses_95_percent() -> None:
    assert 1 / (TEN.gap_s * 10) == pytest.approx(0.952, abs=0.001)


@pytest.mark.parametrize(("margin", "late_s"), [(0.0, MARGIN_MIN), (0.05, 0.05), (0.5, LATE_S_MAX)])
def test_a_slot_may_be_as_late_as_the_margin_covers(margin: float, late_s: float) -> None:
    assert Limit(10, margin).late_s == late_s


def test_what_does_not_fit_within_ten_seconds_is_not_booked() -> None:
    ledger, slots = book(Ledger(), 0.0, TEN, 96)
    assert len(slots) == 96
    assert book(ledger, 0.0, TEN, 1) == (ledger, ())
    assert book(ledger, 0.2, TEN, 1)[1] == approx(10.08)


def test_a_clock_set_back_blocks_nothing() -> None:
    ledger, _ = book(slow_down(Ledger(), 5000.0), 5000.0, TEN, 10)
    assert book(ledger, 1000.0, TEN, 1)[1] == (1000.0,)


@given(st.floats(0, 1e6), st.integers(1, 20))
def test_after_a_refusal_nothing_leaves_for_a_second_then_half_as_fast(
    now_s: float, calls: int
) -> None:
    ledger, _ = book(Ledger(), now_s, TEN, calls)
    _, slots = book(slow_down(ledger, now_s), now_s, TEN, 2)
    assert slots[0] >= now_s + PAUSE_S
    assert slots[1] - slots[0] == pytest.approx(2 * TEN.gap_s, rel=1e-3)


def test_refusals_with_one_cause_count_once() -> None:
    once = slow_down(Ledger(), 100.0)
    again = slow_down(slow_down(once, 100.3), 100.9)
    assert again.slowness <= once.slowness
    assert book(again, 101.0, TEN, 1)[1] == approx(101.9)
    assert slow_down(once, 101.0).slowness > once.slowness


def test_refusals_slow_down_to_an_eighth_and_no_further() -> None:
    ledger = Ledger()
    for second in range(50):
        ledger = slow_down(ledger, second * 2.0)
    assert ledger.slowness == SLOWNESS_MAX


def test_the_pace_recovers_when_nothing_is_refused() -> None:
    ledger = slow_down(Ledger(), 0.0)

    def gap_s(now_s: float) -> float:
        first, second = book(ledger, now_s, TEN, 2)[1]
        return second - first

    assert gap_s(10.0) > gap_s(20.0) > TEN.gap_s
    assert gap_s(RECOVERY_S) == pytest.approx(TEN.gap_s)


def test_an_unused_ledger_is_finite_where_it_must_be_stored() -> None:
    ledger, _ = book(Ledger(), 7.0, TEN, 1)
    assert math.isfinite(ledger.last_s)


@virtual_time
async def test_app_ids_do_not_share_their_budgets() -> None:
    budget = MemoryBudget(LoopClock())
    assert await budget.book("one", TEN, 1) == (0.0,)
    assert await budget.book("two", TEN, 1) == (0.0,)
    await budget.slow_down("one")
    assert await budget.book("one", TEN, 1) == (PAUSE_S,)
    assert await budget.book("two", TEN, 1) == approx(TEN.gap_s)
