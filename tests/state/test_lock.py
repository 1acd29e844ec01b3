import fcntl
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from subprocess import Popen

import pytest

from reconciler.errors import LockedError
from reconciler.state.database import NOBODY_KNOWN
from reconciler.state.store import Holder, Store
from tests.state.support import ME, Backend, SqliteBackend, child, end, line_of


@contextmanager
def held_elsewhere(backend: Backend, scope: str = "default") -> Iterator[Popen[str]]:
    """Let another process hold a scope."""
    process = child("hold", backend.url, scope)
    try:
        assert line_of(process) == "held"
        yield process
    finally:
        end(process)


def told(process: Popen[str]) -> None:
    """Let the other process go one step on."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def refusal(store: Store, scope: str = "default") -> LockedError:
    with pytest.raises(LockedError) as caught, store.lock(scope, ME):
        pass
    return caught.value


def test_the_refusal_names_command_host_process_and_since_when(
    backend: Backend, store: Store
) -> None:
    with held_elsewhere(backend) as process:
        problem = refusal(store)
        assert str(problem) == (
            f"scope `default` of the state at `{store.place}` is locked by `run` on host"
            f" `elsewhere`, process {process.pid}, since 2023-11-14T22:13:20Z"
        )
        assert problem.hint
        assert "--lock-timeout" in problem.hint


def test_a_snapshot_names_who_holds_the_scope_right_now(backend: Backend, store: Store) -> None:
    assert store.snapshot("default").holder is None
    with held_elsewhere(backend) as process:
        expected = Holder(
            host="elsewhere", process=process.pid, command="run", since_s=1_700_000_000.0
        )
        assert store.snapshot("default").holder == expected
        assert store.snapshot("other").holder is None
        told(process)
        assert line_of(process) == "left"
        assert store.snapshot("default").holder is None
        with store.lock("default", ME):
            pass


def test_a_killed_holder_blocks_nobody(backend: Backend, store: Store) -> None:
    with held_elsewhere(backend):
        refusal(store)
    wait_until_free(store)
    assert store.snapshot("default").holder is None
    with store.lock("default", ME):
        pass


def wait_until_free(store: Store) -> None:
    """Wait for a server to notice that a client was killed; a file's lock is free at once."""
    while store.snapshot("default").holder is not None:
        os.sched_yield()


def test_a_lock_is_of_one_scope(backend: Backend, store: Store) -> None:
    with held_elsewhere(backend, "other"), store.lock("default", ME):
        refusal(store, "other")


def test_a_second_lock_in_the_same_process_is_refused(backend: Backend, store: Store) -> None:
    with closing(backend.open()) as other, store.lock("default", ME):
        assert "`apply` on host `build-7`, process 4711" in str(refusal(store))
        assert "`apply` on host `build-7`, process 4711" in str(refusal(other))
        assert store.snapshot("default").holder is None
        assert other.snapshot("default").holder == ME
    with closing(backend.open()) as other, other.lock("default", ME):
        refusal(store)


def test_a_lock_ends_with_its_block_whatever_ends_that(backend: Backend, store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.lock("default", ME):
        raise ZeroDivisionError
    with closing(backend.open()) as other, other.lock("default", ME):
        assert store.snapshot("default").holder == ME


def test_who_held_it_before_is_not_told(store: Store, backend: Backend) -> None:
    with store.lock("default", ME):
        pass
    with closing(backend.open()) as other, other.lock("default", replace(ME, command="run")):
        assert store.snapshot("default").holder == replace(ME, command="run")


@pytest.mark.parametrize("scope", ["", ".", "../up", "a/b", "eins zwei", "Straße", "%2F", "*", "'"])
def test_a_scope_may_be_called_anything(backend: Backend, store: Store, scope: str) -> None:
    with closing(backend.open()) as other, other.lock(scope, ME):
        assert store.snapshot(scope).holder == ME
        refusal(store, scope)


def test_lock_files_lie_beside_the_database(sqlite: SqliteBackend) -> None:
    with closing(sqlite.open()) as store, store.lock("../a", ME):
        names = {path.name for path in sqlite.path.parent.iterdir()}
        assert "state.db...%2Fa.lock" in names
        assert [path.name for path in sqlite.folder.iterdir()] == [".reconciler"]


def test_the_text_of_a_lock_file_never_locks(sqlite: SqliteBackend) -> None:
    with closing(sqlite.open()) as store:
        lock = sqlite.path.with_name("state.db.default.lock")
        lock.write_text('{"host": "h", "process": 1, "command": "run", "since_s": 1.0}')
        assert store.snapshot("default").holder is None
        with store.lock("default", ME):
            pass


@pytest.mark.parametrize("text", ["", "[]", "{", '{"host": 1}', "\0" * 5000])
def test_a_holder_that_cannot_be_read_holds_all_the_same(sqlite: SqliteBackend, text: str) -> None:
    with (
        closing(sqlite.open()) as store,
        closing(sqlite.open()) as other,
        other.lock("default", ME),
    ):
        sqlite.path.with_name("state.db.default.lock").write_text(text)
        assert store.snapshot("default").holder == NOBODY_KNOWN
        assert "is locked by another run" in str(refusal(store))


def test_looking_at_a_lock_keeps_nobody_from_taking_it(
    sqlite: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite.open()) as store:
        path = sqlite.path.with_name("state.db.default.lock")
        with path.open("w") as looking:
            fcntl.flock(looking, fcntl.LOCK_SH)
            monkeypatch.setattr("time.sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
            with store.lock("default", ME):
                pass
