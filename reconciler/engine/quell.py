"""Stopping what someone asked to stop (`stop`, `destroy`), until it is known to have ended.

Parallel across Recordings, serial within each. A 404 is waited out and a stop is repeated with
back-off, as `plan/looks.py` says when (design/reconcile.md, "missing", invariant 3).
"""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import replace

from reconciler.diagnostics import Diagnostic, Position, Severity, ordered
from reconciler.engine import stop as stopping
from reconciler.engine.apply import Limits, result_of
from reconciler.engine.halt import HALTED
from reconciler.engine.observe import observe
from reconciler.engine.reconcile import due_at_s
from reconciler.engine.settle import settle
from reconciler.engine.site import Site
from reconciler.engine.work import LOOK_AGAIN_S
from reconciler.errors import StateError
from reconciler.plan.action import Action, Cause, Key, Kind, Plan
from reconciler.plan.looks import next_stop_s
from reconciler.plan.notices import notices_of
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import terms_of
from reconciler.plan.result import Problem, Progress, Result
from reconciler.plan.session import End, Session
from reconciler.plan.slots import Slot, slots_of
from reconciler.plan.stops import stop
from reconciler.plan.world import World
from reconciler.spec.desired import Policy


def plan_stops(site: Site, names: Collection[str], *, refuses_observed: bool) -> Plan:
    """Return the stops of all that lives of these Recordings, with what stands against some.

    One that is only observed is an error if that is to be refused, else it is passed over.
    """
    records, now_s = site.records, site.now_s()
    world = World(
        scope=records.scope,
        now_s=now_s,
        at_s=now_s,
        wanted={},
        recorded={name: records.recorded[name] for name in names if name in records.recorded},
        sessions=tuple(session for name in names for session in records.sessions_of(name)),
        apps={},
    )
    slots = [slot for name in sorted(names) for slot in slots_of(world, name, _of(world, name))]
    actions = [_action(slot, refuses_observed=refuses_observed) for slot in slots if _live(slot)]
    passed = [action for action in actions if action.kind is Kind.NONE]
    return Plan(
        scope=records.scope,
        now_s=now_s,
        actions=tuple(actions),
        diagnostics=ordered([*notices_of(world, (), None), *map(_passed_over, passed)]),
        based_on=str,
    )


def _of(world: World, name: str) -> Iterator[Session]:
    return (session for session in world.sessions if session.recording == name)


def _live(slot: Slot) -> tuple[Session, ...]:
    return (*slot.current, *slot.ending)


def _action(slot: Slot, *, refuses_observed: bool) -> Action:
    first = _live(slot)[0]
    if slot.policy.manage == "observe":
        kind = Kind.ERROR if refuses_observed else Kind.NONE
        text = f"{slot.name} is only observed (`policy.manage: observe`), so it is not stopped"
        return replace(slot.act(kind, Reason.OBSERVED, text, Cause.REQUEST), session=first.id)
    if slot.policy.protect:
        text = f"{slot.name} would be stopped, which `policy.protect: true` forbids"
        action = slot.act(Kind.ERROR, Reason.PROTECTED, text, Cause.REQUEST)
        return replace(action, session=first.id)
    ids = " and ".join(f"uid `{session.uid}`" for session in _live(slot))
    return stop(slot, first, End.REQUESTED, f"someone asks for it ({ids})", Cause.REQUEST)


def _passed_over(action: Action) -> Diagnostic:
    hint = "`reconciler forget` lets go of it"
    place = Position("state")
    return Diagnostic(place, "", Severity.WARNING, action.reason, action.message, hint)


