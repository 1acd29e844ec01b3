from collections import defaultdict
from dataclasses import replace

import pytest

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.plan.action import Kind, Plan
from reconciler.plan.decide import decide_recording
from reconciler.plan.make import make_plan
from tests.plan.support import NAME, NOW_S, Case, cases_of, shown, titled, world_of

CASES = cases_of("plans/*.yaml")
EVERY_CASE = [*CASES, *cases_of("*.yaml")]


@pytest.mark.parametrize("case", CASES, ids=titled)
def test_a_plan_says_of_each_recording_what_the_table_says(case: Case) -> None:
    assert by_recording(make_plan(world_of(case))) == {
        name: said if isinstance(said, list) else [said] for name, said in case["expect"].items()
    }


@pytest.mark.parametrize("case", CASES, ids=titled)
def test_a_plan_tells_what_someone_should_look_at(case: Case) -> None:
    told = make_plan(world_of(case)).diagnostics
    assert sorted(each.code for each in told) == sorted(case.get("notices", []))
    assert {each.severity for each in told} <= {Severity.WARNING}


@pytest.mark.parametrize("case", CASES, ids=titled)
def test_a_plan_names_what_was_renamed(case: Case) -> None:
    assert [list(pair) for pair in make_plan(world_of(case)).renames] == case.get("renames", [])


@pytest.mark.parametrize("case", EVERY_CASE, ids=titled)
def test_a_plan_is_in_order_of_name_and_replica(case: Case) -> None:
    keys = [(each.key.recording, each.key.replica) for each in make_plan(world_of(case)).actions]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("case", cases_of("*.yaml"), ids=titled)
def test_plan_and_apply_decide_alike(case: Case) -> None:
    world = world_of(case)
    assert make_plan(world).actions == decide_recording(world, NAME)


def test_with_no_place_free_a_recording_is_decided_on_as_in_a_plan() -> None:
    world = world_of({"apps": {"main": {"max_recordings": 0}}})
    (action,) = decide_recording(world, NAME, {("key", False): 0})
    assert (action,) == make_plan(world).actions
    assert action.kind is Kind.ERROR
    assert "`maxRecordings: 0`" in action.message


def test_without_places_given_no_limit_is_applied() -> None:
    world = world_of({"apps": {"main": {"max_recordings": 0}}})
    assert [action.kind for action in decide_recording(world, NAME)] == [Kind.START]


def test_what_was_told_before_is_part_of_the_plan() -> None:
    earlier = Diagnostic(Position("specs/a.yaml"), "spec", Severity.ERROR, "unknown-key", "no")
    assert make_plan(world_of({}), [earlier, earlier]).diagnostics == (earlier,)


def test_an_orphan_is_told_with_its_latest_end() -> None:
    world = world_of({"sessions": [{"phase": "orphan", "ends_by": 3600, "channel": "room"}]})
    (told,) = make_plan(world).diagnostics
    assert told.position.file == "specs/talks.yaml"
    assert "channel `room` with uid `7`" in told.message
    assert "2027-01-15T09:00:00Z" in told.message


def test_a_secret_that_many_need_names_a_few_of_them() -> None:
    names = [f"r{number}" for number in range(9)]
    world = world_of({"recordings": {name: {} for name in names}})
    (told,) = make_plan(replace(world, unresolved=dict.fromkeys(names, ("env:KEY",)))).diagnostics
    assert "`env:KEY`" in told.message
    assert told.message.endswith("`r0`, `r1`, `r2`, 6 more")


def basis(**case: object) -> str:
    return make_plan(world_of(dict(case))).basis


def test_the_basis_moves_with_everything_that_decides() -> None:
    found = [
        basis(sessions=[{}]),
        basis(sessions=[]),
        basis(sessions=[{"phase": "starting"}]),
        basis(sessions=[{"id": "s9"}]),
        basis(sessions=[{"digest": "old"}]),
        basis(sessions=[{"sealed": "other"}]),
        basis(sessions=[{"pending": ["layout"]}]),
        basis(sessions=[{"stop_reason": "requested"}]),
        basis(sessions=[{"comparison": {"changes": [["layout.type", "update_layout"]]}}]),
        basis(sessions=[{"comparison": {"replaces": True}}]),
        basis(sessions=[{"comparison": {"groups": ["layout"]}}]),
        basis(sessions=[{}], wanted={"digest": "new"}),
        basis(sessions=[{}], wanted={"error": "its manifest has errors"}),
        basis(sessions=[{}], wanted=None),
        basis(sessions=[{}], recorded={"override": {"until": 60}}),
        basis(sessions=[{}], unresolved={NAME: ["env:KEY"]}),
    ]
    assert len(set(found)) == len(found)


def test_the_basis_does_not_move_with_time() -> None:
    asked = {"asked": -5, "observed": -5, "status": 5}
    assert basis(sessions=[{}]) == basis(sessions=[asked], at=100)


def test_it_does_not_matter_to_the_basis_how_it_is_known_that_nothing_differs() -> None:
    assert basis(sessions=[{}]) == basis(sessions=[{"comparison": {}}])


def test_a_plan_has_the_digest_of_what_would_be_done() -> None:
    first = make_plan(world_of({"sessions": [{"phase": "starting"}]}))
    later = make_plan(world_of({"sessions": [{"phase": "starting", "started": -31}]}))
    assert first.actions != later.actions
    assert first.digest == later.digest
    assert first.digest != make_plan(world_of({})).digest


def test_a_session_that_is_plainly_in_sync_is_decided_on_as_the_whole_decision_would() -> None:
    plain = world_of({"sessions": [{}]})
    whole = replace(plain, recorded={})  # which the shortcut does not take
    assert make_plan(plain).actions == make_plan(whole).actions == decide_recording(plain, NAME)


@pytest.mark.parametrize("resource_ends", [600, 1200, 1799, 1800, 1801])
def test_the_shortcut_never_misses_a_rotation(resource_ends: int) -> None:
    session = {"created": -250000, "started": -250000, "resource_ends": resource_ends}
    for sid in map(str, range(50)):
        world = world_of({"sessions": [{**session, "sid": sid}]})
        assert make_plan(world).actions == decide_recording(world, NAME)


def by_recording(plan: Plan) -> dict[str, list[Case]]:
    assert plan.now_s == NOW_S
    found: dict[str, list[Case]] = defaultdict(list)
    for action in plan.actions:
        found[action.key.recording].append(shown(action))
    return dict(found)
