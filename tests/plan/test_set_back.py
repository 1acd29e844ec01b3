from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.session import Session
from reconciler.plan.set_back import AHEAD_S, ahead_s, set_back
from tests.cli.made_plans import sessions

NOW_S = 1_700_000_000.0
MOMENTS = tuple(
    each.name for each in fields(Session) if each.name.endswith("_s") and "token" not in each.name
)
ENDS = ("resource_ends_s", "duration_ends_s", "recheck_s", "ends_by_s")


@given(sessions, st.floats(3, 86_400))
def test_nothing_was_noted_later_than_now(session: Session, by_s: float) -> None:
    after = set_back(session, NOW_S, by_s)
    noted = [getattr(after, name) for name in MOMENTS if name not in ENDS]
    counted_by_others = {after.credentials_end_s}
    assert all(each is None or each <= NOW_S or each in counted_by_others for each in noted)


@given(sessions, st.floats(3, 86_400))
def test_what_was_counted_ends_as_long_from_now_as_before(session: Session, by_s: float) -> None:
    after = set_back(session, NOW_S, by_s)
    for name in ENDS:
        before_s, after_s = getattr(session, name), getattr(after, name)
        assert (before_s is None) == (after_s is None)
        assert before_s is None or after_s == before_s - by_s


@given(st.lists(sessions, max_size=3), st.floats(3, 86_400))
def test_what_was_set_back_is_no_longer_ahead(known: list[Session], by_s: float) -> None:
    assert ahead_s([set_back(each, NOW_S, by_s) for each in known], NOW_S) == 0.0


@given(sessions, st.floats(-100, 100))
def test_a_clock_is_behind_by_what_was_noted_last(session: Session, by_s: float) -> None:
    before = set_back(session, NOW_S, 0.0)
    noted = replace(before, created_s=NOW_S + by_s)
    assert ahead_s([before, noted], NOW_S) == pytest.approx(by_s if by_s > AHEAD_S else 0.0)


@given(sessions, st.floats(3, 86_400))
def test_tokens_and_identities_stay(session: Session, by_s: float) -> None:
    after = set_back(session, NOW_S, by_s)
    for name in ("id", "sid", "phase", "token_ends_s", "token_issued_s", "credentials_end_s"):
        assert getattr(after, name) == getattr(session, name)
