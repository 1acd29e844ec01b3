"""What goes wrong with us: processes die, others compete, the disk and the clock misbehave."""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from reconciler.agora.messages import Reply
from tests.daemon.wires import Call
from tests.simulation.acts.act import Act, Given, number, some_role
from tests.simulation.commands import ApplyProcess, StopProcess
from tests.simulation.process import Process
from tests.simulation.reached import FAULT
from tests.simulation.setting import COMMON

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

BUSY_S = 120.0
"""So long after it was begun, what a command does may keep Recordings from recording."""

BACK_S = 10.0
"""A state that was removed is written back with the next tick."""

WHEREVER = ("step", "call", "answer", "write", "commit", "written")
"""Where a process dies: at any await, before a call leaves, when its answer comes, and before, in
the middle of, and after a commit."""

AT_CALLS = tuple(
    f"{what} {endpoint}"
    for what in ("call", "answer")
    for endpoint in ("acquire", "start", "query", "update", "updateLayout", "stop")
)
FAULTS = (
    "restart",
    "kill",
    *(f"dies-{what}" for what in WHEREVER),
    "dies-again",
    *(f"power-{what}" for what in ("kept", "lost", "torn")),
    "disk-full",
    "disk-full-at-start",
    "sid-told",
    "state-removed",
    "stands-by",
    "takes-over",
    "locked-out",
    *(f"{name}-{what}" for name in ("apply", "plan", "stop") for what in ("beside", "alone")),
    *(f"{name}-dies" for name in ("apply", "plan", "stop")),
    "clock-forward",
    "clock-back",
    "clock-while-down",
    "clock-drifts",
)
"""All kinds of faults that can be reached here."""

# Processes that end


async def restart(sim: "Simulation", down_s: float) -> None:
    """End the `run` in order, and begin it anew."""
    sim.trouble(down_s, "down")
    sim.reach(FAULT, "restart")
    await sim.host.main.end()
    sim.host.main.begin_in(down_s)


def kill(sim: "Simulation", down_s: float) -> None:
    """Kill the `run` while it waits."""
    sim.host.main.down_s = down_s
    if (daemon := sim.daemon) is not None:
        sim.reach(FAULT, "kill")
        daemon.life.die()


def crash(sim: "Simulation", at: str, count: int, down_s: float, luck: int | None) -> None:
    """Let the `run` die soon, at some await, call or write; with `luck`, of a power cut."""
    sim.host.main.down_s = down_s
    if (daemon := sim.daemon) is not None:
        daemon.life.die_after(at, count)
        daemon.takes_power = luck


def storm(sim: "Simulation", fates: list[tuple[str, int]]) -> None:
    """Let the `run` die, and soon again, as often as there are fates."""
    sim.host.main.down_s = 1.0
    sim.host.fates.extend((at, count) for at, count in fates)
    if (daemon := sim.daemon) is not None:
        daemon.life.die()


def cut_power(sim: "Simulation", down_s: float, luck: int) -> None:
    """Let everything end at this moment."""
    sim.host.main.down_s = sim.host.standby.down_s = down_s
    sim.trouble(down_s, "no power")
    sim.host.cut_power(luck)


# Those who compete


def apply(
    sim: "Simulation", patience_s: float, pause_s: float, fate: tuple[str, int] | None
) -> None:
    """Run an `apply` beside whatever runs; it may wait for the lock, and for its user."""
    sim.trouble(patience_s + pause_s + BUSY_S, "an apply with its own view")
    process = ApplyProcess(sim, acts=True, patience_s=patience_s, pause_s=pause_s)
    _begin(sim, process, fate)


def apply_part(
    sim: "Simulation", role: int, patience_s: float, fate: tuple[str, int] | None
) -> None:
    """Run an `apply` of the file of one Recording alone, and of what all have in common."""
    if (found := some_role(sim, role)) is not None:
        sim.trouble(patience_s + BUSY_S, "an apply with its own view")
        files = (*COMMON, sim.file_of(found.name))
        process = ApplyProcess(sim, acts=True, patience_s=patience_s, files=files)
        _begin(sim, process, fate)


def plan(sim: "Simulation", fate: tuple[str, int] | None) -> None:
    """Run a `plan` beside whatever runs."""
    _begin(sim, ApplyProcess(sim, acts=False), fate)


def stop(sim: "Simulation", role: int, fate: tuple[str, int] | None) -> None:
    """Run a `stop` of one, by which nobody else stops it: it is refused where a `run` goes on."""
    if (found := some_role(sim, role)) is not None:
        sim.trouble(BUSY_S, "stopped by command", found.name)
        _begin(sim, StopProcess(sim, found.name), fate)


def _begin(sim: "Simulation", process: Process, fate: tuple[str, int] | None) -> None:
    where = "alone" if sim.daemon is None else "beside"
    sim.reach(FAULT, f"{process.command}-{where}")
    if fate is not None:
        process.life.die_after(*fate)
    sim.host.begin(process)


def stand_by(sim: "Simulation", seconds: float) -> None:
    """Begin a second `run`, which waits until the first is no more; end it after a while."""
    sim.reach(FAULT, "stands-by")
    sim.host.standby.begin()
    sim.after(seconds, sim.host.standby.end)


# The disk


def fill_disk(sim: "Simulation", seconds: float) -> None:
    """Let nothing be written for a while."""
    sim.disk.is_full = True
    sim.reach(FAULT, "disk-full")
    sim.trouble(seconds, "the disk is full")
    sim.after(seconds, partial(_free, sim))


