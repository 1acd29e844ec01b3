"""The writing half of the store's SQL: one function for each kind of change.

Each runs inside the transaction of its commit. `number` orders what is only appended.
"""

from typing import assert_never

from reconciler.plan.recorded import Recorded
from reconciler.state.database import Run, plain
from reconciler.state.rows import (
    ASKED_COLUMNS,
    NOTICE_COLUMNS,
    RECORDED_COLUMNS,
    SESSION_COLUMNS,
    asked_values,
    is_settled,
    notice_values,
    recorded_values,
    session_values,
)
from reconciler.state.store import (
    Answer,
    Asked,
    Change,
    Condition,
    DropRecorded,
    Event,
    Gap,
    JournalEntry,
    Notice,
    Rename,
    SetApp,
    SetCounter,
    SetFiles,
    SetRecorded,
    SetSession,
)

REPEAT_S = 600.0
"""An event that comes again within ten minutes of its row is counted there."""


def write(run: Run, scope: str, change: Change, number: int) -> None:
    """Write one change of a commit."""
    match change:
        case SetSession():
            _set_session(run, scope, change)
        case SetRecorded():
            _set_recorded(run, scope, change.recorded)
        case DropRecorded():
            run("DELETE FROM recordings WHERE scope = ? AND name = ?", (scope, change.name))
            run("DELETE FROM conditions WHERE scope = ? AND recording = ?", (scope, change.name))
        case Rename():
            _rename(run, scope, change)
        case Condition():
            _set_condition(run, scope, change)
        case Asked():
            _set_asked(run, scope, change)
        case Event() | JournalEntry() | Notice():
            _append(run, scope, change, number)
        case SetFiles() | SetCounter() | SetApp() | Gap() | Answer():
            _set_row(run, scope, change)
        case _:
            assert_never(change)


def _set_row(run: Run, scope: str, change: SetFiles | SetCounter | SetApp | Gap | Answer) -> None:
    match change:
        case SetFiles():
            run(_SET_FILES, (change.session, change.files, change.upload))
        case SetCounter():
            run(_SET_COUNTER, (scope, change.recording, change.replica, change.counter))
        case SetApp():
            run(_SET_APP, (scope, change.name, change.manifest))
        case Gap():
            run(_SET_GAP, (change.session, change.from_s, change.until_s, change.cause))
        case Answer():
            run(_SET_ANSWER, (change.text, change.answered_s, change.request, scope))
        case _:
            assert_never(change)


def _insert(table: str, columns: tuple[str, ...]) -> str:
    values = ", ".join("?" * len(columns))
    return " ".join(("INSERT INTO", table, "(", ", ".join(columns), ") VALUES (", values, ")"))


def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    conflict = ("ON CONFLICT (", ", ".join(key), ") DO UPDATE SET", changes)
    return " ".join((_insert(table, key + columns), *conflict))


_SET_SESSION = _upsert("sessions", ("id",), ("scope", "settled", "current", *SESSION_COLUMNS[1:]))

_SET_RECORDED = _upsert("recordings", ("scope", "name"), RECORDED_COLUMNS[1:])

_SET_COUNTER = _upsert("counters", ("scope", "recording", "replica"), ("counter",))

_SET_APP = _upsert("apps", ("scope", "name"), ("manifest",))

_SET_GAP = _upsert("gaps", ("session", "from_s"), ("until_s", "cause"))

_SET_APPLIED = """
    INSERT INTO details (session, applied, files, upload) VALUES (?, ?, '', '')
    ON CONFLICT (session) DO UPDATE SET applied = excluded.applied
"""

_SET_FILES = """
    INSERT INTO details (session, files, upload) VALUES (?, ?, ?)
    ON CONFLICT (session) DO UPDATE SET
        files = CASE WHEN excluded.files = '' THEN details.files ELSE excluded.files END,
        upload = CASE WHEN excluded.upload = '' THEN details.upload ELSE excluded.upload END
"""

