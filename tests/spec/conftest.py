from pathlib import Path

import pytest

from tests.spec.caches import WORLD
from tests.spec.support import write


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with the small world of `caches.py`."""
    return write(tmp_path / "specs", WORLD)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a cache may lie."""
    return tmp_path / "cache"
