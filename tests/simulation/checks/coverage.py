"""Whether what `coverage` tells of each second is what the service knows of it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING

from reconciler.engine.history import histories
from reconciler.plan.coverage import Cover, coverage
from reconciler.plan.session import Phase
from reconciler.plan.spans import Span, Spans, both, minus, span, union
from reconciler.simulator.session import Session
from reconciler.state.store import Change, SetSession
from tests.simulation.check import Check
from tests.simulation.process import Process
from tests.simulation.seconds import EVER, away, leaving, ours, owner_of, recorded, up

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

EDGE_S = 3
"""Moments are compared in whole seconds, and what the service tells takes a moment."""

UNSEEN_S = 5 * 1.1 * 1.1 * 120.0 + 90.0
"""How long an end may go unnoticed that nobody tells of: queries may fail five times."""

CLOCK = frozenset({"the clock is wrong", "the clock drifts"})
"""What acts call it when the host's moments are not the service's."""


class Coverage(Check):
    """The coverage figures equal what the service knows; doubted is only what nobody could see.

    design/cli.md, `coverage`: what is not known for certain never counts as covered.
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._missing: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """When state had each session as missing, by `sid`: so long it was known."""

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        del process
        for change in changes:
            if isinstance(change, SetSession):
                self._note(self._missing[change.session.sid], change.session.phase)

    def _note(self, spans: list[tuple[float, float]], phase: Phase) -> None:
        is_missing = bool(spans) and spans[-1][1] == inf
        if phase is Phase.MISSING and not is_missing:
            spans.append((self.sim.now_s, inf))
        elif phase is not Phase.MISSING and is_missing:
            spans[-1] = (spans[-1][0], self.sim.now_s)

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
                truth = (*(part for spans in mine for part in spans), *self._lent(name))
                self._check(name, cover, union(truth))

    def _lent(self, name: str) -> Iterator[Span]:
        """Yield when others recorded it whose sessions the service called ours."""
        for state in self.sim.book.sessions.values():
            session = self.sim.stage.simulator.world.sessions.get(state.sid)
            if session is not None and state.recording == name and state.sid in self.sim.foreign:
                yield from up(session, self.sim.now_s)

    def _check(self, name: str, cover: Cover, truth: Spans) -> None:
        known = union((*cover.covered, *cover.unconfirmed))
        unknown = minus(both(truth, cover.wanted), known)
        self._report(name, "does not know of", minus(unknown, self._unseen(name)))
        claimed = minus(cover.covered, union((*self._there(name), *self._lent(name))))
        self._report(name, "says that it recorded", minus(claimed, self._untold(name)))

    def _report(self, name: str, what: str, spans: Spans) -> None:
        wrong = [each for each in spans if each[1] - each[0] > EDGE_S]
        if wrong:
            self.fail(f"coverage of `{name}` {what}: {self._shown(wrong)}")

    def _unseen(self, name: str) -> Spans:
        """Return when nobody could see how it was: what ends in trouble was last seen before it."""
        excused = self.sim.excuses.of(name)
        dark = ((begins - int(UNSEEN_S), ends + EDGE_S) for begins, ends in excused)
        return union((*dark, *self._unconfirmed(name)))

    def _unconfirmed(self, name: str) -> Iterator[Span]:
        """Yield when it was up, and not confirmed yet: in a rush that waits in line."""
        for state in self.sim.book.sessions.values():
            if state.recording == name and None not in (state.started_s, state.confirmed_s):
                yield from span(state.started_s or 0.0, state.confirmed_s or 0.0, EVER)

    def _untold(self, name: str) -> Spans:
        """Return when it may be wrong in its favour: where a session was away, or on its way out.

        That it moved it need not notice (agora-api.md 7.3); and its end is that of its exit, when
        its files are stored, or when it was asked (docs/guide/coverage.md). What state holds is
        dated anew when the host's clock is set, so then nothing can be compared.
        """
        if any(each.why in CLOCK for each in self.sim.excuses.told):
            return (EVER,)
        mine = [each for each in ours(self.sim) if (owner_of(self.sim, each) or ("", 0))[0] == name]
        spans = (part for each in mine for part in self._doubtful(each))
        return union((begins - EDGE_S, ends + EDGE_S) for begins, ends in spans)

    def _there(self, name: str) -> Iterator[Span]:
        """Yield when each of its sessions was up, and not on its way to another server."""
        now_s = self.sim.now_s
        for each in self._mine(name):
            yield from minus(up(each, now_s), away(each, now_s))

    def _mine(self, name: str) -> Iterator[Session]:
        for each in ours(self.sim):
            if (owner_of(self.sim, each) or ("", 0))[0] == name:
                yield each

    def _doubtful(self, session: Session) -> Iterator[Span]:
        """Yield when it was on its way out, or away and not known to be missing."""
        yield from leaving(session, self.sim.now_s)
        known = union(part for each in self._missing[session.sid] for part in span(*each, EVER))
        yield from minus(away(session, self.sim.now_s), known)

    def _shown(self, spans: list[Span]) -> str:
        zero = self.sim.script.begins_s
        return ", ".join(f"{begins - zero:.0f}..{ends - zero:.0f} s" for begins, ends in spans)
