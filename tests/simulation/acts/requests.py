"""What people ask for by command, of whatever `run` holds the scope."""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from reconciler.engine.demands import Approve, Demand, Forget, Resume, Stop, Suspend, request_of
from reconciler.plan.session import Phase
from reconciler.state.open import open_state
from tests.simulation.acts.act import Act, Given, number, pick, some_role
from tests.simulation.acts.edits import is_held
from tests.simulation.reached import FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


AGAIN_S = 1.0


def suspend(sim: "Simulation", role: int, seconds: float, *, timed: bool) -> None:
    """Hold one for a while by command."""
    found = some_role(sim, role)
    if found is None or is_held(sim, found):
        return
    ask(sim, Suspend(names=(found.name,), reason="", for_s=seconds if timed else None))
    found.suspended.append((sim.now_s, sim.now_s + seconds))
    sim.trouble(seconds, "suspended", found.name)
    if not timed:
        sim.after(seconds, partial(ask, sim, Resume(names=(found.name,))))


def stop(sim: "Simulation", role: int) -> None:
    """Stop one that the specs still want: it is started again."""
    if (found := some_role(sim, role)) is not None:
        ask(sim, Stop(names=(found.name,), timeout_s=60.0, parallelism=4))
        sim.trouble(90.0, "stopped on request", found.name)


def forget_orphan(sim: "Simulation", orphan: int) -> None:
    """Let go of what no call reaches."""
    orphans = [each for each in sim.book.sessions.values() if each.phase is Phase.ORPHAN]
    if (found := pick(orphans, orphan)) is not None:
        sim.reach(FAULT, "orphan forgotten")
        ask(sim, Forget(names=(found.recording,), orphan=found.resource_id))


def approve(sim: "Simulation") -> None:
    """Let happen what a guard holds; a refusal names the digest, where another one was told."""
    held = sim.daemon.daemon.post.guard.held if sim.daemon is not None else None
    if held is not None:
        sim.reach(FAULT, "approved")
        ask(sim, Approve(digest=held.digest))


def ask(sim: "Simulation", demand: Demand) -> None:
    """Leave a request in state; while that is away, a command would make another one."""
    if not sim.disk.path.exists():
        sim.after(AGAIN_S, partial(ask, sim, demand))
        return
    sim.say("people", f"ask: {demand}")
    sim.demands.append((sim.now_s, demand))
    store = open_state(sim.state_url, sim.stage.environ, sim.clock, write=True)
    try:
        store.ask(sim.stage.scope, request_of(demand, sim.clock.now_s()))
    finally:
        store.close()


def _suspend(rng: Random) -> Given:
    seconds = round(rng.uniform(30, 400), 1)
    return {"role": number(rng), "seconds": seconds, "timed": rng.random() < 0.5}


KINDS = ("approved", "orphan forgotten")
"""The kinds of faults that can be reached here."""

ACTS: Mapping[str, Act] = {
    "suspend": Act(suspend, _suspend, 0.7),
    "stop": Act(stop, lambda rng: {"role": number(rng)}),
    "forget_orphan": Act(forget_orphan, lambda rng: {"orphan": number(rng)}, 0.5),
    "approve": Act(approve, weight=0.5),
}
