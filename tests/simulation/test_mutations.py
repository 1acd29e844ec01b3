"""A simulation that finds nothing proves something only if it finds what is wrong."""

from collections.abc import Iterator

import pytest

from tests.simulation.command import SEEDS
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.run import Outcome, perform_seed

pytestmark = pytest.mark.timeout(900)  # where no hint fits any more, all seeds are tried


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_the_simulation_finds_the_mistake_and_nothing_where_it_is_not_made(
    mutation: Mutation,
) -> None:
    found = next(_findings(mutation), None)

    assert found is not None, f"no seed finds `{mutation.name}`: {mutation.wrong}"
    assert perform_seed(found.script.seed).violation is None


def test_there_is_one_mistake_of_each_kind() -> None:
    assert len({each.name for each in MUTATIONS}) == len(MUTATIONS) == 12


def _findings(mutation: Mutation) -> Iterator[Outcome]:
    """Yield the outcomes of the seeds that find it, that of its hint first.

    A simulation that breaks by itself finds nothing.
    """
    for seed in sorted(range(SEEDS), key=lambda seed: seed != mutation.found_by):
        with mutation.made():
            outcome = perform_seed(seed)
        if outcome.violation is not None and not outcome.trace:
            yield outcome
