"""The program on a hurried clock, for scripts that call it: `python -m tests.examples.hurried`.

All runs of a script hurry by HURRIED_SCALE since the same moment, HURRIED_SINCE_S, so that one
follows the other in their time too. The modules that it imports are few, since it starts often.
"""

import os
import sys
from pathlib import Path
from random import Random

from reconciler.cli.console import Console
from reconciler.cli.main import main
from reconciler.clock import SystemClock
from tests.architecture.repository import ROOT


class HurriedClock:
    """The clock on the wall, hurried since a moment."""

    def __init__(self, since_s: float, scale: float) -> None:
        self._since_s = since_s
        self._scale = scale
        self._wall = SystemClock()

    def now_s(self) -> float:
        return self._since_s + (self._wall.now_s() - self._since_s) * self._scale

    def monotonic_s(self) -> float:
        return self._wall.monotonic_s() * self._scale

    async def sleep(self, seconds: float) -> None:
        await self._wall.sleep(seconds / self._scale)


def install(folder: Path) -> Path:
    """Write the program into a folder, as `reconciler`, and return it."""
    program = folder / "reconciler"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.examples.hurried "$@"\n'
    )
    program.chmod(0o755)
    return program


if __name__ == "__main__":
    since_s, scale = (float(os.environ[f"HURRIED_{name}"]) for name in ("SINCE_S", "SCALE"))
    clock = HurriedClock(since_s, scale)
    console = Console(sys.stdout, sys.stderr, os.environ, clock=clock, rng=Random(0))
    sys.exit(main(sys.argv[1:], console))
