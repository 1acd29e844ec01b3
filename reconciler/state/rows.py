"""Values to rows and back. Small typed columns, no JSON where thousands are read."""

import json
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.session import Phase, Session
from reconciler.state.database import Row, Value
from reconciler.state.store import Asked, Gap, Notice, Request

SESSION_COLUMNS = tuple(field.name for field in fields(Session))

_KEPT_AS_IT_IS = tuple(field.name for field in fields(Recorded) if field.name != "override")

_OVERRIDE_COLUMNS = ("override_since_s", "override_reason", "override_until_s")

RECORDED_COLUMNS = (*_KEPT_AS_IT_IS, *_OVERRIDE_COLUMNS)

ASKED_COLUMNS = ("recording", "since_s", "terms", *_OVERRIDE_COLUMNS)

NOTICE_COLUMNS = tuple(field.name for field in fields(Notice))

_values = attrgetter(*SESSION_COLUMNS)


def _setters(kind: type, names: Iterable[str]) -> tuple[Any, ...]:
    """Return what sets these slots of a frozen dataclass.

    Filling slots one by one takes a third of the time of calling the class.
    """
    return tuple(getattr(kind, name).__set__ for name in names)


_SETTERS = _setters(Session, SESSION_COLUMNS)
_RECORDED_SETTERS = _setters(Recorded, _KEPT_AS_IT_IS)
_ASKED_SETTERS = _setters(Asked, ASKED_COLUMNS[:3])
(_SET_ASKED_OVERRIDE,) = _setters(Asked, ("override",))
_TERMS = _KEPT_AS_IT_IS.index("terms")
_SET_TERMS, _SET_OVERRIDE = _setters(Recorded, ("terms", "override"))
_PHASE, _PAUSED = map(SESSION_COLUMNS.index, ("phase", "paused"))
_LISTS = tuple(map(SESSION_COLUMNS.index, ("pending", "signs")))
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
    for index in _LISTS:
        values[index] = json.dumps(values[index]) if values[index] else ""
    return values


def session_of(row: Row) -> Session:
    """Make a session of the columns `SESSION_COLUMNS`.

    Raises KeyError or ValueError for what was never written.
    """
    session = object.__new__(Session)
    for put, value in zip(_SETTERS, row, strict=True):
        put(session, value)
    _SETTERS[_PHASE](session, _PHASES[row[_PHASE]])
    for index in _LISTS:
        _SETTERS[index](session, tuple(json.loads(row[index])) if row[index] else ())
    if row[_PAUSED] is not None:
        _SETTERS[_PAUSED](session, bool(row[_PAUSED]))
    return session


def recorded_values(recorded: Recorded) -> list[Value]:
    """Return a Recording's values in the order of `RECORDED_COLUMNS`."""
    values = [getattr(recorded, name) for name in _KEPT_AS_IT_IS]
    return [*values, *_override_values(recorded.override)]


def recorded_of(rows: Iterable[Row]) -> dict[str, Recorded]:
    """Make Recordings, by name, of the columns `RECORDED_COLUMNS`; equal terms are one text."""
    texts: dict[str, str] = {}
    found = {}
    for row in rows:
        recorded = object.__new__(Recorded)
        for put, value in zip(_RECORDED_SETTERS, row, strict=False):
            put(recorded, value)
        _SET_TERMS(recorded, texts.setdefault(row[_TERMS], row[_TERMS]))
        _SET_OVERRIDE(recorded, _override(*row[-3:]))
        found[recorded.name] = recorded
    return found


def asked_values(asked: Asked) -> list[Value]:
    """Return the values of a row in the order of `ASKED_COLUMNS`."""
    return [asked.recording, asked.since_s, asked.terms, *_override_values(asked.override)]


def asked_of(row: Row) -> Asked:
    """Make of the columns `ASKED_COLUMNS` what a Recording was asked."""
    asked = object.__new__(Asked)
    for put, value in zip(_ASKED_SETTERS, row, strict=False):
        put(asked, value)
    _SET_ASKED_OVERRIDE(asked, _override(*row[-3:]))
    return asked


def gap_of(row: Row) -> Gap:
    """Make a gap of its columns in the order of its fields."""
    session, from_s, until_s, cause = row
    return Gap(session=session, from_s=from_s, until_s=until_s, cause=cause)


def notice_values(notice: Notice) -> list[Value]:
    """Return a notification's values in the order of `NOTICE_COLUMNS`."""
    return [getattr(notice, name) for name in NOTICE_COLUMNS]


def notice_of(row: Row) -> Notice:
    """Make a notification of the columns `NOTICE_COLUMNS`."""
    return Notice(**dict(zip(NOTICE_COLUMNS, row, strict=True)))


def request_of(row: Row) -> Request:
    """Make a request of its columns in the order of its fields."""
    created_s, command, arguments = row
    return Request(created_s=created_s, command=command, arguments=arguments)


def _override_values(override: Override | None) -> tuple[Value, Value, Value]:
    if override is None:
        return None, "", None
    return override.since_s, override.reason, override.until_s


def _override(since_s: float | None, reason: str, until_s: float | None) -> Override | None:
    if since_s is None:
        return None
    return Override(since_s=since_s, reason=reason, until_s=until_s)
