"""What an apply leaves in state of each replica: a condition that stands, an event where it failed.

`status` shows the condition until another apply says otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.engine.halt import HALTED
from reconciler.engine.site import Site
from reconciler.engine.tell import WARNING, event
from reconciler.plan.action import Action, Key, Kind
from reconciler.plan.result import Problem
from reconciler.state.store import Change, Condition

APPLIED = "Applied"
"""True: what was last planned for it was done, or nothing had to be."""

_DONE = "applied"


class Verdicts:
    """The conditions that stand, and what an apply changes of them."""

    def __init__(self, site: Site) -> None:
        """Read what stands. Raises StateError."""
        self._site = site
        standing = site.records.store.conditions(site.records.scope)
        self._standing = {
            Key(each.recording, each.replica): each for each in standing if each.type == APPLIED
        }

    def forget(self, name: str) -> None:
        """Remember nothing of a Recording that is gone."""
        for key in [key for key in self._standing if key.recording == name]:
            del self._standing[key]

    async def write(self, actions: Iterable[Action], problems: Mapping[Key, Problem]) -> None:
        """Write how these actions ended. Raises StateError."""
        changes = [change for each in actions for change in self._of(each, problems.get(each.key))]
        if changes:
            await self._site.records.commit(*changes)
        for change in changes:
            if isinstance(change, Condition):
                self._standing[Key(change.recording, change.replica)] = change

    def _of(self, action: Action, problem: Problem | None) -> Iterator[Change]:
        key, before = action.key, self._standing.get(action.key)
        if before is None and problem is None and action.kind is Kind.NONE:
            return
        if problem is HALTED:
            return
        reason, message = (problem.code, problem.message) if problem else (_DONE, "")
        if before and (before.status, before.reason, before.message) == (
            problem is None,
            reason,
            message,
        ):
            return
        now_s = self._site.now_s()
        yield Condition(
            recording=key.recording,
            replica=key.replica,
            type=APPLIED,
            status=problem is None,
            reason=reason,
            message=message,
            since_s=now_s,
        )
        if problem is not None:
            yield event(key.recording, WARNING, reason, message, now_s)
