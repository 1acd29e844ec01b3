"""Where calls go: to which host, and under which App ID."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.plan.action import Kind
from tests.simulation.check import Check
from tests.simulation.setting import ADDRESSES

if TYPE_CHECKING:
    from reconciler.plan.action import Plan
    from reconciler.state.store import Snapshot
    from tests.daemon.wires import Call
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

_ALLOWED = frozenset(urlsplit(each).netloc for each in ADDRESSES)


class Addresses(Check):
    """No secret goes to a host that the operator did not allow (design/reconcile.md, invariant 9).

    A plan says so of each Recording, and promises no call for it (docs/reference/reasons.md,
    `endpoint-not-allowed`). And what is said of a session is said under the App ID that it was
    started with, whatever its App has now: that is a replacement ("What changes how").
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._barred: dict[int, frozenset[str]] = {}
        """The Recordings whose App nobody may call, as each process has read the specs."""

    def called(self, process: Process, call: Call) -> None:
        if call.host not in _ALLOWED:
            self.fail(f"{process.name} sends a `{call.endpoint}` to `{call.host}`")
        session = self.sim.stage.simulator.world.by_resource.get(call.resource_id)
        if session is not None and session.identity.app_id != call.app_id:
            self.fail(
                f"{process.name} sends a `{call.endpoint}` of {session.sid[:6]} under"
                f" {call.app_id[:6]}, which was started under {session.identity.app_id[:6]}"
            )

    def recalled(self, process: Process, snapshot: Snapshot) -> None:
        """Take note of the specs that a command reads in the same moment as state."""
        del snapshot
        sim = self.sim
        is_barred = sim.apps.endpoints != ADDRESSES and (sim.stage.specs / "app.yaml").exists()
        self._barred[process.number] = frozenset(
            role.name for role in sim.roles.values() if is_barred and role.spec["app"] == "north"
        )

    def planned(self, process: Process, plan: Plan) -> None:
        barred = self._barred[process.number]
        for each in plan.actions:
            # What is gone from the specs ends as state remembers its App.
            is_call = each.is_change and each.kind is not Kind.STOP
            if is_call and each.key.recording in barred:
                self.fail(f"{process.name} plans a {each.kind} of {each.key} where it may not call")
