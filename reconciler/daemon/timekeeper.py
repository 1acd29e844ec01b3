"""Keeps a `run`'s time even, and what it noted in step with a clock that is set.

What lasts 90 s, or an hour, is measured by a clock that nobody sets; schedules follow the time of
day. So when that was set, all that was noted moves along, at one moment in which no pass runs
(docs/decisions/016-a-run-s-time-is-even.md).
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import TypeAlias

from reconciler.clock import Clock, SteadyClock
from reconciler.engine.records import Records
from reconciler.plan.moved import ahead_s, moved, recorded_moved, set_back
from reconciler.plan.session import Session
from reconciler.state.store import Change, SetRecorded, SetSession

HISTORY_S = 86_400.0
"""What ended so lately moves along, too: its order beside what goes on decides what comes next."""

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

        Those of a replica move together, and not before one that stays where it is: so none comes
        before another that it came after. Raises StateError, and then nothing has moved.
        """
        now_s = self.clock.now_s()
        known = list(self._records.all_sessions())
        by_s = max((ahead_s(each, now_s) for each in known if owns(each.recording)), default=0.0)
        sessions = [each for each in (*known, *self._over(now_s - by_s)) if owns(each.recording)]
        if changes := [*_set_back(sessions, now_s, by_s), *self._recorded_back(owns, now_s)]:
            log.warning("an earlier process noted what is still to come: the clock was set back")
            self._records.store.commit(self._records.scope, changes)
            self._records.reload(self._records.store.snapshot(self._records.scope))

    def _recorded_back(self, owns: Owns, now_s: float) -> Iterator[Change]:
        for recorded in self._records.recorded.values():
            if owns(recorded.name) and (by_s := ahead_s(recorded, now_s)):
                yield SetRecorded(recorded=recorded_moved(recorded, -by_s))

    async def follow(self, owns: Owns) -> float:
        """Have the time of the clock on the wall, and let all that was noted move along.

        Returns by how much. Raises StateError, and then nothing has moved.
        """
        by_s = self.clock.set_by_s()
        log.warning("the clock was set", extra={"seconds": round(by_s, 1)})
        records = self._records
        over = self._over(self.clock.now_s() - HISTORY_S)
        records.store.commit(records.scope, [*_all_moved(over, owns, by_s)])
        await records.commit(
            *_all_moved(records.all_sessions(), owns, by_s),
            *(
                SetRecorded(recorded=after)
                for each in records.recorded.values()
                if owns(each.name) and (after := recorded_moved(each, by_s)) != each
            ),
        )
        self.clock.follow()
        return by_s

    def _over(self, since_s: float) -> list[Session]:
        """Return what ended since a moment, and nobody has in mind any more."""
        records = self._records
        known = {each.id for each in records.all_sessions()}
        past = (each.session for each in records.store.past(records.scope, since_s=since_s))
        return [each for each in past if each.id not in known]


def _all_moved(sessions: Iterable[Session], owns: Owns, by_s: float) -> Iterator[Change]:
    for each in sessions:
        if owns(each.recording):
            yield SetSession(session=moved(each, by_s))


def _set_back(sessions: Iterable[Session], now_s: float, by_s: float) -> Iterator[Change]:
    """Yield what is ahead, set back by so much, or as little less as its replica asks for."""
    of_replica: dict[tuple[str, int], list[Session]] = defaultdict(list)
    for each in sessions:
        of_replica[each.recording, each.replica].append(each)
    for mine in of_replica.values():
        ahead = [each for each in mine if ahead_s(each, now_s)]
        if ahead:
            stays_s = [each.ended_s or each.created_s for each in mine if each not in ahead]
            room_s = min(each.created_s for each in ahead) - max(stays_s, default=-inf)
            least_s = max(ahead_s(each, now_s) for each in ahead)
            shift_s = max(least_s, min(by_s, room_s))
            yield from (SetSession(session=set_back(each, shift_s, now_s)) for each in ahead)
