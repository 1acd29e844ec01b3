"""Events: what happened to a session, told from what it was before and is now. Pure."""

from reconciler.plan.session import ASKED, Phase, Session
from reconciler.state.store import Event

NORMAL = "normal"
WARNING = "warning"


def events(before: Session | None, after: Session, now_s: float) -> list[Event]:
    """Return what to tell of a session's step from one phase to another."""
    if before is not None and before.phase is after.phase:
        return []
    found = _of_phase(before, after)
    if found is None:
        return []
    kind, reason, message = found
    return [event(after.recording, kind, reason, message, now_s)]


def event(recording: str, kind: str, reason: str, message: str, now_s: float) -> Event:
    """Return an event."""
    return Event(time_s=now_s, recording=recording, type=kind, reason=reason, message=message)


def _of_phase(before: Session | None, after: Session) -> tuple[str, str, str] | None:
    named = f"session {after.sid or after.id} (uid {after.uid})"
    match after.phase:
        case Phase.STARTING:
            return NORMAL, "started", f"{named} was started"
        case Phase.RUNNING if before is not None and before.phase is Phase.MISSING:
            return NORMAL, "found", f"{named} answers again"
        case Phase.RUNNING if before is not None and before.phase in {Phase.ENDED, Phase.FAILED}:
            return WARNING, "alive", f"{named} was taken for ended and lives: it is stopped"
        case Phase.RUNNING:
            return NORMAL, "recording", f"{named} is recording"
        case Phase.MISSING:
            return WARNING, "missing", f"{named} was not found; it may be moving to another server"
        case Phase.ORPHAN:
            return WARNING, "orphan", f"{named} may live out of reach"
        case Phase.ENDED | Phase.FAILED:
            kind = NORMAL if after.end_reason in ASKED else WARNING
            return kind, after.end_reason, f"{named} ended: {after.end_reason}"
        case _:
            return None
