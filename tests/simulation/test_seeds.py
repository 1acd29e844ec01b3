"""The fixed seeds of every build: none of them finds anything, and they reach all there is.

When one fails, `make simulate SEED=K` repeats it; docs/simulation.md says what to do then.
"""

from io import StringIO
from pathlib import Path

import pytest

from tests.simulation.command import SEEDS, main
from tests.simulation.measure import missing
from tests.simulation.reached import Reached
from tests.simulation.run import Told, on_all_cores, tell_seed

WORKERS = 2
STORIES_MAX = 3
SHRINK_S = "15"
"""With so many stories made small in so many seconds, the test ends before its timeout."""


@pytest.mark.timeout(300)
def test_the_fixed_seeds_find_nothing_and_reach_everything(tmp_path: Path) -> None:
    reached, failed = Reached(), list[Told]()
    for told in on_all_cores(tell_seed, range(SEEDS), WORKERS):
        reached.update(told.reached)
        if told.violation is not None:
            failed.append(told)

    failed.sort(key=lambda each: each.seed)
    assert not failed, "\n".join([*map(str, failed), *_stories(failed[:STORIES_MAX], tmp_path)])
    assert not missing(reached), f"no seed reaches {', '.join(missing(reached))}"


def _stories(failed: list[Told], folder: Path) -> list[str]:
    out = StringIO()
    for each in failed:
        given = ["--seed", str(each.seed), "--stories", str(folder), "--shrink", SHRINK_S]
        main(given, out, StringIO())
    return out.getvalue().splitlines()
