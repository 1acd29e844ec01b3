import fcntl
import logging
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import LockedError, StateError
from reconciler.state import sqlite as state_sqlite
from reconciler.state.store import Event, SetSession, Store
from tests.state.support import ME, NOW_S, SqliteBackend, child, end, line_of, session


def database_only(path: Path) -> None:
    path.unlink()


def database_and_log(path: Path) -> None:
    """As `rm -f state.db*` does, with the lock files."""
    for part in path.parent.glob("state.db*"):
        part.unlink()


def whole_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


Removal = Callable[[Path], None]

removed = pytest.mark.parametrize("remove", [database_only, database_and_log, whole_folder])


def put(store: Store, *names: str) -> int:
    return store.commit("default", [SetSession(session=session(name)) for name in names])


def names_in(store: Store) -> set[str]:
    return {past.session.id for past in store.past("default")}


def kept(sqlite: SqliteBackend) -> set[str]:
    """Return the sessions that another process would find, in a database that is sound."""
    with closing(sqlite.open(write=False)) as other:
        found = names_in(other)
    assert sqlite.run_sql("PRAGMA integrity_check") == [("ok",)]
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def store(sqlite: SqliteBackend) -> Iterator[Store]:
    """A state of one session in its database, and one that is still in the log."""
    with closing(sqlite.open()) as opened:
        put(opened, "old")
        sqlite.run_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        put(opened, "logged")
        yield opened


@removed
def test_what_is_removed_is_written_back_by_the_next_commit(
    sqlite: SqliteBackend, store: Store, remove: Removal, caplog: pytest.LogCaptureFixture
) -> None:
    salt, key = store.salt, store.key
    with store.lock("default", ME):
        remove(sqlite.path)
        put(store, "first")
        put(store, "second")
        assert kept(sqlite) == {"old", "logged", "first", "second"}
        with closing(sqlite.open()) as other:
            assert (other.salt, other.key) == (salt, key)
            assert put(other, "of another") == 5
        assert names_in(store) == {"old", "logged", "first", "second", "of another"}
    assert kept(sqlite) == names_in(store)
    assert [(one.levelno, vars(one)["place"]) for one in caplog.records] == [
        (logging.WARNING, str(sqlite.path))
    ]


@removed
def test_what_is_written_back_is_its_users_alone_and_logs_as_before(
    sqlite: SqliteBackend, store: Store, remove: Removal
) -> None:
    with store.lock("default", ME):
        remove(sqlite.path)
        put(store, "new")
        assert sqlite.run_sql("PRAGMA journal_mode") == [("wal",)]
        modes = {path.name: mode(path) for path in sqlite.path.parent.iterdir()}
    assert modes.keys() == {
        "state.db",
        "state.db-wal",
        "state.db-shm",
        "state.key",
        "state.db.default.lock",
    }
    assert set(modes.values()) == {0o600}
    assert mode(sqlite.path.parent) == 0o700
    connection = vars(vars(store)["_database"])["_connection"]
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


@removed
def test_reading_under_a_lock_writes_back_too(
    sqlite: SqliteBackend, store: Store, remove: Removal
) -> None:
    with store.lock("default", ME):
        remove(sqlite.path)
        assert names_in(store) == {"old", "logged"}
        assert kept(sqlite) == {"old", "logged"}


@removed
def test_what_is_removed_after_the_last_commit_is_written_back_at_the_end(
    sqlite: SqliteBackend, remove: Removal
) -> None:
    with closing(sqlite.open()) as store, store.lock("default", ME):
        put(store, "only")
        remove(sqlite.path)
    assert kept(sqlite) == {"only"}


def test_it_is_written_back_as_often_as_it_is_removed(sqlite: SqliteBackend, store: Store) -> None:
    with store.lock("default", ME):
        for number in range(5):
            whole_folder(sqlite.path)
            put(store, f"{number}")
    assert kept(sqlite) == {"old", "logged", "0", "1", "2", "3", "4"}


