from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from ruamel.yaml import YAML

from reconciler.plan import life
from reconciler.plan.looks import next_look_s, next_stop_s
from reconciler.plan.session import REACHABLE, End, Phase
from tests.plan.lives import (
    BEGUN,
    CLAIMED,
    CLOCKS,
    EVENTS,
    LIVES,
    MISSING_SINCE_S,
    NOW_S,
    in_phase,
    lived,
    seen,
)

CASES = YAML(typ="safe").load((Path(__file__).parent / "life_cases.yaml").read_text("utf-8"))


def table() -> Iterator[Any]:
    for row in CASES:
        for phase, after in row["after"].items():
            name = f"{phase}-{row['event']}-{row.get('note', 'plain')}".replace(" ", "-")
            yield pytest.param(row, phase, after, id=name)


@pytest.mark.parametrize(("row", "phase", "after"), list(table()))
def test_an_event_leads_from_one_phase_to_the_next(
    row: dict[str, Any], phase: str, after: str
) -> None:
    session = in_phase(phase, **row.get("with", {}))
    then = EVENTS[row["event"]](session, row.get("at", NOW_S))
    if after == "same":
        assert then == session
    else:
        assert then != session
        assert f"{then.phase} {then.end_reason}".strip() == after


def test_the_table_has_a_cell_for_every_phase_and_a_row_for_every_kind_of_event() -> None:
    for row in CASES:
        assert set(row["after"]) == set(Phase)
    events = {row["event"] for row in CASES}
    told = {name for name in EVENTS if not name.startswith(("query", "end ", "stop asked again"))}
    assert told < events


@given(LIVES)
def test_what_ended_stays_ended_unless_it_is_found_alive(steps: list[tuple[str, float]]) -> None:
    for name, _, before, after in lived([*BEGUN, *steps]):
        if before.phase in life.SETTLED and name != "found alive":
            assert after.phase in life.SETTLED


@given(LIVES)
def test_what_was_started_and_is_not_known_to_have_ended_may_live(
    steps: list[tuple[str, float]],
) -> None:
    for name, _, before, after in lived(steps):
        is_end = name.startswith(("query", "end ")) or name in {"404", "orphan's time"}
        assert not before.may_live or after.may_live or is_end
        assert after.may_live or after.phase in life.SETTLED or not after.resource_id
        assert after.sid == (before.sid or after.sid)


@given(LIVES)
def test_only_a_taken_stop_or_90_s_of_nothing_else_make_a_404_an_end(
    steps: list[tuple[str, float]],
) -> None:
    since_s = None
    for name, now_s, before, after in lived([*BEGUN, *steps]):
        if name.startswith("query") or name == "found alive":
            since_s = None
        if name != "404" or before.phase not in REACHABLE:
            continue
        since_s = now_s if since_s is None else since_s
        if life.past_reach(before, now_s):
            assert after.phase is Phase.ORPHAN
        elif before.stop_taken_s is not None:
            assert after.phase in life.SETTLED
        elif after.phase in life.SETTLED:
            assert now_s - since_s >= 90
            assert after.recheck_s == now_s + 180
        else:
            assert now_s - since_s < 90 or before.phase is Phase.STARTING


@given(LIVES)
def test_what_has_to_end_ends_for_the_first_reason_given(steps: list[tuple[str, float]]) -> None:
    for name, _, before, after in lived([*BEGUN, *steps]):
        if before.stop_reason:
            assert after.stop_reason == before.stop_reason
            was_asked = name.startswith("query") or name == "404"
            if was_asked and before.may_live and not after.may_live:
                assert after.end_reason == before.stop_reason


@given(LIVES)
def test_what_only_answers_404_is_settled_or_an_orphan_after_a_few_looks(
    steps: list[tuple[str, float]],
) -> None:
    *_, (_, now_s, _, session) = lived([*BEGUN, *steps])
    for _ in range(25):
        if session.phase not in REACHABLE:
            break
        due_s = next_look_s(session, 120)
        assert due_s is not None
        now_s = max(now_s, due_s)
        session = life.unconfirmed(life.not_found(session, now_s), now_s)
        stop_s = next_stop_s(session)
        if stop_s is not None and stop_s <= now_s:
            session = life.stop_asked(session, End.REMOVED, now_s)
    assert session.phase not in REACHABLE


def test_a_start_keeps_what_it_takes_to_send_it_again() -> None:
    claimed = replace(CLAIMED, token_issued_s=5, token_salt=6)
    session = life.acquired(claimed, resource_id="r", host="h", now_s=1.0, body_hash="b")
    assert (session.resource_id, session.host, session.acquired_s) == ("r", "h", 1.0)
    assert (session.body_hash, session.token_issued_s, session.token_salt) == ("b", 5, 6)


