import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from reconciler.errors import LockedError, LockLostError
from reconciler.state.store import Holder, Request, Spent, Store
from tests.state.support import ME, Backend, PostgresBackend, SqliteBackend, child, end, line_of

FIRST = Holder(host="a", process=1, command="run", since_s=1_700_000_000.0)
SECOND = replace(FIRST, host="b", process=2)
REQUEST = Request(created_s=1.0, command="stop", arguments="{}")


@pytest.fixture
def first(backend: Backend) -> Iterator[Store]:
    """A state of either kind."""
    with closing(backend.open()) as store:
        yield store


@pytest.fixture
def server(postgres: PostgresBackend) -> Iterator[tuple[Store, Store]]:
    """The same state of a server through two connections."""
    with closing(postgres.open()) as one, closing(postgres.open()) as other:
        yield one, other


_CUT = """
    SELECT pg_terminate_backend(backend::int, 5000) FROM holders
    WHERE holder LIKE '%"process": $,%'
"""


def cut(postgres: PostgresBackend, holder: Holder) -> None:
    """End the connection by which somebody holds a scope."""
    ended = postgres.run_sql(_CUT.replace("$", f"{holder.process}"))
    assert ended == [(True,)]


def refused(store: Store) -> str:
    with pytest.raises(LockedError) as caught, store.lock("default", ME):
        pass
    return str(caught.value)


def test_a_run_is_seen_by_other_commands_and_keeps_them_out(backend: Backend, first: Store) -> None:
    with closing(backend.open()) as command:
        with first.share("default", FIRST):
            assert command.snapshot("default").holder == FIRST
            assert first.snapshot("default").holder is None
            assert "is locked by `run` on host `a`, process 1" in refused(command)
            assert "is locked by `run` on host `a`, process 1" in refused(first)
        assert command.snapshot("default").holder is None
        with command.lock("default", ME), pytest.raises(LockedError, match="`apply` on host"):
            first.share("default", FIRST).__enter__()


def test_an_app_is_owned_only_while_its_scope_is_held(backend: Backend, first: Store) -> None:
    assert not first.claim("default", "app")
    for holding in (first.share, first.lock):
        with holding("default", FIRST):
            assert first.claim("default", "app")
            assert first.claim("default", "app")
            assert first.claim("default", "another")
            assert not first.claim("other", "app")
        assert not first.claim("default", "app")
    with closing(backend.open()) as second, second.share("default", SECOND):
        assert second.claim("default", "app")


def test_a_run_that_is_killed_leaves_its_scope_and_its_apps(backend: Backend, first: Store) -> None:
    process = child("share", backend.url, "default", "app")
    assert line_of(process) == "True"
    end(process)
    while first.snapshot("default").holder is not None:
        os.sched_yield()
    with first.share("default", FIRST):
        assert first.claim("default", "app")


def test_a_file_is_held_by_one_run_alone(sqlite: SqliteBackend) -> None:
    with (
        closing(sqlite.open()) as one,
        closing(sqlite.open()) as other,
        one.share("default", FIRST),
        pytest.raises(LockedError, match="`run` on host `a`"),
        other.share("default", SECOND),
    ):
        pass


def test_several_runs_hold_a_scope_of_a_server(
    postgres: PostgresBackend, server: tuple[Store, Store]
) -> None:
    one, other = server
    with closing(postgres.open()) as command:
        with one.share("default", FIRST):
            with other.share("default", SECOND):
                assert one.snapshot("default").holder == SECOND
                assert other.snapshot("default").holder == FIRST
                told = command.snapshot("default").holder
                assert told in {FIRST, SECOND}
                assert "is locked by `run`" in refused(command)
            assert command.snapshot("default").holder == FIRST
            assert "is locked by `run` on host `a`" in refused(command)
        with command.lock("default", ME):
            assert one.snapshot("default").holder == ME


