"""Keep history within its bounds, a slice at a time, so that nobody waits long for the others."""

from reconciler.state.database import Database, Value
from reconciler.state.store import Bounds

ROWS_SLICE = 5_000
SESSIONS_SLICE = 250

_APPENDED = ("journal", "events")

# The newest of a replica goes only with its Recording, and after all others of that replica.
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
        )
    )
    LIMIT ?
"""


def trim(database: Database, now_s: float, bounds: Bounds) -> None:
    """Remove what is older or more than the bounds; each slice is a transaction of its own."""
    for table in _APPENDED:
        by_age = ("time_s < ?", now_s - bounds.history_age_s)
        while _trim_appended(database, table, *by_age) == ROWS_SLICE:
            pass
        by_count = ("number <= ?", _surplus(database, table, bounds.history_rows_max))
        while _trim_appended(database, table, *by_count) == ROWS_SLICE:
            pass
    while _trim_sessions(database, now_s - bounds.sessions_age_s):
        pass


def _surplus(database: Database, table: str, rows_max: int) -> Value:
    """Return the number of the newest row that is too many, -1 if none is."""
    sql = ("SELECT number FROM", table, "ORDER BY number DESC LIMIT 1 OFFSET ?")
    with database.reading() as run:
        numbers = list(run(" ".join(sql), (rows_max,)))
    return int(numbers[0][0]) if numbers else -1


def _trim_appended(database: Database, table: str, condition: str, bound: Value) -> int:
    """Remove a slice of what fits the condition; return how many rows that were."""
    find = ("SELECT number FROM", table, "WHERE", condition, "ORDER BY number LIMIT ?")
    remove = ("DELETE FROM", table, "WHERE number <= ? AND", condition)
    with database.reading() as run:
        numbers = list(run(" ".join(find), (bound, ROWS_SLICE)))
    if numbers:
        with database.writing() as run:
            run(" ".join(remove), (numbers[-1][0], bound))
    return len(numbers)


def _trim_sessions(database: Database, ended_before_s: float) -> int:
    """Remove a slice of the old sessions; return how many were found."""
    with database.reading() as run:
        old = [row[0] for row in run(_OLD_SESSIONS, (ended_before_s, SESSIONS_SLICE))]
    if old:
        marks = ", ".join("?" * len(old))
        with database.writing() as run:
            run(_REMOVE_SESSIONS.replace("$", marks), old)
            run(_REMOVE_DETAILS.replace("$", marks), old)
    return len(old)


_REMOVE_SESSIONS = "DELETE FROM sessions WHERE settled = 1 AND id IN ($)"

_REMOVE_DETAILS = """
    DELETE FROM details WHERE session IN ($)
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = details.session)
"""
