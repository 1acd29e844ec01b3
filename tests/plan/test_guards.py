from typing import Any

import pytest

from reconciler.plan.action import Plan
from reconciler.plan.make import make_plan
from tests.plan.support import Case, world_of

GONE: Case = {"wanted": None}
SUSPENDED: Case = {"wanted": {"suspend": True}}
OVERRIDDEN: Case = {"recorded": {"override": {}}}
CHANGED: Case = {"session": {"digest": "old", "comparison": {"replaces": True}}}
CLOSED: Case = {
    "wanted": {"schedule": [{"start": "2027-01-15T06:00:00Z", "until": "2027-01-15T07:00:00Z"}]}
}
EDITED: Case = {**CLOSED, "recorded": {"schedule": None}}
FEWER: Case = {"session": {"replica": 1}, "wanted": {"replicas": 1}}
COUNTED = {
    "gone": GONE,
    "suspended": SUSPENDED,
    "overridden": OVERRIDDEN,
    "changed": CHANGED,
    "edited": EDITED,
    "fewer": FEWER,
}
NOT_COUNTED = {
    "window's end": CLOSED,
    "window's end beside another change": {**CLOSED, "recorded": {"digest": "before"}},
    "rotation": {"session": {"started": None, "resource_ends": None}},
    "observed": {**CHANGED, "wanted": {"policy": {"manage": "observe"}}},
    "protected": {**CHANGED, "wanted": {"policy": {"protect": True}}},
    "update": {"session": {"digest": "old", "comparison": {"groups": ["layout"]}}},
    "unconfirmed": {"session": {"phase": "starting", "started": -90}},
    "told before": {**GONE, "session": {"stop_reason": "removed"}},
    "replaced": {"session": {"created": -60}, "second": {"id": "p-{}", "created": -900}},
}


def plan_of(said: Case, stops: int, running: int, **options: Any) -> Plan:
    """Plan for so many running sessions, of which so many are as `said`."""
    recordings = {}
    for number in range(running):
        case = said if number < stops else {}
        session = {"id": f"s-{number}", **case.get("session", {})}
        sessions = [session]
        if "second" in case:
            second = {**case["second"], "id": case["second"]["id"].format(number)}
            sessions = [second, {**session, "replaces": second["id"]}]
        row = {key: value for key, value in case.items() if key in {"wanted", "recorded"}}
        recordings[f"r{number:02}"] = {**row, "sessions": sessions}
    apps = {"main": {"max_recordings": 1000}}
    return make_plan(world_of({"recordings": recordings, "options": options, "apps": apps}))


@pytest.mark.parametrize("said", COUNTED.values(), ids=COUNTED)
def test_more_than_thirty_percent_of_ten_are_refused(said: Case) -> None:
    plan = plan_of(said, 4, 10)
    assert plan.refused == (
        "4 of 10 running sessions would be stopped or replaced, which is more than 30%"
    )
    assert "`--allow-stops 4`" in plan.refused_hint
    assert [each.code for each in plan.diagnostics] == ["guard-stops"]
    assert plan.has_changes


@pytest.mark.parametrize("said", COUNTED.values(), ids=COUNTED)
def test_thirty_percent_are_not_refused(said: Case) -> None:
    assert not plan_of(said, 3, 10).refused


@pytest.mark.parametrize("said", COUNTED.values(), ids=COUNTED)
def test_of_fewer_than_ten_all_may_be_stopped(said: Case) -> None:
    assert not plan_of(said, 9, 9).refused


@pytest.mark.parametrize("said", NOT_COUNTED.values(), ids=NOT_COUNTED)
def test_what_ends_no_session_that_might_go_on_is_not_counted(said: Case) -> None:
    assert not plan_of(said, 12, 12).refused


def test_what_is_told_to_stop_already_does_not_count_as_running() -> None:
    assert not plan_of(NOT_COUNTED["told before"], 3, 12).refused
    recordings: Case = {f"told{number}": told(number) for number in range(20)}
    recordings |= {f"gone{number}": gone(number) for number in range(9)}
    assert not make_plan(world_of({"recordings": recordings})).refused


def test_stops_that_were_let_through_do_not_count_when_they_are_sent_again() -> None:
    again = {"stop_reason": "removed", "stop_asked": -600, "stops": 1}
    plan = plan_of({**GONE, "session": again}, 4, 14)
    assert plan.summary["stop"] == 4
    assert not plan.refused


