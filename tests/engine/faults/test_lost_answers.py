"""A call whose answer is lost, or comes too late, is made good whether it took effect or not."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.faults.cases import places
from tests.engine.faults.run import Scene, outcome_of
from tests.engine.faults.steps import STEPS, converge, prepare, reference
from tests.engine.faults.truth import check, configs
from tests.engine.support import virtual_time

LATE_S = 40.0
"""Longer than any call waits for its answer."""

LOSSES: dict[str, dict[str, Any]] = {
    "lost-before-the-effect": {"drop": "before"},
    "lost-after-the-effect": {"drop": "after"},
    "effect-comes-late": {"hold_s": LATE_S},
    "answer-comes-late": {"delay_s": LATE_S},
}
TOO_LATE = {"lost-after-the-effect", "answer-comes-late"}
"""Losses of the `sid`, which the repeated start does not tell: its session is an orphan."""

PLACES = list(places())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("step", "endpoint"), PLACES, ids=str)
def test_one_lost_answer_is_made_good_in_the_same_run(
    step: str, endpoint: str, loss: str, tmp_path: Path
) -> None:
    undisturbed = reference(step)

    @virtual_time
    async def run() -> None:
        scene = Scene(tmp_path)
        await prepare(scene.stage, STEPS[step])
        scene.fail(endpoint, LOSSES[loss], always=False)
        results = await scene.stage.apply()
        assert scene.went_wrong
        assert outcome_of(results, "lobby").code in {"done", "none"}
        check(scene.stage)
        orphans = [each for each in scene.stage.sessions() if each.is_orphan]
        assert len(orphans) == (endpoint == "start" and loss in TOO_LATE)
        assert await converge(scene.stage, STEPS[step]) == 0
        assert configs(scene.stage) == undisturbed

    run()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("step", "endpoint"), PLACES, ids=str)
def test_answers_that_are_lost_for_a_whole_run_lose_nothing(
    step: str, endpoint: str, loss: str, tmp_path: Path
) -> None:
    undisturbed = reference(step)

    @virtual_time
    async def run() -> None:
        scene = Scene(tmp_path)
        await prepare(scene.stage, STEPS[step])
        scene.fail(endpoint, LOSSES[loss], always=True)
        await scene.stage.apply()
        assert scene.went_wrong
        check(scene.stage)
        scene.open()
        await converge(scene.stage, STEPS[step])
        assert configs(scene.stage) == undisturbed

    run()


@pytest.mark.parametrize("loss", LOSSES)
def test_of_a_start_whose_answers_are_all_lost_every_session_is_listed_as_an_orphan(
    loss: str, tmp_path: Path
) -> None:
    @virtual_time
    async def run() -> None:
        scene = Scene(tmp_path)
        await prepare(scene.stage, STEPS["starting"])
        scene.fail("start", LOSSES[loss], always=True)
        results = await scene.stage.apply()
        assert outcome_of(results, "lobby").code == "perhaps-started"
        orphans = {each.uid for each in scene.stage.sessions() if each.is_orphan}
        assert len(orphans) == 3
        started = {each.identity.uid for each in scene.stage.alive("lobby")}
        assert started == (set() if loss == "lost-before-the-effect" else orphans)

    run()
