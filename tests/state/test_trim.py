from contextlib import closing

import pytest

from reconciler.plan.session import Phase, Session
from reconciler.state import trim as trimming
from reconciler.state.bounds import Bounds
from reconciler.state.store import (
    Answer,
    Asked,
    DropRecorded,
    Event,
    Gap,
    JournalEntry,
    Notice,
    Request,
    SetFiles,
    SetRecorded,
    SetSession,
    Store,
)
from tests.state.support import Backend, recorded, session

DAY_S = 86_400.0
NOW_S = 1000 * DAY_S
BOUNDS = Bounds(history_age_s=30 * DAY_S, history_rows_max=10, sessions_age_s=90 * DAY_S)


def happened(*ages_d: float) -> list[Event | JournalEntry]:
    """Return an event and a journal entry for each age in days."""
    return [
        one
        for age_d in ages_d
        for one in (
            Event(
                time_s=NOW_S - age_d * DAY_S,
                recording="r",
                type="normal",
                reason=f"{age_d}",
                message="",
            ),
            JournalEntry(time_s=NOW_S - age_d * DAY_S, session="s", step=f"{age_d}", what="done"),
        )
    ]


def left(store: Store) -> tuple[list[float], list[float]]:
    """Return the ages in days of the events and of the journal."""
    return (
        [float(event.reason) for _, event in store.events("default")],
        [float(entry.step) for entry in store.journal("s")],
    )


def test_history_is_kept_to_its_age(store: Store) -> None:
    store.commit("default", happened(31, 30, 29, 40, 1, 90))
    store.trim(NOW_S, BOUNDS)
    assert left(store) == ([30, 29, 1], [30, 29, 1])


def test_history_is_kept_to_its_count_the_newest_written(store: Store) -> None:
    store.commit("default", happened(*range(12, 0, -1)))
    store.trim(NOW_S, BOUNDS)
    assert left(store) == ([*range(10, 0, -1)],) * 2
    store.trim(NOW_S, BOUNDS)
    assert left(store) == ([*range(10, 0, -1)],) * 2


@pytest.mark.parametrize("rows_max", [0, 1, 11, 12, 13])
def test_the_count_is_met_exactly(store: Store, rows_max: int) -> None:
    store.commit("default", happened(*range(12, 0, -1)))
    store.trim(NOW_S, Bounds(history_rows_max=rows_max))
    assert [len(ages) for ages in left(store)] == [min(rows_max, 12)] * 2


def test_numbers_of_events_are_never_given_again(store: Store) -> None:
    store.commit("default", happened(1))
    ((number, _),) = store.events("default")
    store.trim(NOW_S, Bounds(history_rows_max=0))
    store.commit("default", happened(0))
    assert store.events("default", after=number)


def test_more_than_a_slice_is_trimmed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "ROWS_SLICE", 3)
    monkeypatch.setattr(trimming, "SESSIONS_SLICE", 2)
    store.commit("default", happened(*range(40, 0, -1)))
    store.commit("default", [SetSession(session=ended(f"{n}", n)) for n in range(100, 109)])
    store.trim(NOW_S, BOUNDS)
    assert left(store) == ([*range(10, 0, -1)],) * 2
    assert store.past("default") == []


def ended(name: str, age_d: float, **changes: object) -> Session:
    return session(
        name,
        **{
            "phase": Phase.ENDED,
            "created_s": NOW_S - (age_d + 1) * DAY_S,
            "ended_s": NOW_S - age_d * DAY_S,
            **changes,
        },
    )


def test_ended_sessions_go_with_their_files_when_they_are_old(backend: Backend) -> None:
    with closing(backend.open()) as store:
        sessions = [ended("old", 91), ended("young", 89), ended("last", 1)]
        store.commit("default", [SetRecorded(recorded=recorded())])
        store.commit("default", [SetSession(session=one, applied="x") for one in sessions])
        store.commit("default", [SetFiles(session="old", files="[1]")])
        store.trim(NOW_S, BOUNDS)
        assert [past.session.id for past in store.past("default")] == ["young", "last"]
        assert store.applied(["old", "young", "last"]) == {"young": "x", "last": "x"}
        assert backend.run_sql("SELECT count(*) FROM details") == [(2,)]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.ENDED])
def test_what_may_live_is_never_removed(store: Store, phase: Phase) -> None:
    alive = ended("alive", 900, phase=phase)
    alone = ended("alone", 899, phase=phase, recording="gone")
    changes = [SetSession(session=one) for one in (alive, alone, ended("new", 1))]
    store.commit("default", changes)
    store.trim(NOW_S, BOUNDS)
    kept = [past.session.id for past in store.past("default")]
    assert kept == (["new"] if phase is Phase.FAILED else ["alive", "alone", "new"])


def test_what_is_to_be_looked_at_again_is_never_removed(store: Store) -> None:
    again = ended("again", 900, recheck_s=NOW_S)
    store.commit("default", [SetSession(session=again), SetSession(session=ended("new", 1))])
    store.trim(NOW_S, BOUNDS)
    assert [past.session.id for past in store.past("default")] == ["again", "new"]


