"""A script that fails becomes small, and fails still, in the same way."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clock import SystemClock
from tests.simulation import simulation
from tests.simulation.run import perform
from tests.simulation.script import Part, Script, Step, read_script
from tests.simulation.shrink import Patience, fewest, shrink, smaller
from tests.simulation.small import NobodyDies, small_script

THINGS = st.lists(st.integers(), unique=True, max_size=40)


@given(THINGS, st.data())
def test_only_what_is_needed_for_the_failure_is_left_in_its_order(
    things: list[int], data: st.DataObject
) -> None:
    needed = data.draw(st.sets(st.sampled_from(things)) if things else st.just(set()))
    assert list(fewest(things, needed.issubset)) == [each for each in things if each in needed]


@given(THINGS, st.integers(1, 7))
def test_whatever_the_failure_hangs_on_what_is_left_fails(things: list[int], modulus: int) -> None:
    def fails(kept: Sequence[int]) -> bool:
        return sum(kept) % modulus == sum(things) % modulus

    assert fails(fewest(things, fails))


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_smaller_number_is_nearer_to_zero_and_of_the_same_kind(number: float) -> None:
    for each in smaller(number):
        assert abs(each) < abs(number)
        assert type(each) is type(number)


def test_a_script_becomes_as_small_and_plain_as_the_failure_lets_it() -> None:
    least = shrink(_LARGE, _needs_a_long_outage)
    assert least.steps == (Step(12.0, "outage", {"seconds": 25.0, "silence": "not-sent"}),)
    assert least.parts == (Part("rec-1", "mix", {"app": "north"}),)
    assert least.safety_s == 13.0


def test_a_script_that_is_small_already_stays_as_it_is() -> None:
    least = shrink(_LARGE, _needs_a_long_outage)
    assert shrink(least, _needs_a_long_outage) == least


def test_what_is_deeper_within_a_step_keeps_its_meaning() -> None:
    fault = Step(3.0, "fault", {"effect": {"status": 500}, "seconds": 7.5})
    least = shrink(replace(_LARGE, steps=(fault,)), lambda script: bool(script.steps))
    assert least.steps == (Step(3.0, "fault", {"effect": {"status": 500}, "seconds": 0.0}),)


def test_a_script_that_was_written_down_is_read_as_it_was() -> None:
    assert read_script(_LARGE.text()) == _LARGE


def test_a_simulation_becomes_small_and_fails_by_the_same_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulation, "CHECKS", (NobodyDies,))
    script = small_script(Step(7.25, "turn_keys"), Step(9.5, "kill", {"down_s": 33.0}))
    least = shrink(script, Patience("NobodyDies", 40.0, SystemClock().monotonic_s))
    assert [each.act for each in least.steps] == ["kill"]
    assert least.parts == ()
    violation = perform(least).violation
    assert violation is not None
    assert violation.check == "NobodyDies"


def test_another_failure_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "CHECKS", (NobodyDies,))
    script = small_script(Step(9.5, "kill", {"down_s": 33.0}))
    assert not Patience("Another", 40.0, SystemClock().monotonic_s)(script)
    assert Patience("NobodyDies", 40.0, SystemClock().monotonic_s)(script)


def test_nothing_is_tried_any_more_once_the_time_is_up() -> None:
    fails = Patience("NobodyDies", 0.0, SystemClock().monotonic_s)
    assert not fails(_LARGE)
    assert fails.runs == 0


def _names(things: Collection[Part]) -> list[str]:
    return [each.name for each in things]


def _needs_a_long_outage(script: Script) -> bool:
    outages = [step for step in script.steps if step.act == "outage" and step.at_s >= 11.5]
    return "rec-1" in _names(script.parts) and any(
        step.given["seconds"] >= 20.0 for step in outages
    )


_LARGE = small_script(
    Step(1.5, "kill", {"down_s": 33.0}),
    Step(8.0, "outage", {"seconds": 90.0, "silence": "not-sent"}),
    Step(12.75, "outage", {"seconds": 51.7, "silence": "not-sent"}),
    Step(80.0, "turn_keys"),
    parts=(
        Part("rec-0", "web", {"app": "north"}),
        Part("rec-1", "mix", {"app": "north", "replicas": 2}, ((10.0, 60.0),), in_set=True),
    ),
)
