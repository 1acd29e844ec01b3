"""Did it record? What each Recording was to record, what it did, and why not. Pure.

Wanted is what the terms and overrides in force asked for (`wants.py`); covered is what some replica
surely recorded (`covered.py`). Every wanted second is covered, unconfirmed or in one lapse.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, floor, inf
from typing import Protocol

from reconciler.plan.action import Key
from reconciler.plan.covered import Past, Stretch, files_of, stretch
from reconciler.plan.lapses import Evidence, Interruption, Lapse, Told, lapses
from reconciler.plan.life import SETTLED
from reconciler.plan.recorded import Override, Recorded, terms_of
from reconciler.plan.session import Session
from reconciler.plan.spans import Span, Spans, both, minus, span, total_s, union
from reconciler.plan.wants import want
from reconciler.plan.world import Wanted, World

PENDING = "pending"
"""The upload of a session that has ended and of whose files nobody told what became of them."""


class Asked(Protocol):
    """What a Recording was asked from a moment on, until the next; see `state.store.Asked`."""

    @property
    def since_s(self) -> float:
        """The moment."""
        ...

    @property
    def terms(self) -> str:
        """The terms as `recorded.py` writes them; empty: it was gone from the specs."""
        ...

    @property
    def override(self) -> Override | None:
        """What a person asked for beside them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that state remembers of one Recording.

    `fileless` are the ids of sessions whose files no list names: screenshots alone.
    """

    name: str
    asked: Sequence[Asked]
    past: Sequence[Past]
    interruptions: Sequence[Interruption] = ()
    told: Sequence[Told] = ()
    fileless: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What was wanted of a Recording, or of one replica, and what became of each second."""

    wanted: Spans
    covered: Spans
    unconfirmed: Spans
    lapses: tuple[Lapse, ...]

    @property
    def wanted_s(self) -> int:
        """Return how long it was to record."""
        return total_s(self.wanted)

    @property
    def covered_s(self) -> int:
        """Return how long it surely recorded of that."""
        return total_s(self.covered)

    @property
    def unconfirmed_s(self) -> int:
        """Return how long it may have, since the service last told."""
        return total_s(self.unconfirmed)

    @property
    def lapse_s(self) -> int:
        """Return how long it did not."""
        return sum(lapse.seconds for lapse in self.lapses)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSeen:
    """The files of the sessions that recorded: whether any must be, how many are known.

    `uploads` counts the sessions that have ended by what became of their files.
    """

    expected: bool
    listed: int
    uploads: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How one Recording was covered: by any replica, and by each, in order."""

    name: str
    whole: Cover
    replicas: Mapping[int, Cover]
    files: FilesSeen


def coverage(history: History, since_s: float, until_s: float, now_s: float) -> Coverage:
    """Return what became of each second from `since_s` up to `until_s`, `now_s` at the latest."""
    begins = ceil(since_s)
    within = (begins, max(begins, ceil(min(until_s, now_s))))
    stretches = [stretch(past) for past in history.past]
    rows = sorted(history.asked, key=lambda row: row.since_s)
    seen = (_first(stretches, begins), within[1])
    asked = {replica: _wanted(rows, replica, seen) for replica in range(_replicas(rows))}
    covers = {
        replica: _cover(history, _of(stretches, replica), wanted, within)
        for replica, wanted in asked.items()
    }
    anyone = union(part for wanted in asked.values() for part in wanted)
    return Coverage(
        name=history.name,
        whole=_cover(history, stretches, anyone, within),
        replicas={replica: cover for replica, cover in covers.items() if cover.wanted},
        files=_files(history, stretches, within),
    )


def seconds(history: History, since_s: float, until_s: float) -> tuple[int, int]:
    """Return how long it was to record in this time, and how much of that it surely did.

    That is what `coverage` says of the whole, without what became of each replica, and why.
    """
    begins = ceil(since_s)
    within = (begins, max(begins, ceil(until_s)))
    rows = sorted(history.asked, key=lambda row: row.since_s)
    replicas = range(_replicas(rows))
    wanted = union(part for replica in replicas for part in _wanted(rows, replica, within))
    stretches = [stretch(_bare(past, since_s)) for past in history.past]
    sure, _ = _recorded(stretches, _interruptions(history, stretches), within)
    return total_s(wanted), total_s(both(wanted, sure))


@dataclass(frozen=True, slots=True)
class _Bare:
    """A session without its files."""

    session: Session
    files: str = ""
    upload: str = ""


def _bare(past: Past, since_s: float) -> Past:
    """Leave out the files where they say nothing: of what recorded already when the time began."""
    confirmed_s = past.session.confirmed_s
    return _Bare(past.session) if confirmed_s is not None and confirmed_s <= since_s else past


def _first(stretches: Iterable[Stretch], begins: int) -> int:
    """Return since when it matters what was wanted: an end before explains what follows it."""
    over = (each.over_s for each in stretches if each.session.phase in SETTLED)
    return min(begins, floor(min(over, default=begins)))


def _of(stretches: Iterable[Stretch], replica: int) -> list[Stretch]:
    return [each for each in stretches if each.session.replica == replica]


def _replicas(rows: Iterable[Asked]) -> int:
    return max((terms_of(row.terms).replicas for row in rows if row.terms), default=0)


def _wanted(rows: Sequence[Asked], replica: int, within: Span) -> Spans:
    """Return when a replica was to record; before the first row nothing is known to be asked."""
    found: list[Span] = []
    ends = [row.since_s for row in rows[1:]] + [inf]
    for row, end_s in zip(rows, ends, strict=True):
        if row.terms and replica < terms_of(row.terms).replicas:
            for part in span(row.since_s, end_s, within):
                found += _open(row.terms, row.override, part)
    return union(found)


@lru_cache(maxsize=4096)
def _open(terms: str, override: Override | None, within: Span) -> Spans:
    """Return when terms let a Recording record; thousands of recordings share one answer."""
    world, key = _world(terms, override), Key(_NAME)
    found: list[Span] = []
    at_s = float(within[0])
    while at_s < within[1]:
        desired = want(replace(world, now_s=at_s, at_s=at_s), key)
        until_s = inf if desired.until_s is None else desired.until_s
        if desired.wanted:
            found += span(at_s, until_s, within)
        at_s = max(until_s, at_s + _STEP_S)
    return union(found)


_NAME = "it"
_STEP_S = 1e-3
"""What changes sooner than that is passed over, so that every step is one ahead."""


def _world(terms: str, override: Override | None) -> World:
    """Return a world of one Recording, for `wants.py`."""
    wanted = Wanted(
        name=_NAME,
        app="",
        channel="",
        mode="",
        uids=(),
        digest="",
        terms=terms_of(terms),
        source="",
    )
    recorded = Recorded(
        name=_NAME,
        app="",
        channel="",
        mode="",
        digest="",
        terms=terms,
        source="",
        override=override,
    )
    return World(
        scope="",
        now_s=0.0,
        at_s=0.0,
        wanted={_NAME: wanted},
        recorded={_NAME: recorded},
        sessions=(),
        apps={},
    )


def _cover(history: History, stretches: Sequence[Stretch], asked: Spans, within: Span) -> Cover:
    """Return what became of what was wanted; `asked` goes back further than `within`."""
    rows = _interruptions(history, stretches)
    sure, maybe = _recorded(stretches, rows, within)
    wanted = both(asked, (within,) if within[0] < within[1] else ())
    rest = minus(wanted, sure)
    evidence = Evidence(
        stretches=tuple(stretches),
        interruptions=tuple(rows),
        told=tuple(history.told),
        wanted=asked,
        restarts=_restarts(history.asked),
    )
    return Cover(
        wanted=wanted,
        covered=both(wanted, sure),
        unconfirmed=both(rest, maybe),
        lapses=lapses(minus(rest, maybe), evidence),
    )


def _recorded(
    stretches: Iterable[Stretch], rows: Iterable[Interruption], within: Span
) -> tuple[Spans, Spans]:
    """Return when any of these sessions surely recorded, and when any may have."""
    holes: dict[str, list[Span]] = {}
    for row in rows:
        until_s = inf if row.until_s is None else row.until_s
        holes.setdefault(row.session, []).extend(span(row.from_s, until_s, within))
    sure: list[Span] = []
    maybe: list[Span] = []
    for each in stretches:
        if each.begins_s is not None:
            hole = union(holes.get(each.session.id, ()))
            sure += minus(span(each.begins_s, each.seen_s, within), hole)
            maybe += minus(span(each.seen_s, each.over_s, within), hole)
    return union(sure), union(maybe)


def _interruptions(history: History, stretches: Iterable[Stretch]) -> list[Interruption]:
    over = {
        each.session.id: each.over_s if each.session.phase in SETTLED else inf for each in stretches
    }
    known = (row for row in history.interruptions if row.session in over)
    return [_Within(row, over[row.session]) for row in known]


@dataclass(frozen=True, slots=True)
class _Within:
    """An interruption that ends with its session, whoever forgot to say so."""

    row: Interruption
    over_s: float

    @property
    def session(self) -> str:
        return self.row.session

    @property
    def from_s(self) -> float:
        return self.row.from_s

    @property
    def until_s(self) -> float | None:
        until_s = inf if self.row.until_s is None else self.row.until_s
        ends_s = min(until_s, max(self.over_s, self.row.from_s))
        return None if ends_s == inf else ends_s

    @property
    def cause(self) -> str:
        return self.row.cause


def _restarts(rows: Iterable[Asked]) -> tuple[tuple[float, str], ...]:
    known = ((row.since_s, terms_of(row.terms).policy.restart) for row in rows if row.terms)
    return tuple(sorted(known))


def _files(history: History, stretches: Iterable[Stretch], within: Span) -> FilesSeen:
    """Count the files of the sessions that recorded in that time."""
    recorded = {
        each.session.id
        for each in stretches
        if each.begins_s is not None and span(each.begins_s, each.over_s, within)
    }
    past = [each for each in history.past if each.session.id in recorded]
    over = (each for each in past if each.session.phase in SETTLED)
    return FilesSeen(
        expected=bool(recorded - history.fileless),
        listed=sum(len(files_of(each.files)) for each in past),
        uploads=Counter(each.upload or PENDING for each in over),
    )
