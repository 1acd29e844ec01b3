import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.cli.saved_plan import SavedPlan, read_saved, saved_plan
from reconciler.errors import UsageError
from reconciler.plan.action import Key, Kind, Plan
from reconciler.plan.result import OUTCOMES, Problem, Result
from reconciler.web.plan import apply_document, plan_document
from tests.cli.contract import COUNT, MAYBE_TEXT, TEXT, TIME, VERSION, known, listed, maybe, one_of
from tests.cli.made_plans import plans, texts
from tests.golden.plans import PLAN, REQUESTS, SESSIONS

KINDS = (
    "start",
    "update",
    "update_layout",
    "update_and_layout",
    "replace",
    "restart",
    "rotate",
    "stop",
    "wait",
    "none",
    "error",
)
CHANGE = known(
    path=TEXT,
    before={},
    after={},
    effect=one_of("update", "update_layout", "replace", "local"),
    known=one_of("observed", "applied"),
)
SESSION = maybe(known(uid=TEXT, sid=MAYBE_TEXT, resource_id=MAYBE_TEXT))
DIAGNOSTIC = known(
    file=TEXT,
    line=COUNT,
    column=COUNT,
    path=TEXT,
    severity=one_of("error", "warning"),
    code=TEXT,
    message=TEXT,
    hint=MAYBE_TEXT,
)
ACTION = known(
    recording=TEXT,
    replica=COUNT,
    action=one_of(*KINDS),
    reason=TEXT,
    message=TEXT,
    cause=one_of("spec", "drift", "expiry", "schedule", "credentials", "failure", "request"),
    changes=listed(CHANGE),
    session=SESSION,
    requests=listed(known(method=TEXT, path=TEXT, body={"type": "object"})),
)
PLAN_SCHEMA = known(
    format_version=VERSION,
    generated_at=TIME,
    scope=TEXT,
    digest={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    summary=known(**dict.fromkeys(KINDS, COUNT)),
    actions=listed(ACTION),
    diagnostics=listed(DIAGNOSTIC),
)
ERROR = maybe(known(code=TEXT, message=TEXT, hint=MAYBE_TEXT))
RESULT = known(
    recording=TEXT,
    replica=COUNT,
    action=one_of(*KINDS),
    outcome=one_of("done", "failed", "skipped"),
    error=ERROR,
    session=SESSION,
    seconds={"type": "number"},
)
APPLY_SCHEMA = known(
    format_version=VERSION,
    plan=PLAN_SCHEMA,
    results=listed(RESULT),
    summary=known(done=COUNT, failed=COUNT, skipped=COUNT),
)
SAVED = SavedPlan(
    scope="default",
    digest="a" * 64,
    basis="b" * 64,
    paths=("specs", "../more"),
    targets=frozenset({"x", "y"}),
    prune=False,
    prune_all=True,
)
results = st.builds(
    Result,
    st.builds(Key, texts, st.integers(0, 3)),
    st.sampled_from(Kind),
    st.sampled_from(OUTCOMES),
    st.none() | st.builds(Problem, texts, texts, st.none() | texts),
    st.none() | st.just(SESSIONS["kiosk-1"]),
    st.floats(0, 1000),
)


def through_json(document: dict[str, Any]) -> Any:
    return json.loads(json.dumps(document, allow_nan=False))


@given(plans.filter(lambda plan: "inf" not in repr(plan).lower()))
def test_any_plan_is_the_document_of_the_contract(plan: Plan) -> None:
    document = through_json(plan_document(plan, SESSIONS, REQUESTS))
    Draft202012Validator(PLAN_SCHEMA).validate(document)
    assert len(document["actions"]) == len(plan.actions)
    assert document["digest"] == plan.digest


@given(st.lists(results, max_size=5))
def test_any_results_are_the_document_of_the_contract(made: list[Result]) -> None:
    document = through_json(apply_document(plan_document(PLAN, SESSIONS, {}), made))
    Draft202012Validator(APPLY_SCHEMA).validate(document)
    assert sum(document["summary"].values()) == len(made)


@pytest.mark.parametrize("key", ["digest", "summary", "actions", "diagnostics", "generated_at"])
def test_the_schema_of_these_tests_misses_nothing(key: str) -> None:
    document = plan_document(PLAN, SESSIONS, {})
    del document[key]
    assert not Draft202012Validator(PLAN_SCHEMA).is_valid(document)


def test_a_session_that_is_not_known_yet_has_nulls() -> None:
    unknown = {"kiosk-1": replace(SESSIONS["kiosk-1"], sid="", resource_id="")}
    actions = plan_document(PLAN, unknown, {})["actions"]
    found = [action["session"] for action in actions if action["recording"] == "kiosk"]
    assert found == [{"uid": "1001", "sid": None, "resource_id": None}]


def test_a_saved_plan_is_the_plan_and_reads_back() -> None:
    text = saved_plan(plan_document(PLAN, SESSIONS, {}), SAVED)
    assert read_saved(text, "plan.json") == replace(SAVED, scope=PLAN.scope, digest=PLAN.digest)
    assert json.loads(text)["actions"] == through_json(plan_document(PLAN, SESSIONS, {}))["actions"]


def edited(**changes: object) -> str:
    tree = json.loads(saved_plan(plan_document(PLAN, SESSIONS, {}), SAVED))
    return json.dumps({key: each for key, each in {**tree, **changes}.items() if each is not ...})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no document of `reconciler plan`"),
        ("{}", "no document of `reconciler plan`"),
        (edited(format_version="2"), "not version 1"),
        (edited(format_version=1), "not version 1"),
        (json.dumps(plan_document(PLAN, SESSIONS, {})), "not written with `--out`"),
        (edited(scope=None), "`scope`"),
        (edited(digest=...), "`digest`"),
        (edited(basis=7), "`basis`"),
        (edited(paths="specs"), "`paths`"),
        (edited(paths=["specs", 1]), "`paths`"),
        (edited(options=...), "`options`"),
        (edited(options={"targets": [], "prune": "no", "prune_all": False}), "`prune`"),
        (edited(options={"targets": [1], "prune": True, "prune_all": False}), "`targets`"),
    ],
)
def test_a_file_that_is_no_saved_plan_is_refused_with_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=r"`plan\.json` is not a saved plan: ") as refused:
        read_saved(text, "plan.json")
    assert why in str(refused.value)
    assert "plan again" in str(refused.value.hint)


@given(st.text() | st.recursive(st.none() | st.integers() | texts, st.lists).map(json.dumps))
def test_no_text_is_read_as_a_saved_plan_by_chance(text: str) -> None:
    with pytest.raises(UsageError):
        read_saved(text, "plan.json")
