"""When a session is looked at next, and when a stop is sent to it again.

Pure functions of the session alone, so that any process that reads state comes to the same moment.
A moment that has passed means now. Between two looks the client repeats what got no answer
(agora-api.md 6.10); one that stayed unanswered is made up for by the next.
"""

from math import inf

from reconciler.plan import ends
from reconciler.plan.life import MISSING_S, RECHECK_FIRST_S, UNCONFIRMED_S, begun_s
from reconciler.plan.session import REACHABLE, Phase, Session

_START_STEPS_S = (5.0, 15.0, 30.0, 45.0, 60.0, 75.0, UNCONFIRMED_S)
"""Looks after a start and after a stop: the gaps grow 5, 10, 15 s (agora-api.md 7.2)."""

_MISSING_STEPS_S = (5.0, 15.0, 30.0, 60.0, MISSING_S)
"""Looks after the first 404 (agora-api.md 7.3)."""

_START_LATE_S = 15.0
_MISSING_LATE_S = 30.0
_STOP_LATE_S = 60.0

SILENT_S = 60.0
"""After that, one unanswered query is no longer an accident of the way."""

STOP_GAP_S, STOP_GAP_MAX_S = 10.0, 300.0
"""How long after a stop that the service did not take the next one goes out; doubles each time."""

STOP_TAKEN_GAP_S = 90.0
"""The same after one that it took and that was not confirmed (agora-api.md 7.3)."""


def next_look_s(session: Session, resync_s: float) -> float | None:
    """Return when to look at a session next; None: never.

    That is to query it; to drop an orphan; to resolve a start of which nothing is known. A running
    one is queried every `resync_s`.
    """
    match session.phase:
        case Phase.NONE:
            return None
        case Phase.ACQUIRED:
            return session.created_s if session.acquired_s is None else session.acquired_s
        case Phase.ORPHAN:
            return session.ends_by_s
        case Phase.ENDED | Phase.FAILED:
            return _recheck_s(session)
        case _:
            return _query_s(session, resync_s)


def is_silent(session: Session, now_s: float) -> bool:
    """Tell whether nothing has been told of a session for so long that people should know."""
    return session.unanswered_s is not None and now_s - session.unanswered_s >= SILENT_S


def next_stop_s(session: Session) -> float | None:
    """Return when a stop goes out to a session that has to end; None: never.

    At once if none was sent (0), then with growing gaps until it ended or is out of reach.
    """
    if session.phase not in REACHABLE or not session.stop_reason:
        return None
    if session.stop_asked_s is None:
        return 0.0
    gap_s = STOP_GAP_S
    for _ in range(1, session.stops):
        gap_s = min(gap_s * 2, STOP_GAP_MAX_S)
    if session.stop_taken_s is not None:
        gap_s = max(gap_s, STOP_TAKEN_GAP_S)
    next_s = session.stop_asked_s + gap_s
    is_too_late = session.resource_ends_s is not None and next_s >= session.resource_ends_s
    return None if is_too_late else next_s


def _query_s(session: Session, resync_s: float) -> float:
    if session.stop_asked_s is not None:
        look_s = _step(session, session.stop_asked_s, _START_STEPS_S, _STOP_LATE_S)
        return min(look_s, _gone_s(session)) if session.phase is Phase.MISSING else look_s
    if session.phase is Phase.STARTING:
        return _step(session, begun_s(session), _START_STEPS_S, _START_LATE_S)
    if session.missing_s is not None:
        return _step(session, session.missing_s, _MISSING_STEPS_S, _MISSING_LATE_S)
    # A notification told that it is being moved, or that it ends; the next one may be lost.
    if session.phase is Phase.MISSING or ends.is_told(session):
        return _last_heard_s(session) + _MISSING_LATE_S
    return _last_heard_s(session) + resync_s


def _gone_s(session: Session) -> float:
    """Return when another 404 tells that a session has ended."""
    if session.missing_s is None:
        return inf
    gone_s = session.missing_s + MISSING_S
    return gone_s if session.asked_s is None or session.asked_s < gone_s else inf


def _step(session: Session, since_s: float, steps_s: tuple[float, ...], late_s: float) -> float:
    """Return the first step after the last look, or one `late_s` after it if all were taken."""
    asked_s = since_s if session.asked_s is None else max(session.asked_s, since_s)
    later = (since_s + step_s for step_s in steps_s if since_s + step_s > asked_s)
    return next(later, asked_s + late_s)


def _last_heard_s(session: Session) -> float:
    heard = (session.asked_s, session.observed_s, session.confirmed_s, session.started_s)
    return max((moment for moment in heard if moment is not None), default=session.created_s)


def _recheck_s(session: Session) -> float | None:
    if session.recheck_s is None or session.asked_s is None or session.asked_s < session.recheck_s:
        return session.recheck_s
    return session.asked_s + RECHECK_FIRST_S
