"""What a command asks of the `run` that holds the scope is done, or answered with why not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine import demands
from reconciler.engine.adopt import Adoption
from reconciler.engine.demands import (
    Approve,
    D,
    Demand,
    Forget,
    Forgotten,
    Imported,
    Overridden,
    Resume,
    Stop,
    Stopped,
    Suspend,
)
from reconciler.engine.requests import carry_out
from reconciler.errors import ReconcilerError, StateError
from reconciler.plan.recorded import terms_of
from reconciler.state.store import Asked, Change, Request, Store
from tests.engine.small_run import SmallRun
from tests.engine.support import Stage, virtual_time

LOBBY = ("lobby",)
FORGET = Forget(names=LOBBY, orphan="")
DIGEST = "ab" * 32


class Full:
    """A store that takes nothing."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def commit(self, scope: str, changes: Sequence[Change]) -> int:
        del scope, changes
        raise StateError("there is no space left on the device")


@asynccontextmanager
async def running(
    folder: Path, *names: str, guarded: tuple[str, ...] = (), **spec: Any
) -> AsyncIterator[tuple[Stage, SmallRun]]:
    """Yield a stage whose Recordings record, and a `run` over it."""
    stage = Stage(folder)
    for name in names or LOBBY:
        stage.want(name, **spec)
    await stage.apply()
    async with stage.shop(acts=True) as (shop, _):
        yield stage, SmallRun(shop, guarded)


async def done(run: SmallRun, demand: Demand, kind: type[D]) -> D:
    request = demands.request_of(demand, run.site.now_s())
    return demands.answered(await carry_out(run, request), kind)


def stop(*names: str) -> Stop:
    return Stop(names=names, timeout_s=300.0, parallelism=8)


def asked(run: SmallRun, name: str) -> list[Asked]:
    return run.site.records.store.asked("default", name)


@virtual_time
async def test_a_suspension_is_written_and_acted_on(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, run):
        demand = Suspend(names=LOBBY, reason="the bucket moves", for_s=60.0)
        (standing,) = (await done(run, demand, Overridden)).recordings
        now_s = run.site.now_s()
        assert (standing.changed, standing.since_s) == (True, now_s)
        assert (standing.until_s, standing.reason) == (now_s + 60, "the bucket moves")
        *_, last = asked(run, "lobby")
        assert (last.since_s, last.override) == (now_s, run.site.records.recorded["lobby"].override)
        assert terms_of(last.terms).replicas == 1
        await run.turn()
        assert stage.alive() == []
        await asyncio.sleep(1)
        now_s = run.site.now_s()
        (standing,) = (await done(run, Resume(names=LOBBY), Overridden)).recordings
        assert (standing.changed, standing.since_s) == (True, None)
        *_, last = asked(run, "lobby")
        assert last.override is not None
        assert (last.since_s, last.override.until_s) == (now_s, now_s)


@virtual_time
async def test_what_is_suspended_already_is_not_written_again(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, run):
        demand = Suspend(names=LOBBY, reason="", for_s=None)
        await done(run, demand, Overridden)
        before = run.site.records.store.snapshot("default").serial
        (standing,) = (await done(run, demand, Overridden)).recordings
        assert (standing.changed, standing.since_s) == (False, run.site.now_s())
        assert run.site.records.store.snapshot("default").serial == before


@virtual_time
async def test_with_an_unknown_name_nothing_is_done_for_any(tmp_path: Path) -> None:
    unknown = ("lobby", "nobody")
    async with running(tmp_path) as (stage, run):
        for demand in (
            Suspend(names=unknown, reason="", for_s=None),
            stop(*unknown),
            Forget(names=unknown, orphan=""),
        ):
            with pytest.raises(ReconcilerError, match="no Recording `nobody` here") as refused:
                await done(run, demand, Overridden)
            assert refused.value.exit_code == 1
        assert run.site.records.recorded["lobby"].override is None
        assert len(stage.alive("lobby")) == 1
        assert run.woken == []


@virtual_time
async def test_what_is_stopped_and_still_desired_is_started_again(tmp_path: Path) -> None:
    async with running(tmp_path, "lobby", "other") as (stage, run):
        (before,) = run.site.records.sessions_of("lobby")
        (result,) = (await done(run, stop("lobby"), Stopped)).results
        assert (result.recording, result.outcome, result.error) == ("lobby", "done", None)
        assert result.session == before.id
        assert [each.identity.cname for each in stage.alive()] == ["other"]
        await run.turn()
        assert len(stage.alive("lobby")) == 1
        assert [each.end_reason for each in stage.sessions("lobby")] == ["requested", ""]


@virtual_time
async def test_what_is_protected_is_a_failure_that_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, policy={"protect": True}) as (stage, run):
        (result,) = (await done(run, stop("lobby"), Stopped)).results
        assert result.error is not None
        assert (result.outcome, result.error.code) == ("failed", "protected")
        assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_a_stop_waits_for_the_pass_that_runs(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, run):
        async with run.alone(LOBBY):
            stopping = asyncio.create_task(done(run, stop("lobby"), Stopped))
            await asyncio.sleep(60)
            assert len(stage.alive("lobby")) == 1
        assert (await stopping).results[0].outcome == "done"


@virtual_time
async def test_a_run_that_ends_says_what_it_left(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, run):
        stage.fault("stop", effect={"status": 504, "code": 62, "reason": "request timeout"})
        stopping = asyncio.create_task(done(run, stop("lobby"), Stopped))
        await asyncio.sleep(10)
        run.site.halt.order()
        (result,) = (await stopping).results
        assert result.outcome != "done"
        assert stage.sessions("lobby")[0].stop_reason == "requested"


