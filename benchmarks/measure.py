"""Timing a real command: medians, memory, and a line of a table."""

import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

RUNS = 5
COMMAND = (sys.executable, "-m", "reconciler.cli.main")
_CHANGES = itertools.count()


def median_s(
    command: tuple[str, ...],
    environ: dict[str, str] | None = None,
    before: Callable[[], None] = lambda: None,
    runs: int = RUNS,
) -> float:
    """Return how long a command takes that has to succeed; `before` is not counted."""
    seconds = []
    for _ in range(runs):
        before()
        start = time.perf_counter()
        subprocess.run(command, env=environ, capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def peak_mib(command: tuple[str, ...], environ: dict[str, str]) -> float:
    """Return the most memory that a command holds."""
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_maxrss / 1024


def touch(path: Path) -> None:
    """Change a file's content without changing what it says."""
    with path.open("a") as file:
        file.write(f"# {next(_CHANGES)}\n")


def line(text: str) -> None:
    """Write one line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
