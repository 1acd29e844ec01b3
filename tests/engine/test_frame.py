"""How an apply runs: how wide, how long, and how it ends when it is interrupted."""

import asyncio
from itertools import pairwise
from pathlib import Path

from reconciler.engine.apply import Limits
from reconciler.plan.result import Result
from tests.engine.support import (
    Stage,
    action_of,
    kinds,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)


async def interrupted(stage: Stage, after_s: float) -> list[Result]:
    """Apply, and interrupt that so much later."""
    interrupt = asyncio.Event()
    asyncio.get_running_loop().call_later(after_s, interrupt.set)
    return await stage.apply(interrupt=interrupt)


@virtual_time
async def test_what_is_not_confirmed_in_time_fails_and_is_taken_up_by_the_next_run(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=60))
    stage.want("lobby")
    problem = problem_of(await stage.apply(limits=Limits(timeout_s=20)), "lobby")
    assert (problem.code, problem.hint) == ("timeout", "give it longer with --timeout")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.started() == 1


@virtual_time
async def test_only_what_is_not_settled_fails_when_time_is_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", replicas=2, uid="7", backupUids=["8"])
    stage.fault("query", uid="8", effect={"status": 200, "body": {"serverResponse": {"status": 1}}})
    results = await stage.apply(limits=Limits(timeout_s=20))
    assert outcomes(results) == {"lobby": "done", "lobby[1]": "failed"}


@virtual_time
async def test_no_wait_returns_after_the_calls(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=60))
    stage.want("lobby")
    began_s = stage.clock.now_s()
    assert outcomes(await stage.apply(limits=Limits(wait=False))) == {"lobby": "done"}
    assert stage.clock.now_s() - began_s < 2
    assert stage.sessions()[0].phase == "starting"
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_no_wait_sits_out_the_stop_that_another_recording_needs(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="7")
    await stage.apply()
    stage.drop("lobby")
    stage.want("annex", "individual", channel="lobby", uid="7")
    results = await stage.apply(limits=Limits(wait=False))
    assert outcomes(results) == {"lobby": "done", "annex": "done"}
    assert stage.sessions("annex")[0].uid == "7"


@virtual_time
async def test_an_interrupted_apply_begins_nothing_new_and_knows_all_that_it_began(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=60))
    for number in range(20):
        stage.want(f"room-{number}")
    results = await interrupted(stage, 1.5)
    begun = stage.started()
    assert 5 < begun < 15
    known = {each.sid for each in stage.sessions() if each.sid}
    assert known == {each.sid for each in stage.alive()}
    assert len(known) == begun
    assert set(outcomes(results).values()) == {"skipped"}
    codes = {(each.error.code, "not begun" in each.error.message) for each in results if each.error}
    assert codes == {("interrupted", True), ("interrupted", False)}
    assert set(outcomes(await stage.apply()).values()) == {"done"}
    assert stage.started() == 20


@virtual_time
async def test_an_interrupted_start_that_is_being_repeated_is_finished(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    no_worker = {"status": 500, "code": 502, "reason": "Failed to allocate worker"}
    stage.fault("start", effect=no_worker)
    await interrupted(stage, 2)
    assert len(stage.log("start")) <= 2, "no new pair is begun"
    assert stage.sessions()[-1].end_reason in {"interrupted", "not-started"}


@virtual_time
async def test_recordings_are_started_side_by_side_at_the_rate_of_the_app(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for number in range(30):
        stage.want(f"room-{number}")
    assert set(outcomes(await stage.apply()).values()) == {"done"}
    calls = stage.log("acquire", "start", "query")
    assert {call["status"] for call in calls} == {200}, "no 429"
    pairs = [call["at"] for call in stage.log("acquire", "start")]
    assert pairs[-1] - pairs[0] <= 1.15 * 60 / 10


@virtual_time
async def test_an_empty_plan_makes_no_call_that_changes_anything(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", replicas=2)
    stage.want("wall", "web")
    await stage.apply()
    before = await stage.calls()
    with stage.store() as store:
        serial = store.snapshot("default").serial
    assert kinds(await stage.plan()) == {}
    with stage.store() as store:
        assert store.snapshot("default").serial == serial, "a plan writes nothing"
    assert await stage.apply() == []
    assert await stage.calls() == before


@virtual_time
async def test_parallelism_bounds_how_many_are_in_work(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=20))
    for number in range(3):
        stage.want(f"room-{number}")
    await stage.apply(limits=Limits(parallelism=1))
    starts = [call["at"] for call in stage.log("start")]
    assert all(later - earlier > 20 for earlier, later in pairwise(starts))


@virtual_time
async def test_what_failed_backs_off_and_the_next_run_says_until_when(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("start", effect={"status": 400, "code": 2, "reason": "no"})
    await stage.apply()
    await stage.apply()
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("wait", "backing-off")
    assert action.until_s is not None
    assert 5 < action.until_s - stage.clock.now_s() <= 10
    tried = len(stage.log("start"))
    assert problem_of(await stage.apply(), "lobby").code == "backing-off"
    assert len(stage.log("start")) == tried
    stage.heal()
    stage.want("lobby", maxIdle="9m")  # another configuration ends the back-off
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_a_failure_stands_as_a_condition_until_an_apply_mends_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("acquire", effect={"status": 400, "code": 2, "reason": "no"})
    await stage.apply()
    with stage.store() as store:
        (failed,) = store.conditions("default")
        events = [event for _, event in store.events("default", "lobby")]
    assert (failed.type, failed.status) == ("Applied", False)
    assert any(event.type == "warning" and event.reason == failed.reason for event in events)
    stage.heal()
    await stage.apply()
    with stage.store() as store:
        (mended,) = store.conditions("default")
    assert (mended.status, mended.message) == (True, "")
