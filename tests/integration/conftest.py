"""What tests of the whole program share: one simulator and one nursery for each module."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.crash.support import Nursery, Scene, Simulated, simulator


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """A simulator whose clock stands still until it is moved."""
    with simulator(tmp_path_factory.mktemp("simulator")) as service:
        yield service


@pytest.fixture
def new_scene(tmp_path: Path, nursery: Nursery, service: Simulated) -> Callable[[], Scene]:
    """Makes a scene: a service without sessions, and neither specs nor state but its own."""
    numbers = count()

    def made() -> Scene:
        service.reset()
        return Scene(tmp_path / f"scene-{next(numbers)}", nursery, service)

    return made
