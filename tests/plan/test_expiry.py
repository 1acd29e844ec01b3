from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.expiry import forced_stop_s, in_last_third, margin_s, rotate_at_s
from reconciler.plan.session import REACHABLE, Phase
from tests.plan.lives import in_phase

SIDS = st.text("0123456789abcdef", min_size=1, max_size=32)
LIVES_S = st.floats(60.0, 30 * 86400.0)
START_S = 1002.0  # of the sessions in lives.py


def margins_left(rotate_s: float | None, end_s: float) -> float:
    """Return how many margins before its end a session is rotated."""
    assert rotate_s is not None
    return (end_s - rotate_s) / margin_s(end_s - START_S)


@pytest.mark.parametrize(
    ("life_s", "margin"),
    [(72 * 3600, 600), (12000, 600), (11980, 599), (3600, 180), (60, 3), (0, 0), (-5, 0)],
)
def test_the_margin_is_10_minutes_or_5_percent(life_s: float, margin: float) -> None:
    assert margin_s(life_s) == pytest.approx(margin)


@given(SIDS, LIVES_S)
def test_a_rotation_is_between_three_margins_and_one_before_the_end(
    sid: str, life_s: float
) -> None:
    end_s = START_S + life_s
    session = in_phase("running", sid=sid, resource_ends_s=end_s)
    left = margins_left(rotate_at_s(session, restarts_always=True), end_s)
    assert 1 - 1e-6 <= left <= 3 + 1e-6


def test_rotations_are_spread_evenly_and_each_is_the_same_every_time() -> None:
    sessions = [in_phase("running", sid=f"sid-{number}") for number in range(1000)]
    drawn = [rotate_at_s(session, restarts_always=True) for session in sessions]
    assert drawn == [rotate_at_s(session, restarts_always=True) for session in sessions]
    left = sorted(margins_left(time_s, START_S + 3600) for time_s in drawn)
    for quarter, expected in enumerate([1.5, 2.0, 2.5], start=1):
        assert left[quarter * 250] == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("ends", "restarts_always", "end_s"),
    [
        ({}, True, 4602),
        ({"token_ends_s": 4000.0}, True, 4000),
        ({"token_ends_s": 5000.0}, True, 4602),
        ({"duration_ends_s": 3000.0, "token_ends_s": 4000.0}, True, 3000),
        ({"duration_ends_s": 3000.0, "token_ends_s": 4000.0}, False, 4000),
        ({"duration_ends_s": 3000.0, "resource_ends_s": None}, True, 3000),
    ],
)
def test_the_end_is_the_earliest_that_a_rotation_can_put_off(
    *, ends: dict[str, Any], restarts_always: bool, end_s: float
) -> None:
    session = in_phase("running", **ends)
    rotate_s = rotate_at_s(session, restarts_always=restarts_always)
    assert 1 <= margins_left(rotate_s, end_s) <= 3
    third_s = end_s - margin_s(end_s - START_S) / 3
    assert not in_last_third(session, third_s - 0.1, restarts_always=restarts_always)
    assert in_last_third(session, third_s, restarts_always=restarts_always)


@pytest.mark.parametrize(
    "ends",
    [{"resource_ends_s": None}, {"resource_ends_s": None, "duration_ends_s": 3000.0}],
)
def test_what_has_no_end_to_put_off_is_not_rotated(ends: dict[str, Any]) -> None:
    session = in_phase("running", **ends)
    assert rotate_at_s(session, restarts_always=False) is None
    assert not in_last_third(session, 1e12, restarts_always=False)


def test_what_started_nobody_knows_when_is_rotated_now_and_can_wait() -> None:
    session = in_phase("running", started_s=None)
    assert rotate_at_s(session, restarts_always=True) == 0
    assert not in_last_third(session, 1e12, restarts_always=True)


@pytest.mark.parametrize("phase", sorted(Phase))
def test_only_what_can_be_reached_is_rotated_or_stopped_in_time(phase: str) -> None:
    session = in_phase(phase, resource_ends_s=4602.0, started_s=START_S)
    is_reachable = session.phase in REACHABLE
    assert (rotate_at_s(session, restarts_always=True) is not None) is is_reachable
    assert (forced_stop_s(session) is not None) is is_reachable
    assert in_last_third(session, 4600.0, restarts_always=True) is is_reachable


def test_a_session_is_stopped_a_minute_before_no_call_reaches_it() -> None:
    assert forced_stop_s(in_phase("running", token_ends_s=2000.0)) == 4542
    assert forced_stop_s(in_phase("running", resource_ends_s=None)) is None
