"""What a plan costs: of 10,000 recordings that all run as desired, and of 100.

State is full: every recording is recorded and has a running session. `python -m benchmarks.plan
[RECORDINGS]`.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import COMMAND, line, median_s, peak_mib, touch
from benchmarks.specs import write_specs
from benchmarks.world import ENVIRON, fill_state

SMALL = 100
TERRAFORM_S = 0.27
"""What Terraform 1.11 takes on two cores to see that nothing changed in 100 resources."""


def main(count: int = 10_000) -> None:
    """Measure and write a table."""
    with tempfile.TemporaryDirectory() as folder:
        for size in (count, SMALL):
            _measure(Path(folder, str(size)), size)


def _measure(folder: Path, count: int) -> None:
    specs, cache = folder / "specs", folder / "cache"
    write_specs(specs, count, schedule="0 0 * * *", duration="24h")
    state = f"sqlite:///{folder}/state/state.db"
    fill_state(specs, state)
    environ = {**os.environ, **ENVIRON, "RECONCILER_CACHE": str(cache)}
    command = (*COMMAND, "plan", str(specs), "--no-refresh", "--state", state)
    cold = median_s(
        command, environ, before=lambda: shutil.rmtree(cache, ignore_errors=True), runs=3
    )
    unchanged = median_s(command, environ)
    changed = median_s(command, environ, before=lambda: touch(specs / "r0007.yaml"))
    for name, seconds, target in (
        ("unchanged files", unchanged, 0.6),
        ("one file changed", changed, 0.9),
        ("cold", cold, 5.0),
    ):
        goal = f"target {target if count > SMALL else TERRAFORM_S} s"
        line(f"plan of {count:>6}, {name:<18}{seconds * 1000:8.0f} ms   {goal}")
    line(f"plan of {count:>6}, peak memory {peak_mib(command, environ):13.0f} MiB  target 250 MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
