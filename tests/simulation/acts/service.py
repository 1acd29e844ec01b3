"""What goes wrong at the service, and on the way to it (what it answers: `answers.py`)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from reconciler.agora.messages import Silence
from reconciler.plan.session import Phase
from reconciler.simulator.orders import OrderError
from reconciler.simulator.session import Session
from tests.simulation.acts.act import Act, Given, number, pick, some_session
from tests.simulation.acts.answers import ENDPOINTS, faults
from tests.simulation.reached import FAULT
from tests.simulation.setting import ADDRESSES

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

MOVED_MAX_S = 90.0
"""The longest failover (agora-api.md 7.3)."""

UNSEEN_S = 600.0
"""So long may it take until an end is known that nobody tells."""


def order(sim: "Simulation", session: int, name: str) -> None:
    """Let something happen to a session that nobody asked for."""
    kind, body, modes = ORDERS[name]
    found = some_session(sim, session, *modes)
    if found is not None and _ordered(sim, found, kind, body):
        sim.reach(FAULT, name)
        sim.trouble(UNSEEN_S, name)
        sim.stage.simulator.clock.nudge()


def _ordered(sim: "Simulation", session: Session, kind: str, body: Given) -> bool:
    try:
        sim.stage.order(session, kind, **body)
    except OrderError:
        return False
    return True


_CHANNEL, _WEB = ("mix", "individual"), ("web",)

ORDERS: Mapping[str, tuple[str, Given, tuple[str, ...]]] = {
    "kill": ("kill", {}, ()),
    "idle": ("idle", {}, _CHANNEL),
    "remove": ("remove", {}, _CHANNEL),
    "failover 0": ("failover", {"seconds": 0.0}, ()),
    "failover 20": ("failover", {"seconds": 20.0}, ()),
    "failover 60": ("failover", {"seconds": 60.0}, ()),
    "failover 90": ("failover", {"seconds": 90.0}, ()),
    **{
        f"fail {cause}": ("fail", {"cause": cause}, ())
        for cause in ("storage", "upload", "files", "parameters", "start")
    },
    "fail token": ("fail", {"cause": "token_expired"}, _CHANNEL),
    "upload slow": ("upload", {"seconds": 45.0}, ()),
    "upload very slow": ("upload", {"seconds": 400.0}, ()),
    "upload backuped": ("upload", {"result": "backuped"}, ()),
    "upload unknown": ("upload", {"result": "unknown"}, ()),
    **{f"page end {code}": ("page", {"end": code}, _WEB) for code in (2, 3, 4, 5, 6)},
    **{
        f"page limit {what}": ("page", {"limit": what}, _WEB)
        for what in ("resolution", "WebGL", "bandwidth")
    },
    "page reload silence": ("page", {"reload": "audio_silence"}, _WEB),
    "page reload timeout": ("page", {"reload": "page_load_timeout"}, _WEB),
    "page paused": ("page", {"onhold": True}, _WEB),
    **{
        f"rtmp {status}": ("rtmp", {"status": status}, _WEB)
        for status in ("connecting", "publishing", "onhold", "disconnected")
    },
}
"""What may happen to a session: an order, its body, and the modes that know it (none: all)."""


def _order(rng: Random) -> Given:
    return {"session": number(rng), "name": rng.choice(list(ORDERS))}


def fail_for_good(sim: "Simulation", session: int, gap_s: float) -> None:
    """Let a session fail over again and again; the fourth time is its end."""
    found = some_session(sim, session)
    if found is not None:
        sim.trouble(4 * gap_s + UNSEEN_S, "the fourth failover")
        for turn in range(4):
            sim.after(turn * gap_s, partial(_fail_again, sim, found, gap_s / 2))


def _fail_again(sim: "Simulation", session: Session, seconds: float) -> None:
    is_last = session.failovers >= 3
    if _ordered(sim, session, "failover", {"seconds": seconds}) and is_last:
        sim.reach(FAULT, "fourth failover")
    sim.stage.simulator.clock.nudge()


def move_twice(sim: "Simulation", session: int) -> None:
    """Let a session move, and again before it was found: that takes longer than one move may."""
    found = some_session(sim, session)
    if found is not None and _ordered(sim, found, "failover", {"seconds": 80.0}):
        sim.reach(FAULT, "moved twice")
        sim.trouble(UNSEEN_S, "moved twice")
        sim.after(80.01, partial(_fail_again, sim, found, 80.0))
        sim.stage.simulator.clock.nudge()


def end_orphan(sim: "Simulation", orphan: int, name: str) -> None:
    """Let end what no call reaches."""
    sessions = sim.stage.simulator.world.by_resource
    known = (each for each in sim.book.sessions.values() if each.phase is Phase.ORPHAN)
    orphans = [sessions[each.resource_id] for each in known if each.resource_id in sessions]
    found = pick(orphans, orphan)
    if found is not None and _ordered(sim, found, *ORDERS[name][:2]):
        sim.reach(FAULT, "orphan ended")
        sim.stage.simulator.clock.nudge()


def fail_host(sim: "Simulation", every: int, name: str) -> None:
    """Let all sessions of some host end, or move, at once."""
    kind, body, _ = ORDERS[name]
    ours = [each for each in sim.stage.alive() if each.sid not in sim.foreign]
    for session in ours[::every]:
        _ordered(sim, session, kind, body)
    if ours:
        sim.reach(FAULT, f"host {name}")
        sim.trouble(UNSEEN_S, f"host {name}")
        sim.stage.simulator.clock.nudge()


HOST_FAULTS = ("kill", "remove", "fail start", "failover 20", "failover 60", "failover 90")


def _host(rng: Random) -> Given:
    return {"every": rng.choice([1, 1, 2]), "name": rng.choice(HOST_FAULTS)}


def fault(
    sim: "Simulation", name: str, endpoint: str, seconds: float, rule: Mapping[str, Any]
) -> None:
    """Let calls go wrong for a while."""
    made = sim.stage.simulator.gateway.faults.add(
        {
            "id": f"{sim.next_number()}:{name}",
            "endpoint": endpoint,
            "effect": dict(FAULTS[name][1]),
            **rule,
        }
    )
    sim.trouble(seconds, name)
    sim.after(seconds, partial(_mend, sim, made.id))


def _mend(sim: "Simulation", name: str) -> None:
    rule = sim.stage.simulator.gateway.faults.rules.pop(name, None)
    if rule is not None and rule.fired:
        sim.reach(FAULT, name.partition(":")[2])


def mend_calls(sim: "Simulation") -> None:
    """Let no call go wrong any more."""
    for name in list(sim.stage.simulator.gateway.faults.rules):
        _mend(sim, name)


FAULTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    name: (endpoint, effect) for name, endpoint, effect in faults()
}
"""The faults of calls by name: which endpoint they are of, and a rule's effect."""


