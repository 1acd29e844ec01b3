"""Ends: of sessions that were asked to stop, and of replicas that are not to record. Pure."""

from dataclasses import replace

from reconciler.plan.action import Action, Cause, Kind
from reconciler.plan.looks import STOP_TAKEN_GAP_S, next_stop_s
from reconciler.plan.reasons import Reason
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.slots import Slot
from reconciler.plan.times import rfc3339

UNCONFIRMED_MAX = 2
"""How many sessions that did not come up may be on their way out beside a new one."""


def decide_ending(slot: Slot) -> Action | None:
    """Return the next stop of a session that has to end, or the wait for its end; None: no such."""
    actions = [_go_on_stopping(slot, session) for session in slot.ending]
    stops = [action for action in actions if action.kind is Kind.STOP]
    return next(iter(stops or actions), None)


def lets_start(slot: Slot) -> bool:
    """Tell whether another session may start beside those that are ending."""
    if len(slot.ending) >= UNCONFIRMED_MAX:
        return False
    return all(_lets_start(session, slot.world.now_s) for session in slot.ending)


def decide_stop(slot: Slot) -> Action:
    """Return the stop of what lives of a replica that is not to record, one session at a time."""
    want = slot.want
    if slot.policy.protect and want.end in {End.REMOVED, End.SURPLUS}:
        text = f"{slot.name} would be stopped since {want.why}, which `protect: true` forbids"
        action = slot.act(Kind.ERROR, Reason.PROTECTED, text)
        return replace(action, session=slot.current[0].id)
    ids = " and ".join(f"uid `{session.uid}`" for session in slot.current)
    assert want.end is not None  # only an unreadable manifest has none, and stops nothing
    return stop(slot, slot.current[0], want.end, f"{want.why} ({ids})", want.cause)


def stop(slot: Slot, session: Session, end: End, why: str, cause: Cause) -> Action:
    """Return the stop of a session, whose end is to be called `end`."""
    action = slot.act(Kind.STOP, Reason(end.value), f"stops {slot.name}: {why}", cause)
    return replace(action, session=session.id, end=end)


def _go_on_stopping(slot: Slot, session: Session) -> Action:
    end, cause = End(session.stop_reason), _CAUSES.get(session.stop_reason, Cause.SPEC)
    due_s = _due_s(slot, session)
    if due_s is None or slot.world.now_s < due_s:
        until = f"; if it does not end, it is told again at {rfc3339(due_s)}" if due_s else ""
        text = f"waits: {slot.name} was told to stop (uid `{session.uid}`){until}"
        action = slot.act(Kind.WAIT, Reason.STOPPING, text, cause)
        return replace(action, session=session.id, until_s=due_s)
    if session.stop_asked_s is None:
        return stop(slot, session, end, f"it has to end (uid `{session.uid}`)", cause)
    text = f"stops {slot.name} again: it is not known to have ended (uid `{session.uid}`)"
    action = slot.act(Kind.STOP, Reason.STOP_UNCONFIRMED, text, cause)
    return replace(action, session=session.id, end=end)


def _due_s(slot: Slot, session: Session) -> float | None:
    """Return when the next stop goes out; a start that is not settled is settled first."""
    if session.phase is Phase.ACQUIRED:
        return None if slot.world.held else 0.0
    return next_stop_s(session)


def _lets_start(session: Session, now_s: float) -> bool:
    """Tell whether the successor need not wait for the session's end (design/reconcile.md)."""
    match session.stop_reason:
        case End.UNCONFIRMED:
            return True
        case End.REPLACED | End.ROTATED:
            taken_s = session.stop_taken_s
            return taken_s is not None and now_s >= taken_s + STOP_TAKEN_GAP_S
        case _:
            return False


_CAUSES = {
    str(End.WINDOW_CLOSED): Cause.SCHEDULE,
    str(End.SUSPENDED): Cause.REQUEST,
    str(End.REQUESTED): Cause.REQUEST,
    str(End.ROTATED): Cause.EXPIRY,
    str(End.UNCONFIRMED): Cause.FAILURE,
}
