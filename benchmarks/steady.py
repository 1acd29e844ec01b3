"""The process that `daemon.py` measures: a `run` over many recordings that all record.

On virtual time, with real specs, their cache, and SQLite state. The service is a table that answers
every query, so that what is measured is the daemon. `python -m benchmarks.steady FOLDER SECONDS
[told]` writes what that took, as JSON; with `told` the service notifies, too.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import looptime

from benchmarks.service import answer, progress
from benchmarks.world import ENVIRON
from reconciler.agora.messages import Reply, Request
from reconciler.cli.desk import Desk, Inside
from reconciler.cli.loading import load_catalog
from reconciler.cli.scope import options_of
from reconciler.clock import SystemClock
from reconciler.daemon.daemon import Daemon, Setup
from reconciler.daemon.meter import MeteredBudget, MeteredWire
from reconciler.daemon.source import Fetched
from reconciler.engine.apps import Outside
from reconciler.engine.budget import StateBudget
from reconciler.engine.records import Records
from reconciler.engine.shop import Materials
from reconciler.plan.world import Options
from reconciler.simulator.notices import signatures
from reconciler.spec.catalog import Catalog
from reconciler.spec.resolve import Resolver
from reconciler.state.open import open_state
from reconciler.state.store import Holder, Store

SCOPE = "default"
WARM_UP_S = 300.0
SCRAPE_S = 15.0
PROGRESS_S = 60.0
"""A session tells its progress every minute (agora-api.md 8.4)."""

LATENCY_S = 0.05

T = TypeVar("T")


def main(folder: Path, seconds: float, *, told: bool) -> None:
    """Run, and write what it took."""
    # Without the turns for nothing that tests want before time passes: they would be measured.
    loops = partial(looptime.new_event_loop, noop_cycles=0)
    with asyncio.Runner(loop_factory=loops) as runner:
        sys.stdout.write(json.dumps(runner.run(Steady(folder).measured(seconds, told=told))))


class Steady:
    """One `run`, put together as the command does, and what is around it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environ = {**ENVIRON, "RECONCILER_CACHE": str(folder / "cache")}
        self._clock = LoopClock()
        self._service = Table()
        self._desk = Desk(SCOPE, self._clock)
        self._scrapes = Share()
        self._senders = Share()
        self._notified = 0

    async def measured(self, seconds: float, *, told: bool) -> dict[str, float]:
        """Run for so many seconds after it has warmed up; return what they took."""
        store = open_state(
            f"sqlite:///{self._folder}/state/state.db", self._environ, self._clock, write=True
        )
        holder = Holder(host="here", process=1, command="run", since_s=self._clock.now_s())
        with closing(store), store.share(SCOPE, holder):
            records = Records(store, SCOPE, store.snapshot(SCOPE))
            daemon = Daemon(records, self._setup(store))
            self._desk.inside = Inside(store=store, daemon=daemon)
            return await self._measured(daemon, seconds, told=told)

    async def _measured(self, daemon: Daemon, seconds: float, *, told: bool) -> dict[str, float]:
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(daemon.run()),
            asyncio.create_task(self._scrape()),
        ]
        if told:
            tasks.append(asyncio.create_task(self._notify(daemon)))
        await self._clock.sleep(WARM_UP_S)
        shares = (self._service.share, self._scrapes, self._senders)
        before = (time.process_time(), self._service.calls, self._notified)
        spent = [share.cpu_s for share in shares]
        await self._clock.sleep(seconds)
        cpu_s = time.process_time() - before[0]
        service_s, scrapes_s, senders_s = (
            share.cpu_s - known for share, known in zip(shares, spent, strict=True)
        )
        calls, notified = self._service.calls - before[1], self._notified - before[2]
        daemon.stop()
        await tasks.pop(0)
        for task in tasks:
            task.cancel()
        return {
            "cpu_s": cpu_s - service_s - senders_s,
            "scrapes_s": scrapes_s,
            "calls": calls,
            "notified": notified,
        }

    async def _scrape(self) -> None:
        """Read the metrics as often as Prometheus does."""
        while True:
            await self._clock.sleep(SCRAPE_S)
            with self._scrapes.counted():
                self._desk.metrics()

    async def _notify(self, daemon: Daemon) -> None:
        """Let every session tell its progress, one after the other, once the specs are read."""
        await self._clock.sleep(1.0)
        sessions = list(daemon.site.records.all_sessions())
        secret = ENVIRON["AGORA_NCS_SECRET"]
        for sequence in range(1_000_000):
            for session in sessions:
                with self._senders.counted():
                    body = progress(session, sequence, self._clock.now_s())
                    v2 = signatures(secret, body)["Agora-Signature-V2"]
                status = await daemon.notify(session.app, {"agora-signature-v2": v2}, body)
                assert status == 200, status  # noqa: PLR2004  # as docs/guide/http.md says
                self._notified += 1
                await self._clock.sleep(PROGRESS_S / len(sessions))

    def _setup(self, store: Store) -> Setup:
        metrics = self._desk.metrics_told
        budget = MeteredBudget(StateBudget(store, self._clock), metrics, self._desk.app_named)
        outside = Outside(
            wire=lambda: MeteredWire(self._service, metrics),
            budget=budget,
            clock=self._clock,
            rng=Random(1),
        )
        resolver = Resolver(self._environ, moment_s=self._clock.monotonic_s)
        return Setup(
            source=Shelf(str(self._folder / "specs")),
            read=self._read,
            materials=Materials(outside=outside, resolver=resolver, acts=True),
            metrics=metrics,
            aside=at_once,
        )

    def _read(self, fetched: Fetched) -> tuple[Catalog, Options]:
        given = argparse.Namespace(**_GIVEN, paths=fetched.paths)
        catalog = load_catalog(given, self._environ, self._clock, workers=1)
        return catalog, options_of(given, catalog)


_GIVEN = {
    "var": [],
    "var_file": [],
    "allow_endpoint": [],
    "target": [],
    "no_prune": False,
    "prune_all": False,
    "allow_stops": 0,
    "allow_empty": False,
}


class Table:
    """A service on which everything records."""

    def __init__(self) -> None:
        self.calls = 0
        self.share = Share()

    async def send(self, request: Request) -> Reply:
        """Answer a query."""
        with self.share.counted():
            self.calls += 1
            reply = Reply(status=200, body=answer(request.url))
        await asyncio.sleep(LATENCY_S)
        return reply


class Share:
    """CPU time of this process that went somewhere."""

    def __init__(self) -> None:
        self.cpu_s = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is done within, where nothing is waited for."""
        began_s = time.process_time()
        yield
        self.cpu_s += time.process_time() - began_s


class Shelf:
    """Specs that nobody touches."""

    def __init__(self, path: str) -> None:
        self.place = path

    async def fetch(self) -> Fetched:
        """Return where they are."""
        return Fetched(paths=(self.place,))

    async def changes(self) -> AsyncIterator[None]:
        """Wait for ever."""
        await asyncio.Event().wait()
        yield


async def at_once(work: Callable[[], T]) -> T:
    """Do work in the loop itself."""
    return work()


class LoopClock:
    """The running loop's time, from now on."""

    def __init__(self) -> None:
        self._begun_s = SystemClock().now_s()

    def now_s(self) -> float:
        """Return the Unix time."""
        return self._begun_s + self.monotonic_s()

    def monotonic_s(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""
        await asyncio.sleep(seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), told="told" in sys.argv[3:])
