"""What notifications make of sessions: an end is an end, and all else only brings a look closer."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan import ends, heard, life
from reconciler.plan.looks import next_look_s
from reconciler.plan.session import REACHABLE, End, Phase, Session
from tests.plan.lives import BEGUN, CLAIMED, EVENTS, MISSING_SINCE_S, NOW_S, Event, in_phase, seen


def told(session: Session, *signs: str) -> Session:
    for sign in signs:
        session = heard.signed(session, sign)
    return session


def exit_of(*signs: str) -> Event:
    return lambda session, now_s: heard.corrected(
        heard.exited(told(session, *signs), now_s - 1, now_s)
    )


NOTICES: Mapping[str, Event] = {
    "exit": exit_of("exit:0"),
    "broken exit": exit_of("exit:1"),
    "left": lambda session, _: heard.corrected(told(session, "leave:16")),
    "left an empty channel": lambda session, _: heard.corrected(told(session, "leave:4")),
    "lives": lambda session, now_s: heard.lives(session, now_s - 1),
    "failed over": lambda session, now_s: heard.failed_over(session, now_s - 1),
    "heard of": lambda session, now_s: heard.doubted(session, now_s - 1, now_s, is_alive=True),
    "pushed": lambda session, _: heard.pushed(session, "publishing"),
}
HAPPENS = {**EVENTS, **NOTICES}
ENDINGS = {"exit", "broken exit"}
STEPS = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(sorted(NOTICES)),
            st.sampled_from(["404", "query 5", "query 6", "stop asked", "unanswered"]),
            st.sampled_from(sorted(HAPPENS)),
        ),
        st.sampled_from([0.0, 0.5, 5.0, 30.0, 90.0, 400.0]),
    ),
    max_size=30,
)


def lived(steps: Sequence[tuple[str, float]]) -> list[tuple[str, float, Session, Session]]:
    session, now_s, found = CLAIMED, CLAIMED.created_s, []
    for name, later_s in [*BEGUN, *steps]:
        now_s += later_s
        before, session = session, HAPPENS[name](session, now_s)
        found.append((name, now_s, before, session))
    return found


@given(STEPS)
def test_no_notification_brings_an_ended_session_back(steps: list[tuple[str, float]]) -> None:
    for name, _, before, after in lived(steps):
        if name in NOTICES and before.phase in life.SETTLED:
            assert after.phase in life.SETTLED


@given(STEPS)
def test_no_notification_ends_a_session_but_one_of_its_end(steps: list[tuple[str, float]]) -> None:
    for name, _, before, after in lived(steps):
        if name in NOTICES and before.may_live:
            assert after.may_live or name in ENDINGS
            assert after.sid == before.sid


@given(STEPS)
def test_a_404_ends_only_after_90_s_of_them_or_once_the_end_was_told(
    steps: list[tuple[str, float]],
) -> None:
    since_s = None
    for name, now_s, before, after in lived(steps):
        if name.startswith("query") or name == "found alive":
            since_s = None
        if name in {"lives", "failed over"} and since_s is not None:
            since_s = max(since_s, now_s - 1)
        if name != "404" or before.phase not in REACHABLE:
            continue
        since_s = now_s if since_s is None else since_s
        if after.phase in life.SETTLED:
            is_told = before.stop_taken_s is not None or ends.is_told(before)
            assert is_told or now_s - since_s >= 90


@given(STEPS)
def test_what_we_asked_for_is_why_it_ended(steps: list[tuple[str, float]]) -> None:
    for name, _, before, after in lived(steps):
        if name in NOTICES and before.may_live and before.stop_reason:
            assert after.may_live or after.end_reason == before.stop_reason


@given(STEPS)
def test_a_session_that_is_heard_of_is_looked_at_sooner_or_as_before(
    steps: list[tuple[str, float]],
) -> None:
    for name, now_s, before, after in lived(steps):
        if name in {"heard of", "lives", "pushed"} and after.phase in life.SETTLED:
            due_s = next_look_s(before, 120)
            later_s = next_look_s(after, 120)
            assert due_s is None or (later_s is not None and later_s <= max(due_s, now_s))


@pytest.mark.parametrize(
    ("signs", "end"),
    [
        (["exit:0"], "ended exited"),
        (["exit"], "ended exited"),
        (["exit:1"], "failed broken"),
        (["leave:4", "exit:0"], "ended idle"),
        (["leave:6", "exit:0"], "ended idle"),
        (["leave:16", "exit:0"], "ended exited"),
        (["leave:0", "exit:1"], "failed broken"),
        (["error:0/109", "leave:16", "exit:1"], "ended expired"),
        (["error:0/110", "exit:1"], "ended expired"),
        (["error:6/109", "web:6"], "ended expired"),
        (["error:1/109", "exit:1"], "failed broken"),
        (["error:1/32", "exit:1"], "failed broken"),
        (["web:0"], "ended exited"),
        (["web:1"], "ended max-duration"),
        (["web:4"], "failed broken"),
        (["limit:WebGL", "web:2"], "failed broken"),
        (["exit:999", "nonsense", "leave:x"], "failed broken"),
    ],
)
@pytest.mark.parametrize("phase", ["starting", "running", "missing"])
def test_an_exit_ends_a_session_for_what_its_signs_say(
    signs: list[str], end: str, phase: str
) -> None:
    session = heard.exited(told(in_phase(phase), *signs), NOW_S - 3, NOW_S)
    assert f"{session.phase} {session.end_reason}" == end
    assert (session.ended_s, session.missing_s) == (NOW_S - 3, None)


@pytest.mark.parametrize("signs", [["exit:0"], ["exit:1"], ["leave:4", "exit:0"], ["web:1"]])
def test_a_stop_that_was_asked_for_is_its_reason_whatever_is_told(signs: list[str]) -> None:
    session = told(in_phase("running", stop_reason="removed", stop_taken_s=1129.0), *signs)
    assert heard.exited(session, NOW_S, NOW_S).end_reason == End.REMOVED


@pytest.mark.parametrize(
    ("clocks", "reason"),
    [({"duration_ends_s": NOW_S + 50}, "max-duration"), ({"token_ends_s": NOW_S - 1}, "expired")],
)
def test_an_exit_without_a_cause_at_the_end_of_a_clock_is_that_clock_s(
    clocks: dict[str, Any], reason: str
) -> None:
    session = heard.exited(in_phase("running", **clocks), NOW_S, NOW_S)
    assert session.end_reason == reason


@pytest.mark.parametrize(
    ("at_s", "ended_s"), [(NOW_S - 5, NOW_S - 5), (NOW_S + 70, NOW_S), (3.0, 1002.0)]
)
def test_an_end_is_within_the_session_s_life_whatever_another_clock_says(
    at_s: float, ended_s: float
) -> None:
    assert heard.exited(in_phase("running"), at_s, NOW_S).ended_s == ended_s


def test_an_orphan_whose_end_is_told_is_one_no_more() -> None:
    session = heard.exited(told(in_phase("orphan", sid="s"), "exit:0"), NOW_S, NOW_S)
    assert (session.phase, session.end_reason) == (Phase.ENDED, End.EXITED)


@pytest.mark.parametrize("phase", ["none", "acquired", "orphan"])
def test_nothing_is_told_of_what_has_no_sid(phase: str) -> None:
    session = in_phase(phase)
    for name in ("lives", "failed over", "heard of", "pushed"):
        assert NOTICES[name](session, NOW_S) == session
    assert heard.exited(session, NOW_S, NOW_S) == session


def test_what_404_alone_ended_is_surely_over_once_its_exit_is_told() -> None:
    gone = in_phase("ended", end_reason="gone", missing_s=1030.0, recheck_s=1300.0)
    session = heard.corrected(heard.exited(told(gone, "exit:1"), 1040.0, NOW_S))
    assert (session.phase, session.end_reason) == (Phase.FAILED, End.BROKEN)
    assert (session.ended_s, session.recheck_s, session.missing_s) == (1040.0, None, None)


@pytest.mark.parametrize(
    ("before", "signs", "after"),
    [
        ("gone", ["leave:16"], "ended exited"),
        ("gone", ["leave:4"], "ended idle"),
        ("gone", [], "ended gone"),
        ("exited", ["leave:4"], "ended idle"),
        ("exited", ["exit:1"], "failed broken"),
        ("exited", ["leave:16"], "ended exited"),
        ("broken", ["error:0/109"], "ended expired"),
        ("broken", ["exit:0"], "failed broken"),
        ("idle", ["exit:1"], "ended idle"),
        ("removed", ["leave:4"], "ended removed"),
    ],
)
def test_a_sign_that_comes_after_the_end_makes_its_reason_more_precise(
    before: str, signs: list[str], after: str
) -> None:
    session = in_phase("failed" if before == "broken" else "ended", end_reason=before)
    session = heard.corrected(told(session, *signs))
    assert f"{session.phase} {session.end_reason}" == after


def test_after_a_leave_one_404_is_an_end() -> None:
    session = life.not_found(told(in_phase("running"), "leave:4"), NOW_S)
    assert (session.phase, session.end_reason) == (Phase.ENDED, End.IDLE)


def test_a_leave_code_that_means_nothing_is_no_leave() -> None:
    assert life.not_found(told(in_phase("running"), "leave:8"), NOW_S).phase is Phase.MISSING


@pytest.mark.parametrize("event", ["query 5", "lives", "failed over"])
def test_a_leave_that_something_later_speaks_against_ends_nothing(event: str) -> None:
    session = HAPPENS[event](told(in_phase("running"), "leave:2", "error:1/32"), NOW_S)
    assert session.signs == ("error:1/32",)
    assert life.not_found(session, NOW_S + 5).phase is Phase.MISSING


def test_one_that_is_on_its_way_out_keeps_what_was_told_of_it() -> None:
    session = life.observed(told(in_phase("running"), "leave:4"), seen(6), NOW_S)
    assert life.not_found(session, NOW_S + 1).end_reason == End.IDLE


def test_a_failover_lets_the_90_s_begin_with_the_first_404() -> None:
    session = heard.failed_over(in_phase("running"), NOW_S)
    assert (session.phase, session.missing_s) == (Phase.MISSING, None)
    assert life.not_found(session, NOW_S + 300).phase is Phase.MISSING
    assert life.observed(session, seen(5), NOW_S + 1).phase is Phase.RUNNING


def test_a_failover_of_what_is_missing_gives_it_90_s_more() -> None:
    session = heard.failed_over(in_phase("missing"), MISSING_SINCE_S + 60)
    assert life.not_found(session, MISSING_SINCE_S + 149).phase is Phase.MISSING
    assert life.not_found(session, MISSING_SINCE_S + 150).end_reason == End.GONE


def test_a_sign_of_life_from_before_the_first_404_gives_no_more_time() -> None:
    assert heard.lives(in_phase("missing"), MISSING_SINCE_S - 1) == in_phase("missing")


@pytest.mark.parametrize(
    ("session", "is_alive", "is_doubted"),
    [
        ({"end_reason": "gone", "missing_s": 1030.0}, False, True),
        ({"end_reason": "removed", "missing_s": 1030.0}, False, True),
        ({"end_reason": "removed", "missing_s": 1030.0, "stop_taken_s": 1020.0}, False, False),
        ({"end_reason": "removed", "missing_s": 1030.0, "stop_taken_s": 1020.0}, True, True),
        ({"end_reason": "idle", "missing_s": 1030.0, "signs": ("leave:4",)}, False, False),
        ({"end_reason": "exited"}, False, False),
        ({"end_reason": "exited"}, True, True),
    ],
)
def test_what_may_live_after_all_is_looked_at_at_once(
    session: dict[str, Any], *, is_alive: bool, is_doubted: bool
) -> None:
    ended = in_phase("ended", **session)
    after = heard.doubted(ended, NOW_S, NOW_S, is_alive=is_alive)
    assert (after != ended) is is_doubted
    assert next_look_s(after, 120) == (NOW_S if is_doubted else None)


def test_what_was_told_before_the_end_is_no_reason_to_look() -> None:
    ended = in_phase("ended")
    assert heard.doubted(ended, 1119.0, NOW_S, is_alive=True) == ended


def test_signs_are_kept_once_in_order_and_the_last_of_many() -> None:
    session = told(in_phase("running"), "exit:0", "failover", "exit:0", "")
    assert session.signs == ("exit:0", "failover")
    many = told(session, *(f"error:1/{code}" for code in range(40)))
    assert len(many.signs) == heard.SIGNS_MAX
    assert many.signs[-1] == "error:1/39"


def test_how_a_push_is_concerns_only_what_lives() -> None:
    assert heard.pushed(in_phase("running"), "disconnected").rtmp_status == "disconnected"
    assert heard.pushed(in_phase("ended"), "disconnected") == in_phase("ended")
