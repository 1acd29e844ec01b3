import json
from contextlib import closing
from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.session import MAY_LIVE, End, Phase, Session
from reconciler.plan.world import Place
from reconciler.spec.wire import Mode
from reconciler.state.rows import session_of, session_values
from reconciler.state.store import (
    Condition,
    DropRecorded,
    Event,
    JournalEntry,
    Past,
    SetApp,
    SetCounter,
    SetFiles,
    SetRecorded,
    SetSession,
    Store,
)
from tests.state.support import (
    NOW_S,
    SMALL,
    TEXTS,
    Backend,
    any_of,
    recorded,
    session,
)

FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
SESSIONS = any_of(Session, replica=SMALL, phase=st.sampled_from(sorted(MAY_LIVE)))


@FEW
@given(st.lists(SESSIONS, max_size=4, unique_by=lambda one: one.id), TEXTS)
def test_every_session_is_read_as_it_was_written(
    backend: Backend, sessions: list[Session], scope: str
) -> None:
    with closing(backend.fresh().open()) as store:
        store.commit(scope, [SetSession(session=one) for one in sessions])
        read = store.snapshot(scope).sessions
        assert sorted(read, key=lambda one: one.id) == sorted(sessions, key=lambda one: one.id)
        assert [(one.created_s, one.id) for one in read] == sorted(
            (one.created_s, one.id) for one in sessions
        )


@FEW
@given(any_of(Recorded), any_of(Recorded), st.none() | st.none() | TEXTS)
def test_every_recording_is_read_as_it_was_last_written(
    backend: Backend, first: Recorded, second: Recorded, name: str | None
) -> None:
    second = replace(second, name=first.name if name is None else name)
    with closing(backend.fresh().open()) as store:
        store.commit("default", [SetRecorded(recorded=first), SetRecorded(recorded=second)])
        expected = {first.name: first, second.name: second}
        assert store.snapshot("default").recorded == expected
        assert store.snapshot("other").recorded == {}


@pytest.mark.parametrize("phase", Phase)
def test_a_session_made_from_a_row_is_like_one_made_by_name(phase: Phase) -> None:
    made = session(phase=phase, paused=True, pending=("layout", "rtmp"))
    read = session_of(tuple(session_values(made)))
    assert read == made
    assert read.phase is phase
    assert {type(getattr(read, one.name)) for one in fields(Session)} == {
        type(getattr(made, one.name)) for one in fields(Session)
    }
    assert hash(read) == hash(made)


def test_enumerated_texts_are_kept_as_their_values(store: Store) -> None:
    one = session(mode=Mode.WEB, stop_reason=End.ROTATED)
    store.commit("default", [SetSession(session=one)])
    (read,) = store.snapshot("default").sessions
    assert read == one
    assert type(read.stop_reason) is str


def test_what_a_session_was_given_stays_until_it_is_written_again(store: Store) -> None:
    store.commit("default", [SetSession(session=session(), applied="first")])
    store.commit("default", [SetSession(session=session(attempt=2))])
    assert store.applied(["s1", "unknown"]) == {"s1": "first"}
    store.commit("default", [SetSession(session=session(), applied="second")])
    assert store.applied(["s1"]) == {"s1": "second"}
    assert store.applied([]) == {}


def test_what_many_sessions_were_given_is_read_at_once(store: Store) -> None:
    given_to = {f"s{number}": f"applied {number}" for number in range(1201)}
    changes = [SetSession(session=session(name), applied=text) for name, text in given_to.items()]
    store.commit("default", changes)
    assert store.applied(given_to) == given_to


def test_files_and_upload_stay_where_nothing_new_is_known(store: Store) -> None:
    files = json.dumps([{"name": "a.m3u8"}])
    store.commit("default", [SetSession(session=session(), applied="given")])
    assert store.latest("default") == [Past(session=session(), files="[]", upload="")]
    store.commit("default", [SetFiles(session="s1", files=files, upload="uploaded")])
    store.commit("default", [SetFiles(session="s1", files="")])
    assert store.latest("default") == [Past(session=session(), files=files, upload="uploaded")]
    store.commit("default", [SetFiles(session="s1", files="[]", upload="backed-up")])
    assert store.latest("default") == [Past(session=session(), files="[]", upload="backed-up")]
    assert store.applied(["s1"]) == {"s1": "given"}


