"""The store on top of a database: the reading half of its SQL, and what belongs to neither half."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from reconciler.plan.session import MAY_LIVE, Session
from reconciler.plan.world import Place
from reconciler.state.bounds import Bounds
from reconciler.state.changes import write
from reconciler.state.database import Database, Run, damaged
from reconciler.state.rows import (
    ASKED_COLUMNS,
    NOTICE_COLUMNS,
    RECORDED_COLUMNS,
    SESSION_COLUMNS,
    asked_of,
    gap_of,
    notice_of,
    recorded_of,
    request_of,
    session_of,
)
from reconciler.state.store import (
    Asked,
    Change,
    Condition,
    Event,
    Gap,
    Holder,
    JournalEntry,
    Notice,
    Past,
    Request,
    Snapshot,
    Spent,
)
from reconciler.state.trim import trim

CHANGES_MAX = 1 << 20
"""Of one commit; so many numbers each commit has for the rows that it appends."""

EVENTS_MAX = 1 << 40
"""More than there will ever be."""

IDS_MAX = 500
"""Values of one statement; old builds of SQLite take 999."""

_COLUMNS = ", ".join(SESSION_COLUMNS)
_LIVING = ", ".join(f"'{phase}'" for phase in sorted(MAY_LIVE))

_RECORDED = "SELECT $ FROM recordings WHERE scope = ? ORDER BY name".replace(
    "$", ", ".join(RECORDED_COLUMNS)
)
_CURRENT = """
    SELECT $ FROM sessions WHERE scope = ? AND current = 1 ORDER BY created_s, id
""".replace("$", _COLUMNS)
_HOLDING = """
    SELECT $ FROM sessions WHERE app_key = ? AND channel = ? AND uid = ? ORDER BY created_s, id
""".replace("$", _COLUMNS)
# What was forgotten may have been imported again: then the newer row is meant.
_OF_SID = """
    SELECT $ FROM sessions WHERE sid = ? ORDER BY created_s DESC, id LIMIT 1
""".replace("$", _COLUMNS)
_PAST = """
    SELECT $, coalesce(nullif(files, ''), '[]'), coalesce(upload, '')
    FROM sessions LEFT JOIN details ON details.session = sessions.id
    WHERE scope = ?
""".replace("$", _COLUMNS)
_FILES = """
    SELECT id, files FROM sessions JOIN details ON details.session = sessions.id
    WHERE scope = ? AND current = 1 AND files <> ''
"""
# Two ranges of the index instead of a walk over all that is current in the scope itself.
_ELSEWHERE = """
    SELECT app_key, channel, uid, mode FROM sessions
    WHERE current = 1 AND (scope < ? OR scope > ?) AND phase IN ($)
    ORDER BY created_s, id
""".replace("$", _LIVING)
_ASKED = "SELECT {} FROM asked WHERE scope = ? $ ORDER BY recording, since_s".replace(
    "{}", ", ".join(ASKED_COLUMNS)
)
_GAPS = """
    SELECT session, from_s, until_s, cause FROM gaps JOIN sessions ON sessions.id = gaps.session
    WHERE scope = ? $ ORDER BY from_s, session
"""
_NOTICES = """
    SELECT $ FROM notices WHERE received_s >= ? AND scope = ? ORDER BY received_s, number
""".replace("$", ", ".join(NOTICE_COLUMNS))
_REQUESTS = """
    SELECT number, created_s, command, arguments FROM requests
    WHERE scope = ? AND answer IS NULL ORDER BY number
