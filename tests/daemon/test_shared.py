"""Several `run`s that share a scope on a server, each with Apps of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from reconciler.simulator.settings import DEFAULT_APP_ID, Settings, Tuning
from tests.agora.support import virtual_time
from tests.daemon.support import Run
from tests.engine.support import APP, Stage
from tests.state.support import PostgresBackend

RATE = 10_000
"""The rate counts by the server's clock, which stands nearly still while a test's runs."""

SOUTH_ID = "f" * 32
NORTH = f"{APP}  requestsPerSecond: {RATE}\n"
SOUTH = NORTH.replace("name: default", "name: south").replace(DEFAULT_APP_ID, SOUTH_ID)


def stage_at(postgres: PostgresBackend, folder: Path) -> Stage:
    """Return a Stage of two Apps, whose state is on a server."""
    settings = Settings(app_ids=(DEFAULT_APP_ID, SOUTH_ID), tuning=Tuning(qps=RATE))
    stage = Stage(folder, settings=settings, state_url=postgres.url)
    stage.environ |= postgres.environ
    stage.write("app.yaml", NORTH)
    stage.want("lobby")
    return stage


@asynccontextmanager
async def going(*runs: Run) -> AsyncIterator[None]:
    """Let each begin after the other, and anew whenever it hands over."""
    keepers = []
    try:
        for run in runs:
            run.begin()
            keepers.append(asyncio.create_task(run.again()))
            await asyncio.sleep(10)
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        for run in runs:
            if run.alive:
                await run.end()


@asynccontextmanager
async def each_with_an_app(stage: Stage) -> AsyncIterator[tuple[Run, Run]]:
    """Let one `run` work on the App `default`, and another one on `south`."""
    one, other = Run(stage, tick_s=1.0), Run(stage, tick_s=1.0)
    async with going(one, other):
        stage.write("south.yaml", SOUTH)
        for run in (other, one):
            run.change()
            await asyncio.sleep(10)
        assert [_apps(one), _apps(other)] == [{"default"}, {"south"}]
        yield one, other


def _apps(run: Run) -> set[str]:
    return {each for each in ("default", "south") if run.daemon.claims.owns_app(each)}


def read(*runs: Run) -> None:
    """Let these read the specs."""
    for run in runs:
        run.change()


def at(stage: Stage, channel: str) -> list[str]:
    """Return the App IDs of what records in a channel."""
    return [each.identity.app_id for each in stage.alive(channel)]


@virtual_time
async def test_each_run_works_on_its_apps(postgres: PostgresBackend, tmp_path: Path) -> None:
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as runs:
        stage.want("hall", app="default")
        stage.want("wall", app="south")
        read(*runs)
        await asyncio.sleep(5)
        assert {each.identity.cname for each in stage.alive()} == {"lobby", "hall", "wall"}
    assert stage.started() == 3


@pytest.mark.parametrize("is_first", [True, False], ids=["the old App's", "the new App's"])
@virtual_time
async def test_a_recording_moves_to_the_app_of_another_run(
    postgres: PostgresBackend, tmp_path: Path, *, is_first: bool
) -> None:
    """Whoever reads that first."""
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as (one, other):
        stage.want("lesson", app="default")
        read(one, other)
        await asyncio.sleep(30)
        assert at(stage, "lesson") == [DEFAULT_APP_ID]
        stage.want("lesson", app="south")
        for run in (one, other) if is_first else (other, one):
            run.change()
            await asyncio.sleep(15)
            assert len(at(stage, "lesson")) == 1
        await asyncio.sleep(60)
        assert at(stage, "lesson") == [SOUTH_ID]
        assert at(stage, "lobby") == [DEFAULT_APP_ID]
        assert _apps(other) == {"default", "south"}
    assert stage.started() == 3


@virtual_time
async def test_recordings_may_change_places(postgres: PostgresBackend, tmp_path: Path) -> None:
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as runs:
        for was, now in (("default", "south"), ("south", "default")):
            stage.want("lesson", app=was)
            stage.want("exam", app=now)
            read(*runs)
            await asyncio.sleep(90)
        assert (at(stage, "lesson"), at(stage, "exam")) == ([SOUTH_ID], [DEFAULT_APP_ID])
        assert len(stage.alive()) == 3
    assert stage.started() == 5


@virtual_time
async def test_a_recording_moves_that_does_not_record(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    """The other one has read state while it did."""
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as runs:
        stage.want("lobby", suspend=True)
        read(*runs)
        await asyncio.sleep(60)
        assert not stage.alive()
        stage.want("lobby", app="south")
        read(*runs)
        await asyncio.sleep(30)
        assert at(stage, "lobby") == [SOUTH_ID]


@virtual_time
async def test_an_app_gets_the_app_id_that_another_run_owns(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    """The other one has never seen the sessions that move."""
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as runs:
        stage.want("lesson", app="default")
        read(*runs)
        await asyncio.sleep(30)
        stage.write("app.yaml", NORTH.replace(DEFAULT_APP_ID, SOUTH_ID))
        before = stage.runs
        read(*runs)
        await asyncio.sleep(120)
        assert at(stage, "lesson") == at(stage, "lobby") == [SOUTH_ID]
        assert stage.runs == before + 1
    assert stage.started() == 4


@virtual_time
async def test_a_run_that_does_nothing_keeps_no_other_from_its_work(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as (one, other):
        other.daemon.timers.stop()  # a process that is stopped keeps its connection
        stage.want("lobby", app="south")
        before = stage.runs
        read(one)
        await asyncio.sleep(30)
        stage.want("hall", app="default")
        read(one)
        await asyncio.sleep(30)
        assert at(stage, "hall") == at(stage, "lobby") == [DEFAULT_APP_ID]
        for _ in range(20):
            await asyncio.sleep(60)
            read(one)
        assert stage.runs - before <= 5


@virtual_time
async def test_what_is_taken_over_is_looked_at_while_no_specs_can_be_read(
    postgres: PostgresBackend, tmp_path: Path
) -> None:
    stage = stage_at(postgres, tmp_path)
    async with each_with_an_app(stage) as (one, other):
        other.source.paths, other.source.problem = (), "the repository cannot be reached"
        stage.want("wall", app="south")
        stage.want("lobby", app="south")
        read(one)
        await asyncio.sleep(60)
        assert _apps(other) == {"default", "south"}
        asked = len(stage.log("query"))
        await asyncio.sleep(900)
        assert len(stage.log("query")) > asked + 5
        assert at(stage, "lobby") == [DEFAULT_APP_ID]
