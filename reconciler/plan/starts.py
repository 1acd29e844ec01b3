"""A replica that is to record and of which nothing lives: start it, wait, or let it rest. Pure."""

from dataclasses import replace

from reconciler.plan.action import Action, Cause, Kind
from reconciler.plan.backoff import is_final, next_start_s
from reconciler.plan.life import ended, unconfirmed
from reconciler.plan.reasons import Reason
from reconciler.plan.session import ASKED, End, Session
from reconciler.plan.slots import Slot
from reconciler.plan.stops import decide_ending, stop
from reconciler.plan.times import rfc3339
from reconciler.plan.wants import reopened
from reconciler.plan.world import Wanted, World
from reconciler.spec.mapping import Change


def decide_start(slot: Slot) -> Action:
    """Return the start of what nothing records, or why it is not started now."""
    previous = _previous(slot)
    if previous is None:
        return _start(slot, Reason.NEW, "nothing records it yet")
    if previous.end_reason in ASKED:
        return _after_asked(slot, End(previous.end_reason))
    wanted = slot.world.wanted[slot.key.recording]
    if lets_stand(slot.world, wanted, previous):
        return _rest(slot, previous)
    afresh = _afresh(slot.world, wanted, previous)
    if afresh is not None:
        return _start(slot, afresh, _AFRESH[afresh], _CAUSES.get(afresh, Cause.SPEC))
    return _after_unasked(slot, previous)


def lets_stand(world: World, wanted: Wanted, last: Session) -> bool:
    """Tell whether nothing follows an end (design/spec-format.md, `restart`).

    `policy.restart` takes it as final, and nothing has happened since that begins afresh. What
    `plan` and `status` both say.
    """
    is_over = is_final(last, wanted.terms.policy.restart)
    return is_over and _afresh(world, wanted, last) is None


def has_new_wire(world: World, wanted: Wanted, previous: Session) -> bool:
    """Tell whether another request would go out; a change that nobody compared counts as one."""
    if previous.digest == wanted.digest:
        return False
    comparison = world.comparisons.get(previous.id)
    if comparison is None:
        return True
    return comparison.replaces or any(
        change.effect is not Change.LOCAL for change in comparison.changes
    )


def start_beside(slot: Slot) -> Action:
    """Return the start of the next session while the one before it is still on its way out."""
    before = slot.ending[-1]
    if slot.last is not None and slot.last.created_s > before.created_s:
        return decide_start(slot)  # it was tried since, and failed
    if before.stop_reason == End.UNCONFIRMED:
        return restart_unconfirmed(slot, before)
    return _after_asked(slot, End(before.stop_reason))


def restart_unconfirmed(slot: Slot, session: Session) -> Action:
    """Return the start of another in place of a session that did not come up.

    That one is stopped, but not waited for: as far as anybody knows it does not record.
    """
    now_s = slot.world.now_s
    given_up = unconfirmed(session, now_s)
    wanted = slot.world.wanted[slot.key.recording]
    if lets_stand(slot.world, wanted, ended(given_up, End.UNCONFIRMED, now_s)):
        return _stop_only(slot, given_up)
    if now_s < next_start_s(given_up):
        return _stop_or_wait(slot, given_up)
    text = f"restarts {slot.name}: it did not come up within 90 s, and is tried on another uid"
    action = slot.act(Kind.RESTART, Reason.UNCONFIRMED, text, Cause.FAILURE)
    return replace(action, session=session.id, end=End.UNCONFIRMED)


def _stop_only(slot: Slot, given_up: Session) -> Action:
    ending = None if given_up.stop_asked_s is None else decide_ending(slot)
    return ending or _give_up(slot, given_up)


def _stop_or_wait(slot: Slot, given_up: Session) -> Action:
    if given_up.stop_asked_s is not None:
        return wait_for_successor(slot, given_up)
    return _give_up(slot, given_up)


def _give_up(slot: Slot, given_up: Session) -> Action:
    return stop(slot, given_up, End.UNCONFIRMED, "it did not come up within 90 s", Cause.FAILURE)


