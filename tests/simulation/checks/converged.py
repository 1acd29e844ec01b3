"""Whether there is an end to it, and whether it is the right one."""

import json
import shutil
from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.plan.action import Kind
from reconciler.plan.session import End
from reconciler.plan.spans import both
from reconciler.simulator.ends import STOPPED
from reconciler.simulator.session import Session
from tests.daemon.cast import LongStage, Role
from tests.daemon.truth import compared
from tests.daemon.wires import Call
from tests.simulation import truth
from tests.simulation.check import Check
from tests.simulation.checks.renewals import REFRESH_S
from tests.simulation.commands import ApplyProcess
from tests.simulation.process import Process
from tests.simulation.seconds import UNSEEN_S, ended_s, living, ours
from tests.simulation.settling import KEPT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

SOON_S = 90.0
LOOKS_S = 20.0
"""How long two applies may take, one after the other."""

EVERY = 4
"""Every so manieth seed is compared with what a fresh service would have."""

FRESHER = frozenset({"accessKey", "secretKey"})
"""Who began lately has fresher credentials, as `refresh` lets it; `Renewals` looks after those."""


class Converged(Check):
    """Once all has settled, an apply does nothing, and neither does the next.

    Invariant 1 of design/reconcile.md; and what records does so as if it had been started now by an
    apply of the same specs ("What changes how").
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._has_settled = False

    def called(self, process: Process, call: Call) -> None:
        if self._has_settled and call.endpoint != "query":
            self.fail(f"all has settled, and {process.name} still sends a `{call.endpoint}`")

    async def settled(self) -> None:
        self._has_settled = not (any(map(self._moves, ours(self.sim))) or self._renews())
        for _ in range(2):
            command = ApplyProcess(self.sim, acts=True)
            await self.sim.host.carry_out(command)
            plan = command.plan
            assert plan is not None, command.failed
            left = [each for each in plan.actions if each.kind is not Kind.NONE]
            left = [each for each in left if each.reason not in KEPT]
            if self._has_settled and (left or plan.refused):
                self.fail(f"all has settled, and there is still: {left[:1] or plan.refused}")
        self._has_settled = False
        if self.sim.script.seed % EVERY == 0:
            await self._compare()

    def _moves(self, session: Session) -> bool:
        """Tell whether the service ended or moves a session: nobody need have seen it yet."""
        lately_s = self.sim.now_s - UNSEEN_S
        is_over = session.end is not STOPPED and (ended_s(session) or 0.0) > lately_s
        return is_over or session.away

    def _renews(self) -> bool:
        """Tell whether credentials are old enough to be sent anew while all is looked at."""
        from_s, until_s = self.sim.now_s - REFRESH_S - LOOKS_S, self.sim.now_s - REFRESH_S + LOOKS_S
        return any(
            known is not None and from_s <= (known.credentials_s or 0.0) <= until_s
            for _, known in truth.living(self.sim)
        )

    async def _compare(self) -> None:
        fresh = await self._fresh()
        roles = [role for role in self.sim.roles.values() if self._is_plain(role)]
        theirs: dict[str, list[str]] = defaultdict(list)
        for each in fresh.alive():
            theirs[each.identity.cname].append(_config(each))
        for role in roles:
            # What is final, or held by command, does not record here: some may be missing.
            meant = theirs[role.channel]
            mine = (each for each, (name, _) in living(self.sim) if name == role.name)
            reached = [_config(each) for each in mine if not self._is_left(each)]
            other = [each for each in reached if each not in meant]
            if other:
                self.fail(
                    f"`{role.name}` records otherwise than a fresh apply would have it:"
                    f" {other[0]} and not {meant[0] if meant else 'at all'}"
                )

    def _is_left(self, session: Session) -> bool:
        """Tell whether no call reaches it, or somebody asked to let it run (`forget`)."""
        known = self.sim.book.by_resource(session.resource_id)
        return known is not None and (known.is_orphan or known.end_reason == End.FORGOTTEN)

    def _is_plain(self, role: Role) -> bool:
        """Tell whether all that its spec asks for is to be there, for a while yet."""
        now_s = int(self.sim.now_s)
        soon = ((now_s, now_s + int(SOON_S)),)  # a window may close while the other comes up
        if both(role.wanted(now_s + SOON_S), soon) != soon:
            return False
        policy = role.spec.get("policy", {})
        is_kept = policy.get("replace") in {"defer", "forbid"} or policy.get("protect")
        return not (is_kept or policy.get("ignore") or policy.get("manage") == "observe")

    async def _fresh(self) -> LongStage:
        """Apply the same specs, on a service where nothing is."""
        sim = self.sim
        folder = sim.folder / "fresh"
        folder.mkdir()
        fresh = LongStage(folder, sim.stage.settings, begins=sim.stage.begins)
        fresh.environ, fresh.allow_exec = sim.stage.environ, sim.stage.allow_exec
        shutil.rmtree(fresh.specs)
        shutil.copytree(sim.stage.specs, fresh.specs)
        shutil.copy(sim.folder / "keys.json", folder)
        await fresh.apply()
        return fresh


def _config(session: Session) -> str:
    """Return how a session is configured, without what nobody compares."""
    config = compared(session.shown(0.0)["config"])
    storage = config.get("storageConfig", {})
    config["storageConfig"] = {key: storage[key] for key in storage.keys() - FRESHER}
    return json.dumps(config, sort_keys=True)
