"""From a state's URL to its store (design/cli.md, `--state`).

Imports only the driver that the URL asks for: 3 ms for SQLite, 100 and more for PostgreSQL.
"""

from collections.abc import Mapping

from reconciler.clock import Clock
from reconciler.errors import UsageError
from reconciler.state.database import Database
from reconciler.state.schema import MIGRATIONS, Migrations
from reconciler.state.sql import SqlStore
from reconciler.state.store import Store

FORMS = "`sqlite:///state.db`, `sqlite:////absolute/state.db` or `postgresql://user@host/name`"

_SQLITE = "sqlite:///"
_POSTGRES = frozenset({"postgresql", "postgres"})


def open_state(
    url: str,
    environ: Mapping[str, str],
    clock: Clock,
    *,
    write: bool,
    migrations: Migrations = MIGRATIONS,
) -> Store:
    """Open the state at a URL. Raises UsageError for a URL, StateError for what is there.

    With `write` it is made, or brought to the newest version, if need be. Without, nothing is made:
    where there is none it is empty, and what cannot be written can still be read.
    """
    if url.startswith(_SQLITE):
        from reconciler.state.sqlite import open_sqlite

        database: Database = open_sqlite(_path(url), clock, migrations, write=write)
    elif url.partition(":")[0] in _POSTGRES:
        from reconciler.state.postgres import open_postgres

        database = open_postgres(url, environ, clock, migrations, write=write)
    else:
        raise UsageError("the URL of the state is of no known form", hint=f"use {FORMS}")
    try:
        return SqlStore(database)
    except BaseException:
        database.close()
        raise


def _path(url: str) -> str:
    path = url.removeprefix(_SQLITE)
    if not path or path.endswith("/") or path == ":memory:" or set(path) & set("?#\0"):
        raise UsageError("the URL of the state names no file", hint=f"use {FORMS}")
    return path
