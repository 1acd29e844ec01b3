"""What `tests/engine/faults` shows on virtual time, shown of the program itself over real sockets.

The program runs in a process of its own, the simulator in another; where both only wait, their
clocks are moved (`tests/crash/clocks.py`).
"""

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.crash.support import Ran, Scene, recording
from tests.crash.truth import Configs, check, configs

APART_S = 700
"""Longer than the longest back-off, and than the last look at what is gone."""

RUNS_MAX = 3
NOT_FOUND = {"status": 404, "code": 404, "reason": "failed to find worker"}
BEFORE = recording("lobby", token="generate", subscriptions={"audio": ["7"], "video": ["7"]})
CHANGED = recording(
    "lobby",
    token="generate",
    subscriptions={"audio": ["7", "8"], "video": ["7", "8"]},
    layout={"background": {"color": "#202020"}},
)
OTHER = recording("hall")
STEPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "starting": ((OTHER,), (OTHER, BEFORE)),
    "running": ((OTHER, BEFORE), (OTHER, BEFORE)),
    "changing": ((OTHER, BEFORE), (OTHER, CHANGED)),
    "stopping": ((OTHER, BEFORE), (OTHER,)),
}


@pytest.fixture
def at(new_scene: Callable[[], Scene]) -> Callable[[str], tuple[Scene, Configs]]:
    """Returns a scene on which one run of a step is missing, and what is to run after it."""

    def made(step: str) -> tuple[Scene, Configs]:
        before, after = STEPS[step]
        scene = new_scene()
        scene.want(*after)
        assert scene.apply().code == 0
        undisturbed = configs(scene)
        scene = new_scene()
        scene.want(*before)
        assert scene.apply().code == 0
        scene.service.pass_time(60)
        scene.want(*after)
        return scene, undisturbed

    return made


def heal(scene: Scene) -> None:
    """Let nothing go wrong any more."""
    control = f"{scene.service.url}/_sim/faults"
    for fault in httpx.get(control).json()["faults"]:
        httpx.delete(f"{control}/{fault['id']}").raise_for_status()


def went_wrong(scene: Scene) -> bool:
    faults = httpx.get(f"{scene.service.url}/_sim/faults").json()["faults"]
    return any(fault["fired"] for fault in faults)


def converge(scene: Scene) -> None:
    """Apply without faults until nothing is left to do."""
    heal(scene)
    for _ in range(RUNS_MAX + 1):
        scene.service.pass_time(APART_S)
        ran = scene.apply("--format", "json")
        if not ran.json["results"]:
            return
    raise AssertionError(f"not settled: {ran.out}\n{ran.err}")


def problem_of(ran: Ran) -> str:
    """Return the code of the problem that `lobby` ended with; empty for none."""
    results = [each for each in ran.json["results"] if each["recording"] == "lobby"]
    errors = [each["error"]["code"] for each in results if each["error"]]
    return str(errors[0]) if errors else ""


CALLS = [
    ("starting", "acquire"),
    ("starting", "start"),
    ("starting", "query"),
    ("running", "query"),
    ("changing", "query"),
    ("changing", "update"),
    ("changing", "updateLayout"),
    ("stopping", "stop"),
    ("stopping", "query"),
]


@pytest.mark.parametrize(("step", "endpoint"), CALLS)
def test_an_answer_that_is_lost_after_the_effect_is_made_good(
    step: str, endpoint: str, at: Callable[[str], tuple[Scene, Configs]]
) -> None:
    scene, undisturbed = at(step)
    rule = {"endpoint": endpoint, "cname": "lobby", "times": 1, "effect": {"drop": "after"}}
    scene.service.fail(rule)
    ran = scene.apply()
    assert went_wrong(scene)
    assert ran.code == 0, ran.err
    assert configs(scene) == undisturbed
    converge(scene)
    check(scene, undisturbed, starts=2)


