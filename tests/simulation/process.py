"""One process of ours on the host, with its lock and its state; and what a `run` is.

It can be killed at any await, before and after any commit, call and answer.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from reconciler.cli.desk import Desk
from reconciler.cli.watch import Terms, Watch
from reconciler.clock import SteadyClock
from reconciler.daemon.daemon import Daemon, Settings, Setup
from reconciler.daemon.metrics import Metrics
from reconciler.daemon.source import Fetched
from reconciler.engine.apps import Outside
from reconciler.engine.budget import StateBudget
from reconciler.engine.outcome import Outcome
from reconciler.engine.shop import Materials
from reconciler.errors import LockedError, StateError
from reconciler.plan.action import Kind
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.spec.resolve import Resolver
from reconciler.spec.roots import from_root
from reconciler.state.open import open_state
from reconciler.state.store import Change, Holder, Snapshot, Store
from tests.daemon.support import at_once
from tests.simulation.life import Life
from tests.simulation.line import Line
from tests.simulation.reached import ACTION, FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

LOCK_POLL_S = 1.0
"""As commands with `--lock-timeout` do."""


class Watched:
    """A store that its process alone can use while it lives, and whose commits are heard of."""

    def __init__(self, inner: Store, process: "Process") -> None:
        self._inner = inner
        self._process = process

    def __getattr__(self, name: str) -> Any:
        if self._process.life.dead:
            raise StateError("the process is dead")
        return getattr(self._inner, name)

    def commit(self, scope: str, changes: Sequence[Change]) -> int:
        """Commit, unless this is where the process dies."""
        process = self._process
        process.come_to("write")
        serial = self._inner.commit(scope, changes)
        process.sim.wrote(process, changes)
        process.come_to("written")
        return serial

    def snapshot(self, scope: str) -> Snapshot:
        """Read a scope, and let it be known what was read."""
        snapshot: Snapshot = self.__getattr__("snapshot")(scope)
        self._process.sim.recalled(self._process, snapshot)
        return snapshot

    @contextmanager
    def lock(self, scope: str, holder: Holder) -> Iterator[None]:
        """Hold a scope's lock, under a name that is the same on every machine."""
        process = self._process
        named = replace(holder, host="here", process=process.number)
        with self._inner.lock(scope, named):
            process.has_lock = True
            process.sim.held(process)
            process.sim.host.held(process)
            try:
                yield
            finally:
                process.has_lock = False

    share = lock


class Process:
    """A process, from its begin to its end, its death or its refusal."""

    command = ""

    def __init__(self, sim: "Simulation", name: str) -> None:
        self.sim = sim
        self.name = name
        self.life = Life(self._fell)
        self.number = sim.next_number()
        self.line = Line(sim, self)
        self.has_lock = False
        self.files: tuple[str, ...] = ()
        """The spec files that are its PATHs; none: the whole folder."""

        self.catalog = Catalog(entries=(), diagnostics=(), complete=True)
        """What it read last."""

        self.failed = ""
        """Why it could not do its work."""

        self.takes_power: int | None = None
        """Whether its death is that of the whole host, and what is drawn then for the disk."""

        self._held = ExitStack()
        self.work: asyncio.Task[None]

    def come_to(self, what: str, endpoint: str = "") -> None:
        """Take note of where it is; this may be its end. Raises CancelledError."""
        self.life.come_to(what)
        if endpoint:
            self.life.come_to(f"{what} {endpoint}")

    @property
    def alive(self) -> bool:
        """Tell whether it is at work."""
        return not self.life.dead and hasattr(self, "work") and not self.work.done()

    def begin(self) -> None:
        """Begin; what comes of it is heard of when it ends."""
        with self.life.own():
            self.work = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._course()
        except (LockedError, StateError) as problem:
            self.failed = str(problem)
            if isinstance(problem, LockedError):
                self.sim.reach(FAULT, "locked-out")
            self.sim.say(self.name, f"ends: {problem}")
        finally:
            if not self.life.dead:
                self.close()
                self.sim.ended(self)

    async def _course(self) -> None:
        """Do what it is there for. Raises LockedError and StateError."""
        raise NotImplementedError

    def failure(self) -> str:
        """Return what ended it; empty if nothing did."""
        error = None if self.work.cancelled() else self.work.exception()
        return repr(error) if error else ""

    def open(self, *, write: bool) -> Store:
        """Open the state."""
        stage = self.sim.stage
        opened = open_state(self.sim.state_url, stage.environ, stage.clock, write=write)
        self._held.callback(opened.close)
        watched: Any = Watched(opened, self)
        store: Store = watched
        return store

    async def lock(self, store: Store, patience_s: float = 0.0) -> None:
        """Hold the scope's lock, after waiting for so long. Raises LockedError."""
        clock = self.sim.clock
        holder = Holder(host="", process=0, command=self.command, since_s=clock.now_s())
        deadline_s = clock.monotonic_s() + patience_s
        while True:
            try:
                self._held.enter_context(store.lock(self.sim.stage.scope, holder))
            except LockedError:
                if clock.monotonic_s() >= deadline_s:
                    raise
                await asyncio.sleep(LOCK_POLL_S)
            else:
                return

    async def bury(self) -> None:
        """Let nothing of it go on, and let go of what it held."""
        await self.life.bury()
        self.close()

    def close(self) -> None:
        """Let go of state and lock."""
        self._held.close()

    def materials(self, store: Store, *, acts: bool, share: float = 1.0) -> Materials:
        """Return what the engine's parts are made of."""
        stage = self.sim.stage
        outside = Outside(
            wire=lambda: self.line,
            budget=StateBudget(store, stage.clock),
            clock=stage.clock if self.command == "run" else SteadyClock(stage.clock),
            rng=Random(self.sim.script.seed * 10_000 + self.number),
            share=share,
        )
        moment_s = stage.clock.monotonic_s
        resolver = Resolver(stage.environ, allow_exec=stage.allow_exec, moment_s=moment_s)
        return Materials(outside=outside, resolver=resolver, acts=acts, alarm=self.alarm)

    def alarm(self, text: str) -> None:
        """Write a line to stderr."""
        self.sim.say(self.name, f"stderr: {text}")
        self.sim.reach(FAULT, "sid-told")

    def _fell(self) -> None:
        self.sim.fell(self)