def test_an_app_has_one_owner_until_that_lets_go(server: tuple[Store, Store]) -> None:
    one, other = server
    with other.share("default", SECOND):
        with one.share("default", FIRST):
            assert [one.claim("default", app) for app in ("a", "a", "b")] == [True] * 3
            assert not other.claim("default", "a")
            assert other.claim("default", "c")
            assert not one.claim("default", "c")
        assert [other.claim("default", app) for app in "abc"] == [True] * 3
    with one.share("default", FIRST):
        assert [one.claim("default", app) for app in "abc"] == [True] * 3


def test_the_same_app_has_an_owner_in_each_scope(server: tuple[Store, Store]) -> None:
    one, other = server
    with one.share("default", FIRST), other.share("staging", SECOND):
        assert one.claim("default", "a")
        assert other.claim("staging", "a")


def test_a_run_notices_that_its_connection_is_gone_and_another_takes_over(
    postgres: PostgresBackend, server: tuple[Store, Store]
) -> None:
    one, other = server
    with other.share("default", SECOND):
        with one.share("default", FIRST):
            assert one.claim("default", "app")
            assert not other.claim("default", "app")
            cut(postgres, FIRST)
            assert other.claim("default", "app")
            assert other.snapshot("default").holder is None
            for use in (
                lambda: one.requests("default"),
                lambda: one.snapshot("default"),
                lambda: one.commit("default", []),
                lambda: one.claim("default", "app"),
                lambda: one.spend("app", lambda _, now_s: Spent(now_s, 1.0, 0.0)),
                lambda: one.ask("default", REQUEST),
            ):
                with pytest.raises(LockLostError, match="the lock on scope `default`") as caught:
                    use()
                assert caught.value.hint
        assert one.requests("default") == []
        with one.share("default", FIRST):
            assert other.snapshot("default").holder == FIRST
            assert not one.claim("default", "app")
            one.commit("default", [])


def test_a_connection_that_breaks_within_a_commit_is_a_lock_lost(
    postgres: PostgresBackend, server: tuple[Store, Store]
) -> None:
    def break_off(_: Spent | None, now_s: float) -> Spent:
        cut(postgres, FIRST)
        return Spent(now_s, 1.0, 0.0)

    one, _ = server
    with one.share("default", FIRST), pytest.raises(LockLostError):
        one.spend("app", break_off)
    assert postgres.run_sql("SELECT * FROM budget") == []


def test_who_holds_a_scope_alone_notices_as_well(
    postgres: PostgresBackend, server: tuple[Store, Store]
) -> None:
    one, other = server
    with one.lock("default", FIRST):
        cut(postgres, FIRST)
        with pytest.raises(LockLostError):
            one.requests("default")
        with other.lock("default", SECOND):
            other.commit("default", [])
    assert one.snapshot("default").holder is None


def test_the_one_that_is_left_is_named_and_those_that_went_are_forgotten(
    postgres: PostgresBackend, server: tuple[Store, Store]
) -> None:
    one, other = server
    with one.share("default", FIRST), closing(postgres.open()) as command:
        with other.share("default", SECOND):
            cut(postgres, SECOND)
            assert command.snapshot("default").holder == FIRST
        with other.share("default", replace(SECOND, process=3)):
            named = postgres.run_sql("SELECT holder FROM holders ORDER BY holder")
            assert ['"process": 1' in named[0][0], '"process": 3' in named[1][0]] == [True, True]
            assert len(named) == 2


def test_nothing_stays_locked_when_the_block_is_left(
    postgres: PostgresBackend, server: tuple[Store, Store]
) -> None:
    one, _ = server
    for holding in (one.share, one.lock):
        with holding("default", FIRST):
            assert [one.claim("default", app) for app in "aab"] == [True] * 3
            assert len(advisory_locks(postgres)) == 3
        assert advisory_locks(postgres) == []


def advisory_locks(postgres: PostgresBackend) -> list[tuple[object, ...]]:
    return postgres.run_sql("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")
