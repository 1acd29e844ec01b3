from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.plan.backoff import attempt_after, is_final, next_start_s
from reconciler.plan.session import REACHABLE, End, Session
from tests.plan.lives import in_phase

CASES = YAML(typ="safe").load((Path(__file__).parent / "backoff_cases.yaml").read_text("utf-8"))
ENDED_S = 5000.0


def last_of(case: dict[str, Any]) -> Session:
    confirmed_s = ENDED_S - case["ran"] if "ran" in case else None
    return in_phase(
        "ended",
        end_reason=case["end"],
        ended_s=ENDED_S,
        confirmed_s=confirmed_s,
        attempt=case["attempt"],
    )


def named(case: dict[str, Any]) -> str:
    return f"{case['end']}-{case.get('ran', 'never')}-{case['attempt']}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_next_start_follows_from_how_the_last_session_ended(case: dict[str, Any]) -> None:
    last = last_of(case)
    at_s = 0 if case["after"] == "at once" else ENDED_S + case["after"]
    assert (attempt_after(last), next_start_s(last)) == (case["next"], at_s)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_is_final_is_for_the_policy_to_say(case: dict[str, Any]) -> None:
    last = last_of(case)
    assert not is_final(last, "always")
    assert is_final(last, "on-failure") is case["on_failure"]
    assert is_final(last, "never") is case["never"]


def test_what_was_told_to_have_ended_normally_before_it_was_seen_to_record_is_complete() -> None:
    last = in_phase("ended", end_reason="exited", confirmed_s=None, signs=("exit:0",))
    assert is_final(last, "on-failure")
    left = in_phase("ended", end_reason="exited", confirmed_s=None, signs=("leave:1",))
    assert not is_final(left, "on-failure")


def test_every_end_has_a_case() -> None:
    assert {case["end"] for case in CASES} == set(End)


def test_a_first_start_has_nothing_to_wait_for() -> None:
    assert (attempt_after(None), next_start_s(None)) == (0, 0)


@pytest.mark.parametrize("phase", ["none", "acquired", *sorted(REACHABLE)])
def test_what_has_not_ended_delays_nobody(phase: str) -> None:
    last = in_phase(phase, attempt=3)
    assert (attempt_after(last), next_start_s(last)) == (0, 0)
    assert not is_final(last, "never")


@pytest.mark.parametrize(
    ("attempt", "asked_s", "next_s"),
    [(0, None, 1001), (1, None, 1011), (6, None, 1301), (6, 1020.0, 1320)],
)
def test_starts_that_become_orphans_back_off_from_the_last_that_was_heard(
    attempt: int, asked_s: float | None, next_s: float
) -> None:
    last = in_phase("orphan", attempt=attempt, asked_s=asked_s)
    assert (attempt_after(last), next_start_s(last)) == (attempt + 1, next_s)
    assert not is_final(last, "never")


def test_an_orphan_that_recorded_long_enough_is_followed_at_once() -> None:
    last = in_phase("orphan", attempt=6, confirmed_s=1007.0, asked_s=4602.0)
    assert (attempt_after(last), next_start_s(last)) == (0, 4602)
