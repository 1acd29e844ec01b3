"""Commands beside a `run`: an `apply`, a `plan` and a `stop`, each a process of its own."""

import asyncio
from typing import TYPE_CHECKING

from reconciler.engine.apply import Apply, Limits
from reconciler.engine.assess import assess
from reconciler.engine.observe import refresh
from reconciler.engine.quell import Quell, plan_stops
from reconciler.engine.record import record
from reconciler.engine.records import Records
from reconciler.engine.refuse import refuse_unresolved
from reconciler.engine.shop import Shop, assemble
from reconciler.plan.action import Plan
from reconciler.plan.result import Result
from reconciler.plan.world import Options
from tests.simulation.process import Process, options

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

LIMITS = Limits(timeout_s=120.0)


class ApplyProcess(Process):
    """An `apply --yes`, or without `acts` a `plan`."""

    def __init__(
        self,
        sim: "Simulation",
        *,
        acts: bool,
        patience_s: float = 0.0,
        pause_s: float = 0.0,
        files: tuple[str, ...] = (),
    ) -> None:
        """Make one of these spec files alone (none: of all) that waits for the lock.

        And between what it plans and what it does, for as long as somebody thinks about it.
        """
        self.command = "apply" if acts else "plan"
        super().__init__(sim, f"{self.command}-{sim.next_number()}")
        self._acts = acts
        self._patience_s = patience_s
        self._pause_s = pause_s
        self.files = files
        self.plan: Plan | None = None
        self.results: list[Result] = []

    async def _course(self) -> None:
        sim, scope = self.sim, self.sim.stage.scope
        specs = sim.stage.specs
        paths = tuple(str(specs / each) for each in self.files) or (str(specs),)
        store = self.open(write=self._acts)
        if self._acts:
            await self.lock(store, self._patience_s)
        catalog = sim.read(self, paths)
        snapshot = store.snapshot(scope)
        is_beside = snapshot.holder is not None and not self._acts
        materials = self.materials(store, acts=self._acts, share=0.5 if is_beside else 1.0)
        records = Records(store, scope, snapshot)
        shop = assemble(records, catalog, options(paths, catalog), materials)
        problems = await refresh(shop.site, write=self._acts)
        plan = self.plan = assess(shop.site, shop.differ, catalog, problems, held=is_beside)
        sim.planned(self, plan)
        if self._acts and not plan.refused:
            await asyncio.sleep(self._pause_s)
            await self._act(shop, plan)

    async def _act(self, shop: Shop, plan: Plan) -> None:
        plan = refuse_unresolved(shop.differ, plan)
        await record(shop.site, plan)
        work = Apply(shop.site, shop.differ, plan, self.sim.stage.heard, LIMITS)
        await work.run()
        self.results = work.results


class StopProcess(Process):
    """A `stop --yes` of one Recording, where no `run` is there to do it."""

    command = "stop"

    def __init__(self, sim: "Simulation", recording: str) -> None:
        super().__init__(sim, f"stop-{sim.next_number()}")
        self.recording = recording

    async def _course(self) -> None:
        scope = self.sim.stage.scope
        store = self.open(write=True)
        await self.lock(store)
        records = Records(store, scope, store.snapshot(scope))
        shop = assemble(records, None, Options(), self.materials(store, acts=True))
        plan = plan_stops(shop.site, [self.recording], refuses_observed=True)
        await Quell(shop.site, plan, self.sim.stage.heard, LIMITS).run()
