"""Every row of agora-api.md 6, at every step at which its call is made: nothing is lost by it.

Each is answered once, and as long as the run lasts; then it is gone, and runs bring about what the
specs say. The rows are data (`tests/agora/error_rows.json`), and so is what comes of them
(`outcomes.yaml`).
"""

from pathlib import Path

import pytest

from reconciler.plan.action import Plan
from reconciler.plan.result import Problem
from tests.engine.faults.cases import ROWS, Case, cases
from tests.engine.faults.run import Scene, outcome_of
from tests.engine.faults.steps import STEPS, converge, prepare, reference
from tests.engine.faults.truth import check, configs
from tests.engine.support import virtual_time

CASES = cases()

INDIRECT = frozenset({"done", "none", "timeout", "backing-off", "unconfirmed"})
"""Codes of what came of it, and not of the answer itself."""

TOLD = frozenset({"gone-or-moving", "going"})
"""What a query tells of a session: it is no problem of the query."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_row_loses_nothing_and_leaves_nothing_behind(case: Case, tmp_path: Path) -> None:
    undisturbed = reference(case.step)

    @virtual_time
    async def run() -> None:
        scene = Scene(tmp_path)
        await prepare(scene.stage, STEPS[case.step])
        goes_wrong(scene, case)
        results = await scene.stage.apply()
        assert scene.went_wrong, "its call was not made"
        outcome = outcome_of(results, "lobby")
        assert outcome.code == case.expected, results
        assert is_sensible(case, outcome), outcome
        check(scene.stage)
        scene.open()
        await converge(scene.stage, STEPS[case.step])
        assert configs(scene.stage) == undisturbed

    run()


def goes_wrong(scene: Scene, case: Case) -> None:
    if case.is_refused:
        scene.close(case.endpoint, always=case.always)
    else:
        scene.fail(case.endpoint, case.effect, always=case.always)


def is_sensible(case: Case, outcome: Problem) -> bool:
    """Tell whether a problem says what the service said, or at least what is the matter."""
    if outcome.code in INDIRECT:
        return bool(outcome.message) == (outcome.code not in {"done", "none"})
    words = [f"{case.endpoint} at http://127.0.0.1:8787: "]
    words += [f"code {case.row['code']}"] if case.row["code"] else []
    words += [f"HTTP {case.effect['status']}"] if "status" in case.effect else []
    words += [case.row["message"]]
    return all(word in outcome.message for word in words)


QUERIES = [
    case for case in CASES if case.step == "running" and case.always and case.endpoint == "query"
]


@pytest.mark.parametrize("case", QUERIES, ids=str)
def test_what_cannot_be_read_plans_no_stop_and_no_start_and_is_said(
    case: Case, tmp_path: Path
) -> None:
    plans: list[Plan] = []

    @virtual_time
    async def run() -> None:
        scene = Scene(tmp_path)
        await prepare(scene.stage, STEPS["running"])
        goes_wrong(scene, case)
        plans.append(await scene.stage.plan())

    run()
    (plan,) = plans
    assert not plan.has_changes
    codes = {found.code for found in plan.diagnostics}
    assert (case.row["meaning"] in codes) != (case.row["meaning"] in TOLD)


def test_every_row_is_tried_at_its_step() -> None:
    tried = {(case.endpoint, case.row["status"], case.row["code"]) for case in CASES}
    rows = {
        (endpoint, row["status"], row["code"])
        for row in ROWS
        for endpoint in row["endpoints"]
        if endpoint != "get-ncs-ip"  # of a command of its own, and of no recording
    }
    assert tried == rows
