"""Timers: work that is done at a moment, and work that is done every so often.

The home of APScheduler, which keeps the moments and is told the time by the Clock
(docs/decisions/013-timers-on-our-clock.md): one that is set back or forward moves no timer, and on
a virtual one a day passes in no time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import count
from math import ceil, floor
from random import Random
from typing import TypeAlias

from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from reconciler.clock import Clock

Work: TypeAlias = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


class Timers:
    """The timers of one process, each known by its name.

    Work of one name never overlaps itself. What fails is logged, and stops no timer.
    """

    def __init__(self, clock: Clock, rng: Random) -> None:
        """Make ready; `rng` draws how much later than its beat a timer with jitter goes off."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it tells of every single job
        self._clock = clock
        self._rng = rng
        self._zone = _ClockZone(clock)
        self._scheduler = AsyncIOScheduler(
            timezone=self._zone,
            event_loop=_ClockLoop(clock),
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._timers: dict[str, _Timer] = {}
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._numbers = count()

    def start(self) -> None:
        """Let timers go off from now on, within the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Let none go off any more, and end the work that is being done."""
        for name in list(self._timers):
            self.cancel(name)
        for task in self._running.values():
            task.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(self, name: str, seconds: float, work: Work, *, jitter_s: float = 0.0) -> None:
        """Do work every so often, first after `seconds`; replaces the timer of that name.

        The beat is kept however long the work takes; beats that it sleeps through are left out. It
        is begun up to `jitter_s` after each beat.
        """
        due_s = self._clock.monotonic_s() + seconds
        self._set(name, _Timer(due_s=due_s, work=work, beat_s=seconds, jitter_s=jitter_s))

    def at(self, name: str, monotonic_s: float, work: Work) -> None:
        """Do work once, at once if that moment has passed; replaces the timer of that name.

        What is being done under that name is done to its end before.
        """
        self._set(name, _Timer(due_s=monotonic_s, work=work))

    def cancel(self, name: str) -> None:
        """Forget a timer, if there is one; work that is being done goes on."""
        self._timers.pop(name, None)
        self._disarm(name)

    def _set(self, name: str, timer: "_Timer") -> None:
        if self._timers.get(name) == timer:  # as the work queue's often is; arming takes 0.1 ms
            return
        self._timers[name] = timer
        self._disarm(name)
        if name not in self._running:
            self._arm(name)

    def _arm(self, name: str) -> None:
        timer = self._timers[name]
        due_s = max(timer.due_s, self._clock.monotonic_s())
        due_s += self._rng.uniform(0.0, timer.jitter_s)
        self._jobs[name] = self._scheduler.add_job(
            self._go_off,
            DateTrigger(self._zone.moment(due_s), self._zone),
            (name, timer),
            id=f"{next(self._numbers):016}",  # what is due at one moment goes in order of asking
        )

    def _disarm(self, name: str) -> None:
        job = self._jobs.pop(name, None)
        if job is not None:
            with suppress(JobLookupError):  # it is just going off, and finds that it is not meant
                job.remove()

    async def _go_off(self, name: str, timer: "_Timer") -> None:
        """Begin the work, in a task that is ours to end: the scheduler only wakes."""
        if self._timers.get(name) is not timer:
            return
        del self._jobs[name]
        if not timer.beat_s:
            del self._timers[name]
        self._running[name] = asyncio.create_task(self._carry_out(name, timer))

    async def _carry_out(self, name: str, timer: "_Timer") -> None:
        try:
            await timer.work()
        except Exception as problem:
            fields = {"timer": name, "error": type(problem).__name__}
            log.exception("the work of a timer failed", extra=fields)
        finally:
            del self._running[name]
        if self._timers.get(name) is timer:
            self._timers[name] = timer.after(self._clock.monotonic_s())
        if name in self._timers:
            self._arm(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timer:
    """What is done when: once, or with `beat_s` again and again."""

    due_s: float
    work: Work
    beat_s: float = 0.0
    jitter_s: float = 0.0

    def after(self, now_s: float) -> "_Timer":
        """Return the same at its next beat."""
        passed = max(floor((now_s - self.due_s) / self.beat_s), 0)
        return replace(self, due_s=self.due_s + (passed + 1) * self.beat_s)


_PER_S = 1_000_000
"""What the scheduler measures in: microseconds."""


class _ClockZone(tzinfo):
    """A time zone in which it is as late as the Clock says, counted from 1970.

    What the scheduler takes for now is never later than the Clock, a moment it is given never
    earlier: so nothing goes off before its time, be it by less than a microsecond.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begin = datetime(1970, 1, 1, tzinfo=self)

    def moment(self, monotonic_s: float) -> datetime:
        """Return a moment of the Clock."""
        return self._begin + timedelta(microseconds=ceil(monotonic_s * _PER_S))

    def fromutc(self, dt: datetime) -> datetime:
        """Return the Clock's time, whatever that of the system is: `datetime.now` asks for it."""
        del dt
        return self._begin + timedelta(microseconds=floor(self._clock.monotonic_s() * _PER_S))

    def utcoffset(self, dt: datetime | None) -> timedelta:
        del dt
        return timedelta(0)

    def dst(self, dt: datetime | None) -> timedelta:
        del dt
        return timedelta(0)

    def tzname(self, dt: datetime | None) -> str:
        del dt
        return "clock"


class _ClockLoop:
    """As much of an event loop as the scheduler asks for; it waits as the Clock does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def is_closed(self) -> bool:
        return False

    def create_task(self, work: Coroutine[None, None, object]) -> asyncio.Task[object]:
        return asyncio.create_task(work)

    def call_soon_threadsafe(self, call: Callable[[], None]) -> asyncio.Handle:
        return asyncio.get_running_loop().call_soon(call)

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.Task[None]:
        return asyncio.create_task(self._later(seconds, call))

    async def _later(self, seconds: float, call: Callable[[], None]) -> None:
        await self._clock.sleep(seconds)
        call()
