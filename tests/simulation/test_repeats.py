"""A seed is the same everywhere: whatever hashes, folders, time zones and languages are."""

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.repository import ROOT

SEEDS = 3


def test_a_seed_repeats_exactly_on_another_machine(tmp_path: Path) -> None:
    folder = tmp_path / "where" / "temporary" / "files" / "are" / "elsewhere"
    folder.mkdir(parents=True)
    away = {"TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8", "TMPDIR": str(folder)}
    with (
        _begun(tmp_path, PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C") as here,
        _begun(tmp_path, PYTHONHASHSEED="1", **away) as there,
    ):
        one, other = _lines(here), _lines(there)
    assert len(one) == SEEDS
    assert one == other


def _begun(stories: Path, **environ: str) -> "subprocess.Popen[str]":
    command = (sys.executable, "-m", "tests.simulation", "--seeds", str(SEEDS))
    return subprocess.Popen(
        [*command, "--workers", "1", "--show", "--shrink", "0", "--stories", str(stories)],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _lines(process: "subprocess.Popen[str]") -> list[list[str]]:
    """Return the seeds and their fingerprints."""
    said, _ = process.communicate()
    return [line.split()[:3] for line in said.splitlines() if line.startswith("seed ")]
