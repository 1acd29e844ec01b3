"""Whether what was wanted was recorded, second by second, and nothing else was."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil, floor, inf
from typing import TYPE_CHECKING

from reconciler.plan.session import End
from reconciler.plan.spans import Span, Spans, both, minus, span, union
from reconciler.simulator.ends import STOPPED
from reconciler.simulator.session import Phase, Session
from reconciler.state.store import Change, Condition, Rename, SetRecorded
from tests.daemon.cast import Role
from tests.simulation.check import Check
from tests.simulation.process import DaemonProcess, Process
from tests.simulation.seconds import EVER, UNSEEN_S, Key, ended_s, living, ours, owner_of, recorded
from tests.simulation.stances import Stances

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

EDGE_S = 3
"""Moments are compared in whole seconds."""

START_S = 35
"""From when a Recording is to record until it does: 8 s there, slots, answers, one of them lost."""

STOP_S = 45
"""From when a Recording is not to record any more until it does not: the same, and the tick."""

PRUNE_S = 300 + 300 + 60
"""The same of one that is gone: `--prune-delay`, and a second load that agrees."""

DOWN_S = 90 + START_S
"""After a death: what was missing then is to be settled, and another is to start."""


_OK = 200
_SIGNS = frozenset({1, 11})
"""An error, and an exit (agora-api.md 8)."""


class Schedules(Check):
    """Every second that was wanted is recorded, and no other; excused are times of trouble.

    design/spec-format.md, `schedule`, `suspend` and `policy`; design/reconcile.md, "The daemon".
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._stances = Stances(sim)
        self._held: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """When each was held by command: whose `resume` found nobody was told so, and waits."""

        self._guarded: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """When a guard held what would have ended each."""

        self._renames: list[tuple[str, str, float]] = []
        """What state called otherwise: from what, to what, and when."""

        self._told: set[str] = set()
        """Sessions of which an error or an exit was told, by `sid`: their ends are known."""

    def look(self) -> None:
        self._stances.look()

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Learn until when a command holds what, and what is called otherwise."""
        del process
        for change in changes:
            if isinstance(change, Rename):
                self._renames.append((change.before, change.after, self.sim.now_s))
                self._held[change.after] += self._held.pop(change.before, [])
            elif isinstance(change, SetRecorded) and (held := change.recorded.override):
                rows = self._held[change.recorded.name]
                if rows and rows[-1][0] == held.since_s:
                    rows.pop()
                rows.append((held.since_s, inf if held.until_s is None else held.until_s))

            elif isinstance(change, Condition) and change.type == "Guarded":
                self._guard(change.recording, is_held=change.status)

    def _guard(self, name: str, *, is_held: bool) -> None:
        """Take note of what is held. It may get out of reach meanwhile: then nobody ends it."""
        spans, known = self._guarded[name], self.sim.book.sessions.values()
        now_s = self.sim.now_s
        mine = (each for each in known if each.recording == name and each.may_live)
        is_lost = any(each.is_orphan or (each.resource_ends_s or inf) <= now_s for each in mine)
        is_open = bool(spans) and spans[-1][1] == inf
        if is_held and not is_open:
            spans.append((self.sim.now_s, inf))
        elif is_open and not (is_held or is_lost):
            spans[-1] = (spans[-1][0], self.sim.now_s + STOP_S)

    def notified(self, app: str, told: dict[str, object], status: int | None) -> None:
        del app
        payload = told["payload"]
        if status == _OK and told["eventType"] in _SIGNS and isinstance(payload, dict):
            self._told.add(payload["sid"])

    def died(self, process: Process) -> None:
        """Excuse what an end of the daemon costs, whoever begins it again."""
        if isinstance(process, DaemonProcess) and self.sim.is_safe:
            now_s = self.sim.now_s
            self.sim.excuses.say("", now_s, now_s + DOWN_S, "the daemon has ended")

    def end(self) -> None:
        found = self._as_called(recorded(self.sim))
        for role in (*self.sim.roles.values(), *self.sim.past):
            most = max((stance.replicas for stance, _ in self._stances.of(role)), default=0)
            for replica in range(most):
                # One that was renamed is taken over, or begun anew where that cannot be told.
                names = self._stances.names(role)
                there = union(part for name in names for part in found.get((name, replica), ()))
                wanted = self._wanted(role, replica)
                self._check(role, (role.name, replica), wanted, there)
        self._check_now()

    def _as_called(self, found: dict[Key, Spans]) -> dict[Key, Spans]:
        """Give what was renamed the time before that under the name which it had then.

        One that comes while another of its channel is away is taken for that one under a new name
        (design/reconcile.md, "Renames"), and takes over what was begun for the other.
        """
        for before, after, at_s in reversed(self._renames):
            earlier = span(0, at_s, EVER)
            for name, replica in sorted(found):
                if name == after:
                    spans = found[after, replica]
                    mine = found.get((before, replica), ())
                    found[before, replica] = union((*mine, *both(spans, earlier)))
                    found[after, replica] = minus(spans, earlier)
        return found

    def _check(self, role: Role, key: Key, wanted: Spans, there: Spans) -> None:
        let_be = union(self._let_be(role))
        excused = union((*self.sim.excuses.of(role.name), *let_be))
        begins = (*(begins for begins, _ in wanted), *(ends for _, ends in let_be))
        begun = tuple((at_s, at_s + START_S) for at_s in begins)
        rests = union((*excused, *begun, *self._finals(role, key), *self._replaced(role, key)))
        self._report(key, "did not record", minus(minus(wanted, there), rests))
        late_s = PRUNE_S if role in self.sim.past else STOP_S
        # What was there for less than a second is no whole one that was wanted.
        briefly = [(int(each.since_s), ceil(each.since_s)) for each in role.asked if each.times]
        over = minus(minus(there, _longer((*wanted, *briefly), late_s)), excused)
        guarded = union(part for each in self._guarded[role.name] for part in span(*each, EVER))
        if not self._may_stay(role):
            self._report(key, "recorded unasked", minus(over, guarded))

    def _report(self, key: Key, what: str, spans: Spans) -> None:
        zero = self.sim.script.begins_s
        long = [each for each in spans if each[1] - each[0] >= EDGE_S]
        shown = ", ".join(f"{begins - zero:.0f}..{ends - zero:.0f} s" for begins, ends in long)
        if long:
            self.fail(f"{key[0]}[{key[1]}] {what}: {shown}")

    def _wanted(self, role: Role, replica: int) -> Spans:
        """Return when a replica was to record."""
        spans = (
            part
            for stance, when in self._stances.of(role)
            for part in when
            if replica < stance.replicas
        )
        return both(role.wanted(self.sim.now_s), union(spans))

    def _replaced(self, role: Role, key: Key) -> Iterator[Span]:
        """Yield when another was to begin that its policy lets wait for the end of the first."""
        for session in ours(self.sim):
            state = self.sim.book.by_resource(session.resource_id)
            at_s = ended_s(session)
            if state is None or state.end_reason != End.REPLACED or at_s is None:
                continue
            is_first = self._stances.ever(role, "replace", "stop-first")
            if is_first and owner_of(self.sim, session) == key:
                yield from span(at_s - 1, at_s + DOWN_S, EVER)

    def _let_be(self, role: Role) -> Iterator[Span]:
        """Yield when it was held by command, or watched alone (`manage: observe`)."""
        for from_s, until_s in self._held[role.name]:
            yield from span(from_s, until_s, EVER)
        for stance, when in self._stances.of(role):
            if stance.says("manage", "observe"):
                yield from when

    def _may_stay(self, role: Role) -> bool:
        """Tell whether its policy may let it go on though nobody wants it."""
        kept = {"onRemoval": "leave", "protect": True}
        return any(self._stances.ever(role, field, value) for field, value in kept.items())

    def _finals(self, role: Role, key: Key) -> Spans:
        """Return when nothing is to record, for the last end is final."""
        mine = [each for each in ours(self.sim) if owner_of(self.sim, each) == key]
        found: list[Span] = []
        for stance, when in self._stances.of(role):
            restart = str(stance.policy.get("restart", "always"))
            final = [each for each in mine if self._is_final(each, restart)]
            rests = union(part for each in final for part in self._rest(role, each, mine))
            found += both(rests, when)
        return union(found)

    def _is_final(self, session: Session, restart: str) -> bool:
        """Tell whether `policy.restart` lets an end stand, which nobody asked for."""
        state = self.sim.book.by_resource(session.resource_id)
        if session.phase is Phase.LIVE or session.end is None or state is None:
            return False
        # One that was not confirmed in time counts as one that ended, and is stopped by us.
        is_asked = session.end is STOPPED and state.end_reason != End.UNCONFIRMED
        if restart == "never":
            return not is_asked
        if restart != "on-failure" or session.end is STOPPED:
            return False
        # Of an end that nobody told anything of, it cannot be seen that it was a failure.
        is_untold = state.end_reason == End.EXITED and session.sid not in self._told
        if is_untold and state.confirmed_s is None:
            return False  # it was over before anybody saw it record, which is a failure
        return is_untold or not session.end.abnormal

    def _rest(self, role: Role, session: Session, mine: list[Session]) -> Spans:
        at_s = ended_s(session) or 0.0
        later = (each.started_s for each in mine if each.started_s > at_s)
        opens = role.times.opens(at_s, self.sim.now_s) if role.times.schedule else ()
        # Windows that overlap or touch are one: it begins when the first of them opens.
        stretches = union((floor(begins), ceil(ends)) for begins, ends in opens)
        opened = (from_s for from_s, _ in stretches if from_s > at_s)
        return span(at_s, min((*later, *opened), default=inf) + START_S, EVER)

    def _check_now(self) -> None:
        """Check that what is wanted records now, and nothing else: nothing excuses it any more."""
        there = {key: session for session, key in living(self.sim)}
        now = ((int(self.sim.now_s) - START_S, int(self.sim.now_s)),)
        for role in self.sim.roles.values():
            for replica in range(role.replicas):
                key = (role.name, replica)
                session = there.pop(key, None)
                is_wanted = both(self._wanted(role, replica), now) == now
                is_free = not both(union((*self._let_be(role), *self._finals(role, key))), now)
                if is_wanted and is_free and session is None and not self._is_unseen(key):
                    self.fail(f"{key[0]}[{key[1]}] is wanted, and does not record at the end")
        self._check_left(there)

    def _is_unseen(self, key: Key) -> bool:
        """Tell whether it ended so lately that nobody need have seen it."""
        mine = (each for each in ours(self.sim) if owner_of(self.sim, each) == key)
        return any((ended_s(each) or 0.0) > self.sim.now_s - UNSEEN_S for each in mine)

    def _check_left(self, there: dict[Key, Session]) -> None:
        for key, session in there.items():
            state = self.sim.book.by_resource(session.resource_id)
            role = next((each for each in self.sim.past if each.name == key[0]), None)
            role = self.sim.roles.get(key[0], role)
            is_known = state is not None and (state.is_orphan or state.end_reason == End.FORGOTTEN)
            if not is_known and role is not None and not self._may_stay(role):
                self.fail(f"{key[0]}[{key[1]}] is not wanted, and records at the end")


def _longer(spans: Spans, late_s: int) -> Spans:
    return union((begins, ends + late_s) for begins, ends in spans)
