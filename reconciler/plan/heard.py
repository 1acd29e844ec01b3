"""What a notification makes of a session, as `life.py` has it for answers to calls.

What ended stays ended, and nothing but the end that was told for this very session ends it: the
rest is a reason to ask (agora-api.md 8.1: order is not promised, nor is arrival). Times are those
at which the service says that it happened.
"""

from dataclasses import replace
from typing import Final

from reconciler.plan import ends, life
from reconciler.plan.session import REACHABLE, End, Phase, Session

SIGNS_MAX: Final = 16
"""So many signs are kept, the last; there are not as many kinds that say something."""

_VAGUE: Final = (End.GONE, End.EXITED, End.BROKEN)
"""Reasons that a sign heard later may make more precise, from what says least."""


def signed(session: Session, sign: str) -> Session:
    """Add a sign (`signs.py`) if it is not there; an empty one is none."""
    if not sign or sign in session.signs:
        return session
    return replace(session, signs=(*session.signs, sign)[-SIGNS_MAX:])


def exited(session: Session, at_s: float, now_s: float) -> Session:
    """Note that the service told the session's end, which no 404 has to prove any more.

    Its signs say why. A time outside its life so far is another clock's.
    """
    if session.phase in life.SETTLED:
        return _surely(session, at_s)
    if not session.sid:
        return session
    over_s = min(max(at_s, life.begun_s(session)), now_s)
    reason = life.why_ended(session, over_s, End.EXITED)
    return life.ended(replace(session, missing_s=None), reason, over_s)


def _surely(session: Session, at_s: float) -> Session:
    """Return a session that was taken for ended with the end that is now known.

    One that is said to have come after 404 had settled it says that it ended, and not when.
    """
    known = replace(session, recheck_s=None)
    if session.missing_s is None or session.ended_s is None or at_s > session.ended_s:
        return known
    return replace(known, missing_s=None, ended_s=max(at_s, life.begun_s(session)))


def corrected(session: Session) -> Session:
    """Give a session that ended the more precise reason that its signs name by now."""
    if session.end_reason not in _VAGUE:
        return session
    told = End.EXITED if ends.is_told(session) else End.GONE
    reason = ends.why(session) or (End.BROKEN if ends.is_abnormal(session) else told)
    if reason in _VAGUE and _VAGUE.index(reason) <= _VAGUE.index(End(session.end_reason)):
        return session
    return replace(session, phase=life.end_phase(reason), end_reason=reason)


def lives(session: Session, at_s: float) -> Session:
    """Note that the session recorded at that time: what was told of its end before is void.

    What is missing has 90 s more from then on.
    """
    if session.phase not in REACHABLE:
        return session
    session = ends.withdrawn(session)
    if session.missing_s is None or at_s <= session.missing_s:
        return session
    return replace(session, missing_s=at_s)


def failed_over(session: Session, at_s: float) -> Session:
    """Note that another server has taken the session over: it may not be found for a while.

    The 90 s count from the first 404 as ever (design/reconcile.md, invariant 8).
    """
    session = lives(session, at_s)
    return replace(session, phase=Phase.MISSING) if session.phase is Phase.RUNNING else session


def doubted(session: Session, at_s: float, now_s: float, *, is_alive: bool) -> Session:
    """Let an ended session be looked at again of which there is still to be heard.

    What 404 alone declared ended, whatever is heard; any other only where it did something after
    its end that takes a session which is alive. One that was let go of lives on, as it was asked.
    """
    if session.phase not in life.SETTLED or session.ended_s is None:
        return session
    if session.end_reason == End.FORGOTTEN:
        return session
    is_guessed = session.missing_s is not None and session.stop_taken_s is None
    if (is_guessed and not ends.is_told(session)) or (is_alive and at_s > session.ended_s):
        return replace(session, recheck_s=now_s)
    return session


def pushed(session: Session, status: str) -> Session:
    """Note how the RTMP push is."""
    return replace(session, rtmp_status=status) if session.phase in REACHABLE else session
