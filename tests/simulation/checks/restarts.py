"""Whether and when another session may follow one that failed or ended by itself.

Worked out from what the service knows of the sessions and from the calls; state is asked only what
it holds an end to be, for of several that look alike from outside it may know one alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from reconciler.agora.messages import Reply, Unanswered
from reconciler.plan.session import ASKED, REACHABLE, End, Phase, Session
from reconciler.state.store import Change, DropRecorded, Rename, SetSession
from tests.daemon.cast import Role
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.seconds import Key, ended_s
from tests.simulation.stances import Stances
from tests.simulation.truth import lives

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

GAPS_S = (0.0, 0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""By failures in a row; more of them wait no longer."""

IDLE_S, QUOTA_S = 10.0, 60.0
GOOD_RUN_S = 600.0
UNCONFIRMED_S = 90.0
EDGE_S = 1.0
UNREAD_S = 900.0
"""So long after an edit an older policy may be acted upon: the specs may be out of reach."""

_COMPLETE = frozenset({End.IDLE, End.MAX_DURATION, End.EXITED})
_ITS_OWN = frozenset({"token", "startParameter", "excludeResourceIds"})
_NEVER_BEGUN = frozenset({End.NOT_STARTED, End.QUOTA, End.REFUSED, End.CONFLICT})


@dataclass(slots=True)
class Try:
    """One session that was to be: from its first call on. `failures` in a row came before it."""

    id: str
    begun_s: float
    heard_s: float
    config: Mapping[str, Any] | None
    """What the session was to be; None: it was changed while it recorded."""

    failures: int = 0


