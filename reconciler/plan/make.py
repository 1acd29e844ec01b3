"""From everything that is known at one moment to a Plan. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from reconciler.diagnostics import Diagnostic, ordered
from reconciler.plan.action import Action, Key, Kind, Plan
from reconciler.plan.basis import basis_of
from reconciler.plan.capacity import fit, free_places, freed_places, taken_places
from reconciler.plan.claims import after_stops
from reconciler.plan.decide import decide_sessions
from reconciler.plan.expiry import MARGIN_S_MAX
from reconciler.plan.guards import objection
from reconciler.plan.notices import notices_of
from reconciler.plan.reasons import Reason
from reconciler.plan.renames import find_renames, with_renames
from reconciler.plan.session import Phase, Session
from reconciler.plan.slots import names_of
from reconciler.plan.wants import Want, want
from reconciler.plan.world import EQUAL, World


def make_plan(world: World, diagnostics: Iterable[Diagnostic] = ()) -> Plan:
    """Return what to do, why, and what stands against it.

    The same for any order of what is in `world`. A plan says of each replica the next step only;
    whoever carries it out asks `decide_recording` for those that follow. `diagnostics` are what
    reading the specs and the service has told already; the plan's own join them.
    """
    renames = find_renames(world)
    world = with_renames(world, renames)
    sessions = _by_recording(world.sessions)
    actions = _all_actions(world, sessions, {new: old for old, new in renames})
    stands = objection(world, actions)
    return Plan(
        scope=world.scope,
        now_s=world.now_s,
        actions=actions,
        diagnostics=ordered((*diagnostics, *notices_of(world, actions, stands))),
        based_on=partial(basis_of, world, sessions),
        refused=stands.message if stands else "",
        refused_hint=stands.hint if stands else "",
        renames=tuple(pair for pair in renames if _is_selected(world, pair[1])),
    )


def _all_actions(
    world: World, sessions: Mapping[str, Sequence[Session]], old_names: Mapping[str, str]
) -> tuple[Action, ...]:
    decided: list[Action] = []
    for name in _selected(world):
        of_name = sessions.get(name, ())
        if name in old_names:
            actions = decide_sessions(world, name, of_name)
            decided += (_renamed(action, old_names[name]) for action in actions)
        elif (action := _plainly_in_sync(world, name, of_name)) is not None:
            decided.append(action)
        else:
            decided += decide_sessions(world, name, of_name)
    free = free_places(world.apps, taken_places(world))
    seated = fit(world, decided, free, freed_places(world, decided))
    return after_stops(world, seated)


def _selected(world: World) -> list[str]:
    return [name for name in names_of(world) if _is_selected(world, name)]


def _is_selected(world: World, name: str) -> bool:
    """Tell whether a Recording was asked for, by its own name or by that of its RecordingSet."""
    known = world.wanted.get(name) or world.recorded.get(name)
    return world.options.selects(name, known.set_name if known else "")


def _by_recording(sessions: Iterable[Session]) -> dict[str, list[Session]]:
    found: dict[str, list[Session]] = {}
    for session in sessions:
        found.setdefault(session.recording, []).append(session)
    return found


def _plainly_in_sync(world: World, name: str, sessions: Sequence[Session]) -> Action | None:
    """Return the action of a Recording for which nothing is to do, which is so for most of them.

    None where that is not seen at a glance: `decide_sessions` comes to the same, with more work.
    """
    if len(sessions) != 1 or not _runs_as_recorded(world, name, sessions[0]):
        return None
    wanted = want(world, Key(name))
    return _in_sync(sessions[0], wanted) if wanted.wanted else None


def _runs_as_recorded(world: World, name: str, session: Session) -> bool:
    wanted = world.wanted.get(name)
    if wanted is None or wanted.error or wanted.terms.replicas != 1 or session.replica:
        return False
    if session.phase is not Phase.RUNNING or session.digest != wanted.digest:
        return False
    differs = world.comparisons.get(session.id, EQUAL) != EQUAL
    if differs or session.stop_reason or session.pending:
        return False
    app = world.apps.get(wanted.app)
    if app is None or app.error or name not in world.recorded:
        return False
    # No rotation is drawn that far ahead of the end; to draw its moment takes a hash.
    end_s = session.expires_s
    is_near = end_s is not None and end_s <= world.now_s + 3 * MARGIN_S_MAX
    return session.started_s is not None and not is_near


def _in_sync(session: Session, wanted: Want) -> Action:
    return Action(
        key=Key(session.recording),
        kind=Kind.NONE,
        reason=Reason.IN_SYNC,
        message=f"`{session.recording}` is as desired",
        cause=wanted.cause,
        session=session.id,
        until_s=wanted.until_s,
    )


def _renamed(action: Action, old: str) -> Action:
    """Say of a session that needs nothing that it goes on under another name."""
    if action.kind is not Kind.NONE or not action.session or action.reason is Reason.FINAL:
        return action
    text = f"`{action.key}` goes on with the session of `{old}`, which was renamed"
    return replace(action, reason=Reason.RENAMED, message=text)
