"""What is true of a service and a state, whatever happened: the invariants of design/reconcile.md.

`check` looks at everything that the service ever started, and compares what runs with a reference:
the same specs, applied by runs that nobody killed.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, TypeAlias

from reconciler.plan.session import Phase, Session
from tests.crash.support import Scene

Key: TypeAlias = tuple[str, int]
Configs: TypeAlias = Mapping[Key, Any]
"""What each recording's replica is configured to do, as the service understands it."""

OWN = frozenset({"token"})
"""What two sessions of one recording do not share."""


def configs(scene: Scene) -> Configs:
    """Return how what runs is configured; every replica runs once and is known by its `sid`."""
    by_sid = {session.sid: session for session in scene.known() if session.sid}
    found: dict[Key, Any] = {}
    for live in scene.service.live():
        session = by_sid.get(live["sid"])
        if session is None or session.is_orphan:
            continue
        key = session.recording, session.replica
        assert key not in found, f"{key} runs twice"
        found[key] = _without(live["config"], OWN)
    return found


def check(scene: Scene, reference: Configs, *, starts: int) -> None:
    """Check that all is as it should be; `starts` is how many it takes where nothing happens."""
    known = scene.known()
    assert configs(scene) == reference
    _check_phases(known, reference)
    _check_nothing_else_lives(scene, known)
    _check_overlaps(scene, known)
    orphans = sum(session.is_orphan for session in known)
    assert len(scene.service.sessions()) <= starts + orphans, "something was started twice"


def _check_phases(known: list[Session], reference: Configs) -> None:
    running = [session for session in known if session.may_live and not session.is_orphan]
    keys = sorted((session.recording, session.replica) for session in running)
    assert keys == sorted(reference)
    assert {session.phase for session in running} <= {Phase.RUNNING}


def _check_nothing_else_lives(scene: Scene, known: list[Session]) -> None:
    """All that lives is known: as a session by its `sid`, or as an orphan by its place."""
    sids = {session.sid for session in known if session.may_live}
    places = {(session.channel, session.uid) for session in known if session.is_orphan}
    for live in scene.service.live():
        where = live["cname"], live["uid"]
        assert live["sid"] in sids or where in places, f"{where} lives, and nobody knows of it"


def _check_overlaps(scene: Scene, known: list[Session]) -> None:
    by_sid = {session.sid: session for session in known if session.sid}
    for earlier, later in _overlaps(scene.service.sessions()):
        first, second = by_sid.get(earlier), by_sid.get(later)
        if first is None or second is None or first.is_orphan or second.is_orphan:
            continue
        is_replica = first.replica != second.replica
        assert is_replica or second.replaces == first.id, f"{second.recording} ran twice at once"


def _overlaps(sessions: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield which sessions of one channel were live at the same time, by `sid`."""
    channels = defaultdict(list)
    for session in sessions:
        channels[session["cname"]].append(session)
    for channel in channels.values():
        for earlier, later in combinations(channel, 2):
            if _end_s(earlier) > later["startedAt"]:
                yield earlier["sid"], later["sid"]


def _end_s(session: Mapping[str, Any]) -> float:
    ends = (step["at"] for step in session["history"] if step["what"] in {"ended", "vanished"})
    return next(ends, float("inf"))


def _without(tree: Any, keys: frozenset[str]) -> Any:
    if isinstance(tree, dict):
        return {key: _without(value, keys) for key, value in tree.items() if key not in keys}
    return [_without(item, keys) for item in tree] if isinstance(tree, list) else tree
