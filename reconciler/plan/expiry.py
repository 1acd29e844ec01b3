"""When a session that should go on is rotated, and when it is stopped whatever happens.

design/reconcile.md, "expiry". The moment is drawn from the `sid`, so that sessions that were
started together are not rotated together, and every process draws the same.
"""

import hashlib

from reconciler.plan.session import REACHABLE, Session

MARGIN_S_MAX = 600.0
MARGIN_SHARE = 0.05
"""The margin is 10 minutes or this share of the session's life, whichever is less."""

FORCED_STOP_S = 60.0
"""How long before its resource expires a session is stopped: past that no call reaches it."""

UNKNOWN_START_ROTATES_S = 0.0
"""Rotate now: of one whose start is not known, it is not known either when it expires."""


def margin_s(life_s: float) -> float:
    """Return how long before its end a session that lives for `life_s` is to be replaced."""
    return min(MARGIN_S_MAX, MARGIN_SHARE * max(life_s, 0.0))


def rotate_at_s(session: Session, *, restarts_always: bool) -> float | None:
    """Return when to rotate a session, between three margins and one before its end.

    None: it has no end, or it cannot be reached. `restarts_always` is `policy.restart: always`:
    without it `web.maxDuration` is the end that is asked for, and no reason to rotate.
    """
    if session.phase not in REACHABLE:
        return None
    if session.started_s is None:
        return UNKNOWN_START_ROTATES_S
    end_s = _end_s(session, restarts_always=restarts_always)
    if end_s is None:
        return None
    return end_s - (3 - 2 * _drawn(session.sid)) * margin_s(end_s - session.started_s)


def in_last_third(session: Session, now_s: float, *, restarts_always: bool) -> bool:
    """Tell whether a rotation can no longer wait for a place: the last third of the margin began.

    Never of one whose start is not known: it may have long to live.
    """
    end_s = _end_s(session, restarts_always=restarts_always)
    if session.phase not in REACHABLE or session.started_s is None or end_s is None:
        return False
    return now_s >= end_s - margin_s(end_s - session.started_s) / 3


def forced_stop_s(session: Session) -> float | None:
    """Return when a session is stopped whether or not a successor runs; None: not known."""
    if session.phase not in REACHABLE or session.resource_ends_s is None:
        return None
    return session.resource_ends_s - FORCED_STOP_S


def _end_s(session: Session, *, restarts_always: bool) -> float | None:
    ends = [session.resource_ends_s, session.token_ends_s]
    if restarts_always:
        ends.append(session.duration_ends_s)
    return min((end for end in ends if end is not None), default=None)


def _drawn(sid: str) -> float:
    """Return a number from 0 to below 1 that only the `sid` decides."""
    return int.from_bytes(hashlib.sha256(sid.encode()).digest()[:6], "big") / 2**48
