"""A disk without room, and a state that cannot be written: told plainly, and nothing is lost."""

import os
from collections.abc import Callable

import pytest

from tests.crash.support import Ran, Scene, recording
from tests.crash.truth import check, configs

NOBODY = 65534
RECORDINGS = 3
NO_ROOM = (8_000, 40_000, 80_000, 115_000)
"""Bytes that any one file may have: too few for an empty state, enough for what a run says."""

SHARES = 4
POINTS_MIN = 20
LET_GO = "could not be written down"


def rooms(scene: Scene) -> None:
    scene.want(*(recording(f"room-{number}") for number in range(RECORDINGS)))


def explained(ran: Ran) -> bool:
    """Tell whether a run says in a sentence what is wrong, and what to do."""
    is_told = "error: the state at" in ran.err and "hint:" in ran.err
    return is_told and "Traceback" not in ran.err and "a bug in" not in ran.err


@pytest.mark.parametrize("room", NO_ROOM)
def test_without_any_room_nothing_is_begun(new_scene: Callable[[], Scene], room: int) -> None:
    scene = new_scene()
    rooms(scene)
    ran = scene.apply(room=room)
    assert ran.code == 1
    assert explained(ran), ran.err
    assert scene.service.calls() == []
    assert scene.apply().code == 0


@pytest.mark.parametrize("share", range(SHARES))
def test_a_disk_that_is_full_from_any_point_on_loses_nothing(
    new_scene: Callable[[], Scene], share: int
) -> None:
    scene = new_scene()
    rooms(scene)
    points = [number for number, what in enumerate(scene.apply().points, 1) if "before" in what]
    assert len(points) >= POINTS_MIN
    reference = configs(scene)
    assert len(reference) == RECORDINGS
    for point in points[share::SHARES]:
        scene = new_scene()
        rooms(scene)
        ran = scene.apply(full_at=point)
        assert ran.code == 1
        assert explained(ran), ran.err
        let_go = ran.err.count(LET_GO)
        assert is_due(ran.points[point - 1]) <= let_go
        told_of = {
            session["sid"] for session in scene.service.sessions() if session["sid"] in ran.err
        }
        assert told_of.isdisjoint(session["sid"] for session in scene.service.live())
        scene.converge()
        check(scene, reference, starts=RECORDINGS + let_go)


def is_due(point: str) -> bool:
    """Tell whether a session that cannot be written down is due at a point."""
    return "SetSession starting" in point


def test_a_full_disk_leaves_what_runs_alone(new_scene: Callable[[], Scene]) -> None:
    scene = new_scene()
    rooms(scene)
    assert scene.apply().code == 0
    running = [session["sid"] for session in scene.service.live()]
    scene.want()
    ran = scene.apply("--allow-empty", room=8_000)
    assert ran.code == 1
    assert explained(ran), ran.err
    assert [session["sid"] for session in scene.service.live()] == running
    rooms(scene)
    scene.converge()
    assert [session["sid"] for session in scene.service.live()] == running


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed, whom permissions bind")
@pytest.mark.parametrize("mode", [0o555, 0o755])
def test_a_state_that_cannot_be_written_is_planned_on_and_not_applied(
    new_scene: Callable[[], Scene], mode: int
) -> None:
    scene = new_scene()
    rooms(scene)
    assert scene.apply().code == 0
    scene.want(recording("room-0"), recording("other"))
    scene.state.chmod(mode)
    for file in scene.state.iterdir():
        file.chmod(0o444)
    for folder in (scene.folder, *scene.folder.parents):
        folder.chmod(folder.stat().st_mode | 0o555)
    calls = scene.service.changes()
    plan = scene.plan("--format", "json", user=NOBODY)
    assert plan.code == 0, plan.err
    assert plan.json["summary"]["start"] == 1
    assert plan.json["summary"]["stop"] == 2
    ran = scene.apply(user=NOBODY)
    assert ran.code == 1
    assert explained(ran), ran.err
    assert scene.service.changes() == calls


def test_a_state_that_is_no_place_to_write_is_refused(new_scene: Callable[[], Scene]) -> None:
    scene = new_scene()
    rooms(scene)
    for place in ("/dev/full", "/proc/state.db"):
        ran = scene.run("apply", str(scene.specs), "--yes", "--state", f"sqlite:///{place}")
        assert ran.code == 1
    assert scene.service.calls() == []