def test_every_scope_stays_locked_until_it_is_let_go(sqlite: SqliteBackend, store: Store) -> None:
    with store.lock("other", replace(ME, command="run")):
        with store.lock("default", ME):
            whole_folder(sqlite.path)
            put(store, "new")
            with closing(sqlite.open()) as second:
                assert refusal(second, "default").startswith("scope `default` of the state")
                assert second.snapshot("default").holder == ME
        process = child("hold", sqlite.url, "default")
        try:
            assert line_of(process) == "held"
            with pytest.raises(LockedError):
                store.lock("default", ME).__enter__()
        finally:
            end(process)
        with closing(sqlite.open()) as second:
            assert "`run` on host `build-7`" in refusal(second, "other")
    with closing(sqlite.open()) as second, second.lock("other", ME), second.lock("default", ME):
        pass


def refusal(store: Store, scope: str) -> str:
    with pytest.raises(LockedError) as caught, store.lock(scope, ME):
        pass
    return str(caught.value)


@removed
def test_who_holds_no_lock_writes_nothing_back(
    sqlite: SqliteBackend, store: Store, remove: Removal
) -> None:
    remove(sqlite.path)
    with pytest.raises(StateError, match="was removed while it is in use") as caught:
        put(store, "new")
    assert caught.value.hint
    with pytest.raises(StateError, match="was removed"), store.lock("default", ME):
        pass
    assert not sqlite.path.exists()
    assert names_in(store) == {"old", "logged"}


@removed
def test_the_holder_writes_back_and_who_had_the_lost_file_open_is_refused(
    sqlite: SqliteBackend, store: Store, remove: Removal
) -> None:
    with closing(sqlite.open()) as second:
        with store.lock("default", ME):
            remove(sqlite.path)
            with pytest.raises(StateError, match="was removed"), second.lock("default", ME):
                pass
            put(store, "new")
            with pytest.raises(StateError, match="was replaced"):
                put(second, "never")
        with pytest.raises(StateError, match="was replaced"), second.lock("default", ME):
            pass
    assert kept(sqlite) == {"old", "logged", "new"}
    with store.lock("default", ME):
        put(store, "newer")
    assert kept(sqlite) == {"old", "logged", "new", "newer"}


def test_where_a_copy_lies_instead_nothing_is_read_or_written_until_the_file_is_back(
    sqlite: SqliteBackend, store: Store
) -> None:
    aside = sqlite.path.with_name("aside")
    with store.lock("default", ME):
        sqlite.path.rename(aside)
        shutil.copyfile(aside, sqlite.path)
        content = sqlite.path.read_bytes()
        for _ in range(2):
            with pytest.raises(StateError) as caught:
                put(store, "new")
            assert str(caught.value) == (
                f"the file of the state at `{sqlite.path}` was replaced while it is in use"
            )
            assert caught.value.hint
            with pytest.raises(StateError, match="was replaced"):
                names_in(store)
        assert sqlite.path.read_bytes() == content
        aside.rename(sqlite.path)
        put(store, "newer")
    assert kept(sqlite) == {"old", "logged", "newer"}


def test_a_state_that_was_begun_anew_meanwhile_is_left_alone(
    sqlite: SqliteBackend, store: Store
) -> None:
    with store.lock("default", ME):
        whole_folder(sqlite.path)
        with closing(sqlite.open()) as other:
            put(other, "of another")
            with pytest.raises(StateError, match="was replaced"):
                put(store, "new")
            put(other, "later")
        with pytest.raises(StateError, match="was replaced"):
            put(store, "new")
    assert kept(sqlite) == {"of another", "later"}


def test_another_key_there_is_left_alone(sqlite: SqliteBackend, store: Store) -> None:
    key = sqlite.path.with_name("state.key")
    with store.lock("default", ME):
        whole_folder(sqlite.path)
        key.parent.mkdir()
        key.write_bytes(b"k" * 32)
        with pytest.raises(StateError, match="was replaced"):
            put(store, "new")
        assert key.read_bytes() == b"k" * 32
        assert not sqlite.path.exists()
        key.unlink()
        put(store, "new")
    assert kept(sqlite) == {"old", "logged", "new"}


