"""What is not to record any more is stopped, and the stop repeated until it is known to be over."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.apply import Limits
from reconciler.plan.recorded import Override
from reconciler.state.store import SetRecorded
from tests.agora.support import NOW_S
from tests.engine.support import Stage, action_of, kinds, outcomes, problem_of, virtual_time

NOT_FOUND = {"status": 404, "code": 404, "reason": "failed to find worker"}
BUSY = {"status": 504, "code": 62, "reason": "request timeout"}


async def running(folder: Path, **spec: Any) -> Stage:
    """Return a stage with the running recordings `lobby` and `other`."""
    stage = Stage(folder)
    stage.want("other")
    stage.want("lobby", **spec)
    await stage.apply()
    return stage


@virtual_time
async def test_what_is_gone_from_the_specs_is_stopped(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.drop("lobby")
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("stop", "removed")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions("lobby")
    assert (session.phase, session.end_reason) == ("ended", "removed")
    assert [each.identity.cname for each in stage.alive()] == ["other"]
    assert kinds(await stage.plan()) == {}


@virtual_time
@pytest.mark.parametrize("policy", [{"onRemoval": "leave"}, {"manage": "observe"}])
async def test_what_is_to_be_left_is_forgotten_and_goes_on(
    tmp_path: Path, policy: dict[str, str]
) -> None:
    stage = await running(tmp_path)
    stage.want("lobby", policy=policy)
    await stage.apply()
    stage.drop("lobby")
    assert await stage.apply() == []
    assert stage.sessions("lobby")[0].end_reason == "forgotten"
    assert len(stage.alive("lobby")) == 1
    assert kinds(await stage.plan()) == {}
    assert stage.log("stop") == []


@virtual_time
async def test_what_is_only_observed_is_never_acted_on(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.want("lobby", policy={"manage": "observe"}, layout={"type": "best-fit"})
    before = await stage.calls()
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("none", "observed")
    assert "layout" in action.message
    assert await stage.apply() == []
    assert await stage.calls() == before


@virtual_time
async def test_a_suspended_recording_is_stopped_and_comes_back_in_its_time(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.want("lobby", suspend={"reason": "works", "until": "2026-05-28T21:26:40Z"})
    await stage.apply()
    assert stage.sessions("lobby")[0].end_reason == "suspended"
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason, action.until_s) == ("none", "suspended", NOW_S + 3600)
    await asyncio.sleep(3600)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("start", "resumed")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_an_override_in_state_suspends_too(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    with stage.store() as store:
        recorded = store.snapshot("default").recorded["lobby"]
        held = replace(recorded, override=Override(since_s=NOW_S, until_s=NOW_S + 600))
        store.commit("default", [SetRecorded(recorded=held)])
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.alive("lobby") == []
    assert kinds(await stage.plan()) == {"lobby": "none"}
    await asyncio.sleep(600)
    await stage.apply()
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_a_recording_keeps_to_the_windows_of_its_schedule(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    window = {"from": "2026-05-28T20:30:00Z", "until": "2026-05-28T20:40:00Z"}  # 200 s from now
    stage.want("lobby", schedule=[window])
    assert await stage.apply() == []
    action = action_of(await stage.plan(), "lobby")
    assert (action.reason, action.until_s) == ("outside-schedule", NOW_S + 200)
    await asyncio.sleep(200)
    await stage.apply()
    assert len(stage.alive("lobby")) == 1
    await asyncio.sleep(600)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("stop", "window-closed")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.alive("lobby") == []


@virtual_time
async def test_a_replica_too_many_is_stopped(tmp_path: Path) -> None:
    stage = await running(tmp_path, replicas=3)
    kept = stage.sessions("lobby")[0]
    stage.want("lobby")
    assert outcomes(await stage.apply()) == {"lobby[1]": "done", "lobby[2]": "done"}
    assert [each.sid for each in stage.alive("lobby")] == [kept.sid]
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_what_is_protected_is_not_pruned_yet_suspended(tmp_path: Path) -> None:
    stage = await running(tmp_path, policy={"protect": True}, replicas=2)
    stage.want("lobby", policy={"protect": True})
    assert problem_of(await stage.apply(), "lobby").code == "protected"
    stage.want("lobby", policy={"protect": True}, replicas=2)
    stage.drop("lobby")
    assert set(outcomes(await stage.apply()).values()) == {"failed"}
    assert len(stage.alive("lobby")) == 2
    stage.want("lobby", policy={"protect": True}, replicas=2, suspend=True)
    assert set(outcomes(await stage.apply()).values()) == {"done"}
    assert stage.alive("lobby") == []


@virtual_time
async def test_a_stop_that_meets_404_is_waited_out(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.drop("lobby")
    stage.order(stage.alive("lobby")[0], "failover", seconds=60)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.alive("lobby") == []
    (session,) = stage.sessions("lobby")
    assert (session.end_reason, session.recheck_s) == ("removed", None)
    assert len(stage.log("stop")) >= 2


@virtual_time
async def test_a_stop_that_meets_nothing_but_404_is_over_after_90_s(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.drop("lobby")
    stage.order(stage.alive("lobby")[0], "kill")
    began_s = stage.clock.now_s()
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert 90 <= stage.clock.now_s() - began_s < 100
    assert stage.sessions("lobby")[0].end_reason == "removed"


@virtual_time
async def test_a_stop_is_repeated_with_back_off_while_the_service_is_down(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.drop("lobby")
    stage.fault("stop", effect={"drop": "before"})
    stage.fault("query", nth=list(range(3, 60)), effect={"drop": "before"})
    await asyncio.sleep(1)
    healing = asyncio.get_running_loop().call_later(100, stage.heal)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    healing.cancel()
    assert stage.alive("lobby") == []
    assert stage.sessions("lobby")[0].stops >= 3


@virtual_time
async def test_a_stop_that_never_gets_through_fails_and_is_remembered(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.drop("lobby")
    stage.fault("stop", effect=BUSY)
    assert problem_of(await stage.apply(limits=Limits(timeout_s=60)), "lobby").code == "timeout"
    (session,) = stage.sessions("lobby")
    assert (session.phase, session.stop_reason) == ("running", "removed")
    stage.heal()
    await asyncio.sleep(300)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.alive("lobby") == []


@virtual_time
async def test_a_stop_whose_answer_was_lost_is_confirmed_by_a_query(tmp_path: Path) -> None:
    stage = await running(tmp_path)
    stage.drop("lobby")
    stage.fault("stop", times=1, effect={"drop": "after"})
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.sessions("lobby")[0].end_reason == "removed"


@virtual_time
async def test_a_synchronous_stop_waits_for_the_files_and_records_them(tmp_path: Path) -> None:
    stage = await running(tmp_path, policy={"stop": "sync"}, files=["hls", "mp4"])
    await asyncio.sleep(60)
    stage.order(stage.alive("lobby")[0], "upload", seconds=12, result="backuped")
    stage.drop("lobby")
    began_s = stage.clock.now_s()
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.clock.now_s() - began_s >= 12
    (past,) = stage.past("lobby")
    assert past.upload == "backuped"
    assert ".m3u8" in past.files
    assert ".mp4" in past.files


@virtual_time
async def test_a_channel_where_nobody_spoke_ends_without_files(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    world = stage.simulator.lived()
    channel = world.ordered_channel("lobby")
    assert channel is not None
    channel.users.clear()
    stage.want("other")
    stage.want("lobby")
    await stage.apply()
    stage.drop("lobby")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions("lobby")
    assert (session.phase, session.end_reason) == ("ended", "removed")
    assert stage.log("stop")[-1]["code"] == 435