def test_past_tells_of_every_session_but_those_that_ended_before(store: Store) -> None:
    sessions = [
        session("a", created_s=1.0, phase=Phase.ENDED, ended_s=5.0),
        session("b", created_s=2.0, phase=Phase.ENDED, ended_s=10.0),
        session("c", created_s=3.0),
        session("d", created_s=0.0, recording="other"),
    ]
    store.commit("default", [SetSession(session=one) for one in sessions])

    def names(recording: str | None = None, since_s: float | None = None) -> str:
        found = store.past("default", recording, since_s)
        return "".join(past.session.id for past in found)

    assert names() == "dabc"
    assert names("standup") == "abc"
    assert names(since_s=10.0) == "dbc"
    assert names("standup", 10.5) == "c"
    assert store.past("other") == []


def test_a_uid_is_found_wherever_it_was_ever_held(store: Store) -> None:
    ended = session("a", phase=Phase.ENDED, ended_s=1.0, created_s=1.0)
    newer = session("b", recording="other", created_s=2.0)
    store.commit("default", [SetSession(session=newer), SetSession(session=session("c", uid="9"))])
    store.commit("elsewhere", [SetSession(session=ended)])
    assert store.holding("key-of-main", "room", "527841") == [ended, newer]
    assert store.holding("key-of-main", "room", "1") == []


def test_a_session_is_found_by_its_sid_in_every_scope(store: Store) -> None:
    ended = session("a", phase=Phase.ENDED, ended_s=1.0, sid="sid-a", app_key="of-old")
    store.commit("default", [SetSession(session=session("b", sid="sid-b"))])
    store.commit("elsewhere", [SetSession(session=ended)])
    assert store.of_sid("sid-a") == ended
    imported = session("c", sid="sid-a", app_key="of-old", created_s=ended.created_s + 1)
    store.commit("elsewhere", [SetSession(session=imported)])
    assert store.of_sid("sid-a") == imported
    assert store.of_sid("sid-c") is None


def test_other_scopes_are_seen_as_the_places_that_may_live(store: Store) -> None:
    for scope, name in (("a", "1"), ("m", "2"), ("z", "3")):
        store.commit(scope, [SetSession(session=session(name, uid=name))])
    gone = session("4", phase=Phase.ENDED, ended_s=1.0, recording="gone")
    lost = session("5", phase=Phase.ORPHAN, uid="5", mode="web")
    claimed = session("6", phase=Phase.NONE, uid="6")
    store.commit("z", [SetSession(session=one) for one in (gone, lost, claimed)])
    places = store.snapshot("m").elsewhere
    assert set(places) == {
        Place("key-of-main", "room", "1", "mix"),
        Place("key-of-main", "room", "3", "mix"),
        Place("key-of-main", "room", "5", "web"),
    }
    assert len(places) == 3


def test_counters_and_apps_are_each_scopes_own(store: Store) -> None:
    store.commit("default", [SetCounter(recording="a", replica=1, counter=7)])
    store.commit("default", [SetCounter(recording="a", replica=1, counter=8)])
    store.commit("default", [SetApp(name="main", manifest="old")])
    store.commit("default", [SetApp(name="main", manifest="new")])
    store.commit("other", [SetApp(name="main", manifest="theirs")])
    assert store.snapshot("default").counters == {("a", 1): 8}
    assert store.snapshot("default").apps == {"main": "new"}
    assert store.snapshot("other").counters == {}


SYNCED = Condition(
    recording="standup",
    replica=0,
    type="Synced",
    status=True,
    reason="ok",
    message="m",
    since_s=1.0,
)


def test_a_condition_keeps_its_time_until_its_status_moves(store: Store) -> None:
    store.commit("default", [SYNCED, replace(SYNCED, reason="still", since_s=2.0)])
    assert store.conditions("default") == [replace(SYNCED, reason="still", since_s=1.0)]
    store.commit("default", [replace(SYNCED, status=False, since_s=3.0)])
    assert store.conditions("default") == [replace(SYNCED, status=False, since_s=3.0)]