_SET_CONDITION = """
    INSERT INTO conditions (scope, recording, replica, type, status, reason, message, since_s)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, recording, replica, type) DO UPDATE SET
        since_s = CASE
            WHEN conditions.status = excluded.status THEN conditions.since_s
            ELSE excluded.since_s
        END,
        status = excluded.status,
        reason = excluded.reason,
        message = excluded.message
"""

_APPEND_JOURNAL = """
    INSERT INTO journal (number, session, time_s, step, what, detail) VALUES (?, ?, ?, ?, ?, ?)
"""

_APPEND_EVENT = """
    INSERT INTO events (number, scope, recording, time_s, type, reason, message, count)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

_APPEND_NOTICE = _insert("notices", ("number", "scope", *NOTICE_COLUMNS))

_SET_ANSWER = """
    UPDATE requests SET answer = ?, answered_s = ?
    WHERE number = ? AND scope = ? AND answer IS NULL
"""

# `current` are those not settled, and of each replica the newest and what ended after it: a
# predecessor that outlived its successor decides what follows. What is settled and neither of both
# any more is no longer; what has become one by a rename or a removal is again.
_NO_LONGER_CURRENT = """
    UPDATE sessions SET current = 0
    WHERE scope = ? AND recording = ? AND current = 1 AND settled = 1 AND EXISTS (
        SELECT 1 FROM sessions AS newer
        WHERE newer.scope = sessions.scope
            AND newer.recording = sessions.recording
            AND newer.replica = sessions.replica
            AND (newer.created_s, newer.id) > (sessions.created_s, sessions.id)
            AND (
                newer.settled = 0
                OR coalesce(newer.ended_s, newer.created_s)
                    >= coalesce(sessions.ended_s, sessions.created_s)
            )
    )
"""

_EVER_S = -1e18

_CURRENT_AGAIN = """
    UPDATE sessions SET current = 1
    WHERE scope = ? AND recording = ? AND current = 0
    AND coalesce(ended_s, created_s) > ? AND NOT EXISTS (
        SELECT 1 FROM sessions AS newer
        WHERE newer.scope = sessions.scope
            AND newer.recording = sessions.recording
            AND newer.replica = sessions.replica
            AND (newer.created_s, newer.id) > (sessions.created_s, sessions.id)
            AND (
                newer.settled = 0
                OR coalesce(newer.ended_s, newer.created_s)
                    >= coalesce(sessions.ended_s, sessions.created_s)
            )
    )
"""


def _set_session(run: Run, scope: str, change: SetSession) -> None:
    session = change.session
    before = list(
        run("SELECT scope, recording, replica, created_s FROM sessions WHERE id = ?", (session.id,))
    )
    identity, *values = session_values(session)
    settled = is_settled(session)
    run(_SET_SESSION, (identity, scope, settled, 1, *values))
    place = (scope, session.recording, session.replica, session.created_s)
    moved = not before or before[0] != place
    if settled or moved:  # what a query saw of one that goes on makes no other one the newest
        run(_NO_LONGER_CURRENT, (scope, session.recording))
    if settled:  # it no longer stands before what ended after it
        over_s = session.created_s if session.ended_s is None else session.ended_s
        run(_CURRENT_AGAIN, (scope, session.recording, over_s))
    if before and moved:
        run(_CURRENT_AGAIN, (*before[0][:2], _EVER_S))
    if change.applied is not None:
        run(_SET_APPLIED, (session.id, change.applied))


def _set_recorded(run: Run, scope: str, recorded: Recorded) -> None:
    name, *values = recorded_values(recorded)
    run(_SET_RECORDED, (scope, name, *values))


def _set_condition(run: Run, scope: str, change: Condition) -> None:
    key = (scope, change.recording, change.replica, change.type)
    run(_SET_CONDITION, (*key, change.status, change.reason, change.message, change.since_s))


def _append(run: Run, scope: str, change: Event | JournalEntry | Notice, number: int) -> None:
    match change:
        case Event():
            _append_event(run, scope, change, number)
        case Notice():
            run(_APPEND_NOTICE, (number, scope, *notice_values(change)))
        case JournalEntry():
            values = (change.session, change.time_s, change.step, change.what, change.detail)
            run(_APPEND_JOURNAL, (number, *values))
        case _:
            assert_never(change)


def _append_event(run: Run, scope: str, event: Event, number: int) -> None:
    what = (event.type, event.reason, event.message)
    for last, since_s, *last_what in run(_LAST_EVENT, (scope, event.recording)):
        if last_what == [plain(text) for text in what] and 0 <= event.time_s - since_s < REPEAT_S:
            run("UPDATE events SET count = count + ? WHERE number = ?", (event.count, last))
            return
    run(_APPEND_EVENT, (number, scope, event.recording, event.time_s, *what, event.count))


_LAST_EVENT = """
    SELECT number, time_s, type, reason, message FROM events
    WHERE scope = ? AND recording = ? ORDER BY number DESC LIMIT 1
