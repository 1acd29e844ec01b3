"""Keep history within its bounds, a slice at a time, so that nobody waits long for the others."""

from reconciler.state.bounds import Bounds
from reconciler.state.database import Database, Value

ROWS_SLICE = 5_000
SESSIONS_SLICE = 250

NOTICES_AGE_S = 25 * 3600.0
"""Those of a day tell what is a duplicate (engine/notices.py); an hour for clocks that differ."""

REQUESTS_AGE_S = 86400.0
"""No command waits so long for its answer."""

_HISTORY = ("journal", "events")

# The newest of a replica goes only with its Recording, and once all others of that replica may go.
_OLD_SESSIONS = """
    SELECT id FROM sessions
    WHERE settled = 1 AND coalesce(ended_s, created_s) < ? AND (
        current = 0
        OR NOT EXISTS (
            SELECT 1 FROM recordings
            WHERE recordings.scope = sessions.scope AND recordings.name = sessions.recording
        )
        AND NOT EXISTS (
            SELECT 1 FROM sessions AS other
            WHERE other.scope = sessions.scope
                AND other.recording = sessions.recording
                AND other.replica = sessions.replica
                AND other.id <> sessions.id
                AND (other.settled = 0 OR coalesce(other.ended_s, other.created_s) >= ?)
        )
    )
    LIMIT ?
"""


def trim(database: Database, now_s: float, bounds: Bounds) -> None:
    """Remove what is older or more than the bounds; each slice is a transaction of its own."""
    for table in _HISTORY:
        _trim_appended(database, table, "time_s < ?", now_s - bounds.history_age_s)
        surplus = _surplus(database, table, bounds.history_rows_max)
        _trim_appended(database, table, "number <= ?", surplus)
    _trim_appended(database, "notices", "received_s < ?", now_s - NOTICES_AGE_S)
    _trim_appended(database, "requests", "created_s < ?", now_s - REQUESTS_AGE_S)
    while _trim_sessions(database, now_s - bounds.sessions_age_s):
        pass
    while _trim_asked(database, now_s - bounds.sessions_age_s):
        pass


def _surplus(database: Database, table: str, rows_max: int) -> Value:
    """Return the number of the newest row that is too many, -1 if none is."""
    sql = ("SELECT number FROM", table, "ORDER BY number DESC LIMIT 1 OFFSET ?")
    with database.reading() as run:
        numbers = list(run(" ".join(sql), (rows_max,)))
    return int(numbers[0][0]) if numbers else -1


def _trim_appended(database: Database, table: str, condition: str, bound: Value) -> None:
    """Remove what fits the condition."""
    find = ("SELECT number FROM", table, "WHERE", condition, "ORDER BY number LIMIT ?")
    remove = ("DELETE FROM", table, "WHERE number <= ? AND", condition)
    found = ROWS_SLICE
    while found == ROWS_SLICE:
        with database.reading() as run:
            numbers = list(run(" ".join(find), (bound, ROWS_SLICE)))
        found = len(numbers)
        if numbers:
            with database.writing() as run:
                run(" ".join(remove), (numbers[-1][0], bound))


def _trim_sessions(database: Database, ended_before_s: float) -> int:
    """Remove a slice of the old sessions; return how many were found."""
    with database.reading() as run:
        old = [
            row[0] for row in run(_OLD_SESSIONS, (ended_before_s, ended_before_s, SESSIONS_SLICE))
        ]
    if old:
        marks = ", ".join("?" * len(old))
        with database.writing() as run:
            run(_REMOVE_SESSIONS.replace("$", marks), old)
            run(_REMOVE_DETAILS.replace("$", marks), old)
            run(_REMOVE_GAPS.replace("$", marks), old)
    return len(old)


_REMOVE_SESSIONS = "DELETE FROM sessions WHERE settled = 1 AND id IN ($)"

_REMOVE_DETAILS = """
    DELETE FROM details WHERE session IN ($)
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = details.session)
"""

_REMOVE_GAPS = _REMOVE_DETAILS.replace("details", "gaps")


def _trim_asked(database: Database, before_s: float) -> int:
    """Remove a slice of what Recordings were asked before; return how many rows were found."""
    with database.reading() as run:
        found = len(list(run(_OLD_ASKED, (before_s, before_s, ROWS_SLICE))))
    if found:
        with database.writing() as run:
            run(_REMOVE_ASKED, (before_s, before_s, ROWS_SLICE))
    return found


# What was in force at that time is kept, and what is in force now: that goes only after a Recording
# that is gone and all its sessions.
_OLD_ASKED = """
    SELECT scope, recording, since_s FROM asked
    WHERE since_s < ? AND (
        EXISTS (
            SELECT 1 FROM asked AS later
            WHERE later.scope = asked.scope
                AND later.recording = asked.recording
                AND later.since_s > asked.since_s
                AND later.since_s <= ?
        )
        OR NOT EXISTS (
            SELECT 1 FROM asked AS later
            WHERE later.scope = asked.scope
                AND later.recording = asked.recording
                AND later.since_s > asked.since_s
        )
        AND NOT EXISTS (
            SELECT 1 FROM recordings
            WHERE recordings.scope = asked.scope AND recordings.name = asked.recording
        )
        AND NOT EXISTS (
            SELECT 1 FROM sessions
            WHERE sessions.scope = asked.scope AND sessions.recording = asked.recording
        )
    )
    LIMIT ?
"""

_REMOVE_ASKED = """
    DELETE FROM asked WHERE (scope, recording, since_s) IN ($)
""".replace("$", _OLD_ASKED)
