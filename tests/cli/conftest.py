"""A command line without the user's own settings and cache."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.support import Run
from tests.cli.world import World, world_at


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RECONCILER_STATE", "RECONCILER_SCOPE", "RECONCILER_ALLOW_ENDPOINTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AGORA_ENDPOINTS", raising=False)
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder of specs, a state, and a simulator over HTTP, all on one fast clock."""
    with world_at(tmp_path) as made:
        yield made
