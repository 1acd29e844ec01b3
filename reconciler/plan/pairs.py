"""Two sessions of one replica: a replacement, which any run can finish (design/reconcile.md)."""

from dataclasses import replace

from reconciler.plan.action import Action, Cause, Kind
from reconciler.plan.life import UNCONFIRMED_S, begun_s, unconfirmed_due
from reconciler.plan.reasons import Reason
from reconciler.plan.running import is_forced, rotates
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.slots import Slot
from reconciler.plan.stops import stop
from reconciler.plan.times import rfc3339
from reconciler.plan.waits import wait_missing, wait_or_start_again


def decide_pair(slot: Slot) -> Action:
    """Return the next step of a replacement: the confirmed one that fits the spec stays."""
    before, after = _roles(slot)
    if is_forced(before, slot.world.now_s):
        why = "soon no call would reach it; its successor goes on"
        action = stop(slot, before, End.ROTATED, why, Cause.EXPIRY)
        return replace(action, reason=Reason.RESOURCE_EXPIRY)
    match after.phase:
        case Phase.ACQUIRED:
            return wait_or_start_again(slot, after)
        case Phase.STARTING:
            return _coming_up(slot, after)
        case Phase.MISSING:
            return wait_missing(slot, after)
        case _:
            return _finish(slot, before, after)


def _roles(slot: Slot) -> tuple[Session, Session]:
    """Return the predecessor and the successor; of any others the oldest goes first."""
    ids = {session.id for session in slot.current}
    successors = [session for session in slot.current if session.replaces in ids]
    after = (successors or slot.current)[-1]
    before = next(session for session in slot.current if session is not after)
    return before, after


def _coming_up(slot: Slot, after: Session) -> Action:
    if unconfirmed_due(after, slot.world.now_s):
        why = "it did not come up within 90 s; the one that it was to replace goes on"
        return stop(slot, after, End.UNCONFIRMED, why, Cause.FAILURE)
    until_s = begun_s(after) + UNCONFIRMED_S
    text = f"waits: the successor of {slot.name} is coming up, until {rfc3339(until_s)} at most"
    action = slot.act(Kind.WAIT, Reason.REPLACING, text)
    return replace(action, session=after.id, until_s=until_s)


def _finish(slot: Slot, before: Session, after: Session) -> Action:
    if slot.comparison(after).replaces:
        why = "the spec has changed again since it was started"
        action = stop(slot, after, End.UNWANTED, why, Cause.SPEC)
        return replace(action, reason=Reason.SUPERSEDED)
    # With its rotation comes what `protect`, `forbid` or `defer` has held back until then.
    is_changed = slot.comparison(before).replaces and not rotates(slot, before)
    end, cause = (End.REPLACED, Cause.SPEC) if is_changed else (End.ROTATED, Cause.EXPIRY)
    return stop(slot, before, end, f"uid `{after.uid}` records in its place", cause)
