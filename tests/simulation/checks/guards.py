"""How many sessions may be ended at will within ten minutes."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from reconciler.engine.demands import Approve
from reconciler.plan.session import REACHABLE, End, Phase, Session
from reconciler.state.store import Change, Condition, SetSession
from tests.simulation.check import Check
from tests.simulation.truth import called_so

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.daemon.cast import Ask
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

RUNNING_MIN, SHARE_MAX, WINDOW_S = 10, 0.3, 600.0
"""Of at least so many no more than this share ends in this time (design/reconcile.md, "Guards")."""

DIGEST = re.compile(r"`reconciler approve (\w+)`")
"""How a condition names the plan that may be approved."""

SLACK_S = 60.0
"""What is judged in one pass is ended in it: so long may that take."""

AT_WILL = frozenset({End.REMOVED, End.SUSPENDED, End.SURPLUS, End.REPLACED})
"""Ends that the specs or people ask for; those of windows only where the schedule was edited."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that was ended at will: when, by whom, and whether a person approved of that.

    `shown_s` is what the host's clock showed then.
    """

    at_s: float
    shown_s: float
    process: int
    is_approved: bool
    is_closed: bool
    """It was a window that closed, by an edited schedule."""


class Guards(Check):
    """Never does more than 30 % of at least 10 running sessions end at will within ten minutes.

    Unless somebody approved of exactly that. An `apply` looks at what itself ends: it refuses a
    plan of more. A `run` judges a load of the specs: what it let through then it may try until the
    specs change, however many run by then (design/reconcile.md, "Guards").
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._was: dict[str, Session] = {}
        self._began_s: dict[str, float] = {}
        self._succeeded_s: dict[str, float] = {}
        """When the last successor of a session was begun: then its end was decided."""

        self._read: dict[int, tuple[object, float]] = {}
        """Which specs each process has read last, and when it first did."""

        self._judged_s: dict[str, float] = {}
        """When the specs were read that the end of a session was begun by."""

        self._ended: dict[str, Ended] = {}
        self._running: deque[tuple[float, int, list[Ended]]] = deque()
        """How many ran at a moment, and what had been ended in the time before it."""

        self._told: dict[str, set[tuple[str, int]]] = defaultdict(set)
        """Of which replicas it was told that a plan of this digest would end them."""

        self._approved: dict[tuple[str, int], float] = {}
        self._heard = 0
        self._held_s: dict[int, float] = {}

    def held(self, process: Process) -> None:
        """Take note of when a process could plan first."""
        self._held_s[process.number] = self.sim.now_s

    def loaded(self, process: Process) -> None:
        """Take note of which specs a process judges by."""
        read = process.catalog
        specs = read.complete, dict(read.apps), [(each.name, each.digest) for each in read.entries]
        if self._read.get(process.number, ((), 0.0))[0] != specs:
            self._read[process.number] = (specs, self.sim.now_s)

    def look(self) -> None:
        """Count what runs."""
        now_s = self.sim.now_s
        running = sum(map(self._is_running, self.sim.book.sessions.values()))
        self._running.append((now_s, running, list(self._lately(now_s))))
        while self._running[0][0] < now_s - WINDOW_S:
            self._running.popleft()

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look at the sessions that have to end from now on."""
        self._hear()
        for change in changes:
            if isinstance(change, Condition) and change.type == "Guarded":
                for digest in DIGEST.findall(change.message):
                    self._told[digest].add((change.recording, change.replica))
            elif isinstance(change, SetSession):
                session = change.session
                before = self._was.get(session.id)
                self._was[session.id] = session
                self._began_s.setdefault(session.id, self.sim.now_s)
                if before is None and session.replaces and session.phase is Phase.NONE:
                    self._succeed(process, session.replaces)
                if before is not None and before.stop_reason != session.stop_reason:
                    self._take(process, before, session)

    def _hear(self) -> None:
        """Take note of what was approved: all that was held for this plan."""
        for at_s, demand in self.sim.demands[self._heard :]:
            if isinstance(demand, Approve):
                self._approved |= dict.fromkeys(sorted(self._told[demand.digest]), at_s)
        self._heard = len(self.sim.demands)

    def _succeed(self, process: Process, replaced: str) -> None:
        """Take note that the successor of a session was begun, perhaps not the first."""
        self._succeeded_s[replaced] = self.sim.now_s
        _, self._judged_s[replaced] = self._read.get(process.number, (0, self.sim.now_s))

    def _take(self, process: Process, before: Session, session: Session) -> None:
        if not session.stop_reason:  # the service refused, and nothing ends
            self._ended.pop(session.id, None)
        elif not before.stop_reason and before.phase in REACHABLE and self._is_at_will(session):
            self.look()
            now_s = self.sim.now_s
            approved_s = self._approved.get((session.recording, session.replica))
            is_approved = approved_s is not None and approved_s >= now_s - WINDOW_S
            decided_s = self._succeeded_s.get(session.id, now_s)
            shown_s = decided_s + self.sim.clock.wrong_s
            is_closed = session.stop_reason == End.WINDOW_CLOSED
            ended = Ended(decided_s, shown_s, process.number, is_approved, is_closed)
            self._ended[session.id] = ended
            if not is_approved:
                self._check(process, session)

    def _check(self, process: Process, session: Session) -> None:
        now_s = self.sim.now_s
        since_s = now_s - SLACK_S
        if process.command == "apply":
            since_s = min(since_s, self._held_s[process.number])
        elif session.id in self._judged_s:
            since_s = min(since_s, self._judged_s[session.id])
        ended = _known(process, self._lately(now_s, SLACK_S))
        totals = [
            running + len(_known(process, before))
            for at_s, running, before in self._running
            if at_s >= since_s
        ]
        number = sum(not each.is_approved for each in ended)
        if min(totals) >= RUNNING_MIN and number > SHARE_MAX * max(totals):
            text = f"{process.name} ends {called_so(session)} ({session.stop_reason})"
            self.fail(f"{text}, one of {number} within ten minutes of {max(totals)}")

    def _lately(self, now_s: float, less_s: float = 0.0) -> Iterator[Ended]:
        since_s = now_s - WINDOW_S + less_s
        # Where the clock was set forward, nobody can tell that it was not so long ago.
        from_s = since_s + self.sim.clock.wrong_s
        ended = self._ended.values()
        return (each for each in ended if each.at_s > since_s and each.shown_s > from_s)

    def _is_running(self, session: Session) -> bool:
        role = self.sim.roles.get(session.recording)
        policy = role.spec.get("policy", {}) if role is not None else {}
        is_ours = policy.get("manage") != "observe"
        runs = session.phase in {*REACHABLE, Phase.ACQUIRED}  # or would, once its start is settled
        return is_ours and runs and not session.stop_reason

    def _is_at_will(self, session: Session) -> bool:
        if session.stop_reason != End.WINDOW_CLOSED:
            return session.stop_reason in AT_WILL
        role, now_s = self.sim.roles.get(session.recording), self.sim.now_s
        asked = role.asked if role is not None else []
        if asked and _has_been_open(asked[-1], now_s):
            return False
        # One that was begun by the schedule of now ends as that says.
        before = [
            each for each, after in pairwise(asked) if after.since_s > self._began_s[session.id]
        ]
        opens = (each.times.opens for each in before if each.times is not None)
        return any(a <= now_s < b for each in opens for a, b in each(now_s, now_s + 1))


def _has_been_open(asked: Ask, now_s: float) -> bool:
    """Tell whether it was open by the schedule of now, which then closes a window by itself."""
    spans = asked.times.opens(asked.since_s, now_s) if asked.times is not None else ()
    return any(until_s > asked.since_s for _, until_s in spans)


def _known(process: Process, ended: Iterable[Ended]) -> list[Ended]:
    """Return those that a process counts.

    State does not keep whether a schedule was edited: the next process cannot know.
    """
    if process.command == "apply":
        return [each for each in ended if each.process == process.number]
    return [each for each in ended if each.process == process.number or not each.is_closed]
