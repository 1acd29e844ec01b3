"""How an apply runs: how wide, how long, and how it ends when it is interrupted."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reconciler.agora.client import Client
from reconciler.agora.messages import Reply, Request, Unanswered, Wire
from reconciler.engine.apply import Limits
from reconciler.engine.observe import handle_of
from reconciler.plan.result import Result
from tests.engine.support import (
    Stage,
    action_of,
    kinds,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)


async def interrupted(stage: Stage, after_s: float) -> list[Result]:
    """Apply, and interrupt that so much later."""
    interrupt = asyncio.Event()
    asyncio.get_running_loop().call_later(after_s, interrupt.set)
    return await stage.apply(interrupt=interrupt)


@virtual_time
async def test_what_is_not_confirmed_in_time_fails_and_is_taken_up_by_the_next_run(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=60))
    stage.want("lobby")
    problem = problem_of(await stage.apply(limits=Limits(timeout_s=20)), "lobby")
    assert (problem.code, problem.hint) == ("timeout", "give it longer with --timeout")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.started() == 1


@virtual_time
async def test_only_what_is_not_settled_fails_when_time_is_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", replicas=2, uid="7", backupUids=["8"])
    stage.fault("query", uid="8", effect={"status": 200, "body": {"serverResponse": {"status": 1}}})
    results = await stage.apply(limits=Limits(timeout_s=20))
    assert outcomes(results) == {"lobby": "done", "lobby[1]": "failed"}


@virtual_time
async def test_no_wait_returns_after_the_calls(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=60))
    stage.want("lobby")
    began_s = stage.clock.now_s()
    assert outcomes(await stage.apply(limits=Limits(wait=False))) == {"lobby": "done"}
    assert stage.clock.now_s() - began_s < 2
    assert stage.sessions()[0].phase == "starting"
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_no_wait_sits_out_the_stop_that_another_recording_needs(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="7")
    await stage.apply()
    stage.drop("lobby")
    stage.want("annex", "individual", channel="lobby", uid="7")
    results = await stage.apply(limits=Limits(wait=False))
    assert outcomes(results) == {"lobby": "done", "annex": "done"}
    assert stage.sessions("annex")[0].uid == "7"


@virtual_time
async def test_an_interrupted_apply_begins_nothing_new_and_knows_all_that_it_began(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=60))
    for number in range(20):
        stage.want(f"room-{number}")
    results = await interrupted(stage, 1.5)
    begun = stage.started()
    assert 5 < begun < 15
    known = {each.sid for each in stage.sessions() if each.sid}
    assert known == {each.sid for each in stage.alive()}
    assert len(known) == begun
    assert set(outcomes(results).values()) == {"skipped"}
    codes = {(each.error.code, "not begun" in each.error.message) for each in results if each.error}
    assert codes == {("interrupted", True), ("interrupted", False)}
    assert set(outcomes(await stage.apply()).values()) == {"done"}
    assert stage.started() == 20


@virtual_time
async def test_an_interrupted_start_that_is_being_repeated_is_finished(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    no_worker = {"status": 500, "code": 502, "reason": "Failed to allocate worker"}
    stage.fault("start", effect=no_worker)
    await interrupted(stage, 2)
    assert len(stage.log("start")) <= 2, "no new pair is begun"
    assert stage.sessions()[-1].end_reason in {"interrupted", "not-started"}


@dataclass
class Slow:
    """A way to the service on which the answers of one endpoint take 3 s, and are told of."""

    inner: Wire
    endpoint: str
    sent: asyncio.Event

    async def send(self, request: Request) -> Reply | Unanswered:
        answer = await self.inner.send(request)
        if request.url.endswith(f"/{self.endpoint}"):
            self.sent.set()
            await asyncio.sleep(3)
        return answer


async def interrupted_on_the_way(stage: Stage, endpoint: str) -> list[Result]:
    """Apply, and interrupt that while such a call is on its way."""
    sent = asyncio.Event()
    stage.tap = lambda wire: Slow(wire, endpoint, sent)
    results = await stage.apply(interrupt=sent)
    stage.tap = lambda wire: wire
    return results


@virtual_time
async def test_the_answer_to_an_update_is_kept_though_the_run_is_interrupted(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", layout={"type": "best-fit"})
    assert outcomes(await interrupted_on_the_way(stage, "updateLayout")) == {"lobby": "done"}
    assert stage.sessions()[0].pending == ()
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_the_answer_to_a_stop_is_kept_though_the_run_is_interrupted(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", suspend=True)
    assert outcomes(await interrupted_on_the_way(stage, "stop")) == {"lobby": "skipped"}
    assert stage.sessions()[0].stop_taken_s is not None


@virtual_time
async def test_an_acquire_that_was_answered_is_followed_by_its_start(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    assert outcomes(await interrupted_on_the_way(stage, "acquire")) == {"lobby": "skipped"}
    assert [each.phase for each in stage.sessions()] == ["starting"]
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.started() == 1


@virtual_time
@pytest.mark.parametrize(
    ("changed", "endpoint"), [({"layout": {"type": "best-fit"}}, "updateLayout"), ({}, "stop")]
)
async def test_what_waits_in_line_at_an_interrupt_is_not_sent_and_not_said_to_be(
    tmp_path: Path, changed: dict[str, Any], endpoint: str
) -> None:
    stage = Stage(tmp_path)
    names = [f"room-{number:02}" for number in range(20)]
    for name in names:
        stage.want(name)
    await stage.apply()
    for name in names:
        stage.want(name, **(changed or {"suspend": True}))
    interrupt = asyncio.Event()
    asyncio.get_running_loop().call_later(3, interrupt.set)  # 20 queries take 2 s
    await stage.apply(interrupt=interrupt, allow_stops=20)
    sent = {call["sid"] for call in stage.log(endpoint)}
    assert 3 < len(sent) < 17
    marked = {each.sid for each in stage.sessions() if each.pending or each.stop_asked_s}
    assert marked == (sent if endpoint == "stop" else set())
    assert set(outcomes(await stage.apply(allow_stops=20)).values()) == {"done"}
    assert len(stage.log(endpoint)) == 20, "none twice"


@virtual_time
async def test_an_interrupt_does_not_keep_a_lost_session_from_being_stopped(tmp_path: Path) -> None:
    """Its `sid` could not be written; the stop of it finishes what was begun."""
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    (alive,) = stage.alive("lobby")
    async with stage.shop(acts=True) as (shop, _):
        (session,) = stage.sessions()
        client = shop.site.apps.client_of(session)
        assert isinstance(client, Client)
        shop.site.halt.order()
        await client.stop(handle_of(session))
        assert stage.log("stop") == []
        await client.stop(handle_of(session), must_go=True)
    assert alive not in stage.alive("lobby")


@virtual_time
async def test_recordings_are_started_side_by_side_at_the_rate_of_the_app(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for number in range(30):
        stage.want(f"room-{number}")
    assert set(outcomes(await stage.apply()).values()) == {"done"}
    calls = stage.log("acquire", "start", "query")
    assert {call["status"] for call in calls} == {200}, "no 429"
    pairs = [call["at"] for call in stage.log("acquire", "start")]
    assert pairs[-1] - pairs[0] <= 1.15 * 60 / 10


@virtual_time
async def test_an_empty_plan_makes_no_call_that_changes_anything(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", replicas=2)
    stage.want("wall", "web")
    await stage.apply()
    before = await stage.calls()
    with stage.store() as store:
        serial = store.snapshot("default").serial
    assert kinds(await stage.plan()) == {}
    with stage.store() as store:
        assert store.snapshot("default").serial == serial, "a plan writes nothing"
    assert await stage.apply() == []
    assert await stage.calls() == before


@virtual_time
async def test_parallelism_bounds_how_many_are_in_work(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=20))
    for number in range(3):
        stage.want(f"room-{number}")
    await stage.apply(limits=Limits(parallelism=1))
    starts = [call["at"] for call in stage.log("start")]
    assert all(later - earlier > 20 for earlier, later in pairwise(starts))


@virtual_time
async def test_what_failed_backs_off_and_the_next_run_says_until_when(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("start", effect={"status": 400, "code": 2, "reason": "no"})
    await stage.apply()
    await stage.apply()
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("wait", "backing-off")
    assert action.until_s is not None
    assert 5 < action.until_s - stage.clock.now_s() <= 10
    tried = len(stage.log("start"))
    assert problem_of(await stage.apply(), "lobby").code == "backing-off"
    assert len(stage.log("start")) == tried
    stage.heal()
    stage.want("lobby", maxIdle="9m")  # another configuration ends the back-off
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_a_failure_stands_as_a_condition_until_an_apply_mends_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("acquire", effect={"status": 400, "code": 2, "reason": "no"})
    await stage.apply()
    with stage.store() as store:
        (failed,) = store.conditions("default")
        events = [event for _, event in store.events("default", "lobby")]
    assert (failed.type, failed.status) == ("Applied", False)
    assert any(event.type == "warning" and event.reason == failed.reason for event in events)
    stage.heal()
    await stage.apply()
    with stage.store() as store:
        (mended,) = store.conditions("default")
    assert (mended.status, mended.message) == (True, "")
