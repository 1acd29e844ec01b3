"""`run`: reads the specs, reconciles, and goes on whenever something says so, for months.

Everything that wakes it is here: a file or a commit that changed, timers, notifications, requests.
Its end stops no recording (design/reconcile.md, "The daemon").
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace

from reconciler.daemon.addresses import Addresses
from reconciler.daemon.claims import Claims
from reconciler.daemon.crew import Crew, where
from reconciler.daemon.mailbox import Mailbox
from reconciler.daemon.metrics import Metrics
from reconciler.daemon.pace import Pace
from reconciler.daemon.post import Post, Rules
from reconciler.daemon.source import Fetched, Source
from reconciler.daemon.standing import Standing
from reconciler.daemon.timekeeper import Timekeeper
from reconciler.daemon.timers import Timers
from reconciler.engine.attendant import Attendant
from reconciler.engine.differ import Differ
from reconciler.engine.notices import Notices
from reconciler.engine.records import Records
from reconciler.engine.renewal import Aside
from reconciler.engine.shop import Materials
from reconciler.engine.site import Site
from reconciler.engine.tell import WARNING
from reconciler.errors import LockLostError, ReconcilerError, StateError
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.state.bounds import Bounds
from reconciler.state.store import Event

CLAIMS_TICKS = 5
"""An App that another `run` has is asked for again with every fifth tick."""

TRIM_S = 3600.0
ADDRESSES_FIRST_S, ADDRESSES_S = 60.0, 86_400.0
"""When the addresses of notifications are read: every 24 h (agora-api.md 7.6)."""

UNAVAILABLE = 503
"""What was not stored is sent again by the service (agora-api.md 8.1)."""

LOAD_AGAIN_S = 5.0
"""After a load that state could not take, the next is so soon."""

PRUNE_LATE_S = 1.0
"""So long after a `--prune-delay` the specs are read again."""

WATCHDOG_S = 15.0
"""A loop that has not turned for so long is not well."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How often and how long; mostly the options of `run` (design/cli.md).

    With each tick the loop shows that it turns, and state is asked for requests, which are carried
    out within 5 s (design/reconcile.md, "Locking").
    """

    tick_s: float = 1.0

    interval_s: float = 60.0
    resync_s: float = 120.0
    prune_delay_s: float = 300.0
    stop_within_s: float = 8.0
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a daemon is given of the world.

    `read` reads what was fetched: the catalog, and what the command line says beside it. It raises
    ReconcilerError where nothing can be read.
    """

    source: Source
    read: Callable[[Fetched], tuple[Catalog, Options]]
    materials: Materials
    metrics: Metrics
    aside: Aside
    settings: Settings = field(default_factory=Settings)


