"""What a guard holds while specs, sessions and people change their minds."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.agora.messages import Reply, Request, Unanswered, Wire
from reconciler.engine.demands import Suspend
from reconciler.engine.overrides import override
from reconciler.errors import StateError
from reconciler.state.store import Change, SetRecorded, Store
from tests.agora.support import virtual_time
from tests.daemon.cast import WallClock
from tests.daemon.support import Run
from tests.engine.support import APP, Stage

NAMES = [f"room-{number}" for number in range(12)]


async def recording_rooms(stage: Stage, run: Run) -> None:
    """Wait until all rooms record."""
    await asyncio.sleep(60)
    assert len(stage.alive()) == len(NAMES)
    del run


async def suspend(stage: Stage, run: Run, *names: str) -> None:
    """Let the specs suspend these, and be read."""
    for name in names:
        stage.want(name, suspend=True)
    run.change()
    await asyncio.sleep(10)


def rooms(folder: Path) -> Stage:
    stage = Stage(folder)
    for name in NAMES:
        stage.want(name)
    return stage


class Late:
    """A way to the service on which what it says of starts takes 8 s."""

    def __init__(self, inner: Wire) -> None:
        self._inner = inner

    async def send(self, request: Request) -> Reply | Unanswered:
        answer = await self._inner.send(request)
        if request.url.endswith("/start"):
            await asyncio.sleep(8)
        return answer


@pytest.mark.parametrize("begun_s", [2, 5, 9, 14])
@virtual_time
async def test_starts_that_are_under_way_are_held_as_what_runs_is(
    tmp_path: Path, begun_s: int
) -> None:
    stage = rooms(tmp_path)
    stage.tap = Late
    run = Run(stage)
    async with run.going() as daemon:
        await asyncio.sleep(begun_s)
        await suspend(stage, run, *NAMES)
        await asyncio.sleep(300)
        assert daemon.post.guard.held is not None
        assert daemon.post.guard.held.names == {*NAMES}
        assert len(stage.alive()) == len(NAMES)


@virtual_time
async def test_what_is_held_for_one_reason_is_held_for_the_next(tmp_path: Path) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        for name in NAMES:
            stage.want(name, video={"width": 640, "height": 360, "fps": 15, "bitrate": 500})
        run.change()
        await asyncio.sleep(60)
        assert daemon.post.guard.held is not None
        for name in NAMES:
            stage.want(name, suspend=True)
        run.change()
        await asyncio.sleep(120)
        assert {action.end for action in daemon.post.guard.held.actions.values()} == {"suspended"}
        assert len(stage.alive()) == len(NAMES)
    assert stage.started() == len(NAMES)


@virtual_time
async def test_what_is_held_after_another_edit_is_told_by_the_digest_that_approves_it(
    tmp_path: Path,
) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        for name in NAMES:
            stage.want(name, suspend=True)
        run.change()
        await asyncio.sleep(60)
        assert daemon.post.guard.held is not None
        first = daemon.post.guard.held.digest
        stage.want("another")
        run.change()
        await asyncio.sleep(60)
        second = daemon.post.guard.held.digest
    assert second != first
    with stage.store() as store:
        guarded = [each for each in store.conditions(stage.scope) if each.type == "Guarded"]
        held = [each for _, each in store.events(stage.scope) if not each.recording]
    assert len(guarded) == len(NAMES)
    assert all(second in each.message for each in guarded)
    assert second in [each.message for each in held if "approve" in each.message][-1]


@virtual_time
async def test_a_schedule_that_is_edited_so_that_windows_close_is_judged(tmp_path: Path) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        window = {"cron": "0 9 1 1 *", "duration": "1h", "timezone": "Etc/UTC"}
        for name in NAMES:
            stage.want(name, schedule=[window])
        run.change()
        await asyncio.sleep(120)
        assert daemon.post.guard.held is not None
        assert len(stage.alive()) == len(NAMES)
    async with Run(stage).going():  # what is held is held by the next process, too
        await asyncio.sleep(120)
        assert len(stage.alive()) == len(NAMES)


@virtual_time
async def test_the_end_of_a_window_is_nobodys_mistake(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    opens_s = stage.clock.now_s() // 3600 * 3600 + 3600
    minute = int(opens_s // 60 % 60)
    hour = int(opens_s // 3600 % 24)
    window = {"cron": f"{minute} {hour} * * *", "duration": "10m", "timezone": "Etc/UTC"}
    for name in NAMES:
        stage.want(name, schedule=[window])
    async with Run(stage, tick_s=30).going() as daemon:
        await asyncio.sleep(opens_s - stage.clock.now_s() + 60)
        assert len(stage.alive()) == len(NAMES)
        await asyncio.sleep(600)
        assert not stage.alive()
        assert daemon.post.guard.held is None


@virtual_time
async def test_a_load_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    stage = rooms(tmp_path)
    broken = {"is": False}
    stage.opened = _failing(lambda change: broken["is"] and isinstance(change, SetRecorded))
    run = Run(stage, prune_delay_s=0)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        broken["is"] = True
        for name in NAMES[:2]:
            stage.want(name, suspend=True)
        run.change()
        await asyncio.sleep(30)
        daemon.crew.renew(NAMES)
        await asyncio.sleep(30)
        assert len(stage.alive()) == len(NAMES)
        assert "cannot be written" in daemon.readiness()
        broken["is"] = False
        for name in NAMES[:2]:
            stage.want(name)
        run.change()
        await asyncio.sleep(60)
        assert daemon.readiness() == ""
    assert stage.started() == len(NAMES)


@virtual_time
async def test_what_was_told_to_stop_counts_before_the_service_answers(tmp_path: Path) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        stage.fault("stop", effect={"status": 500, "message": "not now"})
        await suspend(stage, run, *NAMES[:3])
        assert daemon.post.guard.held is None
        await suspend(stage, run, NAMES[3])
        assert daemon.post.guard.held is not None
        assert daemon.post.guard.held.names == {NAMES[3]}
        stage.heal()
        await asyncio.sleep(120)
        assert len(stage.alive()) == len(NAMES) - 3


@virtual_time
async def test_a_recording_renamed_while_it_starts_is_one_session(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fault("start", effect={"delay_s": 8})
    stage.want("lesson", channel="room")
    run = Run(stage)
    async with run.going():
        await asyncio.sleep(2)
        stage.drop("lesson")
        stage.want("talk", channel="room")
        run.change()
        await asyncio.sleep(900)
        assert len(stage.alive("room")) == 1
    (session,) = stage.sessions()
    assert session.recording == "talk"


@virtual_time
async def test_a_failing_state_loses_no_recording_its_passes(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    broken = {"is": False}
    stage.opened = _failing(lambda _: broken["is"])
    stage.want("lesson")
    run = Run(stage)
    async with run.going() as daemon:
        await asyncio.sleep(30)
        broken["is"] = True
        await asyncio.sleep(900)
        broken["is"] = False
        await asyncio.sleep(600)
        (session,) = daemon.site.records.sessions_of("lesson")
        assert session.observed_s is not None
        assert stage.clock.now_s() - session.observed_s < 200
    assert stage.started() == 1


def _failing(fails: Callable[[Change], object]) -> Callable[[Store], Store]:
    """Return what makes a store refuse commits with such changes."""
    return lambda store: cast("Store", _Full(store, fails))


class _Full:
    """A store on a full disk, to order."""

    def __init__(self, store: Store, fails: Callable[[Change], object]) -> None:
        self._store = store
        self._fails = fails

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, scope: str, changes: Sequence[Change]) -> int:
        if any(map(self._fails, changes)):
            raise StateError("the state cannot be written: the disk is full")
        return self._store.commit(scope, changes)


@virtual_time
async def test_what_a_guard_lets_go_after_an_edit_is_done_at_once(tmp_path: Path) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        await suspend(stage, run, *NAMES[:4])
        assert daemon.post.guard.held is not None
        stage.want(NAMES[0])
        run.change()
        await asyncio.sleep(10)
        assert daemon.post.guard.held is None
        assert len(stage.alive()) == len(NAMES) - 3


@virtual_time
async def test_what_is_held_since_a_plan_was_made_is_not_approved_with_it(tmp_path: Path) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        await suspend(stage, run, *NAMES[:4])
        guard = daemon.post.guard
        assert guard.held is not None
        approved = guard.held.digest
        demand = Suspend(names=(NAMES[4],), reason="", for_s=None)
        await override(daemon.site.records, demand, daemon.site.now_s())
        daemon.wake(demand.names)
        await asyncio.sleep(10)
        assert guard.held.names == {*NAMES[:5]}
        assert daemon.approve(approved) == ""
        await asyncio.sleep(60)
        assert len(stage.alive()) == len(NAMES) - 4
        assert guard.held is not None
        assert guard.held.names == {NAMES[4]}


@virtual_time
async def test_what_an_earlier_run_had_begun_to_replace_counts_for_the_next(tmp_path: Path) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going():
        await recording_rooms(stage, run)
        stage.fault("query", effect={"status": 500, "message": "not now"})
        for name in NAMES[:3]:
            stage.want(name, video={"width": 640, "height": 360, "fps": 15, "bitrate": 500})
        run.change()
        await asyncio.sleep(30)
        assert len(stage.alive()) == len(NAMES) + 3
    for name in NAMES[3:5]:
        stage.want(name, suspend=True)
    async with Run(stage).going() as daemon:
        await asyncio.sleep(30)
        assert daemon.post.guard.held is not None
        assert daemon.post.guard.held.names == {*NAMES[3:5]}
        stage.heal()
        await asyncio.sleep(120)
        assert len(stage.alive()) == len(NAMES)


@virtual_time
async def test_a_change_that_is_held_stays_so_while_its_app_cannot_be_called(
    tmp_path: Path,
) -> None:
    stage = rooms(tmp_path)
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        window = {"cron": "0 9 1 1 *", "duration": "1h", "timezone": "Etc/UTC"}
        for name in NAMES[:5]:
            stage.want(name, schedule=[window])
        run.change()
        await asyncio.sleep(10)
        assert daemon.post.guard.held is not None
        stage.write("app.yaml", APP.replace("http://127.0.0.1:8787", "https://example.net"))
        run.change()
        await asyncio.sleep(10)
        assert daemon.post.guard.held is None
        stage.write("app.yaml", APP)
        run.change()
        await asyncio.sleep(60)
        assert daemon.post.guard.held is not None
        assert daemon.post.guard.held.names == {*NAMES[:5]}
        assert len(stage.alive()) == len(NAMES)


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
@virtual_time
async def test_what_was_ended_before_the_clock_was_set_counts_for_ten_minutes(
    tmp_path: Path, by_s: float
) -> None:
    stage = rooms(tmp_path)
    wall = stage.clock = WallClock(stage.clock.now_s())
    run = Run(stage)
    async with run.going() as daemon:
        await recording_rooms(stage, run)
        await suspend(stage, run, *NAMES[:3])
        wall.wrong_s = by_s
        await asyncio.sleep(60)
        await suspend(stage, run, *NAMES[3:6])
        assert daemon.post.guard.held is not None
        assert daemon.post.guard.held.names == {*NAMES[3:6]}
        await asyncio.sleep(600)
        await suspend(stage, run, *NAMES[6:8])
        assert len(stage.alive()) == len(NAMES) - 8