def test_the_ends_of_a_session_count_from_its_acquire_and_its_start_from_its_sid() -> None:
    clocks = life.Clocks(3600.0, 60.0, 9000.0, 8000.0)
    session = life.started(in_phase("acquired"), sid="s", now_s=2000.0, clocks=clocks)
    assert (session.sid, session.started_s) == ("s", 2000.0)
    assert (session.resource_ends_s, session.duration_ends_s) == (4601.0, 1061.0)
    assert (session.token_ends_s, session.credentials_end_s) == (9000.0, 8000.0)


def test_an_orphan_whose_sid_turns_up_is_to_be_stopped_and_counts_from_its_acquire() -> None:
    orphan = in_phase("orphan", ends_by_s=9000.0)
    session = life.started(orphan, sid="s", now_s=2000.0, clocks=CLOCKS)
    assert (session.started_s, session.resource_ends_s) == (1001.0, 4601.0)
    assert session.stop_reason == End.UNWANTED
    assert session.ends_by_s is None
    assert next_stop_s(session) == 0


def test_a_stop_that_had_no_sid_to_go_to_goes_out_once_there_is_one() -> None:
    session = life.stop_asked(in_phase("acquired"), End.SUSPENDED, NOW_S)
    assert (session.stop_asked_s, session.stops, next_stop_s(session)) == (None, 0, None)
    session = life.started(session, sid="s", now_s=NOW_S, clocks=CLOCKS)
    assert (session.stop_reason, next_stop_s(session)) == (End.SUSPENDED, 0)


def test_an_answer_is_kept_with_its_time() -> None:
    told = life.Seen(5, "inProgress", paused=True, rtmp="mark", rtmp_status="publishing")
    session = life.observed(in_phase("missing", mode="web"), told, NOW_S)
    assert (session.status, session.paused) == (5, True)
    assert (session.rtmp, session.rtmp_status) == ("mark", "publishing")
    assert (session.observed_s, session.asked_s, session.missing_s) == (NOW_S, NOW_S, None)


def test_a_start_is_confirmed_once() -> None:
    session = life.observed(in_phase("starting"), seen(4), NOW_S)
    assert session.confirmed_s == NOW_S
    assert life.observed(session, seen(5), NOW_S + 9).confirmed_s == NOW_S


def test_a_404_counts_from_the_first_and_an_answer_ends_the_count() -> None:
    session = life.not_found(in_phase("running"), NOW_S)
    session = life.not_found(session, NOW_S + 60)
    assert (session.missing_s, session.asked_s) == (NOW_S, NOW_S + 60)
    session = life.not_found(life.observed(session, seen(2), NOW_S + 61), NOW_S + 95)
    assert (session.phase, session.missing_s) == (Phase.MISSING, NOW_S + 95)


def test_a_question_without_an_answer_changes_nothing_but_its_time() -> None:
    session = in_phase("missing")
    once = life.unanswered(session, NOW_S)
    assert once == replace(session, asked_s=NOW_S, unanswered_s=NOW_S)
    again = life.unanswered(once, NOW_S + 30)
    assert again == replace(session, asked_s=NOW_S + 30, unanswered_s=NOW_S)
    assert life.not_found(again, NOW_S + 60).unanswered_s is None


def test_a_start_of_which_nothing_can_be_asked_is_not_given_up() -> None:
    session = life.unanswered(in_phase("starting"), 1005.0)
    assert not life.unconfirmed_due(session, 5000.0)
    told = life.not_found(session, 1200.0)
    assert life.unconfirmed_due(told, 1200.0)


def test_a_start_that_is_not_confirmed_is_stopped_and_then_failed() -> None:
    session = in_phase("starting")
    assert not life.unconfirmed_due(session, 1091.9)
    assert life.unconfirmed_due(session, 1092.0)
    session = life.unconfirmed(session, 1092.0)
    assert not life.unconfirmed_due(session, 1092.0)
    assert (session.phase, next_stop_s(session)) == (Phase.STARTING, 0)
    session = life.stop_taken(life.stop_asked(session, End.REMOVED, 1093.0), 1094.0)
    session = life.not_found(session, 1098.0)
    assert (session.phase, session.end_reason) == (Phase.FAILED, End.UNCONFIRMED)


def test_stops_are_counted_and_the_first_one_taken_is_remembered() -> None:
    session = life.stop_taken(life.stop_asked(in_phase("running"), End.ROTATED, 2000.0), 2001.0)
    session = life.stop_taken(life.stop_asked(session, End.REMOVED, 2100.0), 2101.0)
    assert (session.stop_asked_s, session.stops, session.stop_taken_s) == (2100.0, 2, 2001.0)
    assert session.stop_reason == End.ROTATED


def test_a_taken_stop_needs_no_second_look_at_its_end() -> None:
    session = in_phase("running", stop_reason="removed", stop_taken_s=1129.0)
    assert life.not_found(session, NOW_S).recheck_s is None


