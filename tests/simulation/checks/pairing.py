"""Invariant 4: an acquire and its start belong together, and a start is repeated identically."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from reconciler.agora.messages import Reply, Silence, Unanswered
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.checks.replies import told_by

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

START_WITHIN_S = 2.0
RESOURCE_ID_S = 300.0
REPEAT_WAITS_S = (3.0, 6.0, 9.0)
SAME_MOMENT_S = 0.001

THROTTLED_S = 1.0
"""After a 429, which the service was told to give, nothing leaves for so long."""

OK, SERVER_ERROR, PARTIAL, THROTTLED = 200, 500, 206, 429


@dataclass(slots=True)
class Pair:
    """An acquire that was answered, and what was sent for it."""

    process: Process
    acquired_s: float
    wrong_s: float
    """How wrong the host's clock was then."""

    asked: Call
    text: str = ""
    """The body of its first start."""

    caller: Process | None = None
    """Who made the last start; then the repeats of it, and when it was left uncertain."""

    repeats: int = 0
    uncertain_s: float | None = None
    is_cut: bool = False
    """A start of it could not leave: nobody was reached."""


class Pairing(Check):
    """`acquire` carries what its start asks for, which follows within 2 s on the same host.

    A start that may have taken effect is repeated as it was, after 3, 6 and 9 s, within 5 min of
    the acquire (design/reconcile.md, invariant 4 and "Errors of the service").
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._pairs: dict[str, Pair] = {}
        self._open: dict[str, Pair] = {}
        self._throttled_s: dict[str, float] = {}
        """When the service last refused a call of an App ID as one too many."""

    def called(self, process: Process, call: Call) -> None:
        if call.endpoint != "start":
            return
        pair = self._pairs.get(call.resource_id)
        if pair is None:
            self.fail(f"{process.name} starts what no acquire was answered for")
            return
        if pair.text:
            self._repeated(process, call, pair)
        else:
            self._first(process, call, pair)
        pair.caller, pair.uncertain_s = process, None
        # A clock that was set wrong meanwhile makes five minutes longer, or shorter: the service
        # refuses what comes too late (agora-api.md 7.6, code 433), and nothing starts.
        late_s = call.at_s - pair.acquired_s - abs(self.sim.clock.wrong_s - pair.wrong_s)
        if late_s > RESOURCE_ID_S:
            self.fail(f"{process.name} starts {late_s:.1f} s after the acquire")

    def unsent(self, process: Process, call: Call) -> None:
        pair = self._pairs.get(call.resource_id)
        if call.endpoint == "start" and pair is not None and not pair.text:
            self._check_late(process, call, pair)
            pair.is_cut = True
            self._open.pop(call.resource_id, None)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        now_s = self.sim.clock.monotonic_s()
        if isinstance(answer, Reply) and answer.status == THROTTLED:
            self._throttled_s[call.app_id] = now_s
        if call.endpoint == "acquire" and isinstance(answer, Reply) and answer.status == OK:
            resource_id = told_by(answer).get("resourceId")
            if resource_id:
                pair = Pair(process, now_s, self.sim.clock.wrong_s, call)
                self._pairs[resource_id] = pair
                if not self.sim.disk.is_full:  # what cannot be written first is not sent
                    self._open[resource_id] = pair
        elif call.endpoint == "start" and call.resource_id in self._pairs:
            pair = self._pairs[call.resource_id]
            if _is_open(answer):
                pair.uncertain_s = now_s
            if self.sim.disk.is_full:
                # What was told cannot be written: a later pass settles it, from the beginning.
                pair.caller = None

    def look(self) -> None:
        now_s = self.sim.clock.monotonic_s()
        for resource_id, pair in list(self._open.items()):
            if now_s - pair.acquired_s > START_WITHIN_S:
                del self._open[resource_id]
                if not pair.process.life.dead:
                    self.fail(f"{pair.process.name} made an acquire that no start followed")

    def _first(self, process: Process, call: Call, pair: Pair) -> None:
        pair.text = json.dumps(call.body)
        self._open.pop(call.resource_id, None)
        if _request(pair.asked).get("startParameter") != call.body["clientRequest"]:
            self.fail(f"{process.name} starts what its acquire's startParameter does not say")
        if any(pair.asked.body[key] != call.body[key] for key in ("cname", "uid")):
            self.fail(f"{process.name} starts for another channel or uid than it acquired for")
        if pair.asked.host != call.host:
            self.fail(f"{process.name} starts at {call.host} after an acquire at {pair.asked.host}")
        self._check_late(process, call, pair)

    def _check_late(self, process: Process, call: Call, pair: Pair) -> None:
        late_s = call.at_s - pair.acquired_s
        if self._throttled_s.get(call.app_id, -inf) > pair.acquired_s:
            late_s -= THROTTLED_S
        # Who follows a process that was killed does not know whether its start had left.
        if process is pair.process and late_s > START_WITHIN_S and not pair.is_cut:
            self.fail(f"{process.name} starts {late_s:.1f} s after the acquire was answered")

    def _repeated(self, process: Process, call: Call, pair: Pair) -> None:
        if json.dumps(call.body) != pair.text:
            self.fail(f"{process.name} repeats a start otherwise than it was sent")
        if pair.asked.host != call.host:
            self.fail(f"{process.name} repeats a start at another host")
        if process is not pair.caller:
            pair.repeats = 0
            return
        if pair.repeats >= len(REPEAT_WAITS_S):
            self.fail(f"{process.name} repeats a start for the {pair.repeats + 1}th time")
        elif pair.uncertain_s is not None:
            waited_s = call.at_s - pair.uncertain_s
            if waited_s < REPEAT_WAITS_S[pair.repeats] - SAME_MOMENT_S:
                self.fail(f"{process.name} repeats a start {waited_s:.1f} s after it got no answer")
        pair.repeats += 1


def _is_open(answer: Reply | Unanswered) -> bool:
    """Tell whether an answer leaves it open that the session was started (agora-api.md 6.3)."""
    if isinstance(answer, Unanswered):
        return answer.silence is Silence.NO_ANSWER
    return answer.status >= SERVER_ERROR or answer.status == PARTIAL


def _request(call: Call) -> dict[str, Any]:
    request: dict[str, Any] = call.body["clientRequest"]
    return request
