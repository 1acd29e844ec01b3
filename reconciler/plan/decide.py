"""What to do for one Recording now: the decision that plan, apply and the daemon share. Pure.

Level-based: it is made of values alone, whatever happened before. Whoever acts on it asks again
after each step, with the same `at_s`, until nothing is left to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.plan.action import Action, Cause, Key, Kind
from reconciler.plan.capacity import fit
from reconciler.plan.pairs import decide_pair
from reconciler.plan.reasons import Reason
from reconciler.plan.removal import decide_removed
from reconciler.plan.running import decide_running, is_forced
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.slots import Slot, slots_of
from reconciler.plan.starts import decide_start, start_beside
from reconciler.plan.stops import decide_ending, decide_stop, lets_start, stop
from reconciler.plan.waits import wait_in_hand, wait_missing, wait_or_start_again, wait_starting
from reconciler.plan.world import World


def decide_recording(
    world: World, name: str, free: Mapping[tuple[str, bool], int] | None = None
) -> tuple[Action, ...]:
    """Return the next action of each replica of a Recording, in order.

    `free` are the places that are free now, by App key and whether for web recordings; None: no
    limit is applied.
    """
    sessions = [session for session in world.sessions if session.recording == name]
    actions = decide_sessions(world, name, sessions)
    return actions if free is None else fit(world, actions, free)


def decide_sessions(world: World, name: str, sessions: Iterable[Session]) -> tuple[Action, ...]:
    """Return the same for a Recording with these sessions, all places taken to be free.

    Of one that neither the specs nor state know any more, only what has to end is stopped.
    """
    slots = slots_of(world, name, sessions)
    if name not in world.wanted and name not in world.recorded:
        endings = map(decide_ending, slots)
        return tuple(ending for ending in endings if ending is not None)
    obstacle = _obstacle(world, name)
    if obstacle is not None:
        return _blocked(name, slots, *obstacle)
    decided = ((slot, _decide(slot)) for slot in slots)
    return tuple(_as_managed(slot, action) for slot, action in decided if action is not None)


def _decide(slot: Slot) -> Action | None:
    ending = decide_ending(slot)
    if not slot.want.wanted:
        return _unwanted(slot, ending)
    if not slot.current:
        return _nothing_goes_on(slot, ending)
    if ending is not None and ending.kind is Kind.STOP:
        return ending
    action = decide_pair(slot) if len(slot.current) > 1 else _single(slot, slot.current[0])
    return action if ending is None else _beside_ending(slot, action, ending)


def _unwanted(slot: Slot, ending: Action | None) -> Action | None:
    is_observed = slot.policy.manage == "observe"  # what is gone is forgotten, and not stopped
    if ending is not None and ending.kind is Kind.STOP and not is_observed:
        return ending
    if slot.want.end is End.REMOVED:
        return decide_removed(slot) or ending
    if slot.current:
        return decide_stop(slot)
    if ending is not None or slot.want.end is End.SURPLUS:
        return ending
    want = slot.want
    text = f"{slot.name} does not record: {want.why}"
    return replace(slot.act(Kind.NONE, want.reason, text, want.cause), until_s=want.until_s)


def _nothing_goes_on(slot: Slot, ending: Action | None) -> Action:
    if slot.world.held and slot.claimed is not None:
        return wait_in_hand(slot, slot.claimed)
    if ending is None:
        return decide_start(slot)
    action = start_beside(slot) if lets_start(slot) else ending
    return ending if action.kind is Kind.WAIT and ending.kind is Kind.STOP else action


def _single(slot: Slot, session: Session) -> Action:
    match session.phase:
        case Phase.ACQUIRED:
            return wait_or_start_again(slot, session)
        case Phase.STARTING:
            return wait_starting(slot, session)
        case Phase.MISSING if not is_forced(session, slot.world.now_s):
            return wait_missing(slot, session)
        case _:
            return decide_running(slot, session)


def _beside_ending(slot: Slot, action: Action, ending: Action) -> Action:
    """Let no third session start: what has to end ends first."""
    session = slot.current[0]
    if action.kind is Kind.RESTART:
        return stop(slot, session, End.UNCONFIRMED, "it did not come up in time", Cause.FAILURE)
    if action.kind is Kind.ROTATE and action.stop_first:
        return stop(slot, session, End.ROTATED, "soon no call would reach it", Cause.EXPIRY)
    return ending if action.kind in {Kind.NONE, Kind.REPLACE, Kind.ROTATE} else action


def _as_managed(slot: Slot, action: Action) -> Action:
    """Say only what would be done, where `policy.manage` is `observe`."""
    if slot.policy.manage != "observe" or action.kind is Kind.NONE:
        return action
    text = f"{slot.name} is only observed; else: {action.message}"
    seen = slot.act(Kind.NONE, Reason.OBSERVED, text, action.cause)
    return replace(seen, session=action.session, changes=action.changes, until_s=action.until_s)


def _obstacle(world: World, name: str) -> tuple[Reason, str] | None:
    """Return why no call can be made for a Recording, or nothing be known of what it should be."""
    wanted, recorded = world.wanted.get(name), world.recorded.get(name)
    if wanted is not None and wanted.error:
        return Reason.SPEC_INVALID, wanted.error
    app = world.apps.get(wanted.app if wanted else recorded.app if recorded else "")
    if app is not None and app.error:
        hint = f"; {app.error_hint}" if app.error_hint else ""
        return app.error_reason, app.error + hint
    if app is None and wanted is not None:
        return Reason.APP_INVALID, f"there is no App `{wanted.app}`"
    return None


def _blocked(name: str, slots: list[Slot], reason: Reason, why: str) -> tuple[Action, ...]:
    """Return one error for each replica that lives, or for the first; nothing is stopped anew.

    A stop that was asked for goes on where only the manifest is in the way.
    """
    living = [slot for slot in slots if slot.current or slot.ending]
    if not living:
        is_gone = bool(slots) and slots[0].want.end is End.REMOVED
        return () if is_gone else (_error(Key(name), reason, why),)
    return tuple(_blocked_one(slot, reason, why) for slot in living)


def _blocked_one(slot: Slot, reason: Reason, why: str) -> Action:
    may_go_on = reason is Reason.SPEC_INVALID and slot.policy.manage != "observe"
    ending = decide_ending(slot) if may_go_on else None
    if ending is not None and ending.kind is Kind.STOP:
        return ending
    return _error(slot.key, reason, why)


def _error(key: Key, reason: Reason, why: str) -> Action:
    text = f"nothing can be done for `{key}`: {why}"
    return Action(key=key, kind=Kind.ERROR, reason=reason, message=text, cause=Cause.SPEC)
