"""What state remembers of each Recording, as `plan/coverage.py` judges it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from reconciler.engine.tell import WARNING
from reconciler.plan.applied import Applied, thaw
from reconciler.plan.coverage import History, seconds
from reconciler.spec.wire import Mode
from reconciler.state.store import Past, Store

T = TypeVar("T")


def histories(store: Store, scope: str, since_s: float) -> list[History]:
    """Return what state remembers of each Recording, in order of name. Raises StateError.

    Of the sessions that ended before `since_s` only the last count: they explain how it began.
    """
    recorded = store.snapshot(scope).recorded
    asked = _grouped((row.recording, row) for row in store.asked(scope))
    sessions = {each.session.id: each for each in store.past(scope, since_s=since_s)}
    sessions |= {each.session.id: each for each in store.latest(scope)}
    past = _grouped((each.session.recording, each) for each in sessions.values())
    known = {*recorded, *asked, *past}
    gaps = _grouped((row.session, row) for row in store.gaps(scope))
    warnings = (event for _, event in store.events(scope) if event.type == WARNING)
    told = _grouped((event.recording, event) for event in warnings)
    return [
        History(
            name=name,
            asked=asked.get(name, ()),
            past=past.get(name, ()),
            interruptions=[
                row for each in past.get(name, ()) for row in gaps.get(each.session.id, ())
            ],
            told=told.get(name, ()),
            fileless=_fileless(store, past.get(name, ())),
        )
        for name in sorted(known)
    ]


def seconds_covered(
    store: Store, scope: str, since_s: float, until_s: float
) -> dict[str, tuple[int, int]]:
    """Return how long each Recording was to record in this time, and did. Raises StateError.

    The same as `coverage` of `histories` says, without what it takes to say why: it is asked for
    all Recordings again and again.
    """
    asked = _grouped((row.recording, row) for row in store.asked(scope))
    sessions = _grouped(
        (each.session.recording, each) for each in store.past(scope, since_s=since_s)
    )
    gaps = _grouped((row.session, row) for row in store.gaps(scope))
    return {
        name: seconds(
            History(
                name=name,
                asked=rows,
                past=sessions.get(name, ()),
                interruptions=[
                    row for each in sessions.get(name, ()) for row in gaps.get(each.session.id, ())
                ],
            ),
            since_s,
            until_s,
        )
        for name, rows in asked.items()
    }


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)


def _fileless(store: Store, past: Iterable[Past]) -> frozenset[str]:
    """Return the sessions that store screenshots alone: nothing lists those (agora-api.md 4.3)."""
    ids = [each.session.id for each in past if each.session.mode == Mode.INDIVIDUAL]
    applied = store.applied(ids) if ids else {}
    return frozenset(id_ for id_, text in applied.items() if _has_screenshots_alone(thaw(text)))


def _has_screenshots_alone(applied: Applied) -> bool:
    return "snapshotConfig" in applied.request and "recordingFileConfig" not in applied.request
