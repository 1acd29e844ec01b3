from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.cadence import QUERY_SHARE, resync_s
from tests.plan.lives import in_phase

RUNNING = in_phase("running")


def cadence(number: int = 0, **said: Any) -> float:
    usual = {
        "base_s": 120.0,
        "sessions": 1,
        "calls_per_s": 10.0,
        "reliable": False,
        "max_idle_s": None,
    }
    return resync_s(replace(RUNNING, id=f"session-{number}"), **{**usual, **said})


def of_all(sessions: int, **said: Any) -> list[float]:
    """Return the cadence of each of so many sessions of one App."""
    return [cadence(number, sessions=sessions, **said) for number in range(sessions)]


RATES = st.floats(0.5, 20)
BASES = st.floats(1, 3600)
COUNTS = st.integers(1, 400)
LOADS = st.fixed_dictionaries(
    {
        "base_s": BASES,
        "calls_per_s": RATES,
        "reliable": st.booleans(),
        "max_idle_s": st.one_of(st.none(), st.floats(5, 86_400)),
    }
)


def test_a_steady_session_is_queried_about_every_120_s() -> None:
    assert 108 <= min(of_all(50)) < 112
    assert 128 < max(of_all(50)) <= 132


def test_while_notifications_arrive_reliably_it_is_queried_five_times_more_seldom() -> None:
    for number in range(20):
        assert cadence(number, reliable=True) == pytest.approx(5 * cadence(number))


@given(st.integers(), BASES, RATES, st.floats(5, 86_400))
def test_where_asking_is_the_only_sign_it_is_asked_more_often_than_max_idle(
    number: int, base_s: float, calls_per_s: float, max_idle_s: float
) -> None:
    seconds = cadence(number, base_s=base_s, calls_per_s=calls_per_s, max_idle_s=max_idle_s)
    assert seconds < max_idle_s


def test_max_idle_binds_only_where_no_notification_tells_of_the_end() -> None:
    assert cadence(base_s=600.0, max_idle_s=300.0) < 300
    assert cadence(base_s=600.0, max_idle_s=300.0, reliable=True) > 2700


@given(COUNTS, LOADS)
def test_all_sessions_of_an_app_take_no_more_than_their_share_of_its_calls(
    sessions: int, load: dict[str, Any]
) -> None:
    share = QUERY_SHARE * load["calls_per_s"]
    assert sum(1 / seconds for seconds in of_all(sessions, **load)) <= share * (1 + 1e-9)


def test_1000_sessions_fit_into_10_calls_a_second_and_are_asked_before_they_are_idle() -> None:
    every = of_all(1000, max_idle_s=300.0)
    assert 6 < sum(1 / seconds for seconds in every) <= 7
    assert min(every) > 142
    assert max(every) < 175


@given(COUNTS, LOADS)
def test_no_session_waits_longer_than_the_bound(sessions: int, load: dict[str, Any]) -> None:
    usual_s = load["base_s"] * (5 if load["reliable"] else 1)
    bound_s = 1.1 * max(usual_s, sessions / (0.63 * load["calls_per_s"]))
    assert cadence(sessions=sessions, **load) <= bound_s * (1 + 1e-9)


@given(st.floats(1, 3600), st.integers(1, 6))
def test_who_asks_for_it_often_gets_it_often_as_long_as_there_are_few(
    base_s: float, sessions: int
) -> None:
    for seconds in of_all(sessions, base_s=base_s):
        assert 0.9 * base_s <= seconds <= 1.1 * base_s


@given(COUNTS, LOADS)
def test_neither_load_nor_notifications_make_it_more_often_than_was_asked(
    sessions: int, load: dict[str, Any]
) -> None:
    seconds = cadence(sessions=sessions, **{**load, "max_idle_s": None})
    assert seconds >= 0.9 * load["base_s"]


def test_what_was_started_together_is_spread_and_each_keeps_its_place() -> None:
    every = of_all(400)
    assert every == of_all(400)
    counts = [sum(low <= seconds < low + 6 for seconds in every) for low in (108, 114, 120, 126)]
    assert min(counts) > 70
