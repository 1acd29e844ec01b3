"""What is said of why a wanted stretch was not recorded."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.plan.coverage import coverage
from reconciler.plan.recorded import Terms
from reconciler.plan.session import End, Phase, Session
from reconciler.spec.desired import Policy, Window
from reconciler.state.store import Gap
from tests.plan.histories import ALWAYS, NOW_S, SINCE_S, asked, history, session, warned

WINDOW = Terms(
    policy=Policy(),
    schedule=(Window(start="2027-01-15T07:52:00Z", until="2027-01-15T09:00:00Z"),),
)
ENDED: dict[str, Any] = {"phase": Phase.ENDED, "observed_s": NOW_S - 320, "ended_s": NOW_S - 300}


def causes(*sessions: Session, terms: Terms = ALWAYS, **more: Any) -> list[str]:
    """Return how long what was not covered, and why."""
    rows = [asked(SINCE_S - 86_400, terms)]
    found = coverage(replace(history(*sessions, rows=rows), **more), SINCE_S, NOW_S, NOW_S)
    return [f"{lapse.seconds} {lapse.cause}" for lapse in found.whole.lapses]


def later(reason: End = End.GONE, **more: Any) -> Session:
    """Make one that failed to come up a little after the first ended."""
    base = session("two", phase=Phase.FAILED, created_s=NOW_S - 290, end_reason=reason)
    unseen = replace(base, confirmed_s=None, observed_s=None, started_s=None, attempt=1)
    return replace(unseen, ended_s=NOW_S - 280, **more)


@pytest.mark.parametrize(
    "reason", [End.EXITED, End.IDLE, End.MAX_DURATION, End.EXPIRED, End.BROKEN]
)
def test_after_an_end_the_session_explains_until_the_next_comes_up(reason: End) -> None:
    after = session("two", created_s=NOW_S - 288, confirmed_s=NOW_S - 270)
    assert causes(session(**ENDED, end_reason=reason), after) == [f"12 {reason}", "18 starting"]


def test_what_only_404_ended_is_not_known_to_have_recorded_since_it_was_seen() -> None:
    gone = session(**{**ENDED, "ended_s": NOW_S - 230}, end_reason=End.GONE, missing_s=NOW_S - 318)
    after = session("two", created_s=NOW_S - 229, confirmed_s=NOW_S - 222)
    assert causes(gone, after) == ["91 gone", "7 starting"]


def test_starts_that_fail_explain_what_follows_them() -> None:
    first = session(**ENDED, end_reason=End.EXITED)
    again = later(End.REFUSED, id="three", created_s=NOW_S - 275)
    last = session("four", created_s=NOW_S - 200, confirmed_s=NOW_S - 190)
    found = causes(first, later(End.REFUSED), replace(again, ended_s=NOW_S - 265), last)
    assert found == ["10 exited", "90 refused", "10 starting"]


def test_no_place_is_told_as_such_until_it_is_asked_again() -> None:
    last = session("three", created_s=NOW_S - 220, confirmed_s=NOW_S - 215)
    found = causes(session(**ENDED, end_reason=End.EXITED), later(End.QUOTA), last)
    assert found == ["10 exited", "70 quota", "5 starting"]


def test_what_an_event_said_since_it_last_recorded_is_surer() -> None:
    told = [
        warned(NOW_S - 400, "layout-refused", "Told while it recorded."),
        warned(NOW_S - 299, "exited", "Told of the session."),
        warned(NOW_S - 285, "secret-unresolved", "`env:KEY` does not resolve."),
    ]
    found = causes(session(**ENDED, end_reason=End.EXITED), told=told)
    assert found == ["15 exited", "285 secret-unresolved"]


def test_where_nothing_was_tried_for_long_no_run_was_at_work() -> None:
    assert causes(session(**ENDED, end_reason=End.BROKEN)) == ["300 no-run"]
    idle = session(**ENDED, end_reason=End.IDLE)
    assert causes(idle) == ["10 idle", "290 no-run"]
    assert causes() == ["600 no-run"]


def test_where_a_window_has_just_opened_it_is_starting() -> None:
    closed = session(
        phase=Phase.ENDED,
        end_reason=End.WINDOW_CLOSED,
        confirmed_s=SINCE_S - 7200,
        observed_s=SINCE_S - 3610,
        ended_s=SINCE_S - 3600,
    )
    opened = session("two", created_s=SINCE_S + 125, confirmed_s=SINCE_S + 135)
    assert causes(closed, opened, terms=WINDOW) == ["15 starting"]
    late = replace(opened, created_s=SINCE_S + 400, confirmed_s=SINCE_S + 410)
    assert causes(closed, late, terms=WINDOW) == ["280 no-run", "10 starting"]


@pytest.mark.parametrize(
    ("restart", "reason", "cause"),
    [
        ("never", End.BROKEN, "final"),
        ("on-failure", End.IDLE, "final"),
        ("on-failure", End.BROKEN, "no-run"),
        ("never", End.REQUESTED, "no-run"),
    ],
)
def test_what_policy_lets_stand_is_final(restart: str, reason: End, cause: str) -> None:
    terms = Terms(policy=Policy(restart=restart))
    assert causes(session(**ENDED, end_reason=reason), terms=terms) == [f"300 {cause}"]


def test_what_ended_long_before_still_explains_what_policy_lets_stand() -> None:
    over = session(**{**ENDED, "ended_s": SINCE_S - 5000}, end_reason=End.EXITED)
    over = replace(over, confirmed_s=SINCE_S - 9000)
    never = Terms(policy=Policy(restart="never"))
    assert causes(over, terms=never) == ["600 final"]
    opened = replace(never, schedule=WINDOW.schedule)
    assert causes(over, terms=opened) == ["480 no-run"]


@pytest.mark.parametrize("cause", ["failover", "missing", "interrupted"])
def test_a_gap_within_a_session_has_its_own_cause(cause: str) -> None:
    hole = Gap(session="one", from_s=NOW_S - 500, until_s=NOW_S - 440, cause=cause)
    assert causes(session(), interruptions=[hole]) == [f"60 {cause}"]


def test_a_gap_that_goes_on_is_no_more_unconfirmed() -> None:
    hole = Gap(session="one", from_s=NOW_S - 10, until_s=None, cause="failover")
    assert causes(session(), interruptions=[hole]) == ["10 failover"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"phase": Phase.MISSING, "missing_s": NOW_S - 15}, ["15 missing"]),
        ({"phase": Phase.ORPHAN}, ["20 orphan"]),
        ({"phase": Phase.ORPHAN, "confirmed_s": None, "observed_s": None}, ["600 orphan"]),
        ({"phase": Phase.STARTING, "confirmed_s": None, "observed_s": None}, ["600 starting"]),
        ({"stop_reason": End.REQUESTED, "stop_taken_s": NOW_S - 40}, ["40 requested"]),
        ({"stop_taken_s": NOW_S - 40}, ["40 unknown"]),
    ],
)
def test_a_session_that_may_live_explains_itself(more: dict[str, Any], expected: list[str]) -> None:
    assert causes(session(**more)) == expected


def test_a_replica_that_never_came_up_is_explained_where_no_other_recorded() -> None:
    pair = Terms(policy=Policy(), replicas=2)
    refused = later(End.REFUSED, replica=1, created_s=SINCE_S)
    found = coverage(
        history(session(), refused, rows=[asked(SINCE_S, pair)]), SINCE_S, NOW_S, NOW_S
    )
    assert found.whole.lapses == ()
    assert {lapse.cause for lapse in found.replicas[1].lapses} == {"refused", "no-run"}
    assert found.replicas[0].lapses == ()
