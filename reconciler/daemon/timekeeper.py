"""Keeps a `run`'s time even, and what it noted in step with a clock that is set.

What lasts 90 s, or an hour, is measured by a clock that nobody sets; schedules follow the time of
day. So when that was set, all that was noted moves along, at one moment in which no pass runs
(docs/decisions/016-a-run-s-time-is-even.md).
"""

import logging
from collections.abc import Callable, Iterator
from typing import TypeAlias

from reconciler.clock import Clock, SteadyClock
from reconciler.engine.records import Records
from reconciler.plan.moved import ahead_s, moved, recorded_moved
from reconciler.plan.session import Session
from reconciler.state.store import Change, SetRecorded, SetSession

JUMP_S = 0.5
"""A clock that is corrected bit by bit takes the monotonic one along, and is not off."""

Owns: TypeAlias = Callable[[str], bool]
"""Tells whether a Recording is this process's: what others noted, they noted by their clocks."""

log = logging.getLogger(__name__)


class Timekeeper:
    """The clock of one `run`."""

    def __init__(self, records: Records, clock: Clock) -> None:
        """Begin with the time of that clock."""
        self.clock = SteadyClock(clock)
        self._records = records

    @property
    def is_off(self) -> bool:
        """Tell whether the clock on the wall was set since it was followed last."""
        return abs(self.clock.set_by_s()) > JUMP_S

    async def set_back(self, owns: Owns) -> None:
        """Let no session wait until the time comes again that an earlier process noted last.

        All are moved by as much as the latest of them, so that none comes before another that it
        came after. Raises StateError, and then nothing has moved.
        """
        now_s = self.clock.now_s()
        sessions = (*self._records.all_sessions(), *self._over())
        ahead = (ahead_s(each, now_s) for each in sessions if owns(each.recording))
        by_s = max(ahead, default=0.0)
        if changes := [*self._set_back(owns, by_s)]:
            log.warning("an earlier process noted what is still to come: the clock was set back")
            await self._records.commit(*changes)
        self._set_history_back(owns, by_s)

    def _set_back(self, owns: Owns, sessions_by_s: float) -> Iterator[Change]:
        now_s = self.clock.now_s()
        for session in self._records.all_sessions():
            if owns(session.recording) and ahead_s(session, now_s):
                yield SetSession(session=moved(session, -sessions_by_s))
        for recorded in self._records.recorded.values():
            if owns(recorded.name) and (by_s := ahead_s(recorded, now_s)):
                yield SetRecorded(recorded=recorded_moved(recorded, -by_s))

    async def follow(self, owns: Owns) -> None:
        """Have the time of the clock on the wall, and let all that was noted move along.

        Raises StateError, and then nothing has moved.
        """
        by_s = self.clock.set_by_s()
        log.warning("the clock was set", extra={"seconds": round(by_s, 1)})
        sessions, recorded = self._records.all_sessions(), self._records.recorded.values()
        await self._records.commit(
            *(SetSession(session=moved(each, by_s)) for each in sessions if owns(each.recording)),
            *(
                SetRecorded(recorded=after)
                for each in recorded
                if owns(each.name) and (after := recorded_moved(each, by_s)) != each
            ),
        )
        self.clock.follow()
        self._set_history_back(owns, -by_s)

    def _set_history_back(self, owns: Owns, by_s: float) -> None:
        """Let nothing that is over, and that nobody has in mind any more, seem to be the newest.

        By at least as much as what is known has moved: it was noted by the same clock.
        """
        now_s, records = self.clock.now_s(), self._records
        changes = [
            SetSession(session=moved(each, -max(by_s, ahead)))
            for each in self._over()
            if owns(each.recording) and (ahead := ahead_s(each, now_s))
        ]
        if changes:
            records.store.commit(records.scope, changes)

    def _over(self) -> list[Session]:
        """Return what ended later than now, and nobody has in mind any more."""
        now_s, records = self.clock.now_s(), self._records
        known = {each.id for each in records.all_sessions()}
        past = (each.session for each in records.store.past(records.scope, since_s=now_s))
        return [each for each in past if each.id not in known]
