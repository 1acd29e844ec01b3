"""Values to rows and back. Small typed columns, no JSON where thousands are read."""

import json
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.session import Phase, Session
from reconciler.state.database import Row, Value

SESSION_COLUMNS = tuple(field.name for field in fields(Session))

RECORDED_COLUMNS = (
    "name",
    "app",
    "channel",
    "mode",
    "digest",
    "terms",
    "source",
    "set_name",
    "generation",
    "removed_s",
    "override_since_s",
    "override_reason",
    "override_until_s",
)

_values = attrgetter(*SESSION_COLUMNS)
_SETTERS: tuple[Any, ...] = tuple(getattr(Session, name).__set__ for name in SESSION_COLUMNS)
_PHASE, _PAUSED, _PENDING = map(SESSION_COLUMNS.index, ("phase", "paused", "pending"))
_PHASES = {str(phase): phase for phase in Phase}


def is_settled(session: Session) -> bool:
    """Tell whether nothing is left to do for a session: it will not be looked at again."""
    is_stopping = bool(session.stop_reason) and session.ended_s is None
    return not (
        session.may_live
        or session.phase is Phase.NONE
        or session.recheck_s is not None
        or is_stopping
    )


def session_values(session: Session) -> list[Value]:
    """Return a session's values in the order of `SESSION_COLUMNS`."""
    values = list(_values(session))
    values[_PENDING] = json.dumps(session.pending) if session.pending else ""
    return values


def session_of(row: Row) -> Session:
    """Make a session of the columns `SESSION_COLUMNS`.

    Raises KeyError or ValueError for what was never written. Slots are filled one by one: that
    takes half the time of calling the class, which sets each field of a frozen one by name.
    """
    session = object.__new__(Session)
    for put, value in zip(_SETTERS, row, strict=True):
        put(session, value)
    _SETTERS[_PHASE](session, _PHASES[row[_PHASE]])
    _SETTERS[_PENDING](session, tuple(json.loads(row[_PENDING])) if row[_PENDING] else ())
    if row[_PAUSED] is not None:
        _SETTERS[_PAUSED](session, bool(row[_PAUSED]))
    return session


def recorded_values(recorded: Recorded) -> list[Value]:
    """Return a Recording's values in the order of `RECORDED_COLUMNS`."""
    values = [getattr(recorded, name) for name in RECORDED_COLUMNS[:-3]]
    override = recorded.override
    if override is None:
        return [*values, None, "", None]
    return [*values, override.since_s, override.reason, override.until_s]


def recorded_of(rows: Iterable[Row]) -> dict[str, Recorded]:
    """Make Recordings, by name, of the columns `RECORDED_COLUMNS`; equal terms are one text."""
    texts: dict[str, str] = {}
    return {
        row[0]: Recorded(
            name=row[0],
            app=row[1],
            channel=row[2],
            mode=row[3],
            digest=row[4],
            terms=texts.setdefault(row[5], row[5]),
            source=row[6],
            set_name=row[7],
            generation=row[8],
            removed_s=row[9],
            override=None
            if row[10] is None
            else Override(since_s=row[10], reason=row[11], until_s=row[12]),
        )
        for row in rows
    }
