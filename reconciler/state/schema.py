"""The tables of the state, as plain SQL that SQLite and PostgreSQL read alike, and their versions.

`MIGRATIONS` only ever grows: its length is the version of the state that this program writes, and
entry N leads from version N to N + 1. PostgreSQL compares text as SQLite does, by code points
(`postgres.py` sees to that), so that both give the same order.
"""

import os
from typing import TypeAlias

from reconciler.errors import StateError
from reconciler.state.database import Run

Migrations: TypeAlias = tuple[tuple[str, ...], ...]

SALT_BYTES = 16

_TABLES = (
    """
    CREATE TABLE meta (
        one INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        serial BIGINT NOT NULL,
        salt TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE recordings (
        scope TEXT NOT NULL,
        name TEXT NOT NULL,
        app TEXT NOT NULL,
        channel TEXT NOT NULL,
        mode TEXT NOT NULL,
        digest TEXT NOT NULL,
        terms TEXT NOT NULL,
        source TEXT NOT NULL,
        set_name TEXT NOT NULL,
        generation BIGINT NOT NULL,
        override_since_s DOUBLE PRECISION,
        override_reason TEXT NOT NULL,
        override_until_s DOUBLE PRECISION,
        removed_s DOUBLE PRECISION,
        PRIMARY KEY (scope, name)
    )
    """,
    # `settled`: nothing is left to do for it. `current`: `snapshot` tells of it. `changes.py`
    # keeps both.
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        scope TEXT NOT NULL,
        settled INTEGER NOT NULL,
        current INTEGER NOT NULL,
        recording TEXT NOT NULL,
        replica INTEGER NOT NULL,
        app TEXT NOT NULL,
        app_key TEXT NOT NULL,
        app_id TEXT NOT NULL,
        channel TEXT NOT NULL,
        mode TEXT NOT NULL,
        uid TEXT NOT NULL,
        phase TEXT NOT NULL,
        created_s DOUBLE PRECISION NOT NULL,
        generation BIGINT NOT NULL,
        digest TEXT NOT NULL,
        sealed TEXT NOT NULL,
        attempt BIGINT NOT NULL,
        replaces TEXT NOT NULL,
        resource_id TEXT NOT NULL,
        sid TEXT NOT NULL,
        host TEXT NOT NULL,
        acquired_s DOUBLE PRECISION,
        started_s DOUBLE PRECISION,
        confirmed_s DOUBLE PRECISION,
        resource_ends_s DOUBLE PRECISION,
        token_ends_s DOUBLE PRECISION,
        duration_ends_s DOUBLE PRECISION,
        credentials_s DOUBLE PRECISION,
        credentials_end_s DOUBLE PRECISION,
        token_issued_s BIGINT NOT NULL,
        token_salt BIGINT NOT NULL,
        body_hash TEXT NOT NULL,
        pending TEXT NOT NULL,
        status BIGINT,
        paused INTEGER,
        rtmp TEXT NOT NULL,
        rtmp_status TEXT NOT NULL,
        observed_s DOUBLE PRECISION,
        asked_s DOUBLE PRECISION,
        missing_s DOUBLE PRECISION,
        stop_reason TEXT NOT NULL,
        stop_asked_s DOUBLE PRECISION,
        stops BIGINT NOT NULL,
        stop_taken_s DOUBLE PRECISION,
        ended_s DOUBLE PRECISION,
        end_reason TEXT NOT NULL,
        recheck_s DOUBLE PRECISION,
        ends_by_s DOUBLE PRECISION
    )
    """,
    "CREATE INDEX sessions_current ON sessions (scope, recording) WHERE current = 1",
    "CREATE INDEX sessions_order ON sessions (scope, recording, replica, created_s, id)",
    "CREATE INDEX sessions_holding ON sessions (app_key, channel, uid)",
    # What is long and seldom read stands apart, so that reading all sessions passes over little.
    """
    CREATE TABLE details (
        session TEXT PRIMARY KEY,
        applied TEXT,
        files TEXT NOT NULL,
        upload TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE counters (
        scope TEXT NOT NULL,
        recording TEXT NOT NULL,
        replica INTEGER NOT NULL,
        counter BIGINT NOT NULL,
        PRIMARY KEY (scope, recording, replica)
    )
    """,
    """
    CREATE TABLE conditions (
        scope TEXT NOT NULL,
        recording TEXT NOT NULL,
        replica INTEGER NOT NULL,
        type TEXT NOT NULL,
        status INTEGER NOT NULL,
        reason TEXT NOT NULL,
        message TEXT NOT NULL,
        since_s DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (scope, recording, replica, type)
    )
    """,
    """
    CREATE TABLE events (
        number BIGINT PRIMARY KEY,
        scope TEXT NOT NULL,
        recording TEXT NOT NULL,
        time_s DOUBLE PRECISION NOT NULL,
        type TEXT NOT NULL,
        reason TEXT NOT NULL,
        message TEXT NOT NULL,
        count BIGINT NOT NULL
    )
    """,
    "CREATE INDEX events_recording ON events (scope, recording, number)",
    """
    CREATE TABLE journal (
        number BIGINT PRIMARY KEY,
        session TEXT NOT NULL,
        time_s DOUBLE PRECISION NOT NULL,
        step TEXT NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    )
    """,
    "CREATE INDEX journal_session ON journal (session, number)",
    """
    CREATE TABLE apps (
        scope TEXT NOT NULL,
        name TEXT NOT NULL,
        manifest TEXT NOT NULL,
        PRIMARY KEY (scope, name)
    )
    """,
    """
    CREATE TABLE budget (
        app_key TEXT PRIMARY KEY,
        last_s DOUBLE PRECISION,
        slowness DOUBLE PRECISION,
        slowed_s DOUBLE PRECISION
    )
    """,
    # Who holds a scope's lock, if it is held at all; SQLite has files for that.
    """
    CREATE TABLE holders (
        scope TEXT PRIMARY KEY,
        holder TEXT NOT NULL
    )
    """,
)

_DAEMON = (
    "ALTER TABLE sessions ADD COLUMN signs TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN unanswered_s DOUBLE PRECISION",
    # The rows of a Recording never overlap: each is in force until the next begins.
    """
    CREATE TABLE asked (
        scope TEXT NOT NULL,
        recording TEXT NOT NULL,
        since_s DOUBLE PRECISION NOT NULL,
        terms TEXT NOT NULL,
        override_since_s DOUBLE PRECISION,
        override_reason TEXT NOT NULL,
        override_until_s DOUBLE PRECISION,
        PRIMARY KEY (scope, recording, since_s)
    )
    """,
    # What a Recording was asked before was not kept: it is taken to have been the same since its
    # first session.
    """
    INSERT INTO asked
    SELECT scope, name,
        coalesce((
            SELECT min(created_s) FROM sessions
            WHERE sessions.scope = recordings.scope AND sessions.recording = recordings.name
        ), 0),
        terms, override_since_s, override_reason, override_until_s
    FROM recordings
    """,
    """
    CREATE TABLE gaps (
        session TEXT NOT NULL,
        from_s DOUBLE PRECISION NOT NULL,
        until_s DOUBLE PRECISION,
        cause TEXT NOT NULL,
        PRIMARY KEY (session, from_s)
    )
    """,
    """
    CREATE TABLE notices (
        number BIGINT PRIMARY KEY,
        scope TEXT NOT NULL,
        received_s DOUBLE PRECISION NOT NULL,
        app TEXT NOT NULL,
        notice_id TEXT NOT NULL,
        kind BIGINT NOT NULL,
        channel TEXT,
        uid TEXT,
        sid TEXT,
        sequence BIGINT,
        sent_s DOUBLE PRECISION,
        service_type BIGINT,
        details TEXT NOT NULL
    )
    """,
    # For all scopes at once: most states have one, and `trim` asks for the oldest of all.
    "CREATE INDEX notices_received ON notices (received_s)",
    """
    CREATE TABLE requests (
        number BIGINT PRIMARY KEY,
        scope TEXT NOT NULL,
        created_s DOUBLE PRECISION NOT NULL,
        command TEXT NOT NULL,
        arguments TEXT NOT NULL,
        answer TEXT,
        answered_s DOUBLE PRECISION
    )
    """,
    # Looked into every second, and nearly always empty.
    "CREATE INDEX requests_open ON requests (scope, number) WHERE answer IS NULL",
    # What goes on and what ended lately is read every minute, and of months there is much more.
    "CREATE INDEX sessions_ended ON sessions (scope, (coalesce(ended_s, 1e300)))",
    # A notification of a session that nobody has in mind is looked up by its `sid`.
    "CREATE INDEX sessions_sid ON sessions (sid)",
    # Several may hold a scope together: a row for each connection (`backend` is its number at the
    # server) that does, or did.
    "DROP TABLE holders",
    """
    CREATE TABLE holders (
        scope TEXT NOT NULL,
        backend BIGINT NOT NULL,
        holder TEXT NOT NULL,
        PRIMARY KEY (scope, backend)
    )
    """,
)

MIGRATIONS: Migrations = (_TABLES, _DAEMON)


def version_of(run: Run, tables: frozenset[str], place: str) -> int:
    """Return the version of the state that has these tables, 0 where there is none.

    Raises StateError if they are another program's.
    """
    if not tables:
        return 0
    if "meta" not in tables:
        raise StateError(
            f"what is kept at `{place}` is no state of reconciler",
            hint="name another place with `--state`",
        )
    ((version,),) = run("SELECT version FROM meta")
    return int(version)


def check_version(found: int, known: int, place: str) -> None:
    """Raise StateError if a newer program wrote this state: what it means is not known here."""
    if found > known:
        raise StateError(
            f"the state at `{place}` has version {found}, this program knows up to {known}",
            hint="a newer reconciler wrote it: use that, or a newer one",
        )


def migrate(run: Run, found: int, migrations: Migrations) -> None:
    """Bring tables of version `found` to the newest, in the transaction that `run` is part of."""
    for statements in migrations[found:]:
        for statement in statements:
            run(statement)
    if found:
        run("UPDATE meta SET version = ?", (len(migrations),))
    else:
        values = (1, len(migrations), 0, os.urandom(SALT_BYTES).hex())
        run("INSERT INTO meta (one, version, serial, salt) VALUES (?, ?, ?, ?)", values)
