"""Runs simulations: one, or many on all cores."""

import asyncio
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import gettempdir
from typing import TypeVar

from tests.daemon.support import scratch
from tests.simulation.check import Violation
from tests.simulation.draw import draw
from tests.simulation.instead import instead
from tests.simulation.life import EndlessError, Loop
from tests.simulation.reached import Reached
from tests.simulation.script import Script
from tests.simulation.simulation import Simulation
from tests.simulation.timeline import Timeline

T = TypeVar("T")
R = TypeVar("R")

BROKEN = "VIOLATED"
"""So begins the line of a violation on the timeline, as in `Simulation.violated`."""

SHOWN_MAX = 300

AHEAD = 2
"""So many simulations for each process are under way or wait for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one simulation."""

    script: Script
    violation: Violation | None
    timeline: Timeline
    reached: Reached
    took_s: float
    trace: str = ""
    """Where the simulation itself broke, if it did: that is a violation too."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is kept of one of many."""

    seed: int
    fingerprint: str
    violation: Violation | None
    reached: Reached
    took_s: float

    def __str__(self) -> str:
        came_to = "well" if self.violation is None else f"FAILED  {shown(self.violation)}"
        return f"seed {self.seed}  {self.fingerprint[:16]}  {self.took_s:.1f} s  {came_to}"


def shown(violation: Violation | None) -> str:
    """Return what fits a few lines of it; all of it stands in its story."""
    text = str(violation)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."


def perform(script: Script) -> Outcome:
    """Let a Script happen."""
    began_s = time.perf_counter()
    with (
        scratch(Path(gettempdir())) as folder,
        _same_everywhere(script.seed),
        asyncio.Runner(loop_factory=Loop) as runner,
    ):
        sim = runner.run(_made(script, folder))
        trace = _traced(sim, runner)
    took_s = time.perf_counter() - began_s
    return Outcome(script, sim.violation, sim.timeline, sim.reached, took_s, trace)


def perform_seed(seed: int) -> Outcome:
    """Let happen what a seed says."""
    return perform(draw(seed))


def tell(outcome: Outcome) -> Told:
    """Return what is kept of it among many."""
    return Told(
        outcome.script.seed,
        outcome.timeline.fingerprint(),
        outcome.violation,
        outcome.reached,
        outcome.took_s,
    )


def tell_seed(seed: int) -> Told:
    """Let happen what a seed says, and keep little of it."""
    return tell(perform_seed(seed))


def on_all_cores(work: Callable[[T], R], things: Iterable[T], workers: int) -> Iterator[R]:
    """Do the same for many, each in one of these processes; yield what comes of it as it comes.

    With one worker it is done here, in order.
    """
    if workers == 1:
        yield from map(work, things)
        return
    left = iter(things)
    # Begun anew, not forked: so it is the same on every system.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(work, each) for each in islice(left, AHEAD * workers)}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            pending |= {pool.submit(work, each) for each in islice(left, len(done))}
            for each in done:
                yield each.result()


async def _made(script: Script, folder: Path) -> Simulation:
    return Simulation(script, folder)


def _traced(sim: Simulation, runner: asyncio.Runner) -> str:
    """Let it happen; return where it broke, or a checker did, which is a violation."""
    try:
        bug = runner.run(_performed(sim))
    except EndlessError as endless:  # the loop's own, when nobody else asks it for the time
        bug = endless
    if bug is not None and sim.violation is None:
        _break(sim, bug)
    first = sim.mistake or bug
    return "" if first is None else "".join(traceback.format_exception(first))


async def _performed(sim: Simulation) -> BaseException | None:
    with sim.logs.attached():
        (bug,) = await asyncio.gather(sim.perform(), return_exceptions=True)
    return bug


def _break(sim: Simulation, bug: BaseException) -> None:
    """Take what ended a simulation for a violation: by its kind and place, to tell it by."""
    place = traceback.extract_tb(bug.__traceback__)[-1]
    check = f"{type(bug).__name__} in {Path(place.filename).name}, {place.name}"
    at_s = sim.timeline.entries[-1].at_s if sim.timeline.entries else 0.0
    text = str(bug).replace(str(sim.folder), ".")
    sim.violation = Violation(check, at_s, text)
    sim.timeline.add(at_s, "simulation", f"{BROKEN}: {check}: {text}")


@contextmanager
def _same_everywhere(seed: int) -> Iterator[None]:
    """Let what is asked of the machine be the same on every one."""
    logging.disable()
    try:
        with (
            instead(os, "urandom", Random(seed).randbytes),
            instead(time, "sleep", lambda _: None),  # nobody else moves while one waits
        ):
            yield
    finally:
        logging.disable(logging.NOTSET)
