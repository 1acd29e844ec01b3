"""What was noted by a clock that was then set: it moves along, so that what lasted goes on lasting.

Pure.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.session import Session

AHEAD_S = 2.0
"""What is noted so little later than now, of another machine's clock, does no harm."""

_NOTED = (
    "created_s",
    "acquired_s",
    "started_s",
    "confirmed_s",
    "credentials_s",
    "observed_s",
    "asked_s",
    "missing_s",
    "unanswered_s",
    "stop_asked_s",
    "stop_taken_s",
    "ended_s",
)
_COUNTED = ("resource_ends_s", "duration_ends_s", "recheck_s")
"""Ends that were counted from a moment of this clock; those of tokens and credentials were not."""

_REMOVED = ("removed_s",)

T = TypeVar("T", Session, Override, Recorded)


def ahead_s(noted: Session | Recorded, now_s: float) -> float:
    """Return by how much it was noted by a clock that is set back now, for certain; else 0.

    That is all that a process can know of what happened before it.
    """
    by_s = max(_noted(noted), default=now_s) - now_s
    return by_s if by_s > AHEAD_S else 0.0


def _noted(noted: Session | Recorded) -> Iterator[float]:
    """Yield the moments that cannot lie ahead."""
    if isinstance(noted, Session):
        yield from (moment_s for _, moment_s in _moments(noted, _NOTED))
        return
    yield from (moment_s for _, moment_s in _moments(noted, _REMOVED))
    if noted.override is not None:
        yield noted.override.since_s


def moved(session: Session, by_s: float) -> Session:
    """Return a session as it is to be seen by a clock that was set by `by_s`.

    It ends as long after its start as before: past its resource's expiry no call reaches it
    (agora-api.md 7.6). An orphan's latest end moves unless it is that of its token.
    """
    is_counted = session.ends_by_s != session.token_ends_s
    names = (*_NOTED, *_COUNTED, *(("ends_by_s",) if is_counted else ()))
    return _moved(session, names, by_s)


def set_back(session: Session, by_s: float, now_s: float) -> Session:
    """Return the same of one that was noted ahead of now, by a clock that is set back since.

    That it was not found may have been noted after that: its 90 s never get shorter
    (agora-api.md 7.3).
    """
    after = moved(session, -by_s)
    if session.missing_s is None:
        return after
    return replace(after, missing_s=min(session.missing_s, now_s))


def recorded_moved(recorded: Recorded, by_s: float) -> Recorded:
    """Return the same of a Recording: how long it is gone, and how long it is suspended."""
    override = recorded.override
    if override is not None:
        override = _moved(override, ("since_s", "until_s"), by_s)
    return _moved(replace(recorded, override=override), _REMOVED, by_s)


def _moved(value: T, names: tuple[str, ...], by_s: float) -> T:
    changes: dict[str, Any] = {name: at_s + by_s for name, at_s in _moments(value, names)}
    return replace(value, **changes)


def _moments(
    value: Session | Override | Recorded, names: tuple[str, ...]
) -> Iterator[tuple[str, float]]:
    for name in names:
        if (moment_s := getattr(value, name)) is not None:
            yield name, moment_s