def test_the_empty_file_of_a_command_that_was_refused_is_no_state(
    sqlite: SqliteBackend, store: Store
) -> None:
    with store.lock("default", ME):
        database_and_log(sqlite.path)
        with pytest.raises(StateError, match="is gone or empty"):
            sqlite.open()
        assert sqlite.path.stat().st_size == 0
        put(store, "new")
    assert kept(sqlite) == {"old", "logged", "new"}


def test_where_another_has_the_new_lock_nothing_is_written_back(
    sqlite: SqliteBackend, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    lock = sqlite.path.with_name("state.db.default.lock")
    with store.lock("a", ME), store.lock("default", ME):
        whole_folder(sqlite.path)
        lock.parent.mkdir()
        with lock.open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(StateError, match="was replaced"):
                put(store, "new")
            assert not sqlite.path.exists()
        put(store, "new")
    assert kept(sqlite) == {"old", "logged", "new"}


@pytest.mark.parametrize("blocked", ["state.db.part", "state.db-wal", "state.key"])
def test_what_cannot_be_written_back_is_told_and_tried_again(
    sqlite: SqliteBackend, store: Store, blocked: str
) -> None:
    with store.lock("default", ME):
        whole_folder(sqlite.path)
        sqlite.path.with_name(blocked).mkdir(parents=True)
        with pytest.raises(StateError, match="it cannot be written back: ") as caught:
            put(store, "never")
        assert "do not end it" in str(caught.value.hint)
        assert not sqlite.path.exists()
        sqlite.path.with_name(blocked).rmdir()
        put(store, "new")
    assert kept(sqlite) == {"old", "logged", "new"}


def test_a_folder_that_is_no_folder_is_told(sqlite: SqliteBackend, store: Store) -> None:
    with store.lock("default", ME):
        whole_folder(sqlite.path)
        sqlite.path.parent.write_text("")
        with pytest.raises(StateError, match="not a directory"):
            put(store, "never")
        sqlite.path.parent.unlink()
        put(store, "new")
    assert kept(sqlite) == {"old", "logged", "new"}


def test_threads_that_commit_meanwhile_lose_nothing(sqlite: SqliteBackend, store: Store) -> None:
    def write(name: int) -> None:
        if name == 40:
            sqlite.path.unlink()
        put(store, f"{name}")

    with store.lock("default", ME), ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(80)))
    assert kept(sqlite) == {"old", "logged", *map(str, range(80))}


def test_every_commit_of_another_process_that_was_acknowledged_is_written_back(
    sqlite: SqliteBackend, store: Store
) -> None:
    with store.lock("default", ME):
        process = child("commit", sqlite.url, stderr=subprocess.DEVNULL)
        acknowledged = [line_of(process) for _ in range(20)]
        whole_folder(sqlite.path)
        event = Event(time_s=NOW_S, recording="r", type="normal", reason="mine", message="")
        store.commit("default", [event])
        acknowledged += process.communicate()[0].split()
    with closing(sqlite.open(write=False)) as other:
        assert len(other.events("default")) == len(acknowledged) + 1
    assert process.returncode != 0


def test_a_commit_that_another_process_has_begun_is_waited_for(
    sqlite: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_sqlite, "BUSY_S", 0.05)
    with closing(sqlite.open()) as store, store.lock("default", ME):
        put(store, "old", "of another")
        with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE sessions SET channel = 'elsewhere' WHERE id = 'of another'")
            whole_folder(sqlite.path)
            with pytest.raises(StateError, match="cannot be written back: database is locked"):
                names_in(store)
            assert not sqlite.path.exists()
            other.execute("COMMIT")
        put(store, "new")
        assert {one.channel for one in store.snapshot("default").sessions} == {"room", "elsewhere"}
    assert kept(sqlite) == {"old", "of another", "new"}
