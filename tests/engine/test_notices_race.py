"""An end that is told while a call of the same session is under way."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.apply import Limits
from reconciler.engine.quell import Quell, plan_stops
from reconciler.simulator.session import Session as Simulated
from tests.engine.notified import daemon, happens, some, told_stage
from tests.engine.support import Heard, Stage, virtual_time


async def recording_with_a_layout(folder: Path) -> tuple[Stage, Simulated]:
    stage = told_stage(folder)
    stage.want("lobby", layout={"type": "best-fit"})
    await stage.apply()
    return stage, stage.alive("lobby")[0]


@virtual_time
@pytest.mark.parametrize("effect", [{}, {"status": 500, "code": 62, "reason": "timeout"}])
async def test_a_stop_under_way_does_not_bring_back_what_ended(
    tmp_path: Path, effect: dict[str, Any]
) -> None:
    stage, alive = await recording_with_a_layout(tmp_path)
    stage.drop("lobby")
    stage.want("other")
    stage.fault("stop", effect={"delay_s": 3, **effect})
    async with daemon(stage, delivers=False) as one:
        work = asyncio.ensure_future(one.work("lobby", 8))
        await asyncio.sleep(2)
        assert one.sessions("lobby")[0].stop_asked_s is not None
        happens(stage, alive, "emit", eventType=11, details={"exitStatus": 0})
        await one.hear(some(stage))
        phases = {one.sessions("lobby")[0].phase}
        while not work.done():
            await asyncio.sleep(0.1)
            phases.add(one.sessions("lobby")[0].phase)
        assert phases == {"ended"}
        assert one.sessions("lobby")[0].end_reason == "removed"


@virtual_time
async def test_a_change_under_way_does_not_bring_back_what_ended(tmp_path: Path) -> None:
    stage, alive = await recording_with_a_layout(tmp_path)
    stage.want("lobby", layout={"type": "vertical"}, policy={"restart": "never"})
    stage.fault("updateLayout", effect={"delay_s": 3})
    async with daemon(stage, delivers=False) as one:
        work = asyncio.ensure_future(one.work("lobby", 8))
        await asyncio.sleep(1)
        assert one.sessions("lobby")[0].pending != ()
        happens(stage, alive, "emit", eventType=11, details={"exitStatus": 0})
        await one.hear(some(stage))
        phases = {stage.sessions()[0].phase}
        while not work.done():
            await asyncio.sleep(0.1)
            phases.add(stage.sessions()[0].phase)
        assert phases == {"ended"}


@virtual_time
async def test_a_sign_that_is_told_during_a_change_is_kept(tmp_path: Path) -> None:
    stage, alive = await recording_with_a_layout(tmp_path)
    stage.want("lobby", layout={"type": "vertical"})
    stage.fault("updateLayout", effect={"delay_s": 3})
    async with daemon(stage, delivers=False) as one:
        work = asyncio.ensure_future(one.work("lobby", 8))
        await asyncio.sleep(1)
        happens(stage, alive, "emit", eventType=32, details={"status": 0})
        await one.hear(some(stage))
        await work
        (session,) = one.sessions("lobby")
        assert (session.signs, session.pending) == (("upload:backuped",), ())


@virtual_time
async def test_what_ended_while_another_was_stopped_is_not_told_to_stop(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    stage.want("lobby", replicas=2)
    await stage.apply()
    stage.fault("stop", effect={"delay_s": 3})
    async with daemon(stage, delivers=False) as one:
        site = one.shop.site
        stops = plan_stops(site, {"lobby"}, refuses_observed=True)
        work = asyncio.ensure_future(Quell(site, stops, Heard(), Limits()).run())
        await asyncio.sleep(1)
        (waiting,) = (each for each in one.sessions("lobby") if each.stop_asked_s is None)
        (alive,) = (each for each in stage.alive("lobby") if each.sid == waiting.sid)
        happens(stage, alive, "emit", eventType=11, details={"exitStatus": 0})
        await one.hear(some(stage))
        await work
    (ended,) = (each for each in stage.sessions("lobby") if each.id == waiting.id)
    assert (ended.end_reason, len(stage.log("stop"))) == ("exited", 1)
