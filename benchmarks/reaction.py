"""From a notification to what it causes: the real `reconciler run`, 1,000 sessions of one App.

Sessions are asked how they are all the time and tell their progress; now and then one breaks, and
is to be started again. Counted is from the first byte of the notification that says so to the
arrival of the acquire that follows. `python -m benchmarks.reaction [SESSIONS]`.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

from benchmarks.measure import COMMAND, line
from benchmarks.service import Service, ended, progress
from benchmarks.specs import write_apps, write_specs
from benchmarks.world import ENVIRON, fill_state
from reconciler.clock import SystemClock
from reconciler.plan.session import Session
from reconciler.simulator.notices import signatures

APP = "main"
CLOCK = SystemClock()
BREAKS = 200
PROGRESS_PER_S = 17.0
"""Of 1,000 sessions, each of which tells its progress once a minute (agora-api.md 8.4)."""

WARM_UP_S = 10.0
LAST_S = 5.0
RATES = ((10, 1.0), (100, 10.0))
"""Calls a second that the App allows, and how many sessions break a second. A restart takes two
calls and some queries; at ten times the rate next to nothing of the time is the wait for a slot."""


def main(sessions: int = 1000) -> None:
    """Measure and write a table."""
    for rate, breaks_per_s in RATES:
        with tempfile.TemporaryDirectory() as folder:
            reaction = Reaction(Path(folder), rate, breaks_per_s)
            waits_s = sorted(asyncio.run(reaction.measured(sessions)))
        name = f"notification to action, {rate} calls/s"
        for share, goal in ((0.5, ""), (0.99, "   target 1000 ms")):
            at_s = waits_s[int(len(waits_s) * share)]
            line(f"{name:<40} {share * 100:3.0f} % {at_s * 1000:8.0f} ms{goal}")
        busy = f"{reaction.cpu_share:10.1%} of a core, {reaction.calls_per_s:.1f} calls/s"
        line(f"{'  the daemon meanwhile':<40} {busy}")
        if len(waits_s) < BREAKS:
            line(f"  only {len(waits_s)} of {BREAKS} were started again")


class Reaction:
    """One daemon, its service, and what is told to it."""

    def __init__(self, folder: Path, rate: int, breaks_per_s: float) -> None:
        self._folder = folder
        self._rate = rate
        self._breaks_per_s = breaks_per_s
        self._service = Service()
        self._rng = Random(1)
        self._sent_s: dict[str, float] = {}
        self.cpu_share = self.calls_per_s = 0.0

    async def measured(self, count: int) -> list[float]:
        """Return how long each session that broke waited for its acquire."""
        port = await self._service.open()
        endpoint = f"http://127.0.0.1:{port}"
        specs, state = self._folder / "specs", f"sqlite:///{self._folder}/state/state.db"
        write_specs(specs, count, schedule="0 0 * * *", duration="24h", apps=[APP])
        write_apps(specs, [APP], endpoint=endpoint, rate=self._rate)
        sessions = fill_state(specs, state, host=endpoint)
        command = (*COMMAND, "run", str(specs), "--state", state, "--listen", "127.0.0.1:0")
        environ = {**os.environ, **ENVIRON, "RECONCILER_CACHE": str(self._folder / "cache")}
        with (self._folder / "log").open("wb") as log:
            daemon = await asyncio.create_subprocess_exec(*command, env=environ, stderr=log)
        try:
            await self._disturb(await self._port(), daemon.pid, sessions)
        finally:
            daemon.terminate()
            await daemon.wait()
        acquired_s = self._service.acquired_s
        both = self._sent_s.keys() & acquired_s.keys()
        return [acquired_s[channel] - self._sent_s[channel] for channel in both]

    async def _port(self) -> int:
        """Wait until the daemon listens; return where."""
        while True:
            await asyncio.sleep(0.1)
            said = (self._folder / "log").read_text().partition("http://127.0.0.1:")[2]
            if port := said.partition("/")[0]:
                return int(port)

    async def _disturb(self, port: int, process: int, sessions: Sequence[Session]) -> None:
        """Tell of progress all the time, and after a while of sessions that broke."""
        telling = asyncio.create_task(self._progress(port, sessions))
        await asyncio.sleep(WARM_UP_S)
        before = (CLOCK.monotonic_s(), _cpu_s(process), self._service.calls)
        teller = await Teller.to(port)
        for session in self._rng.sample(sessions, min(BREAKS, len(sessions))):
            body = ended(session, 10_000, CLOCK.now_s())
            self._sent_s[session.channel] = CLOCK.monotonic_s()
            await teller.tell(body)
            await asyncio.sleep(1 / self._breaks_per_s)
        await asyncio.sleep(LAST_S)
        took_s = CLOCK.monotonic_s() - before[0]
        self.cpu_share = (_cpu_s(process) - before[1]) / took_s
        self.calls_per_s = (self._service.calls - before[2]) / took_s
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling

    async def _progress(self, port: int, sessions: Sequence[Session]) -> None:
        teller = await Teller.to(port)
        for sequence in range(BREAKS):
            for session in sessions:
                await teller.tell(progress(session, sequence, CLOCK.now_s()))
                await asyncio.sleep(1 / PROGRESS_PER_S)


class Teller:
    """A connection to the daemon."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> "Teller":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def tell(self, body: bytes) -> None:
        """Send a notification, and wait until it is answered."""
        headers = {**signatures(ENVIRON["AGORA_NCS_SECRET"], body), "Content-Length": len(body)}
        lines = [f"POST /notifications/{APP} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200 "), head
        await self._reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))


def _cpu_s(process: int) -> float:
    """Return the CPU time that a process has used so far."""
    values = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
