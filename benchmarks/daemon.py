"""What a `run` costs: 5,000 recordings over 10 Apps that all record, and how soon it acts.

CPU time is the daemon's own, on virtual time (`steady.py`), so that an hour takes a minute; what
its queries cost as HTTP is measured apart and told beside it. `python -m benchmarks.daemon
[RECORDINGS]`. No test: nothing here fails.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import reaction
from benchmarks.measure import line
from benchmarks.specs import write_apps, write_specs
from benchmarks.world import fill_state
from reconciler.agora.http import Http
from reconciler.agora.messages import Reply, Request

APPS = 10
SECONDS = 600
HOUR_S = 3600.0
CALLS = 1000
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  # where the disk is not what is measured


def main(count: int = 5000) -> None:
    """Measure and write a table."""
    query_s = _http_s()
    for told in (False, True):
        place = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None
        with tempfile.TemporaryDirectory(dir=place) as folder:
            _measure(Path(folder), count, query_s, told=told)
    reaction.main()


def _measure(folder: Path, count: int, query_s: float, *, told: bool) -> None:
    apps = [f"app-{number}" for number in range(APPS)]
    specs, endpoint = folder / "specs", "http://127.0.0.1:9"
    write_specs(specs, count, schedule="0 0 * * *", duration="24h", apps=apps)
    write_apps(specs, apps, endpoint=endpoint, rate=10)
    fill_state(specs, f"sqlite:///{folder}/state/state.db", host=endpoint)
    found, peak_mib = _steady(folder, told=told)
    hours = HOUR_S / SECONDS
    calls, notified = found["calls"] * hours, found["notified"] * hours
    title = f"run over {count} recordings, {APPS} Apps" + (", notified" if told else "")
    line(f"{title:<45} {found['cpu_s'] * hours:8.0f} s of CPU an hour")
    line(f"{'  of a core':<45} {found['cpu_s'] / SECONDS:8.1%}   {'' if told else 'target 5 %'}")
    line(f"{'  of that, metrics read 4 times a minute':<45} {found['scrapes_s'] / SECONDS:8.1%}")
    if told:
        line(f"{'  notifications an hour':<45} {notified:8.0f}")
    line(f"{'  queries an hour':<45} {calls:8.0f}")
    line(f"{'  their HTTP, beside that':<45} {calls * query_s / HOUR_S:8.1%}")
    line(f"{'  peak memory':<45} {peak_mib:8.0f} MiB   target 250 MiB")


def _steady(folder: Path, *, told: bool) -> tuple[dict[str, Any], float]:
    command = (sys.executable, "-m", "benchmarks.steady", str(folder), str(SECONDS))
    words = (*command, "told") if told else command
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return json.loads(said), usage.ru_maxrss / 1024


def _http_s() -> float:
    """Return the CPU time that a query takes as HTTP, on this side."""
    command = (sys.executable, "-m", "benchmarks.service")
    with subprocess.Popen(command, stdout=subprocess.PIPE) as service:
        assert service.stdout is not None
        port = int(service.stdout.readline())
        took_s = asyncio.run(_queries(port))
        service.terminate()
    return took_s / CALLS


async def _queries(port: int) -> float:
    url = f"http://127.0.0.1:{port}/v1/apps/a/cloud_recording/resourceid/r/sid/s/mode/mix/query"
    headers = (("Authorization", "Basic c2ltdWxhdG9yOnNpbXVsYXRvcg=="),)
    request = Request(method="GET", url=url, headers=headers, body=None, timeout_s=15.0)
    async with Http() as http:
        assert isinstance(await http.send(request), Reply)
        began_s = time.process_time()
        for _ in range(CALLS):
            await http.send(request)
        return time.process_time() - began_s


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
