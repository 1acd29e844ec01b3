"""The seconds that the metrics show are those that `coverage` explains."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.coverage import History, coverage, seconds
from tests.plan.histories import (
    MOMENTS,
    NOW_S,
    SINCE_S,
    gaps,
    history,
    made_sessions,
    past,
    rows,
    session,
)


def assert_same(made: History, until_s: float) -> None:
    whole = coverage(made, SINCE_S, until_s, NOW_S).whole
    assert seconds(made, SINCE_S, until_s) == (whole.wanted_s, whole.covered_s)


@given(st.data())
def test_they_are_the_same_without_the_causes(data: st.DataObject) -> None:
    found, until_s = data.draw(made_sessions()), min(data.draw(MOMENTS), NOW_S)
    made = history(*(each.session for each in found), interruptions=data.draw(gaps(found)))
    assert_same(replace(made, asked=data.draw(rows())), until_s)


@pytest.mark.parametrize("confirmed_s", [SINCE_S - 1, SINCE_S, SINCE_S + 100, None])
@pytest.mark.parametrize("slice_s", [SINCE_S - 400, SINCE_S + 40, SINCE_S + 300])
def test_files_count_where_they_say_when_it_began(
    confirmed_s: float | None, slice_s: float
) -> None:
    one = session(started_s=SINCE_S - 5, confirmed_s=confirmed_s)
    files = f'[{{"name": "a", "started_at": {slice_s}}}]'
    assert_same(history(past(one, files)), NOW_S)
