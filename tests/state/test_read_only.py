import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.plan.session import Phase
from reconciler.state.open import open_state
from reconciler.state.store import SetSession, Spent, Store
from tests.state.support import LATER, ME, HandClock, ordinary_user, session

WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def opened(folder: Path, *, write: bool) -> Store:
    return open_state(f"sqlite:///{folder}/s/state.db", {}, HandClock(), write=write)


def forbid_writing(*paths: Path) -> None:
    for path in paths:
        path.chmod(path.stat().st_mode & ~WRITE_BITS)


def allow_all(folder: Path) -> None:
    for path in (folder, *folder.iterdir()):
        path.chmod(0o700)


def assert_only_readable(folder: Path) -> None:
    """A state with one running session, that can be read and in no way written."""
    before = {path.name: path.stat().st_size for path in folder.glob("s/*")}
    with closing(opened(folder, write=False)) as store:
        assert store.snapshot("default").sessions == (session(),)
        assert store.key == (folder / "s/state.key").read_bytes()
        assert not store.writable
        for change in (
            lambda: store.commit("default", []),
            lambda: store.lock("default", ME).__enter__(),
            lambda: store.spend("app", lambda _, now_s: Spent(now_s, 1.0, 0.0)),
        ):
            with pytest.raises(StateError, match="cannot be written"):
                change()
    with pytest.raises(StateError) as caught:
        opened(folder, write=True)
    assert "cannot be written" in str(caught.value)
    assert caught.value.hint
    assert {path.name: path.stat().st_size for path in folder.glob("s/*")} == before


def test_a_file_that_cannot_be_written_is_read() -> None:
    with ordinary_user() as folder:
        with closing(opened(folder, write=True)) as store:
            store.commit("default", [SetSession(session=session())])
        forbid_writing(folder / "s/state.db")
        assert_only_readable(folder)


def test_a_folder_that_cannot_be_written_is_read() -> None:
    with ordinary_user() as folder:
        with closing(opened(folder, write=True)) as store:
            store.commit("default", [SetSession(session=session())])
        forbid_writing(folder / "s")
        assert_only_readable(folder)
        allow_all(folder / "s")


def test_what_is_only_in_the_log_is_read_as_well() -> None:
    with ordinary_user() as folder:
        with closing(opened(folder, write=True)) as store:
            store.commit("default", [SetSession(session=session(attempt=9))])
        with closing(opened(folder, write=True)) as store:
            store.commit("default", [SetSession(session=session())])
            forbid_writing(folder / "s", *folder.glob("s/*"))
            assert_only_readable(folder)
            allow_all(folder / "s")


def test_an_older_state_that_cannot_be_written_is_read() -> None:
    with ordinary_user() as folder:
        url = f"sqlite:///{folder}/s/state.db"
        with closing(opened(folder, write=True)) as store:
            store.commit("default", [SetSession(session=session())])
        forbid_writing(folder / "s", folder / "s/state.db")
        store = open_state(url, {}, HandClock(), write=False, migrations=LATER)
        with closing(store):
            assert store.snapshot("default").sessions == (session(),)
            assert not store.writable
        allow_all(folder / "s")


def test_a_folder_that_cannot_be_entered_is_not_one_without_a_state() -> None:
    with ordinary_user() as folder:
        opened(folder, write=True).close()
        (folder / "s").chmod(0)
        with pytest.raises(StateError, match="permission denied"):
            opened(folder, write=False)
        (folder / "s").chmod(0o700)


def test_a_folder_that_cannot_be_made_is_told() -> None:
    with ordinary_user() as folder:
        folder.chmod(0o500)
        with pytest.raises(StateError, match="permission denied") as caught:
            opened(folder, write=True)
        assert caught.value.hint
        folder.chmod(0o700)


def test_no_copy_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with ordinary_user() as folder:
        with closing(opened(folder, write=True)) as store:
            store.commit("default", [SetSession(session=session(phase=Phase.ENDED))])
        forbid_writing(folder / "s/state.db")
        (folder / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", os.fspath(folder / "tmp"))
        with closing(opened(folder, write=False)) as store:
            assert store.snapshot("default").sessions
            assert list((folder / "tmp").iterdir()) == []
