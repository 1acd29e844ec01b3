"""The files beside a SQLite state: its folder, its key, its locks, and copies of it.

Locks are the operating system's, on open files: they end with their process, however that ends.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from reconciler.errors import StateError
from reconciler.state.database import damaged

KEY_BYTES = 32

PREPARE_S_MAX = 10.0
"""How long to wait for another process that makes or migrates the same state."""

PREPARE_PAUSE_S = 0.05

LOCK_TEXT_BYTES_MAX = 4096
LOCK_ATTEMPTS = 5
LOCK_PAUSE_S = 0.02
"""Whoever only looks whether a lock is held has it for microseconds."""

COPY_ATTEMPTS = 5

_PARTS = ("", "-wal", "-journal")
"""The files that a database consists of; the fourth, `-shm`, SQLite makes anew."""


def make_private(path: Path) -> None:
    """Make the file and the folder it is in, for this user alone, where they are not there."""
    make_folder(path)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make the folder that a file is in, for this user alone, where it is not there."""
    with suppress(FileExistsError):
        path.parent.mkdir(mode=0o700, parents=True)
        _sync_folder(path.parent.parent)


def put(path: Path, content: bytes) -> None:
    """Put a whole database where none is, or an empty one; OSError where another is.

    What is left of the log of one that was removed must not be taken for this one's.
    """
    part = _beside(path, ".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        for left in ("-wal", "-shm", "-journal"):
            _beside(path, left).unlink(missing_ok=True)
        if is_there(path) and not path.stat().st_size:
            path.unlink()
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def is_file_at(path: Path, file: int) -> bool:
    """Tell whether an open file is the one at a path."""
    return is_there(path) and os.path.samestat(path.stat(), os.fstat(file))


def is_there(path: Path) -> bool:
    """Tell whether the file is there; OSError where that cannot be told."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def is_writable(path: Path) -> bool:
    """Tell whether a database can be written: its folder and every file of it."""
    parts = [_beside(path, part) for part in (*_PARTS, "-shm")]
    return all(os.access(name, os.W_OK) for name in (path.parent, *filter(is_there, parts)))


def key_path(path: Path) -> Path:
    """Return where the key of a database is kept: `state.key` for `state.db`."""
    return _beside(path, ".key") if path.suffix == ".key" else path.with_suffix(".key")


def read_key(path: Path) -> bytes | None:
    """Return the key of a database, None if none was made."""
    try:
        key = key_path(path).read_bytes()
    except OSError:
        return None
    return key if len(key) == KEY_BYTES else None


@contextmanager
def preparing(path: Path, key: bytes | None = None) -> Iterator[bool]:
    """Be the one process that prepares this state; yield if it had a key.

    Where there is none, it is made: the given one, of a state that was there, or a new one.
    """
    had_key = key is not None or read_key(path) is not None
    file = os.open(key_path(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait_for(file, path)
        _make_key(file, path, key)
        try:
            yield had_key
        except BaseException:
            if not had_key:  # a key without a state would say that one was lost
                key_path(path).unlink(missing_ok=True)
            raise
    finally:
        os.close(file)


def _wait_for(file: int, path: Path) -> None:
    for _ in range(int(PREPARE_S_MAX / PREPARE_PAUSE_S)):
        if _try_lock(file, fcntl.LOCK_EX):
            return
        time.sleep(PREPARE_PAUSE_S)
    raise StateError(
        f"another process has been preparing the state at `{path}` for {PREPARE_S_MAX:g} s",
        hint="run again when it is done; end it if it hangs",
    )


def _make_key(file: int, path: Path, key: bytes | None) -> None:
    """Write a key if there is none: the given one, or else a new one.

    One cut short was never in use: nothing is sealed before the whole key is on the disk.
    """
    length = os.fstat(file).st_size
    if length > KEY_BYTES:
        raise damaged(str(path), f"its key in `{key_path(path)}` is too long")
    if length < KEY_BYTES:
        os.pwrite(file, key or os.urandom(KEY_BYTES), 0)
        os.fsync(file)
        _sync_folder(path.parent)


def lock_path(path: Path, scope: str) -> Path:
    """Return the file whose lock is that of a scope."""
    return _beside(path, f".{quote(scope, safe='')}.lock")


def take_lock(path: Path, text: str) -> int | None:
    """Lock a file and write in it who did; return the open file, None if it is locked."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for attempt in range(LOCK_ATTEMPTS):
            if attempt:
                time.sleep(LOCK_PAUSE_S)
            if _try_lock(file, fcntl.LOCK_EX):
                _write_text(file, text)
                return file
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def leave_lock(file: int) -> None:
    """Unlock what `take_lock` locked. The file stays: removing it could part two that wait."""
    with suppress(OSError):
        os.ftruncate(file, 0)
    os.close(file)


def lock_text(path: Path) -> str | None:
    """Return what the holder of a lock wrote, None if nobody is known to hold it.

    Those who look take it shared, so that they do not see each other.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        if _try_lock(file, fcntl.LOCK_SH):
            return None
        return os.read(file, LOCK_TEXT_BYTES_MAX).decode("utf-8", "replace")
    finally:
        os.close(file)


def _write_text(file: int, text: str) -> None:
    """Write who holds the lock. It is only told: that a disk is full keeps nobody from it."""
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, text.encode(), 0)


def _try_lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def copy_into(path: Path, folder: Path) -> Path:
    """Copy a database that cannot be opened where it is; return the copy's path.

    Made anew if the files changed meanwhile: the copy is of one moment.
    """
    copy = folder / "state.db"
    for _ in range(COPY_ATTEMPTS):
        before = _signature(path)
        for part in _PARTS:
            _beside(copy, part).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(_beside(path, part), _beside(copy, part))
        if _signature(path) == before:
            return copy
    raise StateError(
        f"the state at `{path}` changes faster than it can be read",
        hint="run again, or as a user that may write it",
    )


def _signature(path: Path) -> tuple[tuple[int, int, int], ...]:
    """Return what moves when a file of the database is written or replaced."""
    files = filter(is_there, (_beside(path, part) for part in _PARTS))
    return tuple(
        (status.st_ino, status.st_size, status.st_mtime_ns)
        for status in (file.stat() for file in files)
    )


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync_folder(folder: Path) -> None:
    """Put the names of a folder's files on the disk, where the file system can do that."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
