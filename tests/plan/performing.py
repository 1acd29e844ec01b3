"""A service that does what it is asked, and an engine that asks: as small as the laws need.

Each pass decides on every recording and carries out one action of each replica; between two passes
a while goes by, in which what was begun is done. Nothing here is known to the planner.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from reconciler.plan.action import Action, Kind
from reconciler.plan.capacity import free_places, taken_places
from reconciler.plan.decide import decide_recording
from reconciler.plan.life import SETTLED
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.slots import names_of
from reconciler.plan.world import World
from tests.plan.support import session_of

PASS_S = 20.0
_IDS = count()


def passes(world: World, limit: int) -> Iterator[tuple[World, list[Action]]]:
    """Carry out what is decided, pass after pass; yield each world with what was done last."""
    for _ in range(limit):
        done: list[Action] = []
        for name in names_of(world):
            free = free_places(world.apps, taken_places(world))
            for action in decide_recording(world, name, free):
                world = perform(world, action)
                done.append(action)
        yield world, done
        world = later(world)


def perform(world: World, action: Action) -> World:
    """Return the world after an action, as far as its calls had effect at once."""
    match action.kind:
        case Kind.START if action.session:
            return _changed(world, action.session, phase=Phase.STARTING, started_s=world.now_s)
        case Kind.START | Kind.RESTART:
            return _started(_told(world, action), action, "")
        case Kind.REPLACE | Kind.ROTATE if not action.stop_first:
            return _started(world, action, action.session)
        case Kind.STOP | Kind.REPLACE | Kind.ROTATE:
            return _told(world, action)
        case Kind.UPDATE | Kind.UPDATE_LAYOUT | Kind.UPDATE_AND_LAYOUT:
            return _settled(world, action)
        case _:
            return world


def later(world: World) -> World:
    """Return the world a while later, when what was begun is done."""
    now_s = world.now_s + PASS_S
    sessions = tuple(_later(session, now_s) for session in world.sessions)
    return replace(world, now_s=now_s, sessions=sessions)


def _later(session: Session, now_s: float) -> Session:
    if session.phase in {*SETTLED, Phase.ORPHAN, Phase.NONE}:
        return session
    if session.stop_reason and session.stop_asked_s is not None:
        return replace(session, phase=Phase.ENDED, ended_s=now_s, end_reason=session.stop_reason)
    if session.phase is Phase.MISSING:
        return replace(session, phase=Phase.ENDED, ended_s=now_s, end_reason=End.GONE)
    if session.phase is Phase.STARTING:
        return replace(session, phase=Phase.RUNNING, confirmed_s=now_s)
    return session


def _started(world: World, action: Action, replaces: str) -> World:
    wanted = world.wanted[action.key.recording]
    fresh = session_of(
        {
            "id": f"made-{next(_IDS)}",
            "phase": "starting",
            "replica": action.key.replica,
            "digest": wanted.digest,
            "mode": wanted.mode,
            "replaces": replaces,
        },
        action.key.recording,
    )
    now_s = world.now_s
    timed = replace(fresh, created_s=now_s, started_s=now_s, resource_ends_s=now_s + 259_200)
    return replace(world, sessions=(*world.sessions, timed))


def _told(world: World, action: Action) -> World:
    session = next((each for each in world.sessions if each.id == action.session), None)
    if session is None:
        return world
    reason = session.stop_reason or action.end or End.UNCONFIRMED
    now_s = world.now_s
    return _changed(
        world,
        session.id,
        stop_reason=str(reason),
        stop_asked_s=now_s,
        phase=Phase.RUNNING if session.phase is Phase.ACQUIRED else session.phase,
    )


def _settled(world: World, action: Action) -> World:
    comparisons = {key: one for key, one in world.comparisons.items() if key != action.session}
    settled = _changed(world, action.session, pending=())
    return replace(settled, comparisons=comparisons)


def _changed(world: World, session_id: str, **fields: Any) -> World:
    sessions = tuple(
        replace(session, **fields) if session.id == session_id else session
        for session in world.sessions
    )
    return replace(world, sessions=sessions)
