from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.state.store import Store
from tests.state.support import Backend, SqliteBackend


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteBackend:
    """A place for a state in a file, where there is none yet."""
    return SqliteBackend("", folder=tmp_path).fresh()


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """A place of either kind, where there is no state yet."""
    place: Backend = request.getfixturevalue(request.param)
    return place


@pytest.fixture
def store(backend: Backend) -> Iterator[Store]:
    """A new state of either kind."""
    with closing(backend.open()) as opened:
        yield opened
