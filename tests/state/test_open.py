import fcntl
import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import StateError, UsageError
from reconciler.state.open import open_state
from reconciler.state.store import SetSession, Snapshot
from tests.state.support import Backend, HandClock, SqliteBackend, child, line_of, session

SECRET = "hunter2"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "state.db",
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://state.db",
        "sqlite:///folder/",
        "sqlite:///a.db?mode=ro",
        "mysql://user:hunter2@host/name",
        "postgres",
        "postgresql://user:hun/ter2@host/name",
        "postgresql://user:hunter2@ter2@host/name",
        "postgresql://user:1?hunter2@host/name",
        "postgresql://user:1#hunter2@host/name",
        "postgresql://user:hunter2%zz@host/name",
        "postgresql://user:hunter2@[host/name",
        "postgresql://user@host/name?password=hunter2&no_such=1",
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_a_url_that_names_no_state_is_a_usage_error_that_tells_no_secret(
    url: str, *, write: bool
) -> None:
    with pytest.raises(UsageError) as caught:
        open_state(url, {}, HandClock(), write=write)
    assert caught.value.hint
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"
    assert "ter2" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:1/name",
        "postgres://user:hunter2@127.0.0.1:1/name?sslmode=disable",
        "postgresql://user@/name?host=/no/such/folder&password=hunter2",
    ],
)
def test_a_server_that_is_not_there_is_named_without_its_password(url: str) -> None:
    with pytest.raises(StateError) as caught:
        open_state(url, {}, HandClock(), write=True)
    assert "`postgresql://user@" in str(caught.value)
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


def test_reading_where_there_is_no_state_makes_none(backend: Backend) -> None:
    with closing(backend.open(write=False)) as store:
        assert store.snapshot("default") == Snapshot()
        assert not store.writable
        assert store.past("default") == []
        assert len(store.salt) == 16
        with pytest.raises(StateError, match="cannot be written"):
            store.commit("default", [])
    if isinstance(backend, SqliteBackend):
        assert list(backend.folder.parent.iterdir()) == []
    else:
        assert backend.run_sql("SELECT 1 FROM pg_namespace WHERE nspname = 'reconciler'") == []


def test_reading_a_state_makes_no_file_but_those_of_its_log(sqlite: SqliteBackend) -> None:
    with closing(sqlite.open()) as store:
        store.commit("default", [SetSession(session=session())])
    sqlite.path.with_name("state.key").unlink()
    with closing(sqlite.open(write=False)) as store:
        assert store.key is None
        assert store.snapshot("default").sessions == (session(),)
        seen = {path.name for path in sqlite.path.parent.iterdir()}
        assert seen <= {"state.db", "state.db-wal", "state.db-shm"}
    assert [path.name for path in sqlite.path.parent.iterdir()] == ["state.db"]


def test_a_state_is_its_users_alone(sqlite: SqliteBackend) -> None:
    before = os.umask(0)
    try:
        with closing(sqlite.open()) as store:
            store.commit("default", [SetSession(session=session())])
            modes = {path.name: mode(path) for path in sqlite.path.parent.iterdir()}
    finally:
        os.umask(before)
    assert mode(sqlite.path.parent) == 0o700
    assert {"state.db", "state.db-wal", "state.key"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_path_is_relative_to_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(open_state("sqlite:///here/a%20b.db", {}, HandClock(), write=True)) as store:
        assert store.place == "here/a%20b.db"
        monkeypatch.chdir("/")
        store.commit("default", [])
    assert sorted(path.name for path in tmp_path.glob("here/*")) == ["a%20b.db", "a%20b.key"]


def test_many_that_open_a_new_state_at_once_agree_on_it(backend: Backend) -> None:
    children = [child("open", backend.url) for _ in range(6)]
    told = {line_of(process) for process in children}
    ends = [process.wait() for process in children]
    for process in children:
        process.communicate()
    assert ends == [0] * 6
    assert len(told) == 1


def test_one_process_at_a_time_prepares_a_state(
    sqlite: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sqlite.path.with_name("state.key")
    sqlite.path.parent.mkdir(parents=True)
    seen: list[tuple[bytes, int]] = []
    with key.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def prepared_meanwhile(_: float) -> None:
            seen.append((key.read_bytes(), sqlite.path.stat().st_size))
            key.write_bytes(b"k" * 32)
            fcntl.flock(other, fcntl.LOCK_UN)

        monkeypatch.setattr("time.sleep", prepared_meanwhile)
        with closing(sqlite.open()) as store:
            assert store.key == b"k" * 32
    assert seen == [(b"", 0)]


def test_a_process_that_prepares_for_ever_is_told(
    sqlite: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.path.parent.mkdir(parents=True)
    with sqlite.path.with_name("state.key").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        monkeypatch.setattr("time.sleep", lambda _: None)
        with pytest.raises(StateError, match="another process has been preparing"):
            sqlite.open()


def test_a_key_that_was_cut_short_is_made_anew(sqlite: SqliteBackend) -> None:
    sqlite.open().close()
    key = sqlite.path.with_name("state.key")
    key.write_bytes(b"short")
    with closing(sqlite.open(write=False)) as store:
        assert store.key is None
    with closing(sqlite.open()) as store:
        assert store.key == key.read_bytes()
        assert len(key.read_bytes()) == 32


def test_a_key_that_is_too_long_is_refused(sqlite: SqliteBackend) -> None:
    sqlite.open().close()
    sqlite.path.with_name("state.key").write_bytes(b"x" * 33)
    with pytest.raises(StateError, match="too long"):
        sqlite.open()


def test_the_key_of_a_server_is_any_text_of_the_environment(backend: Backend) -> None:
    keys = []
    for text in ("", "a", "a", "b", "\udcff"):
        backend.environ = {"RECONCILER_STATE_KEY": text} if text else {}
        with closing(backend.open()) as store:
            keys.append(store.key)
    if isinstance(backend, SqliteBackend):
        assert len(set(keys)) == 1
    else:
        assert keys[0] is None
        assert keys[1] == keys[2] != keys[3] != keys[4]
        assert {len(key) for key in keys[1:] if key} == {32}


def test_an_empty_state_on_a_server_has_the_key_all_the_same(postgres: Backend) -> None:
    with closing(postgres.open(write=False)) as store:
        assert store.key
        assert store.place.startswith("postgresql://postgres@/postgres")
