"""Why a time that a Recording was to record was not recorded. Pure.

Each moment is explained by what state knew of it: a session that was coming up, or how the last one
ended, what was told since, and whether anything was tried at all.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, inf, isfinite
from typing import Generic, Protocol, TypeAlias, TypeVar

from reconciler.plan.backoff import is_final, next_start_s
from reconciler.plan.covered import Stretch
from reconciler.plan.explain import why
from reconciler.plan.life import SETTLED
from reconciler.plan.reasons import Reason
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.spans import Span, Spans

T = TypeVar("T")

Cause: TypeAlias = tuple[str, str]
"""A code and a sentence."""

QUIET_S = 120.0
"""A `run` looks at all Recordings twice in this time: if nothing was tried, none was at work."""

STARTING: Cause = ("starting", "It was coming up.")
NO_RUN: Cause = (
    "no-run",
    "Nothing tried to start it: no run was at work, or `reconciler events` says what held it.",
)
ORPHAN: Cause = ("orphan", "Its session may have recorded, out of reach.")
UNKNOWN: Cause = ("unknown", "It is not known why.")
FINAL = "final"

_INTERRUPTIONS = {
    "missing": "The service did not find it.",
    "failover": "It moved to another server; what was recorded around that may be lost.",
    "interrupted": "Its recorder was interrupted.",
}
_OF_SESSIONS = frozenset({*map(str, End), "missing", "orphan", "alive"})
"""Reasons of events that tell of a session's steps, which the sessions themselves explain."""


class Interruption(Protocol):
    """A time within a session's life in which it may not have recorded; see `state.store.Gap`."""

    @property
    def session(self) -> str:
        """The id of the session."""
        ...

    @property
    def from_s(self) -> float:
        """When it began."""
        ...

    @property
    def until_s(self) -> float | None:
        """When it was over; None: it goes on."""
        ...

    @property
    def cause(self) -> str:
        """A word for people."""
        ...


class Told(Protocol):
    """A problem of a Recording that an event told of."""

    @property
    def time_s(self) -> float:
        """When."""
        ...

    @property
    def reason(self) -> str:
        """Its code."""
        ...

    @property
    def message(self) -> str:
        """A sentence."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """A stretch that was wanted and not covered: `cause` is a code, `message` a sentence."""

    from_s: int
    until_s: int
    cause: str
    message: str

    @property
    def seconds(self) -> int:
        """Return how long it is."""
        return self.until_s - self.from_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What explains lapses; `wanted` are the stretches in which it was to record.

    `restarts` are `policy.restart` from a moment on, oldest first.
    """

    stretches: tuple[Stretch, ...]
    interruptions: tuple[Interruption, ...]
    told: tuple[Told, ...]
    wanted: Spans
    restarts: tuple[tuple[float, str], ...]


def lapses(uncovered: Spans, evidence: Evidence) -> tuple[Lapse, ...]:
    """Explain what was not covered, each stretch in as many pieces as it has causes."""
    witness = _Witness(evidence)
    found: list[Lapse] = []
    for begins, ends in _pieces(uncovered, evidence):
        cause, message = witness.cause(begins)
        last = found[-1] if found else None
        if last and (last.until_s, last.cause, last.message) == (begins, cause, message):
            found[-1] = replace(last, until_s=ends)
        else:
            found.append(Lapse(from_s=begins, until_s=ends, cause=cause, message=message))
    return tuple(found)


def _pieces(uncovered: Spans, evidence: Evidence) -> Iterator[Span]:
    """Cut at every moment at which the cause may change."""
    edges = sorted({ceil(edge) for edge in _edges(evidence) if isfinite(edge)})
    for begins, ends in uncovered:
        inner = edges[bisect_right(edges, begins) : bisect_left(edges, ends)]
        yield from pairwise([begins, *inner, ends])


def _edges(evidence: Evidence) -> Iterator[float]:
    for each in evidence.stretches:
        yield from (each.session.created_s, each.over_s, _due_s(each))
        yield inf if each.begins_s is None else each.begins_s
    for row in evidence.interruptions:
        yield from (row.from_s, _until_s(row))
    yield from (told.time_s for told in evidence.told)
    yield from (since_s for since_s, _ in evidence.restarts)


class _Sweep(Generic[T]):
    """What goes on at a moment, asked of moments that never go back."""

    def __init__(self, lasting: Iterable[tuple[float, float, T]]) -> None:
        self._to_come = deque(sorted(lasting, key=lambda each: each[:2]))
        self._on: list[tuple[float, float, T]] = []

    def at(self, at_s: float) -> T | None:
        """Return what began last of it."""
        while self._to_come and self._to_come[0][0] <= at_s:
            self._on.append(self._to_come.popleft())
        self._on = [each for each in self._on if each[1] > at_s]
        return self._on[-1][2] if self._on else None


