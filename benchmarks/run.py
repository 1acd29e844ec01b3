"""Measure what users wait for.

Start-up, and reading 10,000 recordings of about 30 lines in 1,000 files.

Each figure is the median of a few runs of the real command; ratios are against something measured
in the same run, since absolute times move between machines. `python -m benchmarks.run
[RECORDINGS]`. No test: nothing here fails.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import apply, budget, daemon, plan, simulator, state
from benchmarks.measure import COMMAND, line, median_s, peak_mib, touch
from benchmarks.specs import PER_FILE, write_specs


def main() -> None:
    """Run all measurements and write a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        specs, cache = Path(folder, "specs"), Path(folder, "cache")
        write_specs(specs, count)
        line(f"{count} recordings in {count // PER_FILE} files, {_size_mib(specs):.1f} MiB of YAML")
        _startup()
        _reading(specs, cache)
    plan.main(count)
    apply.main()
    state.main(count)
    budget.main()
    simulator.main()
    daemon.main()


def _startup() -> None:
    bare = median_s((sys.executable, "-I", "-c", "pass"))
    version = median_s((*COMMAND, "--version"))
    line(f"bare interpreter            {bare * 1000:8.0f} ms")
    line(f"reconciler --version        {version * 1000:8.0f} ms   {version / bare:.1f} x bare")
    terraform = shutil.which("terraform")
    if terraform:
        peer = median_s((terraform, "version"))
        ratio = f"reconciler takes {version / peer:.2f} x"
        line(f"terraform version           {peer * 1000:8.0f} ms   {ratio}")


def _reading(specs: Path, cache: Path) -> None:
    environ = {**os.environ, "RECONCILER_CACHE": str(cache)}
    command = (*COMMAND, "validate", str(specs))
    cold = median_s(
        command, environ, before=lambda: shutil.rmtree(cache, ignore_errors=True), runs=3
    )
    unchanged = median_s(command, environ)
    changed = median_s(command, environ, before=lambda: touch(specs / "r0007.yaml"))
    shared = median_s(command, environ, before=lambda: touch(specs / "shared.yaml"), runs=1)
    for name, seconds, target in (
        ("validate, cold", cold, 4.0),
        ("validate, one file changed", changed, 0.6),
        ("validate, nothing changed", unchanged, 0.35),
        ("validate, storage changed", shared, 4.0),
    ):
        ratio = f"cold / this = {cold / seconds:5.1f}"
        line(f"{name:<28}{seconds * 1000:8.0f} ms   {ratio}   target {target} s")
    shutil.rmtree(cache)
    line(f"peak memory, cold           {peak_mib(command, environ):8.0f} MiB  target 200 MiB")


def _size_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*.yaml")) / 1024 / 1024


if __name__ == "__main__":
    main()