def test_the_last_session_goes_only_with_its_recording(store: Store) -> None:
    kept, gone = ended("kept", 900), ended("gone", 900, recording="gone")
    store.commit("default", [SetRecorded(recorded=recorded())])
    store.commit("default", [SetSession(session=one) for one in (kept, gone)])
    store.trim(NOW_S, BOUNDS)
    assert store.snapshot("default").sessions == (kept,)


def test_the_last_session_goes_after_all_others_of_its_replica(store: Store) -> None:
    older = ended("older", 1, created_s=NOW_S - 950 * DAY_S)
    newest = ended("newest", 900)
    store.commit("default", [SetSession(session=one) for one in (older, newest)])
    store.trim(NOW_S, BOUNDS)
    assert store.snapshot("default").sessions == (older, newest)
    store.trim(NOW_S + 90 * DAY_S, BOUNDS)
    assert store.past("default") == []


def test_gaps_go_with_their_session(backend: Backend) -> None:
    with closing(backend.open()) as store:
        gaps = [Gap(session=name, from_s=1.0, until_s=2.0, cause="") for name in ("old", "last")]
        sessions = [SetSession(session=ended("old", 91)), SetSession(session=ended("last", 1))]
        store.commit("default", [*sessions, *gaps])
        store.trim(NOW_S, BOUNDS)
        assert store.gaps("default") == gaps[1:]
        assert backend.run_sql("SELECT session FROM gaps") == [("last",)]


def asked(age_d: float, terms: str | None = None, recording: str = "standup") -> Asked:
    since_s = NOW_S - age_d * DAY_S
    return Asked(recording=recording, since_s=since_s, terms=f"{age_d}" if terms is None else terms)


def test_what_was_asked_is_kept_from_what_was_in_force_at_the_bound(store: Store) -> None:
    rows = [asked(age_d) for age_d in (300, 200, 91, 89, 1)]
    store.commit("default", rows)
    store.trim(NOW_S, BOUNDS)
    assert store.asked("default") == rows[2:]
    store.trim(NOW_S + 0.5 * DAY_S, BOUNDS)
    assert store.asked("default") == rows[2:]
    store.trim(NOW_S + 1 * DAY_S, BOUNDS)
    assert store.asked("default") == rows[3:]


def test_the_last_that_was_asked_goes_only_with_the_recording_and_its_sessions(
    store: Store,
) -> None:
    kept, gone = asked(900), asked(900, "", "gone")
    within, still = asked(89, "", "within"), asked(900, "", "still")
    last = SetSession(session=ended("last", 1, recording="still"))
    store.commit("default", [SetRecorded(recorded=recorded()), kept, gone, within, still, last])
    store.commit("default", [asked(901, "before", "within2"), asked(89, "", "within2")])
    store.commit("other", [kept])
    store.trim(NOW_S, BOUNDS)
    told = [(one.recording, one.terms) for one in store.asked("default")]
    assert told == [
        ("standup", "900"),
        ("still", ""),
        ("within", ""),
        ("within2", "before"),
        ("within2", ""),
    ]
    assert store.asked("other") == []
    store.commit("default", [DropRecorded(name="standup")])
    store.trim(NOW_S + 90 * DAY_S, BOUNDS)
    assert store.asked("default") == []


def test_more_of_what_was_asked_than_a_slice_is_trimmed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trimming, "ROWS_SLICE", 3)
    rows = [asked(age_d) for age_d in range(100, 90, -1)]
    store.commit("default", [SetRecorded(recorded=recorded()), *rows])
    store.trim(NOW_S, BOUNDS)
    assert store.asked("default") == rows[-1:]


def test_notifications_are_kept_for_a_day_and_an_hour(store: Store) -> None:
    notices = [
        Notice(
            received_s=NOW_S - age_h * 3600.0,
            app="main",
            notice_id=f"{age_h}",
            kind=31,
            channel=None,
            uid=None,
            sid=None,
            sequence=None,
            sent_s=None,
            service_type=None,
        )
        for age_h in (26, 25, 24, 25.5, 0)
    ]
    store.commit("default", notices)
    store.trim(NOW_S, Bounds(history_rows_max=0))
    assert [one.notice_id for one in store.notices("default", 0.0)] == ["25", "24", "0"]


def test_requests_go_after_a_day_answered_or_not(backend: Backend) -> None:
    with closing(backend.open()) as store:
        old, young = (
            Request(created_s=NOW_S - age_d * DAY_S, command="stop", arguments=f"{age_d}")
            for age_d in (1.01, 0.99)
        )
        numbers = [store.ask("default", one) for one in (old, old, young, young)]
        answers = [Answer(request=numbers[n], text="done", answered_s=NOW_S) for n in (0, 2)]
        store.commit("default", answers)
        store.trim(NOW_S, Bounds(history_rows_max=0))
        assert store.requests("default") == [(numbers[3], young)]
        assert [store.answer(number) for number in numbers] == [None, None, "done", None]
        assert backend.run_sql("SELECT count(*) FROM requests") == [(2,)]
