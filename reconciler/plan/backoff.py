"""Whether and when the next session starts after one that ended (design/spec-format.md, `restart`).

What ends a back-off early (a window opens, another wire configuration) is the caller's to say.
"""

from reconciler.plan.life import UNCONFIRMED_S, begun_s
from reconciler.plan.session import ASKED, End, Session
from reconciler.plan.signs import codes

GOOD_RUN_S = 600.0
"""A session that recorded for so long begins the count of failures anew."""

FIRST_GAP_S, GAP_S_MAX = 10.0, 300.0
IDLE_GAP_S = 10.0
QUOTA_GAP_S = 60.0
"""How long after the service had no place it is asked again: places come free in minutes."""

_FIXED_GAPS_S = {str(End.IDLE): IDLE_GAP_S, str(End.QUOTA): QUOTA_GAP_S}

_COMPLETE = frozenset({End.IDLE, End.MAX_DURATION, End.EXITED})
"""Ends after which there is nothing left to record."""

_NOT_BEGUN = frozenset({End.NOT_STARTED, End.QUOTA, End.REFUSED, End.CONFLICT})
"""Ends of what the service never started: another try is no restart."""


def attempt_after(last: Session | None) -> int:
    """Return the `attempt` of the session that follows `last`; None: there is none before it.

    A failure counts, and an orphan: it got out of hand. So does one that did not come up and is
    being stopped. An idle exit does not, nor does one that is reached and replaced, nor one for
    which the service had no place. A start that this program did not come to send is neither a
    failure nor a run: the count stays.
    """
    if last is not None and last.end_reason == End.INTERRUPTED:
        return last.attempt
    if last is None or _is_asked(last) or _ran_s(last) >= GOOD_RUN_S:
        return 0
    if last.end_reason in _FIXED_GAPS_S:
        return last.attempt
    return last.attempt + 1


def next_start_s(last: Session | None) -> float:
    """Return the earliest time of the start that follows `last`.

    After an idle exit always 10 s later, and a minute later where the service had no place. Else at
    once the first time, then 10 s later, and twice as long after each further failure, up to
    5 minutes.
    """
    if last is None or _is_asked(last):
        return 0.0
    if last.end_reason in _FIXED_GAPS_S:
        return _over_s(last) + _FIXED_GAPS_S[last.end_reason]
    gap_s = 0.0
    for _ in range(1, attempt_after(last)):
        gap_s = min(gap_s * 2 or FIRST_GAP_S, GAP_S_MAX)
    return _over_s(last) + gap_s


def is_final(last: Session, restart: str) -> bool:
    """Tell whether `policy.restart` wants nothing after this end.

    An end that was asked for is never final here. Nor is a session complete that was over before it
    was seen to record, unless notifications say that this was normal. `never` lets a start that did
    not come about be tried again; one that was not confirmed in time counts as a session that
    ended.
    """
    if not last.end_reason or last.end_reason in ASKED:
        return False
    match restart:
        case "on-failure":
            return last.end_reason in _COMPLETE and not _is_stillborn(last)
        case "never":
            return last.end_reason not in _NOT_BEGUN
        case _:
            return False


def _is_stillborn(last: Session) -> bool:
    # That its recorder left says nothing of why; an exit does (agora-api.md 8.4).
    is_told = bool(codes(last, "exit") or codes(last, "web"))
    return last.end_reason == End.EXITED and last.confirmed_s is None and not is_told


def _is_asked(last: Session) -> bool:
    if last.end_reason:
        return last.end_reason in ASKED
    return not (last.is_orphan or last.stop_reason == End.UNCONFIRMED)


def _ran_s(session: Session) -> float:
    if session.confirmed_s is None:
        return 0.0
    return _over_s(session) - session.confirmed_s


def _over_s(session: Session) -> float:
    """Return when a session ended, or was given up; of an orphan, the last that was known of it."""
    if session.ended_s is not None:
        return session.ended_s
    if session.stop_reason == End.UNCONFIRMED and not session.is_orphan:
        return begun_s(session) + UNCONFIRMED_S
    known = (session.asked_s, session.started_s, session.acquired_s)
    return max((moment for moment in known if moment is not None), default=session.created_s)