def _fault(rng: Random) -> Given:
    name = rng.choice(list(FAULTS))
    endpoint = FAULTS[name][0]
    if endpoint == "*":
        endpoint = rng.choice(["*", *ENDPOINTS])
    return {
        "name": name,
        "endpoint": endpoint,
        "seconds": round(rng.uniform(5, 300), 1),
        "rule": rng.choice([{}, {"times": 1}, {"times": 1}, {"times": 3}, {"probability": 0.3}]),
    }


def tune(sim: "Simulation", what: str, seconds: float) -> None:
    """Let the service be otherwise for a while: full, slow, or slower to upload."""
    before = sim.stage.simulator.world.tuning
    changed = TUNES[what]
    sim.stage.simulator.world.tuning = replace(before, **changed)
    sim.reach(FAULT, what)
    sim.trouble(seconds + UNSEEN_S, what)
    usual = {key: getattr(sim.stage.settings.tuning, key) for key in changed}
    sim.after(seconds, partial(_retune, sim, usual))


def _retune(sim: "Simulation", usual: Mapping[str, Any]) -> None:
    world = sim.stage.simulator.world
    world.tuning = replace(world.tuning, **usual)


TUNES: Mapping[str, Mapping[str, Any]] = {
    "full": {"recordings_max": 1, "web_recordings_max": 1},
    "full for the moment": {"recordings_max": 0, "web_recordings_max": 0},
    "starts slowly": {"start_delay_s": 60.0},
    "starts too slowly": {"start_delay_s": 110.0},
    "uploads slowly": {"upload_s": 30.0},
    "lingers": {"linger_s": 60.0},
}


def _tune(rng: Random) -> Given:
    return {"what": rng.choice(list(TUNES)), "seconds": round(rng.uniform(30, 400), 1)}


def outage(sim: "Simulation", seconds: float, silence: str) -> None:
    """Let nobody be reached."""
    sim.network.down = Silence(silence)
    sim.trouble(seconds, "nobody is reached")
    sim.reach(FAULT, f"outage {silence}")
    sim.after(seconds, partial(_reach, sim))


def _reach(sim: "Simulation") -> None:
    sim.network.down = None


def lose_address(sim: "Simulation", address: int, seconds: float) -> None:
    """Let one of the Apps' endpoints be out of reach."""
    lost = ADDRESSES[address]
    sim.network.lost.add(lost)
    sim.reach(FAULT, f"address {address}")
    sim.trouble(seconds, "an endpoint is out of reach")
    sim.after(seconds, partial(sim.network.lost.discard, lost))


def lag(sim: "Simulation", seconds: float, latency_s: float) -> None:
    """Let answers take long on their way."""
    sim.network.latency_s = latency_s
    sim.reach(FAULT, "lag")
    sim.trouble(seconds, "answers take long")
    sim.after(seconds, partial(_hasten, sim))


def _hasten(sim: "Simulation") -> None:
    sim.network.latency_s = LATENCY_S


LATENCY_S = 0.3


def _seconds(rng: Random) -> float:
    return round(rng.uniform(5, 400), 1)


KINDS = (
    *ORDERS,
    "fourth failover",
    "moved twice",
    "orphan ended",
    *(f"host {name}" for name in HOST_FAULTS),
    *FAULTS,
    *TUNES,
    *(f"outage {each.value}" for each in Silence),
    *(f"address {index}" for index in range(len(ADDRESSES))),
    "lag",
)
"""The kinds of faults that can be reached here."""

ACTS: Mapping[str, Act] = {
    "order": Act(order, _order, 4.0),
    "fail_for_good": Act(
        fail_for_good,
        lambda rng: {"session": number(rng), "gap_s": rng.choice([10.0, 60.0])},
        0.3,
    ),
    "move_twice": Act(move_twice, lambda rng: {"session": number(rng)}, 0.3),
    "end_orphan": Act(
        end_orphan,
        lambda rng: {"orphan": number(rng), "name": rng.choice(["idle", "kill", "fail upload"])},
        0.5,
    ),
    "fail_host": Act(fail_host, _host, 0.5),
    "fault": Act(fault, _fault, 8.0),
    "tune": Act(tune, _tune, 1.0),
    "outage": Act(
        outage,
        lambda rng: {
            "seconds": _seconds(rng),
            "silence": rng.choice([each.value for each in Silence]),
        },
    ),
    "lose_address": Act(
        lose_address,
        lambda rng: {"address": rng.randrange(len(ADDRESSES)), "seconds": _seconds(rng)},
    ),
    "lag": Act(lag, lambda rng: {"seconds": _seconds(rng), "latency_s": rng.uniform(2, 12)}, 0.3),
}
