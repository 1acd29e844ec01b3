"""Looks that are under way when something else tells how a session is, and files told again."""

import asyncio
import json
from pathlib import Path

from reconciler.simulator.session import Session as Simulated
from reconciler.state.store import SetFiles
from tests.engine.notified import RESYNC_S, daemon, happens, queries, recording
from tests.engine.support import Stage, virtual_time

SLOW_S = 12.0


async def until_asked(stage: Stage, alive: Simulated) -> None:
    """Wait until the next query has come in, and not been answered."""
    asked = queries(stage, alive)
    await asyncio.sleep(asked[-1] + RESYNC_S + 2 - stage.clock.now_s())
    assert len(queries(stage, alive)) == len(asked) + 1


@virtual_time
async def test_an_exit_is_acted_on_within_a_second_though_a_query_is_under_way(
    tmp_path: Path,
) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        stage.fault("query", effect={"delay_s": SLOW_S})
        working = asyncio.create_task(one.work("lobby", 130))
        await until_asked(stage, alive)
        happens(stage, alive, "remove")
        await asyncio.sleep(SLOW_S - 4)
        exited_ms = next(each.sent_ms for each in one.heard if each.kind == 11)
        first, second = stage.past()
        working.cancel()
    assert first.session.end_reason == "exited"
    assert second.session.started_s is not None
    assert exited_ms is not None
    assert second.session.started_s - exited_ms / 1000 < 1.0


@virtual_time
async def test_a_failover_that_comes_while_a_query_is_under_way_is_asked_about_anew(
    tmp_path: Path,
) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        stage.fault("query", effect={"delay_s": SLOW_S})
        working = asyncio.create_task(one.work("lobby", 130))
        await until_asked(stage, alive)
        asked = len(queries(stage, alive))
        happens(stage, alive, "failover", seconds=0)
        await asyncio.sleep(1)
        assert len(queries(stage, alive)) == asked + 1
        stage.heal()
        await working
        (session,) = one.sessions("lobby")
    assert session.phase == "running"


@virtual_time
async def test_files_that_are_listed_again_are_written_once(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    other = json.dumps([{"name": "other"}])
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        stage.fault("query", effect={"delay_s": 0.01})
        await one.work("lobby", 130)
        (session,) = one.sessions("lobby")
        assert alive.sid in stage.past()[0].files
        records = one.shop.site.records
        records.store.commit(stage.scope, [SetFiles(session=session.id, files=other)])
        await one.work("lobby", 130)
        assert stage.past()[0].files == other
    async with daemon(stage) as one:
        await one.work("lobby", 130)
    assert alive.sid in stage.past()[0].files
