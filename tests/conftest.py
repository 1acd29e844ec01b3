"""What all tests share: how Hypothesis chooses its examples, and a PostgreSQL server.

`ci`, the default, takes the same examples in every run; `pytest --hypothesis-profile=explore`
takes many new ones.
"""

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from tests.state import server
from tests.state.support import PostgresBackend

# Explaining a failure traces every line that runs, which takes longer than finding it.
PHASES = (Phase.explicit, Phase.generate, Phase.target, Phase.shrink)

settings.register_profile("ci", derandomize=True, deadline=None, database=None, phases=PHASES)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as the tests."""
    with server.running() as url:
        yield url


@pytest.fixture
def postgres(server_url: str) -> PostgresBackend:
    """A place for a state on a server, where there is none yet."""
    return PostgresBackend(server_url).fresh()