def test_conditions_are_in_order_and_go_with_their_recording(store: Store) -> None:
    made = [
        replace(SYNCED, recording="b", type="Z"),
        replace(SYNCED, recording="B"),
        replace(SYNCED, recording="b", replica=1),
        replace(SYNCED, recording="b", type="A"),
    ]
    store.commit("default", [SetRecorded(recorded=recorded("b")), *made])
    found = [(one.recording, one.replica, one.type) for one in store.conditions("default")]
    assert found == [("B", 0, "Synced"), ("b", 0, "A"), ("b", 0, "Z"), ("b", 1, "Synced")]
    counter = SetCounter(recording="b", replica=0, counter=2)
    kept = SetSession(session=session(recording="b"))
    store.commit("default", [counter, kept, DropRecorded(name="b")])
    assert store.conditions("default") == [replace(SYNCED, recording="B")]
    snapshot = store.snapshot("default")
    assert (snapshot.recorded, snapshot.counters) == ({}, {("b", 0): 2})
    assert [one.id for one in snapshot.sessions] == ["s1"]


def event(message: str = "m", time_s: float = NOW_S, recording: str = "r") -> Event:
    return Event(time_s=time_s, recording=recording, type="normal", reason="why", message=message)


def test_events_are_followed_by_their_numbers(store: Store) -> None:
    store.commit("default", [event("1"), event("2", recording="")])
    store.commit("other", [event("theirs")])
    store.commit("default", [event("3")])
    numbered = store.events("default")
    assert [one for _, one in numbered] == [event("1"), event("2", recording=""), event("3")]
    assert store.events("default", after=numbered[1][0]) == numbered[2:]
    assert [one.message for _, one in store.events("default", "r")] == ["1", "3"]
    assert [one.message for _, one in store.events("default", "")] == ["2"]


def test_an_event_that_comes_again_soon_is_counted(store: Store) -> None:
    for time_s in (0.0, 10.0, 599.0):
        store.commit("default", [event(time_s=time_s), event("other", recording="else")])
    assert store.events("default", "r")[0][1] == replace(event(time_s=0.0), count=3)
    store.commit("default", [event(time_s=600.0), event("new"), event(time_s=601.0)])
    assert [(one.time_s, one.count) for _, one in store.events("default", "r")] == [
        (0.0, 3),
        (600.0, 1),
        (NOW_S, 1),
        (601.0, 1),
    ]


def test_the_journal_tells_what_was_done_for_a_session(store: Store) -> None:
    entries = [
        JournalEntry(time_s=2.0, session="a", step="acquire", what="intent"),
        JournalEntry(time_s=1.0, session="a", step="acquire", what="done", detail="x"),
        JournalEntry(time_s=3.0, session="b", step="stop", what="intent"),
    ]
    store.commit("default", entries[:1])
    store.commit("default", entries[1:])
    assert store.journal("a") == entries[:2]
    assert store.journal("c") == []


@pytest.mark.parametrize(("text", "kept"), [("a\0b", "a\ufffdb"), ("\ud800x", "?x"), ("é", "é")])
def test_text_that_no_database_takes_stops_nothing(store: Store, text: str, kept: str) -> None:
    store.commit("default", [event(text), SetSession(session=session(rtmp_status=text))])
    store.commit("default", [event(text)])
    assert [(one.message, one.count) for _, one in store.events("default")] == [(kept, 2)]
    assert store.snapshot("default").sessions[0].rtmp_status == kept


def test_an_override_is_kept_and_lifted(store: Store) -> None:
    override = Override(since_s=1.0, reason="why", until_s=2.0)
    store.commit("default", [SetRecorded(recorded=recorded(override=override))])
    assert store.snapshot("default").recorded["standup"].override == override
    store.commit("default", [SetRecorded(recorded=recorded())])
    assert store.snapshot("default").recorded["standup"].override is None
