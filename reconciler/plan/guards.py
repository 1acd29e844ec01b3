"""Safety rules: what a plan may not do without being told that it is meant (exit 3). Pure.

design/reconcile.md, "Guards"; the first rule that stands against a plan is the one that is told.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from reconciler.plan.action import Action, Kind
from reconciler.plan.recorded import terms_of
from reconciler.plan.session import REACHABLE, End, Phase, Session
from reconciler.plan.slots import policy_of
from reconciler.plan.world import World

RUNNING_MIN = 10
STOPS_SHARE_MAX = 0.3
"""Of fewer running sessions, any may be stopped; of more, at most this share."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Which rule stands against a plan, why, and what lifts it."""

    code: str
    message: str
    hint: str


def objection(
    world: World, actions: Iterable[Action], ended: Collection[str] = ()
) -> Objection | None:
    """Return the first rule that stands against these actions; None if they may be done.

    `ended` are the sessions that a `run` has ended lately, or has begun to replace: they count as
    those do that these actions end.
    """
    return _emptied(world) or _too_many(world, actions, ended)


def counted(world: World, actions: Iterable[Action]) -> list[Action]:
    """Return those actions that the rule about stops counts: they end what might go on."""
    ours = _ours(world, filter(_is_running, world.sessions))
    return [action for action in actions if action.session in ours and _counts(world, action)]


def _emptied(world: World) -> Objection | None:
    options, live = world.options, [*filter(_is_running, world.sessions)]
    if not live or not options.paths or options.allow_empty:
        return None
    hint = "if that is meant, say `--allow-empty`"
    if options.manifests == 0 and options.sound:  # what cannot be read is an error, and no world
        text = f"there is no manifest at all, while {_that_run(len(live))} in this scope"
        return Objection("guard-empty", text, hint)
    for name in sorted(options.empty_sets):
        members = {row.name for row in world.recorded.values() if row.set_name == name}
        running = sum(session.recording in members for session in live)
        if running:
            text = f"RecordingSet `{name}` yields nothing, while {_that_run(running)} that it made"
            return Objection("guard-empty", text, hint)
    return None


def ends_at_will(action: Action) -> bool:
    """Tell whether an action alone shows that it ends what might go on.

    That the closing of a window does, too, shows in that its schedule was edited.
    """
    if action.kind is Kind.REPLACE:
        return True
    return action.kind is Kind.STOP and action.end in _ENDS


def _too_many(world: World, actions: Iterable[Action], ended: Collection[str]) -> Objection | None:
    # A stop that is sent again was let through when it was first planned.
    ending = len({action.session for action in counted(world, actions)}.union(ended))
    running = len(_ours(world, filter(_is_running, world.sessions)).union(ended))
    if running < RUNNING_MIN or ending <= max(running * STOPS_SHARE_MAX, world.options.allow_stops):
        return None
    text = (
        f"{ending} of {running} running sessions would be stopped or replaced, which is more than"
        f" {STOPS_SHARE_MAX:.0%}"
    )
    return Objection("guard-stops", text, f"if that is meant, say `--allow-stops {ending}`")


def _ours(world: World, live: Iterable[Session]) -> set[str]:
    """Return the sessions that may be stopped: what is only observed makes the others no safer."""
    return {each.id for each in live if policy_of(world, each.recording).manage != "observe"}


def _counts(world: World, action: Action) -> bool:
    """Tell whether it ends a session that might go on: for a change of the specs, or on request."""
    if ends_at_will(action):
        return True
    is_closing = action.kind is Kind.STOP and action.end is End.WINDOW_CLOSED
    return is_closing and _is_edited(world, action.key.recording)


_ENDS = frozenset({End.REMOVED, End.SUSPENDED, End.SURPLUS})


def _is_edited(world: World, name: str) -> bool:
    wanted, recorded = world.wanted.get(name), world.recorded.get(name)
    if wanted is None or recorded is None:
        return True
    return wanted.terms.schedule != terms_of(recorded.terms).schedule


def _is_running(session: Session) -> bool:
    """Tell whether it runs, or would turn out to once its start is settled."""
    return session.phase in {*REACHABLE, Phase.ACQUIRED} and not session.stop_reason


def _that_run(sessions: int) -> str:
    return "1 session runs" if sessions == 1 else f"{sessions} sessions run"
