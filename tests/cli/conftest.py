"""A command line without the user's own settings and cache."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.support import Run
from tests.cli.world import World, world_at
from tests.crash.support import Scene, recording, stage


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


@pytest.fixture(autouse=True)
def as_quiet_as_before() -> Iterator[None]:
    """Leave the program's log as it was: a command line sets it up for its own process."""
    log = logging.getLogger("reconciler")
    before = log.level, log.propagate, log.handlers
    yield
    log.level, log.propagate, log.handlers = before


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


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Scene]]:
    with stage(tmp_path_factory.mktemp("simulator")) as staged:
        yield staged


@pytest.fixture
def scene(staged: Callable[[Path], Scene], tmp_path: Path) -> Scene:
    """Specs of two recordings, nothing of which runs yet."""
    scene = staged(tmp_path / "scene")
    scene.want(recording("lobby"), recording("stage"))
    return scene