def wait_for_successor(slot: Slot, failed: Session) -> Action:
    """Return the wait for the end of the back-off after a session that failed."""
    until_s = next_start_s(failed)
    if failed.end_reason == End.QUOTA:
        text = (
            f"waits: the service has no place for another session of {slot.name}, and is asked"
            f" again at {rfc3339(until_s)}"
        )
        return replace(slot.act(Kind.WAIT, Reason.NO_PLACE, text, Cause.FAILURE), until_s=until_s)
    text = f"waits: {slot.name} is started again at {rfc3339(until_s)}, after its last end"
    action = slot.act(Kind.WAIT, Reason.BACKING_OFF, text, Cause.FAILURE)
    return replace(action, until_s=until_s)


_AFRESH = {
    Reason.WINDOW_OPEN: "a window of its schedule is open",
    Reason.RESUMED: "it is no longer suspended",
    Reason.SPEC_CHANGED: "its spec has changed since it ended",
}
_CAUSES = {
    Reason.WINDOW_OPEN: Cause.SCHEDULE,
    Reason.RESUMED: Cause.REQUEST,
    Reason.NOT_RUNNING: Cause.REQUEST,
}
_AFTER = {
    End.WINDOW_CLOSED: (Reason.WINDOW_OPEN, Cause.SCHEDULE),
    End.SUSPENDED: (Reason.RESUMED, Cause.REQUEST),
    End.REPLACED: (Reason.REPLACED, Cause.SPEC),
    End.ROTATED: (Reason.ROTATED, Cause.EXPIRY),
}


def _previous(slot: Slot) -> Session | None:
    """Return the newest of what went before: one that is out of reach counts, as a failed start."""
    before = [session for session in (slot.last, slot.orphan) if session is not None]
    return max(before, key=lambda session: session.created_s, default=None)


def _after_asked(slot: Slot, end: End) -> Action:
    """Start again what was ended on request, now that it is wanted."""
    reason, cause = _AFTER.get(end, (Reason.NOT_RUNNING, Cause.SPEC))
    match reason:
        case Reason.REPLACED | Reason.ROTATED:
            why = "the session that it replaces is over"
        case Reason.NOT_RUNNING:
            why = "its spec asks for it, and nothing records it"
        case _:
            why = _AFRESH[reason]
    return _start(slot, reason, why, cause)


def _after_unasked(slot: Slot, previous: Session) -> Action:
    """Start again what ended by itself, when the back-off says so."""
    if slot.world.now_s < next_start_s(previous):
        return wait_for_successor(slot, previous)
    if previous.is_orphan or not previous.end_reason:
        why = "its last session is out of reach"
        return _start(slot, Reason.ORPHANED, why, Cause.FAILURE)
    return _restart(slot, Reason(previous.end_reason))


def _afresh(world: World, wanted: Wanted, previous: Session) -> Reason | None:
    """Tell what ends a back-off or a final end early."""
    ended_s = previous.ended_s if previous.ended_s is not None else previous.created_s
    if previous.is_orphan or not previous.end_reason:
        return None
    if has_new_wire(world, wanted, previous):
        return Reason.SPEC_CHANGED
    return reopened(world, wanted, ended_s)


def _start(slot: Slot, reason: Reason, why: str, cause: Cause = Cause.SPEC) -> Action:
    return slot.act(Kind.START, reason, f"starts {slot.name}: {why}", cause)


def _restart(slot: Slot, reason: Reason) -> Action:
    text = f"restarts {slot.name}: {_sentence(reason)}"
    return slot.act(Kind.RESTART, reason, text, Cause.FAILURE)


def _rest(slot: Slot, last: Session) -> Action:
    """Let an end stand; what changed since concerns no request, and the session agrees with it."""
    ended = f" at {rfc3339(last.ended_s)}" if last.ended_s is not None else ""
    text = (
        f"{slot.name} ended{ended} ({last.end_reason}), which `restart: {slot.policy.restart}`"
        " takes as final"
    )
    action = slot.act(Kind.NONE, Reason.FINAL, text)
    changes = slot.comparison(last).changes
    return replace(action, session=last.id, changes=changes, until_s=slot.want.until_s)


def _sentence(reason: Reason) -> str:
    return reason.meaning[0].lower() + reason.meaning[1:-1]
