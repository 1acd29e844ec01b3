"""The story of a simulation that failed, for people: what was left of it, and what happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.run import BROKEN, Outcome
from tests.simulation.script import Part, Script, Step
from tests.simulation.timeline import Entry, moment

LAST = 12
"""So many of the last events of each Recording are repeated at the end."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A simulation that failed, and the smallest like it that was found."""

    whole: Outcome
    least: Outcome
    repeat: str
    """The command that repeats the whole."""

    def write(self, folder: Path, name: str) -> Path:
        """Write the story, and beside it what is left of the script; return where the story is."""
        folder.mkdir(parents=True, exist_ok=True)
        script, path = folder / f"{name}.json", folder / f"{name}.txt"
        script.write_text(f"{self.least.script.text()}\n", encoding="utf-8")
        path.write_text("\n".join([*self.lines(again(script)), ""]), encoding="utf-8")
        return path

    def lines(self, repeat_least: str) -> Iterator[str]:
        """Yield the story; `repeat_least` is the command that repeats what is left."""
        violation = self.least.violation
        assert violation is not None
        yield f"seed {self.whole.script.seed}: {violation}"
        yield ""
        yield f"the whole:     {self.repeat}"
        yield f"               fingerprint {self.whole.timeline.fingerprint()}"
        yield f"what is left:  {repeat_least}"
        yield f"               fingerprint {self.least.timeline.fingerprint()}"
        yield ""
        yield from _script(self.least.script, self.whole.script)
        yield ""
        yield "What happened"
        yield ""
        yield from map(_marked, self.least.timeline.entries)
        for name in _names(self.least):
            yield from _last_of(name, self.least.timeline.entries)
        if self.least.trace:
            yield from ("", "Where it broke", "", self.least.trace)


def again(script: Path) -> str:
    """Return the command that repeats a script."""
    return f".venv/bin/python -m tests.simulation --script {script}"


def _script(least: Script, whole: Script) -> Iterator[str]:
    yield (
        f"What is left of the script: {len(least.steps)} of {len(whole.steps)} steps, "
        f"{len(least.parts)} of {len(whole.parts)} Recordings"
    )
    yield ""
    yield from map(_part, least.parts)
    yield from map(_step, least.steps)
    yield f"{moment(least.safety_s)}  nothing goes wrong any more"


def _part(part: Part) -> str:
    said = ", ".join(f"{key}={value}" for key, value in part.spec.items())
    windows = "".join(f", from {begins:g} s to {ends:g} s" for begins, ends in part.windows)
    return f"{moment(0.0)}  {part.name}: {part.mode}{', in a set' * part.in_set}{windows}, {said}"


def _step(step: Step) -> str:
    return f"{moment(step.at_s)}  {step}"


def _marked(entry: Entry) -> str:
    mark = ">>" if entry.text.startswith(BROKEN) else "  "
    return f"{mark} {entry}"


def _names(outcome: Outcome) -> list[str]:
    """Return the Recordings of which state has anything to say, in the order of their names."""
    written = {each.recording for each in outcome.timeline.entries}
    return sorted(written - {""})


def _last_of(name: str, entries: list[Entry]) -> Iterator[str]:
    own = [each for each in entries if each.recording == name]
    yield from ("", f"The last of {name}", "")
    yield from map(_marked, own[-LAST:])
