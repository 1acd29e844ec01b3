"""Recordings that only changed their name: their sessions go on under the new one. Pure.

design/reconcile.md, "What changes how". The engine asks too, before it compares sessions with what
is desired of them, and writes the new names before it acts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.plan.recorded import Recorded
from reconciler.plan.removal import is_under
from reconciler.plan.world import Wanted, World

_Where = tuple[str, str, str]
"""App key, channel and mode: what a name is the only sign of."""


def find_renames(world: World) -> tuple[tuple[str, str], ...]:
    """Return (old, new) names in order.

    A gone and a new Recording are one if no other gone or new one has their App, channel and mode.
    Where not all manifests could be read, nothing is known to be gone.
    """
    if not world.options.paths or not world.options.sound:
        return ()
    new = _by_place((_is_at(world, wanted), wanted.name) for wanted in _new(world))
    if not new:
        return ()
    keys = {session.recording: session.app_key for session in world.sessions if session.may_live}
    gone = _by_place((_was_at(world, row, keys), row.name) for row in _gone(world))
    pairs = ((names, new.get(place, [])) for place, names in gone.items())
    return tuple(sorted((old[0], now[0]) for old, now in pairs if len(old) == len(now) == 1))


def with_renames(world: World, renames: Iterable[tuple[str, str]]) -> World:
    """Return the world in which these Recordings always had their new names."""
    names = dict(renames)
    if not names:
        return world
    sessions = tuple(
        replace(session, recording=names.get(session.recording, session.recording))
        for session in world.sessions
    )
    return replace(world, recorded=_renamed(world.recorded, names), sessions=sessions)


def _renamed(recorded: Mapping[str, Recorded], names: Mapping[str, str]) -> dict[str, Recorded]:
    return {
        names.get(name, name): replace(row, name=names[name]) if name in names else row
        for name, row in recorded.items()
    }


def _gone(world: World) -> Iterable[Recorded]:
    options = world.options
    return (
        recorded
        for name, recorded in world.recorded.items()
        if name not in world.wanted and (options.prune_all or is_under(recorded.source, options))
    )


def _new(world: World) -> Iterable[Wanted]:
    return (
        wanted
        for name, wanted in world.wanted.items()
        if name not in world.recorded and not wanted.error
    )


def _by_place(found: Iterable[tuple[_Where, str]]) -> dict[_Where, list[str]]:
    names: dict[_Where, list[str]] = defaultdict(list)
    for place, name in found:
        if place[0]:
            names[place].append(name)
    return names


def _is_at(world: World, wanted: Wanted) -> _Where:
    return (_app_key(world, wanted.app), wanted.channel, wanted.mode)


def _was_at(world: World, recorded: Recorded, keys: Mapping[str, str]) -> _Where:
    """Return where it was recorded; its sessions know the App ID even if no App has it now."""
    key = keys.get(recorded.name) or _app_key(world, recorded.app)
    return (key, recorded.channel, recorded.mode)


def _app_key(world: World, name: str) -> str:
    app = world.apps.get(name)
    return app.app_key if app else ""
