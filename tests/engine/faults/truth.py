"""What is true of a service and a state whatever went wrong (design/reconcile.md, "Invariants").

`check` may be asked at any moment between two runs; `check_end` once all faults are gone and runs
have nothing left to do.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from reconciler.plan.session import End, Phase, Session
from reconciler.simulator.effective import shown
from reconciler.simulator.session import Session as Simulated
from tests.engine.support import Stage

OWN = frozenset({"token"})
"""What two sessions of one recording do not share."""

DOUBTED = frozenset({End.UNCONFIRMED, End.GONE, End.FORGOTTEN})
"""Ends that are concluded, or said to be one: another session may start before they are certain."""


def check(stage: Stage) -> None:
    """Check that nothing is lost and nothing runs twice."""
    known = stage.sessions()
    _check_nothing_lost(stage, known)
    _check_nothing_doubled(stage, known)


def check_end(stage: Stage, *recordings: str) -> None:
    """Check that each of these runs once, and nothing else does but orphans that are listed."""
    check(stage)
    held = [each for each in stage.sessions() if each.may_live and not each.is_orphan]
    assert sorted(each.recording for each in held) == sorted(recordings)
    assert {each.phase for each in held} <= {Phase.RUNNING}
    sids = {each.sid for each in held}
    live = {each.sid for each in stage.alive()}
    assert sids <= live, "what is taken to run does not"
    places = _places(stage.sessions())
    others = [each for each in stage.alive() if each.sid not in sids]
    assert [each for each in others if _place(each) not in places] == []


def configs(stage: Stage) -> dict[str, Any]:
    """Return how that which runs is configured, by recording."""
    held = {each.sid: each.recording for each in stage.sessions() if each.phase is Phase.RUNNING}
    return {
        held[each.sid]: _without(shown(each.config), OWN)
        for each in stage.alive()
        if each.sid in held
    }


def _check_nothing_lost(stage: Stage, known: list[Session]) -> None:
    """Check that all that lives is known: by its `sid`, or as an orphan by its place."""
    watched = {each.sid for each in known if _is_watched(each)}
    places = _places(known)
    for live in stage.alive():
        where = _place(live)
        assert live.sid in watched or where in places, f"{where} lives, and nobody knows of it"


def _is_watched(session: Session) -> bool:
    """Tell whether it is known to be alive, is looked at again, or was let go of on request."""
    is_let_go = session.end_reason == End.FORGOTTEN
    return session.may_live or session.recheck_s is not None or is_let_go


def _check_nothing_doubled(stage: Stage, known: list[Session]) -> None:
    by_sid = {session.sid: session for session in known if session.sid}
    for earlier, later in _overlaps(stage):
        first, second = by_sid.get(earlier.sid), by_sid.get(later.sid)
        if first is None or second is None or first.is_orphan or second.is_orphan:
            continue
        is_doubted = first.stop_reason == End.UNWANTED or first.end_reason in DOUBTED
        is_doubted |= first.stop_reason in DOUBTED
        is_successor = second.replaces == first.id
        same = (first.recording, first.replica) == (second.recording, second.replica)
        assert not same or is_successor or is_doubted, f"{first.recording} ran twice at once"


def _overlaps(stage: Stage) -> Iterator[tuple[Simulated, Simulated]]:
    """Yield which sessions of one channel recorded at the same time, the earlier first."""
    channels: dict[str, list[Simulated]] = defaultdict(list)
    for session in stage.simulator.lived().sessions.values():
        channels[session.identity.cname].append(session)
    for channel in channels.values():
        for earlier, later in combinations(channel, 2):
            if _end_s(earlier) > later.started_s:
                yield earlier, later


def _end_s(session: Simulated) -> float:
    ends = (float(str(step["at"])) for step in session.history if step["what"] in _ENDS)
    return next(ends, float("inf"))


_ENDS = frozenset({"ended", "vanished"})


def _places(known: list[Session]) -> set[tuple[str, str]]:
    return {(each.channel, each.uid) for each in known if each.is_orphan}


def _place(session: Simulated) -> tuple[str, str]:
    return session.identity.cname, session.identity.uid


def _without(tree: Any, keys: frozenset[str]) -> Any:
    if isinstance(tree, dict):
        return {key: _without(value, keys) for key, value in tree.items() if key not in keys}
    return [_without(item, keys) for item in tree] if isinstance(tree, list) else tree
