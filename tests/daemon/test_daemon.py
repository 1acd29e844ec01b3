"""One daemon over one scope: what wakes it, what it does, what it leaves alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from reconciler.plan.session import End, Phase
from tests.agora.support import virtual_time
from tests.daemon.support import Run
from tests.engine.support import Stage, recording


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@virtual_time
async def test_what_the_specs_want_records_and_goes_on_when_the_daemon_ends(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson")
    stage.want("page", "web")
    async with Run(stage).going() as daemon:
        await asyncio.sleep(30)
        assert {each.phase for each in daemon.site.records.all_sessions()} == {Phase.RUNNING}
        assert daemon.readiness() == ""
        assert daemon.health() == ""
    assert len(stage.alive()) == 2


@virtual_time
async def test_a_second_daemon_finds_all_as_it_should_be(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson")
    async with Run(stage).going():
        await asyncio.sleep(30)
    calls = len(await stage.calls())
    async with Run(stage).going():
        await asyncio.sleep(600)
    assert len(await stage.calls()) == calls
    assert stage.started() == 1


@virtual_time
async def test_a_changed_file_is_acted_on_within_five_seconds(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson")
    run = Run(stage)
    async with run.going():
        await asyncio.sleep(30)
        stage.want("lesson", subscriptions={"audio": ["101"], "video": "none"})
        stage.want("other")
        run.change()
        await asyncio.sleep(5)
        assert "update" in await stage.calls()
        assert stage.alive("other")


@virtual_time
async def test_a_change_that_nobody_told_of_is_found_within_the_interval(folder: Path) -> None:
    stage = Stage(folder)
    run = Run(stage, interval_s=60)
    async with run.going():
        await asyncio.sleep(1)
        stage.want("lesson")
        await asyncio.sleep(65)
        assert stage.alive("lesson")


@asynccontextmanager
async def without_lesson(folder: Path) -> AsyncIterator[tuple[Stage, Run]]:
    """Let a `run` that prunes after 5 minutes see that one of two Recordings is gone."""
    stage = Stage(folder)
    stage.want("lesson")
    stage.want("other")
    run = Run(stage, prune_delay_s=300)
    async with run.going():
        await asyncio.sleep(30)
        stage.drop("lesson")
        run.change()
        yield stage, run


@virtual_time
async def test_what_is_gone_is_left_for_the_prune_delay_and_stopped_then(folder: Path) -> None:
    async with without_lesson(folder) as (stage, _):
        await asyncio.sleep(290)
        assert stage.alive("lesson")
        await asyncio.sleep(60)
        assert not stage.alive("lesson")
        assert stage.alive("other")
    (session,) = stage.sessions("lesson")
    assert session.end_reason == End.REMOVED


@virtual_time
async def test_a_file_that_comes_back_within_the_delay_loses_no_session(folder: Path) -> None:
    async with without_lesson(folder) as (stage, run):
        await asyncio.sleep(200)
        stage.want("lesson")
        run.change()
        await asyncio.sleep(600)
    assert stage.started() == 2
    assert len(stage.alive()) == 2


@virtual_time
async def test_a_file_that_cannot_be_read_begins_the_delay_of_what_is_gone_anew(
    folder: Path,
) -> None:
    async with without_lesson(folder) as (stage, run):
        await asyncio.sleep(200)
        stage.write("torn.yaml", 'kind: Recording\nmetadata: {name: "les')
        run.change()
        await asyncio.sleep(60)
        (stage.specs / "torn.yaml").unlink()
        run.change()
        await asyncio.sleep(290)
        assert stage.alive("lesson")
        await asyncio.sleep(60)
        assert not stage.alive("lesson")
        assert stage.alive("other")


@virtual_time
async def test_a_spec_error_stops_nothing_and_is_told_until_mended(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson")
    stage.want("other")
    run = Run(stage)
    async with run.going() as daemon:
        await asyncio.sleep(30)
        stage.write("lesson.yaml", recording("lesson", mode="nothing"))
        stage.want("third")
        run.change()
        await asyncio.sleep(900)
        assert {each.identity.cname for each in stage.alive()} == {"lesson", "other", "third"}
        conditions = {each.type: each for each in daemon.site.records.store.conditions("default")}
        assert not conditions["Specs"].status
        assert "lesson.yaml" in conditions["Specs"].message
        stage.want("lesson")
        run.change()
        await asyncio.sleep(10)
        conditions = {each.type: each for each in daemon.site.records.store.conditions("default")}
        assert conditions["Specs"].status
    assert stage.started() == 3


@virtual_time
async def test_a_source_that_is_away_is_no_empty_world(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson")
    run = Run(stage, prune_delay_s=10)
    async with run.going() as daemon:
        await asyncio.sleep(30)
        run.source.paths, run.source.problem = (), "the repository cannot be reached"
        run.change()
        await asyncio.sleep(3600)
        assert stage.alive("lesson")
        (condition,) = [
            each
            for each in daemon.site.records.store.conditions("default")
            if each.type == "Source"
        ]
        assert not condition.status
        assert "cannot be reached" in condition.message
    assert stage.started() == 1


@virtual_time
async def test_a_session_that_broke_is_started_again_on_another_uid(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson")
    async with Run(stage).going():
        await asyncio.sleep(30)
        (first,) = stage.alive("lesson")
        stage.order(first, "kill")
        await asyncio.sleep(400)
        (second,) = stage.alive("lesson")
    assert second.identity.uid != first.identity.uid


@virtual_time
async def test_windows_open_and_close_to_the_second(folder: Path) -> None:
    stage = Stage(folder)
    now_s = stage.clock.now_s()
    day = 86_400
    opens_s = (now_s // day + 1) * day + 9 * 3600
    stage.want(
        "lesson",
        schedule=[{"cron": "0 9 * * *", "duration": "30m", "timezone": "Etc/UTC"}],
    )
    async with Run(stage, tick_s=60, interval_s=900).going() as daemon:
        await stage.clock.sleep(opens_s - now_s - 1)
        assert not stage.alive()
        await asyncio.sleep(4)
        (simulated,) = stage.alive()
        await stage.clock.sleep(opens_s + 1800 - stage.clock.now_s() - 1)
        assert stage.alive()
        await asyncio.sleep(4)
        assert not stage.alive()
        (session,) = daemon.site.records.sessions_of("lesson")
        assert session.stop_reason == End.WINDOW_CLOSED
    assert simulated.identity.cname == "lesson"


@virtual_time
async def test_a_guard_holds_what_would_end_too_much_and_all_else_goes_on(folder: Path) -> None:
    stage = Stage(folder)
    names = [f"room-{number}" for number in range(12)]
    for name in names:
        stage.want(name)
    run = Run(stage, prune_delay_s=0)
    async with run.going() as daemon:
        await asyncio.sleep(60)
        for name in names[:5]:
            stage.drop(name)
        stage.want("other")
        run.change()
        await asyncio.sleep(300)
        assert len(stage.alive()) == 13
        held = daemon.post.guard.held
        assert held is not None
        assert {key.recording for key in held.actions} == set(names[:5])
        assert daemon.approve("0" * 12)
        assert daemon.approve(held.digest[:12]) == ""
        await asyncio.sleep(60)
        assert {each.identity.cname for each in stage.alive()} == {*names[5:], "other"}


@virtual_time
async def test_few_stops_at_a_time_are_counted_together(folder: Path) -> None:
    stage = Stage(folder)
    names = [f"room-{number}" for number in range(12)]
    for name in names:
        stage.want(name)
    run = Run(stage, prune_delay_s=0, interval_s=20)
    async with run.going():
        await asyncio.sleep(60)
        for name in names[:6]:
            stage.drop(name)
            run.change()
            await asyncio.sleep(45)
        assert len(stage.alive()) == 9


@virtual_time
async def test_what_is_held_is_let_go_when_the_specs_change_back(folder: Path) -> None:
    stage = Stage(folder)
    names = [f"room-{number}" for number in range(12)]
    for name in names:
        stage.want(name)
    run = Run(stage, prune_delay_s=0)
    async with run.going() as daemon:
        await asyncio.sleep(60)
        for name in names[:5]:
            stage.drop(name)
        run.change()
        await asyncio.sleep(100)
        assert daemon.post.guard.held is not None
        for name in names[:5]:
            stage.want(name)
        run.change()
        await asyncio.sleep(30)
        assert daemon.post.guard.held is None
        conditions = daemon.site.records.store.conditions("default")
        assert not [each for each in conditions if each.type == "Guarded" and each.status]
    assert stage.started() == 12
    assert len(stage.alive()) == 12


@virtual_time
async def test_a_start_that_nobody_can_ask_about_is_left_alone_and_told(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson")
    stage.fault("query", effect={"drop": "before"})
    async with Run(stage).going() as daemon:
        await asyncio.sleep(900)
        assert stage.started() == 1
        told = [each for _, each in daemon.site.records.store.events("default", "lesson")]
        assert "cannot be asked" in told[-1].message
        stage.heal()
        await asyncio.sleep(400)
        (session,) = daemon.site.records.sessions_of("lesson")
        assert session.phase is Phase.RUNNING
    assert stage.started() == 1


@virtual_time
async def test_a_secret_in_a_file_is_read_anew_when_files_change(folder: Path) -> None:
    stage = Stage(folder)
    stage.want("lesson", token={"file": "token"})
    run = Run(stage)
    async with run.going():
        await asyncio.sleep(30)
        assert not stage.alive()
        (stage.specs / "token").write_text("a-token")
        run.change()
        await asyncio.sleep(5)
        assert stage.alive("lesson")


@virtual_time
async def test_credentials_that_are_mended_in_a_file_are_taken_at_once(folder: Path) -> None:
    stage = Stage(folder)
    app = (stage.specs / "app.yaml").read_text()
    wrong = app.replace("{env: CUSTOMER_SECRET}", "{file: secret}")
    (stage.specs / "app.yaml").write_text(wrong)
    (stage.specs / "secret").write_text("wrong")
    stage.want("lesson")
    stage.want("other")
    run = Run(stage)
    async with run.going():
        await asyncio.sleep(900)
        assert not stage.alive()
        (stage.specs / "secret").write_text("simulator")
        run.change()
        await asyncio.sleep(5)
        assert len(stage.alive()) == 2
