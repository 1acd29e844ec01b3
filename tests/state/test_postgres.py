from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from reconciler.errors import StateError
from reconciler.state.open import open_state
from reconciler.state.store import SetSession, Spent, Store
from tests.state.support import ME, HandClock, PostgresBackend, session


def cut_connections(postgres: PostgresBackend) -> None:
    """End every connection of a state but this one, as a server that restarts does."""
    postgres.run_sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'reconciler'"
    )


@contextmanager
def opened(postgres: PostgresBackend) -> Iterator[Store]:
    with closing(postgres.open()) as store:
        yield store


def test_a_lost_connection_is_made_anew_where_no_lock_is_held(postgres: PostgresBackend) -> None:
    with opened(postgres) as store:
        store.commit("default", [SetSession(session=session())])
        cut_connections(postgres)
        assert store.snapshot("default").sessions == (session(),)
        cut_connections(postgres)
        assert store.commit("default", []) == 2
        cut_connections(postgres)
        with store.lock("default", ME):
            store.commit("default", [])


def test_who_lost_the_lock_writes_nothing_more(postgres: PostgresBackend) -> None:
    with opened(postgres) as store, opened(postgres) as other:
        with store.lock("default", ME):
            cut_connections(postgres)
            for _ in range(3):
                with pytest.raises(StateError, match="the lock on scope `default`"):
                    store.commit("default", [SetSession(session=session())])
                with pytest.raises(StateError, match="the lock on scope `default`"):
                    store.spend("app", lambda _, now_s: Spent(now_s, 1.0, 0.0))
            with other.lock("default", ME):
                assert other.commit("default", []) == 1
        assert store.commit("default", []) == 2


def test_the_connection_that_breaks_within_a_commit_writes_nothing(
    postgres: PostgresBackend,
) -> None:
    with opened(postgres) as store:

        def cut(_: Spent | None, now_s: float) -> Spent:
            cut_connections(postgres)
            return Spent(now_s, 1.0, 0.0)

        with pytest.raises(StateError):
            store.spend("app", cut)
        assert postgres.run_sql("SELECT * FROM budget") == []


def test_a_user_that_may_only_read_reads(postgres: PostgresBackend) -> None:
    with opened(postgres) as store:
        store.commit("default", [SetSession(session=session())])
    postgres.run_sql("DROP ROLE IF EXISTS reader")
    postgres.run_sql("CREATE ROLE reader LOGIN")
    try:
        postgres.run_sql("GRANT USAGE ON SCHEMA reconciler TO reader")
        postgres.run_sql("GRANT SELECT ON ALL TABLES IN SCHEMA reconciler TO reader")
        reader = PostgresBackend(postgres.url.replace("//postgres@", "//reader@"))
        with closing(reader.open(write=False)) as store:
            assert store.snapshot("default").sessions == (session(),)
            assert not store.writable
            with pytest.raises(StateError, match="cannot be written"):
                store.commit("default", [])
        with pytest.raises(StateError, match="cannot be written"):
            reader.open()
    finally:
        postgres.run_sql("DROP OWNED BY reader")
        postgres.run_sql("DROP ROLE reader")


def test_a_user_that_may_make_nothing_is_told_what_to_ask_for(postgres: PostgresBackend) -> None:
    postgres.run_sql("DROP ROLE IF EXISTS stranger")
    postgres.run_sql("CREATE ROLE stranger LOGIN")
    try:
        url = postgres.url.replace("//postgres@", "//stranger@")
        with pytest.raises(StateError) as caught:
            open_state(url, {}, HandClock(), write=True)
        assert caught.value.hint
        assert "CREATE SCHEMA reconciler" in caught.value.hint
    finally:
        postgres.run_sql("DROP ROLE stranger")


def test_a_lock_of_the_server_that_is_kept_too_long_is_told(
    postgres: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "reconciler.state.postgres.SETTINGS",
        ("SET statement_timeout = '50ms'", "SET search_path = reconciler"),
    )
    with opened(postgres) as store, psycopg.connect(postgres.url) as other:
        other.execute("SELECT * FROM reconciler.meta FOR UPDATE")
        with pytest.raises(StateError, match="in use by another process"):
            store.commit("default", [])
        other.rollback()
        assert store.commit("default", []) == 1


def test_other_tables_of_the_database_are_left_alone(postgres: PostgresBackend) -> None:
    postgres.run_sql("CREATE TABLE public.sessions (mine TEXT)")
    try:
        with opened(postgres) as store:
            store.commit("default", [SetSession(session=session())])
        assert postgres.run_sql("SELECT * FROM public.sessions") == []
    finally:
        postgres.run_sql("DROP TABLE public.sessions")


def test_text_is_ordered_as_in_a_file(postgres: PostgresBackend) -> None:
    postgres.open().close()
    columns = postgres.run_sql(
        "SELECT count(*), count(collation_name), min(collation_name), max(collation_name)"
        " FROM information_schema.columns"
        " WHERE table_schema = 'reconciler' AND data_type = 'text'"
    )
    assert columns == [(columns[0][0], columns[0][0], "C", "C")]


def test_commits_wait_for_the_disk_and_statements_do_not_wait_long(
    postgres: PostgresBackend,
) -> None:
    with opened(postgres) as store:
        connection = vars(vars(store)["_database"])["_connection"]
        shown = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("synchronous_commit", "statement_timeout", "application_name")
        ]
        assert shown == [("on",), ("10s",), ("reconciler",)]
