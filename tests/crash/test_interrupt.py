"""An apply that is interrupted begins nothing new, loses nothing, and the next run finishes it."""

import os
import pty
import signal
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.crash.support import Running, Scene, recording
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
    assert scene.service.endpoints().count("acquire") <= begun + 1  # one may be on its way
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


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A terminal: the end that a person types at, and the name of the program's end."""
    person, program = pty.openpty()
    yield person, os.ttyname(program)
    os.close(person)
    os.close(program)


def asked(scene: Scene, terminal: tuple[int, str]) -> Running:
    """Begin an apply at a terminal, and return it when it asks whether to go on."""
    running = scene.begin("apply", str(scene.specs), stdin=terminal[1])
    while "Only `yes`" not in running.said():
        os.sched_yield()
    return running


@pytest.mark.parametrize("answer", ["no", "y", ""])
def test_what_is_no_yes_does_nothing(scene: Scene, terminal: tuple[int, str], answer: str) -> None:
    running = asked(scene, terminal)
    os.write(terminal[0], f"{answer}\n".encode())
    ran = running.ended()
    assert ran.code == 1
    assert "Nothing was done." in ran.err
    assert scene.service.calls() == []
    assert scene.known() == []


def test_yes_does_it(scene: Scene, terminal: tuple[int, str]) -> None:
    running = asked(scene, terminal)
    os.write(terminal[0], b"yes\n")
    assert running.ended().code == 0
    assert len(scene.service.live()) == RECORDINGS


def test_ctrl_c_while_it_asks_is_heard_at_once(scene: Scene, terminal: tuple[int, str]) -> None:
    running = asked(scene, terminal)
    running.signal(signal.SIGINT)
    assert running.ended().code == INTERRUPTED
    assert scene.service.calls() == []
