"""What is asked of a `run`, and what it answers, as both processes write it."""

import pytest

from reconciler.engine import demands
from reconciler.engine.adopt import Adoption
from reconciler.engine.demands import (
    Approve,
    Approved,
    Demand,
    Forget,
    Forgotten,
    Resume,
    Stop,
    Stopped,
    Suspend,
)
from reconciler.errors import LockedError, ReconcilerError, RefusedError

NAMES = ("a", "b", "c")
ADOPTION = Adoption(
    recording="a",
    replica=0,
    uid="7",
    resource_id="r",
    sid="s",
    started_s=None,
    assume_applied=False,
)
ALL: tuple[Demand, ...] = (
    Stop(names=NAMES, timeout_s=1.5, parallelism=2),
    Suspend(names=NAMES, reason="r", for_s=None),
    Resume(names=NAMES),
    Forget(names=NAMES, orphan=""),
    ADOPTION,
    Approve(digest="ab" * 32),
)


@pytest.mark.parametrize("demand", ALL)
def test_a_demand_is_read_as_it_was_made(demand: Demand) -> None:
    request = demands.request_of(demand, 5.0)
    assert request.created_s == 5.0
    assert demands.demand_of(request) == demand
    assert not demands.is_taken(request)
    assert demands.is_taken(demands.taken(request))
    names = demands.names_in(request)
    assert demands.names_in(demands.taken(request)) == names
    assert names == {Adoption: ("a",), Approve: ()}.get(type(demand), NAMES)


def test_of_several_apps_each_gets_a_part_and_one_answer_comes_of_it() -> None:
    apps = {"a": "one", "b": "two", "c": "one"}
    parts = demands.parts_of(Resume(names=NAMES), apps.__getitem__)
    assert parts == [Resume(names=("a", "c")), Resume(names=("b",))]
    assert demands.parts_of(ADOPTION, apps.__getitem__) == [ADOPTION]
    answers = [Forgotten(("1", "2")), Forgotten(()), Forgotten(("3",))]
    assert demands.joined(answers) == Forgotten(("1", "2", "3"))
    assert demands.joined([Approved()]) == Approved()


@pytest.mark.parametrize("kind", [ReconcilerError, RefusedError, LockedError])
def test_an_error_ends_the_command_as_it_would_have_ended_the_run(
    kind: type[ReconcilerError],
) -> None:
    text = demands.failed_text(kind("it cannot be", hint="do this"))
    with pytest.raises(kind, match="it cannot be") as failed:
        demands.answered(text, Stopped)
    assert (failed.value.hint, failed.value.exit_code) == ("do this", kind.exit_code)


@pytest.mark.parametrize("text", ["", "[]", '{"results": [1]}', '{"error": {"message": 7}}'])
def test_an_answer_of_another_version_says_so(text: str) -> None:
    with pytest.raises(ReconcilerError, match="cannot be read") as failed:
        demands.answered(text, Stopped)
    assert "same version" in str(failed.value.hint)


def test_the_mark_that_it_is_taken_tells_where_the_answer_comes() -> None:
    assert demands.place_in(demands.taken_text(1 << 40)) == 1 << 40
    assert demands.place_in(demands.done_text(Approved())) is None
    assert demands.place_in(demands.failed_text(ReconcilerError("no"))) is None
