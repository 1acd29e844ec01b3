"""Passes over Recordings, many at once and none twice: whoever takes keys from the queue.

A pass says itself when to come back; this module keeps the promise. Every failure is waited out
with a growing back-off, and nothing that goes wrong with one Recording is another one's trouble.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from itertools import count

from reconciler.daemon.metrics import Metrics
from reconciler.daemon.post import Post
from reconciler.daemon.timers import Timers
from reconciler.engine.outcome import Done, Outcome, RequeueAfter, Retry, Stalled
from reconciler.engine.queue import Queue, QueueKey
from reconciler.engine.reconcile import Pass, next_actions, reconcile, world_of
from reconciler.engine.record import record_gone, record_one
from reconciler.engine.renewal import Aside, renew
from reconciler.engine.site import Site
from reconciler.engine.tracing import tracing
from reconciler.engine.verdict import Verdicts
from reconciler.engine.work import HURRIED_MAX
from reconciler.errors import LockLostError, StateError
from reconciler.plan.action import Kind
from reconciler.plan.result import Problem
from reconciler.plan.wakes import next_wake_s

RUNNING_MAX = 64
"""Passes of one App at once: at 10 requests a second no more than 50 are between two calls."""

LATE_S = 2.0
"""How soon to look again whether what a Recording takes is free."""

TIMER = "queue"

log = logging.getLogger(__name__)


class Crew:
    """Takes what is due, and runs it."""

    def __init__(
        self,
        post: Post,
        timers: Timers,
        metrics: Metrics,
        aside: Aside,
        owns: Callable[[str], bool],
    ) -> None:
        """Make ready; `lost` is set when the lock is found to be gone.

        Of Recordings that this process does not own nothing is done.
        """
        site = post.shop.site
        self.lost = asyncio.Event()
        self.passed_s: float | None = None
        self._post = post
        self._timers = timers
        self._metrics = metrics
        self._aside = aside
        self._owns = owns
        self._alone: Counter[str] = Counter()
        self._clock = site.clock
        self._queue = Queue(site.rng, RUNNING_MAX)
        self._keys: dict[str, QueueKey] = {}
        self._tasks: dict[QueueKey, asyncio.Task[None]] = {}
        self._hurried: dict[str, int] = defaultdict(int)
        self._numbers = count(1)
        self._verdicts = Verdicts(site)
        self._due_s: float | None = None
        self._closed = False

    @property
    def depth(self) -> int:
        """Return how many Recordings are due and wait."""
        return self._queue.depth(self._clock.monotonic_s())

    def known(self, name: str) -> bool:
        """Tell whether a Recording has a pass before it."""
        return name in self._keys

    def wake(self, names: Iterable[str]) -> None:
        """Look at these now, but for those that wait out a failure."""
        now_s = self._clock.monotonic_s()
        for key in map(self._key, sorted(names)):  # so that nothing hangs on how a set is kept
            if not self._queue.backs_off(key):
                self._queue.add(key, now_s)
        self._turn()

    def renew(self, names: Iterable[str]) -> None:
        """Look at these now, whatever failed before: something about them is new."""
        now_s = self._clock.monotonic_s()
        for name in sorted(names):
            self._queue.renew(self._key(name), now_s)
        self._turn()

    @asynccontextmanager
    async def alone(self, names: Collection[str]) -> AsyncIterator[None]:
        """Let no pass run for these meanwhile."""
        keys = [self._key(name) for name in sorted(names)]
        self._queue.hold(keys)
        self._alone.update(names)
        try:
            running = [self._tasks[key] for key in keys if key in self._tasks]
            if running:
                await asyncio.wait(running)
            yield
        finally:
            self._alone -= Counter(names)
            self._queue.free(keys)
            self.renew(names)

    async def close(self, within_s: float) -> None:
        """Take nothing more; wait until what was begun has ended, or is given up."""
        self._closed = True
        tasks = list(self._tasks.values())
        if not tasks:
            return
        waiting = asyncio.ensure_future(asyncio.wait(tasks))
        patience = asyncio.ensure_future(self._clock.sleep(within_s))
        await asyncio.wait({waiting, patience}, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)

    def _key(self, name: str) -> QueueKey:
        """Return the key of a Recording; one that moves to another App keeps it while it runs.

        Or while it is not to: so no second pass runs under another key.
        """
        known, app = self._keys.get(name), self._post.app_of(name)
        is_bound = known in self._tasks or name in self._alone
        if known is not None and (known.app == app or is_bound):
            return known
        if known is not None:
            self._queue.drop(known)
        self._keys[name] = QueueKey(app, name)
        return self._keys[name]

    def _turn(self) -> None:
        """Begin all that is due, and come back when the next is."""
        if self._closed:
            return
        now_s = self._clock.monotonic_s()
        while (key := self._queue.take(now_s)) is not None:
            self._tasks[key] = asyncio.create_task(self._run(key))
        next_s = self._queue.next_s()
        if next_s is None:
            self._timers.cancel(TIMER)
        elif next_s != self._due_s:
            self._timers.at(TIMER, next_s, self._on_time)
        self._due_s = next_s

    async def _on_time(self) -> None:
        self._due_s = None
        self._turn()

    async def _run(self, key: QueueKey) -> None:
        begun_s, since_s = self._clock.monotonic_s(), self._clock.now_s()
        try:
            with tracing(recording=key.name, reconcile_id=str(next(self._numbers))):
                outcome, wake_s = await self._outcome(key.name, since_s)
                self.passed_s = self._clock.monotonic_s()
                self._metrics.pass_ended(outcome, self.passed_s - begun_s)
                self._come_back(key, outcome, wake_s)
        finally:
            del self._tasks[key]
            self._turn()

    async def _outcome(self, name: str, since_s: float) -> tuple[Outcome, float | None]:
        """Run one pass, begun at `since_s`; return how it ended and when to look again.

        What is wrong is told and waited out, a mistake of this program too.
        """
        shop = self._post.shop
        if not self._owns(name):
            return Done(), None
        try:
            await renew(shop.site, shop.differ, name, self._aside)
            passed = await reconcile(shop.site, shop.differ, name, self._post.late(name))
            await self._note(shop.site, name, passed)
            return passed.outcome, self._wake_s(name, since_s)
        except LockLostError as problem:
            self.lost.set()
            return Retry(Problem("state", str(problem))), None
        except StateError as problem:
            self._metrics.state_failed()
            log.warning("state cannot be used", extra={"problem": str(problem)})
            return Retry(Problem("state", str(problem))), None
        except Exception as bug:  # one Recording's bug is no other's trouble
            log.exception("a pass failed: this is a bug in reconciler", extra=where(bug))
            return Retry(Problem("bug", "a pass failed unexpectedly")), None

    async def _note(self, site: Site, name: str, passed: Pass) -> None:
        """Write down what the pass came to, beside what it did."""
        await self._verdicts.write(passed.actions, passed.problems)
        done = [each for each in passed.actions if each.key not in passed.problems]
        self._post.guard.acted(done, site.now_s())
        for action in passed.actions:
            if action.kind is not Kind.NONE:
                failed = action.key in passed.problems
                self._metrics.action_ended(action.kind, "failed" if failed else "done")
        held = self._post.guard.held
        if not passed.problems and not (held and name in held.names):
            await record_one(site, name)
        if name not in site.specs.wanted:
            await record_gone(site, [name])

    def _come_back(self, key: QueueKey, outcome: Outcome, wake_s: float | None) -> None:
        """Let the queue know when the next pass is: a failed one has its back-off, or earlier."""
        now_s, unix_s = self._clock.monotonic_s(), self._clock.now_s()
        match outcome:
            case Done() | RequeueAfter():
                self._queue.done(key)
                hurries = isinstance(outcome, RequeueAfter) and outcome.at_s <= unix_s
                if hurries:
                    self._hurry(key, now_s)
                    return
                self._hurried.pop(key.name, None)
                if isinstance(outcome, RequeueAfter):
                    wake_s = outcome.at_s if wake_s is None else min(outcome.at_s, wake_s)
            case Retry(problem=problem) | Stalled(problem=problem):
                again_s = self._queue.fail(key, now_s)
                log.info(
                    "a pass is tried again",
                    extra={"reason": problem.code, "seconds": round(max(again_s - now_s, 0.0), 1)},
                )
        if not self._post.is_known(key.name):
            self._forget(key)
        elif wake_s is not None:
            self._queue.add(key, now_s + wake_s - unix_s)

    def _hurry(self, key: QueueKey, now_s: float) -> None:
        """Go on at once, but for one that never seems to settle."""
        self._hurried[key.name] += 1
        if self._hurried[key.name] > HURRIED_MAX:
            del self._hurried[key.name]
            self._queue.add(key, now_s + LATE_S)
        else:
            self._queue.add(key, now_s)

    def _forget(self, key: QueueKey) -> None:
        """Keep nothing of a Recording of which there is nothing left."""
        self._queue.drop(key)
        self._keys.pop(key.name, None)
        self._verdicts.forget(key.name)

    def _wake_s(self, name: str, since_s: float) -> float | None:
        """Return when to look at a Recording again, in Unix time; None: nothing changes by itself.

        `since_s` is when the pass began that has ended now.
        """
        site, differ = self._post.shop.site, self._post.shop.differ
        if self._post.late(name):
            return site.now_s() + LATE_S
        world, actions = world_of(site, differ, name), next_actions(site, differ, name)
        return next_wake_s(world, actions, site.resync_s, since_s)


def where(bug: BaseException) -> dict[str, str]:
    """Return where a bug happened, without the values it happened with."""
    frames = []
    trace = bug.__traceback__
    while trace:
        frames.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return {"error": type(bug).__name__, "at": " > ".join(frames[-6:])}
