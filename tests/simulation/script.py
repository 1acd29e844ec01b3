"""What happens in one simulation, as plain values: drawn from a seed, shrunk, and shown.

A step refers to what is there when its time comes ("the third session that lives"), so that a
script from which steps were taken out still makes sense.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: the name of an act (`acts/`) and what it is given."""

    at_s: float
    act: str
    given: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        given = ", ".join(f"{key}={value}" for key, value in self.given.items())
        return f"{self.act}({given})"


@dataclass(frozen=True, slots=True)
class Part:
    """One Recording as it is wanted at first, or later.

    `windows` are pairs of seconds since the beginning, `crons` what `windows.draw_cron` returns;
    none of both: always. `in_set`: a RecordingSet makes it.
    """

    name: str
    mode: str
    spec: Mapping[str, Any]
    windows: tuple[tuple[float, float], ...] = ()
    crons: tuple[Mapping[str, Any], ...] = ()
    in_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One simulation; times are seconds since its beginning.

    The safety phase lasts `safety_s`; then nothing goes wrong any more, and all has to settle.
    """

    seed: int
    parts: tuple[Part, ...]
    steps: tuple[Step, ...]
    safety_s: float
    begins_s: float
    settings: Mapping[str, float]
    """Of the daemon (`daemon.Settings`)."""

    tuning: Mapping[str, Any]
    """Of the service (`simulator.settings.Tuning`)."""

    def only(self, kept: Collection[int]) -> "Script":
        """Return it with these steps alone."""
        return replace(self, steps=tuple(self.steps[index] for index in sorted(kept)))

    def text(self) -> str:
        """Return it as JSON, to be kept and repeated whatever becomes of `draw`."""
        return json.dumps(asdict(self), indent=1)


def read_script(text: str) -> Script:
    """Read what `Script.text` wrote."""
    given = json.loads(text)
    parts = tuple(read_part(each) for each in given["parts"])
    steps = tuple(Step(**each) for each in given["steps"])
    return Script(**{**given, "parts": parts, "steps": steps})


def read_part(given: Mapping[str, Any]) -> Part:
    """Read a Part from what JSON holds of it."""
    windows = tuple((begins, ends) for begins, ends in given["windows"])
    return Part(**{**given, "windows": windows, "crons": tuple(given["crons"])})