class _Witness:
    """Says of moments that never go back why nothing was recorded then."""

    def __init__(self, evidence: Evidence) -> None:
        over = [each for each in evidence.stretches if each.session.phase in SETTLED]
        told = [each for each in evidence.told if each.reason not in _OF_SESSIONS]
        self._wanted, self._restarts = evidence.wanted, evidence.restarts
        self._interrupted = _Sweep(
            (row.from_s, _until_s(row), row) for row in evidence.interruptions
        )
        self._living = _Sweep(
            (each.session.created_s, _gone_s(each), each) for each in evidence.stretches
        )
        created = (each.session.created_s for each in evidence.stretches)
        self._over = sorted(over, key=lambda each: (each.over_s, each.session.created_s))
        self._recorded = sorted(each.over_s for each in over if each.begins_s is not None)
        self._told = sorted(told, key=lambda each: each.time_s)
        self._tried = sorted((*created, *(each.time_s for each in told)))

    def cause(self, at_s: float) -> Cause:
        """Return the surest that is known."""
        interrupted, living = self._interrupted.at(at_s), self._living.at(at_s)
        if interrupted is not None:
            known = _INTERRUPTIONS.get(interrupted.cause)
            return interrupted.cause, known or "It was interrupted."
        if living is not None and not _has_failed(living):
            return _of_living(living, at_s)
        of_end = _of_end(living.session) if living is not None else self._of_last(at_s)
        return self._said(at_s) or of_end

    def _said(self, at_s: float) -> Cause | None:
        """Return the last problem that an event told of since it last recorded."""
        count = bisect_right(self._told, at_s, key=lambda each: each.time_s)
        recorded = bisect_right(self._recorded, at_s)
        if not count or (recorded and self._told[count - 1].time_s < self._recorded[recorded - 1]):
            return None
        return self._told[count - 1].reason, self._told[count - 1].message

    def _of_last(self, at_s: float) -> Cause:
        """Explain a moment at which no session lived, by the one that ended last."""
        count = bisect_right(self._over, at_s, key=lambda each: each.over_s)
        last = self._over[count - 1] if count else None
        index = bisect_right(self._wanted, at_s, key=lambda each: each[0]) - 1
        opened_s, closes_s = self._wanted[index]
        if last is None or last.over_s < opened_s:
            return self._untried(opened_s, closes_s, at_s) or STARTING
        restart = self._restart(at_s)
        if is_final(last.session, restart):
            return FINAL, f"{why(last.session)} `policy.restart: {restart}` lets that stand."
        return self._untried(_due_s(last), closes_s, at_s) or _of_end(last.session)

    def _untried(self, due_s: float, closes_s: float, at_s: float) -> Cause | None:
        """Tell whether nothing was tried for long after it was due."""
        index = bisect_right(self._tried, at_s)
        next_s = self._tried[index] if index < len(self._tried) else inf
        is_quiet = min(next_s, closes_s) - due_s > QUIET_S
        return NO_RUN if is_quiet and at_s >= due_s else None

    def _restart(self, at_s: float) -> str:
        index = bisect_right(self._restarts, at_s, key=lambda each: each[0])
        return self._restarts[index - 1][1] if index else ""


def _until_s(row: Interruption) -> float:
    return inf if row.until_s is None else row.until_s


def _gone_s(each: Stretch) -> float:
    return each.over_s if each.session.phase in SETTLED else inf


def _due_s(each: Stretch) -> float:
    """Return when the next session is due; never, while this one may live."""
    if each.session.phase not in SETTLED:
        return inf
    return max(each.over_s, each.session.ended_s or 0.0, next_start_s(each.session))


def _has_failed(each: Stretch) -> bool:
    """Tell whether a session never came up and never will."""
    return each.begins_s is None and each.session.phase in SETTLED


def _of_living(each: Stretch, at_s: float) -> Cause:
    session = each.session
    if session.phase is Phase.ORPHAN:
        return ORPHAN
    if each.begins_s is None or at_s < each.begins_s:
        return STARTING
    if session.phase is Phase.MISSING:
        return str(Phase.MISSING), Reason.MISSING.meaning
    return _of_end(replace(session, end_reason=session.stop_reason))


def _of_end(session: Session) -> Cause:
    return (session.end_reason, why(session)) if session.end_reason else UNKNOWN
