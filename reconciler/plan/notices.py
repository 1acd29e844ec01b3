"""What a plan tells beside its actions: things that someone should look at. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.plan.action import Action, Kind
from reconciler.plan.guards import Objection
from reconciler.plan.reasons import Reason
from reconciler.plan.session import Session
from reconciler.plan.slots import is_out_of_reach
from reconciler.plan.times import rfc3339
from reconciler.plan.world import World

_NAMES_MAX = 3
"""How many recordings a notice names that is about more of them."""

_TOLD = frozenset({Reason.OTHER_PATHS, Reason.EXPIRY_UNKNOWN})


def notices_of(
    world: World, actions: Iterable[Action], objection: Objection | None
) -> list[Diagnostic]:
    """Return all notices, in any order."""
    told = [action for action in actions if action.reason in _TOLD or action.stop_first]
    found = [
        *_orphans(world),
        *_left(world, told),
        *_unresolved(world),
        *_compared(world),
        *_forced(world, told),
    ]
    if objection is not None:
        found.append(_warning("state", objection.code, objection.message, objection.hint))
    return found


def _orphans(world: World) -> Iterator[Diagnostic]:
    hint = "`reconciler status` lists it; `reconciler forget --orphan` drops it"
    for session in world.sessions:
        if is_out_of_reach(session, world.now_s):
            text = (
                f"a session of `{session.recording}` may still record channel `{session.channel}`"
                f" with uid `{session.uid}`, and no call reaches it; {_end(session)}"
            )
            yield _warning(_source(world, session.recording), "orphan", text, hint)


def _end(session: Session) -> str:
    if session.ends_by_s is None:
        return "it ends when its channel is empty"
    return f"it ends by {rfc3339(session.ends_by_s)}"


def _left(world: World, actions: list[Action]) -> Iterator[Diagnostic]:
    """Tell, by the file that they were read from, which gone Recordings are not pruned."""
    by_source: dict[str, set[str]] = defaultdict(set)
    for action in actions:
        if action.reason == Reason.OTHER_PATHS:
            name = action.key.recording
            by_source[_source(world, name)].add(name)
    hint = "give that path too, or say `--prune-all`"
    for source, names in by_source.items():
        text = f"no PATH given now covers this file, which made {_named(names)}: left as is"
        yield _warning(source, "other-paths", text, hint)


def _unresolved(world: World) -> Iterator[Diagnostic]:
    by_reference: dict[str, set[str]] = defaultdict(set)
    for name, references in world.unresolved.items():
        for reference in references:
            by_reference[reference].add(name)
    for reference, names in by_reference.items():
        text = f"`{reference}` does not resolve here; needed by {_named(names)}"
        hint = "set it where `apply` runs"
        yield _warning(_source(world, min(names)), "secret-unresolved", text, hint)


def _compared(world: World) -> Iterator[Diagnostic]:
    recordings = {session.id: session.recording for session in world.sessions}
    for session, comparison in world.comparisons.items():
        for code, message in comparison.warnings:
            yield _warning(_source(world, recordings.get(session, "")), code, message, None)


def _forced(world: World, actions: list[Action]) -> Iterator[Diagnostic]:
    """Tell of rotations that could not be planned ahead, or that leave a gap."""
    for action in actions:
        if action.kind is not Kind.ROTATE:
            continue
        source = _source(world, action.key.recording)
        if action.reason == Reason.EXPIRY_UNKNOWN:
            text = f"it is not known when the session of `{action.key}` started: it is rotated now"
            yield _warning(source, "expiry-unknown", text, None)
        if action.stop_first:
            text = f"`{action.key}` is stopped before its successor starts, or it would be too late"
            yield _warning(source, "rotation-forced", text, "some seconds are not recorded")


def _named(names: set[str]) -> str:
    first = [f"`{name}`" for name in sorted(names)[:_NAMES_MAX]]
    more = [f"{len(names) - _NAMES_MAX} more"] if len(names) > _NAMES_MAX else []
    return ", ".join(first + more)


def _source(world: World, name: str) -> str:
    known = world.wanted.get(name) or world.recorded.get(name)
    return known.source if known is not None and known.source else "state"


def _warning(file: str, code: str, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(Position(file), "", Severity.WARNING, code, message, hint)
