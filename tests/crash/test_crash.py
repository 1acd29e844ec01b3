"""A run that is killed at any point loses nothing and starts nothing twice.

The points are before and after every call and every commit; each test walks its share of them, and
ends when a run came to its end because it has no such point.
"""

import signal
from collections.abc import Callable
from random import Random

import pytest

from tests.crash.support import Scene, recording
from tests.crash.truth import Configs, check, configs

SHARES = 10
KILLED = -signal.SIGKILL

START = (
    recording("lobby"),
    recording("pair", replicas=2),
    recording("exam", "individual", token="generate", channelProfile="communication"),
)
STARTED = 4
STARTING_POINTS_MIN = 50

BEFORE = (
    recording("lobby"),
    recording("exam", "individual", subscriptions={"audio": ["7"], "video": ["7"]}),
    recording("stage", token="generate"),
    recording("hall", policy={"replace": "stop-first"}),
    recording("gone"),
)
AFTER = (
    recording("lobby", layout={"background": {"color": "#202020"}}),
    recording("exam", "individual", subscriptions={"audio": ["7", "8"], "video": ["7", "8"]}),
    recording("stage", token="generate", files=["hls", "mp4"]),
    recording("hall", policy={"replace": "stop-first"}, files=["hls", "mp4"]),
)
REPLACED = 2
CHANGING_POINTS_MIN = 40

TROUBLE = (
    recording("lobby", "web"),
    recording("stage", token="generate"),
)
LOST = {"endpoint": "start", "cname": "stage", "nth": [1, 2], "effect": {"drop": "after"}}
REFUSED = {"endpoint": "acquire", "cname": "lobby", "nth": 1, "effect": {"status": 500}}
TROUBLED_POINTS_MIN = 40

HOUR_S = 3600.0


def started(scene: Scene) -> None:
    scene.want(*START)


def changed(scene: Scene) -> None:
    """Let other specs than those that run be wanted."""
    scene.want(*BEFORE)
    assert scene.apply().code == 0
    scene.want(*AFTER)


def alone(scene: Scene) -> None:
    scene.want(recording("lobby"))


def troubled(scene: Scene) -> None:
    """Let one session be gone, one have to be stopped, and answers be lost on the way."""
    scene.want(*TROUBLE, recording("gone"))
    assert scene.apply().code == 0
    scene.service.order("lobby", "kill")
    scene.service.order("stage", "kill")
    scene.service.fail(LOST, REFUSED, {"endpoint": "stop", "nth": 1, "effect": {"drop": "after"}})
    scene.want(*TROUBLE)


def reference(
    scene: Scene, prepare: Callable[[Scene], None]
) -> tuple[Configs, list[tuple[int, str]]]:
    """Return what runs where nothing is killed, and the points that were passed on the way."""
    prepare(scene)
    ran = scene.apply()
    assert ran.code == 0, ran.err
    return configs(scene), list(enumerate(ran.points, 1))


@pytest.mark.parametrize("share", range(SHARES))
def test_starting_survives_a_kill_at_every_point(
    new_scene: Callable[[], Scene], share: int
) -> None:
    expected, points = reference(new_scene(), started)
    assert len(points) >= STARTING_POINTS_MIN
    assert len(expected) == STARTED
    for point, _ in points[share::SHARES]:
        scene = new_scene()
        started(scene)
        assert scene.apply(kill_at=point).code == KILLED
        scene.converge()
        check(scene, expected, starts=STARTED)


@pytest.mark.parametrize("share", range(SHARES))
def test_changing_survives_a_kill_at_every_point(
    new_scene: Callable[[], Scene], share: int
) -> None:
    expected, points = reference(new_scene(), changed)
    assert len(points) >= CHANGING_POINTS_MIN
    lobby, exam = expected["lobby", 0]["recordingConfig"], expected["exam", 0]["recordingConfig"]
    assert lobby["transcodingConfig"]["backgroundColor"] == "#202020"
    assert exam["subscribeAudioUids"] == ["7", "8"]
    for point, _ in points[share::SHARES]:
        scene = new_scene()
        changed(scene)
        assert scene.apply(kill_at=point).code == KILLED
        scene.converge()
        check(scene, expected, starts=len(BEFORE) + REPLACED)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_lost_answers_and_sessions_survive_a_kill_at_every_point(
    new_scene: Callable[[], Scene], share: int
) -> None:
    expected, points = reference(new_scene(), troubled)
    assert len(points) >= TROUBLED_POINTS_MIN
    # The other two tests walk the commits: nothing lies between one of them and a call.
    calls = [point for point, what in points if " commit of " not in what]
    for point in calls[share::SHARES]:
        scene = new_scene()
        troubled(scene)
        assert scene.apply(kill_at=point).code == KILLED
        scene.converge()
        check(scene, expected, starts=len(TROUBLE) * 2 + 1)


@pytest.mark.parametrize("share", range(2))
def test_what_is_found_too_late_to_be_settled_is_an_orphan(
    new_scene: Callable[[], Scene], share: int
) -> None:
    """An hour after a kill the identical start can no longer be repeated."""
    expected, points = reference(new_scene(), alone)
    orphans = 0
    for point, _ in points[share::2]:
        scene = new_scene()
        alone(scene)
        scene.apply(kill_at=point)
        scene.service.pass_time(HOUR_S)
        scene.converge()
        check(scene, expected, starts=1)
        orphans += sum(session.is_orphan for session in scene.known())
    assert orphans


@pytest.mark.parametrize("seed", range(SHARES))
def test_a_run_that_mends_a_kill_may_be_killed_itself(
    new_scene: Callable[[], Scene], seed: int
) -> None:
    expected, points = reference(new_scene(), changed)
    scene, chance = new_scene(), Random(seed)
    changed(scene)
    kills = [chance.randint(1, len(points)) for _ in range(4)]
    for point in kills:
        scene.apply(kill_at=point)
    scene.converge()
    check(scene, expected, starts=len(BEFORE) + REPLACED)
