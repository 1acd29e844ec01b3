"""What the service really did, and what of design/reconcile.md's invariants that breaks.

`Truth.look` is called again and again: it looks at all that lives at the service, whoever started
it, and compares it with what state knows.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from reconciler.plan.session import Session
from reconciler.plan.spans import Span, Spans, span, union
from reconciler.simulator.session import Phase
from reconciler.simulator.session import Session as Simulated
from tests.daemon.support import Run


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a session of the service is, by the id that state gave it."""

    id: str
    replica: int
    replaces: str


@dataclass
class Recorded:
    """When one session recorded, as far as it was followed."""

    session: Simulated
    spans: list[tuple[float, float]] = field(default_factory=list)
    meters: dict[int, tuple[float, float | None]] = field(default_factory=dict)

    def follow(self) -> None:
        """Take down what was recorded since the last time."""
        for take in self.session.takes:
            meter = take.recorded
            total_s, since_s = self.meters.get(id(take), (0.0, None))
            grown_s = meter.total_s - total_s
            if grown_s > 0:
                begins_s = min(take.first_s.values()) if since_s is None else since_s
                self.spans.append((begins_s, begins_s + grown_s))
            self.meters[id(take)] = meter.total_s, meter.since_s

    def until(self, now_s: float) -> list[tuple[float, float]]:
        """Return all until now; what vanished has written nothing since."""
        vanished = (step["at"] for step in self.session.history if step["what"] == "vanished")
        end_s = next((float(str(at)) for at in vanished), now_s)
        open_s = [since_s for _, since_s in self.meters.values() if since_s is not None]
        return [*self.spans, *((since_s, end_s) for since_s in open_s)]


class Truth:
    """All sessions of a service, followed for as long as a test lasts."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.foreign: set[str] = set()
        self.recorded: dict[str, Recorded] = {}
        self.owners: dict[str, Owner] = {}
        self._followed: dict[str, Simulated] = {}

    def look(self) -> None:
        """Look at what lives, and check it."""
        world = self.run.stage.simulator.lived()
        for session in reversed(world.sessions.values()):
            if session.sid in self.recorded:
                break
            self.recorded[session.sid] = Recorded(session)
            self._followed[session.sid] = session
        self._learn()
        for sid, session in list(self._followed.items()):
            self.recorded[sid].follow()
            if session.phase is Phase.GONE:
                del self._followed[sid]
        self._check()

    def names(self) -> dict[str, str]:
        """Return the Recording of each session of state, by id, as it is called now."""
        return {each.id: each.recording for each in self.run.stage.sessions()}

    def spans(self, now_s: float) -> dict[tuple[str, int], Spans]:
        """Return when each replica of each Recording recorded."""
        names = self.names()
        found: dict[tuple[str, int], list[Span]] = defaultdict(list)
        for sid, recorded in self.recorded.items():
            if sid not in self.foreign:
                owner = self.owners[sid]
                for begins_s, ends_s in recorded.until(now_s):
                    within = (0, int(now_s))
                    found[names[owner.id], owner.replica] += span(begins_s, ends_s, within)
        return {key: union(spans) for key, spans in found.items()}

    def _learn(self) -> None:
        """Find whose the sessions are: their resource IDs were written before their starts."""
        new = {
            each.resource_id: sid
            for sid, each in self._followed.items()
            if sid not in self.owners and sid not in self.foreign
        }
        if not new:
            return
        self._match(new, list(self.run.daemon.site.records.all_sessions()))
        if new:
            self._match(new, self.run.stage.sessions())
        assert not new, f"state knows nothing of sessions {sorted(new.values())}"

    def _match(self, new: dict[str, str], sessions: list[Session]) -> None:
        for each in sessions:
            sid = new.pop(each.resource_id, None)
            if sid is not None:
                self.owners[sid] = Owner(each.id, each.replica, each.replaces)

    def _check(self) -> None:
        assert self.run.wire.left.problems == []
        for sid in self.foreign:
            assert self.recorded[sid].session.phase is Phase.LIVE, "a foreign session was stopped"
        known = {each.id: each for each in self.run.daemon.site.records.all_sessions()}
        living: dict[tuple[str, int], list[Owner]] = defaultdict(list)
        for sid, session in self._followed.items():
            owner = self.owners.get(sid)
            if session.phase is not Phase.LIVE or owner is None:
                continue
            state = known.get(owner.id)
            assert state is not None, f"{sid} of {session.identity.cname} lives, and is forgotten"
            if not state.is_orphan:
                living[state.recording, owner.replica].append(owner)
        for key, owners in living.items():
            for first, second in combinations(owners, 2):
                is_pair = first.id == second.replaces or second.id == first.replaces
                assert is_pair, f"{key} runs twice"
            assert len(owners) <= 2, f"{key} runs {len(owners)} times"


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a Recording (empty: any) may not have recorded in a time."""

    name: str
    from_s: float
    until_s: float
    why: str


@dataclass
class Excuses:
    """What went wrong, by the order of those who know."""

    told: list[Excuse] = field(default_factory=list)

    def say(self, name: str, from_s: float, until_s: float, why: str) -> None:
        """Take note of what may keep a Recording from recording."""
        self.told.append(Excuse(name, from_s, until_s, why))

    def of(self, *names: str) -> Spans:
        """Return when Recordings of these names were excused."""
        within = (0, 2**40)
        mine = [each for each in self.told if each.name in {"", *names}]
        return union(part for each in mine for part in span(each.from_s, each.until_s, within))

    def rename(self, before: str, after: str) -> None:
        """Take note that a Recording is called otherwise from now on."""
        self.told = [
            replace(each, name=after) if each.name == before else each for each in self.told
        ]

    def is_free(self, name: str, now_s: float) -> bool:
        """Tell whether nothing is wrong with a Recording now."""
        return not any(
            each.name in {"", name} and each.from_s <= now_s < each.until_s for each in self.told
        )


def configs(run: Run, foreign: set[str]) -> dict[str, list[Any]]:
    """Return how all that lives is configured, by channel."""
    found = defaultdict(list)
    for session in run.stage.alive():
        if session.sid not in foreign:
            config = session.shown(0.0)["config"]
            found[session.identity.cname].append(compared(config))
    return dict(found)


def compared(config: Any) -> Any:
    """Return what two sessions share that record the same, however they came to it.

    To record everybody can be said, or left out (agora-api.md 3.4).
    """
    if isinstance(config, dict):
        return {
            key: compared(value)
            for key, value in config.items()
            if key != "token" and value != ["#allstream#"]
        }
    return [compared(item) for item in config] if isinstance(config, list) else config
