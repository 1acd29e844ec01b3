"""The real daemon on virtual time: real engine, client and SQLite state, against the simulator.

A `Run` is one process that holds a Stage's scope; it ends in order, or as if it were killed.
"""

import asyncio
import selectors
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from random import Random
from typing import Any, ParamSpec, TypeVar

from reconciler.agora.messages import Wire
from reconciler.daemon.claims import HAND_OVER_S, Turns
from reconciler.daemon.daemon import Daemon, Settings, Setup
from reconciler.daemon.metrics import Facts, Metrics
from reconciler.daemon.source import Fetched
from reconciler.engine.apps import Outside
from reconciler.engine.budget import StateBudget
from reconciler.engine.records import Records
from reconciler.engine.shop import Materials
from reconciler.errors import StateError
from reconciler.plan.world import Options
from reconciler.spec.cache import VARIABLE as CACHE
from reconciler.spec.cache import open_cache
from reconciler.spec.catalog import Catalog, read_catalog
from reconciler.spec.load import Files
from reconciler.spec.resolve import Resolver
from reconciler.spec.roots import from_root
from reconciler.spec.setting import Setting
from reconciler.state.open import open_state
from reconciler.state.store import Holder, Store
from tests.daemon.wires import Direct
from tests.engine.support import Stage

P = ParamSpec("P")
T = TypeVar("T")

ROUNDS_MAX = 100
"""So often is a task cancelled that goes on; the dead do not."""

MEMORY = Path("/", "dev", "shm")
"""A disk that waits for nothing, where there is one."""


class _Passing(selectors.SelectSelector):
    """Waits for nothing that comes from outside: time passes instead."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            return super().select(None)
        self.passed_s += max(timeout, 0.0)
        return []


class LongLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time that is cheap where days pass."""

    def __init__(self) -> None:
        self._passing = _Passing()
        super().__init__(self._passing)
        self.set_task_factory(_owned)

    def time(self) -> float:
        return self._passing.passed_s


def long_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a loop whose time passes only where everybody waits, for days."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=LongLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give a folder whose files cost no time to write, where there is a place for that."""
    place = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else folder))
    try:
        yield place
    finally:
        shutil.rmtree(place)


_OWNER: ContextVar["set[asyncio.Task[Any]] | None"] = ContextVar("owner", default=None)


def _owned(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T] | Generator[Any, None, T],
    **how: Any,
) -> asyncio.Task[T]:
    """Make a task that its process, if it belongs to one, takes with it when it dies."""
    task = asyncio.Task(work, loop=loop, **how)
    context = how.get("context")
    owner = _OWNER.get() if context is None else context.get(_OWNER)
    if owner is not None:
        owner.add(task)
        task.add_done_callback(owner.discard)
    return task


@dataclass
class Shelf:
    """A source without files to watch: it says when something changed, and what went wrong."""

    paths: tuple[str, ...]
    commit: str = ""
    problem: str = ""
    place: str = "the shelf"
    mistake: Exception | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self) -> Fetched:
        if self.mistake is not None:
            raise self.mistake
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


class Mortal:
    """A store that whoever is dead cannot use any more."""

    def __init__(self, inner: Store) -> None:
        self.dead = False
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if self.dead:
            raise StateError("the process is dead")
        return getattr(self._inner, name)


