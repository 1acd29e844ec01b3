"""What the simulation found, as small scripts: each named after what must be, and mended since.

They are kept as they were shrunk; `python -m tests.simulation --script FILE --show` tells one.
"""

from pathlib import Path

import pytest

from tests.simulation.run import perform
from tests.simulation.script import read_script

SCRIPTS = sorted((Path(__file__).parent / "found").glob("*.json"))


@pytest.mark.parametrize("path", SCRIPTS, ids=[each.stem for each in SCRIPTS])
def test_what_was_found_stays_mended(path: Path) -> None:
    outcome = perform(read_script(path.read_text(encoding="utf-8")))
    assert outcome.violation is None
