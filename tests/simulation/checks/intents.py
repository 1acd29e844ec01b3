"""State is written before every call that can create something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Unanswered
from reconciler.plan.session import Phase, Session
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.checks.replies import told_by
from tests.simulation.truth import called_so

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

_CLAIMED = frozenset({Phase.NONE, Phase.ACQUIRED})


@dataclass(frozen=True, slots=True)
class _Answered:
    """A `sid` that a process was told, and has not written yet."""

    sid: str
    session: str


class Intents(Check):
    """State "is written before every call that can create something, and after every answer".

    So design/reconcile.md, "Words"; what is written when: invariant 3 and engine/start.py. An
    acquire leaves only after its intent, a start only after its resource ID, and whoever was told a
    `sid` writes it before anything else of that Recording.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._told: dict[tuple[int, str], _Answered] = {}

    def called(self, process: Process, call: Call) -> None:
        """Look at what state has of it."""
        match call.endpoint:
            case "acquire":
                session = self._check_acquire(call)
            case "start":
                session = self._check_start(call)
            case _:
                session = self.sim.book.by_resource(call.resource_id)
        if session is not None and self._told:
            self._check_told(process, call, session)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        """Take note of a `sid`."""
        if call.endpoint != "start" or not isinstance(answer, Reply) or answer.status >= 206:
            return
        sid = told_by(answer).get("sid", "")
        session = self.sim.book.by_resource(call.resource_id)
        if sid and session is not None and session.sid != sid:
            self._told[process.number, call.resource_id] = _Answered(sid, session.id)

    def look(self) -> None:
        """Forget what nobody can write: it is told on stderr (reconcile.md, "Errors")."""
        if self.sim.disk.is_full:
            self._told.clear()

    def died(self, process: Process) -> None:
        """Forget what only a dead process was told."""
        self._told = {key: told for key, told in self._told.items() if key[0] != process.number}

    def _check_acquire(self, call: Call) -> Session | None:
        for session in reversed(self.sim.book.sessions.values()):
            is_it = (session.channel, session.uid) == (call.body["cname"], call.body["uid"])
            if is_it and session.phase in _CLAIMED and session.app_id == call.app_id:
                return session
        self.fail(f"an acquire of {call.body['cname']} without an intent")
        return None

    def _check_start(self, call: Call) -> Session | None:
        session = self.sim.book.by_resource(call.resource_id)
        if session is None or session.resource_id != call.resource_id:
            self.fail(f"a start of {call.resource_id[:6]}, which state does not know")
        elif session.phase is not Phase.ACQUIRED:
            self.fail(f"a start of {called_so(session)}, which is {session.phase}")
        elif (session.channel, session.uid) != (call.body["cname"], call.body["uid"]):
            self.fail(f"a start of {call.body['cname']} as {called_so(session)}")
        return session

    def _check_told(self, process: Process, call: Call, session: Session) -> None:
        for key, told in list(self._told.items()):
            known = self.sim.book.sessions[told.session]
            if known.sid == told.sid:
                del self._told[key]
            elif key[0] == process.number and known.recording == session.recording:
                # What cannot be stored within 30 s is stopped (design/reconcile.md, "Errors").
                if call.endpoint != "stop" or call.sid != told.sid:
                    self.fail(f"{call.endpoint} before the sid of {called_so(known)} was written")
                del self._told[key]
