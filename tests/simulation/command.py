"""Run simulations by their seeds, and tell what came of them: `python -m tests.simulation`.

Exit code 1: a seed failed, or several. What that means stands in docs/simulation.md.
"""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from reconciler.clock import Clock, SystemClock
from tests.simulation.draw import draw
from tests.simulation.measure import table
from tests.simulation.reached import Reached
from tests.simulation.run import Outcome, Told, on_all_cores, perform, shown, tell, tell_seed
from tests.simulation.script import Script, read_script
from tests.simulation.shrink import Patience, shrink
from tests.simulation.story import Failure, again

SEEDS = 200
SHRINK_S = 60.0
STORIES_MAX = 8
"""So many stories are written of many seeds: of each checker the first, then others."""

REDRAW_S, LINE_S = 0.2, 10.0
"""How often progress is shown: on a terminal, and elsewhere."""


def main(arguments: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Do what the command line says; return the exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.script is not None:
        path, script = chosen.script
        repeat = f".venv/bin/python -m tests.simulation --script {path}"
        return _one(script, path.stem, repeat, chosen, out)
    if chosen.seed is not None:
        return _one(draw(chosen.seed), _name(chosen.seed), _repeat(chosen.seed), chosen, out)
    return _many(chosen, out, err)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m tests.simulation", description="Run simulations.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seeds", type=_some, default=SEEDS, metavar="N", help="so many seeds")
    which.add_argument("--seed", type=_number, metavar="K", help="this one seed")
    which.add_argument("--script", type=_script, metavar="FILE", help="a script that was kept")
    add = parser.add_argument
    add("--first", type=_number, default=0, metavar="K", help="the first of N seeds")
    add("--workers", type=_some, default=os.cpu_count() or 1, metavar="W", help="processes")
    add("--stories", type=_folder, default=Path("simulation"), metavar="FOLDER", help="of failures")
    add("--shrink", type=float, default=SHRINK_S, metavar="S", help="seconds to make it small in")
    add("--show", action="store_true", help="write all that happens, or a line for each seed")
    return parser


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"`{text}` is no whole number from 0 on")
    return int(text)


def _some(text: str) -> int:
    if (number := _number(text)) == 0:
        raise ArgumentTypeError("0 is none; there has to be one at least")
    return number


def _script(text: str) -> tuple[Path, Script]:
    path = Path(text)
    try:
        return path, read_script(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArgumentTypeError(f"`{path}` cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        told = f"`{path}` is no script as a failure leaves it beside its story: {error}"
        raise ArgumentTypeError(told) from error


def _folder(text: str) -> Path:
    """Return where stories go; that nothing can be written there is to be known before a run."""
    path = Path(text)
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise ArgumentTypeError(f"no folder can be made or written at `{path}`")
    return path


def _one(script: Script, name: str, repeat: str, chosen: Namespace, out: TextIO) -> int:
    """Let one happen; if it fails, write its story."""
    outcome = perform(script)
    if chosen.show:
        _write(out, map(str, outcome.timeline.entries))
    _write(out, [str(tell(outcome)), f"fingerprint {outcome.timeline.fingerprint()}"])
    if outcome.violation is None:
        return 0
    _write(out, _told_of(outcome, name, repeat, chosen))
    return 1


def _many(chosen: Namespace, out: TextIO, err: TextIO) -> int:
    """Let many happen; write the stories of some that fail, and what all of them reached."""
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    progress = _Progress(len(seeds), SystemClock(), err)
    reached, failed = Reached(), []
    for told in on_all_cores(tell_seed, seeds, chosen.workers):
        reached.update(told.reached.keys())  # in so many simulations
        progress.note(told)
        if told.violation is not None:
            failed.append(told)
        if chosen.show or told.violation is not None:
            _write(out, [str(told)])
    progress.end()
    _write(out, [table(reached)])
    work = partial(_story_of, chosen=chosen)
    for lines in on_all_cores(work, _worth_a_story(failed), chosen.workers):
        _write(out, lines)
    _write(out, [f"{len(failed)} of {len(seeds)} seeds failed, from {chosen.first} on"])
    return 1 if failed else 0


def _story_of(seed: int, chosen: Namespace) -> list[str]:
    return _told_of(perform(draw(seed)), _name(seed), _repeat(seed), chosen)


def _told_of(whole: Outcome, name: str, repeat: str, chosen: Namespace) -> list[str]:
    """Make a failure small, and write its story; return what to say of it."""
    violation = whole.violation
    assert violation is not None, "what failed once fails again"
    fails = Patience(violation.check, chosen.shrink, SystemClock().monotonic_s)
    least = perform(shrink(whole.script, fails))
    failure = Failure(whole, least, repeat)
    path = failure.write(chosen.stories, name)
    left = f"{len(least.script.steps)} of {len(whole.script.steps)} steps are left"
    return [
        f"{name}: {shown(least.violation)}",
        f"  {left}, after {fails.runs} runs: {path}",
        f"  to repeat it: {repeat}",
        f"  what is left: {again(path.with_suffix('.json'))}",
    ]


def _worth_a_story(failed: Iterable[Told]) -> list[int]:
    """Return some seeds: of each checker the first, then others, as long as there is room."""
    ordered = sorted(failed, key=lambda each: each.seed)
    firsts: dict[str, int] = {}
    for each in ordered:
        assert each.violation is not None
        firsts.setdefault(each.violation.check, each.seed)
    seeds = dict.fromkeys([*firsts.values(), *(each.seed for each in ordered)])
    return list(seeds)[:STORIES_MAX]


def _name(seed: int) -> str:
    return f"seed-{seed}"


def _repeat(seed: int) -> str:
    return f"make simulate SEED={seed}"


def _write(out: TextIO, lines: Iterable[str]) -> None:
    out.writelines(f"{line}\n" for line in lines)
    out.flush()


class _Progress:
    """Shows how far it is: on a terminal in place, elsewhere as a line now and then."""

    def __init__(self, total: int, clock: Clock, err: TextIO) -> None:
        self._total, self._clock, self._err = total, clock, err
        self._began_s = self._shown_s = clock.monotonic_s()
        self._done = self._failed = 0
        self._in_place = err.isatty()

    def note(self, told: Told) -> None:
        """Count one."""
        self._done += 1
        self._failed += told.violation is not None
        if self._clock.monotonic_s() - self._shown_s >= (REDRAW_S if self._in_place else LINE_S):
            self._show()

    def end(self) -> None:
        """Show how it ended."""
        self._show()
        if self._in_place:
            self._err.write("\n")

    def _show(self) -> None:
        self._shown_s = self._clock.monotonic_s()
        rate = self._done / max(self._shown_s - self._began_s, 0.001)
        text = f"{self._done} of {self._total} seeds, {rate:.1f} a second, {self._failed} failed"
        self._err.write(f"\r{text}" if self._in_place else f"{text}\n")
        self._err.flush()
