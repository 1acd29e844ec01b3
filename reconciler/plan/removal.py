"""Recordings that are gone from the specs: which of them are stopped, and which are left. Pure."""

from dataclasses import replace
from posixpath import normpath

from reconciler.plan.action import Action, Kind
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Recorded
from reconciler.plan.session import End, Session
from reconciler.plan.slots import Slot
from reconciler.plan.stops import decide_stop
from reconciler.plan.times import rfc3339
from reconciler.plan.world import Options


def decide_removed(slot: Slot) -> Action | None:
    """Return what becomes of a gone Recording's session; None: nothing lives, or nobody asks."""
    recorded = slot.world.recorded.get(slot.key.recording)
    is_observed = slot.policy.manage == "observe"
    left = (*slot.current, *(slot.ending if is_observed else ()))
    if not left or recorded is None or not slot.world.options.paths:
        return None
    kept = why_kept(slot.world.options, recorded)
    if kept is not None:
        return slot.act(Kind.NONE, kept, f"{slot.name} goes on: {_KEPT[kept]}")
    due_s = prune_due_s(slot.world.options, recorded)
    if due_s is not None:
        text = f"{slot.name} is gone from the specs, and is left until {rfc3339(due_s)} at least"
        return replace(slot.act(Kind.WAIT, Reason.PRUNE_DELAYED, text), until_s=due_s)
    if is_observed:
        return _let_go(slot, left[0], Reason.FORGOTTEN, "it was only observed")
    if slot.policy.on_removal == "leave":
        return _let_go(slot, left[0], Reason.LEFT_RUNNING, "`onRemoval: leave`")
    return decide_stop(slot)


def why_kept(options: Options, recorded: Recorded) -> Reason | None:
    """Return why a Recording that no manifest makes is not pruned; None: it is."""
    if not options.prune:
        return Reason.PRUNE_OFF
    if not (options.prune_all or is_under(recorded.source, options)):
        return Reason.OTHER_PATHS
    return None if options.sound else Reason.PRUNE_HELD


def prune_due_s(options: Options, recorded: Recorded) -> float | None:
    """Return when a `run` may prune what is gone; None: now.

    A second load, after `--prune-delay`, must agree (design/reconcile.md, "Guards").
    """
    if options.prune_delay_s is None:
        return None
    if recorded.removed_s is None:
        return options.loaded_s + options.prune_delay_s
    due_s = recorded.removed_s + options.prune_delay_s
    return None if options.loaded_s > recorded.removed_s and options.loaded_s >= due_s else due_s


def is_under(source: str, options: Options) -> bool:
    """Tell whether a manifest was read from under one of the PATHs given now."""
    return any(_covers(normpath(path), normpath(source)) for path in options.paths)


def _covers(folder: str, source: str) -> bool:
    """Tell whether a folder or file is or holds another, both from the same place.

    Without a checkout that place is the current folder: a spec may lie beside it or above.
    """
    ups, source_ups = _ups(folder), _ups(source)
    if folder in {".", "/".join([".."] * ups)}:
        return source_ups <= ups and not source.startswith("/")
    return source == folder or source.startswith(f"{folder}/")


def _ups(path: str) -> int:
    return path.split("/").count("..")


_KEPT = {
    Reason.PRUNE_OFF: "it is gone from the specs, and `--no-prune` leaves it",
    Reason.PRUNE_HELD: (
        "not all manifests could be read, and a Recording whose file cannot be read is not one"
        " that was removed"
    ),
    Reason.OTHER_PATHS: "it was read from other paths than those given now",
}


def _let_go(slot: Slot, session: Session, reason: Reason, why: str) -> Action:
    text = f"{slot.name} is gone from the specs and is forgotten, its session goes on: {why}"
    action = slot.act(Kind.NONE, reason, text)
    return replace(action, session=session.id, end=End.FORGOTTEN)
