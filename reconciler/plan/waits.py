"""Sessions of which it is not known yet what they do: wait, or send a start again. Pure."""

from dataclasses import replace

from reconciler.plan.action import Action, Cause, Kind
from reconciler.plan.life import MISSING_S, UNCONFIRMED_S, begun_s, unconfirmed_due
from reconciler.plan.reasons import Reason
from reconciler.plan.session import Session
from reconciler.plan.slots import Slot
from reconciler.plan.starts import restart_unconfirmed
from reconciler.plan.times import rfc3339


def wait_or_start_again(slot: Slot, session: Session) -> Action:
    """Return what settles a session whose start may have been sent: the identical start again."""
    if slot.world.held:
        return wait_in_hand(slot, session)
    text = f"starts {slot.name}: a start was begun, and it is not known what came of it"
    action = slot.act(Kind.START, Reason.START_UNSETTLED, text, Cause.FAILURE)
    return replace(action, session=session.id)


def wait_in_hand(slot: Slot, session: Session) -> Action:
    """Return the wait for another run, which is starting a session now."""
    text = f"waits: another run is starting {slot.name}"
    return replace(slot.act(Kind.WAIT, Reason.IN_HAND, text), session=session.id)


def wait_starting(slot: Slot, session: Session) -> Action:
    """Return the wait for a session to come up, or another start if it took too long."""
    if unconfirmed_due(session, slot.world.now_s):
        return restart_unconfirmed(slot, session)
    text = f"waits: {slot.name} is coming up"
    return _until(
        slot.act(Kind.WAIT, Reason.STARTING, text), session, begun_s(session) + UNCONFIRMED_S
    )


def wait_missing(slot: Slot, session: Session) -> Action:
    """Return the wait for the service to find a session again, or to be sure that it is gone."""
    since_s = slot.world.now_s if session.missing_s is None else session.missing_s
    text = f"waits: the service does not find {slot.name}, which a failover explains"
    action = slot.act(Kind.WAIT, Reason.MISSING, text, Cause.FAILURE)
    return _until(action, session, since_s + MISSING_S)


def _until(action: Action, session: Session, until_s: float) -> Action:
    message = f"{action.message}, until {rfc3339(until_s)} at most"
    return replace(action, message=message, session=session.id, until_s=until_s)
