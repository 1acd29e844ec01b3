"""Whether what `coverage` tells of each second is what the service knows of it."""

from reconciler.engine.history import histories
from reconciler.plan.coverage import Cover, coverage
from reconciler.plan.spans import Span, Spans, both, minus, union
from tests.simulation.check import Check
from tests.simulation.seconds import recorded

EDGE_S = 3
"""Moments are compared in whole seconds, and what the service tells takes a moment."""

UNSEEN_S = 5 * 1.1 * 1.1 * 120.0 + 90.0
"""How long an end may go unnoticed that nobody tells of: queries may fail five times."""


class Coverage(Check):
    """The coverage figures equal what the service knows; doubted is only what nobody could see.

    design/cli.md, `coverage`: what is not known for certain never counts as covered.
    """

    def end(self) -> None:
        sim = self.sim
        begins_s, now_s = sim.script.begins_s, sim.now_s
        found = recorded(sim)
        with sim.stage.store(write=False) as store:
            told = {each.name: each for each in histories(store, sim.stage.scope, begins_s)}
        for name in sim.roles:
            if name in told:
                cover = coverage(told[name], begins_s, now_s, now_s).whole
                mine = (spans for (of, _), spans in found.items() if of == name)
                self._check(name, cover, union(part for spans in mine for part in spans))

    def _check(self, name: str, cover: Cover, truth: Spans) -> None:
        known = union((*cover.covered, *cover.unconfirmed))
        self._compare(name, "says that it recorded", minus(cover.covered, truth))
        self._compare(name, "does not know of", minus(both(truth, cover.wanted), known))

    def _compare(self, name: str, what: str, spans: Spans) -> None:
        wrong = [each for each in minus(spans, self._doubts(name)) if each[1] - each[0] > EDGE_S]
        if wrong:
            self.fail(f"coverage of `{name}` {what}: {self._shown(wrong)}")

    def _doubts(self, name: str) -> Spans:
        """Return when nobody could see how it was: what ends in trouble was last seen before it."""
        excused = self.sim.excuses.of(name)
        return union((begins - int(UNSEEN_S), ends + EDGE_S) for begins, ends in excused)

    def _shown(self, spans: list[Span]) -> str:
        zero = self.sim.script.begins_s
        return ", ".join(f"{begins - zero:.0f}..{ends - zero:.0f} s" for begins, ends in spans)
