"""What is true, for checkers: which sessions are ours, and how wrong the host's clock was.

All of it is the service's own world, and what was committed to state.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.plan.session import Session
from reconciler.simulator.session import READY, Phase, Tick
from reconciler.simulator.session import Session as Simulated
from tests.daemon.cast import SOUTH
from tests.daemon.wires import Call

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

ROUNDED_S = 1.0
"""Moments are compared with that much between them: some are kept in whole seconds."""


def living(sim: "Simulation") -> Iterator[tuple[Simulated, Session | None]]:
    """Yield each session of ours that the service runs, and what state has of it."""
    for session in sim.stage.simulator.lived().active.values():
        if session.phase is Phase.LIVE and session.sid not in sim.foreign:
            yield session, sim.book.by_resource(session.resource_id)


def lives(sim: "Simulation", known: Session) -> Simulated | None:
    """Return the session of the service that state means, if it lives."""
    session = sim.stage.simulator.lived().by_resource.get(known.resource_id)
    return session if session is not None and session.phase is Phase.LIVE else None


def came_up(sim: "Simulation", known: Session) -> bool:
    """Tell whether the session that state means ever recorded."""
    session = sim.stage.simulator.world.by_resource.get(known.resource_id)
    return session is not None and session.status >= READY


def ends_s(session: Simulated) -> float | None:
    """Return when the session will end by itself if nothing else happens; None: never."""
    ends = (session.due.get(Tick.HOURS), session.due.get(Tick.TOKEN))
    return min((end for end in ends if end is not None), default=None)


def app_of(sim: "Simulation", sid: str) -> str:
    """Return the App that notifications of a session are sent for."""
    session = sim.stage.simulator.world.sessions.get(sid)
    is_south = session is not None and session.identity.app_id == SOUTH
    return "south" if is_south else "north"


def called_so(known: Session) -> str:
    """Return how messages call a session."""
    return f"{known.recording}[{known.replica}] {known.id[:6]} ({known.sid[:6] or 'no sid'})"


def claimed_by(sim: "Simulation", call: Call) -> Session | None:
    """Return the session that an acquire is for: the newest that claimed its uid."""
    app = "south" if call.app_id == SOUTH else "north"
    what = (app, call.body["cname"], call.body["uid"])
    sessions = reversed(sim.book.sessions.values())
    return next((each for each in sessions if (each.app, each.channel, each.uid) == what), None)


class HostClock:
    """How far the host's clock was from the truth, and when: what state notes is in its seconds."""

    def __init__(self, sim: "Simulation") -> None:
        self._sim = sim
        self._settings = [(0.0, 0.0)]

    def look(self) -> None:
        """Look at the clock; called whenever somebody may have set it."""
        wrong_s = self._sim.clock.wrong_s
        if wrong_s != self._settings[-1][1]:
            self._settings.append((self._sim.now_s, wrong_s))

    def jump_s(self, since_s: float) -> float:
        """Return by how much two moments may be wrong to each other, of those since then."""
        wrong_s = self._wrong_s(since_s)
        return max(wrong_s) - min(wrong_s) + ROUNDED_S

    def shown(self, from_s: float, until_s: float) -> tuple[float, float]:
        """Return the first and the last moment that it may have shown between two true ones."""
        wrong_s = self._wrong_s(from_s)
        return from_s + min(wrong_s), until_s + max(wrong_s)

    def _wrong_s(self, since_s: float) -> list[float]:
        """Return how wrong it was at this moment and later."""
        found = []
        for at_s, wrong_s in reversed(self._settings):
            found.append(wrong_s)
            if at_s <= since_s:
                break
        return found
