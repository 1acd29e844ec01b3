"""What one process writes the other reads as it was, and refuses whatever else it finds."""

import json
from contextlib import suppress
from types import NoneType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.codec import read, written
from reconciler.engine.demands import DEMANDS, Overridden, Standing, Stopped, StopResult
from reconciler.plan.action import Kind
from reconciler.plan.result import OUTCOMES, Problem

TEXTS = st.text(max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)
PROBLEMS = st.builds(Problem, TEXTS, TEXTS, st.none() | TEXTS)
STOPS = st.builds(
    StopResult,
    recording=TEXTS,
    replica=st.integers(0, 99),
    kind=st.sampled_from(Kind),
    outcome=st.sampled_from(OUTCOMES),
    error=st.none() | PROBLEMS,
    session=TEXTS,
    seconds=NUMBERS,
)
ANSWERS = st.builds(Stopped, st.lists(STOPS, max_size=3).map(tuple))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)
STANDING = {"name": "lobby", "changed": True, "since_s": 1.5, "until_s": None, "reason": ""}

KINDS = {
    "name": (str,),
    "changed": (bool,),
    "since_s": (float, NoneType),
    "until_s": (float, NoneType),
    "reason": (str,),
}


@given(ANSWERS)
def test_what_is_written_is_read_as_it_was(answer: Stopped) -> None:
    assert read(Stopped, written(answer)) == answer


@given(st.sampled_from([*DEMANDS.values()]), JSON)
def test_anything_else_is_a_value_error(kind: Any, tree: Any) -> None:
    with pytest.raises(ValueError, match="it"):
        read(kind, json.dumps(tree))


@given(st.sampled_from([*STANDING]), JSON)
def test_a_member_of_another_kind_is_refused(member: str, value: Any) -> None:
    tree = {"recordings": [{**STANDING, member: value}]}
    with suppress(ValueError):
        (standing,) = read(Overridden, json.dumps(tree)).recordings
        found = getattr(standing, member)
        assert found == value
        assert type(found) in KINDS[member]


def test_a_whole_number_may_stand_for_any_other() -> None:
    tree = {"recordings": [{**STANDING, "since_s": 2}]}
    (standing,) = read(Overridden, json.dumps(tree)).recordings
    assert standing == Standing(name="lobby", changed=True, since_s=2.0)
    assert type(standing.since_s) is float