class Daemon:
    """One `run` over one scope, for as long as it holds the lock."""

    def __init__(self, records: Records, setup: Setup) -> None:
        """Begin with what state says. Raises StateError."""
        self._setup = setup
        outside = setup.materials.outside
        self._timekeeper = Timekeeper(records, outside.clock)
        self._clock = self._timekeeper.clock
        materials = replace(setup.materials, outside=replace(outside, clock=self._clock))
        self._records = records
        self.notices = Notices(records, self._clock)
        rules = Rules(
            resync_s=Pace(setup.settings.resync_s, self.notices),
            prune_delay_s=setup.settings.prune_delay_s,
            aside=setup.aside,
        )
        self.post = Post(records, materials, rules)
        self.timers = Timers(self._clock, outside.rng)
        self.claims = Claims(self.post)
        self.crew = Crew(self.post, self.timers, setup.metrics, setup.aside, self.claims.owns)
        self._mailbox = Mailbox(self.post, self.claims, self.notices, self.crew, setup.metrics)
        self._standing = Standing(records)
        records.told = self._told
        self._wanted = asyncio.Event()
        self._reread = False
        self._ended = asyncio.Event()
        self._requests = Attendant(self)
        self._addresses = Addresses()
        self._background: dict[asyncio.Future[None], None] = {}
        self._follows = False
        self._ticked_s = self._clock.monotonic_s()
        self.lag_s = 0.0
        self.fetched: Fetched | None = None
        self.state_trouble = ""

    # What others ask of it

    @property
    def site(self) -> Site:
        """Return the Site as it is now."""
        return self.post.shop.site

    @property
    def differ(self) -> Differ:
        """Return what compares with the specs as they are now."""
        return self.post.shop.differ

    def owns(self, names: Collection[str]) -> bool:
        """Tell whether all these Recordings are this process's to work on."""
        return all(map(self.claims.owns, names))

    def alone(self, names: Collection[str]) -> AbstractAsyncContextManager[None]:
        """Let no pass run for these meanwhile."""
        return self.crew.alone(names)

    def wake(self, names: Collection[str]) -> None:
        """Look at these now; what a guard has to judge is judged first."""
        self._soon(self._judged(frozenset(names)))

    def holds(self, digest: str) -> bool:
        """Tell whether the guard holds a plan whose digest begins so."""
        return self.post.guard.knows(digest)

    def approve(self, digest: str) -> str:
        """Let exactly the held plan of this digest happen; return why not, if not."""
        refusal = self.post.guard.approve(digest)
        if not refusal:
            self.wake(self.post.names())
        return refusal

    def sync(self) -> None:
        """Read the specs and the files beside them now, and reconcile."""
        self._reread = True
        self._wanted.set()

    def stop(self) -> None:
        """Begin nothing new, and end."""
        self.site.halt.order()
        self._ended.set()

    def health(self) -> str:
        """Return why it is not well; empty if it is."""
        late_s = self._clock.monotonic_s() - self._ticked_s
        is_late = late_s > WATCHDOG_S + self._setup.settings.tick_s
        return f"the loop has not turned for {late_s:.0f} s" if is_late else ""

    def readiness(self) -> str:
        """Return what is missing; empty if nothing is."""
        if self.post.catalog is None:
            return "the specs have not been read yet"
        if self.state_trouble:
            return f"state cannot be used: {self.state_trouble}"
        if self.claims.are_elsewhere:
            return "another `run` works on all Apps; this one stands by"
        if self.crew.passed_s is None and self.post.names():
            return "the first pass has not ended yet"
        return ""

    async def notify(self, app: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take a notification for an App; return the HTTP status (design/cli.md, "run")."""
        try:
            return await self._mailbox.take(app, headers, body)
        except StateError as problem:
            self._state_failed(problem)
            return UNAVAILABLE

    # Its life

    async def run(self) -> bool:
        """Run until it is stopped, the lock is lost, or it hands over; tell whether stopped."""
        settings = self._setup.settings
        self.timers.start()
        self.timers.every("tick", settings.tick_s, self._tick)
        self.timers.every("interval", settings.interval_s, self._interval)
        self.timers.every("claims", CLAIMS_TICKS * settings.tick_s, self._claim)
        self.timers.every("trim", TRIM_S, self._trim)
        now_s = self._clock.monotonic_s()
        self.timers.at("addresses", now_s + ADDRESSES_FIRST_S, self._read_addresses)
        endless: list[asyncio.Task[None]] = [
            asyncio.create_task(self._load_for_ever()),
            asyncio.create_task(self._watch()),
        ]
        try:
            await self._until_ended(endless)
        finally:
            await self._close(endless)
        return self._ended.is_set()

    async def _until_ended(self, endless: list[asyncio.Task[None]]) -> None:
        """Wait for the end; raise what ended a task that has none."""
        signs = (self._ended, self.crew.lost, self.claims.torn)
        waits = [asyncio.create_task(each.wait()) for each in signs]
        try:
            await asyncio.wait([*waits, *endless], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        for task in endless:
            if task.done():
                task.result()

    async def _close(self, endless: list[asyncio.Task[None]]) -> None:
        self.site.halt.order()
        self.timers.stop()
        await self.crew.close(self._setup.settings.stop_within_s)
        await self._requests.end()
        for task in (*endless, *self._background):
            task.cancel()
        await asyncio.gather(*endless, *self._background, return_exceptions=True)

    # Specs

    async def _load_for_ever(self) -> None:
        await self._claim()
        while True:
            self._wanted.clear()
            try:
                await self._load()
                self.state_trouble = ""
            except LockLostError:
                self.crew.lost.set()
            except StateError as problem:
                self._state_failed(problem)
                self._load_again(LOAD_AGAIN_S)
            except Exception as bug:  # what is desired already is kept so all the same
                log.exception("the specs could not be loaded: a bug", extra=where(bug))
                self._load_again(self._setup.settings.interval_s)
            await self._wanted.wait()

    def _load_again(self, after_s: float) -> None:
        self.timers.at("load again", self._clock.monotonic_s() + after_s, self._interval)

    async def _load(self) -> None:
        """Read the specs, make them the desired state, and let what is new be worked on."""
        if self.post.catalog is None:
            await self._timekeeper.set_back(self.claims.owns)
        fetched = self.fetched = await self._setup.source.fetch()
        now_s = self._clock.now_s()
        if fetched.problem:
            self._setup.metrics.source_failed()
        await self._standing.source(self._setup.source.place, fetched, now_s)
        if not fetched.paths:
            self._attend()
            return
        try:
            catalog, options = self._setup.read(fetched)
        except StateError:
            raise
        except ReconcilerError as problem:
            wrong = Fetched(paths=(), commit=fetched.commit, problem=str(problem))
            await self._standing.source(self._setup.source.place, wrong, now_s)
            self._attend()
            return
        self._setup.metrics.specs_loaded(sound=not catalog.errors)
        await self._standing.specs(catalog, now_s)
        await self._take(catalog, options)

    async def _take(self, catalog: Catalog, options: Options) -> None:
        is_first = self.post.catalog is None
        reread, self._reread = self._reread, False
        mine = self.claims.settle(catalog, options)
        news = await self.post.take(catalog, mine, self.crew.alone, reread=reread)
        self.claims.claim()  # Apps that these specs are the first to name
        self.claims.look()
        self.crew.renew(filter(self.claims.owns, news))
        self._attend()
        self._await_prune()
        if is_first:
            log.info("the specs are read", extra={"recordings": len(self.post.names())})

    def _attend(self) -> None:
        """See that everything that is ours has a pass before it, whether specs can be read."""
        fresh = {name for name in self.post.names() if not self.crew.known(name)}
        self.crew.wake(filter(self.claims.owns, fresh | self.post.unseen()))

    def _await_prune(self) -> None:
        """Read the specs again when a Recording that is gone may be pruned."""
        due_s = self.post.prune_due_s()
        if due_s is not None:
            after_s = max(due_s - self._clock.now_s(), 0.0) + PRUNE_LATE_S
            self.timers.at("prune", self._clock.monotonic_s() + after_s, self._interval)

    async def _watch(self) -> None:
        async for _ in self._setup.source.changes():
            self.sync()

    async def _interval(self) -> None:
        self._wanted.set()

    async def _judged(self, names: frozenset[str]) -> None:
        with self._state():
            await self.post.judge()
        self.crew.renew(names)

    # Timers

    async def _tick(self) -> None:
        """Show that the loop turns; notice a clock that was set."""
        now_s = self._clock.monotonic_s()
        self.lag_s = max(now_s - self._ticked_s - self._setup.settings.tick_s, 0.0)
        self._ticked_s = now_s
        if self._timekeeper.is_off and not self._follows:
            self._follows = True
            self._soon(self._follow_clock())
        if unjudged := self.post.guard.unjudged():
            await self._judged(frozenset(unjudged))
        await self._look_for_requests()

    async def _follow_clock(self) -> None:
        """Follow the clock when no pass runs: it would write down what it noted before."""
        try:
            with self._state():
                async with self.crew.alone(self.post.names()):
                    self.post.guard.move(await self._timekeeper.follow(self.claims.owns))
        finally:
            self._follows = False
        self.sync()

    async def _trim(self) -> None:
        with self._state():
            self._records.store.trim(self._clock.now_s(), self._setup.settings.bounds)

    async def _claim(self) -> None:
        with self._state():
            if self.claims.claim():
                self.sync()

    async def _look_for_requests(self) -> None:
        with self._state():
            await self._requests.look()

    async def _read_addresses(self) -> None:
        later_s = self._clock.monotonic_s() + ADDRESSES_S
        self.timers.at("addresses", later_s, self._read_addresses)
        await self._addresses.read(self.site)

    # What else

    @contextmanager
    def _state(self) -> Iterator[None]:
        """Go on where state cannot be used; where the lock is gone, end."""
        try:
            yield
        except LockLostError:
            self.crew.lost.set()
        except StateError as problem:
            self._state_failed(problem)

    def _soon(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background[task] = None
        task.add_done_callback(self._background.pop)

    def _told(self, told: Event) -> None:
        """Log and count an event."""
        level = logging.WARNING if told.type == WARNING else logging.INFO
        fields = {"recording": told.recording or None, "reason": told.reason, "said": told.message}
        log.log(level, "something happened", extra=fields)
        self._setup.metrics.event_told(told.type, told.reason)

    def _state_failed(self, problem: StateError) -> None:
        self._setup.metrics.state_failed()
        if self.state_trouble != str(problem):
            self.state_trouble = str(problem)
            log.warning("state cannot be used", extra={"problem": str(problem)})
            self._load_again(LOAD_AGAIN_S)  # the load that succeeds tells that it is over