class Run:
    """One `run` over a Stage: one process after the other, each with what the last one left."""

    def __init__(self, stage: Stage, **settings: Any) -> None:
        self.stage = stage
        self.settings = Settings(**{"tick_s": 5.0, **settings})
        self.source = Shelf((str(stage.specs),))
        self.metrics = Metrics(_no_facts)
        self.wire = Direct(stage.application, stage.clock)
        self.daemon: Daemon
        self.alive = False
        self._turns = Turns(stage.clock)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._read_before: tuple[object, Catalog] | None = None

    @asynccontextmanager
    async def going(self) -> AsyncIterator[Daemon]:
        """Run for as long as the block lasts; end in order."""
        self.begin()
        try:
            yield self.daemon
        finally:
            await self.end()

    def begin(self) -> Daemon:
        """Begin a process."""
        stage, self._held = self.stage, ExitStack()
        stage.runs += 1
        opened = open_state(stage.state_url, stage.environ, stage.clock, write=True)
        self._held.callback(opened.close)
        holder = Holder(host="here", process=1, command="run", since_s=stage.clock.now_s())
        try:
            self._held.enter_context(opened.share(stage.scope, holder))
            self.store = Mortal(stage.opened(opened))
            records = Records(self.store, stage.scope, self.store.snapshot(stage.scope))
            self.daemon = Daemon(records, self._setup(self.store))
        except BaseException:
            self._held.close()
            raise
        token = _OWNER.set(self._tasks)
        self.work = asyncio.create_task(self.daemon.run())
        _OWNER.reset(token)
        self.alive = True
        return self.daemon

    async def end(self) -> None:
        """End in order."""
        self.alive = False
        self.daemon.stop()
        try:
            await self.work
        finally:
            self._held.close()

    async def kill(self) -> None:
        """End at once: whatever it was at goes no further, and what it held is free."""
        self.alive, self.store.dead = False, True
        self.wire.left.forget_open()
        for _ in range(ROUNDS_MAX):
            left = set(self._tasks)
            if not left:
                break
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        assert not self._tasks, "something outlives its process"
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self.work, return_exceptions=True)
        self._held.close()

    async def hear(self, app: str, headers: Mapping[str, str], body: bytes) -> int | None:
        """Take a notification of an App; nobody answers while nobody runs."""
        if not self.alive or self.store.dead:
            return None
        given = {name.lower(): value for name, value in headers.items()}
        return await self.daemon.notify(app, given, body)

    async def again(self) -> None:
        """Begin a process whenever one hands over, as `reconciler run` does."""
        while True:
            await asyncio.wait([self.work])
            if not self.alive:
                return
            self.alive = False
            self._held.close()
            self._turns.over()
            await asyncio.sleep(HAND_OVER_S)
            self._turns.begin(self.begin().claims)

    def change(self) -> None:
        """Let the daemon see that the specs changed."""
        self.source.touch()

    def _setup(self, store: Store) -> Setup:
        stage = self.stage
        wire: Wire = stage.tap(self.wire)
        outside = Outside(
            wire=lambda: wire,
            budget=StateBudget(store, stage.clock),
            clock=stage.clock,
            rng=Random(stage.runs),
        )
        moment_s = stage.clock.monotonic_s
        resolver = Resolver(stage.environ, allow_exec=stage.allow_exec, moment_s=moment_s)
        return Setup(
            source=self.source,
            read=self._read,
            materials=Materials(
                outside=outside, resolver=resolver, acts=True, alarm=stage.heard.told.append
            ),
            metrics=self.metrics,
            aside=at_once,
            settings=self.settings,
        )

    def _read(self, fetched: Fetched) -> tuple[Catalog, Options]:
        catalog = self._catalog(fetched)
        options = Options(
            paths=tuple(from_root(path) for path in fetched.paths),
            sound=catalog.complete and not catalog.errors,
            manifests=catalog.manifests,
            empty_sets=catalog.empty_sets,
        )
        return catalog, options

    def _catalog(self, fetched: Fetched) -> Catalog:
        """Read the specs as `run` does, and not at all while nothing changed."""
        files = [each for path in fetched.paths for each in sorted(Path(path).glob("*"))]
        marks = [(each.name, each.stat().st_mtime_ns, each.stat().st_size) for each in files]
        if self._read_before is None or self._read_before[0] != marks:
            stage = self.stage
            setting = Setting({}, frozenset(), stage.environ, stage.clock.now_s())
            cache = open_cache({CACHE: str(stage.folder / "cache")})
            catalog = read_catalog(Files(list(fetched.paths)), setting, cache)
            if cache is not None:
                cache.flush()
            self._read_before = (marks, catalog)
        return self._read_before[1]


def _no_facts() -> Facts:
    raise AssertionError("nobody reads the metrics here")