@virtual_time
async def test_a_stop_that_state_does_not_take_ends_nothing_else_of_the_run(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, run):
        store = run.site.records.store
        run.site.records.store = Full(store)
        with pytest.raises(ReconcilerError, match="no space left"):
            await done(run, stop("lobby"), Stopped)
        run.site.records.store = store
        assert not run.site.halt.ordered
        assert (await done(run, stop("lobby"), Stopped)).results[0].outcome == "done"


@virtual_time
async def test_what_is_forgotten_goes_on_and_can_be_taken_over_again(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, run):
        (session,) = run.site.records.sessions_of("lobby")
        assert await done(run, FORGET, Forgotten) == Forgotten((session.id,))
        assert run.site.records.recorded == {}
        assert asked(run, "lobby")[-1].terms == ""
        demand = Adoption(
            recording="lobby",
            replica=0,
            uid=session.uid,
            resource_id=session.resource_id,
            sid=session.sid,
            started_s=session.started_s,
            assume_applied=True,
        )
        imported = await done(run, demand, Imported)
        assert asked(run, "lobby")[-1].terms == run.site.records.recorded["lobby"].terms
        assert stage.sessions("lobby")[-1].id == imported.session != session.id
        await run.turn()
        assert stage.started() == 1
        assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_what_is_forgotten_and_still_desired_is_started_beside_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, run):
        await done(run, FORGET, Forgotten)
        await run.turn()
        assert len(stage.alive("lobby")) == 2


@virtual_time
async def test_an_orphan_is_forgotten_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("start", effect={"drop": "after"}, times=4)
    await stage.apply()
    async with stage.shop(acts=True) as (shop, _):
        run = SmallRun(shop)
        (orphan,) = (each for each in shop.site.records.all_sessions() if each.is_orphan)
        demand = Forget(names=LOBBY, orphan=orphan.resource_id)
        assert await done(run, demand, Forgotten) == Forgotten((orphan.id,))
        assert "lobby" in shop.site.records.recorded
        with pytest.raises(ReconcilerError, match="no orphan"):
            await done(run, demand, Forgotten)


@virtual_time
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"recording": "nobody"}, "reads no Recording `nobody`"),
        ({"recording": "broken"}, "`broken` has errors"),
        ({"replica": 1}, "no replica 1"),
        ({"replica": -1}, "no replica -1"),
        ({"sid": ""}, "names a uid"),
        ({"started_s": 4e9}, "in the future"),
        ({"sid": "another"}, "nothing was imported"),
    ],
)
async def test_what_the_run_does_not_want_is_not_taken_over(
    tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.want("broken", nonsense=True)
    async with stage.shop(acts=True) as (shop, _):
        run = SmallRun(shop)
        given = {"recording": "lobby", "replica": 0, "uid": "7", "resource_id": "r", "sid": "s"}
        more = {"started_s": None, "assume_applied": False}
        with pytest.raises(ReconcilerError, match=said):
            await done(run, Adoption(**{**given, **more, **wrong}), Imported)
        assert stage.sessions() == []


@virtual_time
async def test_a_guard_is_lifted_by_a_digest_or_what_it_begins_with_once(tmp_path: Path) -> None:
    other = f"{DIGEST[:-1]}0"
    async with running(tmp_path, guarded=(DIGEST, "cd" * 32)) as (_, run):
        await done(run, Approve(digest="cd" * 4), demands.Approved)
        await done(run, Approve(digest=DIGEST), demands.Approved)
        for digest in (DIGEST, other, "ab", "*" * 8):
            with pytest.raises(ReconcilerError) as refused:
                await done(run, Approve(digest=digest), demands.Approved)
            assert "reconciler status" in str(refused.value.hint)


@virtual_time
@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("destroy", '{"names": ["lobby"]}'),
        ("stop", ""),
        ("stop", "[" * 100_000),
        ("stop", "[]"),
        ("stop", '{"names": ["lobby"]}'),
        ("stop", '{"names": "lobby", "timeout_s": 1, "parallelism": 1}'),
        ("stop", '{"names": ["lobby"], "timeout_s": NaN, "parallelism": 1}'),
        ("stop", '{"names": ["lobby"], "timeout_s": 1, "parallelism": true}'),
        ("stop", '{"names": ["lobby"], "timeout_s": 1, "parallelism": 1, "more": 1}'),
        ("suspend", '{"names": ["lobby"], "reason": 7, "for_s": null}'),
        ("suspend", '{"names": ["lobby"], "reason": "", "for_s": 1e999}'),
        ("forget", '{"names": ["lobby"], "orphan": "r"}'),
        ("forget", '{"names": ["lobby"], "orphan": null}'),
        ("resume", f'{{"names": ["{"x" * (1 << 20)}"]}}'),
    ],
)
async def test_what_no_command_wrote_is_an_answer_and_changes_nothing(
    tmp_path: Path, command: str, arguments: str
) -> None:
    async with running(tmp_path) as (stage, run):
        before = run.site.records.store.snapshot("default")
        request = Request(created_s=run.site.now_s(), command=command, arguments=arguments)
        with pytest.raises(ReconcilerError) as refused:
            demands.answered(await carry_out(run, request), Stopped)
        assert refused.value.exit_code == 1
        assert run.site.records.store.snapshot("default") == before
        assert len(stage.alive("lobby")) == 1
