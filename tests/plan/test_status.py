from dataclasses import replace
from typing import Any

import pytest

from reconciler.plan.action import Action
from reconciler.plan.decide import decide_recording
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Override, Recorded, Terms, terms_text
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.status import Row, orphans, status_rows
from reconciler.spec.desired import Policy, Window
from tests.golden.plans import NOW_S, session
from tests.golden.statuses import recorded
from tests.plan import support
from tests.plan.support import NAME, Case, cases_of, titled, world_of

TERMS = Terms(policy=Policy())
NEVER = Terms(policy=Policy(restart="never"))
CLOSED = Terms(
    policy=Policy(),
    schedule=(Window(start="2025-12-02T09:00:00Z", until="2025-12-02T10:00:00Z"),),
)
OPEN = Terms(
    policy=Policy(restart="never"),
    schedule=(Window(start="2025-12-01T09:30:00Z", until="2025-12-02T10:00:00Z"),),
)
FAILED = {"phase": Phase.FAILED, "end_reason": End.BROKEN, "ended_s": NOW_S - 60}
EXITED = {"phase": Phase.ENDED, "end_reason": End.EXITED, "ended_s": NOW_S - 60}


def row(one: Recorded, *sessions: Session) -> Row:
    rows = status_rows({one.name: one}, sessions, NOW_S)
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("terms", "more", "expected"),
    [
        (TERMS, {}, "recording running synced healthy in-sync"),
        (TERMS, {"digest": "other"}, "recording running out-of-sync healthy spec-changed"),
        (TERMS, {"pending": ("layout",)}, "recording running out-of-sync healthy unsettled"),
        (TERMS, {"digest": ""}, "recording running unknown healthy in-sync"),
        (
            TERMS,
            {"rtmp_status": "disconnected"},
            "recording running synced degraded rtmp-disconnected",
        ),
        (TERMS, {"rtmp_status": "publishing"}, "recording running synced healthy in-sync"),
        (TERMS, {"phase": Phase.STARTING}, "recording starting synced progressing starting"),
        (TERMS, {"phase": Phase.ACQUIRED}, "recording acquired unknown progressing starting"),
        (TERMS, {"phase": Phase.MISSING}, "recording missing unknown missing missing"),
        (TERMS, {"phase": Phase.NONE}, "recording none out-of-sync missing new"),
        (TERMS, {"phase": Phase.ORPHAN}, "recording none out-of-sync degraded orphaned"),
        (
            TERMS,
            {"resource_ends_s": NOW_S},
            "recording none out-of-sync degraded orphaned",
        ),
        (
            TERMS,
            {"stop_reason": End.REPLACED},
            "recording running out-of-sync progressing stopping",
        ),
        (TERMS, FAILED, "recording failed out-of-sync degraded broken"),
        (TERMS, EXITED, "recording ended out-of-sync degraded exited"),
        (
            TERMS,
            {**EXITED, "end_reason": End.REQUESTED},
            "recording ended out-of-sync missing not-running",
        ),
        (NEVER, EXITED, "recording ended synced healthy final"),
        (NEVER, FAILED, "recording failed synced degraded final"),
        (NEVER, {**EXITED, "digest": "other"}, "recording ended out-of-sync degraded exited"),
        (
            NEVER,
            {**FAILED, "end_reason": End.QUOTA},
            "recording failed out-of-sync degraded quota",
        ),
        (
            NEVER,
            {**FAILED, "end_reason": End.UNCONFIRMED},
            "recording failed synced degraded final",
        ),
        (OPEN, EXITED, "recording ended synced healthy final"),
        (OPEN, {**EXITED, "ended_s": NOW_S - 7200}, "recording ended out-of-sync degraded exited"),
        (CLOSED, {}, "stopped running out-of-sync progressing outside-schedule"),
        (CLOSED, EXITED, "stopped ended synced healthy outside-schedule"),
        (
            replace(TERMS, suspend=True),
            EXITED,
            "stopped ended synced suspended suspended",
        ),
        (
            replace(TERMS, suspend=True, suspend_until="2025-12-01T09:59:59Z"),
            {},
            "recording running synced healthy in-sync",
        ),
    ],
)
def test_a_row_says_what_is_desired_and_how_it_is(
    terms: Terms, more: dict[str, Any], expected: str
) -> None:
    found = row(recorded("a", terms), session("a", **more))
    said = (found.desired, str(found.phase), found.sync, found.health, found.reason)
    assert " ".join(said) == expected


def test_a_recording_without_any_session_is_missing() -> None:
    found = row(recorded("a"))
    assert (found.phase, found.sync, found.health) == (Phase.NONE, "out-of-sync", "missing")
    assert found.session is None


