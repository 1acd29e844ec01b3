"""What a guard holds, where several `run`s share a scope."""

import asyncio
from pathlib import Path

from tests.agora.support import virtual_time
from tests.daemon.support import Run
from tests.daemon.test_shared import each_with_an_app, going, read, stage_at
from tests.engine.support import Stage
from tests.state.support import PostgresBackend

NAMES = [f"room-{number}" for number in range(12)]
WINDOW = {"cron": "0 9 1 1 *", "duration": "1h", "timezone": "Etc/UTC"}


async def record(stage: Stage, *runs: Run) -> None:
    """Wait until all rooms record."""
    for name in NAMES:
        stage.want(name)
    read(*runs)
    await asyncio.sleep(60)
    assert {each.identity.cname for each in stage.alive()} >= {*NAMES}


def held(run: Run) -> set[str]:
    found = run.daemon.post.guard.held
    return found.names if found else set()


@virtual_time
async def test_what_is_held_stays_held_beside_an_idle_run_and_when_it_takes_over(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    stage = stage_at(postgres, tmp_path)
    one, other = Run(stage, tick_s=1.0), Run(stage, tick_s=1.0)
    async with going(one, other):
        await record(stage, one, other)
        for name in NAMES[:6]:
            stage.want(name, schedule=[WINDOW])
        read(one, other)
        await asyncio.sleep(120)
        assert held(one) == {*NAMES[:6]}
        await one.end()
        await asyncio.sleep(120)
        assert held(other) == {*NAMES[:6]}
        assert len(stage.alive()) == len(NAMES) + 1


@virtual_time
async def test_an_idle_run_forgets_nothing_that_records(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    stage = stage_at(postgres, tmp_path)
    runs = Run(stage, tick_s=1.0), Run(stage, tick_s=1.0)
    async with going(*runs):
        stage.want("lesson", policy={"protect": True})
        read(*runs)
        await asyncio.sleep(30)
        stage.drop("lesson")
        read(*runs)
        await asyncio.sleep(900)
        assert stage.alive("lesson")
    with stage.store() as store:
        assert "lesson" in store.snapshot(stage.scope).recorded


@virtual_time
async def test_windows_closed_by_edits_add_up_beside_new_recordings(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as runs:
        await record(stage, *runs)
        for start in (0, 3, 6):
            for name in NAMES[start : start + 3]:
                stage.want(name, schedule=[WINDOW])
            stage.want(f"more-{start}", suspend=True)
            read(*runs)
            await asyncio.sleep(60)
        assert held(runs[0]) == {*NAMES[3:9]}
        assert len(stage.alive()) == len(NAMES) + 1 - 3


@virtual_time
async def test_what_another_run_has_ended_counts_for_the_one_that_takes_over(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    stage = stage_at(postgres, tmp_path)
    one, other = Run(stage, tick_s=1.0), Run(stage, tick_s=1.0)
    async with going(one, other):
        await record(stage, one, other)
        for name in NAMES[:3]:
            stage.want(name, suspend=True)
        read(one, other)
        await asyncio.sleep(120)
        assert len(stage.alive()) == len(NAMES) + 1 - 3
        await one.end()
        await asyncio.sleep(120)
        for name in NAMES[3:6]:
            stage.want(name, suspend=True)
        read(other)
        await asyncio.sleep(120)
        assert held(other) == {*NAMES[3:6]}
