from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.moved import AHEAD_S, ahead_s, moved, recorded_moved
from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.session import Session
from tests.cli.made_plans import sessions

NOW_S = 1_700_000_000.0
OF_OTHERS = {"token_issued_s", "token_ends_s", "credentials_end_s"}
MOMENTS = tuple(
    each.name
    for each in fields(Session)
    if each.name.endswith("_s") and each.name not in {*OF_OTHERS, "ends_by_s"}
)
JUMPS_S = st.integers(-86_400, 86_400).map(float)


def noted_now(session: Session) -> Session:
    changes: dict[str, Any] = dict.fromkeys(MOMENTS, NOW_S)
    return replace(session, **changes)


@given(sessions, JUMPS_S)
def test_what_was_noted_and_counted_moves_along(session: Session, by_s: float) -> None:
    after = moved(session, by_s)
    for name in MOMENTS:
        before_s, after_s = getattr(session, name), getattr(after, name)
        assert (before_s is None) == (after_s is None)
        assert before_s is None or after_s == before_s + by_s


@given(sessions, JUMPS_S)
def test_what_others_say_and_who_it_is_stay(session: Session, by_s: float) -> None:
    after = moved(session, by_s)
    for name in ("id", "sid", "phase", *OF_OTHERS):
        assert getattr(after, name) == getattr(session, name)


@given(sessions, JUMPS_S)
def test_an_orphan_s_end_moves_but_that_of_its_token(session: Session, by_s: float) -> None:
    counted = replace(session, ends_by_s=NOW_S, token_ends_s=None)
    assert moved(counted, by_s).ends_by_s == NOW_S + by_s
    stated = replace(session, ends_by_s=NOW_S, token_ends_s=NOW_S)
    assert moved(stated, by_s).ends_by_s == NOW_S


@given(sessions, JUMPS_S)
def test_a_clock_that_goes_forward_and_back_has_moved_nothing(
    session: Session, by_s: float
) -> None:
    whole = replace(noted_now(session), ends_by_s=NOW_S, token_ends_s=None)
    assert moved(moved(whole, by_s), -by_s) == whole


@given(sessions, st.floats(-100, 100))
def test_a_session_is_ahead_by_what_was_noted_last(session: Session, by_s: float) -> None:
    past = noted_now(session)
    assert ahead_s(past, NOW_S) == 0.0
    noted = replace(past, observed_s=NOW_S + by_s)
    assert ahead_s(noted, NOW_S) == pytest.approx(by_s if by_s > AHEAD_S else 0.0)
    assert ahead_s(moved(noted, -ahead_s(noted, NOW_S)), NOW_S) == 0.0


@given(JUMPS_S)
def test_how_long_it_is_gone_and_suspended_stays(by_s: float) -> None:
    recorded = Recorded(
        name="a", app="b", channel="c", mode="mix", digest="", terms="", source="",
        override=Override(since_s=NOW_S, until_s=NOW_S + 600), removed_s=NOW_S,
    )  # fmt: skip
    after = recorded_moved(recorded, by_s)
    assert after.override == Override(since_s=NOW_S + by_s, until_s=NOW_S + by_s + 600)
    assert after.removed_s == NOW_S + by_s
    forever = replace(recorded, override=None, removed_s=None)
    assert recorded_moved(forever, by_s) == forever
    assert ahead_s(forever, NOW_S) == 0.0
    assert ahead_s(after, NOW_S) == (by_s if by_s > AHEAD_S else 0.0)


@given(st.floats(-100, 100))
def test_a_recording_is_ahead_by_when_it_was_removed_or_its_suspend_began(by_s: float) -> None:
    recorded = Recorded(name="a", app="b", channel="c", mode="mix", digest="", terms="", source="")
    ahead = pytest.approx(by_s if by_s > AHEAD_S else 0.0)
    assert ahead_s(replace(recorded, removed_s=NOW_S + by_s), NOW_S) == ahead
    over = Override(since_s=NOW_S + by_s, until_s=NOW_S + 3600)
    assert ahead_s(replace(recorded, override=over), NOW_S) == ahead
