"""A simulation that finds nothing proves something only if it finds what is wrong."""

from collections.abc import Iterator

import pytest

from tests.simulation.command import SEEDS
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.run import perform_seed

pytestmark = pytest.mark.timeout(900)  # where a hint fits no more, all seeds are tried


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_the_simulation_finds_the_mistake(mutation: Mutation) -> None:
    found_by = next(_finding(mutation), None)

    assert found_by is not None, f"no seed finds `{mutation.name}`: {mutation.wrong}"


def test_there_are_twelve_mistakes() -> None:
    assert len({each.name for each in MUTATIONS}) == len(MUTATIONS) == 12


def _finding(mutation: Mutation) -> Iterator[int]:
    """Yield the seeds that find a mistake, and nothing without it; its hint is tried first.

    A simulation that breaks by itself finds nothing.
    """
    for seed in sorted(range(SEEDS), key=lambda seed: seed != mutation.found_by):
        with mutation.made():
            outcome = perform_seed(seed)
        is_found = outcome.violation is not None and not outcome.trace
        if is_found and perform_seed(seed).violation is None:
            yield seed
