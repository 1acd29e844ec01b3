"""Each request is carried out once, by one `run`, or by none: and whoever asked is answered."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine import demands
from reconciler.engine.attendant import WAITED_S_MAX
from reconciler.engine.demands import (
    Approve,
    Approved,
    Demand,
    Forget,
    Forgotten,
    Overridden,
    Stop,
    Stopped,
    Suspend,
)
from reconciler.errors import ReconcilerError, StateError
from reconciler.state.store import Answer, Change, Store
from tests.engine.small_run import LOOK_S, SmallRun
from tests.engine.support import Stage, virtual_time

BUSY = {"status": 504, "code": 62, "reason": "request timeout"}
SUSPEND = Suspend(names=("lobby",), reason="", for_s=None)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Stage, SmallRun]]:
    """Yield a stage whose one Recording records, and a `run` over it."""
    stage = Stage(folder)
    stage.want("lobby")
    await stage.apply()
    async with stage.shop(acts=True) as (shop, _):
        yield stage, SmallRun(shop)


def store_of(run: SmallRun) -> Store:
    return run.site.records.store


def ask(run: SmallRun, demand: Demand = SUSPEND, age_s: float = 0.0) -> int:
    request = demands.request_of(demand, run.site.now_s() - age_s)
    return store_of(run).ask("default", request)


async def answer(run: SmallRun, number: int, kind: Any = Overridden) -> Any:
    """Return what is answered in the end, after at most a minute."""
    for _ in range(600):
        text = store_of(run).answer(number)
        if text is not None:
            break
        await asyncio.sleep(0.1)
    assert text is not None, "nobody answers"
    place = demands.place_in(text)
    return demands.answered(text, kind) if place is None else await answer(run, place, kind)


@virtual_time
async def test_what_is_asked_is_done_within_a_look(tmp_path: Path) -> None:
    async with serving(tmp_path) as (stage, run):
        task = asyncio.create_task(run.serve(stage.clock))
        await asyncio.sleep(7)
        began_s = stage.clock.monotonic_s()
        done = await answer(run, ask(run))
        assert done.recordings[0].changed
        assert stage.clock.monotonic_s() - began_s < LOOK_S + 0.5
        task.cancel()
        assert store_of(run).requests("default") == []


@virtual_time
async def test_what_was_taken_back_is_not_done(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, run):
        number = ask(run)
        store_of(run).withdraw(number)
        await run.turn()
        assert run.site.records.recorded["lobby"].override is None
        assert store_of(run).requests("default") == []


@virtual_time
async def test_what_is_taken_back_while_it_is_taken_is_not_done(tmp_path: Path) -> None:
    class Slow:
        def __init__(self, inner: Store) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def commit(self, scope: str, changes: Sequence[Change]) -> int:
            for change in changes:
                if isinstance(change, Answer):
                    self._inner.withdraw(change.request)
            return self._inner.commit(scope, changes)

    async with serving(tmp_path) as (_, run):
        ask(run)
        run.site.records.store = Slow(store_of(run))
        await run.turn()
        await run.attendant.end()
        assert run.site.records.recorded["lobby"].override is None
        assert store_of(run).requests("default") == []


@virtual_time
async def test_of_two_runs_one_does_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as (stage, one), stage.shop(acts=True) as (shop, _):
        other = SmallRun(shop)
        one.guarded = other.guarded = {"ab" * 32}
        number = ask(one, Approve(digest="ab" * 32))
        await asyncio.gather(one.turn(), other.turn())
        assert await answer(one, number, Approved) == Approved()
        assert one.guarded == set()


@virtual_time
async def test_what_belongs_to_another_run_is_left_to_that(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, run):
        run.foreign = {"lobby"}
        number = ask(run)
        await run.turn()
        assert store_of(run).answer(number) is None
        run.foreign = set()
        await run.turn()
        assert (await answer(run, number)).recordings[0].changed


@virtual_time
async def test_what_nobody_waits_for_is_not_done(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, run):
        number = ask(run, age_s=WAITED_S_MAX + 1)
        await run.turn()
        with pytest.raises(ReconcilerError, match="nobody waits for it") as refused:
            await answer(run, number)
        assert "clock" in str(refused.value.hint)
        assert run.site.records.recorded["lobby"].override is None


@virtual_time
async def test_what_a_run_that_ended_had_begun_is_answered_by_the_next(tmp_path: Path) -> None:
    async with serving(tmp_path) as (stage, run):
        number = ask(run)
        async with run.alone(["lobby"]):
            await run.attendant.look()
            assert demands.place_in(store_of(run).answer(number) or "") is not None
        async with stage.shop(acts=True) as (shop, _):
            await SmallRun(shop).turn()
        with pytest.raises(ReconcilerError, match="ended, or lost its state"):
            await answer(run, number)


@virtual_time
async def test_what_is_about_one_recording_is_done_in_turn_but_for_overrides(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (stage, run):
        stop = Stop(names=("lobby",), timeout_s=300.0, parallelism=1)
        numbers = [ask(run, stop), ask(run, Forget(names=("lobby",), orphan="")), ask(run)]
        stage.fault("stop", effect=BUSY, times=3)
        began_s = stage.clock.monotonic_s()
        await run.attendant.look()
        assert (await answer(run, numbers[2])).recordings[0].changed
        assert stage.clock.monotonic_s() - began_s < 1
        assert [each.end_reason for each in stage.sessions("lobby")] == [""]
        assert (await answer(run, numbers[0], Stopped)).results[0].outcome == "done"
        assert await answer(run, numbers[1], Forgotten) == Forgotten(())


@virtual_time
async def test_the_end_of_the_run_waits_for_no_request_for_long(tmp_path: Path) -> None:
    async with serving(tmp_path) as (stage, run):
        number = ask(run, Stop(names=("lobby",), timeout_s=300.0, parallelism=1))
        async with run.alone(["lobby"]):
            await run.attendant.look()
            began_s = stage.clock.monotonic_s()
            await run.attendant.end()
            assert stage.clock.monotonic_s() - began_s < 2
        with pytest.raises(ReconcilerError, match="was ended before it was done"):
            await answer(run, number, Stopped)


@virtual_time
async def test_a_bug_ends_no_run_and_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(SmallRun):
        def holds(self, _: str) -> bool:
            return True

        def approve(self, digest: str) -> str:
            raise LookupError(digest)

    async with serving(tmp_path) as (_, small):
        run = Broken(small.shop)
        number = ask(run, Approve(digest="ab" * 32))
        await run.turn()
        with pytest.raises(ReconcilerError, match="This is a bug in reconciler"):
            await answer(run, number, Approved)
        assert "this is a bug in reconciler" in caplog.text


@virtual_time
async def test_where_the_answer_cannot_be_written_it_is_said_later(tmp_path: Path) -> None:
    class Full:
        def __init__(self, inner: Store) -> None:
            self._inner = inner
            self.is_full = False

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def commit(self, scope: str, changes: Sequence[Change]) -> int:
            if self.is_full:
                raise StateError("there is no space left on the device")
            return self._inner.commit(scope, changes)

    async with serving(tmp_path) as (_, run):
        full = Full(store_of(run))
        run.site.records.store = full
        number = ask(run)
        await run.attendant.look()
        full.is_full = True
        await run.attendant.end()
        full.is_full = False
        await run.attendant.look()
        with pytest.raises(ReconcilerError, match="lost its state"):
            await answer(run, number)
