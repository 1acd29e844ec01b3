"""Stops that free a uid come before the starts that take it (design/reconcile.md). Pure."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.plan.action import Action, Key, Kind
from reconciler.plan.world import World

_BEGINS = frozenset({Kind.START, Kind.RESTART, Kind.REPLACE, Kind.ROTATE})


def after_stops(world: World, actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions; those that may need a uid that another one frees come `after` it."""
    actions = tuple(actions)
    stopping = {action.session: action.key for action in actions if action.kind is Kind.STOP}
    if not stopping:
        return actions
    freed = {
        (session.app_key, session.channel, session.uid): stopping[session.id]
        for session in world.sessions
        if session.id in stopping
    }
    return tuple(_after(world, action, freed) for action in actions)


def _after(world: World, action: Action, freed: dict[tuple[str, str, str], Key]) -> Action:
    wanted = world.wanted.get(action.key.recording)
    if action.kind not in _BEGINS or wanted is None or not wanted.uids:
        return action
    app_key = world.apps[wanted.app].app_key
    claimed = (freed.get((app_key, wanted.channel, uid)) for uid in wanted.uids)
    keys = {key for key in claimed if key is not None and key not in action.after}
    first = sorted(keys, key=lambda key: (key.recording, key.replica))
    return replace(action, after=(*action.after, *first)) if first else action
