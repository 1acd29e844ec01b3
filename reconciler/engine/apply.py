"""Carrying out a whole Plan: parallel across Recordings, serial within each, until all is settled.

Waits until what was started is confirmed and what was missing is settled, within `timeout_s`
(design/cli.md, "apply"). Interrupted, it begins nothing new and ends.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from reconciler.engine.differ import Differ
from reconciler.engine.record import record_resumed
from reconciler.engine.site import HALTED, Site
from reconciler.engine.verdict import Verdicts
from reconciler.engine.work import Terms, Work, is_over
from reconciler.errors import StateError
from reconciler.plan.action import Action, Key, Kind, Plan
from reconciler.plan.reasons import Reason
from reconciler.plan.removal import why_kept
from reconciler.plan.result import Outcome, Problem, Progress, Result
from reconciler.plan.session import Phase, Session
from reconciler.state.store import DropRecorded

TIMEOUT_S = 300.0
PARALLELISM = 128
"""Recordings in work at once: at 10 requests a second no more than 50 are between two calls."""

WORKING = frozenset({Reason.RECORDED, Reason.RENAMED, Reason.FORGOTTEN, Reason.LEFT_RUNNING})
"""Reasons of `none` whose pass writes something down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how wide an apply goes; `wait`: until what was started is confirmed."""

    timeout_s: float = TIMEOUT_S
    parallelism: int = PARALLELISM
    wait: bool = True


class Apply:
    """One run of one Plan."""

    def __init__(
        self, site: Site, differ: Differ, plan: Plan, progress: Progress, limits: Limits
    ) -> None:
        self._site = site
        self._differ = differ
        self._progress = progress
        self._limits = limits
        self._actions: dict[str, list[Action]] = defaultdict(list)
        for action in plan.actions:
            self._actions[action.key.recording].append(action)
        self._awaited = {key.recording for action in plan.actions for key in action.after}
        self._gate = asyncio.Semaphore(limits.parallelism)
        self._over: dict[str, asyncio.Event] = {}
        self._deadline_s = site.clock.monotonic_s() + limits.timeout_s
        self._failed: StateError | None = None
        self._verdicts = Verdicts(site)
        self.results: list[Result] = []

    @property
    def total(self) -> int:
        """Return how many results there will be."""
        return sum(action.kind is not Kind.NONE for action in self._all())

    @property
    def pairs(self) -> int:
        """Return how many of the actions start a session."""
        starting = {Kind.START, Kind.RESTART, Kind.REPLACE, Kind.ROTATE}
        return sum(action.kind in starting for action in self._all())

    async def run(self) -> None:
        """Carry it out; `results` has one line for each action that is not `none`.

        Raises StateError where state could not be written, when all that was begun has ended.
        """
        names = self._names()
        self._over = {name: asyncio.Event() for name in names}
        await asyncio.gather(*(self._carry_out(name) for name in names))
        if self._failed is not None:
            raise self._failed
        settled = (each for each in self._all() if each.key.recording not in self._over)
        await self._verdicts.write(settled, {})
        if not self._site.halt.ordered:
            await record_resumed(self._site)
            await self._drop_what_is_gone()

    def _all(self) -> Iterable[Action]:
        return (action for actions in self._actions.values() for action in actions)

    def _names(self) -> list[str]:
        """Return the Recordings with work, those that free something first.

        Work is also what an earlier run left between two writes.
        """
        work = [
            action
            for action in self._all()
            if action.kind is not Kind.NONE
            or action.reason in WORKING
            or self._was_resolved(action)
        ]
        work.sort(key=lambda action: action.kind is not Kind.STOP)
        left_open = (
            session.recording
            for session in self._site.records.all_sessions()
            if session.phase in {Phase.NONE, Phase.ACQUIRED} and session.recording in self._actions
        )
        return list(dict.fromkeys([*(action.key.recording for action in work), *left_open]))

    def _was_resolved(self, action: Action) -> bool:
        """Tell whether credentials were found unchanged: when that was is to be written down."""
        if action.reason != Reason.IN_SYNC:
            return False
        name = action.key.recording
        session = self._site.records.session(name, action.session)
        return self._differ.is_due(session, self._site.specs.wanted[name].terms, self._site.now_s())

    async def _carry_out(self, name: str) -> None:
        actions = self._actions[name]
        await self._wait_for({key.recording for each in actions for key in each.after} - {name})
        began_s = self._site.clock.monotonic_s()
        wait = self._limits.wait or name in self._awaited
        terms = Terms(deadline_s=self._deadline_s, wait=wait)
        work = Work(self._site, self._differ, name, actions, terms)
        try:
            async with self._gate:
                await work.run()
            await self._verdicts.write(actions, work.problems)
        except StateError as problem:
            self._failed = self._failed or problem
            self._site.halt.order()
            trouble = Problem("state", str(problem), problem.hint)
            work.problems |= {
                each.key: trouble for each in actions if each.key not in work.problems
            }
        finally:
            self._over[name].set()
        seconds = self._site.clock.monotonic_s() - began_s
        for action in actions:
            self._report(action, work.problems.get(action.key), seconds)

    async def _wait_for(self, names: Iterable[str]) -> None:
        """Wait until these have freed what another one takes, as long as there is time."""
        for name in names:
            left_s = self._deadline_s - self._site.clock.monotonic_s()
            if name in self._over:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over[name].wait(), left_s)

    def _report(self, action: Action, problem: Problem | None, seconds: float) -> None:
        if action.kind is Kind.NONE and problem is None:
            return
        left = self._left_behind(action.key)
        result = Result(action.key, action.kind, result_of(problem), problem, left, seconds)
        self.results.append(result)
        self._progress.done(result)

    def _left_behind(self, key: Key) -> Session | None:
        mine = [
            session
            for session in self._site.records.sessions_of(key.recording)
            if session.replica == key.replica
        ]
        return max(mine, key=lambda session: session.created_s, default=None)

    async def _drop_what_is_gone(self) -> None:
        """Remove the rows of Recordings that are gone, and of which nothing lives."""
        gone = [name for name in self._site.records.recorded if self._is_gone(name)]
        if gone:
            await self._site.records.commit(*(DropRecorded(name=name) for name in gone))

    def _is_gone(self, name: str) -> bool:
        site = self._site
        if name in site.specs.wanted or not site.options.paths or not site.is_selected(name):
            return False
        if why_kept(site.options, site.records.recorded[name]) is not None:
            return False
        return all(_is_settled(each) for each in site.records.sessions_of(name))


def site_progress(progress: Progress) -> Callable[[str, int, str], None]:
    """Return what tells a Progress what a recording is at."""
    return lambda name, replica, what: progress.doing(Key(name, replica), what)


def result_of(problem: Problem | None) -> Outcome:
    """Return how an action ended with such a problem, or with none."""
    if problem is None:
        return "done"
    return "skipped" if problem.code == HALTED.code else "failed"


def _is_settled(session: Session) -> bool:
    """Tell whether nobody has to look at a session any more."""
    return session.is_orphan or (is_over(session) and session.recheck_s is None)
