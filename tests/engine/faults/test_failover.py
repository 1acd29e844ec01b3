"""The service moves a session to another server: up to 90 s of 404 end nothing, more do."""

import asyncio
from pathlib import Path

import pytest

from tests.engine.faults.run import outcome_of
from tests.engine.faults.steps import STEPS, converge, prepare, reference
from tests.engine.faults.truth import check, configs
from tests.engine.support import Stage, virtual_time

SHORT_S = (20.0, 60.0, 85.0)
LONG_S = 150.0
RUNNING = [name for name in STEPS if name not in {"starting", "restarting"}]


def move(stage: Stage, seconds: float) -> None:
    """Let the session move to another server for so long."""
    (lobby,) = stage.alive("lobby")
    stage.order(lobby, "failover", seconds=seconds)


@pytest.mark.parametrize("seconds", SHORT_S)
@pytest.mark.parametrize("step", RUNNING)
def test_a_short_failover_ends_nothing_and_hinders_nothing(
    step: str, seconds: float, tmp_path: Path
) -> None:
    undisturbed = reference(step)

    @virtual_time
    async def run() -> None:
        stage = Stage(tmp_path)
        await prepare(stage, STEPS[step])
        (before,) = stage.alive("lobby")
        move(stage, seconds)
        results = await stage.apply()
        assert outcome_of(results, "lobby").code == "done"
        check(stage)
        if not step.startswith("replacing"):
            starts = [each for each in stage.log("start") if each["cname"] == "lobby"]
            assert len(starts) == 1, "it was there all the time"
        if step in {"running", "changing", "pausing"}:
            assert [each.sid for each in stage.alive("lobby")] == [before.sid]
        assert await converge(stage, STEPS[step]) == 0
        assert configs(stage) == undisturbed

    run()


@pytest.mark.parametrize("step", RUNNING)
def test_what_a_long_failover_ended_is_found_again_and_stopped(step: str, tmp_path: Path) -> None:
    undisturbed = reference(step)

    @virtual_time
    async def run() -> None:
        stage = Stage(tmp_path)
        await prepare(stage, STEPS[step])
        (before,) = stage.alive("lobby")
        move(stage, LONG_S)
        results = await stage.apply()
        assert outcome_of(results, "lobby").code == "done"
        check(stage)
        await converge(stage, STEPS[step])
        assert before.sid not in {each.sid for each in stage.alive("lobby")}
        assert configs(stage) == undisturbed

    run()


@pytest.mark.parametrize("seconds", [*SHORT_S, LONG_S])
@pytest.mark.parametrize("after_s", [0.0, 3.0, 20.0])
def test_a_failover_right_after_the_start_leaves_one_session_in_the_end(
    after_s: float, seconds: float, tmp_path: Path
) -> None:
    undisturbed = reference("starting")

    @virtual_time
    async def run() -> None:
        stage = Stage(tmp_path)
        await prepare(stage, STEPS["starting"])
        order = {"order": "failover", "seconds": min(seconds, 90.0), "after_s": after_s}
        stage.fault("start", cname="lobby", times=1, effect={"then": order})
        results = await stage.apply()
        assert outcome_of(results, "lobby").code == "done"
        check(stage)
        await converge(stage, STEPS["starting"])
        assert configs(stage) == undisturbed

    run()


@virtual_time
async def test_the_fourth_failover_is_the_end_and_the_recording_starts_again(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    await prepare(stage, STEPS["running"])
    (first,) = stage.alive("lobby")
    for _ in range(3):
        move(stage, 30.0)
        await asyncio.sleep(60)
        assert [each.sid for each in stage.alive("lobby")] == [first.sid]
    move(stage, 30.0)
    await asyncio.sleep(30)
    results = await stage.apply()
    assert outcome_of(results, "lobby").code == "done"
    (second,) = stage.alive("lobby")
    assert second.identity.uid != first.identity.uid
    await converge(stage, STEPS["running"])