"""


def _set_asked(run: Run, scope: str, asked: Asked) -> None:
    """Write what is asked from now on; what was to be asked later is void: a clock was set back."""
    recording, since_s, *what = [plain(value) for value in asked_values(asked)]
    for row in run(_LAST_ASKED, (scope, recording)):
        if list(row) == what:
            return
    run(_DROP_ASKED, (scope, recording, since_s))
    run(_ADD_ASKED, (scope, recording, since_s, *what))


_LAST_ASKED = """
    SELECT $ FROM asked WHERE scope = ? AND recording = ? ORDER BY since_s DESC LIMIT 1
""".replace("$", ", ".join(ASKED_COLUMNS[2:]))

_DROP_ASKED = "DELETE FROM asked WHERE scope = ? AND recording = ? AND since_s >= ?"

_ADD_ASKED = _insert("asked", ("scope", *ASKED_COLUMNS))

# Where both names have a row, that of the old name is kept; of two counters the larger.
_RENAME = (
    """
    DELETE FROM recordings WHERE scope = ? AND name = ?
        AND EXISTS (SELECT 1 FROM recordings AS old WHERE old.scope = ? AND old.name = ?)
    """,
    """
    DELETE FROM conditions WHERE scope = ? AND recording = ? AND EXISTS (
        SELECT 1 FROM conditions AS old WHERE old.scope = ? AND old.recording = ?
            AND old.replica = conditions.replica AND old.type = conditions.type
    )
    """,
    """
    DELETE FROM counters WHERE scope = ? AND recording = ? AND EXISTS (
        SELECT 1 FROM counters AS old WHERE old.scope = ? AND old.recording = ?
            AND old.replica = counters.replica AND old.counter >= counters.counter
    )
    """,
    """
    DELETE FROM asked WHERE scope = ? AND recording = ? AND since_s >= (
        SELECT min(since_s) FROM asked AS old WHERE old.scope = ? AND old.recording = ?
    )
    """,
)

_COUNTERS_LEFT = """
    DELETE FROM counters WHERE scope = ? AND recording = ? AND EXISTS (
        SELECT 1 FROM counters AS larger WHERE larger.scope = ? AND larger.recording = ?
            AND larger.replica = counters.replica
    )
"""

_MOVE = (
    "UPDATE recordings SET name = ? WHERE scope = ? AND name = ?",
    "UPDATE conditions SET recording = ? WHERE scope = ? AND recording = ?",
    "UPDATE counters SET recording = ? WHERE scope = ? AND recording = ?",
    "UPDATE events SET recording = ? WHERE scope = ? AND recording = ?",
    "UPDATE asked SET recording = ? WHERE scope = ? AND recording = ?",
    "UPDATE sessions SET recording = ? WHERE scope = ? AND recording = ?",
)


def _rename(run: Run, scope: str, change: Rename) -> None:
    before, after = change.before, change.after
    if before == after:
        return
    for sql in _RENAME:
        run(sql, (scope, after, scope, before))
    run(_COUNTERS_LEFT, (scope, before, scope, after))
    for sql in _MOVE:
        run(sql, (after, scope, before))
    run(_NO_LONGER_CURRENT, (scope, after))
