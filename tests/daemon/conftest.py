"""What tests with real processes share: a simulator, forgetful between two tests, and a nursery."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.support import Simulated
from tests.daemon.nursery import Nursery
from tests.daemon.processes import Ground, serviced


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """A simulator in real time, whose sessions come up at once."""
    with serviced(tmp_path_factory.mktemp("simulator")) as service:
        yield service


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def ground(tmp_path: Path, simulated: Simulated, nursery: Nursery) -> Iterator[Ground]:
    """Specs without a Recording, a state that is not there yet, a service without sessions."""
    simulated.reset()
    yield Ground(tmp_path / "ground", simulated, nursery)
    simulated.reset()
