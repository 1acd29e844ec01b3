"""What an apply makes of the request budget: 100 recordings, the real command, the simulator.

The simulator refuses what is more than 10 calls in any second. `python -m benchmarks.apply
[RECORDINGS]`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from benchmarks.measure import COMMAND, line
from benchmarks.specs import SHARED, write_specs
from benchmarks.world import ENVIRON

RATE = 10
STARTUP_S = 1.5
CONFIRM_S = 5.0
REFUSED = 429


def main(count: int = 100) -> None:
    """Measure and write a table."""
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), count)


def _measure(folder: Path, count: int) -> None:
    port = folder / "port"
    simulator = subprocess.Popen(
        (*COMMAND, "simulator", "--port", "0", "--port-file", str(port)),
        stdout=subprocess.DEVNULL,
    )
    try:
        while not port.exists() or not port.read_text().strip():
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port.read_text().strip()}"
        specs = folder / "specs"
        write_specs(specs, count, schedule="0 0 * * *", duration="24h")
        limits = f"  endpoints: [{url}]\n  maxRecordings: {count}\n---"
        (specs / "shared.yaml").write_text(SHARED.replace("---", limits, 1))
        _tune(url, count)
        began_s = time.perf_counter()
        _apply(folder, specs)
        _report(url, count, time.perf_counter() - began_s)
    finally:
        simulator.terminate()
        simulator.wait()


def _apply(folder: Path, specs: Path) -> None:
    state = f"sqlite:///{folder}/state/state.db"
    environ = {**os.environ, **ENVIRON, "RECONCILER_CACHE": str(folder / "cache")}
    command = (*COMMAND, "apply", str(specs), "--yes", "--state", state)
    subprocess.run(command, env=environ, check=True, capture_output=True)


def _tune(url: str, count: int) -> None:
    body = json.dumps({"recordings_max": count}).encode()
    with urlopen(f"{url}/_sim/tuning", body):  # noqa: S310  # our own simulator
        pass


def _report(url: str, count: int, took_s: float) -> None:
    with urlopen(f"{url}/_sim/calls") as answer:  # noqa: S310  # as above
        calls = json.load(answer)["calls"]
    arrived_s = sorted(call["arrivedAt"] for call in calls)
    busy = arrived_s[: 2 * count]  # until the last pair is through, somebody always waits
    share = (len(busy) - 1) / ((busy[-1] - busy[0]) * RATE)
    least_s = max(len(calls) / RATE, 2 * count / RATE + CONFIRM_S)
    goal_s = 1.15 * least_s + STARTUP_S
    refused = sum(call["status"] == REFUSED for call in calls)
    line(f"apply of {count}, {len(calls)} calls{took_s:14.1f} s    target {goal_s:.1f} s")
    line(f"  share of the budget used {share:12.1%}    target 94 %")
    line(f"  most calls in any second {_most_in_a_second(arrived_s):12}    target {RATE}")
    line(f"  refused as too many      {refused:12}    target 0")


def _most_in_a_second(times_s: Sequence[float]) -> int:
    first, most = 0, 0
    for last, at_s in enumerate(times_s):
        while at_s - times_s[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
