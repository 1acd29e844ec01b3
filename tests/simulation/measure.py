"""What there is to reach in simulations, what a set of them reached, and both as a table.

The rows of the error table, the kinds of actions, the transitions that `plan/life.py` allows, the
acts of a script, and every kind of fault.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from reconciler.agora.error_table import ROWS, UNKNOWN, UNKNOWN_START
from reconciler.plan.action import Kind
from reconciler.plan.session import Phase
from tests.simulation.acts import (
    edits,
    hooks,
    many,
    notices,
    ours,
    people,
    requests,
    service,
    twins,
    users,
)
from tests.simulation.acts.table import ACTS
from tests.simulation.reached import ACT, ACTION, FAULT, MOVE, ROW, Reached, row_name, told

TITLES: Mapping[str, str] = {
    ROW: "rows of the error table",
    ACTION: "kinds of actions",
    MOVE: "transitions of sessions",
    ACT: "acts",
    FAULT: "kinds of faults",
}

UNREACHABLE: Mapping[str, str] = {}
"""What no simulation can reach, and why."""

_NEW = "-"
_ENDS = (Phase.ENDED, Phase.FAILED)

MOVES: tuple[tuple[str, tuple[Phase, ...]], ...] = (
    (_NEW, (Phase.NONE,)),
    (Phase.NONE, (Phase.ACQUIRED, *_ENDS)),
    (Phase.ACQUIRED, (Phase.STARTING, Phase.ORPHAN, *_ENDS)),
    (Phase.STARTING, (Phase.RUNNING, Phase.ORPHAN, *_ENDS)),
    (Phase.RUNNING, (Phase.MISSING, Phase.ORPHAN, *_ENDS)),
    (Phase.MISSING, (Phase.RUNNING, Phase.ORPHAN, *_ENDS)),
    (Phase.ENDED, (Phase.RUNNING, Phase.FAILED)),
    (Phase.FAILED, (Phase.RUNNING,)),
    (Phase.ORPHAN, (Phase.STARTING, *_ENDS)),
)
"""The transitions of a session that one commit can make (`plan/life.py`)."""


def everything() -> frozenset[str]:
    """Return all that the seeds have to reach."""
    return frozenset(_all()) - UNREACHABLE.keys()


def missing(reached: Iterable[str]) -> list[str]:
    """Return what was not reached."""
    return sorted(everything() - set(reached))


def total(outcomes: Iterable[Reached]) -> Reached:
    """Return in how many simulations each thing was reached."""
    found: Reached = Counter()
    for each in outcomes:
        found.update(each.keys())
    return found


def table(reached: Reached) -> str:
    """Draw what was reached, by kind, and in how many simulations; what was not comes first."""
    lines: list[str] = []
    for kind, title in TITLES.items():
        names = sorted(each for each in everything() if each.startswith(f"{kind}:"))
        names.sort(key=lambda name: reached[name] > 0)
        done = sum(reached[name] > 0 for name in names)
        lines += [f"{title}: {done} of {len(names)}"]
        lines += [_line(name, reached[name]) for name in names]
    lines += [f"not to be reached: {len(UNREACHABLE)}"]
    lines += [f"        -  {name.partition(':')[2]}: {why}" for name, why in UNREACHABLE.items()]
    return "\n".join(lines)


def _line(name: str, count: int) -> str:
    return f"  {count or 'MISSED':>7}  {name.partition(':')[2]}"


def _all() -> Iterator[str]:
    yield from (told(ROW, row_name(row)) for row in (*ROWS, UNKNOWN, UNKNOWN_START))
    yield from (told(ACTION, kind) for kind in Kind if kind is not Kind.NONE)
    yield from (told(MOVE, f"{was}>{now}") for was, after in MOVES for now in after)
    yield from (told(ACT, name) for name in ACTS)
    yield from (told(FAULT, name) for name in ours.FAULTS)
    for module in (edits, hooks, many, notices, people, requests, service, twins, users):
        yield from (told(FAULT, name) for name in module.KINDS)
