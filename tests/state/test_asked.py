import itertools
from contextlib import closing
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.plan.recorded import Override
from reconciler.state.store import Asked, DropRecorded, Gap, Rename, SetRecorded, SetSession, Store
from tests.state.support import FLOATS, TEXTS, SqliteBackend, any_of, recorded, session

FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = itertools.count()
MOMENTS = st.integers(0, 8).map(float)
OVERRIDE = Override(since_s=5.0, reason="why", until_s=9.0)


def asked(since_s: float, terms: str = "{}", recording: str = "standup") -> Asked:
    return Asked(recording=recording, since_s=since_s, terms=terms)


@FEW
@given(any_of(Asked))
def test_what_was_asked_is_read_as_it_was_written(store: Store, one: Asked) -> None:
    scope = str(next(NAMES))
    store.commit(scope, [one])
    assert store.asked(scope) == store.asked(scope, one.recording) == [one]
    assert store.asked(scope, f"{one.recording}-") == []


def test_what_was_asked_is_told_by_recording_and_time(store: Store) -> None:
    rows = [
        asked(3.0, "late", "b"),
        asked(1.0, "b", "B"),
        asked(1.0, "a", "b"),
        asked(2.0, "", "b"),
    ]
    store.commit("default", [rows[1], rows[2], rows[3], rows[0]])
    store.commit("other", [asked(0.0, "theirs", "b")])
    assert store.asked("default") == [rows[1], rows[2], rows[3], rows[0]]
    assert store.asked("default", "B") == rows[1:2]


def test_the_same_is_not_written_again(store: Store) -> None:
    first = asked(1.0)
    store.commit("default", [first, asked(2.0), asked(3.0)])
    store.commit("default", [asked(4.0)])
    assert store.asked("default") == [first]
    suspended = replace(first, since_s=5.0, override=OVERRIDE)
    store.commit("default", [suspended, replace(suspended, since_s=6.0)])
    assert store.asked("default") == [first, suspended]
    longer = replace(suspended, since_s=7.0, override=replace(OVERRIDE, until_s=None))
    store.commit("default", [longer, replace(first, since_s=8.0)])
    assert store.asked("default") == [first, suspended, longer, replace(first, since_s=8.0)]


def test_text_that_no_database_takes_is_the_same_again(store: Store) -> None:
    odd = replace(asked(1.0, "a\0b"), override=replace(OVERRIDE, reason="\ud800"))
    store.commit("default", [odd])
    store.commit("default", [replace(odd, since_s=2.0)])
    assert [one.since_s for one in store.asked("default")] == [1.0]


def test_a_clock_set_back_drops_what_was_to_be_asked_later(store: Store) -> None:
    store.commit("default", [asked(1.0, "a"), asked(5.0, "b"), asked(9.0, "c")])
    store.commit("default", [asked(5.0, "d")])
    assert store.asked("default") == [asked(1.0, "a"), asked(5.0, "d")]


@given(st.lists(st.tuples(MOMENTS, st.sampled_from("ab")), max_size=8))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_times_only_rise_and_the_last_row_is_what_was_last_asked(
    sqlite: SqliteBackend, writes: list[tuple[float, str]]
) -> None:
    with closing(sqlite.fresh().open()) as store:
        for count, (since_s, terms) in enumerate(writes, start=1):
            store.commit("default", [asked(since_s, terms)])
            rows = store.asked("default")
            times = [one.since_s for one in rows]
            assert times == sorted(set(times))
            assert rows[-1].terms == terms
            assert len(rows) <= count


def test_a_recording_that_is_dropped_keeps_what_it_was_asked(store: Store) -> None:
    store.commit("default", [SetRecorded(recorded=recorded()), asked(1.0)])
    store.commit("default", [asked(2.0, ""), DropRecorded(name="standup")])
    assert store.asked("default", "standup") == [asked(1.0), asked(2.0, "")]


def test_a_renamed_recording_takes_along_what_it_was_asked(store: Store) -> None:
    store.commit("default", [asked(5.0, "new", "before"), asked(7.0, "newer", "before")])
    store.commit("default", [asked(1.0, "old", "after"), asked(5.0, "lost", "after")])
    store.commit("default", [asked(6.0, "", "after")])
    store.commit("other", [asked(9.0, "theirs", "after")])
    store.commit("default", [Rename(before="before", after="after")])
    assert store.asked("default") == [
        asked(1.0, "old", "after"),
        asked(5.0, "new", "after"),
        asked(7.0, "newer", "after"),
    ]
    assert store.asked("other") == [asked(9.0, "theirs", "after")]


def test_a_rename_of_what_was_never_asked_leaves_the_other_alone(store: Store) -> None:
    store.commit("default", [asked(1.0, recording="after"), Rename(before="b", after="after")])
    assert store.asked("default") == [asked(1.0, recording="after")]


@FEW
@given(FLOATS, st.none() | FLOATS, TEXTS)
def test_a_gap_is_read_as_it_was_last_written(
    store: Store, from_s: float, until_s: float | None, cause: str
) -> None:
    name = str(next(NAMES))
    gap = Gap(session=name, from_s=from_s, until_s=until_s, cause=cause)
    store.commit(name, [SetSession(session=session(name))])
    store.commit(name, [replace(gap, until_s=0.5, cause="other"), gap])
    assert store.gaps(name) == [gap]


def test_gaps_are_told_by_time_and_go_with_the_name_of_their_session(store: Store) -> None:
    mine, theirs, others = session("a"), session("b", recording="other"), session("c")
    store.commit("default", [SetSession(session=mine), SetSession(session=theirs)])
    store.commit("elsewhere", [SetSession(session=others)])
    gaps = [
        Gap(session=name, from_s=from_s, until_s=None, cause="missing")
        for name, from_s in (("a", 1.0), ("b", 2.0), ("a", 3.0), ("c", 4.0), ("unknown", 5.0))
    ]
    store.commit("default", list(reversed(gaps)))
    assert store.gaps("default") == gaps[:3]
    assert store.gaps("elsewhere") == [gaps[3]]
    assert store.gaps("default", "standup") == [gaps[0], gaps[2]]
    store.commit("default", [Rename(before="standup", after="renamed")])
    assert store.gaps("default", "renamed") == [gaps[0], gaps[2]]
    assert store.gaps("default", "standup") == []
