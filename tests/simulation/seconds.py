"""When each replica of each Recording had a session that was up, as the service knows it.

Whose a session is, state said before it was started (`book.py`): what it is called, it says now.
What of that time there was anything to record is the channel's business, and nobody's here.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.plan.spans import Span, Spans, span, union
from reconciler.simulator.session import READY, Phase, Session

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

EVER: Span = (0, 2**40)

UNSEEN_S = 120.0 * 1.1 + 90.0 + 35.0
"""How long an end may go unnoticed that nobody tells of: `--resync`, what is missing, a start."""

Key = tuple[str, int]
"""A Recording and a replica."""


def ours(sim: "Simulation") -> Iterator[Session]:
    """Yield every session of ours that the service ever had, in order of their starts."""
    sessions = sim.stage.simulator.world.sessions.values()
    yield from (each for each in sessions if each.sid not in sim.foreign)


def living(sim: "Simulation") -> Iterator[tuple[Session, Key]]:
    """Yield those that live, and whose they are."""
    for session in sim.stage.simulator.world.active.values():
        if session.phase is Phase.LIVE and session.sid not in sim.foreign:
            owner = owner_of(sim, session)
            if owner is not None:
                yield session, owner


def owner_of(sim: "Simulation", session: Session) -> Key | None:
    """Return whose a session is; None: state does not know, which `Lost` looks after."""
    state = sim.book.by_resource(session.resource_id)
    return None if state is None else (state.recording, state.replica)


def recorded(sim: "Simulation") -> dict[Key, Spans]:
    """Return when each replica of each Recording had a session that was up."""
    found: dict[Key, list[Span]] = defaultdict(list)
    for session in ours(sim):
        owner = owner_of(sim, session)
        if owner is not None:
            found[owner] += up(session, sim.now_s)
    return {key: union(spans) for key, spans in found.items()}


def up(session: Session, until_s: float) -> Spans:
    """Return when a session was up: from its first status that says so to its end."""
    since_s = _noted_s(session, "status", least=READY)
    ends_s = ended_s(session)
    return () if since_s is None else span(since_s, until_s if ends_s is None else ends_s, EVER)


def away(session: Session, until_s: float) -> Spans:
    """Return when a session was on its way from one server to another."""
    found: list[Span] = []
    since_s: float | None = None
    for step in session.history:
        at_s = float(str(step["at"]))
        if step["what"] == "failing over":
            since_s = at_s
        elif since_s is not None and step["what"] in {"failed over", *_ENDS}:
            found += span(since_s, at_s, EVER)
            since_s = None
    return union([*found, *(span(since_s, until_s, EVER) if since_s is not None else ())])


def leaving(session: Session, until_s: float) -> Spans:
    """Return when a session had left already, and could still be asked."""
    left_s, gone_s = _noted_s(session, "ended"), _noted_s(session, "gone")
    return () if left_s is None else span(left_s, until_s if gone_s is None else gone_s, EVER)


def ended_s(session: Session) -> float | None:
    """Return when a session ended; None: it lives."""
    ends = (_noted_s(session, what) for what in _ENDS)
    return next((each for each in ends if each is not None), None)


_ENDS = ("ended", "vanished")


def _noted_s(session: Session, what: str, least: int = 0) -> float | None:
    for step in session.history:
        if step["what"] == what and int(str(step.get("status", least))) >= least:
            return float(str(step["at"]))
    return None
