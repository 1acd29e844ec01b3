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
from reconciler.engine.halt import HALTED
from reconciler.engine.record import record_gone, record_resumed
from reconciler.engine.site import Site
from reconciler.engine.verdict import Verdicts
from reconciler.engine.work import PATIENCE, Terms, Work
from reconciler.errors import StateError
from reconciler.plan.action import Action, Key, Kind, Plan
from reconciler.plan.reasons import Reason
from reconciler.plan.result import Outcome, Problem, Progress, Result
from reconciler.plan.session import Phase

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
        self._freed: dict[str, asyncio.Event] = {}
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
        self._freed = {name: asyncio.Event() for name in names}
        await asyncio.gather(*(self._carry_out(name) for name in names))
        if self._failed is not None:
            raise self._failed
        settled = (each for each in self._all() if each.key.recording not in self._freed)
        await self._verdicts.write(settled, {})
        if not self._site.halt.ordered:
            await record_resumed(self._site)
            await record_gone(self._site, [*self._site.records.recorded, *self._actions])

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
        """Tell whether secrets were found unchanged in a way that is to be written down.

        That is when credentials were resolved, and what another key of state had hashed.
        """
        if action.reason not in {Reason.IN_SYNC, Reason.IGNORED, Reason.DEFERRED}:
            return False
        name = action.key.recording
        session = self._site.records.session(name, action.session)
        terms, now_s = self._site.specs.wanted[name].terms, self._site.now_s()
        agrees = action.reason == Reason.IN_SYNC
        is_due = agrees and self._differ.is_due(session, terms, now_s)
        return is_due or self._differ.resealed(session, now_s) is not None

    async def _carry_out(self, name: str) -> None:
        actions = self._actions[name]
        began_s = self._site.clock.monotonic_s()
        wait = self._limits.wait or name in self._awaited
        terms = Terms(deadline_s=self._deadline_s, wait=wait)
        work = Work(self._site, self._differ, name, actions, terms)
        try:
            await self._work(work, name)
            await self._verdicts.write(actions, work.problems)
        except StateError as problem:
            self._failed = self._failed or problem
            self._site.halt.order()
            trouble = Problem("state", str(problem), problem.hint)
            work.problems |= {
                each.key: trouble for each in actions if each.key not in work.problems
            }
        finally:
            self._freed[name].set()
        seconds = self._site.clock.monotonic_s() - began_s
        for action in actions:
            self._report(action, work.problems.get(action.key), seconds)

    async def _work(self, work: Work, name: str) -> None:
        """Work on a Recording; what needs something freed waits, and holds up no stop of its own.

        So two Recordings that take what the other one frees do not wait for each other.
        """
        late = {each.key: each.after for each in self._actions[name] if each.after}
        if late:
            async with self._gate:
                await work.run(late)
            self._freed[name].set()
            await self._wait_for([key.recording for after in late.values() for key in after])
        async with self._gate:
            await work.run()

    async def _wait_for(self, names: Iterable[str]) -> None:
        """Wait until these have freed what another one takes, as long as there is time."""
        for name in names:
            left_s = self._deadline_s - self._site.clock.monotonic_s()
            if name in self._freed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._freed[name].wait(), left_s)

    def _report(self, action: Action, problem: Problem | None, seconds: float) -> None:
        if action.kind is Kind.NONE and problem is None:
            return
        left = self._site.records.newest(action.key.recording, action.key.replica)
        outcome = result_of(action, problem)
        result = Result(action.key, action.kind, outcome, problem, left, seconds)
        self.results.append(result)
        self._progress.done(result)


def site_progress(progress: Progress) -> Callable[[str, int, str], None]:
    """Return what tells a Progress what a recording is at."""
    return lambda name, replica, what: progress.doing(Key(name, replica), what)


def result_of(action: Action, problem: Problem | None) -> Outcome:
    """Return how an action ended with such a problem, or with none.

    A planned wait that no apply sits out is nothing that failed now (design/cli.md, "apply").
    """
    if problem is None:
        return "done"
    is_left = action.kind is Kind.WAIT and problem.code in PATIENCE
    return "skipped" if is_left or problem.code == HALTED.code else "failed"
