import hashlib
import itertools
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import StateError
from reconciler.plan.recorded import Override
from reconciler.plan.session import Phase
from reconciler.state.rows import (
    RECORDED_COLUMNS,
    SESSION_COLUMNS,
    recorded_values,
    session_values,
)
from reconciler.state.schema import MIGRATIONS
from reconciler.state.store import (
    Asked,
    Condition,
    Event,
    Gap,
    JournalEntry,
    Past,
    SetSession,
)
from tests.state.support import (
    ME,
    NOW_S,
    Backend,
    PostgresBackend,
    SqliteBackend,
    recorded,
    session,
)

FIRST = MIGRATIONS[:1]
OVERRIDE = Override(since_s=NOW_S, reason="it's why", until_s=NOW_S + 60.5)
RECORDED = {
    "standup": recorded(terms='{"replicas": 2}', override=OVERRIDE, generation=7),
    "waiting": recorded("waiting", removed_s=NOW_S),
}
SESSIONS = (
    session("old", created_s=NOW_S - 900.5, phase=Phase.ENDED, ended_s=NOW_S - 100, uid="1"),
    session("new", created_s=NOW_S - 100, pending=("layout", "rtmp"), paused=True, uid="2"),
    session("second", created_s=NOW_S - 800, replica=1, uid="3", missing_s=NOW_S - 1),
    session("lost", created_s=NOW_S - 9999, recording="gone", phase=Phase.ORPHAN, uid="4"),
)
APPLIED = json.dumps({"channel": "room"})
OTHERS: tuple[tuple[Any, ...], ...] = (
    ("details", "new", APPLIED, "[1]", "uploaded"),
    ("counters", "default", "standup", 1, 5),
    ("conditions", "default", "standup", 0, "Applied", 1, "ok", "m", 2.5),
    ("events", 1048576, "default", "standup", NOW_S, "normal", "r", "m", 3),
    ("journal", 1048577, "new", NOW_S, "start", "intent", "d"),
    ("apps", "default", "main", "{}"),
    ("budget", "app", NOW_S * 2, 1.5, 7.25),
)
"""A table and the values of a row of it."""


LATER = frozenset({"signs", "unanswered_s"})
"""Columns of sessions that came with the second version."""


def fill(backend: Backend) -> None:
    """Make a state as the first version of the tables had it, with something in each."""
    backend.open(migrations=FIRST).close()
    for table, *row in OTHERS:
        insert(backend, table, (), row)
    for one in RECORDED.values():
        columns = ("scope", *RECORDED_COLUMNS)
        insert(backend, "recordings", columns, ("default", *recorded_values(one)))
    for each in SESSIONS:
        is_ended = each.phase is Phase.ENDED
        known = dict(zip(SESSION_COLUMNS, session_values(each), strict=True))
        then = {name: value for name, value in known.items() if name not in LATER}
        columns = ("scope", "settled", "current", *then)
        values = ("default", is_ended, not is_ended, *then.values())
        insert(backend, "sessions", columns, values)
    backend.run_sql("UPDATE meta SET serial = 9")


def insert(backend: Backend, table: str, columns: Sequence[str], values: Sequence[Any]) -> None:
    """Write a row behind the store's back; no columns: it has all of them."""
    names = f"({', '.join(columns)})" if columns else ""
    row = ", ".join(map(literal, values))
    backend.run_sql(" ".join(("INSERT INTO", table, names, "VALUES", f"({row})")))


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(int(value) if isinstance(value, bool) else value)


def test_the_tables_of_the_first_version_are_what_they_were() -> None:
    text = "\n".join(itertools.chain.from_iterable(FIRST))
    digest = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
    assert digest == "16e9c89ef09514d69aa27340161980e488559b88ebb9199d7571bc723139033d"


def test_a_state_of_the_first_version_is_migrated_with_all_it_holds(backend: Backend) -> None:
    fill(backend)
    with closing(backend.open()) as store:
        snapshot = store.snapshot("default")
        assert snapshot.serial == 9
        assert snapshot.recorded == RECORDED
        assert snapshot.sessions == (SESSIONS[3], SESSIONS[2], SESSIONS[1])
        assert (snapshot.counters, snapshot.apps) == ({("standup", 1): 5}, {"main": "{}"})
        past = {each.session.id: each for each in store.past("default")}
        assert [each.session for each in past.values()] == sorted(
            SESSIONS, key=lambda each: each.created_s
        )
        assert past["new"] == Past(session=SESSIONS[1], files="[1]", upload="uploaded")
        assert store.applied(["new", "old"]) == {"new": APPLIED}
        assert store.conditions("default") == [
            Condition(
                recording="standup",
                replica=0,
                type="Applied",
                status=True,
                reason="ok",
                message="m",
                since_s=2.5,
            )
        ]
        event = Event(
            time_s=NOW_S, recording="standup", type="normal", reason="r", message="m", count=3
        )
        assert store.events("default") == [(1048576, event)]
        entry = JournalEntry(time_s=NOW_S, session="new", step="start", what="intent", detail="d")
        assert store.journal("new") == [entry]
    assert backend.run_sql("SELECT * FROM budget") == [("app", NOW_S * 2, 1.5, 7.25)]


def test_what_is_asked_of_a_first_versions_recordings_is_asked_since_they_began(
    backend: Backend,
) -> None:
    fill(backend)
    expected = [
        Asked(
            recording="standup",
            since_s=NOW_S - 900.5,
            terms='{"replicas": 2}',
            override=OVERRIDE,
        ),
        Asked(recording="waiting", since_s=0.0, terms="{}"),
    ]
    with closing(backend.open()) as store:
        assert store.asked("default") == expected
        store.commit("default", [replace(one, since_s=NOW_S) for one in expected])
        assert store.asked("default") == expected
        assert store.gaps("default") == []
        assert store.notices("default", 0.0) == []
        assert store.requests("default") == []


def test_a_migrated_state_takes_what_is_new(backend: Backend) -> None:
    fill(backend)
    signed = replace(SESSIONS[1], signs=("exit:1", "leave:6"))
    gap = Gap(session="new", from_s=1.0, until_s=2.0, cause="missing")
    with closing(backend.open()) as store, store.share("default", ME):
        assert store.claim("default", "app")
        assert store.commit("default", [SetSession(session=signed), gap]) == 10
        assert store.snapshot("default").sessions[-1] == signed
        assert store.gaps("default") == [gap]
    assert backend.run_sql("SELECT version FROM meta") == [(len(MIGRATIONS),)]


def test_a_file_of_the_first_version_is_read_as_it_is(sqlite: SqliteBackend) -> None:
    fill(sqlite)
    with closing(sqlite.open(write=False)) as store:
        assert store.snapshot("default").recorded == RECORDED
        assert [one.recording for one in store.asked("default")] == ["standup", "waiting"]
    assert sqlite.run_sql("SELECT version FROM meta") == [(1,)]


def test_a_server_of_the_first_version_is_not_read_before_it_is_migrated(
    postgres: PostgresBackend,
) -> None:
    fill(postgres)
    with pytest.raises(StateError, match="has version 1, this program reads 2") as caught:
        postgres.open(write=False)
    assert caught.value.hint == (
        "run `reconciler apply` once: it brings the state to the newer version"
    )
