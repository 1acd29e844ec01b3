"""What the service says of an App as a whole, and how long each process is bound by it."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING

from reconciler.agora import trees
from reconciler.agora.messages import Reply, Unanswered
from tests.simulation.works import Works

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.state.store import Change
    from tests.daemon.wires import Call
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

REFUSED = frozenset({401, 403})
DISABLED = frozenset({62, 400, 405})
"""Codes with which an acquire says that the service serves this App not at all (agora-api.md 6.2).
"""

_BAD_REQUEST = 400


class Refused:
    """The App IDs that each process may not call, from an answer on until it reads the specs anew.

    A command does that no more. A `run` does with each `--interval`, and sooner when something says
    that they changed (docs/guide/daemon.md, "What wakes it"). What it was at when it read them goes
    on with the credentials that it began with.
    """

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._works = Works()
        self._loaded_s: dict[int, float] = {}
        self._whys: dict[int, dict[str, str]] = defaultdict(dict)
        self._perhaps: dict[int, set[str]] = defaultdict(set)
        """Those too that a process may take for refused: when it began cannot be seen surely."""

        self._lifted_s: dict[str, float] = {}

    def loaded(self, process: Process) -> None:
        """Take note that a process may call all of them once more."""
        now_s = self._loaded_s[process.number] = self._sim.clock.monotonic_s()
        self._whys.pop(process.number, None)
        self._lifted_s |= dict.fromkeys(self._perhaps.pop(process.number, ()), now_s)

    def called(self, process: Process, call: Call) -> None:
        """Hear a call as it leaves, or that it could not."""
        self._works.called(process, call)

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Hear what it begins with."""
        self._works.wrote(process, changes)

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> str:
        """Hear an answer; return what it says of the App, empty: nothing."""
        why = _why(call, answer) if call.app_id else ""
        if why:
            self._perhaps[process.number].add(call.app_id)
        if why and self.is_bound(process, call):
            self._whys[process.number].setdefault(call.app_id, f"{why} to `{call.endpoint}`")
        return why

    def why(self, process: Process, call: Call) -> str:
        """Return why a process may not send a call now; empty: it may."""
        return self._whys[process.number].get(call.app_id, "") * self.is_bound(process, call)

    def until_s(self, process: Process, app_id: str) -> float:
        """Return until when a process may not have called an App; at the latest now."""
        if app_id in self._perhaps[process.number]:
            return self._sim.clock.monotonic_s()
        return self._lifted_s.get(app_id, -inf)

    def is_bound(self, process: Process, call: Call) -> bool:
        """Tell whether it began with what it does there after it has read the specs."""
        return self._works.began_s(process, call) >= self._loaded_s.get(process.number, -inf)


def _why(call: Call, answer: Reply | Unanswered) -> str:
    if isinstance(answer, Unanswered):
        return ""
    if answer.status in REFUSED:
        return str(answer.status)
    tree = trees.parsed(answer.body) or {}
    code = trees.whole(tree, "code") or None
    if answer.status != _BAD_REQUEST:
        return ""
    if call.endpoint == "acquire" and code in DISABLED:
        return f"code {code}"
    is_invalid = code is None and "appid is invalid" in str(tree.get("message"))
    return "an invalid App ID" if is_invalid else ""
