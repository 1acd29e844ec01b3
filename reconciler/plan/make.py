"""From everything that is known at one moment to a Plan. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.diagnostics import Diagnostic, ordered
from reconciler.plan.action import Action, Cause, Key, Kind, Plan
from reconciler.plan.basis import basis_of
from reconciler.plan.capacity import fit, free_places, freed_places
from reconciler.plan.claims import after_stops
from reconciler.plan.decide import decide_sessions
from reconciler.plan.expiry import MARGIN_S_MAX
from reconciler.plan.guards import objection
from reconciler.plan.notices import notices_of
from reconciler.plan.reasons import Reason
from reconciler.plan.renames import find_renames, with_renames
from reconciler.plan.session import Phase, Session
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
        basis=basis_of(world, sessions),
        refused=stands.message if stands else "",
        refused_hint=stands.hint if stands else "",
        renames=tuple(pair for pair in renames if _is_selected(world, pair[1])),
    )


def _all_actions(
    world: World, sessions: Mapping[str, Sequence[Session]], old_names: Mapping[str, str]
) -> tuple[Action, ...]:
    decided: list[Action] = []
    for name in _names(world):
        of_name = sessions.get(name, ())
        if name in old_names:
            actions = decide_sessions(world, name, of_name)
            decided += (_renamed(action, old_names[name]) for action in actions)
        elif _is_plainly_in_sync(world, name, of_name):
            decided.append(_in_sync(of_name[0]))
        else:
            decided += decide_sessions(world, name, of_name)
    seated = fit(world, decided, free_places(world), freed_places(world, decided))
    return after_stops(world, seated)


def _names(world: World) -> Iterator[str]:
    names = sorted({*world.wanted, *world.recorded})
    if not world.options.targets:
        return iter(names)
    return (name for name in names if _is_selected(world, name))


def _is_selected(world: World, name: str) -> bool:
    """Tell whether a Recording was asked for, by its own name or by that of its RecordingSet."""
    targets = world.options.targets
    if not targets or name in targets:
        return True
    known = world.wanted.get(name) or world.recorded.get(name)
    return known is not None and known.set_name in targets


def _by_recording(sessions: Iterable[Session]) -> dict[str, list[Session]]:
    found: dict[str, list[Session]] = {}
    for session in sessions:
        found.setdefault(session.recording, []).append(session)
    return found


def _is_plainly_in_sync(world: World, name: str, sessions: Sequence[Session]) -> bool:
    """Tell at a glance that nothing is to do for a Recording, which is so for most of them.

    It says no where it is not sure: `decide_sessions` comes to the same, with more work.
    """
    wanted = world.wanted.get(name)
    if wanted is None or wanted.error or len(sessions) != 1:
        return False
    session, terms = sessions[0], wanted.terms
    if session.phase is not Phase.RUNNING or session.digest != wanted.digest or session.replica:
        return False
    differs = world.comparisons.get(session.id, EQUAL) != EQUAL
    if differs or session.stop_reason or session.pending:
        return False
    if terms.schedule is not None or terms.suspend or terms.replicas != 1:
        return False
    recorded, app = world.recorded.get(name), world.apps.get(wanted.app)
    if app is None or app.error or recorded is None or recorded.override is not None:
        return False
    # No rotation is drawn that far ahead of the end; to draw its moment takes a hash.
    end_s = session.expires_s
    is_near = end_s is not None and end_s <= world.now_s + 3 * MARGIN_S_MAX
    return session.started_s is not None and not is_near


def _in_sync(session: Session) -> Action:
    return Action(
        key=Key(session.recording),
        kind=Kind.NONE,
        reason=Reason.IN_SYNC,
        message=f"`{session.recording}` is as desired",
        cause=Cause.SPEC,
        session=session.id,
    )


def _renamed(action: Action, old: str) -> Action:
    """Say of a session that needs nothing that it goes on under another name."""
    if action.kind is not Kind.NONE or not action.session:
        return action
    text = f"`{action.key}` goes on with the session of `{old}`, which was renamed"
    return replace(action, reason=Reason.RENAMED, message=text)