class DaemonProcess(Process):
    """A `run`, from the moment that it asks for the lock."""

    command = "run"

    def __init__(self, sim: "Simulation", name: str, *, stands_by: bool) -> None:
        super().__init__(sim, name)
        self._desk = Desk(sim.stage.scope, sim.clock)
        terms = Terms(
            scope=sim.stage.scope,
            patience_s=None if stands_by else 0.0,
            began=_nothing,
            opened=lambda: self.open(write=True),
            setup=self._setup,
        )
        self._watch = Watch(terms, self._desk, sim.clock)

    def metrics(self) -> str:
        """Return what Prometheus would read of it."""
        return self._desk.metrics().decode()

    @property
    def leads(self) -> bool:
        """Tell whether it holds the scope, and works."""
        return self.alive and self._desk.inside.daemon is not None

    @property
    def daemon(self) -> Daemon:
        """Return what works while it leads."""
        daemon = self._desk.inside.daemon
        assert daemon is not None
        return daemon

    async def end(self) -> None:
        """End in order."""
        self._watch.stop()
        await asyncio.wait([self.work])

    async def notify(self, app: str, headers: dict[str, str], body: bytes) -> int | None:
        """Take a notification, as a part of this process."""
        with self.life.own():
            task = asyncio.get_running_loop().create_task(self._desk.notify(app, headers, body))
        try:
            return await task
        except asyncio.CancelledError:
            if not self.life.dead:
                raise
            return None

    async def _course(self) -> None:
        await self._watch.run()

    def _setup(self, store: Store) -> Setup:
        settings: dict[str, Any] = {**self.sim.script.settings}
        counted: Any = Counted(self._desk.metrics_told, self.sim)
        return Setup(
            source=self.sim.shelf,
            read=self._read,
            materials=self.materials(store, acts=True),
            metrics=counted,
            aside=at_once,
            settings=Settings(**settings),
        )

    def _read(self, fetched: Fetched) -> tuple[Catalog, Options]:
        catalog = self.sim.read(self, fetched.paths)
        return catalog, options(fetched.paths, catalog)


class Counted:
    """The metrics of a `run`: what it does counts as reached."""

    def __init__(self, inner: Metrics, sim: "Simulation") -> None:
        self._inner = inner
        self._sim = sim

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def action_ended(self, kind: Kind, outcome: str) -> None:
        """Count an action."""
        self._sim.reach(ACTION, kind)
        self._inner.action_ended(kind, outcome)

    def pass_ended(self, outcome: Outcome, seconds: float) -> None:
        """Count a pass."""
        self._sim.passes += 1
        self._inner.pass_ended(outcome, seconds)


def options(paths: Sequence[str], catalog: Catalog) -> Options:
    """Return what a command line without options says beside the specs."""
    return Options(
        paths=tuple(from_root(path) for path in paths),
        sound=catalog.complete and not catalog.errors,
        manifests=catalog.manifests,
        empty_sets=catalog.empty_sets,
    )


async def _nothing() -> None:
    """Serve nothing: nobody asks."""
