"""The state in one SQLite file, and the only module of the state that knows `sqlite3`.

Write-ahead log, and every commit synced to the disk (docs/decisions/009-plain-sql.md).
"""

import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from reconciler.clock import Clock
from reconciler.errors import StateError
from reconciler.state import files, rescue
from reconciler.state.database import (
    Row,
    Run,
    Value,
    damaged,
    gone,
    holder_of,
    holder_text,
    locked,
    not_writable,
    plain,
)
from reconciler.state.schema import Migrations, check_version, migrate, version_of
from reconciler.state.store import Holder

BUSY_S = 5.0
"""How long to wait for another process's commit, which takes milliseconds."""


class SqliteDatabase:
    """A Database (`database.py`) in one file, or a copy in memory: that is read only."""

    is_shared = False

    def __init__(
        self,
        connection: sqlite3.Connection,
        opening: "Opening",
        key: bytes | None,
        file: rescue.Opened | None,
    ) -> None:
        """Use a connection to a file; None: to a copy of one."""
        self.place = opening.place
        self.writable = file is not None
        self.key = key
        self._connection = connection
        self._file = file
        self._path = opening.path
        self._clock = opening.clock
        self._mutex = threading.Lock()
        self._held: dict[str, int] = {}

    @contextmanager
    def reading(self) -> Iterator[Run]:
        """Read in one transaction."""
        with self._transaction(write=False) as run:
            yield run

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Run]:
        """Write all or nothing; what need not be durable is not synced."""
        if not self.writable:
            raise not_writable(self.place)
        with self._transaction(write=True, durable=durable) as run:
            yield run

    @contextmanager
    def _transaction(self, *, write: bool, durable: bool = True) -> Iterator[Run]:
        with self._mutex, _told(self.place):
            if not durable:
                self._connection.execute("PRAGMA synchronous = NORMAL")
            try:
                self._begin(write=write)
                yield self._run
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                if not durable:
                    self._connection.execute("PRAGMA synchronous = FULL")

    def _begin(self, *, write: bool) -> None:
        """Begin a transaction on the file that is at the path, written back if it was removed.

        Looked at within it: while this connection writes, no other process writes the file back.
        """
        begin = "BEGIN IMMEDIATE" if write else "BEGIN"
        self._connection.execute(begin)
        if not (write or self._held):
            return
        with _files_told(self.place):
            if not self._is_gone():
                return
        if not self._held:
            raise rescue.removed(self.place)
        try:
            self._write_back()
        except (OSError, sqlite3.Error) as problem:
            raise rescue.not_written_back(self.place, problem) from problem
        self._connection.execute(begin)

    def _is_gone(self) -> bool:
        return self._file is not None and self._file.is_gone()

    def _write_back(self) -> None:
        """Write the file anew, and go on with that; nobody writes to the lost one meanwhile."""
        lost = self._connection
        lost.execute("ROLLBACK")
        lost.execute("BEGIN IMMEDIATE")
        assert self._file is not None
        with rescue.written_back(self._file, self.key, self._held, lost.serialize) as locks:
            file = rescue.opened(self._path, self.place)
            with _closed_on_failure(_connect(self._path)) as connection:
                _write_ahead(connection)
        self._connection, self._file, self._held = connection, file, locks
        lost.close()

    def _run(self, sql: str, values: Sequence[Value] = (), /) -> Iterable[Row]:
        return self._connection.execute(sql, [plain(value) for value in values])

    def now_s(self) -> float:
        """Return the time since this machine began: nobody else shares the file.

        All its processes agree on it, and nobody can set it (https://docs.python.org/3/library/
        time.html#time.monotonic). On the wall's, slots booked before the clock was set and those
        booked after it came together.
        """
        return self._clock.monotonic_s()

    @contextmanager
    def lock(self, scope: str, holder: Holder) -> Iterator[None]:
        """Hold a scope's lock, that of a file beside the database."""
        if not self.writable:
            raise not_writable(self.place)
        with self._mutex, _files_told(self.place):
            self._held[scope] = self._taken(scope, holder)
        try:
            yield
        finally:
            # What was removed since the last transaction is known to nobody but this process.
            with suppress(StateError), self.reading():
                pass
            with self._mutex:
                files.leave_lock(self._held.pop(scope))

    def _taken(self, scope: str, holder: Holder) -> int:
        """Take a lock beside the file that is in use: beside another, it would keep nobody off."""
        if self._is_gone():
            raise rescue.removed(self.place)
        path = files.lock_path(self._path, scope)
        file = files.take_lock(path, holder_text(holder))
        if file is None:
            raise locked(scope, self.place, holder_of(files.lock_text(path) or ""))
        with ExitStack() as failed:
            failed.callback(files.leave_lock, file)
            if self._is_gone():
                raise rescue.removed(self.place)
            failed.pop_all()
        return file

    def share(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock: nobody shares a file's."""
        return self.lock(scope, holder)

    def claim(self, scope: str, _: str, /) -> bool:
        """Own an App ID: whoever holds the scope owns all of them."""
        return scope in self._held

    def holder(self, scope: str) -> Holder | None:
        """Return who else holds a scope's lock right now."""
        if scope in self._held or not self._path.name:
            return None
        with _files_told(self.place):
            text = files.lock_text(files.lock_path(self._path, scope))
        return None if text is None else holder_of(text)

    def close(self) -> None:
        """Let go of the file."""
        with self._mutex, suppress(sqlite3.Error):
            self._connection.close()


@dataclass(frozen=True, slots=True)
class Opening:
    """What it takes to open a state: an absolute path, and how messages call it."""

    path: Path
    place: str
    clock: Clock
    migrations: Migrations

    def for_writing(self) -> SqliteDatabase:
        """Open it; make it, or bring it to the newest version, if need be."""
        files.make_private(self.path)
        if not files.is_writable(self.path):
            raise not_writable(self.place)
        file = rescue.opened(self.path, self.place)
        with _closed_on_failure(_connect(self.path)) as connection:
            is_older = self._version(connection) < len(self.migrations)
            if is_older or files.read_key(self.path) is None:
                with files.preparing(self.path) as had_key:
                    if had_key and not _tables(connection):
                        raise gone(self.place, files.key_path(self.path).name)
                    self._migrate(connection)
            _write_ahead(connection)
            return self._at_path(connection, file)

    def for_reading(self) -> SqliteDatabase:
        """Open it as it is; what cannot be written, or is older, is read from a copy."""
        if files.is_writable(self.path):
            # On a full disk there is no room for the files that SQLite makes beside it.
            with suppress(sqlite3.OperationalError):
                return self._in_place()
        with tempfile.TemporaryDirectory() as folder:
            copy = files.copy_into(self.path, Path(folder))
            with closing(_connect(copy)) as connection:
                return self._in_memory(connection)

    def _in_place(self) -> SqliteDatabase:
        file = rescue.opened(self.path, self.place)
        with _closed_on_failure(_connect(self.path)) as connection:
            if self._version(connection) == len(self.migrations):
                return self._at_path(connection, file)
            with closing(connection):
                return self._in_memory(connection)

    def nothing(self, key: bytes | None) -> SqliteDatabase:
        """Return a state that holds nothing and that keeps nothing."""
        connection = _memory()
        self._migrate(connection)
        return SqliteDatabase(connection, self, key, None)

    def _at_path(self, connection: sqlite3.Connection, file: rescue.Opened) -> SqliteDatabase:
        return SqliteDatabase(connection, self, files.read_key(self.path), file)

    def _in_memory(self, source: sqlite3.Connection) -> SqliteDatabase:
        self._version(source)
        if not _tables(source) and files.read_key(self.path) is not None:
            raise gone(self.place, files.key_path(self.path).name)
        connection = _memory()
        source.backup(connection)
        self._migrate(connection)
        return SqliteDatabase(connection, self, files.read_key(self.path), None)

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the version of what is there. Raises StateError if that is not for us."""
        version = version_of(connection.execute, _tables(connection), self.place)
        check_version(version, len(self.migrations), self.place)
        return version

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring it to the newest version; another process may have done so by now."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = self._version(connection)
            if found < len(self.migrations):
                migrate(connection.execute, found, self.migrations)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def open_sqlite(path: str, clock: Clock, migrations: Migrations, *, write: bool) -> SqliteDatabase:
    """Open the state in a file; see `open.py`. Raises StateError."""
    with _files_told(path), _told(path):
        opening = Opening(Path(path).absolute(), path, clock, migrations)
        if write:
            return opening.for_writing()
        if files.is_there(opening.path):
            return opening.for_reading()
        if files.read_key(opening.path) is not None:
            raise gone(path, files.key_path(opening.path).name)
        return opening.nothing(None)


def open_nothing(
    place: str, clock: Clock, migrations: Migrations, key: bytes | None
) -> SqliteDatabase:
    """Return a state that holds nothing, for another place where there is none yet."""
    return Opening(Path(), place, clock, migrations).nothing(key)


def _connect(path: Path) -> sqlite3.Connection:
    """Connect to a file that is there: to one that is not would make it."""
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode=rw",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA synchronous = FULL")
    # 10,000 sessions read by an index are pages in no order; with 2 MiB, most are read twice.
    connection.execute("PRAGMA cache_size = -16384")
    # Only macOS heeds it: there, syncing alone does not reach the disk.
    connection.execute("PRAGMA fullfsync = ON")
    return connection


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def _tables(connection: sqlite3.Connection) -> frozenset[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return frozenset(name for (name,) in rows)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Use a write-ahead log; where that cannot be, commits are slower and as safe."""
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


@contextmanager
def _files_told(place: str) -> Iterator[None]:
    """Turn the operating system's errors into ours."""
    try:
        yield
    except OSError as problem:
        reason = (problem.strerror or "it cannot be opened").lower()
        raise StateError(
            f"the state at `{place}` cannot be used: `{problem.filename or place}`: {reason}",
            hint="allow this user to write there, or name another place with `--state`",
        ) from problem


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except UnicodeDecodeError as problem:
        # Of a damaged schema, even the message may be no text.
        raise damaged(place, "what should be text is none") from problem
    except sqlite3.Error as problem:
        code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            raise damaged(place, str(problem)) from problem
        what, hint = _PROBLEMS.get(code, (f"cannot be used: {problem}", None))
        raise StateError(f"the state at `{place}` {what}", hint=hint) from problem


_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_PROBLEMS = {
    sqlite3.SQLITE_FULL: (
        "cannot be written: the disk is full",
        "make room, then run again: everything that was written before is there",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        "see that the disk works and has room, then run again",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written",
        "allow this user to write the file and its folder, or name another place with `--state`",
    ),
    sqlite3.SQLITE_BUSY: (
        f"has been in use by another process for more than {BUSY_S:g} s",
        "run again; end the other process if it hangs",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "allow this user to read and write the file and its folder",
    ),
}