def fill_disk_at_start(sim: "Simulation", seconds: float) -> None:
    """Let nothing be written from the moment that the next session is started."""

    def fill(call: Call, answer: Reply) -> Reply:
        if call.endpoint == "start" and answer.status == 200:
            sim.network.on_the_way.remove(fill)
            sim.reach(FAULT, "disk-full-at-start")
            fill_disk(sim, seconds)
        return answer

    sim.network.on_the_way.append(fill)


def _free(sim: "Simulation") -> None:
    sim.disk.is_full = False


async def remove_state(sim: "Simulation", *, key: bool) -> None:
    """Remove the state under the `run` that has it, which nobody else could write back."""
    if sim.daemon is None or sim.disk.is_full or sim.host.standby.process is not None:
        return
    sim.reach(FAULT, "state-removed")
    sim.host.spare()
    sim.disk.remove(key=key)
    await sim.until(sim.since_s + BACK_S)


# The clock


def set_clock(sim: "Simulation", by_s: float, seconds: float) -> None:
    """Let the host's clock be wrong for a while, if it is right."""
    if sim.clock.wrong_s:
        return
    sim.reach(FAULT, "clock-back" if by_s < 0 else "clock-forward")
    if sim.daemon is None:
        sim.reach(FAULT, "clock-while-down")
    sim.trouble(seconds + abs(by_s), "the clock is wrong")
    sim.clock.wrong_s = by_s
    sim.after(seconds, partial(_right_clock, sim))


def _right_clock(sim: "Simulation") -> None:
    sim.clock.wrong_s = 0.0


def drift(sim: "Simulation", by_s: float, times: int) -> None:
    """Let the host's clock go wrong bit by bit, if it is right."""
    if sim.clock.wrong_s:
        return
    sim.reach(FAULT, "clock-drifts")
    sim.trouble(times * DRIFT_S + times * abs(by_s), "the clock drifts")
    for index in range(times):
        sim.after(index * DRIFT_S, partial(_drift, sim, by_s))
    sim.after(times * DRIFT_S, partial(_right_clock, sim))


DRIFT_S = 10.0


def _drift(sim: "Simulation", by_s: float) -> None:
    sim.clock.wrong_s += by_s


# What is drawn


def _down(rng: Random) -> Given:
    return {"down_s": rng.choice([0.0, 1.0, round(rng.uniform(0, 300), 1)])}


def _fate(rng: Random, most: int) -> tuple[str, int]:
    """Draw where a process dies, and at which of these places."""
    if rng.random() < 0.4:
        return rng.choice(AT_CALLS), rng.choice([1, 1, 2])
    at = rng.choice(WHEREVER)
    return at, rng.randint(1, most if at == "step" else 12)


def _crash(rng: Random) -> Given:
    at, count = _fate(rng, 400)
    luck = number(rng) if rng.random() < 0.3 else None
    return {"at": at, "count": count, **_down(rng), "luck": luck}


def _storm(rng: Random) -> Given:
    return {"fates": [_fate(rng, 200) for _ in range(rng.randint(2, 6))]}


def _dies(rng: Random) -> Given:
    return {"fate": _fate(rng, 100) if rng.random() < 0.5 else None}


def _apply(rng: Random) -> Given:
    patience_s = rng.choice([0.0, 0.0, round(rng.uniform(1, 120), 1)])
    pause_s = rng.choice([0.0, 0.0, round(rng.uniform(1, 60), 1)])
    return {"patience_s": patience_s, "pause_s": pause_s, **_dies(rng)}


def _apply_part(rng: Random) -> Given:
    patience_s = rng.choice([0.0, round(rng.uniform(1, 120), 1)])
    return {"role": number(rng), "patience_s": patience_s, **_dies(rng)}


def _clock(rng: Random) -> Given:
    by_s = rng.choice([3.0, 45.0, round(rng.uniform(1, 600), 1), 3600.0])
    return {"by_s": rng.choice([-by_s, by_s]), "seconds": round(rng.uniform(10, 900), 1)}


def _drifts(rng: Random) -> Given:
    by_s = round(rng.uniform(0.1, 2.5), 1)
    return {"by_s": rng.choice([-by_s, by_s]), "times": rng.randint(3, 30)}


def _seconds(least: float, most: float) -> Any:
    return lambda rng: {"seconds": round(rng.uniform(least, most), 1)}


ACTS: Mapping[str, Act] = {
    "restart": Act(restart, _down),
    "kill": Act(kill, _down),
    "crash": Act(crash, _crash, 3.0),
    "storm": Act(storm, _storm, 0.5),
    "cut_power": Act(cut_power, lambda rng: {**_down(rng), "luck": number(rng)}, 0.5),
    "apply": Act(apply, _apply),
    "apply_part": Act(apply_part, _apply_part, 0.5),
    "plan": Act(plan, _dies),
    "stop_here": Act(stop, lambda rng: {"role": number(rng), **_dies(rng)}),
    "stand_by": Act(stand_by, _seconds(10, 600), 0.5),
    "fill_disk": Act(fill_disk, _seconds(1, 120), 0.5),
    "fill_disk_at_start": Act(fill_disk_at_start, _seconds(20, 90)),
    "remove_state": Act(remove_state, lambda rng: {"key": rng.random() < 0.5}, 0.3),
    "set_clock": Act(set_clock, _clock, 0.5),
    "drift": Act(drift, _drifts, 0.3),
}
