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

_KEPT_AS_IT_IS = tuple(field.name for field in fields(Recorded) if field.name != "override")

RECORDED_COLUMNS = (
    *_KEPT_AS_IT_IS,
    "override_since_s",
    "override_reason",
    "override_until_s",
)

_values = attrgetter(*SESSION_COLUMNS)


def _setters(kind: type, names: Iterable[str]) -> tuple[Any, ...]:
    """Return what sets these slots of a frozen dataclass.

    Filling slots one by one takes a third of the time of calling the class.
    """
    return tuple(getattr(kind, name).__set__ for name in names)


_SETTERS = _setters(Session, SESSION_COLUMNS)
_RECORDED_SETTERS = _setters(Recorded, _KEPT_AS_IT_IS)
_TERMS = _KEPT_AS_IT_IS.index("terms")
_SET_TERMS, _SET_OVERRIDE = _setters(Recorded, ("terms", "override"))
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

    Raises KeyError or ValueError for what was never written.
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
    values = [getattr(recorded, name) for name in _KEPT_AS_IT_IS]
    override = recorded.override
    if override is None:
        return [*values, None, "", None]
    return [*values, override.since_s, override.reason, override.until_s]


def recorded_of(rows: Iterable[Row]) -> dict[str, Recorded]:
    """Make Recordings, by name, of the columns `RECORDED_COLUMNS`; equal terms are one text."""
    texts: dict[str, str] = {}
    found = {}
    for row in rows:
        recorded = object.__new__(Recorded)
        for put, value in zip(_RECORDED_SETTERS, row, strict=False):
            put(recorded, value)
        _SET_TERMS(recorded, texts.setdefault(row[_TERMS], row[_TERMS]))
        _SET_OVERRIDE(recorded, _override(*row[-3:]) if row[-3] is not None else None)
        found[recorded.name] = recorded
    return found


def _override(since_s: float, reason: str, until_s: float | None) -> Override:
    return Override(since_s=since_s, reason=reason, until_s=until_s)
