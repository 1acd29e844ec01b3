"""A simulation that fails leaves a story that people can read, and what repeats it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.simulation import life, simulation
from tests.simulation.acts.act import Act
from tests.simulation.check import Check
from tests.simulation.run import perform
from tests.simulation.script import Step, read_script
from tests.simulation.simulation import Simulation
from tests.simulation.small import NobodyDies, small_script
from tests.simulation.story import LAST, Failure
from tests.simulation.timeline import Entry, Timeline, moment

KILL = Step(9.5, "kill", {"down_s": 33.0})


def test_a_story_says_what_happened_up_to_the_violation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(simulation, "CHECKS", (NobodyDies,))
    whole = perform(small_script(Step(7.0, "turn_keys"), KILL))
    least = perform(small_script(KILL))
    path = Failure(whole, least, "make simulate SEED=7").write(tmp_path / "new", "seed-7")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("seed 7: NobodyDies: run-")
    assert "the whole:     make simulate SEED=7" in lines
    assert "What is left of the script: 1 of 2 steps, 1 of 1 Recordings" in lines
    assert "   0:09.500  kill(down_s=33.0)" in lines
    happened = lines[lines.index("What happened") : lines.index("The last of page")]
    assert any("page[0]" in line and "starting -> running" in line for line in happened)
    (marked,) = [line for line in happened if line.startswith(">>")]
    assert "VIOLATED" in marked
    assert 0 < len(lines[lines.index("The last of page") + 2 :]) <= LAST


def test_the_script_beside_a_story_repeats_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(simulation, "CHECKS", (NobodyDies,))
    least = perform(small_script(KILL))
    path = Failure(least, least, "").write(tmp_path, "kept")
    kept = perform(read_script(path.with_suffix(".json").read_text(encoding="utf-8")))
    assert kept.timeline.fingerprint() == least.timeline.fingerprint()
    assert least.timeline.fingerprint() in path.read_text(encoding="utf-8")


def test_a_check_that_breaks_is_a_failure_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(simulation, "CHECKS", (_Broken,))
    broken = perform(small_script())
    assert broken.violation is not None
    assert broken.violation.check == "_Broken"
    text = Failure(broken, broken, "").write(tmp_path, "broken").read_text(encoding="utf-8")
    assert "Where it broke" in text
    assert "ValueError: what nobody thought of" in text


def test_a_simulation_in_which_somebody_never_waits_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "ASKED_MAX", 20_000)
    monkeypatch.setattr(simulation, "ACTS", _WITH_SPIN)
    violation = perform(small_script(Step(30.0, "spin"))).violation
    assert violation is not None
    assert violation.check.startswith("EndlessError")
    assert violation.at_s == pytest.approx(30.0)


def test_a_simulation_ends_well_with_few_questions_for_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(life, "ASKED_MAX", 20_000)
    outcome = perform(small_script(KILL))
    assert (outcome.violation, outcome.trace) == (None, "")


def test_two_timelines_share_a_fingerprint_only_if_the_same_happened() -> None:
    one, same, other = Timeline(), Timeline(), Timeline()
    for timeline, at_s in ((one, 1.0), (same, 1.0), (other, 1.001)):
        timeline.add(at_s, "state", "rec-0: it is so")
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(
    ("at_s", "shown"),
    [(0.0, "   0:00.000"), (59.9996, "   1:00.000"), (3725.25, "  62:05.250")],
)
def test_a_moment_is_shown_in_minutes_and_seconds(at_s: float, shown: str) -> None:
    assert moment(at_s) == shown


@pytest.mark.parametrize(
    ("who", "text", "recording"),
    [
        ("state", "rec-0[1] 7e351e - -> none", "rec-0"),
        ("state", "rec-0-x: stop-failed: it cannot be reached", "rec-0-x"),
        ("state", "-: source: it is read", ""),
        ("people", "rec-0: is mentioned", ""),
    ],
)
def test_what_state_says_belongs_to_a_recording(who: str, text: str, recording: str) -> None:
    assert Entry(0.0, who, text).recording == recording


def test_a_simulation_that_breaks_is_a_failure_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulation, "ACTS", {"break": Act(_break)})
    broken = perform(small_script(Step(30.0, "break")))
    assert broken.violation is not None
    assert broken.violation.check == "ValueError in test_story.py, _break"
    assert broken.violation.at_s == pytest.approx(30.0)
    assert "ValueError: what nobody thought of" in broken.trace


class _Broken(Check):
    """Breaks as soon as it looks."""

    def look(self) -> None:
        raise ValueError("what nobody thought of")


def _break(sim: Simulation) -> None:
    del sim
    raise ValueError("what nobody thought of")


def _spin(sim: Simulation) -> None:
    del sim
    loop = asyncio.get_running_loop()

    def again() -> None:
        loop.call_soon(again)

    again()


_WITH_SPIN: Mapping[str, Act] = {"spin": Act(_spin)}
