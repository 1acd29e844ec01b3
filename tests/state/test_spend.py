import math
from contextlib import closing

import pytest

from reconciler.errors import StateError
from reconciler.state.store import Spent, Store
from tests.state.support import NOW_S, Backend, PostgresBackend, SqliteBackend, child

FULL = 2


def spent_now(store: Store, app: str = "app") -> Spent | None:
    """Return what is booked, leaving it as it is."""
    seen: list[Spent | None] = []

    def look(spent: Spent | None, _: float) -> Spent:
        seen.append(spent)
        return spent or Spent(-math.inf, 1.0, -math.inf)

    store.spend(app, look)
    return seen[0]


def test_what_is_booked_is_what_the_next_booking_is_given(store: Store) -> None:
    assert spent_now(store) is None
    assert spent_now(store) == Spent(-math.inf, 1.0, -math.inf)
    store.spend("app", lambda _, now_s: Spent(now_s + 0.1, 2.0, now_s))
    booked = spent_now(store)
    assert booked
    assert booked.last_s - booked.slowed_s == pytest.approx(0.1, abs=1e-5)
    assert spent_now(store, "other") is None


def test_a_booking_is_no_write_of_the_serial(store: Store) -> None:
    store.spend("app", lambda _, now_s: Spent(now_s, 1.0, 0.0))
    assert store.snapshot("default").serial == 0


def test_two_processes_lose_no_booking_of_one_budget(backend: Backend, store: Store) -> None:
    children = [child("book", backend.url, "150") for _ in range(2)]
    assert [process.wait() for process in children] == [0, 0]
    for process in children:
        process.communicate()
    assert spent_now(store) == Spent(300.0, 1.0, 0.0)


def test_a_booking_that_fails_books_nothing(store: Store) -> None:
    store.spend("app", lambda _, __: Spent(1.0, 1.0, 1.0))

    def fail(_: Spent | None, __: float) -> Spent:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.spend("app", fail)
    assert spent_now(store) == Spent(1.0, 1.0, 1.0)


def test_a_commit_after_a_booking_is_synced_again(sqlite: SqliteBackend) -> None:
    with closing(sqlite.open()) as store:
        spent_now(store)
        store.commit("default", [])
        connection = vars(vars(store)["_database"])["_connection"]
        assert connection.execute("PRAGMA synchronous").fetchone() == (FULL,)


def test_a_file_is_on_the_clock_of_its_machine(sqlite: SqliteBackend) -> None:
    with closing(sqlite.open()) as store:
        sqlite.clock.time_s = NOW_S + 7
        assert store.spend("app", lambda _, now_s: Spent(now_s, 1.0, 0.0)) == NOW_S + 7
        assert spent_now(store) == Spent(NOW_S + 7, 1.0, 0.0)


def test_a_server_is_on_its_own_clock(postgres: PostgresBackend) -> None:
    with closing(postgres.open()) as store:
        ((before_s,),) = postgres.run_sql("SELECT extract(epoch FROM clock_timestamp())::float8")
        now_s = store.spend("app", lambda _, now_s: Spent(now_s, 1.0, 0.0))
        ((after_s,),) = postgres.run_sql("SELECT extract(epoch FROM clock_timestamp())::float8")
        assert before_s <= now_s <= after_s


def test_what_cannot_be_written_cannot_be_booked(backend: Backend) -> None:
    with (
        closing(backend.open(write=False)) as store,
        pytest.raises(StateError, match="cannot be written"),
    ):
        spent_now(store)
