"""From a script that fails to a small one that fails in the same way.

Steps go first, then Recordings; then what is left becomes plainer: its numbers, its windows, and
the time in which things may go wrong. That is repeated until nothing helps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import ceil, floor
from typing import Any, TypeAlias, TypeVar

from tests.simulation.run import perform
from tests.simulation.script import Part, Script, Step

T = TypeVar("T")

Fails: TypeAlias = Callable[[Script], bool]
"""Tells whether a Script fails in the way that is meant."""

SHORTEST_S = 1.0


def shrink(script: Script, fails: Fails) -> Script:
    """Return the smallest Script found that fails as this one does."""
    while True:
        before = script
        for made_smaller in (_with_fewer_steps, _with_fewer_parts, _plainer, _shorter):
            script = made_smaller(script, fails)
        if script == before:
            return script


class Patience:
    """Tells whether a Script fails by a certain check, for as long as there is time."""

    def __init__(self, check: str, within_s: float, moment_s: Callable[[], float]) -> None:
        self.runs = 0
        self._check = check
        self._until_s = moment_s() + within_s
        self._moment_s = moment_s
        self._well: set[str] = set()

    def __call__(self, script: Script) -> bool:
        """Tell whether it fails; after the time is up, nothing does."""
        text = script.text()
        if text in self._well or self._moment_s() >= self._until_s:
            return False
        self.runs += 1
        violation = perform(script).violation
        if violation is not None and violation.check == self._check:
            return True
        self._well.add(text)
        return False


def fewest(things: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Return few of these, in order, that still fail: none can be left out alone.

    Large runs of them are tried first, and the last ones before the others: what comes after the
    failure goes at once.
    """
    size = len(things)
    while size:
        end = len(things)
        while end > 0:
            begin = max(end - size, 0)
            fewer = [*things[:begin], *things[end:]]
            if fails(fewer):
                things = fewer
            end = begin
        size //= 2
    return things


def smaller(number: float) -> Iterator[float]:
    """Yield numbers of the same kind that are nearer to zero, the nearest first."""
    kind = type(number)
    found = (kind(0), kind(number > 0), kind(int(number / 2)), kind(int(number)))
    yield from (each for each in dict.fromkeys(found) if abs(each) < abs(number))


def _with_fewer_steps(script: Script, fails: Fails) -> Script:
    steps = range(len(script.steps))
    return script.only(fewest(steps, lambda kept: fails(script.only(kept))))


def _with_fewer_parts(script: Script, fails: Fails) -> Script:
    parts = fewest(script.parts, lambda kept: fails(replace(script, parts=tuple(kept))))
    return replace(script, parts=tuple(parts))


def _plainer(script: Script, fails: Fails) -> Script:
    """Make one thing plainer after the other, each for as long as that helps."""
    for index in range(len(script.steps)):
        script = _first(script, fails, partial(_plainer_steps, index=index))
    return _first(script, fails, _plainer_parts)


def _shorter(script: Script, fails: Fails) -> Script:
    return _first(script, fails, _shorter_times)


def _first(script: Script, fails: Fails, choices: Callable[[Script], Iterator[Script]]) -> Script:
    """Take the first choice that fails, and of that again, until none does."""
    while True:
        found = next(filter(fails, choices(script)), None)
        if found is None:
            return script
        script = found


def _plainer_steps(script: Script, index: int) -> Iterator[Script]:
    step, steps = script.steps[index], script.steps
    for plainer in _plainer_step(step):
        yield replace(script, steps=(*steps[:index], plainer, *steps[index + 1 :]))


def _plainer_step(step: Step) -> Iterator[Step]:
    """Yield it with one number smaller; what is deeper within it keeps its meaning."""
    if step.at_s != floor(step.at_s):
        yield replace(step, at_s=float(floor(step.at_s)))
    for key, value in step.given.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            for less in smaller(value):
                yield replace(step, given={**step.given, key: less})


def _plainer_parts(script: Script) -> Iterator[Script]:
    for index, part in enumerate(script.parts):
        for plainer in _plainer_part(part):
            yield replace(
                script, parts=(*script.parts[:index], plainer, *script.parts[index + 1 :])
            )


def _plainer_part(part: Part) -> Iterator[Part]:
    if part.windows or part.crons:
        yield replace(part, windows=(), crons=())
    if part.in_set:
        yield replace(part, in_set=False)
    if "replicas" in part.spec:
        yield replace(part, spec=_without(part.spec, "replicas"))


def _without(spec: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return {name: value for name, value in spec.items() if name != key}


def _shorter_times(script: Script) -> Iterator[Script]:
    last_s = max((step.at_s for step in script.steps), default=0.0)
    for seconds in (ceil(last_s) + SHORTEST_S, script.safety_s / 2, floor(script.safety_s)):
        if max(last_s, SHORTEST_S) <= seconds < script.safety_s:
            yield replace(script, safety_s=float(seconds))
