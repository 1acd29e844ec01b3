"""An apply that is interrupted begins nothing new, loses nothing, and the next run finishes it."""

import os
import pty
import signal
from collections.abc import Callable
from random import Random

import pytest

from tests.crash.support import Scene, recording
from tests.crash.truth import check, configs

RECORDINGS = 10
INTERRUPTED = 130
POINTS_LAST = 130
"""About the last point of a start of ten."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def scene(new_scene: Callable[[], Scene]) -> Scene:
    scene = new_scene()
    scene.want(*(recording(f"room-{number}") for number in range(RECORDINGS)))
    return scene


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
@pytest.mark.parametrize("seed", range(4))
def test_an_interrupted_apply_ends_in_order(
    scene: Scene, number: signal.Signals, seed: int
) -> None:
    first = scene.begin(
        "apply", str(scene.specs), "--yes", hold_at=Random(seed).randint(3, POINTS_LAST)
    )
    first.stopped()
    begun = scene.service.endpoints().count("acquire")
    first.signal(number)
    first.signal(signal.SIGCONT)
    ran = first.ended()
    assert ran.code == INTERRUPTED
    assert "skipped" in ran.out
    # What was in line already may still go; what was not is not begun.
    assert scene.service.endpoints().count("acquire") <= max(begun + RECORDINGS, RECORDINGS)
    recorded = {session.sid for session in scene.known()}
    assert {session["sid"] for session in scene.service.live()} <= recorded
    scene.converge()
    reference = configs(scene)
    assert len(reference) == RECORDINGS
    check(scene, reference, starts=RECORDINGS)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
def test_an_apply_that_is_interrupted_before_it_acts_does_nothing(
    scene: Scene, number: signal.Signals
) -> None:
    scene.apply("--target", "room-0")
    serial = [session.id for session in scene.known()]
    first = scene.begin("apply", str(scene.specs), "--yes", hold_at=1)  # it asks how room-0 is
    first.stopped()
    first.signal(number)
    first.signal(signal.SIGCONT)
    assert first.ended().code == INTERRUPTED
    assert [session.id for session in scene.known()] == serial
    assert len(scene.service.sessions()) == 1