class Restarts(Check):
    """What failed is started again after the back-off, and what is final is not.

    design/spec-format.md, `policy.restart`; design/reconcile.md, "Life of a session", **ended**.
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._claims: dict[tuple[str, str], str] = {}
        self._last: dict[Key, Try] = {}
        self._tries: dict[str, Try] = {}
        self._stances = Stances(sim)
        self._gone_s: dict[str, float] = {}
        """When state forgot Recordings that were gone from the specs."""

        self._wrong_s = 0.0
        self._set_s = -inf

    def look(self) -> None:
        """See whether the host's clock was set, and the policies."""
        self._stances.look()
        if self.sim.clock.wrong_s != self._wrong_s:
            self._wrong_s, self._set_s = self.sim.clock.wrong_s, self.sim.now_s

    def wrote(self, process: "Process", changes: Sequence[Change]) -> None:
        del process
        for change in changes:
            if isinstance(change, SetSession):
                session = change.session
                self._claims[session.channel, session.uid] = session.id
            elif isinstance(change, DropRecorded) and not self._is_written(change.name):
                self._gone_s[change.name] = self.sim.now_s
            elif isinstance(change, Rename):
                for name, replica in list(self._last):
                    if name == change.before:
                        self._last[change.after, replica] = self._last.pop((name, replica))

    def called(self, process: "Process", call: Call) -> None:
        del process
        if call.endpoint in {"update", "updateLayout"}:
            self._change(call)
        if call.endpoint not in {"acquire", "start"}:
            return
        id_ = self._claims.get((call.body["cname"], call.body["uid"]), "")
        session = self.sim.book.sessions.get(id_)
        if session is None or id_ in self._tries:
            return
        now_s, key = self.sim.now_s, (session.recording, session.replica)
        this = self._tries[id_] = Try(id_, now_s, now_s, _config(call))
        before, self._last[key] = self._last.get(key), this
        if before is not None:
            self._check(key, before, this)

    def answered(self, process: "Process", call: Call, answer: Reply | Unanswered) -> None:
        del process, answer
        if call.endpoint in {"acquire", "start"}:
            id_ = self._claims.get((call.body["cname"], call.body["uid"]), "")
            if id_ in self._tries:
                self._tries[id_].heard_s = self.sim.now_s

    def _change(self, call: Call) -> None:
        state = self.sim.book.by_resource(call.resource_id)
        if state is not None and state.id in self._tries:
            self._tries[state.id].config = None

    def _check(self, key: Key, before: Try, this: Try) -> None:
        last = self.sim.book.sessions[before.id]
        if _is_asked(last):
            # A start that this program itself did not come to is no run, and no failure either.
            this.failures = before.failures if last.end_reason == End.INTERRUPTED else 0
            return
        over_s = self._over_s(before, last)
        if self._is_afresh(key[0], before, this, over_s):
            return
        self._check_final(key, last)
        this.failures = before.failures + self._counts(last)
        if self._ran_s(last) >= GOOD_RUN_S:
            this.failures = 0
        due_s = over_s + self._gap_s(last, this.failures)
        # An end is told in the service's time, and waited for in that of a host that may be off.
        off_s = abs(self.sim.clock.wrong_s) + EDGE_S
        if this.begun_s < due_s - off_s and self._set_s < over_s:
            self.fail(
                f"{key[0]}[{key[1]}] is tried again {this.begun_s - over_s:.1f} s after an end"
                f" ({last.end_reason or last.phase}), not {due_s - over_s:g} s after it"
                f" (failures in a row: {this.failures})"
            )

    def _check_final(self, key: Key, last: Session) -> None:
        role = self.sim.roles.get(key[0])
        policy = self._stances.lately(role, self.sim.now_s - UNREAD_S) if role else None
        restart = policy.get("restart", "always") if policy else "always"
        is_never = restart == "never" and last.end_reason not in {"", *_NEVER_BEGUN}
        # What was over before anybody saw it record failed, unless the service told otherwise.
        is_seen = last.end_reason != End.EXITED or last.confirmed_s is not None or _is_told(last)
        is_done = restart == "on-failure" and last.end_reason in _COMPLETE and is_seen
        if (is_never or is_done) and not self._has_predecessor(last):
            self.fail(
                f"{key[0]}[{key[1]}] is started again after its end ({last.end_reason}),"
                f" which is final with `restart: {restart}`"
            )

    def _has_predecessor(self, last: Session) -> bool:
        """Tell whether what it was to replace goes on: that is tried again ("expiry")."""
        before = self.sim.book.sessions.get(last.replaces)
        if before is None:
            return False
        # Nobody may have told yet that it is over, too.
        return lives(self.sim, before) is not None or before.phase in REACHABLE

    def _is_afresh(self, name: str, before: Try, this: Try, over_s: float) -> bool:
        """Tell whether something lets it begin anew: another configuration, a window, a resume."""
        role = self.sim.roles.get(name)
        if role is None or before.config is None or before.config != this.config:
            return True
        if self._gone_s.get(name, 0.0) > before.begun_s:  # pruned: what is there again is new
            return True
        if self._is_edited(role, before) or self._has_lost(before):
            return True
        # The daemon's clock may be off by so much (acts/ours.py).
        off_s = abs(self.sim.clock.wrong_s) + EDGE_S
        opens = role.times.opens(over_s, this.begun_s) if role.times.schedule else ()
        if any(over_s - off_s <= from_s <= this.begun_s + off_s for from_s, _ in opens):
            return True
        return any(until_s >= over_s - off_s for _, until_s in role.suspended)

    def _is_written(self, name: str) -> bool:
        files = sorted(self.sim.stage.specs.iterdir())
        return any(f'"{name}"' in each.read_text(encoding="utf-8") for each in files)

    def _has_lost(self, before: Try) -> bool:
        """Tell whether what it was to replace ended by itself, after it had failed.

        From then on nothing records, so that one is begun at once ("ended"). It may have ended
        before, and have been told of its end when its files were stored.
        """
        replaced = self.sim.book.sessions.get(self.sim.book.sessions[before.id].replaces)
        if replaced is None or _is_asked(replaced):
            return False
        session = self.sim.stage.simulator.world.by_resource.get(replaced.resource_id)
        if session is None or not (over_s := ended_s(session)):
            return False
        told_s = self.sim.book.written_s[replaced.id] + self.sim.script.begins_s
        return max(over_s, told_s) >= before.heard_s - EDGE_S

    def _is_edited(self, role: Role, before: Try) -> bool:
        """Tell whether its spec is another one since: its uids, or all of it, are not compared.

        Of a start that never came about nobody can say what an edit changes for it.
        """
        session = self.sim.book.sessions[before.id]
        has_begun = session.resource_id in self.sim.stage.simulator.world.by_resource
        since_s = before.begun_s - UNREAD_S
        return self._stances.is_edited(role, since_s, *(["uid", "backupUids"] if has_begun else []))

    def _counts(self, last: Session) -> int:
        is_place = last.end_reason in {End.IDLE, End.QUOTA}
        return 0 if is_place or last.phase is Phase.ORPHAN else 1

    def _gap_s(self, last: Session, failures: int) -> float:
        match last.end_reason:
            case End.IDLE:
                return IDLE_S
            case End.QUOTA:
                return QUOTA_S
            case _ if last.phase is Phase.ORPHAN:
                # Out of reach: it goes on at once on another uid ("Errors of the service").
                return 0.0
            case _:
                return GAPS_S[min(failures, len(GAPS_S) - 1)]

    def _over_s(self, before: Try, last: Session) -> float:
        """Return when it was over at the earliest, whoever knew of that."""
        session = self.sim.stage.simulator.world.by_resource.get(last.resource_id)
        if session is None:
            return before.begun_s if last.phase is Phase.ORPHAN else before.heard_s
        if End.UNCONFIRMED in {last.stop_reason, last.end_reason}:
            return min(ended_s(session) or inf, session.started_s + UNCONFIRMED_S)
        return ended_s(session) or session.started_s

    def _ran_s(self, last: Session) -> float:
        """Return for how long it recorded, as far as anybody could tell."""
        session = self.sim.stage.simulator.world.by_resource.get(last.resource_id)
        if session is None or End.UNCONFIRMED in {last.stop_reason, last.end_reason}:
            return 0.0
        return max(ended_s(session) or 0.0, last.ended_s or 0.0) - session.started_s


def _is_asked(last: Session) -> bool:
    """Tell whether it was ended on purpose, or goes on: nothing has failed."""
    if last.end_reason:
        return last.end_reason in ASKED
    return last.phase is not Phase.ORPHAN and last.stop_reason != End.UNCONFIRMED


def _config(call: Call) -> Mapping[str, Any]:
    """Return what a call asks for, without what every session has of its own."""
    request = call.body["clientRequest"]
    request = {**request, **request.get("startParameter", {})}
    place = {"app": call.app_id, "cname": call.body["cname"]}
    return place | {key: value for key, value in request.items() if key not in _ITS_OWN}


def _is_told(last: Session) -> bool:
    """Tell whether the service told of its end, and not only that its recorder left."""
    return any(sign.startswith(("exit:", "web:")) for sign in last.signs)