class Quell:
    """One run of the stops of one Plan."""

    def __init__(self, site: Site, plan: Plan, progress: Progress, limits: Limits) -> None:
        self._site = site
        self._progress = progress
        self._halt = site.halt.part()  # what ends these stops ends nothing else of a `run`
        self._actions = [action for action in plan.actions if action.kind is not Kind.NONE]
        self._gate = asyncio.Semaphore(limits.parallelism)
        self._deadline_s = site.clock.monotonic_s() + limits.timeout_s
        self._failed: StateError | None = None
        self.results: list[Result] = []

    @property
    def total(self) -> int:
        """Return how many results there will be."""
        return len(self._actions)

    async def run(self) -> None:
        """Carry it out; `results` has one line for each action.

        Raises StateError where state could not be written, when all that was begun has ended.
        """
        for action in self._actions:
            if action.kind is Kind.ERROR:
                self._report(action, Problem(action.reason, action.message), 0.0)
        names = {action.key.recording for action in self._actions if action.kind is Kind.STOP}
        await asyncio.gather(*(self._end(name) for name in sorted(names)))
        if self._failed is not None:
            raise self._failed

    async def _end(self, name: str) -> None:
        """Stop a Recording's sessions and report on each of its replicas."""
        began_s = self._site.clock.monotonic_s()
        stops = [
            action
            for action in self._actions
            if action.key.recording == name and action.kind is Kind.STOP
        ]
        problems: dict[str, Problem] = {}
        left = _TIMED_OUT
        try:
            async with self._gate:
                left = await self._loop(name, {action.key for action in stops}, problems)
        except StateError as problem:
            self._failed = self._failed or problem
            self._halt.order()
            left = Problem("state", str(problem), problem.hint)
        seconds = self._site.clock.monotonic_s() - began_s
        for action in stops:
            self._report(action, self._problem(action.key, problems, left), seconds)

    async def _loop(
        self, name: str, keys: Collection[Key], problems: dict[str, Problem]
    ) -> Problem:
        """Pass after pass until nothing is left to wait for; return what to say of what is left."""
        site = self._site
        sent: set[str] = set()
        while not self._halt.ordered:
            await settle(site, name)
            await observe(site, name)
            for session in self._living(name, keys):
                if self._is_due(session, sent):
                    sent.add(session.id)
                    await self._stop(session, problems)
            due_s = [
                due
                for session in self._living(name, keys)
                if not isinstance(site.apps.client_of(session), Problem)
                if (due := due_at_s(site, session)) is not None
            ]
            if not due_s:
                return _OUT_OF_REACH
            pause_s = max(min(due_s) - site.now_s(), LOOK_AGAIN_S)
            if site.clock.monotonic_s() + pause_s > self._deadline_s:
                return _TIMED_OUT
            for session in self._living(name, keys):
                what = f"confirming its stop, looks in {pause_s:.0f} s"
                site.doing(name, session.replica, what)
            await self._halt.sleep(pause_s, site.clock)
        return HALTED

    def _is_due(self, session: Session, sent: Collection[str]) -> bool:
        """Tell whether to send a stop now: the first at once, whatever an earlier run came to."""
        if self._halt.ordered:
            return False
        if session.id not in sent and session.stop_taken_s is None:
            return True
        due_s = next_stop_s(session)
        return due_s is not None and due_s <= self._site.now_s()

    async def _stop(self, session: Session, problems: dict[str, Problem]) -> None:
        synchronous = self._policy(session).stop == "sync"
        problem = await stopping.stop(self._site, session, End.REQUESTED, synchronous=synchronous)
        if problem is None:
            problems.pop(session.id, None)
        else:
            problems[session.id] = problem

    def _living(self, name: str, keys: Collection[Key]) -> list[Session]:
        return [
            session
            for session in self._site.records.sessions_of(name)
            if session.may_live and not session.is_orphan and Key(name, session.replica) in keys
        ]

    def _policy(self, session: Session) -> Policy:
        """Return the policy that was last accepted: what is stopped need not be in any spec."""
        recorded = self._site.records.recorded.get(session.recording)
        return terms_of(recorded.terms).policy if recorded else Policy()

    def _problem(self, key: Key, problems: dict[str, Problem], left: Problem) -> Problem | None:
        """Return why a replica is not known to have ended; None if it is."""
        mine = [
            session
            for session in self._site.records.sessions_of(key.recording)
            if session.replica == key.replica
        ]
        living = [session for session in mine if session.may_live and not session.is_orphan]
        if living:
            return next((problems[each.id] for each in living if each.id in problems), left)
        lost = any(session.is_orphan and session.stop_reason for session in mine)
        return _OUT_OF_REACH if lost else None

    def _report(self, action: Action, problem: Problem | None, seconds: float) -> None:
        left = self._site.records.newest(action.key.recording, action.key.replica)
        result = Result(action.key, action.kind, result_of(action, problem), problem, left, seconds)
        self.results.append(result)
        self._progress.done(result)


_TIMED_OUT = Problem(
    "timeout",
    "it is not known to have ended in time; that it has to end is recorded, and the next apply or "
    "stop goes on from there",
    "give it longer with --timeout",
)
_OUT_OF_REACH = Problem(
    "orphan",
    "no call reaches its session any more, which may go on until it ends by itself",
    "`reconciler status` says when that is",
)
