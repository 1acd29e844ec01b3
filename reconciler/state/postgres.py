"""The state in PostgreSQL, and the only module that knows `psycopg`.

All tables are in a schema of their own, `reconciler`, so that a database can be shared. A lock is
an advisory lock of the connection: it ends with it, and without it nothing more is written.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import errors

from reconciler.clock import Clock
from reconciler.errors import LockLostError, StateError, UsageError
from reconciler.state import advisory
from reconciler.state.advisory import ALONE, TOGETHER, Hold
from reconciler.state.database import (
    Database,
    Row,
    Run,
    Value,
    locked,
    not_writable,
    plain,
)
from reconciler.state.schema import Migrations, check_version, migrate, version_of

# Where there is no state yet, an empty one in memory answers; next to psycopg it loads in no time.
from reconciler.state.sqlite import open_nothing
from reconciler.state.store import Holder

CONNECT_S = 10
STATEMENT_S = 10
"""No statement of ours takes so long, unless another process keeps what it needs."""

SETTINGS = (
    f"SET statement_timeout = '{STATEMENT_S}s'",
    "SET synchronous_commit = on",
    "SET search_path = reconciler",
    # Of a client that is gone without a word the locks are free after 30 s; it notices in half.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 4",
)

KEY_VARIABLE = "RECONCILER_STATE_KEY"


class PostgresDatabase:
    """A Database (`database.py`) on a server."""

    is_shared = True

    def __init__(self, url: str, place: str, key: bytes | None) -> None:
        self.place = place
        self.key = key
        self._url = url
        self._mutex = threading.Lock()
        self._held: dict[str, set[str]] = {}
        with _told(self.place):
            self._connection = _connect(self._url)
        with self.reading() as run:
            ((self.writable,),) = run(_MAY_WRITE)

    @contextmanager
    def reading(self) -> Iterator[Run]:
        """Read in one transaction."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") as run:
            yield run

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Run]:
        """Write all or nothing; what need not be durable is not waited for."""
        if not self.writable:
            raise not_writable(self.place)
        with self.transaction() as run:
            if not durable:
                run("SET LOCAL synchronous_commit = off")
            yield run

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        """Run one transaction that writes, allowed or not."""
        with self._transaction("BEGIN") as run:
            yield run

    @contextmanager
    def _transaction(self, begin: LiteralString) -> Iterator[Run]:
        with self._mutex, _told(self.place):
            self._begin(begin)
            try:
                yield self._run
                self._connection.execute("COMMIT")
            except BaseException as problem:
                with suppress(psycopg.Error):
                    self._connection.execute("ROLLBACK")
                if isinstance(problem, psycopg.Error) and self._has_lost_locks():
                    raise _lock_lost(self.place, self._held) from problem
                raise

    def _begin(self, begin: LiteralString) -> None:
        """Begin a transaction, on a new connection if this one was lost meanwhile.

        Never while a lock is held: it went with the connection.
        """
        try:
            self._connection.execute(begin)
        except psycopg.OperationalError:
            if self._has_lost_locks():
                raise _lock_lost(self.place, self._held) from None
            if not self._connection.closed or not self._url:
                raise
            self._connection = _connect(self._url)
            self._connection.execute(begin)

    def _has_lost_locks(self) -> bool:
        return self._connection.closed and bool(self._url and self._held)

    def _run(self, sql: str, values: Sequence[Value] = (), /) -> Iterable[Row]:
        cursor = self._connection.execute(
            sql.replace("?", "%s"), [plain(value) for value in values]
        )
        return cursor.fetchall() if cursor.description else ()

    def now_s(self) -> float:
        """Return the server's time."""
        ((now_s,),) = self._run("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(now_s)

    def lock(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock, an advisory lock of the connection."""
        return self._holding(ALONE, scope, holder)

    def share(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock beside other `run`s."""
        return self._holding(TOGETHER, scope, holder)

    @contextmanager
    def _holding(self, hold: Hold, scope: str, holder: Holder) -> Iterator[None]:
        with self.writing() as run:
            if scope in self._held or not advisory.take(run, hold, scope):
                raise locked(scope, self.place, advisory.told(run, scope))
        self._held[scope] = set()
        try:
            with self.writing() as run:
                advisory.tell(run, scope, holder)
            yield
        finally:
            self._let_go(hold, scope)

    def _let_go(self, hold: Hold, scope: str) -> None:
        """Unlock. A connection that was lost has unlocked by itself."""
        with self._mutex, suppress(psycopg.Error):
            for app_key in self._held.pop(scope):
                advisory.leave_app(self._run, scope, app_key)
            advisory.leave(self._run, hold, scope)

    def claim(self, scope: str, app_key: str, /) -> bool:
        """Own an App ID; the transaction shows that the connection, and so the lock, is there."""
        with self.writing() as run:
            owned = self._held.get(scope)
            if owned is None:
                return False
            if app_key not in owned and advisory.take_app(run, scope, app_key):
                owned.add(app_key)
            return app_key in owned

    def holder(self, scope: str) -> Holder | None:
        """Return who else holds a scope's lock right now, one of them if they share it."""
        return advisory.told_of_others(self._run, scope)

    def close(self) -> None:
        """Let go of the connection."""
        with self._mutex, suppress(psycopg.Error):
            self._url = ""
            self._connection.close()


def open_postgres(
    url: str, environ: Mapping[str, str], clock: Clock, migrations: Migrations, *, write: bool
) -> Database:
    """Open the state on a server; see `open.py`. Raises UsageError, StateError."""
    place, key = _place(url), _key(environ)
    database = PostgresDatabase(url, place, key)
    try:
        found = _prepare(database, migrations) if write else _version(database, migrations)
        if found == len(migrations):
            return database
    except BaseException:
        database.close()
        raise
    database.close()
    if found == 0:
        return open_nothing(place, clock, migrations, key)
    raise StateError(
        f"the state at `{place}` has version {found}, this program reads {len(migrations)}",
        hint="run `reconciler apply` once: it brings the state to the newer version",
    )


def _place(url: str) -> str:
    """Return the URL without its password and parameters.

    What the driver would read otherwise than the user meant is refused, and nothing of it is told:
    a password cut in two would show in the name of a host.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unreadable() from None
    if parts.fragment or url.count("@") > 1 or url.count("@") != parts.netloc.count("@"):
        raise _unreadable()
    user, at, host = parts.netloc.rpartition("@")
    return f"postgresql://{user.partition(':')[0]}{at}{host}{parts.path}"


def _unreadable() -> UsageError:
    return UsageError(
        "the URL of the state cannot be read",
        hint="its form is `postgresql://user@host/name`; in names and passwords write `@`, `/`,"
        " `:`, `?`, `#` and `%` as `%40`, `%2F`, `%3A`, `%3F`, `%23` and `%25`",
    )


def _key(environ: Mapping[str, str]) -> bytes | None:
    """Return the key of the seals that the environment gives; any text makes one."""
    text = environ.get(KEY_VARIABLE, "")
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() if text else None


def _connect(url: str) -> psycopg.Connection[Row]:
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_S,
            application_name="reconciler",
            client_encoding="UTF8",
            # A server that is gone without a word is noticed as soon as one that is slow.
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=STATEMENT_S * 1000,
        )
    except psycopg.ProgrammingError:
        raise _unreadable() from None
    for setting in SETTINGS:
        connection.execute(setting)
    return connection


def _prepare(database: PostgresDatabase, migrations: Migrations) -> int:
    """Make the state, or bring it to the newest version, if need be; return its version."""
    if not database.writable:
        raise not_writable(database.place)
    with database.writing() as run:
        run("SELECT pg_advisory_xact_lock(?)", (advisory.number(_MIGRATION),))
        found = _found(run, database.place, migrations)
        if found < len(migrations):
            _migrate(run, found, migrations)
    return len(migrations)


def _version(database: PostgresDatabase, migrations: Migrations) -> int:
    with database.reading() as run:
        return _found(run, database.place, migrations)


def _found(run: Run, place: str, migrations: Migrations) -> int:
    rows = run("SELECT tablename FROM pg_tables WHERE schemaname = 'reconciler'")
    version = version_of(run, frozenset(name for (name,) in rows), place)
    check_version(version, len(migrations), place)
    return version


def _migrate(run: Run, found: int, migrations: Migrations) -> None:
    def run_here(sql: str, values: Sequence[Value] = (), /) -> Iterable[Row]:
        return run(sql.replace(" TEXT", ' TEXT COLLATE "C"'), values)

    if not list(run("SELECT 1 FROM pg_namespace WHERE nspname = 'reconciler'")):
        run("CREATE SCHEMA reconciler")
    migrate(run_here, found, migrations)


# Of a schema that is not there yet, making it will tell.
_MAY_WRITE = """
    SELECT NOT pg_is_in_recovery()
        AND current_setting('default_transaction_read_only') = 'off'
        AND coalesce(has_table_privilege(to_regclass('meta'), 'UPDATE'), true)
"""

_MIGRATION = "reconciler migration"


def _lock_lost(place: str, scopes: Iterable[str]) -> LockLostError:
    names = ", ".join(f"`{scope}`" for scope in sorted(scopes))
    return LockLostError(
        f"the connection to the state at `{place}` was lost, and with it the lock on scope {names}",
        hint="run again: what was begun is in the state",
    )


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except psycopg.Error as problem:
        for kinds, what, hint in _PROBLEMS:
            if isinstance(problem, kinds):
                raise StateError(f"the state at `{place}` {what}", hint=hint) from problem
        reason = problem.diag.message_primary or str(problem).partition("\n")[0]
        raise StateError(
            f"the state at `{place}` cannot be used: {reason}",
            hint="see that the server runs and that user, password and database are right",
        ) from problem


_PROBLEMS: tuple[tuple[tuple[type[psycopg.Error], ...], str, str], ...] = (
    (
        (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction),
        "cannot be read or written by this user",
        "let an administrator run `CREATE SCHEMA reconciler AUTHORIZATION` with the user's name",
    ),
    (
        (errors.QueryCanceled, errors.LockNotAvailable, errors.DeadlockDetected),
        f"has been in use by another process for {STATEMENT_S} s",
        "run again; end the other process if it hangs",
    ),
    (
        (errors.DiskFull,),
        "cannot be written: the server's disk is full",
        "make room there, then run again: everything that was written before is there",
    ),
    (
        (errors.UndefinedTable, errors.UndefinedColumn),
        "is no state of reconciler: a table or column is missing",
        "name another database with `--state`",
    ),
)
