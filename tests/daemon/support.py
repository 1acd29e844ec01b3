"""The real daemon on virtual time: real engine, client and SQLite state, against the simulator.

A `Run` is one process that holds a Stage's scope; it ends in order, or as if it were killed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from reconciler.agora.http import Http
from reconciler.daemon.daemon import Daemon, Settings, Setup
from reconciler.daemon.metrics import Facts, Metrics
from reconciler.daemon.source import Fetched
from reconciler.engine.apps import Outside
from reconciler.engine.budget import StateBudget
from reconciler.engine.records import Records
from reconciler.engine.shop import Materials
from reconciler.plan.world import Options
from reconciler.simulator.client import InProcess
from reconciler.spec.catalog import Catalog, read_catalog
from reconciler.spec.load import Files
from reconciler.spec.resolve import Resolver
from reconciler.spec.roots import from_root
from reconciler.spec.setting import Setting
from reconciler.state.open import open_state
from reconciler.state.store import Holder
from tests.engine.support import Stage

T = TypeVar("T")


@dataclass
class Shelf:
    """A source without files to watch: it says when something changed, and what went wrong."""

    paths: tuple[str, ...]
    commit: str = ""
    problem: str = ""
    place: str = "the shelf"
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self) -> Fetched:
        return Fetched(paths=self.paths, commit=self.commit, problem=self.problem)

    def touch(self) -> None:
        """Say that something changed."""
        self._changed.set()

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self._changed.wait()
            self._changed.clear()
            yield


async def at_once(work: Callable[[], T]) -> T:
    """Do work aside, in the loop itself."""
    return work()


class Run:
    """One `run` over a Stage."""

    def __init__(self, stage: Stage, **settings: Any) -> None:
        self.stage = stage
        self.settings = Settings(**{"tick_s": 5.0, **settings})
        self.source = Shelf((str(stage.specs),))
        self.metrics = Metrics(_no_facts)
        self.daemon: Daemon

    @asynccontextmanager
    async def going(self) -> AsyncIterator[Daemon]:
        """Run for as long as the block lasts; end in order."""
        stage = self.stage
        stage.runs += 1
        http = Http(transport=InProcess(stage.application))
        store = stage.opened(
            open_state(
                f"sqlite:///{stage.folder}/state/state.db", stage.environ, stage.clock, write=True
            )
        )
        holder = Holder(host="here", process=1, command="run", since_s=stage.clock.now_s())
        try:
            with store.share(stage.scope, holder):
                records = Records(store, stage.scope, store.snapshot(stage.scope))
                wire = stage.tap(http)
                outside = Outside(
                    wire=lambda: wire,
                    budget=StateBudget(store, stage.clock),
                    clock=stage.clock,
                    rng=Random(stage.runs),
                )
                moment_s = stage.clock.monotonic_s
                resolver = Resolver(stage.environ, allow_exec=stage.allow_exec, moment_s=moment_s)
                setup = Setup(
                    source=self.source,
                    read=self._read,
                    materials=Materials(
                        outside=outside, resolver=resolver, acts=True, alarm=stage.heard.told.append
                    ),
                    metrics=self.metrics,
                    aside=at_once,
                    settings=self.settings,
                )
                self.daemon = Daemon(records, setup)
                task = asyncio.create_task(self.daemon.run())
                try:
                    yield self.daemon
                finally:
                    self.daemon.stop()
                    with suppress(asyncio.CancelledError):
                        await task
        finally:
            store.close()
            await http.close()

    def _read(self, fetched: Fetched) -> tuple[Catalog, Options]:
        stage = self.stage
        setting = Setting({}, frozenset(), stage.environ, stage.clock.now_s())
        catalog = read_catalog(Files(list(fetched.paths)), setting)
        options = Options(
            paths=tuple(from_root(path) for path in fetched.paths),
            sound=catalog.complete and not catalog.errors,
            manifests=catalog.manifests,
            empty_sets=catalog.empty_sets,
        )
        return catalog, options

    def change(self) -> None:
        """Let the daemon see that the specs changed."""
        self.source.touch()


def _no_facts() -> Facts:
    raise AssertionError("nobody reads the metrics here")
