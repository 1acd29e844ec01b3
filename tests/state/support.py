"""States to try things on, sessions to put there, and other processes that use them."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import psycopg
from hypothesis import strategies as st

from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.session import Phase, Session
from reconciler.state.open import open_state
from reconciler.state.schema import MIGRATIONS, Migrations
from reconciler.state.store import Holder, Store

ROOT = Path(__file__).resolve().parents[2]
NOW_S = 1_780_000_000.0
ME = Holder(host="build-7", process=4711, command="apply", since_s=NOW_S)
LATER: Migrations = (*MIGRATIONS, ("ALTER TABLE recordings ADD COLUMN colour TEXT DEFAULT 'red'",))
"""As a later version of this program might have it."""


@dataclass
class HandClock:
    """Shows what it is set to."""

    time_s: float = NOW_S

    def now_s(self) -> float:
        return self.time_s

    def monotonic_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.time_s += max(seconds, 0.0)


@dataclass
class Backend:
    """One kind of place that a state can be kept at."""

    url: str
    environ: dict[str, str] = field(default_factory=dict)
    clock: HandClock = field(default_factory=HandClock)

    def open(self, *, write: bool = True, migrations: Migrations = MIGRATIONS) -> Store:
        return open_state(self.url, self.environ, self.clock, write=write, migrations=migrations)

    def fresh(self) -> "Backend":
        """Return such a place with nothing in it."""
        raise NotImplementedError

    def run_sql(self, sql: str) -> list[tuple[Any, ...]]:
        """Do something behind the store's back."""
        raise NotImplementedError


@dataclass
class SqliteBackend(Backend):
    """A file in a folder; several may be made there."""

    folder: Path = field(default_factory=Path)
    count: int = 0

    @property
    def path(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    def fresh(self) -> "SqliteBackend":
        self.count += 1
        url = f"sqlite:///{self.folder}/{self.count}/.reconciler/state.db"
        return SqliteBackend(url, folder=self.folder / f"{self.count}")

    def run_sql(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(sql).fetchall()


@dataclass
class PostgresBackend(Backend):
    """The one database of a server."""

    def fresh(self) -> "PostgresBackend":
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute("DROP SCHEMA IF EXISTS reconciler CASCADE")
        return PostgresBackend(self.url, {"RECONCILER_STATE_KEY": "of the tests"})

    def run_sql(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET search_path = reconciler")
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []


def session(name: str = "s1", **changes: Any) -> Session:
    """Return a running session, but for the changes."""
    values: dict[str, Any] = {
        "recording": "standup",
        "replica": 0,
        "app": "main",
        "app_key": "key-of-main",
        "app_id": "",
        "channel": "room",
        "mode": "mix",
        "uid": "527841",
        "phase": Phase.RUNNING,
        "created_s": NOW_S,
    }
    return Session(id=name, **{**values, **changes})


def recorded(name: str = "standup", **changes: Any) -> Recorded:
    values: dict[str, Any] = {
        "app": "main",
        "channel": "room",
        "mode": "mix",
        "digest": "d",
        "terms": "{}",
        "source": "specs/a.yaml",
    }
    return Recorded(name=name, **{**values, **changes})


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(0, 2**31 - 1)
FLOATS = st.floats(allow_nan=False)

BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: INTEGERS,
    float: FLOATS,
    float | None: st.none() | FLOATS,
    str | None: st.none() | TEXTS,
    int | None: st.none() | INTEGERS,
    bool | None: st.none() | st.booleans(),
    tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
    Phase: st.sampled_from(Phase),
    Override | None: st.none() | st.builds(Override),
}


def any_of(kind: type, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return any value of a dataclass, extreme ones too."""
    hints = get_type_hints(kind)
    parts = {one.name: BY_TYPE[hints[one.name]] for one in fields(kind)}
    return st.builds(kind, **{**parts, **given})


BY_TYPE[Override | None] = st.none() | any_of(Override)


def child(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start `children.py` as a process of its own; its lines can be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.state.children", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    """Kill a child, as a power cut would."""
    process.kill()
    process.communicate()


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """Be one whom permissions bind, as they do not bind root; give a folder of that user."""
    with tempfile.TemporaryDirectory(prefix="reconciler-state-") as folder:
        if os.getuid() != 0:
            yield Path(folder)
            return
        os.chown(folder, 65534, 65534)
        os.setresuid(65534, 65534, 0)
        try:
            yield Path(folder)
        finally:
            os.setresuid(0, 0, 0)