def test_what_a_person_suspended_says_why_and_until_when() -> None:
    override = Override(since_s=NOW_S, reason="rehearsal", until_s=NOW_S + 60)
    found = row(recorded("a", override=override))
    assert (found.desired, found.sync, found.health) == ("stopped", "synced", "suspended")
    assert "rehearsal" in found.message
    assert "2025-12-01T10:01:00Z" in found.message


def test_a_suspend_whose_time_is_over_is_none() -> None:
    override = Override(since_s=NOW_S - 60, until_s=NOW_S)
    assert row(recorded("a", override=override), session("a")).health == "healthy"


ENDED = [
    case
    for case in cases_of("starts.yaml")
    if not any("comparison" in said for said in case.get("sessions", ()))
    and not {"suspend", "digest"} & set(case.get("recorded") or {})
]
"""Ends with nothing between them and the specs that state has not heard of."""


@pytest.mark.parametrize("case", ENDED, ids=titled)
def test_plan_and_status_call_the_same_ends_final(case: Case) -> None:
    world = world_of(case)
    rows = status_rows(world.recorded, world.sessions, support.NOW_S)
    planned = {str(action.key) for action in decide_recording(world, NAME) if is_final(action)}
    assert {str(each.key) for each in rows if is_final(each)} == planned


def is_final(said: Row | Action) -> bool:
    return said.reason == Reason.FINAL


def test_a_resumed_suspend_lets_what_was_final_begin_afresh() -> None:
    override = Override(since_s=NOW_S - 50, until_s=NOW_S)
    found = row(recorded("a", NEVER, override=override), session("a", **EXITED))
    assert (found.sync, found.reason) == ("out-of-sync", End.EXITED)


def test_of_two_that_ended_the_one_that_ended_last_is_shown_as_a_plan_decides_by_it() -> None:
    before = session("a", id="before", **EXITED)
    after = session("a", id="after", **FAILED)
    tried = replace(after, created_s=NOW_S - 300, ended_s=NOW_S - 299)
    assert row(recorded("a", NEVER), before, tried).session == before


def test_while_one_session_replaces_another_the_one_that_records_is_shown() -> None:
    old = session("a", id="old")
    new = session("a", id="new", phase=Phase.STARTING, created_s=NOW_S)
    for pair in ((old, new), (new, old)):
        assert row(recorded("a"), *pair).session == old


def test_a_session_that_ends_does_not_hide_the_one_that_goes_on() -> None:
    old = session("a", id="old", stop_reason=End.REPLACED)
    new = session("a", id="new", phase=Phase.STARTING)
    found = row(recorded("a"), old, new)
    assert (found.session, found.health) == (new, "progressing")


def test_a_live_session_is_shown_before_one_that_ended_later() -> None:
    ended = session("a", id="ended", created_s=NOW_S, **EXITED)
    assert row(recorded("a"), ended, session("a")).health == "healthy"


def test_every_replica_has_its_row_and_one_too_many_until_it_ends() -> None:
    two = {"a": recorded("a", Terms(policy=Policy(), replicas=2))}
    live = session("a", replica=2)
    rows = status_rows(two, [live], NOW_S)
    assert [(each.key.replica, each.desired) for each in rows] == [
        (0, "recording"),
        (1, "recording"),
        (2, "stopped"),
    ]
    assert len(status_rows(two, [replace(live, phase=Phase.ENDED)], NOW_S)) == 2


def test_what_is_gone_from_the_specs_is_shown_until_it_has_ended_and_is_dropped() -> None:
    gone = recorded("a", removed_s=NOW_S - 5)
    assert row(gone, session("a")).reason == "removed"
    assert status_rows({}, [session("a")], NOW_S)[0].desired == "stopped"
    assert status_rows({}, [session("a", **EXITED)], NOW_S) == []


def test_rows_are_in_order_of_name_whatever_the_order_of_sessions() -> None:
    all_of = {name: recorded(name) for name in ("c", "a", "b")}
    sessions = [session(name) for name in ("b", "c", "a")]
    rows = status_rows(all_of, sessions, NOW_S)
    assert [each.key.recording for each in rows] == ["a", "b", "c"]
    assert rows == status_rows(dict(sorted(all_of.items())), sessions[::-1], NOW_S)


def test_orphans_are_those_that_no_call_reaches() -> None:
    lost = session("b", phase=Phase.ORPHAN)
    expired = session("a", resource_ends_s=NOW_S - 1)
    ended = session("c", resource_ends_s=NOW_S - 1, **EXITED)
    assert orphans([lost, expired, ended, session("d")], NOW_S) == [expired, lost]


def test_an_orphan_beside_a_running_session_is_told_of() -> None:
    found = row(recorded("a"), session("a"), session("a", id="lost", phase=Phase.ORPHAN))
    assert (found.phase, found.health, found.reason) == (Phase.RUNNING, "degraded", "orphaned")


def test_terms_are_read_as_they_are_kept() -> None:
    assert recorded("a", NEVER).terms == terms_text(NEVER)
