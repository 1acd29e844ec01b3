"""`python -m tests.simulation`: what it writes, what it leaves, and its exit code."""

import subprocess
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT
from tests.simulation import simulation
from tests.simulation.command import main
from tests.simulation.script import Step, read_script
from tests.simulation.small import NobodyCalls, NobodyDies, small_script

KILL = Step(9.5, "kill", {"down_s": 0.0})


def test_a_seed_that_goes_well_is_told_with_its_fingerprint(tmp_path: Path) -> None:
    code, said, _ = _run("--script", _kept(tmp_path, KILL), "--stories", tmp_path / "stories")
    assert code == 0
    assert "seed 7" in said
    assert "fingerprint " in said
    assert not (tmp_path / "stories").exists()


def test_all_that_happens_is_shown_if_wanted(tmp_path: Path) -> None:
    _, said, _ = _run(
        "--script", _kept(tmp_path, KILL), "--show", "--stories", tmp_path / "stories"
    )
    assert "people     kill(down_s=0.0)" in said


def test_a_failure_leaves_its_story_and_a_small_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(simulation, "CHECKS", (NobodyDies,))
    kept, stories = _kept(tmp_path, Step(3.0, "turn_keys"), KILL), tmp_path / "stories"
    code, said, _ = _run("--script", kept, "--stories", stories, "--shrink", 30)
    assert code == 1
    assert "FAILED  NobodyDies" in said
    assert f"-m tests.simulation --script {stories / 'kept.json'}" in said
    small = read_script((stories / "kept.json").read_text(encoding="utf-8"))
    assert [step.act for step in small.steps] == ["kill"]
    assert "NobodyDies" in (stories / "kept.txt").read_text(encoding="utf-8")


def test_each_of_a_few_failures_has_its_story(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(simulation, "CHECKS", (NobodyCalls,))
    stories = tmp_path / "stories"
    given = ("--seeds", 2, "--first", 40, "--workers", 1, "--shrink", 0, "--stories", stories)
    code, said, _ = _run(*given)
    assert code == 1
    assert "2 of 2 seeds failed, from 40 on" in said
    assert "make simulate SEED=41" in said
    assert {path.name for path in stories.glob("*.txt")} == {
        f"seed-{seed}.txt" for seed in (40, 41)
    }


def test_many_processes_find_what_one_finds_and_progress_is_shown_apart(tmp_path: Path) -> None:
    given = ("--seeds", 2, "--show", "--shrink", 0, "--stories", tmp_path)
    of_one, of_two = (_run(*given, "--workers", each) for each in (1, 2))
    assert _fingerprints(of_one[1]) == _fingerprints(of_two[1])
    assert len(_fingerprints(of_one[1])) == 2
    assert "2 of 2 seeds" in of_two[2]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--seeds", "0"], "0 is none; there has to be one at least"),
        (["--workers", "0"], "0 is none; there has to be one at least"),
        (["--seeds", "-5"], "`-5` is no whole number from 0 on"),
        (["--seed", "²"], "`²` is no whole number from 0 on"),
        (["--first", "1.5"], "`1.5` is no whole number from 0 on"),
        (["--script", "nowhere.json"], "`nowhere.json` cannot be read: No such file or directory"),
        (["--script", str(ROOT / "Makefile")], "is no script as a failure leaves it"),
        (["--script", str(ROOT / "tests/golden/plan.json")], "is no script as a failure leaves"),
        (["--stories", str(ROOT / "Makefile/stories")], "no folder can be made or written at"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(
    given: Sequence[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        _run(*given)
    assert refused.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["SEED=17"], "-m tests.simulation --seed 17"),
        (["SEEDS=20000"], "-m tests.simulation --seeds 20000 --first 0"),
        (["SEEDS=10", "FIRST=5"], "-m tests.simulation --seeds 10 --first 5"),
    ],
)
def test_make_runs_it(given: Sequence[str], meant: str) -> None:
    # Under another make it would tell where it is, too.
    command = ["make", "-n", "--no-print-directory", "simulate", *given]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert made.stdout.splitlines()[-1] == f".venv/bin/python {meant}"


def _kept(folder: Path, *steps: Step) -> Path:
    path = folder / "kept.json"
    path.write_text(small_script(*steps).text(), encoding="utf-8")
    return path


def _run(*arguments: object) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    code = main([str(each) for each in arguments], out, err)
    return code, out.getvalue(), err.getvalue()


def _fingerprints(said: str) -> dict[str, str]:
    lines = (line.split() for line in said.splitlines() if line.startswith("seed "))
    return {seed: fingerprint for _, seed, fingerprint, *_ in lines}
