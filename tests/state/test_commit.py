import threading
from contextlib import closing

import pytest

from reconciler.errors import StateError
from reconciler.state.store import (
    Answer,
    Asked,
    Change,
    Condition,
    DropRecorded,
    Event,
    Gap,
    JournalEntry,
    Notice,
    Rename,
    SetApp,
    SetCounter,
    SetFiles,
    SetRecorded,
    SetSession,
    Snapshot,
    Store,
)
from tests.state.support import NOW_S, Backend, child, end, line_of, recorded, session

EVERY_KIND: list[Change] = [
    SetSession(session=session("new"), applied="given"),
    SetFiles(session="old", files="[1]", upload="uploaded"),
    SetRecorded(recorded=recorded("new")),
    DropRecorded(name="dropped"),
    Rename(before="old", after="renamed"),
    SetCounter(recording="old", replica=0, counter=9),
    Condition(
        recording="old", replica=0, type="T", status=True, reason="r", message="m", since_s=1.0
    ),
    Event(time_s=NOW_S, recording="old", type="normal", reason="r", message="m"),
    JournalEntry(time_s=NOW_S, session="old", step="start", what="intent"),
    SetApp(name="main", manifest="{}"),
    Asked(recording="old", since_s=1.0, terms="{}"),
    Gap(session="old", from_s=1.0, until_s=None, cause="missing"),
    Notice(
        received_s=NOW_S,
        app="main",
        notice_id="n",
        kind=31,
        channel="room",
        uid="527841",
        sid=None,
        sequence=None,
        sent_s=None,
        service_type=None,
    ),
    Answer(request=0, text="{}", answered_s=NOW_S),
]
TOO_LARGE = SetCounter(recording="r", replica=0, counter=2**63)


def everything(store: Store) -> tuple[object, ...]:
    return (
        store.snapshot("default"),
        store.past("default"),
        store.applied(["old", "new"]),
        store.conditions("default"),
        store.events("default"),
        store.journal("old"),
        store.asked("default"),
        store.gaps("default"),
        store.notices("default", 0.0),
    )


def test_every_commit_raises_the_serial_by_one_whatever_the_scope(store: Store) -> None:
    assert store.snapshot("default").serial == 0
    assert store.commit("default", []) == 1
    assert store.commit("other", EVERY_KIND) == 2
    assert store.snapshot("default").serial == 2


@pytest.mark.parametrize("after", range(len(EVERY_KIND) + 1))
def test_a_change_that_cannot_be_written_takes_all_others_with_it(store: Store, after: int) -> None:
    store.commit("default", [SetRecorded(recorded=recorded(name)) for name in ("old", "dropped")])
    store.commit("default", [SetSession(session=session("old", recording="old"))])
    before = everything(store)
    changes = [*EVERY_KIND[:after], TOO_LARGE, *EVERY_KIND[after:]]
    with pytest.raises(StateError, match="too large"):
        store.commit("default", changes)
    assert everything(store) == before
    store.commit("default", EVERY_KIND)
    assert everything(store) != before


def test_a_statement_that_fails_is_a_state_error_and_nothing_is_written(backend: Backend) -> None:
    with closing(backend.open()) as store:
        backend.run_sql("DROP TABLE counters")
        with pytest.raises(StateError) as caught:
            store.commit("default", EVERY_KIND)
        assert backend.run_sql("SELECT serial FROM meta") == [(0,)]
        assert backend.url.partition("?")[0].removeprefix("sqlite:///") in str(caught.value)


def test_a_new_state_holds_nothing(store: Store) -> None:
    assert store.snapshot("default") == Snapshot()
    assert store.writable


def test_what_was_written_is_there_when_it_is_opened_again(backend: Backend) -> None:
    with closing(backend.open()) as store:
        store.commit("default", EVERY_KIND)
        before, salt, key = everything(store), store.salt, store.key
    for write in (False, True):
        with closing(backend.open(write=write)) as store:
            assert everything(store) == before
            assert (store.salt, store.key, store.writable) == (salt, key, True)
    assert len(salt) == 16
    assert len(key or b"") == 32


def test_two_stores_see_what_each_other_writes(backend: Backend) -> None:
    with closing(backend.open()) as first, closing(backend.open(write=False)) as second:
        first.commit("default", EVERY_KIND)
        assert everything(second) == everything(first)
        assert second.commit("default", []) == 2
        assert first.snapshot("default").serial == 2


def test_threads_may_share_a_store(store: Store) -> None:
    serials: list[int] = []

    def work(name: str) -> None:
        for count in range(20):
            change = SetCounter(recording=name, replica=0, counter=count)
            serials.append(store.commit("default", [change]))
            store.snapshot("default")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(serials) == list(range(1, 61))
    assert set(store.snapshot("default").counters.values()) == {19}


def test_what_was_acknowledged_is_there_after_the_process_is_killed(backend: Backend) -> None:
    with closing(backend.open()) as store:
        told = 0
        for commits in (1, 7, 30):
            process = child("commit", backend.url)
            for _ in range(commits):
                told = int(line_of(process))
            end(process)
            assert store.snapshot("default").serial >= told
            assert len(store.events("default")) == store.snapshot("default").serial
    assert told >= 38


def test_a_closed_store_says_that_it_cannot_be_used(store: Store) -> None:
    store.close()
    with pytest.raises(StateError, match="closed"):
        store.snapshot("default")
    with pytest.raises(StateError, match="closed"):
        store.commit("default", [])
