"""Stops that free a uid come before the starts that take it (design/reconcile.md). Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.plan.action import Action, Key, Kind
from reconciler.plan.world import World

_BEGINS = frozenset({Kind.START, Kind.RESTART, Kind.REPLACE, Kind.ROTATE})

_Uid = tuple[str, str, str]
"""App key, channel and uid: what no two sessions may have at once."""


def after_stops(world: World, actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions; those that may need a uid that another one frees come `after` it."""
    actions = tuple(actions)
    stopping = {action.session: action.key for action in actions if action.kind is Kind.STOP}
    if not stopping:
        return actions
    freed: dict[_Uid, set[Key]] = defaultdict(set)
    for session in world.sessions:
        if session.id in stopping:
            uid = (session.app_key, session.channel, session.uid)
            freed[uid].add(stopping[session.id])
    return tuple(_after(world, action, freed) for action in actions)


def _after(world: World, action: Action, freed: Mapping[_Uid, set[Key]]) -> Action:
    wanted = world.wanted.get(action.key.recording)
    if action.kind not in _BEGINS or wanted is None or not wanted.uids:
        return action
    app_key = world.apps[wanted.app].app_key
    keys = {key for uid in wanted.uids for key in freed.get((app_key, wanted.channel, uid), ())}
    first = sorted(keys - {*action.after}, key=lambda key: (key.recording, key.replica))
    return replace(action, after=(*action.after, *first)) if first else action
