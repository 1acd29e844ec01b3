"""The liveness phase: nothing goes wrong any more, and all has to settle.

It may take a stated time and number of passes; else it is said what is not settled, and why.
"""

from typing import TYPE_CHECKING

from reconciler.plan.action import Action, Kind
from reconciler.plan.reasons import Reason
from reconciler.simulator.outbox import Chaos
from tests.daemon.cast import DAY_S
from tests.simulation.acts.requests import approve
from tests.simulation.acts.service import LATENCY_S, mend_calls
from tests.simulation.commands import ApplyProcess
from tests.simulation.truth import called_so, living

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

SETTLE_S, ROUND_S = 1500.0, 30.0
"""How long it may take, and how often is asked whether it has."""

MOMENT_S = 5.0
"""How long after the edge of a window what follows from it may take."""

PASSES_MAX = 60
"""So many passes a Recording may take for that, one with another."""

KEPT = frozenset({Reason.REPLACE_FORBIDDEN, Reason.PROTECTED})
"""Errors that a spec's own policy makes, and that nobody has to mend."""


async def settle(sim: "Simulation") -> None:
    """Let nothing go wrong any more, and wait until nothing is left to do."""
    _heal(sim)
    while sim.put_off:  # what had begun before takes its time, such as a host that is down
        await sim.until(sim.since_s + ROUND_S)
    before, healed_s, left = sim.passes, sim.since_s, "nobody looked"
    while left and sim.since_s - healed_s < SETTLE_S:
        await sim.until(sim.since_s + ROUND_S)
        left = await _left(sim)
    passes = sim.passes - before
    if left:
        sim.violated("Simulation", f"not converged after {SETTLE_S:g} s, {passes} passes: {left}")
    sim.say("people", f"all has settled, after {passes} passes")
    recordings = len(sim.roles) + len(sim.past)  # what is gone is put in order, too
    if passes > PASSES_MAX * max(recordings, 1):
        sim.violated("Simulation", f"it took {passes} passes")
    sim.look()


def _heal(sim: "Simulation") -> None:
    sim.is_safe = False
    sim.say("people", "nothing goes wrong any more")
    mend_calls(sim)
    sim.stage.simulator.world.outbox.chaos = Chaos()
    sim.network.down = None
    sim.network.lost.clear()
    sim.network.on_the_way.clear()
    sim.network.latency_s = LATENCY_S
    sim.stage.simulator.world.tuning = sim.stage.settings.tuning
    sim.disk.is_full = False
    sim.shelf.paths, sim.shelf.problem = (str(sim.stage.specs),), ""
    sim.clock.wrong_s = 0.0
    sim.host.spare()
    for role in sim.roles.values():
        if role.broken:
            role.broken = False
            sim.write(role)
    sim.commit()


async def _left(sim: "Simulation") -> str:
    """Return what is not settled, and why; empty: nothing."""
    approve(sim)
    if sim.daemon is None or sim.host.commands:
        return "no `run` is at work alone"
    if turns := _turning(sim):
        return f"a window of {', '.join(turns)} opens or closes in a moment"
    if seen := _to_be_seen(sim):
        return f"{', '.join(seen)}: 404 alone settled it, and it is still to be looked at"
    return "; ".join(map(_told, await _planned(sim)))


def _turning(sim: "Simulation") -> list[str]:
    """Return the Recordings of which a window opens or closes while all is looked at."""
    from_s, until_s = sim.now_s - MOMENT_S, sim.now_s + ROUND_S
    return [
        role.name
        for role in sim.roles.values()
        if role.times.schedule
        if any(
            from_s < edge_s < until_s
            for span in role.times.opens(from_s - DAY_S, until_s)
            for edge_s in span
        )
    ]


def _to_be_seen(sim: "Simulation") -> list[str]:
    """Return the sessions that live, and will be found alive (reconcile.md, "missing")."""
    return [
        called_so(known)
        for _, known in living(sim)
        if known is not None and known.recheck_s is not None
    ]


async def _planned(sim: "Simulation") -> list[Action]:
    """Return what a `plan` would still do."""
    command = ApplyProcess(sim, acts=False)
    await sim.host.carry_out(command)
    plan = command.plan
    assert plan is not None, command.failed
    changes = (each for each in plan.actions if each.kind is not Kind.NONE)
    return [each for each in changes if each.kind is not Kind.ERROR or each.reason not in KEPT]


def _told(action: Action) -> str:
    return f"{action.key} {action.kind} {action.reason} {action.message}"
