"""Why sessions are stopped: whether anybody asked for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Unanswered
from reconciler.plan.life import SETTLED, UNCONFIRMED_S
from reconciler.plan.session import End, Phase, Session
from reconciler.simulator.session import Session as Simulated
from reconciler.simulator.session import Tick
from reconciler.state.store import Change, SetSession
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.checks.replies import told_by
from tests.simulation.commands import StopProcess
from tests.simulation.truth import HostClock, called_so, came_up, lives
from tests.simulation.wishes import PASS_S, View, Wish, Wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

MARGIN_S_MAX, MARGIN_SHARE, MARGINS = 600.0, 0.05, 3
"""When a session may be rotated at the earliest (design/reconcile.md, "expiry")."""

FORCED_S = 60.0
PRUNE_DELAY_S = 300.0
LONG_PASS_S = 240.0
"""A pass in which each of two replicas tries three uids, and each start four times."""

READ_S = 900.0
"""So long after an edit the last of its policies may not have been read yet."""

FULL_LATE_S = 120.0
"""So long after the disk was full what could not be stored may still be stopped."""


_KEPT = ("forbid", "defer")
"""What `policy.replace` says of one that goes on whatever is edited."""

_PROTECTED = frozenset({End.REMOVED, End.SURPLUS, End.REPLACED, End.REQUESTED})


@dataclass(frozen=True, slots=True)
class Stop:
    """A session that has to end from now on; what was decided was so since `since_s` at most."""

    process: Process
    before: Session | None
    session: Session
    simulated: Simulated
    since_s: float


class Stops(Check):
    """Never is a session stopped by mistake: somebody asked for it, or the contract does.

    design/reconcile.md: "Life of a session", "Guards", invariants 3 and 10. What a lost source, a
    broken manifest, an empty world, a crash or a clock that was set make of the specs is no reason.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._wishes = Wishes(sim)
        self._clock = HostClock(sim)
        self._was: dict[str, Session] = {}
        self._created_s: dict[str, float] = {}
        self._began_s: dict[int, float] = {}
        self._looks: dict[str, tuple[int, str]] = {}
        """Which process asked for a session last, by `sid`, and what it was told."""

        self._loads: list[tuple[float, View]] = []
        """When a `run` has read the specs, and what they were."""

        self._full_s = 0.0
        self._unstored: set[str] = set()
        """What was stopped since it could not be written down, by `sid`."""

        self._asked: Mapping[str, Callable[[Stop], bool]] = {
            End.REMOVED: self._is_removed,
            End.SURPLUS: self._is_surplus,
            End.SUSPENDED: self._is_suspended,
            End.WINDOW_CLOSED: self._is_closed,
            End.REQUESTED: self._is_requested,
            End.REPLACED: self._is_replaced,
            End.ROTATED: self._is_rotated,
            End.UNCONFIRMED: self._is_late,
            End.UNWANTED: self._is_unwanted,
        }
        """Whether a stop of each reason is true to it."""

    def held(self, process: Process) -> None:
        """Take note of when a process read the specs first."""
        self._began_s[process.number] = self.sim.now_s

    def look(self) -> None:
        """Look at what people ask for."""
        self._wishes.look()
        self._clock.look()
        if self.sim.disk.is_full:
            self._full_s = self.sim.now_s

    def loaded(self, process: Process) -> None:
        """Take note of what a `run` has read."""
        if process.command == "run":
            self._loads.append((self.sim.now_s, self._wishes.now()))

    def called(self, process: Process, call: Call) -> None:
        """Look whether a stop was decided before it was sent."""
        del process
        if call.endpoint != "stop":
            return
        self.look()
        known = self.sim.book.by_resource(call.resource_id)
        if known is None or (known.sid and known.sid != call.sid):
            self.fail(f"a stop of {call.sid[:6]}, which state does not know")
        elif known.stop_reason or call.sid in self._unstored:
            return
        elif self._cannot_be_stored(known):
            self._unstored.add(call.sid)
        else:
            self.fail(f"a stop of {called_so(known)} without a reason")

    unsent = called

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        """Take note of what a query told."""
        if call.endpoint == "query":
            known = self.sim.book.by_resource(call.resource_id)
            is_web = known is not None and known.mode == "web"
            self._looks[call.sid] = (process.number, _told(answer, is_web=is_web))

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look at the sessions that have to end from now on."""
        self.look()
        for change in changes:
            if isinstance(change, SetSession):
                session = change.session
                self._created_s.setdefault(session.id, self.sim.now_s)
                before = self._was.get(session.id)
                self._was[session.id] = session
                if session.stop_reason and not (before and before.stop_reason):
                    self._check(process, before, session)

    def _check(self, process: Process, before: Session | None, session: Session) -> None:
        simulated = lives(self.sim, session)
        if simulated is None:
            return
        stop = Stop(process, before, session, simulated, self._since_s(process, session))
        is_asked = self._asked.get(session.stop_reason)
        if is_asked is None or not is_asked(stop) or not self._lets(stop):
            self.fail(f"{called_so(session)} is stopped ({session.stop_reason}) without a cause")

    def _since_s(self, process: Process, session: Session) -> float:
        """Return when what was done now was decided at the earliest."""
        now_s = self.sim.now_s
        since_s = now_s - PASS_S
        if process.command != "run":
            since_s = min(since_s, self._began_s[process.number])
        return max(since_s, self._created_s[session.id])

    def _of(self, session: Session, since_s: float) -> Iterator[Wish]:
        for view in self._wishes.views(since_s):
            if (wish := view.of(session)) is not None:
                yield wish

    def _lets(self, stop: Stop) -> bool:
        """Tell whether the policy allows it (design/spec-format.md, `protect` and `manage`).

        An orphan that is back has to end, and what did not come up is given up; they are told so
        once they are more than observed (`Policies`).
        """
        is_back = stop.before is not None and stop.before.is_orphan
        if is_back or stop.session.stop_reason == End.UNCONFIRMED:
            return True
        since_s = stop.since_s
        if stop.session.stop_reason == End.REQUESTED and self._loads:
            since_s = min(since_s, self._loads[-1][0])  # `stop` knows the policy that was recorded
        policies = [wish.policy for wish in self._of(stop.session, since_s)]
        policies += [wish.policy for wish in self._last(stop.session)]
        if stop.session.stop_reason in _PROTECTED:
            policies = [each for each in policies if not each.get("protect")]
        return any(each.get("manage") != "observe" for each in policies)

    def _last(self, session: Session) -> Iterator[Wish]:
        """Yield what was asked last of a Recording that is gone."""
        wishes = self._of(session, 0.0)
        if (wish := next(wishes, None)) is not None:
            yield wish

    def _is_removed(self, stop: Stop) -> bool:
        """Tell whether it is gone: surely, from what was read, and in a `run` for so long."""
        name, files = stop.session.recording, stop.process.files
        if files and self.sim.file_of(name) not in files:
            return False  # it was last read from elsewhere
        if stop.process.command == "run" and not self._has_agreed(name):
            return False
        if self._is_left(stop.session):
            return False
        views = self._wishes.views(stop.since_s)
        return any(self._is_gone(view, stop.session) for view in views)

    def _has_agreed(self, name: str) -> bool:
        """Tell whether a second load agreed, so long after the first that missed it."""
        since_s = self.sim.now_s - PRUNE_DELAY_S
        since_s += self._clock.jump_s(since_s)
        if any(name in view.names for at_s, view in self._loads if at_s >= since_s):
            return False
        acted_s = self._wishes.acted_s(self.sim.now_s - PASS_S)
        missed_s: list[float] = []
        for at_s, view in reversed(self._loads):
            if name not in view.names:
                missed_s.append(at_s)
            elif at_s <= acted_s or missed_s:
                break
        if not missed_s:
            return False
        early_s = self._clock.jump_s(missed_s[-1])
        return missed_s[0] - missed_s[-1] >= PRUNE_DELAY_S - early_s

    def _is_left(self, session: Session) -> bool:
        """Tell whether its last policy lets it go on when it is gone, however late that was read.

        design/spec-format.md, `onRemoval`: the policy last recorded in state decides.
        """
        found = [
            (view.since_s, wish)
            for view in self._wishes.true_views(0.0)
            if (wish := view.of(session)) is not None
        ]
        read_s = found[0][0] - READ_S if found else 0.0
        lately = [wish for at_s, wish in found if at_s >= read_s]
        return bool(lately) and all(each.says("onRemoval", "leave") for each in lately)

    def _is_gone(self, view: View, session: Session) -> bool:
        # Where not all could be read, nothing is known to be gone (spec errors stop no recording).
        if session.recording in view.names or not view.is_sound:
            return False
        if view.is_empty and not self._wishes.is_approved(view):
            return False
        wish = view.of(session)
        # One that only changed its name goes on, unless the new one has sessions of its own.
        others = self.sim.book.sessions.values()
        if wish is None or any(each.recording == wish.name for each in others):
            return True
        names = {wish.name, session.recording}
        if any(names <= each.names for each in self._wishes.true_views(0.0)):
            return True  # what was there beside it is no new one
        # Of several that are gone from one place nobody can tell which the new one is.
        here = {
            each.recording
            for each in others
            if each.recording not in view.names
            and (each.app, each.channel, each.mode) == wish.place
        }
        return len(here) > 1

    def _is_surplus(self, stop: Stop) -> bool:
        wishes = self._of(stop.session, stop.since_s)
        return any(each.replicas <= stop.session.replica for each in wishes)

    def _is_suspended(self, stop: Stop) -> bool:
        from_s, _ = self._clock.shown(stop.since_s, stop.since_s)
        is_held = any(each.held_until_s >= from_s for each in self._of(stop.session, stop.since_s))
        return is_held or self._wishes.is_suspended(stop.session, stop.since_s, self._clock)

    def _is_closed(self, stop: Stop) -> bool:
        from_s, until_s = self._clock.shown(stop.since_s, self.sim.now_s)
        return any(each.closes(from_s, until_s) for each in self._of(stop.session, stop.since_s))

    def _is_requested(self, stop: Stop) -> bool:
        if isinstance(stop.process, StopProcess):
            return stop.process.recording == stop.session.recording
        return self._wishes.is_stopped(stop.session, stop.simulated.started_s)

    def _is_replaced(self, stop: Stop) -> bool:
        wishes = self._of(stop.session, stop.since_s)
        stop_first = any(each.says("replace", "stop-first") for each in wishes)
        is_over = stop_first or self._has_successor(stop.session)
        if not (is_over and self._has_changed(stop.session)):
            return False
        # A rotation goes on beside a change that has to wait for it.
        return self._may_replace(stop) or self._is_rotated(stop)

    def _may_replace(self, stop: Stop) -> bool:
        """Tell whether its policy let a change replace it when that began."""
        begun_s = (
            self._created_s[each.id] - LONG_PASS_S
            for each in self.sim.book.sessions.values()
            if each.replaces == stop.session.id
        )
        since_s = min((stop.since_s, *begun_s))
        return any(
            each.policy.get("replace") not in _KEPT for each in self._of(stop.session, since_s)
        )

    def _is_rotated(self, stop: Stop) -> bool:
        began_s, due = stop.simulated.started_s, stop.simulated.due
        always = any(
            each.policy.get("restart", "always") == "always"
            for each in self._of(stop.session, stop.since_s)
        )
        unreachable_s = due.get(Tick.UNREACHABLE, self.sim.now_s)
        ends = [unreachable_s, due.get(Tick.TOKEN), due.get(Tick.HOURS) if always else None]
        end_s = min(each for each in ends if each is not None)
        margin_s = min(MARGIN_S_MAX, MARGIN_SHARE * (end_s - began_s))
        acquired_s = stop.session.acquired_s or began_s
        # A start that was repeated may have come about the first time: its life is not overrated.
        early_s = max(began_s - acquired_s, 0.0)
        now_s = self.sim.now_s + self._clock.jump_s(began_s) + early_s
        if now_s < end_s - MARGINS * margin_s:
            return False
        is_urgent = now_s >= end_s - margin_s / 3 or now_s >= unreachable_s - FORCED_S
        return is_urgent or self._has_successor(stop.session)

    def _is_late(self, stop: Stop) -> bool:
        asker, told = self._looks.get(stop.session.sid, (0, ""))
        if asker == stop.process.number and told in {"records", "nothing"}:
            return False  # it came up, or cannot be asked, which says nothing of it
        began_s = stop.simulated.started_s
        # What a notification tells by the right time lies ahead of a clock that is slow: all that a
        # new process finds then is set back by that (decision 016).
        off_s = self._clock.jump_s(began_s) + abs(self.sim.clock.wrong_s)
        return self.sim.now_s - began_s >= UNCONFIRMED_S - off_s

    def _is_unwanted(self, stop: Stop) -> bool:
        """Tell whether it was lost or over for state, or is a successor that came too late."""
        before, session = stop.before, stop.session
        if before is None:
            return False
        if before.is_orphan or session.sid in self._unstored:
            return True
        if before.phase in SETTLED:
            return self._is_taken(session)
        return bool(session.replaces) and self._has_changed(session)

    def _is_taken(self, session: Session) -> bool:
        """Tell whether another took its place, or nobody wants it."""
        mine = (session.recording, session.replica)
        others = (
            each
            for each in self.sim.book.sessions.values()
            if (each.recording, each.replica) == mine and each.id != session.id
        )
        is_followed = any(each.created_s > session.created_s or each.may_live for each in others)
        return is_followed or session.recording not in self.sim.roles

    def _has_changed(self, session: Session) -> bool:
        """Tell whether since its start something was edited that takes another session."""
        since_s = self._created_s[session.id] - LONG_PASS_S
        return len({each.wire for each in self._of(session, since_s)}) > 1

    def _has_successor(self, session: Session) -> bool:
        """Tell whether the other one of a replacement came up."""
        return any(
            came_up(self.sim, each)
            for each in self.sim.book.sessions.values()
            if each.replaces == session.id or session.replaces == each.id
        )

    def _cannot_be_stored(self, known: Session) -> bool:
        # A `sid` that cannot be stored within 30 s is stopped (design/reconcile.md, "Errors").
        is_full = self._full_s and self.sim.now_s - self._full_s <= FULL_LATE_S
        return known.phase is Phase.ACQUIRED and bool(is_full)


def _told(answer: Reply | Unanswered, *, is_web: bool) -> str:
    """Return what an answer to a query tells: `records`, `other`, or `nothing`."""
    if not isinstance(answer, Reply):
        return "nothing"
    if answer.status == 404:
        return "other"
    if answer.status != 200:
        return "nothing"
    told = told_by(answer).get("serverResponse", {})
    pages = [
        each.get("payload", {}).get("state")
        for each in told.get("extensionServiceState", [])
        if each.get("serviceName") == "web_recorder_service"
    ]
    is_up = pages == ["inProgress"] or not (pages or is_web)
    return "records" if told.get("status") in {4, 5} and is_up else "other"
