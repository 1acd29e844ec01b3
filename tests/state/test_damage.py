import itertools
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from reconciler.errors import StateError
from reconciler.state import sqlite as state_sqlite
from reconciler.state.store import Event, SetSession, Spent, Store
from tests.state.support import NOW_S, SqliteBackend, session


def event(number: int) -> Event:
    return Event(time_s=NOW_S, recording="r", type="normal", reason=f"{number}", message="m" * 1000)


@contextmanager
def disk_limit(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: writing there fails as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def fill(store: Store, size: int) -> int:
    """Commit until the disk is full; return the last serial that was acknowledged."""

    def write() -> None:
        for number in itertools.count():
            change = SetSession(session=session(f"s{size}-{number}"))
            acknowledged.append(store.commit("default", [event(number), change]))

    acknowledged: list[int] = []
    with (
        disk_limit(size),
        pytest.raises(StateError, match="cannot be") as caught,
    ):
        write()
    assert caught.value.hint
    return acknowledged[-1]


@pytest.mark.parametrize("size", [150_000, 200_001, 1_000_000])
def test_on_a_full_disk_nothing_is_lost_and_the_store_works_on(
    sqlite: SqliteBackend, size: int
) -> None:
    with closing(sqlite.open()) as store:
        done = fill(store, size)
        assert store.snapshot("default").serial == done
        assert len(store.events("default")) == len(store.past("default")) == done
        assert store.commit("default", []) == done + 1
        assert fill(store, size * 2) > done + 1
    with closing(sqlite.open()) as store:
        assert len(store.past("default")) == store.snapshot("default").serial - 1
        assert sqlite.run_sql("PRAGMA integrity_check") == [("ok",)]


def test_a_database_that_is_full_is_told_with_what_to_do(sqlite: SqliteBackend) -> None:
    with closing(sqlite.open()) as store:
        connection = vars(vars(store)["_database"])["_connection"]
        connection.execute("PRAGMA max_page_count = 60")
        with pytest.raises(StateError, match="disk is full") as caught:
            store.commit("default", [event(number) for number in range(500)])
        assert caught.value.hint
        assert "make room" in caught.value.hint
        connection.execute("PRAGMA max_page_count = 100000")
        assert store.commit("default", [event(number) for number in range(500)]) == 1


def test_a_state_that_cannot_be_made_on_a_full_disk_is_made_later(sqlite: SqliteBackend) -> None:
    with disk_limit(20_000), pytest.raises(StateError):
        sqlite.open()
    with closing(sqlite.open(write=False)) as store:
        assert not store.snapshot("default").recorded
    with closing(sqlite.open()) as store:
        assert store.commit("default", [event(0)]) == 1


def other_file(path: Path) -> None:
    path.write_bytes(b"hello, world\n" * 1000)


def other_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")


def other_meta(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (name TEXT)")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def odd_phase(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sessions SET phase = 'sleeping'")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "another file": other_file,
    "half a file": cut,
    "another program's database": other_program,
    "another program's meta": other_meta,
    "a folder": folder_instead,
    "a phase that is none": odd_phase,
}


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_state_is_never_taken_for_an_empty_one(
    sqlite: SqliteBackend, damage: Callable[[Path], None], *, write: bool
) -> None:
    with closing(sqlite.open()) as store:
        store.commit("default", [SetSession(session=session())])
    damage(sqlite.path)
    content = sqlite.path.read_bytes() if sqlite.path.is_file() else b""
    with pytest.raises(StateError) as caught, closing(sqlite.open(write=write)) as store:
        store.latest("default")
    assert str(sqlite.path) in str(caught.value)
    assert "sqlite3" not in str(caught.value)
    if sqlite.path.is_file():
        assert sqlite.path.read_bytes() == content


@pytest.mark.parametrize("seed", range(30))
def test_bytes_that_changed_raise_nothing_but_state_errors(
    sqlite: SqliteBackend, seed: int
) -> None:
    with closing(sqlite.open()) as store:
        store.commit(
            "default", [SetSession(session=session(f"{n}"), applied="x") for n in range(50)]
        )
    chance = Random(seed)
    data = bytearray(sqlite.path.read_bytes())
    for _ in range(chance.choice([1, 20, 400])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    sqlite.path.write_bytes(data)
    with suppress(StateError), closing(sqlite.open(write=bool(seed % 2))) as store:
        store.snapshot("default")
        store.applied(["1", "2"])
        store.commit("default", [SetSession(session=session("1"))])


def test_a_database_that_another_keeps_too_long_is_told(
    sqlite: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_sqlite, "BUSY_S", 0.05)
    with closing(sqlite.open()) as store, closing(sqlite3.connect(sqlite.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="in use by another process") as caught:
            store.commit("default", [])
        assert caught.value.hint
        with pytest.raises(StateError, match="in use by another process"):
            store.spend("app", lambda _, now_s: Spent(now_s, 1.0, 0.0))
        assert store.snapshot("default").serial == 0
        other.execute("ROLLBACK")
        assert store.commit("default", []) == 1
