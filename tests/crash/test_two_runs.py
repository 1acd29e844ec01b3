"""Two runs on one scope: one acts, the other is refused, waits, or only looks."""

import os
import signal
from collections.abc import Callable

import pytest

from reconciler.clock import SystemClock
from reconciler.state.open import open_state
from tests.crash.support import Running, Scene, recording
from tests.crash.truth import check, configs

LOCKED = 4
WAITED_S = 3.0
POINTS = (1, 8, 15, 22, 29, 36)
"""Some of the points of a start of three sessions."""


@pytest.fixture
def scene(new_scene: Callable[[], Scene]) -> Scene:
    scene = new_scene()
    scene.want(recording("lobby"), recording("pair", replicas=2))
    return scene


def held(scene: Scene, point: int) -> Running:
    """Begin an apply, and return it when it has stopped at a point."""
    first = scene.begin("apply", str(scene.specs), "--yes", hold_at=point)
    first.stopped()
    return first


def released(first: Running) -> None:
    """Let a run go on, which is then to end well."""
    first.signal(signal.SIGCONT)
    assert first.ended().code == 0


@pytest.mark.parametrize("point", POINTS)
def test_a_second_apply_is_refused_and_told_who_holds_the_scope(scene: Scene, point: int) -> None:
    first = held(scene, point)
    calls = scene.service.endpoints()
    second = scene.apply()
    assert second.code == LOCKED
    assert (
        f"locked by `apply` on host `{os.uname().nodename}`, process {first.process}, since 20"
        in (second.err)
    )
    assert second.out == ""
    assert second.points == []
    assert scene.service.endpoints() == calls
    released(first)
    assert len(scene.service.live()) == len(scene.service.sessions()) == 3


def test_with_a_lock_timeout_it_gives_up_after_that(scene: Scene) -> None:
    first = held(scene, 15)
    second = scene.apply("--lock-timeout", "3s")
    assert second.code == LOCKED
    assert "locked by" in second.err
    released(first)


def test_with_a_lock_timeout_it_waits_and_then_does_nothing(scene: Scene) -> None:
    first = held(scene, 15)
    began_s = scene.service.now_s()
    second = scene.begin("apply", str(scene.specs), "--yes", "--lock-timeout", "1h")
    while scene.service.now_s() < began_s + WAITED_S:  # it lets time pass while it waits
        os.sched_yield()
    released(first)
    calls = scene.service.changes()
    waited = second.ended()
    assert waited.code == 0
    assert "nothing to do" in waited.out
    assert scene.service.changes() == calls
    assert len(scene.service.sessions()) == 3


def test_who_waited_for_the_lock_acts_on_the_specs_of_now(scene: Scene) -> None:
    first = held(scene, 15)
    second = scene.begin("apply", str(scene.specs), "--yes", "--lock-timeout", "1h")
    began_s = scene.service.now_s()
    while scene.service.now_s() < began_s + WAITED_S:  # it has read the specs by now
        os.sched_yield()
    scene.want(recording("lobby"), recording("pair", replicas=2), recording("late"))
    released(first)
    assert second.ended().code == 0
    assert len(scene.service.live()) == len(scene.service.sessions()) == 4


def test_other_scopes_are_not_held_up(scene: Scene) -> None:
    first = held(scene, 15)
    other = scene.run("apply", str(scene.specs), "--yes", "--scope", "other", "--target", "lobby")
    assert other.code == 0, other.err
    released(first)


def test_a_killed_holder_blocks_nobody(scene: Scene) -> None:
    first = held(scene, 15)
    first.signal(signal.SIGKILL)
    assert scene.apply().code == 0
    assert first.ended().code == -signal.SIGKILL
    assert len(scene.service.live()) == len(scene.service.sessions()) == 3


@pytest.mark.parametrize("point", POINTS)
def test_a_plan_beside_an_apply_shows_what_is_in_hand_and_writes_nothing(
    scene: Scene, point: int
) -> None:
    first = held(scene, point)
    begun = {session.recording for session in scene.known() if session.resource_id}
    serial, changes = serial_of(scene), scene.service.changes()
    plan = scene.plan("--format", "json")
    assert plan.code == 0, plan.err
    assert serial_of(scene) == serial
    assert scene.service.changes() == changes
    for action in plan.json["actions"]:
        is_begun = action["recording"] in begun and action["session"] is not None
        assert action["action"] in ({"wait", "none"} if is_begun else {"start", "wait"})
    released(first)


def test_a_plan_beside_an_apply_holds_nobody_up(scene: Scene) -> None:
    assert scene.apply().code == 0
    plan = scene.begin("plan", str(scene.specs), hold_at=1)
    plan.stopped()
    scene.want(recording("lobby"))
    assert scene.apply().code == 0
    plan.signal(signal.SIGCONT)
    assert plan.ended().code == 0
    check(scene, configs(scene), starts=3)


def serial_of(scene: Scene) -> int:
    store = open_state(scene.url, {}, SystemClock(), write=False)
    try:
        return store.snapshot("default").serial
    finally:
        store.close()