def test_what_is_only_observed_makes_the_others_no_safer() -> None:
    observed: Case = {"wanted": {"policy": {"manage": "observe"}}}
    recordings: Case = {f"gone{number}": gone(number) for number in range(6)}
    recordings |= {f"on{number}": {"sessions": [{"id": f"n{number}"}]} for number in range(4)}
    recordings |= {
        f"seen{number}": {**observed, "sessions": [{"id": f"o{number}"}]} for number in range(30)
    }
    assert make_plan(world_of({"recordings": recordings})).refused == (
        "6 of 10 running sessions would be stopped or replaced, which is more than 30%"
    )


def told(number: int) -> Case:
    return {"sessions": [{"id": f"t{number}", "stop_reason": "removed"}]}


def gone(number: int) -> Case:
    return {"wanted": None, "sessions": [{"id": f"g{number}"}]}


def test_a_number_that_is_allowed_is_not_refused() -> None:
    assert not plan_of(GONE, 9, 12, allow_stops=9).refused


def test_one_more_than_allowed_is_refused() -> None:
    assert "10 of 12" in plan_of(GONE, 10, 12, allow_stops=9).refused


def test_what_is_not_asked_for_is_not_counted() -> None:
    assert not plan_of(GONE, 9, 12, targets=["r00", "r01"]).refused


def test_a_kind_of_stop_does_not_hide_another() -> None:
    recordings: Case = {f"gone{number}": gone(number) for number in range(2)}
    recordings |= {
        f"off{number}": {**SUSPENDED, "sessions": [{"id": f"o{number}"}]} for number in range(2)
    }
    recordings |= {f"on{number}": {"sessions": [{"id": f"n{number}"}]} for number in range(6)}
    assert make_plan(world_of({"recordings": recordings})).refused


def test_no_manifest_at_all_is_refused_while_something_runs() -> None:
    plan = plan_of(GONE, 1, 1, manifests=0)
    assert plan.refused == "there is no manifest at all, while 1 session runs in this scope"
    assert "`--allow-empty`" in plan.refused_hint
    assert [each.code for each in plan.diagnostics] == ["guard-empty"]


def test_no_manifest_at_all_is_refused_even_where_stops_are_allowed() -> None:
    assert "no manifest" in plan_of(GONE, 20, 20, manifests=0, allow_stops=20).refused


def test_no_manifest_at_all_can_be_allowed() -> None:
    assert not plan_of(GONE, 1, 1, manifests=0, allow_empty=True).refused


def test_allowing_nothing_does_not_allow_so_many_stops() -> None:
    assert "20 of 20" in plan_of(GONE, 20, 20, manifests=0, allow_empty=True).refused


def test_no_manifest_is_no_matter_where_nothing_runs() -> None:
    case: Case = {"options": {"manifests": 0}, **GONE, "sessions": [{"phase": "ended"}]}
    assert not make_plan(world_of(case)).refused


def test_a_command_without_paths_has_no_manifests_to_miss() -> None:
    assert not plan_of(GONE, 1, 1, manifests=0, paths=[]).refused


def test_a_set_that_yields_nothing_is_refused_while_it_runs() -> None:
    said: Case = {"wanted": None, "recorded": {"set": "rooms"}}
    plan = plan_of(said, 2, 12, empty_sets=["rooms"])
    assert plan.refused == "RecordingSet `rooms` yields nothing, while 2 sessions run that it made"
    assert not plan_of(said, 2, 12, empty_sets=["rooms"], allow_empty=True).refused


@pytest.mark.parametrize("phase", ["acquired", "starting", "missing"])
def test_a_set_that_yields_nothing_is_refused_while_a_start_is_not_settled(phase: str) -> None:
    said: Case = {"wanted": None, "recorded": {"set": "rooms"}, "session": {"phase": phase}}
    assert plan_of(said, 1, 1, empty_sets=["rooms"]).refused


def test_a_start_that_is_not_settled_counts_as_one_that_runs() -> None:
    settling: Case = {**GONE, "session": {"phase": "acquired"}}
    assert plan_of(settling, 4, 10).refused
    assert plan_of(settling, 12, 12).refused
    assert not plan_of(settling, 3, 10).refused
    assert not plan_of(settling, 9, 9).refused


def test_a_set_of_which_nothing_runs_may_yield_nothing() -> None:
    assert not plan_of(GONE, 2, 12, empty_sets=["rooms"]).refused


def test_a_plan_that_stops_nothing_is_never_refused_for_stops() -> None:
    plan = plan_of({}, 0, 30)
    assert not plan.refused
    assert not plan.refused_hint
    assert not plan.diagnostics
