"""Whether what the service says of an App as a whole ends all work of that App."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply
from reconciler.state.store import Condition
from tests.simulation.check import Check
from tests.simulation.checks.replies import told_by
from tests.simulation.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.agora.messages import Unanswered
    from reconciler.state.store import Change
    from tests.daemon.wires import Call
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

REASONS = frozenset({"credentials", "app-not-enabled", "app-blocked"})


PASS_S = 60.0
"""So long may a pass go on that began before the specs were read."""


class Halts(Check):
    """401, 403 and "App not enabled" stop all work of that App (design/reconcile.md, "Errors").

    After such an answer no call of that App leaves the process that heard it, until it reads the
    specs anew. Until then all of its Recordings are told the same ("with one clear error").
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._refused = Refused(sim)
        self._started: set[str] = set()
        """Resource IDs of which a start has left before."""

        self._acquirers: dict[str, int] = {}
        """Which process acquired each resource ID: another one repeats its start."""

        self._repeats: set[Call] = set()
        self._heard: dict[int, set[tuple[str, float]]] = defaultdict(set)
        """The App IDs that were refused since each process read the specs; by when the call left,
        if it is of what it was at before."""

        self._lately: dict[int, dict[tuple[str, float], float]] = defaultdict(dict)
        """Those of before that, and until when a pass that began then may still tell of them."""

        self._told: dict[int, dict[str, None]] = defaultdict(dict)
        """What it says of them."""

        self._old: dict[int, dict[str, None]] = defaultdict(dict)
        """What it said before: a pass that began then may still say it."""

    def loaded(self, process: Process) -> None:
        self._refused.loaded(process)
        self._old[process.number] |= self._told.pop(process.number, {})
        heard, until_s = self._heard.pop(process.number, set()), self.sim.now_s + PASS_S
        self._lately[process.number] |= dict.fromkeys(heard, until_s)

    def called(self, process: Process, call: Call) -> None:
        self._refused.called(process, call)
        if call.endpoint == "start":
            is_mine = self._acquirers.get(call.resource_id) == process.number
            if call.resource_id in self._started or not is_mine:
                self._repeats.add(call)
            self._started.add(call.resource_id)
            return  # it belongs to its acquire, which it must follow (invariant 4)
        if call.endpoint == "stop" and self._is_unwritten(call):
            return  # what cannot be stored is stopped, if that can be done at all ("Errors")
        why = self._refused.why(process, call)
        if why:
            self.fail(
                f"{process.name} sends a `{call.endpoint}` under {call.app_id[:6]} after {why}"
            )

    def unsent(self, process: Process, call: Call) -> None:
        self._refused.called(process, call)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        told = told_by(answer) if isinstance(answer, Reply) else {}
        if call.endpoint == "acquire" and "resourceId" in told:
            self._acquirers[told["resourceId"]] = process.number
        if call in self._repeats:
            # It need not stop the App: on a repeat only 200 and 201/7 tell ("Errors of the
            # service"), but for one that was certainly not started before.
            self._heard[process.number].add((call.app_id, call.at_s))
            return
        if self._refused.answered(process, call, answer):
            # Of what began before nobody knows whether it is one work, or a new one already.
            since_s = 0.0 if self._refused.is_bound(process, call) else call.at_s
            self._heard[process.number].add((call.app_id, since_s))

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        self._refused.wrote(process, changes)
        for change in changes:
            if isinstance(change, Condition) and change.reason in REASONS:
                self._say(process, change.message)

    def _is_unwritten(self, call: Call) -> bool:
        known = self.sim.book.by_resource(call.resource_id)
        return known is not None and not known.sid

    def _say(self, process: Process, message: str) -> None:
        told = self._told[process.number]
        if message not in self._old[process.number]:
            told[message] = None
        lately = self._lately[process.number].items()
        heard = {each for each, until_s in lately if self.sim.now_s < until_s}
        if len(told) > len(self._heard[process.number] | heard):
            self.fail(f"{process.name} says of an App that cannot be called: {', '.join(told)}")