"""
_APPLIED = "SELECT session, applied FROM details WHERE applied IS NOT NULL AND session IN ($)"


class SqlStore:
    """A Store (`store.py`) in any database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with self._reading() as run:
            ((text,),) = run("SELECT salt FROM meta")
            self._salt = bytes.fromhex(text)

    @property
    def place(self) -> str:
        """Return where it is kept, without passwords, for messages."""
        return self._database.place

    @property
    def key(self) -> bytes | None:
        """Return the key of the seals; None where there is none."""
        return self._database.key

    @property
    def salt(self) -> bytes:
        """Return what App IDs are hashed with."""
        return self._salt

    @property
    def writable(self) -> bool:
        """Tell whether it can be written."""
        return self._database.writable

    @property
    def is_shared(self) -> bool:
        """Tell whether several `run`s may hold one scope beside each other."""
        return self._database.is_shared

    def snapshot(self, scope: str) -> Snapshot:
        """Read a scope, in one transaction."""
        with self._reading() as run, _no_collection():
            ((serial,),) = run("SELECT serial FROM meta")
            counters = run(
                "SELECT recording, replica, counter FROM counters WHERE scope = ?", (scope,)
            )
            apps = run("SELECT name, manifest FROM apps WHERE scope = ? ORDER BY name", (scope,))
            return Snapshot(
                serial=serial,
                recorded=recorded_of(run(_RECORDED, (scope,))),
                sessions=tuple(map(session_of, run(_CURRENT, (scope,)))),
                elsewhere=tuple(Place(*row) for row in run(_ELSEWHERE, (scope, scope))),
                counters={(recording, replica): count for recording, replica, count in counters},
                apps=dict(apps),
                holder=self._database.holder(scope),
            )

    def applied(self, sessions: Iterable[str]) -> dict[str, str]:
        """Return what these sessions were given, by id, as it was written."""
        found: dict[str, str] = {}
        with self._reading() as run:
            for ids in _slices(list(sessions)):
                found.update(run(_APPLIED.replace("$", ", ".join("?" * len(ids))), ids))
        return found

    def commit(self, scope: str, changes: Sequence[Change]) -> int:
        """Write all changes or none; return the new serial."""
        with self._database.writing() as run:
            serial = _next_serial(run)
            for number, change in enumerate(changes, start=serial * CHANGES_MAX):
                write(run, scope, change, number)
        return serial

    def past(
        self, scope: str, recording: str | None = None, since_s: float | None = None
    ) -> list[Past]:
        """Return every session (one that ended before `since_s` not), oldest first."""
        conditions: dict[str, str | float | None] = {
            "AND recording = ?": recording,
            "AND coalesce(ended_s, 1e300) >= ?": since_s,  # as the index sessions_ended has it
        }
        given = {text: value for text, value in conditions.items() if value is not None}
        return self._past((*given,), (scope, *given.values()))

    def latest(self, scope: str) -> list[Past]:
        """Return the sessions of `snapshot` with their files."""
        return self._past(("AND current = 1",), (scope,))

    def _past(self, conditions: Sequence[str], values: Sequence[str | float | None]) -> list[Past]:
        sql = " ".join((_PAST, *conditions, "ORDER BY created_s, id"))
        with self._reading() as run, _no_collection():
            return [
                Past(session=session_of(row[:-2]), files=row[-2], upload=row[-1])
                for row in run(sql, values)
            ]

    def files(self, scope: str) -> dict[str, str]:
        """Return what is known of the files of the sessions of `snapshot`, by id."""
        with self._reading() as run:
            return dict(run(_FILES, (scope,)))

    def holding(self, app_key: str, channel: str, uid: str) -> list[Session]:
        """Return the sessions of all scopes that ever had this uid there, oldest first."""
        with self._reading() as run:
            return [session_of(row) for row in run(_HOLDING, (app_key, channel, uid))]

    def of_sid(self, sid: str) -> Session | None:
        """Return the session of any scope that has this `sid`; None: none has."""
        with self._reading() as run:
            return next((session_of(row) for row in run(_OF_SID, (sid,))), None)

    def conditions(self, scope: str) -> list[Condition]:
        """Return all conditions, in order of recording, replica and type."""
        with self._reading() as run:
            rows = run(
                "SELECT recording, replica, type, status, reason, message, since_s FROM conditions"
                " WHERE scope = ? ORDER BY recording, replica, type",
                (scope,),
            )
            return [_condition(row) for row in rows]

    def events(
        self,
        scope: str,
        recording: str | None = None,
        after: int = 0,
        newest: int = EVENTS_MAX,
    ) -> list[tuple[int, Event]]:
        """Return the events with a number above `after`, each with its number, oldest first."""
        named = ("AND recording = ?", recording) if recording is not None else None
        sql = (
            "SELECT number, time_s, recording, type, reason, message, count FROM events",
            "WHERE scope = ? AND number > ?",
            *(named[:1] if named else ()),
            "ORDER BY number DESC LIMIT ?",
        )
        values = (scope, after, *(named[1:] if named else ()), newest)
        with self._reading() as run:
            found = [(row[0], _event(row[1:])) for row in run(" ".join(sql), values)]
        return found[::-1]

    def journal(self, session: str) -> list[JournalEntry]:
        """Return what was done for a session, oldest first."""
        with self._reading() as run:
            rows = run(
                "SELECT time_s, step, what, detail FROM journal WHERE session = ? ORDER BY number",
                (session,),
            )
            return [
                JournalEntry(time_s=time_s, session=session, step=step, what=what, detail=detail)
                for time_s, step, what, detail in rows
            ]

    def asked(self, scope: str, recording: str | None = None) -> list[Asked]:
        """Return what Recordings were asked, by recording, oldest first."""
        with self._reading() as run, _no_collection():
            return [asked_of(row) for row in run(*_of(_ASKED, scope, recording))]

    def gaps(self, scope: str, recording: str | None = None) -> list[Gap]:
        """Return the gaps of the sessions of Recordings, oldest first."""
        with self._reading() as run:
            return [gap_of(row) for row in run(*_of(_GAPS, scope, recording))]

    def notices(self, scope: str, since_s: float) -> list[Notice]:
        """Return the notifications that were received since then, oldest first."""
        with self._reading() as run, _no_collection():
            return [notice_of(row) for row in run(_NOTICES, (since_s, scope))]

    def ask(self, scope: str, request: Request) -> int:
        """Leave a request for the `run` that holds the scope; return its number.

        It has a serial of its own, as a commit has: no number is ever given again.
        """
        with self._database.writing() as run:
            number = _next_serial(run) * CHANGES_MAX
            values = (request.created_s, request.command, request.arguments)
            run(_ASK, (number, scope, *values))
        return number

    def requests(self, scope: str) -> list[tuple[int, Request]]:
        """Return the requests without an answer, each with its number, oldest first."""
        with self._reading() as run:
            return [(row[0], request_of(row[1:])) for row in run(_REQUESTS, (scope,))]

    def answer(self, number: int) -> str | None:
        """Return the answer to a request; None: there is none yet."""
        with self._reading() as run:
            rows = list(run("SELECT answer FROM requests WHERE number = ?", (number,)))
        return rows[0][0] if rows else None

    def withdraw(self, number: int) -> None:
        """Take back a request that nobody answered; nothing happens if somebody did."""
        with self._database.writing() as run:
            run("DELETE FROM requests WHERE number = ? AND answer IS NULL", (number,))

    def lock(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock, or raise LockedError at once, which names the holder."""
        return self._database.lock(scope, holder)

    def share(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock beside other `run`s, where the state knows that, or else alone."""
        return self._database.share(scope, holder)

    def claim(self, scope: str, app_key: str) -> bool:
        """Own an App ID of a scope whose lock is shared; tell whether this process does now."""
        return self._database.claim(scope, app_key)

    def spend(self, app_key: str, step: Callable[[Spent | None, float], Spent]) -> float:
        """Write what `step` makes of an App ID's budget; return the time it was given.

        The row is written first: until the end nobody else reads it to write it. `step` must not
        use the store.
        """
        with self._database.writing(durable=False) as run:
            run(_KEEP_BUDGET, (app_key,))
            ((last_s, *rest),) = run(_BUDGET, (app_key,))
            now_s = self._database.now_s()
            spent = step(None if last_s is None else Spent(last_s, *rest), now_s)
            run(_SET_BUDGET, (spent.last_s, spent.slowness, spent.slowed_s, app_key))
        return now_s

    def trim(self, now_s: float, bounds: Bounds) -> None:
        """Remove what is older or more than the bounds; what may live is never removed."""
        trim(self._database, now_s, bounds)

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    @contextmanager
    def _reading(self) -> Iterator[Run]:
        """Read, and say so where there is what nobody wrote."""
        with self._database.reading() as run:
            try:
                yield run
            except (KeyError, TypeError, ValueError) as problem:
                raise damaged(self.place, "a row holds what was never written") from problem


_ASK = "INSERT INTO requests (number, scope, created_s, command, arguments) VALUES (?, ?, ?, ?, ?)"
_KEEP_BUDGET = """
    INSERT INTO budget (app_key) VALUES (?)
    ON CONFLICT (app_key) DO UPDATE SET app_key = excluded.app_key
"""
_BUDGET = "SELECT last_s, slowness, slowed_s FROM budget WHERE app_key = ?"
_SET_BUDGET = "UPDATE budget SET last_s = ?, slowness = ?, slowed_s = ? WHERE app_key = ?"


def _next_serial(run: Run) -> int:
    run("UPDATE meta SET serial = serial + 1")
    ((serial,),) = run("SELECT serial FROM meta")
    return int(serial)


def _of(sql: str, scope: str, recording: str | None) -> tuple[str, tuple[str, ...]]:
    """Return a statement over all Recordings of a scope, or over one, and its values."""
    if recording is None:
        return sql.replace("$", ""), (scope,)
    return sql.replace("$", "AND recording = ?"), (scope, recording)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking again and again over what is just being read.

    It takes a third of the time of reading 10,000 sessions, and there is nothing to find.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _slices(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), IDS_MAX):
        yield ids[start : start + IDS_MAX]


def _condition(row: tuple[Any, ...]) -> Condition:
    recording, replica, kind, status, reason, message, since_s = row
    return Condition(
        recording=recording,
        replica=replica,
        type=kind,
        status=bool(status),
        reason=reason,
        message=message,
        since_s=since_s,
    )


def _event(row: tuple[Any, ...]) -> Event:
    time_s, recording, kind, reason, message, count = row
    return Event(
        time_s=time_s,
        recording=recording,
        type=kind,
        reason=reason,
        message=message,
        count=count,
    )
