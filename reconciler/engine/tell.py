"""Events: what happened to a session, told from what it was before and is now. Pure."""

from reconciler.plan import life
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
    if after.phase in life.SETTLED:
        kind = NORMAL if after.end_reason in ASKED else WARNING
        return kind, after.end_reason, f"{named} ended: {after.end_reason}"
    if after.phase is Phase.RUNNING and before is not None and before.phase in _AGAIN:
        kind, reason, said = _AGAIN[before.phase]
    elif after.phase in _TOLD:
        kind, reason, said = _TOLD[after.phase]
    else:
        return None
    return kind, reason, f"{named} {said}"


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
