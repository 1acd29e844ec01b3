"""A session that is not found: it may be moving, it may be gone, and nobody guesses which."""

import asyncio
from pathlib import Path

from reconciler.engine.apply import Limits
from reconciler.simulator.session import Session as Simulated
from tests.engine.support import Stage, action_of, kinds, outcomes, virtual_time

NOT_FOUND = {"status": 404, "code": 404, "reason": "failed to find worker"}


async def running(folder: Path) -> tuple[Stage, Simulated]:
    stage = Stage(folder)
    stage.want("lobby")
    await stage.apply()
    (alive,) = stage.alive("lobby")
    return stage, alive


@virtual_time
async def test_a_failover_of_less_than_90_s_changes_nothing(tmp_path: Path) -> None:
    stage, alive = await running(tmp_path)
    stage.order(alive, "failover", seconds=70)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("wait", "missing")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions()
    assert (session.phase, session.missing_s) == ("running", None)
    assert stage.started() == 1
    assert stage.log("stop") == []


@virtual_time
async def test_what_is_not_found_for_90_s_has_ended_and_is_started_again(tmp_path: Path) -> None:
    stage, alive = await running(tmp_path)
    stage.order(alive, "kill")
    began_s = stage.clock.now_s()
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    first, second = stage.sessions()
    assert (first.phase, first.end_reason) == ("ended", "gone")
    assert second.phase == "running"
    assert first.uid != second.uid
    assert 90 <= stage.log("start")[1]["at"] - began_s < 95
    asked = [round(call["at"] - began_s) for call in stage.log("query") if call["code"] == 404]
    assert asked == [0, 5, 15, 30, 60, 90]


@virtual_time
async def test_what_was_taken_for_gone_and_lives_is_stopped_after_three_minutes(
    tmp_path: Path,
) -> None:
    stage, alive = await running(tmp_path)
    stage.fault("query", uid=alive.identity.uid, effect=NOT_FOUND)
    await stage.apply()
    stage.heal()
    assert len(stage.alive("lobby")) == 2
    await asyncio.sleep(175)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("stop", "unwanted")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert [each.sid for each in stage.alive("lobby")] == [stage.sessions()[1].sid]
    assert stage.sessions()[0].end_reason == "unwanted"
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_it_is_looked_at_once_more_after_ten_minutes_and_then_never(tmp_path: Path) -> None:
    stage, alive = await running(tmp_path)
    stage.order(alive, "kill")
    await stage.apply()
    seen = len(stage.log("query"))
    looks = []
    for _ in range(12):
        await asyncio.sleep(60)
        await stage.apply()
        looks.append(any(call["sid"] == alive.sid for call in stage.log("query")[seen:]))
        seen = len(stage.log("query"))
    assert [minute for minute, looked in enumerate(looks, 1) if looked] == [3, 10]


@virtual_time
async def test_one_that_was_pruned_by_404_alone_is_looked_at_too(tmp_path: Path) -> None:
    stage, alive = await running(tmp_path)
    stage.want("other")
    await stage.apply()
    stage.drop("lobby")
    stage.fault("*", uid=alive.identity.uid, effect=NOT_FOUND)
    await stage.apply()
    assert stage.sessions("lobby")[0].phase == "ended"
    stage.heal()
    await asyncio.sleep(300)
    await stage.apply()
    assert stage.alive("lobby") == []
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_the_gateways_404_is_none(tmp_path: Path) -> None:
    stage, _ = await running(tmp_path)
    lost = {"status": 404, "body": {"message": "no Route matched with those values"}}
    stage.fault("query", effect=lost)
    plan = await stage.plan()
    assert kinds(plan) == {}
    assert [each.code for each in plan.diagnostics] == ["client-bug"]
    assert await stage.apply() == []
    assert stage.sessions()[0].phase == "running"


@virtual_time
async def test_an_unanswered_query_plans_no_stop_and_no_start(tmp_path: Path) -> None:
    stage, _ = await running(tmp_path)
    stage.fault("query", effect={"drop": "before"})
    plan = await stage.plan()
    assert kinds(plan) == {}
    assert [each.code for each in plan.diagnostics] == ["busy"]
    assert await stage.apply() == []
    assert stage.started() == 1


@virtual_time
async def test_past_its_resource_expiry_a_session_is_an_orphan_and_not_ended(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", resourceExpiry="1h")
    await stage.apply()
    await asyncio.sleep(3601)
    assert len(stage.alive("lobby")) == 1, "the service goes on"
    plan = await stage.plan()
    assert action_of(plan, "lobby").reason == "orphaned"
    assert "orphan" in [each.code for each in plan.diagnostics]
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    first, second = stage.sessions()
    assert (first.phase, first.ends_by_s) == ("orphan", None)
    assert second.phase == "running"
    assert first.uid != second.uid


@virtual_time
async def test_what_ended_by_itself_is_started_again(tmp_path: Path) -> None:
    stage, alive = await running(tmp_path)
    stage.order(alive, "remove")
    await asyncio.sleep(1.5)  # its status can still be seen
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("restart", "exited")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_a_final_end_stands_until_it_is_resumed(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    policy = {"restart": "on-failure"}
    stage.want("lobby", policy=policy)
    await stage.apply()
    stage.order(stage.alive("lobby")[0], "remove")
    await asyncio.sleep(1.5)
    assert await stage.apply() == []
    assert stage.alive("lobby") == []
    stage.want("lobby", policy=policy, suspend=True)
    await asyncio.sleep(60)
    await stage.apply()
    stage.want("lobby", policy=policy)
    assert action_of(await stage.plan(), "lobby").reason == "resumed"
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert len(stage.alive("lobby")) == 1
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_without_an_answer_nothing_is_settled_and_nobody_hurries(tmp_path: Path) -> None:
    stage, alive = await running(tmp_path)
    stage.order(alive, "failover", seconds=60)
    await stage.apply(limits=Limits(timeout_s=10))
    stage.fault("query", times=12, effect={"status": 504, "code": 62, "reason": "request timeout"})
    await asyncio.sleep(120)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.sessions()[0].phase == "running"
    assert stage.started() == 1
