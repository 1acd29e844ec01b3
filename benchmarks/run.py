"""Measure what users wait for.

Start-up, and reading 10,000 recordings of about 30 lines in 1,000 files.

Each figure is the median of a few runs of the real command; ratios are against something measured
in the same run, since absolute times move between machines. `python -m benchmarks.run
[RECORDINGS]`. No test: nothing here fails.
"""

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import budget, simulator
from benchmarks.specs import PER_FILE, write_specs

RUNS = 5
_CHANGES = itertools.count()
COMMAND = (sys.executable, "-m", "reconciler.cli.main")


def main() -> None:
    """Run all measurements and write a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        specs, cache = Path(folder, "specs"), Path(folder, "cache")
        write_specs(specs, count)
        _line(
            f"{count} recordings in {count // PER_FILE} files, {_size_mib(specs):.1f} MiB of YAML"
        )
        _startup()
        _reading(specs, cache)
    budget.main()
    simulator.main()


def _startup() -> None:
    bare = _median_s((sys.executable, "-I", "-c", "pass"))
    version = _median_s((*COMMAND, "--version"))
    _line(f"bare interpreter            {bare * 1000:8.0f} ms")
    _line(f"reconciler --version        {version * 1000:8.0f} ms   {version / bare:.1f} x bare")
    terraform = shutil.which("terraform")
    if terraform:
        peer = _median_s((terraform, "version"))
        ratio = f"reconciler takes {version / peer:.2f} x"
        _line(f"terraform version           {peer * 1000:8.0f} ms   {ratio}")


def _reading(specs: Path, cache: Path) -> None:
    environ = {**os.environ, "RECONCILER_CACHE": str(cache)}
    command = (*COMMAND, "validate", str(specs))
    cold = _median_s(
        command, environ, before=lambda: shutil.rmtree(cache, ignore_errors=True), runs=3
    )
    unchanged = _median_s(command, environ)
    changed = _median_s(command, environ, before=lambda: _touch(specs / "r0007.yaml"))
    shared = _median_s(command, environ, before=lambda: _touch(specs / "shared.yaml"), runs=1)
    for name, seconds, target in (
        ("validate, cold", cold, 4.0),
        ("validate, one file changed", changed, 0.6),
        ("validate, nothing changed", unchanged, 0.35),
        ("validate, storage changed", shared, 4.0),
    ):
        ratio = f"cold / this = {cold / seconds:5.1f}"
        _line(f"{name:<28}{seconds * 1000:8.0f} ms   {ratio}   target {target} s")
    shutil.rmtree(cache)
    _line(f"peak memory, cold           {_peak_mib(command, environ):8.0f} MiB  target 200 MiB")


def _touch(path: Path) -> None:
    """Change a file's content without changing what it says."""
    with path.open("a") as file:
        file.write(f"# {next(_CHANGES)}\n")


def _median_s(
    command: tuple[str, ...],
    environ: dict[str, str] | None = None,
    before: Callable[[], None] = lambda: None,
    runs: int = RUNS,
) -> float:
    seconds = []
    for _ in range(runs):
        before()
        start = time.perf_counter()
        subprocess.run(command, env=environ, capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _peak_mib(command: tuple[str, ...], environ: dict[str, str]) -> float:
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_maxrss / 1024


def _size_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*.yaml")) / 1024 / 1024


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