ROWS: list[tuple[str, str, dict[str, Any], str]] = [
    ("starting", "acquire", {"status": 401, "message": "Unauthorized"}, "credentials"),
    ("starting", "acquire", {"status": 400, "code": 406}, "quota"),
    ("starting", "acquire", {"status": 500, "code": 501}, "busy"),
    ("starting", "start", {"status": 400, "code": 2, "reason": "no"}, "rejected"),
    ("starting", "start", {"status": 400, "code": 53}, "conflict"),
    ("starting", "start", {"status": 500, "code": 502}, "not-started"),
    ("starting", "start", {"status": 206, "code": 65, "processed": True}, "perhaps-started"),
    ("starting", "start", {"status": 201, "code": 7, "processed": True}, "started"),
    ("starting", "start", {"status": 429, "message": "API rate limit exceeded"}, "throttled"),
    ("changing", "update", {"status": 504, "code": 62, "processed": True}, "busy"),
    ("changing", "updateLayout", {"status": 400, "code": 1028}, "rejected"),
    ("changing", "updateLayout", {"status": 503, "body": "<html>"}, "busy"),
    ("stopping", "stop", {"status": 403, "message": "Forbidden"}, "credentials"),
    ("stopping", "stop", {"status": 504, "code": 62}, "timeout"),
]


@pytest.mark.parametrize(("step", "endpoint", "effect", "problem"), ROWS)
def test_a_row_that_lasts_fails_the_run_and_loses_nothing(
    step: str,
    endpoint: str,
    effect: dict[str, Any],
    problem: str,
    at: Callable[[str], tuple[Scene, Configs]],
) -> None:
    scene, undisturbed = at(step)
    scene.service.fail({"endpoint": endpoint, "cname": "lobby", "effect": effect})
    ran = scene.apply("--format", "json")
    assert went_wrong(scene)
    assert (ran.code, problem_of(ran)) == (1, problem)
    converge(scene)
    check(scene, undisturbed, starts=2)


MOVED = ["running", "changing", "stopping"]


@pytest.mark.parametrize("step", MOVED)
def test_a_short_failover_ends_nothing(
    step: str, at: Callable[[str], tuple[Scene, Configs]]
) -> None:
    scene, undisturbed = at(step)
    (lobby,) = (each for each in scene.service.live() if each["cname"] == "lobby")
    order = f"{scene.service.url}/_sim/sessions/{lobby['sid']}/failover"
    httpx.post(order, json={"seconds": 60}).raise_for_status()
    ran = scene.apply()
    assert ran.code == 0, ran.err
    converge(scene)
    check(scene, undisturbed, starts=2)


@pytest.mark.parametrize("step", MOVED)
def test_what_was_not_found_for_longer_than_90_s_is_found_again_and_stopped(
    step: str, at: Callable[[str], tuple[Scene, Configs]]
) -> None:
    scene, undisturbed = at(step)
    (lobby,) = (each for each in scene.service.live() if each["cname"] == "lobby")
    for endpoint in ("query", "update", "updateLayout", "stop"):
        rule = {"endpoint": endpoint, "uid": lobby["uid"], "cname": "lobby", "effect": NOT_FOUND}
        scene.service.fail(rule)
    ran = scene.apply()
    assert ran.code == 0, ran.err
    converge(scene)
    assert lobby["sid"] not in {each["sid"] for each in scene.service.live()}
    assert configs(scene) == undisturbed


@pytest.mark.parametrize("step", STEPS)
def test_where_the_first_host_is_down_all_goes_to_the_second(
    step: str, at: Callable[[str], tuple[Scene, Configs]]
) -> None:
    scene, undisturbed = at(step)
    with socket.socket() as closed:  # bound and not listening: it refuses
        closed.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{closed.getsockname()[1]}"
        scene.write("app", scene.app(endpoints=[down, scene.service.url]))
        ran = scene.apply()
        assert ran.code == 0, ran.err
        converge(scene)
    check(scene, undisturbed, starts=2)
