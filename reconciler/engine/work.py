"""One Recording of an apply: pass after pass, until all its replicas are settled.

`apply.py` runs many of these side by side; what becomes of each replica is found in `problems`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.engine.differ import Differ
from reconciler.engine.halt import HALTED, INTERRUPTED
from reconciler.engine.outcome import Done, Outcome, RequeueAfter
from reconciler.engine.reconcile import due_at_s, next_actions, reconcile
from reconciler.engine.records import WEB
from reconciler.engine.site import Site
from reconciler.plan.action import Action, Key, Kind
from reconciler.plan.life import SETTLED
from reconciler.plan.reasons import Reason
from reconciler.plan.result import Problem
from reconciler.plan.session import ASKED, REACHABLE, Phase, Session

HURRIED_MAX = 8
"""A Recording that asks for one step after the other so often, without a wait, never settles."""

LOOK_AGAIN_S = 1.0
"""After a problem, what is under way is looked at no sooner."""

PATIENCE: Mapping[str, str] = {
    Reason.BACKING_OFF: "it failed, and is tried again after its back-off by the next run",
    Reason.NO_PLACE: "as many sessions run as its App allows",
    Reason.IN_HAND: "another run is at work on it",
}
"""Waits that an apply does not sit out (design/cli.md, "apply"), and what it says of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Until when a Recording is worked on, and whether until all it does is confirmed."""

    deadline_s: float
    wait: bool


class Work:
    """One Recording of one apply; `problems` says of its replicas why they are not as planned."""

    def __init__(
        self, site: Site, differ: Differ, name: str, actions: Iterable[Action], terms: Terms
    ) -> None:
        """Take the planned actions; those that cannot be done are not tried."""
        self._site = site
        self._differ = differ
        self._name = name
        self._actions = {action.key: action for action in actions}
        self._terms = terms
        self._late: Collection[Key] = ()
        self._known = {session.id for session in self._sessions() if session.phase in SETTLED}
        self.problems = {
            key: Problem(str(action.reason), action.message)
            for key, action in self._actions.items()
            if action.kind is Kind.ERROR
        }

    async def run(self, late: Collection[Key] = ()) -> None:
        """Work until nothing of the Recording is under way. Raises StateError.

        Replicas that come `late` are not begun yet: of those only what has to end is stopped.
        """
        self._late = late
        hurried, stopped = 0, HALTED
        while hurried < HURRIED_MAX:
            if self._site.halt.ordered:
                self._leave(stopped)
                return
            held = {*self.problems, *late}
            outcome, found, _ = await reconcile(self._site, self._differ, self._name, held)
            queues = self._queues(outcome)
            if queues:
                found = {key: each for key, each in found.items() if each.code != Reason.NO_PLACE}
            self.problems = {**self._failed_successors(), **found, **self.problems}
            pause_s, stopped = LOOK_AGAIN_S if queues else self._pause_s(outcome), INTERRUPTED
            if pause_s is None or not await self._pause(pause_s, goes_on=queues):
                return
            hurried = hurried + 1 if pause_s <= 0 else 0
        self._leave(_NEVER_SETTLED)

    def _pause_s(self, outcome: Outcome) -> float | None:
        """Return how long to wait before the next pass; None where nothing is under way."""
        now_s = self._site.now_s()
        awaited = [each for each in self._sessions() if due_at_s(self._site, each) is not None]
        reachable = [each for each in awaited if self._unreachable(each) is None]
        if (
            isinstance(outcome, RequeueAfter)
            and outcome.reason not in PATIENCE
            and reachable == awaited  # a look at what cannot be asked stays due, and brings nothing
        ):
            return outcome.at_s - now_s
        due_s = [due for each in reachable if (due := due_at_s(self._site, each)) is not None]
        if due_s:
            return max(min(due_s) - now_s, LOOK_AGAIN_S)
        if not isinstance(outcome, Done):
            self._leave(None)
        return None

    def _queues(self, outcome: Outcome) -> bool:
        """Tell whether it wants a place that a session of its App and kind is about to leave."""
        if _reason(outcome) != Reason.NO_PLACE:
            return False
        wanted = self._site.specs.wanted[self._name]
        app_key = self._site.apps.facts()[wanted.app].app_key
        return any(
            session.app_key == app_key
            and (session.mode == WEB) == (wanted.mode == WEB)
            and self._leaves_soon(session)
            for session in self._site.records.all_sessions()
        )

    def _leaves_soon(self, session: Session) -> bool:
        """Tell whether a session is being stopped, or takes over from one that will be."""
        if session.stop_reason:
            return due_at_s(self._site, session) is not None
        if not session.replaces or session.is_orphan or session.phase in SETTLED:
            return False
        others = self._site.records.sessions_of(session.recording)
        return any(each.id == session.replaces and each.phase in REACHABLE for each in others)

    async def _pause(self, pause_s: float, *, goes_on: bool) -> bool:
        """Wait for the next pass; tell whether there is to be one."""
        if pause_s > self._terms.deadline_s - self._site.clock.monotonic_s():
            self._leave(_TIMED_OUT)
            return False
        if not self._terms.wait and pause_s > 0 and not (goes_on or self._is_replacing()):
            return False
        if pause_s > 0:
            self._say_what_is_awaited(pause_s)
            await self._site.halt.sleep(pause_s, self._site.clock)
        return True

    def _leave(self, problem: Problem | None) -> None:
        """Say of every replica that is not settled why it is left so; None: each its own reason."""
        for action in next_actions(self._site, self._differ, self._name):
            is_mine = action.key in self._actions and action.key not in self._late
            if action.kind is not Kind.NONE and is_mine:
                self.problems.setdefault(action.key, problem or self._why_left(action))

    def _why_left(self, action: Action) -> Problem:
        if action.reason in PATIENCE:
            return Problem(str(action.reason), PATIENCE[action.reason])
        mine = (each for each in self._sessions() if each.id == action.session)
        found = next((problem for each in mine if (problem := self._unreachable(each))), None)
        return found or Problem(str(action.reason), action.message)

    def _failed_successors(self) -> dict[Key, Problem]:
        """Return the replicas whose successor failed: the predecessor goes on, the action fails."""
        return {
            Key(self._name, session.replica): Problem(session.end_reason, _NO_SUCCESSOR)
            for session in self._sessions()
            if session.replaces and session.phase in SETTLED and session.id not in self._known
            if session.end_reason not in ASKED
        }

    def _is_replacing(self) -> bool:
        """Tell whether a replacement is half done: `--no-wait` finishes those."""
        living = [each for each in self._sessions() if each.may_live]
        pairs = {each.replaces for each in living} & {each.id for each in living}
        return bool(pairs) or any(action.stop_first for action in self._actions.values())

    def _say_what_is_awaited(self, pause_s: float) -> None:
        for session in self._sessions():
            if due_at_s(self._site, session) is not None:
                what = "stopping" if session.stop_reason else _AWAITED[session.phase]
                self._site.doing(self._name, session.replica, f"{what}, looks in {pause_s:.0f} s")

    def _sessions(self) -> tuple[Session, ...]:
        return self._site.records.sessions_of(self._name)

    def _unreachable(self, session: Session) -> Problem | None:
        """Return why a session cannot be called now."""
        client = self._site.apps.client_of(session)
        return client if isinstance(client, Problem) else None


def _reason(outcome: Outcome) -> str:
    match outcome:
        case Done():
            return ""
        case RequeueAfter(reason=reason):
            return reason
        case _:
            return outcome.problem.code


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
