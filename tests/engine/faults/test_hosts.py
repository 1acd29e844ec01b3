"""The first of an App's hosts is down: all goes through the other, and pairs stay together."""

import asyncio
from pathlib import Path

import pytest

from tests.engine.faults.run import Scene, outcome_of
from tests.engine.faults.steps import STEPS, converge, prepare, reference
from tests.engine.faults.truth import check, configs
from tests.engine.support import APP, virtual_time

FIRST, SECOND = "http://127.0.0.1:8787", "http://localhost:8788"


def with_two_hosts(scene: Scene) -> None:
    """Give the App a second host in front of the same service."""
    scene.stage.write("app.yaml", APP.replace(FIRST, f"{FIRST}, {SECOND}"))


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_done_at_the_second_host(step: str, tmp_path: Path) -> None:
    undisturbed = reference(step)

    @virtual_time
    async def run() -> None:
        scene = Scene(tmp_path)
        with_two_hosts(scene)
        await prepare(scene.stage, STEPS[step])
        scene.closed.host = FIRST
        results = await scene.stage.apply()
        assert scene.went_wrong, "it asked the first host first"
        assert outcome_of(results, "lobby").code in {"done", "none"}
        check(scene.stage)
        assert configs(scene.stage) == undisturbed
        scene.open()
        assert await converge(scene.stage, STEPS[step]) == 0

    run()


@virtual_time
async def test_a_session_that_began_at_the_second_host_is_called_there(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    with_two_hosts(scene)
    scene.closed.host = FIRST
    scene.stage.want("lobby")
    await scene.stage.apply()
    (session,) = scene.stage.sessions()
    assert session.host == SECOND
    refused = len(scene.closed.refused)
    await asyncio.sleep(60)
    await scene.stage.apply()
    assert len(scene.closed.refused) == refused, "its queries went to the host that is down"


@pytest.mark.parametrize("step", STEPS)
def test_with_both_hosts_down_nothing_is_begun_and_nothing_is_lost(
    step: str, tmp_path: Path
) -> None:
    undisturbed = reference(step)

    @virtual_time
    async def run() -> None:
        scene = Scene(tmp_path)
        with_two_hosts(scene)
        await prepare(scene.stage, STEPS[step])
        started = scene.stage.started()
        scene.closed.host = "http://"
        results = await scene.stage.apply()
        assert outcome_of(results, "lobby").code in {"none", "unreached", "timeout"}
        assert scene.stage.started() == started
        check(scene.stage)
        scene.open()
        await converge(scene.stage, STEPS[step])
        assert configs(scene.stage) == undisturbed

    run()
