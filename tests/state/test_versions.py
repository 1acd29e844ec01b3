from contextlib import closing
from dataclasses import fields

import pytest

from reconciler.errors import StateError
from reconciler.plan.session import Session
from reconciler.state.rows import RECORDED_COLUMNS
from reconciler.state.schema import MIGRATIONS
from reconciler.state.store import SetRecorded, SetSession
from tests.state.support import (
    LATER,
    Backend,
    PostgresBackend,
    SqliteBackend,
    child,
    recorded,
    session,
)

KNOWN = len(MIGRATIONS)
BROKEN = (*MIGRATIONS, ("CREATE TABLE half (a TEXT)", "NO SUCH STATEMENT"))


def fill(backend: Backend) -> None:
    """Make a state of this program's version with something in it."""
    with closing(backend.open()) as store:
        given = SetSession(session=session(), applied="given")
        store.commit("default", [given, SetRecorded(recorded=recorded())])


def test_a_state_of_a_newer_version_is_refused_and_left_alone(backend: Backend) -> None:
    backend.open(migrations=LATER).close()
    for write in (False, True):
        with pytest.raises(StateError) as caught:
            backend.open(write=write)
        assert f"has version {KNOWN + 1}, this program knows up to {KNOWN}" in str(caught.value)
        assert caught.value.hint
        assert "newer reconciler" in caught.value.hint
    assert backend.run_sql("SELECT version FROM meta") == [(KNOWN + 1,)]


def test_an_older_state_is_migrated_when_it_is_opened_for_writing(backend: Backend) -> None:
    fill(backend)
    with closing(backend.open(migrations=LATER)) as store:
        assert store.snapshot("default").sessions == (session(),)
        assert store.applied(["s1"]) == {"s1": "given"}
        assert store.commit("default", [SetRecorded(recorded=recorded("new"))]) == 2
    assert backend.run_sql("SELECT name, colour FROM recordings ORDER BY name") == [
        ("new", "red"),
        ("standup", "red"),
    ]
    backend.open(migrations=LATER).close()


def test_a_migration_that_fails_leaves_the_older_state(backend: Backend) -> None:
    fill(backend)
    with pytest.raises(StateError):
        backend.open(migrations=BROKEN)
    with closing(backend.open()) as store:
        assert store.snapshot("default").sessions == (session(),)
    assert backend.run_sql("SELECT version FROM meta") == [(KNOWN,)]
    backend.open(migrations=(*MIGRATIONS, ("CREATE TABLE half (a TEXT)",))).close()


def test_an_older_file_is_read_as_it_is_and_left_so(sqlite: SqliteBackend) -> None:
    fill(sqlite)
    with closing(sqlite.open(write=False, migrations=LATER)) as store:
        assert store.snapshot("default").sessions == (session(),)
        assert store.snapshot("default").recorded == {"standup": recorded()}
        assert not store.writable
    assert sqlite.run_sql("SELECT version FROM meta") == [(KNOWN,)]


def test_an_older_state_on_a_server_is_not_read_before_it_is_migrated(
    postgres: PostgresBackend,
) -> None:
    fill(postgres)
    with pytest.raises(StateError) as caught:
        postgres.open(write=False, migrations=LATER)
    assert f"has version {KNOWN}" in str(caught.value)
    assert caught.value.hint
    assert "apply" in caught.value.hint
    postgres.open(migrations=LATER).close()
    with closing(postgres.open(write=False, migrations=LATER)) as store:
        assert store.snapshot("default").sessions == (session(),)


def test_an_empty_file_is_a_state_that_holds_nothing_yet(sqlite: SqliteBackend) -> None:
    sqlite.path.parent.mkdir(parents=True)
    sqlite.path.touch()
    with closing(sqlite.open(write=False)) as store:
        assert not store.snapshot("default").sessions
    assert sqlite.path.stat().st_size == 0
    fill(sqlite)


def test_many_migrate_the_same_state_at_once(backend: Backend) -> None:
    backend.open().close()
    children = [child("migrate", backend.url) for _ in range(4)]
    for process in children:
        process.communicate()
    assert [process.returncode for process in children] == [0] * 4
    assert backend.run_sql("SELECT version FROM meta") == [(KNOWN + 1,)]


def test_the_tables_have_a_column_for_every_field(backend: Backend) -> None:
    backend.open().close()
    sessions = ", ".join(field.name for field in fields(Session))
    assert backend.run_sql("SELECT $ FROM sessions".replace("$", sessions)) == []
    recordings = ", ".join(RECORDED_COLUMNS)
    assert backend.run_sql("SELECT $ FROM recordings".replace("$", recordings)) == []
