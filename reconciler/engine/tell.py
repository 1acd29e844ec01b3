"""Events: what happened to a session, told from what it was before and is now. Pure."""

from reconciler.plan import life
from reconciler.plan.explain import explain, why
from reconciler.plan.looks import is_silent
from reconciler.plan.recorded import Terms
from reconciler.plan.result import Problem
from reconciler.plan.session import ASKED, Phase, Session
from reconciler.state.store import Event

NORMAL = "normal"
WARNING = "warning"


def events(
    before: Session | None, after: Session, now_s: float, terms: Terms | None = None
) -> list[Event]:
    """Return what to tell of a session's step from one phase to another.

    `terms` are those of its Recording: with them an end also says what follows. What is learned of
    an end only later is told too.
    """
    found = _of_phase(before, after, now_s, terms) if _is_news(before, after) else None
    if found is None:
        return []
    kind, reason, message = found
    return [event(after.recording, kind, reason, message, now_s)]


def silences(before: Session, after: Session, problem: Problem | None) -> list[Event]:
    """Return that the service tells nothing of a session any more, or that it does again."""
    now_s = after.asked_s or 0.0
    name, named = after.recording, f"session {after.sid} (uid {after.uid})"
    was, now = is_silent(before, before.asked_s or 0.0), is_silent(after, now_s)
    if now and not was:
        why = problem.message if problem else "it gives no answer that tells anything"
        said = f"{named} cannot be asked, and is left as it is: {why}"
        return [event(name, WARNING, problem.code if problem else "unanswered", said, now_s)]
    if was and after.unanswered_s is None:
        return [event(name, NORMAL, "answered", f"{named} is told of again", now_s)]
    return []


def event(recording: str, kind: str, reason: str, message: str, now_s: float) -> Event:
    """Return an event."""
    return Event(time_s=now_s, recording=recording, type=kind, reason=reason, message=message)


def _is_news(before: Session | None, after: Session) -> bool:
    if before is None or before.phase is not after.phase:
        return True
    return after.phase in life.SETTLED and why(before) != why(after)


def _of_phase(
    before: Session | None, after: Session, now_s: float, terms: Terms | None
) -> tuple[str, str, str] | None:
    named = f"session {after.sid or after.id} (uid {after.uid})"
    if after.phase in life.SETTLED:
        return _of_end(named, after, now_s, terms)
    if after.phase is Phase.RUNNING and before is not None and before.phase in _AGAIN:
        kind, reason, said = _AGAIN[before.phase]
    elif after.phase in _TOLD:
        kind, reason, said = _TOLD[after.phase]
    else:
        return None
    return kind, reason, f"{named} {said}"


def _of_end(named: str, after: Session, now_s: float, terms: Terms | None) -> tuple[str, str, str]:
    if after.end_reason in ASKED:
        return NORMAL, after.end_reason, f"{named} ended: {after.end_reason}"
    said = explain(after, terms, now_s).text
    return WARNING, after.end_reason, f"{named} ended: {said}"


_TOLD = {
    Phase.STARTING: (NORMAL, "started", "was started"),
    Phase.RUNNING: (NORMAL, "recording", "is recording"),
    Phase.MISSING: (WARNING, "missing", "was not found; it may be moving to another server"),
    Phase.ORPHAN: (WARNING, "orphan", "may live out of reach"),
}
_ALIVE = (WARNING, "alive", "was taken for ended, and lives")
_AGAIN = {
    Phase.MISSING: (NORMAL, "found", "answers again"),
    Phase.ENDED: _ALIVE,
    Phase.FAILED: _ALIVE,
}
