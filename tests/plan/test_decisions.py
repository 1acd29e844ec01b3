import math
from collections.abc import Iterator
from itertools import product

import pytest

from reconciler.plan.action import Cause, Kind
from reconciler.plan.decide import decide_recording
from reconciler.plan.reasons import Reason
from tests.plan.support import NAME, Case, cases_of, shown, titled, world_of

CASES = cases_of("*.yaml")
PLANS = cases_of("plans/*.yaml")


@pytest.mark.parametrize("case", CASES, ids=titled)
def test_a_recording_is_decided_on_as_the_table_says(case: Case) -> None:
    assert [shown(action) for action in decide_recording(world_of(case), NAME)] == expected(case)


@pytest.mark.parametrize("case", CASES, ids=titled)
def test_every_message_is_a_sentence_that_names_the_recording(case: Case) -> None:
    for action in decide_recording(world_of(case), NAME):
        assert f"`{action.key}`" in action.message
        assert not action.message.endswith(".")
        assert "None" not in action.message
        assert "  " not in action.message


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(CASES) >= 150
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("kind", Kind)
def test_some_case_decides_on_every_kind(kind: Kind) -> None:
    assert any(said["kind"] == kind for said in all_expected())


BY_THE_ENGINE = {Reason.SECRET_UNRESOLVED, Reason.TOKEN_EXPIRED}
"""Reasons of what an apply finds out beyond the plan."""


@pytest.mark.parametrize("reason", sorted(set(Reason) - BY_THE_ENGINE))
def test_some_case_gives_every_reason(reason: Reason) -> None:
    assert any(said["reason"] == reason for said in all_expected())


@pytest.mark.parametrize("cause", Cause)
def test_some_case_has_every_cause(cause: Cause) -> None:
    assert any(said["cause"] == cause for said in all_expected())


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_it_means(reason: Reason) -> None:
    assert reason.meaning.endswith(".")
    assert not reason.meaning[0].islower()


DESIRED = ("wanted", "not wanted", "gone", "in error")
PRESENT = (
    "nothing",
    "acquired",
    "starting",
    "running",
    "missing",
    "stopping",
    "ended",
    "failed",
    "orphan",
    "pair",
)


@pytest.mark.parametrize(("desired", "present"), list(product(DESIRED, PRESENT)))
def test_some_case_is_in_every_cell_of_the_table(desired: str, present: str) -> None:
    assert any((desired_in(case), present_in(case)) == (desired, present) for case in CASES)


def desired_in(case: Case) -> str:
    """Say it from the data alone, so that the table does not rest on what it is to prove."""
    wanted = case.get("wanted", {})
    if wanted is None:
        return "gone"
    if "error" in wanted:
        return "in error"
    until = wanted.get("suspend_until", math.inf)
    return "not wanted" if wanted.get("suspend") and until > case.get("at", 0) else "wanted"


def present_in(case: Case) -> str:
    sessions = [said for said in case.get("sessions", ()) if not said.get("replica")]
    if any("stop_reason" in said for said in sessions):
        return "stopping"
    phases = [said.get("phase", "running") for said in sessions]
    live = [phase for phase in phases if phase in {"acquired", "starting", "running", "missing"}]
    if len(live) > 1:
        return "pair"
    return next(iter(live or phases), "nothing")


def expected(case: Case) -> list[Case]:
    said = case["expect"]
    if said is None:
        return []
    return list(said) if isinstance(said, list) else [said]


def all_expected() -> Iterator[Case]:
    for case in CASES:
        yield from expected(case)
    for case in PLANS:
        for said in case["expect"].values():
            yield from said if isinstance(said, list) else [said]
