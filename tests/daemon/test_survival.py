"""What a daemon outlives: state, service, clock, credentials and programs that fail for a while.

Each time it recovers by itself within the minutes that are stated, and nothing was lost, doubled or
stopped by mistake on the way.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.agora.messages import Request, Silence
from reconciler.errors import LockLostError, StateError
from reconciler.plan.action import Kind
from reconciler.state.store import Store
from tests.daemon.cast import NORTH, LongStage, Role, Times, app, fixed, manifest
from tests.daemon.support import Run, long_time, scratch
from tests.daemon.truth import Truth
from tests.engine.support import Tap

MINUTE_S, HOUR_S = 60.0, 3600.0
BACKOFF_MINUTES = 7
"""The longest back-off with its jitter, and what is done after it."""

SILENT_MINUTES = 4
"""How long an end may go unnoticed that nobody tells of, until another session records."""

NAMES = ("lobby", "hall", "wall")
PAGE = {"url": "https://example.com/page", "maxDuration": "24h"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with scratch(tmp_path) as place:
        yield place


class Troubled:
    """A store whose writes, or all uses, fail as `problem` says, for as long as there is one."""

    def __init__(self, inner: Store) -> None:
        self.problem: StateError | None = None
        self.reads = True
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        is_read = name in {"place", "key", "salt", "writable", "close"} or (
            self.reads and name not in {"commit", "spend", "ask", "withdraw", "trim"}
        )
        if self.problem is not None and not is_read:
            raise self.problem
        return getattr(self._inner, name)


class Scene:
    """One daemon that keeps a few recordings, and what goes wrong around it."""

    def __init__(self, folder: Path, interval_s: float = 300.0) -> None:
        self.stage = LongStage(folder, opened=self._opened)
        self.stage.write("app.yaml", app("north", NORTH, notifications=None))
        self.run = Run(self.stage, tick_s=10.0, interval_s=interval_s)
        self.truth = Truth(self.run)
        self.store: Troubled
        self.want("lobby", "mix")
        self.want("hall", "individual")
        self.want("wall", "web", web=PAGE)

    def want(self, name: str, mode: str = "mix", times: Times | None = None, **spec: Any) -> None:
        """Want a Recording, or want it otherwise."""
        live = {} if mode == "web" else {"channelProfile": "live"}
        role = Role(name, mode, {"storage": "archive", **live, **spec}, times or Times())
        self.stage.write(f"{name}.yaml", role.text())
        self.run.change()

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """Let the daemon run until all records, for the block, and until all is checked."""
        self.run.begin()
        await self.minutes(2)
        self.check(*NAMES)
        yield
        await self.run.end()
        actions = (await self.stage.plan()).actions
        assert {each.kind for each in actions} == {Kind.NONE}, actions

    async def minutes(self, count: float) -> None:
        """Let time pass, and look what is true all the while."""
        until_s = self.stage.wall.monotonic_s() + count * MINUTE_S
        while (left_s := until_s - self.stage.wall.monotonic_s()) > 0:
            await asyncio.sleep(min(left_s, 30.0))
            self.truth.look()

    def check(self, *names: str, started: int = len(NAMES)) -> None:
        """Check that these record, each once, and that no more was started than that takes."""
        alive = sorted(each.identity.cname for each in self.stage.alive())
        assert alive == sorted(names)
        assert self.stage.started() == started
        sessions = self.run.daemon.site.records.all_sessions()
        running = sorted(each.recording for each in sessions if each.may_live)
        assert running == sorted(names)

    def order(self, name: str, what: str, **body: Any) -> None:
        """Let something happen to the session of a Recording."""
        (session,) = self.stage.alive(name)
        self.stage.order(session, what, **body)

    def reasons(self, name: str | None = None) -> list[str]:
        """Return the reasons of all warnings so far, each as often as it was written."""
        told = self.run.store.events(self.stage.scope, name)
        return [event.reason for _, event in told if event.type == "warning"]

    def asked_since(self, since_s: float) -> bool:
        """Tell whether every session was queried since then."""
        asked = self.run.wire.left.queried_s
        return all(asked.get(each.sid, 0.0) >= since_s for each in self.stage.alive())

    def _opened(self, store: Store) -> Any:
        self.store = Troubled(store)
        return self.store


FULL = StateError("there is no space left on the device")


@pytest.mark.parametrize("reads", [True, False])
@long_time
async def test_state_that_cannot_be_written_for_minutes_loses_nothing(
    folder: Path, *, reads: bool
) -> None:
    scene = Scene(folder)
    async with scene.going():
        scene.store.problem, scene.store.reads = FULL, reads
        scene.order("hall", "kill")
        scene.want("other")
        await scene.minutes(0.5)
        for _ in range(20):
            await scene.minutes(1)
            assert "no space left" in scene.run.daemon.readiness()
        assert len(scene.stage.alive()) == 2
        assert scene.stage.started() == 3
        assert scene.run.daemon.health() == ""
        scene.store.problem = None
        await scene.minutes(BACKOFF_MINUTES)
        assert scene.run.daemon.readiness() == ""
        scene.check(*NAMES, "other", started=5)


@long_time
async def test_a_session_whose_start_could_not_be_written_down_is_not_left_behind(
    folder: Path,
) -> None:
    scene = Scene(folder)
    async with scene.going():
        scene.run.wire.left.watch = lambda call: (
            setattr(scene.store, "problem", FULL) if call.endpoint == "start" else None
        )
        scene.want("other", policy={"restart": "never"})
        await asyncio.sleep(5 * MINUTE_S)
        scene.run.wire.left.watch = lambda _: None
        assert sorted(each.identity.cname for each in scene.stage.alive()) == sorted(NAMES)
        scene.store.problem = None
        await scene.minutes(BACKOFF_MINUTES)
        (other,) = scene.stage.alive("other")
        first, second = scene.stage.sessions("other")
        assert (first.end_reason, second.sid) == ("unwanted", other.sid)
        assert any("could not be written down" in told for told in scene.stage.heard.told)


@pytest.mark.parametrize("silence", list(Silence))
@long_time
async def test_a_service_that_nobody_reaches_for_hours_ends_and_doubles_nothing(
    folder: Path, silence: Silence
) -> None:
    scene = Scene(folder)
    async with scene.going():
        scene.run.wire.down = silence
        await scene.minutes(60)
        scene.want("lobby", "mix", videoStream="low")
        await scene.minutes(90)
        assert len(scene.stage.alive()) == 3
        assert scene.stage.started() == 3
        scene.run.wire.down = None
        back_s = scene.stage.wall.monotonic_s()
        await scene.minutes(BACKOFF_MINUTES)
        assert scene.asked_since(back_s)
        scene.check(*NAMES, started=4)


@pytest.mark.parametrize("hours", [1.0, -1.0])
@pytest.mark.parametrize("restarts", [False, True])
@long_time
async def test_a_clock_that_is_set_by_an_hour_keeps_nobody_waiting(
    folder: Path, hours: float, *, restarts: bool
) -> None:
    scene = Scene(folder)
    opens_s = scene.stage.wall.begins_s + 1.5 * HOUR_S
    async with scene.going():
        scene.want("event", times=fixed((opens_s, opens_s + 600.0)))
        scene.order("hall", "fail", cause="upload")
        await scene.minutes(0.2)
        if restarts:
            await scene.run.end()
        scene.stage.wall.wrong_s = hours * HOUR_S
        if restarts:
            scene.run.begin()
        set_s = scene.stage.wall.monotonic_s()
        await scene.minutes(SILENT_MINUTES)
        assert scene.asked_since(set_s)
        scene.check(*NAMES, started=4)
        scene.order("lobby", "kill")
        scene.order("hall", "fail", cause="upload")
        await scene.minutes(SILENT_MINUTES)
        scene.check(*NAMES, started=6)
        left_s = opens_s - scene.stage.wall.now_s()
        await scene.minutes(left_s / MINUTE_S - 0.1)
        assert not scene.stage.alive("event")
        await scene.minutes(0.4)
        scene.check(*NAMES, "event", started=7)
        await scene.minutes(10)
        scene.check(*NAMES, started=7)


@long_time
async def test_credentials_that_are_refused_for_an_hour_are_told_once(folder: Path) -> None:
    scene = Scene(folder, interval_s=60.0)
    async with scene.going():
        scene.stage.fault("*", effect={"status": 401, "message": "Invalid authentication"})
        calls = sum(scene.run.wire.left.counts.values())
        await scene.minutes(60)
        assert scene.stage.started() == 3
        assert sum(scene.run.wire.left.counts.values()) - calls <= 3 * 60
        assert scene.reasons() == ["credentials"] * len(NAMES)
        scene.stage.heal()
        back_s = scene.stage.wall.monotonic_s()
        await scene.minutes(BACKOFF_MINUTES)
        assert scene.asked_since(back_s)
        scene.check(*NAMES)


@long_time
async def test_a_quota_that_is_full_is_used_when_it_is_free_again(folder: Path) -> None:
    scene = Scene(folder)
    async with scene.going():
        world = scene.stage.simulator.world
        world.tuning = world.tuning.changed({"recordings_max": 2})
        scene.want("other")
        await scene.minutes(30)
        scene.check(*NAMES)
        world.tuning = world.tuning.changed({"recordings_max": 50})
        await scene.minutes(BACKOFF_MINUTES)
        scene.check(*NAMES, "other", started=4)


@long_time
async def test_a_program_that_yields_no_credentials_for_a_while_is_asked_again(
    folder: Path,
) -> None:
    scene = Scene(folder)
    scene.stage.allow_exec = True
    keys = folder / "keys.json"
    write_keys(keys, "first")
    asked = {"credentials": {"exec": ["cat", "../keys.json"]}, "refresh": "5m"}
    place = {"vendor": "aws", "region": "us-east-1", "bucket": "recordings"}
    scene.stage.write("asked.yaml", manifest("Storage", "asked", {**place, **asked}))
    scene.want("lobby", "mix", storage="asked")
    async with scene.going():
        keys.unlink()
        await scene.minutes(30)
        scene.check(*NAMES)
        write_keys(keys, "second")
        await scene.minutes(2 * 5 + BACKOFF_MINUTES)
        scene.check(*NAMES)
        (lobby,) = scene.stage.alive("lobby")
        storage: Any = lobby.config["storageConfig"]
        assert storage["accessKey"] == "second"


def write_keys(path: Path, key: str) -> None:
    keys = {"AccessKeyId": key, "SecretAccessKey": f"secret-of-{key}"}
    path.write_text(json.dumps(keys), encoding="utf-8")


@long_time
async def test_a_lock_that_is_lost_ends_the_daemon_and_the_next_goes_on(folder: Path) -> None:
    scene = Scene(folder)
    async with scene.going():
        scene.store.problem = LockLostError("the connection to state is gone")
        with suppress(TimeoutError):
            async with asyncio.timeout(5 * MINUTE_S):
                assert await scene.run.work is False
        await scene.run.end()
        await scene.minutes(3)
        scene.order("hall", "kill")
        scene.run.begin()
        await scene.minutes(SILENT_MINUTES)
        scene.check(*NAMES, started=4)


@long_time
async def test_a_mistake_in_the_passes_of_one_recording_is_no_others_trouble(
    folder: Path,
) -> None:
    scene = Scene(folder)
    broken: set[str] = set()

    def fail(request: Request) -> None:
        if any(sid in request.url for sid in broken):
            raise RuntimeError("a mistake")

    scene.stage.tap = lambda wire: Tap(wire, before=fail)
    async with scene.going():
        (hall,) = scene.stage.alive("hall")
        broken.add(hall.sid)
        scene.order("lobby", "kill")
        scene.want("other")
        await scene.minutes(30)
        scene.check(*NAMES, "other", started=5)
        broken.clear()
        back_s = scene.stage.wall.monotonic_s()
        await scene.minutes(BACKOFF_MINUTES)
        assert scene.asked_since(back_s)
        scene.check(*NAMES, "other", started=5)


@long_time
async def test_a_mistake_in_reading_the_specs_leaves_all_as_it_is(folder: Path) -> None:
    scene = Scene(folder, interval_s=60.0)
    async with scene.going():
        scene.run.source.mistake = RuntimeError("a mistake")
        scene.want("other")
        scene.order("hall", "kill")
        await scene.minutes(SILENT_MINUTES)
        scene.check(*NAMES, started=4)
        scene.run.source.mistake = None
        await scene.minutes(2)
        scene.check(*NAMES, "other", started=5)