def test_what_404_ended_is_looked_at_after_3_and_10_minutes_and_no_more() -> None:
    session = life.not_found(in_phase("missing"), MISSING_SINCE_S + 90)
    ended_s = MISSING_SINCE_S + 90
    assert (session.ended_s, session.recheck_s) == (ended_s, ended_s + 180)
    session = life.rechecked(session, ended_s + 180)
    assert (session.asked_s, session.recheck_s) == (ended_s + 180, ended_s + 600)
    assert life.rechecked(session, ended_s + 600).recheck_s is None


def test_a_look_that_comes_late_takes_the_place_of_both() -> None:
    session = in_phase("ended", recheck_s=1300.0)
    assert life.rechecked(session, 1720.0).recheck_s is None


@pytest.mark.parametrize("event", ["query 8", "end exited"])
def test_what_is_told_to_have_ended_is_not_looked_at_again(event: str) -> None:
    session = in_phase("ended", recheck_s=1300.0)
    assert EVENTS[event](session, NOW_S) == replace(session, recheck_s=None)


def test_one_found_alive_is_stopped_from_the_beginning() -> None:
    gone = in_phase("ended", end_reason="gone", recheck_s=1300.0, stop_taken_s=1100.0, stops=3)
    session = life.found_alive(gone, NOW_S)
    assert (session.stop_reason, next_stop_s(session)) == (End.UNWANTED, 0)
    assert (session.ended_s, session.end_reason, session.recheck_s) == (None, "", None)
    assert (session.observed_s, session.asked_s) == (NOW_S, NOW_S)
    assert life.not_found(session, NOW_S + 5).phase is Phase.MISSING


def test_one_found_alive_after_its_stop_keeps_the_reason_of_that() -> None:
    session = life.found_alive(in_phase("ended", stop_reason="rotated"), NOW_S)
    assert session.stop_reason == End.ROTATED


def test_one_found_alive_whose_place_nothing_took_goes_on_as_its_spec_says() -> None:
    gone = in_phase("ended", end_reason="gone", recheck_s=1300.0)
    session = life.found_alive(gone, NOW_S, goes_on=True)
    assert (session.phase, session.stop_reason, session.end_reason) == (Phase.RUNNING, "", "")


def test_one_found_alive_that_was_asked_to_stop_is_stopped_whatever_took_its_place() -> None:
    ended = in_phase("ended", stop_reason="suspended", stop_asked_s=1100.0, stops=3)
    session = life.found_alive(ended, NOW_S, goes_on=True)
    assert (session.stop_reason, next_stop_s(session)) == (End.SUSPENDED, 0)


def test_an_orphan_for_want_of_an_answer_ends_with_the_token_it_was_started_with() -> None:
    sent = life.acquired(
        CLAIMED, resource_id="r", host="h", now_s=1001.0, body_hash="", token_ends_s=3000.0
    )
    assert life.orphaned(sent, NOW_S).ends_by_s == 3000.0


@pytest.mark.parametrize(
    ("phase", "fields", "duration_s", "ends_by_s"),
    [
        ("running", {}, None, None),
        # What is known counts from the `acquire`, a second before the `sid` came.
        ("running", {"duration_ends_s": 4000.0}, 9.0, 4001.0),
        ("running", {}, 500.0, 1502.0),
        ("running", {"token_ends_s": 3000.0, "duration_ends_s": 4000.0}, None, 3000.0),
        ("running", {"token_ends_s": 3000.0, "token_issued_s": 1}, None, 3000.0),
        ("acquired", {"token_issued_s": 1000}, None, 87400.0),
        # A start that left may be taken for as long as its resource ID is good: 5 minutes.
        ("acquired", {"acquired_s": 1001.0}, 500.0, 1801.0),
        ("acquired", {"acquired_s": 800.0}, 500.0, 1600.0),
        ("acquired", {"acquired_s": None}, 500.0, NOW_S + 500),
        ("acquired", {}, None, None),
    ],
)
def test_an_orphan_ends_when_its_duration_or_its_token_does(
    phase: str, fields: dict[str, Any], duration_s: float | None, ends_by_s: float | None
) -> None:
    session = life.orphaned(in_phase(phase, **fields), NOW_S, duration_s=duration_s)
    assert (session.phase, session.ends_by_s) == (Phase.ORPHAN, ends_by_s)


def test_a_session_is_out_of_reach_from_the_moment_its_resource_expires() -> None:
    assert not life.past_reach(in_phase("running"), 4601.9)
    assert life.past_reach(in_phase("running"), 4602.0)
    assert not life.past_reach(in_phase("running", resource_ends_s=None), 9999.0)
    assert not life.past_reach(in_phase("ended"), 9999.0)
