"""Every wanted second is covered, unconfirmed or explained: exactly, whatever happened."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.coverage import Cover, coverage
from reconciler.plan.recorded import Override, Terms
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.spans import Spans, both, minus, span, total_s, union
from reconciler.spec.desired import Policy, Window
from reconciler.state.store import Gap, Past
from tests.plan.histories import (
    ALWAYS,
    MOMENTS,
    NOW_S,
    SINCE_S,
    asked,
    gaps,
    history,
    made_sessions,
    of_replica,
    past,
    rows,
    session,
    told,
)

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))).map(
    lambda pairs: union((min(pair), max(pair)) for pair in pairs)
)


def seconds(spans: Spans) -> set[int]:
    return {second for begins, ends in spans for second in range(begins, ends)}


@given(SPANS, SPANS)
def test_spans_are_sets_of_seconds(first: Spans, second: Spans) -> None:
    assert seconds(both(first, second)) == seconds(first) & seconds(second)
    assert seconds(minus(first, second)) == seconds(first) - seconds(second)
    assert seconds(union((*first, *second))) == seconds(first) | seconds(second)
    assert total_s(first) == len(seconds(first))
    for found in (both(first, second), minus(first, second), union((*second, *first))):
        assert union(found) == found


def test_a_second_counts_as_its_first_moment() -> None:
    assert span(3.25, 6.0, (0, 10)) == ((4, 6),)
    assert span(3.0, 5.5, (0, 10)) == ((3, 6),)
    assert span(3.25, 3.75, (0, 10)) == ()


def became(cover: Cover) -> dict[int, str]:
    found = dict.fromkeys(seconds(cover.covered), "covered")
    found |= dict.fromkeys(seconds(cover.unconfirmed), "unconfirmed")
    return found | dict.fromkeys(gap_seconds(cover), "gap")


def gap_seconds(cover: Cover) -> set[int]:
    return seconds(tuple((lapse.from_s, lapse.until_s) for lapse in cover.lapses))


@given(st.data())
def test_each_second_is_what_a_naive_count_says(data: st.DataObject) -> None:
    found, asked_rows = data.draw(made_sessions()), data.draw(rows())
    holes, until_s = data.draw(gaps(found)), data.draw(MOMENTS)
    made = history(*(each.session for each in found), interruptions=holes)
    made = replace(made, asked=data.draw(st.permutations(asked_rows)))
    whole = coverage(made, SINCE_S, until_s, NOW_S)
    assert became(whole.whole) == told(found, asked_rows, holes, until_s)
    for replica in range(3):
        expected = of_replica(found, asked_rows, holes, (replica, until_s))
        assert (replica in whole.replicas) == bool(expected)
        if expected:
            assert became(whole.replicas[replica]) == expected
    for cover in (whole.whole, *whole.replicas.values()):
        assert_exact(cover)


def assert_exact(cover: Cover) -> None:
    assert cover.wanted_s == cover.covered_s + cover.unconfirmed_s + cover.lapse_s
    assert len(gap_seconds(cover)) == cover.lapse_s
    assert [each.from_s for each in cover.lapses] == sorted(each.from_s for each in cover.lapses)
    for lapse in cover.lapses:
        assert lapse.seconds > 0
        assert lapse.cause
        assert lapse.message.endswith(".")


def sums(one: Session | Past) -> tuple[int, int, int]:
    cover = coverage(history(one), SINCE_S, NOW_S, NOW_S).whole
    assert_exact(cover)
    return cover.covered_s, cover.unconfirmed_s, cover.lapse_s


def test_what_runs_counts_up_to_its_last_observation() -> None:
    assert sums(session()) == (580, 20, 0)


def test_a_slice_from_before_the_confirmation_counts_and_none_from_before_the_start() -> None:
    late = session(started_s=SINCE_S + 10, confirmed_s=SINCE_S + 100)
    files = '[{"name": "a", "started_at": %s}]'
    assert sums(late) == (480, 20, 100)
    assert sums(past(late, files % (SINCE_S + 40))) == (540, 20, 40)
    assert sums(past(late, files % '"2027-01-15T07:50:30Z"')) == (550, 20, 30)
    assert sums(past(late, files % (SINCE_S - 400))) == (570, 20, 10)
    assert sums(past(late, files % (SINCE_S + 300))) == (480, 20, 100)
    assert sums(past(late, files % "null")) == (480, 20, 100)


def test_what_only_404_ended_counts_up_to_when_it_was_last_seen() -> None:
    gone = session(
        phase=Phase.ENDED,
        end_reason=End.GONE,
        observed_s=NOW_S - 300,
        missing_s=NOW_S - 180,
        ended_s=NOW_S - 90,
    )
    assert sums(gone) == (300, 0, 300)
    assert sums(replace(gone, ended_s=NOW_S - 200)) == (400, 0, 200)
    assert sums(replace(gone, missing_s=None)) == (510, 0, 90)


def test_what_was_dropped_or_let_go_counts_up_to_when_it_was_last_seen() -> None:
    for reason in (End.UNSEEN, End.FORGOTTEN):
        dropped = session(
            phase=Phase.ENDED, end_reason=reason, observed_s=NOW_S - 300, ended_s=NOW_S - 10
        )
        assert sums(dropped) == (300, 0, 300)


def test_a_stop_that_was_taken_is_an_end() -> None:
    stopping = session(stop_reason=End.REPLACED, stop_taken_s=NOW_S - 50)
    assert sums(stopping) == (550, 0, 50)


def test_a_stop_that_was_answered_late_counts_from_when_it_was_asked() -> None:
    asked_s = NOW_S - 70
    stopping = session(
        stop_reason=End.REPLACED, stop_asked_s=asked_s, stop_taken_s=NOW_S - 50, ended_s=NOW_S - 40
    )
    assert sums(stopping) == (530, 0, 70)
    assert sums(replace(stopping, phase=Phase.ENDED)) == (530, 0, 70)


def test_a_gap_in_a_session_is_filled_by_another_replica() -> None:
    hole = Gap(session="one", from_s=NOW_S - 400, until_s=NOW_S - 300, cause="failover")
    two = session("two", replica=1)
    pair = [asked(SINCE_S, replace(ALWAYS, replicas=2))]
    found = coverage(
        history(session(), two, rows=pair, interruptions=[hole]), SINCE_S, NOW_S, NOW_S
    )
    assert found.whole.lapse_s == 0
    assert [each.lapse_s for each in found.replicas.values()] == [100, 0]


@pytest.mark.parametrize(
    ("terms", "override", "wanted_s"),
    [
        (ALWAYS, None, 600),
        (None, None, 0),
        (replace(ALWAYS, suspend=True), None, 0),
        (replace(ALWAYS, suspend=True, suspend_until="2027-01-15T07:55:00Z"), None, 300),
        (ALWAYS, Override(since_s=SINCE_S), 0),
        (ALWAYS, Override(since_s=SINCE_S, until_s=NOW_S - 100), 100),
        (
            Terms(
                policy=Policy(),
                schedule=(Window(start="2027-01-15T07:51:00Z", until="2027-01-15T07:58:00Z"),),
            ),
            Override(since_s=SINCE_S, until_s=SINCE_S + 120),
            360,
        ),
    ],
)
def test_what_was_wanted_is_what_its_terms_let_record(
    terms: Terms | None, override: Override | None, wanted_s: int
) -> None:
    made = history(rows=[asked(SINCE_S - 50, terms, override)])
    assert coverage(made, SINCE_S, NOW_S, NOW_S).whole.wanted_s == wanted_s


def test_before_anything_was_asked_nothing_was_wanted() -> None:
    made = history(rows=[asked(NOW_S - 100)])
    assert coverage(made, SINCE_S, NOW_S, NOW_S).whole.wanted_s == 100


def test_of_what_is_to_come_nothing_is_wanted_yet() -> None:
    assert coverage(history(), SINCE_S, NOW_S + 500, NOW_S).whole.wanted_s == 600
    assert coverage(history(), NOW_S + 5, NOW_S + 500, NOW_S).whole.wanted_s == 0


def test_files_are_counted_of_the_sessions_that_recorded_then() -> None:
    over = {"phase": Phase.ENDED, "end_reason": End.EXITED}
    before = session("before", **over, confirmed_s=SINCE_S - 400, ended_s=SINCE_S - 300)
    first = session("first", **over, ended_s=NOW_S - 300)
    second = session("second", **over, confirmed_s=NOW_S - 299, ended_s=NOW_S - 200)
    made = history(
        past(before, '[{"name": "old"}]', "uploaded"),
        past(first, '[{"name": "a"}, {"name": "b"}]', "uploaded"),
        past(second),
        session("third", confirmed_s=NOW_S - 190),
    )
    files = coverage(made, SINCE_S, NOW_S, NOW_S).files
    assert (files.expected, files.listed) == (True, 2)
    assert files.uploads == {"uploaded": 1, "pending": 1}


def test_files_are_expected_of_none_that_stored_screenshots_alone_or_never_came_up() -> None:
    starting = session("two", phase=Phase.STARTING, confirmed_s=None)
    made = history(session(), starting, fileless=frozenset({"one"}))
    assert not coverage(made, SINCE_S, NOW_S, NOW_S).files.expected
