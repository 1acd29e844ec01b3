"""A `run` beside the command under test: in a thread, with a state and a connection of its own."""

import argparse
import asyncio
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from reconciler.cli import asking
from reconciler.cli.console import Console
from reconciler.cli.loading import load_catalog
from reconciler.cli.scope import Errand, shop_of
from reconciler.cli.service import Service
from reconciler.clock import Clock
from reconciler.plan.world import Options
from reconciler.state.store import Holder, Store
from tests.cli.world import World
from tests.engine.small_run import SmallRun

RUN = Holder(host="tower", process=4711, command="run", since_s=1_780_000_000.0)
UNREAD = {"var": [], "var_file": [], "allow_endpoint": [], "allow_exec": False, "scope": "default"}


class Hooked:
    """A clock that does something, once, when somebody begins to wait."""

    def __init__(self, clock: Clock, *hooks: Callable[[], object]) -> None:
        self._clock = clock
        self._hooks = [*hooks]

    def now_s(self) -> float:
        return self._clock.now_s()

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        while self._hooks:
            self._hooks.pop(0)()
        await self._clock.sleep(seconds)


@contextmanager
def hanging(world: World) -> Iterator[Store]:
    """Let a `run` hold the scope that does nothing."""
    with world.store() as store, store.lock("default", RUN):
        yield store


@contextmanager
def running(world: World) -> Iterator[SmallRun]:
    """Let a `run` hold the scope that works, on the specs as they are now.

    At the end it rests first. Commands give it a minute to take a request: their clock is hurried.
    """
    begun = threading.Event()
    runs: list[SmallRun] = []
    loop = asyncio.new_event_loop()
    with world.store() as store, store.lock("default", RUN):
        task = loop.create_task(_serve(world, store, runs, begun))
        thread = threading.Thread(target=_work, args=(loop, task))
        thread.start()
        try:
            assert begun.wait(10)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(asking, "TAKE_S", 60.0)
                yield runs[0]
            asyncio.run_coroutine_threadsafe(runs[0].rest(world.clock), loop).result(20)
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join(20)
            loop.close()


def _work(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    loop.run_until_complete(asyncio.wait([task]))


async def _serve(world: World, store: Store, runs: list[SmallRun], begun: threading.Event) -> None:
    args = argparse.Namespace(paths=[str(world.specs)], **UNREAD)
    console = Console(io.StringIO(), io.StringIO(), world.environ, clock=world.clock, rng=Random(7))
    service = Service()
    try:
        catalog = load_catalog(args, world.environ, world.clock)
        shop = shop_of(Errand(args, console, service), store, catalog, Options(), acts=True)
        runs.append(SmallRun(shop))
        begun.set()
        await runs[0].serve(world.clock)
    finally:
        await service.close()
