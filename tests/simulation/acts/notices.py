"""What goes wrong with notifications: lost, doubled, disordered, late, forged, unknown."""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from reconciler.plan.session import End
from reconciler.simulator.notices import KINDS as EVENTS
from reconciler.simulator.notices import Notice, signatures
from reconciler.simulator.orders import OrderError
from reconciler.simulator.outbox import Chaos
from reconciler.simulator.session import Phase, Session
from reconciler.simulator.tree import Object
from tests.simulation.acts.act import Act, Given, number, pick, some_session
from tests.simulation.reached import FAULT
from tests.simulation.truth import app_of

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

EXIT, LEAVE, PAGE_STOPPED = 11, 41, 71


def garble(sim: "Simulation", seconds: float, chaos: Given) -> None:
    """Lose, double and delay notifications."""
    sim.stage.simulator.world.outbox.chaos = Chaos(**chaos)
    sim.reach(FAULT, "notices redundant" if chaos["redundant"] else "notices garbled")
    sim.trouble(seconds, "notifications go wrong")
    sim.after(seconds, partial(_clear, sim))


def _clear(sim: "Simulation") -> None:
    sim.stage.simulator.world.outbox.chaos = Chaos()


def _garble(rng: Random) -> Given:
    chaos = {key: round(rng.uniform(0, 0.7), 2) for key in ("loss", "duplicate", "disorder")}
    late_s = rng.choice([5.0, 30.0, 600.0])
    redundant = rng.random() < 0.3
    return {
        "seconds": round(rng.uniform(60, 400), 1),
        "chaos": {**chaos, "disorder_s": late_s, "redundant": redundant},
    }


def resend(sim: "Simulation", letter: int) -> None:
    """Bring a notification once more, however old it is."""
    world = sim.stage.simulator.world
    found = pick(list(world.outbox.letters), letter)
    if found is not None:
        world.outbox.resend(found.notice.notice_id, world.now_s)
        sim.reach(FAULT, "notice resent")
        sim.stage.simulator.clock.nudge()


async def forge(sim: "Simulation", session: int, event: int) -> None:
    """Tell the end of a session that goes on, without knowing the secret."""
    found = some_session(sim, session)
    if found is None:
        return
    body = _end_of(sim, found, event).body(sim.now_s)
    sim.reach(FAULT, "notice forged")
    status = await sim.hear("", signatures("not the secret", body), body)
    if status == 200:
        sim.violated("Forged", f"a notification with a wrong signature was taken: event {event}")


async def misdirect(sim: "Simulation", session: int, event: int) -> None:
    """Tell the end of a session that goes on, as a notification of the other App."""
    found = some_session(sim, session)
    if found is None:
        return
    body = _end_of(sim, found, event).body(sim.now_s)
    other = "north" if app_of(sim, found.sid) == "south" else "south"
    sim.reach(FAULT, "notice misdirected")
    headers = signatures(sim.stage.settings.notify_secret, body)
    await sim.hear("", headers, body, app=other)


async def tell_end(sim: "Simulation", session: int) -> None:
    """Tell late that one ended abnormally of which nothing is known but that it is gone."""
    sessions = sim.stage.simulator.world.sessions
    gone = (each.sid for each in sim.book.sessions.values() if each.end_reason == End.GONE)
    found = pick([sessions[sid] for sid in gone if sid in sessions], session)
    if found is not None and found.phase is Phase.GONE:
        body = _end_of(sim, found, EXIT).body(sim.now_s)
        sim.reach(FAULT, "end told late")
        await sim.hear("", signatures(sim.stage.settings.notify_secret, body), body)


def _end_of(sim: "Simulation", session: Session, event: int) -> Notice:
    kind, name = EVENTS[event]
    details: Object = {"msgName": name, "exitStatus": 1, "leaveCode": 4, "code": 6}
    return Notice(
        notice_id=f"extra-{sim.next_number()}",
        event_type=event,
        service_type=kind,
        cname=session.identity.cname,
        uid=session.identity.uid,
        sid=session.sid,
        sequence=10_000,
        at_s=sim.now_s,
        details=details,
    )


def tell(sim: "Simulation", session: int, event: int) -> None:
    """Notify of something that changes nothing, or that nobody knows."""
    found = some_session(sim, session)
    if found is not None:
        details = {"msgName": "something", "status": 0}
        try:
            sim.stage.order(found, "emit", eventType=event, serviceType=0, details=details)
        except OrderError:
            return
        sim.reach(FAULT, f"event {event}")
        sim.stage.simulator.clock.nudge()


TOLD = (2, 13, 33, 45, 60, 61, 80, 90, 1001, 9000)
"""Events that say nothing of whether a session goes on; 13 and 9000 stand in no table."""


def _letter(rng: Random) -> Given:
    return {"letter": number(rng)}


KINDS = (
    "notices garbled",
    "notices redundant",
    "notice resent",
    "notice forged",
    "notice misdirected",
    "end told late",
    *(f"event {event}" for event in TOLD),
)
"""The kinds of faults that can be reached here."""

ACTS: Mapping[str, Act] = {
    "garble": Act(garble, _garble),
    "resend": Act(resend, _letter),
    "forge": Act(
        forge,
        lambda rng: {"session": number(rng), "event": rng.choice([EXIT, LEAVE, PAGE_STOPPED])},
    ),
    "misdirect": Act(misdirect, lambda rng: {"session": number(rng), "event": EXIT}, 0.5),
    "tell_end": Act(tell_end, lambda rng: {"session": number(rng)}, 0.3),
    "tell": Act(tell, lambda rng: {"session": number(rng), "event": rng.choice(TOLD)}),
}
