"""A session that records and is to go on: is it as desired, and how long may it live? Pure."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.plan.action import Action, Cause, FieldChange, Kind, Known
from reconciler.plan.backoff import next_start_s
from reconciler.plan.expiry import forced_stop_s, in_last_third, rotate_at_s
from reconciler.plan.reasons import Reason
from reconciler.plan.session import End, Session
from reconciler.plan.slots import Slot
from reconciler.plan.starts import has_new_wire, wait_for_successor
from reconciler.plan.times import rfc3339
from reconciler.plan.world import Comparison
from reconciler.spec.groups import Group
from reconciler.spec.mapping import Change


def decide_running(slot: Slot, session: Session) -> Action:
    """Return what a recording session needs: a successor, an update, or nothing."""
    rotation = _rotation(slot, session)
    if rotation is not None:
        return rotation
    comparison = slot.comparison(session)
    action = _replacement(slot, session, comparison) if comparison.replaces else None
    action = action or _update(slot, session, comparison) or _no_call(slot, session, comparison)
    return replace(action, session=session.id, changes=comparison.changes or comparison.ignored)


def is_forced(session: Session, now_s: float) -> bool:
    """Tell whether it has to be stopped now, since soon no call would reach it."""
    stop_s = forced_stop_s(session)
    return stop_s is not None and now_s >= stop_s


def rotates(slot: Slot, session: Session) -> bool:
    """Tell whether the time has come to hand it over, whatever its spec says."""
    rotates_s = rotate_at_s(session, restarts_always=slot.policy.restart == "always")
    return rotates_s is not None and slot.world.now_s >= rotates_s


def _rotation(slot: Slot, session: Session) -> Action | None:
    """Return the hand-over of a session whose end is near; no policy but `restart` is asked."""
    if not rotates(slot, session):
        return None
    now_s, always = slot.world.now_s, slot.policy.restart == "always"
    reason, why = _clock(session, always=always)
    stop_first = is_forced(session, now_s)
    failed = _failed_successor(slot, session)
    if failed is not None and not stop_first and now_s < next_start_s(failed):
        urgent = in_last_third(session, now_s, restarts_always=always)
        if failed.end_reason != End.QUOTA or not urgent:
            return replace(wait_for_successor(slot, failed), session=session.id)
        stop_first, why = True, f"{why}; the service has no place, so it is stopped first"
    action = slot.act(Kind.ROTATE, reason, f"hands {slot.name} over: {why}", Cause.EXPIRY)
    return replace(action, session=session.id, end=End.ROTATED, stop_first=stop_first)


def _clock(session: Session, *, always: bool) -> tuple[Reason, str]:
    """Return which clock ends the session first."""
    if session.started_s is None:
        return Reason.EXPIRY_UNKNOWN, "it is not known when it started, so not when it expires"
    clocks = [
        (session.resource_ends_s, Reason.RESOURCE_EXPIRY, "its resource expires"),
        (session.token_ends_s, Reason.TOKEN_EXPIRY, "its token ends"),
        (session.duration_ends_s if always else None, Reason.MAX_DURATION, "`maxDuration` ends it"),
    ]
    known = [(end_s, reason, why) for end_s, reason, why in clocks if end_s is not None]
    end_s, reason, why = min(known, key=lambda clock: clock[0])
    return reason, f"{why} at {rfc3339(end_s)}"


def _failed_successor(slot: Slot, session: Session) -> Session | None:
    """Return the newest session that was to take over and has ended, or got out of reach."""
    tried = [each for each in (slot.last, slot.orphan) if each and each.replaces == session.id]
    return max(tried, key=lambda each: each.created_s, default=None)


def _replacement(slot: Slot, session: Session, comparison: Comparison) -> Action | None:
    """Return what becomes of a change that takes a new session; None: only the rest is sent."""
    if slot.policy.protect:
        text = f"{slot.name} would be replaced, which `protect: true` forbids"
        return _forbidden(slot.act(Kind.ERROR, Reason.PROTECTED, text), comparison)
    match slot.policy.replace:
        case "forbid":
            text = f"{slot.name} would be replaced, which `replace: forbid` forbids"
            return _forbidden(slot.act(Kind.ERROR, Reason.REPLACE_FORBIDDEN, text), comparison)
        case "defer":
            if _groups(session, comparison):
                return None
            text = f"{slot.name} takes the change with its next start (`replace: defer`)"
            return slot.act(Kind.NONE, Reason.DEFERRED, text)
        case policy:
            return _replace(slot, session, stop_first=policy == "stop-first")


def _forbidden(error: Action, comparison: Comparison) -> Action:
    """Return the error; fresh credentials go out beside it, or the files would be lost.

    Their time has come whatever the spec says (design/spec-format.md, `refresh`).
    """
    fresh = tuple(group for group in comparison.groups if group is Group.CREDENTIALS)
    return replace(error, groups=fresh)


def _replace(slot: Slot, session: Session, *, stop_first: bool) -> Action:
    failed = _failed_successor(slot, session)
    if failed is not None and slot.world.now_s < next_start_s(failed):
        wanted = slot.world.wanted[slot.key.recording]
        if not has_new_wire(slot.world, wanted, failed):
            return wait_for_successor(slot, failed)
    order = "it is stopped first" if stop_first else "its successor starts first"
    text = f"replaces {slot.name}: what changed takes another session, and {order}"
    action = slot.act(Kind.REPLACE, Reason.SPEC_CHANGED, text, _cause_of(slot.comparison(session)))
    return replace(action, end=End.REPLACED, stop_first=stop_first)


def _update(slot: Slot, session: Session, comparison: Comparison) -> Action | None:
    groups = _groups(session, comparison)
    if not groups:
        return None
    reason, cause = _why_updated(comparison)
    parts = ", ".join(groups)
    rest = "; the rest waits for its next start" if comparison.replaces else ""
    action = slot.act(_update_kind(groups), reason, f"updates {slot.name}: {parts}{rest}", cause)
    return replace(action, groups=groups)


def _groups(session: Session, comparison: Comparison) -> tuple[Group, ...]:
    """Return what to send, in the order of sending; what is not known to have arrived, too."""
    found = {*map(Group, session.pending), *comparison.groups}
    return tuple(group for group in Group if group in found)


def _update_kind(groups: tuple[Group, ...]) -> Kind:
    if Group.LAYOUT not in groups:
        return Kind.UPDATE
    return Kind.UPDATE_LAYOUT if len(groups) == 1 else Kind.UPDATE_AND_LAYOUT


def _why_updated(comparison: Comparison) -> tuple[Reason, Cause]:
    if not comparison.groups:
        return Reason.UNSETTLED, Cause.SPEC
    if set(comparison.groups) == {Group.CREDENTIALS}:
        return Reason.CREDENTIALS, Cause.CREDENTIALS
    cause = _cause_of(comparison)
    return (Reason.DRIFT if cause is Cause.DRIFT else Reason.SPEC_CHANGED), cause


def _cause_of(comparison: Comparison) -> Cause:
    """Return `drift` where all that is acted on was observed to differ from what was applied."""
    acted_on = [change for change in comparison.changes if change.effect is not Change.LOCAL]
    return Cause.DRIFT if acted_on and _all_observed(acted_on) else Cause.SPEC


def _all_observed(changes: Iterable[FieldChange]) -> bool:
    return all(change.known is Known.OBSERVED for change in changes)


def _no_call(slot: Slot, session: Session, comparison: Comparison) -> Action:
    """Return the action for a session that needs none."""
    if comparison.ignored and not comparison.changes:
        text = f"{slot.name} differs only in what `policy.ignore` names"
        return slot.act(Kind.NONE, Reason.IGNORED, text)
    if comparison.changes or session.digest != slot.digest:
        text = f"{slot.name} takes what changed with its next session"
        return slot.act(Kind.NONE, Reason.RECORDED, text)
    action = slot.act(Kind.NONE, Reason.IN_SYNC, f"{slot.name} is as desired", slot.want.cause)
    return replace(action, until_s=slot.want.until_s)
