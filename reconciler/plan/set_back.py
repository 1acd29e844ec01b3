"""Sessions after the clock was set back: what was noted by it lies in the future now. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.plan.session import Session

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
_COUNTED = ("resource_ends_s", "duration_ends_s", "recheck_s", "ends_by_s")
"""Ends that were counted from a moment of this clock; those of tokens and credentials were not."""


AHEAD_S = 2.0
"""What is noted so little later than now, of another machine's clock, does no harm."""


def ahead_s(sessions: Iterable[Session], now_s: float) -> float:
    """Return by how much a clock was set back for certain, from what it noted last; else 0."""
    noted = (getattr(each, name) for each in sessions for name in _NOTED)
    by_s = max((each for each in noted if each is not None), default=now_s) - now_s
    return by_s if by_s > AHEAD_S else 0.0


def set_back(session: Session, now_s: float, by_s: float) -> Session:
    """Return a session as it is to be seen by a clock that was set back by `by_s`, to `now_s`.

    Nothing happened later than now, and what ends so long after its start ends so much earlier by
    this clock: past its resource's expiry no call reaches it (agora-api.md 7.6).
    """
    noted = {name: getattr(session, name) for name in _NOTED}
    counted = {name: getattr(session, name) for name in _COUNTED}
    return replace(
        session,
        **{name: min(each, now_s) for name, each in noted.items() if each is not None},
        **{name: each - by_s for name, each in counted.items() if each is not None},
    )
