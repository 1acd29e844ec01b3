"""Carrying out a whole Plan: parallel across Recordings, serial within each, until all is settled.

Waits until what was started is confirmed and what was missing is settled, within `timeout_s`
(design/cli.md, "apply"). Interrupted, it begins nothing new and ends.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from reconciler.engine.differ import Differ
from reconciler.engine.outcome import Outcome, RequeueAfter
from reconciler.engine.reconcile import due_at_s, reconcile
from reconciler.engine.site import HALTED, Site
from reconciler.errors import StateError
from reconciler.plan.action import Action, Key, Kind, Plan
from reconciler.plan.reasons import Reason
from reconciler.plan.removal import why_kept
from reconciler.plan.result import Outcome as ResultWord
from reconciler.plan.result import Problem, Progress, Result
from reconciler.plan.session import ASKED, Phase, Session
from reconciler.state.store import DropRecorded

TIMEOUT_S = 300.0
PARALLELISM = 128
"""Recordings in work at once: at 10 requests a second no more than 50 are between two calls."""

HURRIED_MAX = 8
"""A Recording that asks for one step after the other so often, without a wait, never settles."""

LOOK_AGAIN_S = 1.0
"""After a problem, what is under way is looked at no sooner."""

WORKING = frozenset({Reason.RECORDED, Reason.FORGOTTEN, Reason.LEFT_RUNNING})
"""Reasons of `none` whose pass writes something down."""

PATIENCE: Mapping[str, str] = {
    Reason.BACKING_OFF: "it failed, and is tried again after its back-off by the next run",
    Reason.NO_PLACE: "as many sessions run as its App allows",
    Reason.IN_HAND: "another run is at work on it",
}
"""Waits that an apply does not sit out (design/cli.md, "apply"), and what it says of them."""


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
        self._actions = {action.key: action for action in plan.actions}
        self._gate = asyncio.Semaphore(limits.parallelism)
        self._over: dict[str, asyncio.Event] = {}
        self._began_s = site.clock.monotonic_s()
        self._failed: StateError | None = None
        self.results: list[Result] = []

    @property
    def total(self) -> int:
        """Return how many results there will be."""
        return sum(action.kind is not Kind.NONE for action in self._actions.values())

    @property
    def pairs(self) -> int:
        """Return how many of the actions start a session."""
        starting = {Kind.START, Kind.RESTART, Kind.REPLACE, Kind.ROTATE}
        return sum(action.kind in starting for action in self._actions.values())

    async def run(self) -> None:
        """Carry it out; `results` has one line for each action that is not `none`.

        Raises StateError where state could not be written, when all that was begun has ended.
        """
        names = self._names()
        self._over = {name: asyncio.Event() for name in names}
        await asyncio.gather(*(self._carry_out(name) for name in names))
        await self._drop_what_is_gone()
        if self._failed is not None:
            raise self._failed

    def _names(self) -> list[str]:
        """Return the Recordings with work, those that free something first."""
        work = [
            action
            for action in self._actions.values()
            if action.kind is not Kind.NONE or action.reason in WORKING
        ]
        work.sort(key=lambda action: action.kind is not Kind.STOP)
        return list(dict.fromkeys(action.key.recording for action in work))

    async def _carry_out(self, name: str) -> None:
        keys = [key for key in self._actions if key.recording == name]
        for before in {key.recording for each in keys for key in self._actions[each].after}:
            if before in self._over and before != name:
                await self._over[before].wait()
        began_s = self._site.clock.monotonic_s()
        problems: dict[Key, Problem] = {}
        try:
            async with self._gate:
                await self._loop(name, problems)
        except StateError as problem:
            self._failed = self._failed or problem
            self._site.halt.order()
            trouble = Problem("state", str(problem), problem.hint)
            problems |= {key: trouble for key in keys if key not in problems}
        finally:
            self._over[name].set()
        seconds = self._site.clock.monotonic_s() - began_s
        for key in keys:
            self._report(self._actions[key], problems.get(key), seconds)

    async def _loop(self, name: str, problems: dict[Key, Problem]) -> None:
        """Pass after pass, until nothing of this Recording is under way."""
        records = self._site.records
        known = {session.id for session in records.sessions_of(name) if _is_over(session)}
        hurried = 0
        while hurried < HURRIED_MAX:
            if self._site.halt.ordered:
                self._leave(name, problems, HALTED)
                return
            outcome, found = await reconcile(self._site, self._differ, name, problems.keys())
            problems |= {**found, **self._failed_successors(name, known)}
            pause_s = self._pause_s(name, outcome, problems)
            if pause_s is None or not await self._pause(name, pause_s, problems):
                return
            hurried = hurried + 1 if pause_s <= 0 else 0
        self._leave(name, problems, _NEVER_SETTLED)

    def _pause_s(self, name: str, outcome: Outcome, problems: dict[Key, Problem]) -> float | None:
        """Return how long to wait before the next pass; None where nothing is under way."""
        now_s = self._site.now_s()
        if isinstance(outcome, RequeueAfter) and outcome.reason not in PATIENCE:
            return outcome.at_s - now_s
        sessions = self._site.records.sessions_of(name)
        due_s = [due for each in sessions if (due := due_at_s(each)) is not None]
        if due_s:
            return max(min(due_s) - now_s, LOOK_AGAIN_S)
        if isinstance(outcome, RequeueAfter):
            self._leave(name, problems, Problem(outcome.reason, PATIENCE[outcome.reason]))
        return None

    async def _pause(self, name: str, pause_s: float, problems: dict[Key, Problem]) -> bool:
        """Wait for the next pass; tell whether there is to be one."""
        left_s = self._began_s + self._limits.timeout_s - self._site.clock.monotonic_s()
        if pause_s > left_s:
            self._leave(name, problems, _TIMED_OUT)
            return False
        if not self._limits.wait and pause_s > 0 and not self._is_replacing(name):
            return False
        if pause_s > 0:
            self._say_what_is_awaited(name, pause_s)
            await self._site.halt.sleep(pause_s, self._site.clock)
        return True

    def _leave(self, name: str, problems: dict[Key, Problem], problem: Problem) -> None:
        """Say of every replica that is not settled why it is left so."""
        for key, action in self._actions.items():
            if key.recording == name and key not in problems and action.kind is not Kind.NONE:
                problems[key] = problem

    def _failed_successors(self, name: str, known: Iterable[str]) -> dict[Key, Problem]:
        """Return the replicas whose successor failed: the predecessor goes on, the action fails."""
        return {
            Key(name, session.replica): Problem(session.end_reason, _NO_SUCCESSOR)
            for session in self._site.records.sessions_of(name)
            if session.replaces and _is_over(session) and session.id not in known
            if session.end_reason not in ASKED
        }

    def _is_replacing(self, name: str) -> bool:
        """Tell whether a replacement is half done: `--no-wait` finishes those."""
        living = [each for each in self._site.records.sessions_of(name) if each.may_live]
        pairs = {each.replaces for each in living} & {each.id for each in living}
        stops_first = any(
            action.stop_first for key, action in self._actions.items() if key.recording == name
        )
        return bool(pairs) or stops_first

    def _say_what_is_awaited(self, name: str, pause_s: float) -> None:
        for session in self._site.records.sessions_of(name):
            if due_at_s(session) is not None:
                what = "stopping" if session.stop_reason else _AWAITED[session.phase]
                self._site.doing(name, session.replica, f"{what}, looks in {pause_s:.0f} s")

    def _report(self, action: Action, problem: Problem | None, seconds: float) -> None:
        if action.kind is Kind.NONE and problem is None:
            return
        left = self._left_behind(action.key)
        result = Result(action.key, action.kind, _result(problem), problem, left, seconds)
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
        if self._failed is None and not self._site.halt.ordered:
            gone = [name for name in self._site.records.recorded if self._is_gone(name)]
            if gone:
                await self._site.records.commit(*(DropRecorded(name=name) for name in gone))

    def _is_gone(self, name: str) -> bool:
        site = self._site
        options = site.options
        if name in site.specs.wanted or not options.paths:
            return False
        if options.targets and name not in options.targets:
            return False
        if why_kept(options, site.records.recorded[name]) is not None:
            return False
        return all(_is_over(each) or each.is_orphan for each in site.records.sessions_of(name))


def site_progress(progress: Progress) -> Callable[[str, int, str], None]:
    """Return what tells a Progress what a recording is at."""
    return lambda name, replica, what: progress.doing(Key(name, replica), what)


def _result(problem: Problem | None) -> ResultWord:
    if problem is None:
        return "done"
    return "skipped" if problem is HALTED else "failed"


def _is_over(session: Session) -> bool:
    return session.phase in {Phase.ENDED, Phase.FAILED}


_AWAITED = {Phase.STARTING: "confirming", Phase.MISSING: "missing"}
_TIMED_OUT = Problem(
    "timeout",
    "it was not settled in time; what was begun is recorded, and the next run goes on from there",
    "give it longer with --timeout",
)
_NO_SUCCESSOR = "its successor did not come up; the session that runs was left as it is"
_NEVER_SETTLED = Problem(
    "not-settled",
    "it asks for the same step again and again. This is a bug in reconciler; please report it with "
    "the lines above.",
    None,
)
