"""Replacements: the successor is confirmed first, or the predecessor stays."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.apply import Limits
from reconciler.simulator.settings import DEFAULT_APP_ID, Settings
from reconciler.simulator.tree import child
from tests.engine.support import (
    APP,
    STORAGE,
    Stage,
    Tap,
    action_of,
    kinds,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)

OTHER_APP_ID = "fedcba9876543210fedcba9876543210"


class CrashError(BaseException):
    """The end of a process, at once."""


async def changed(folder: Path, *, policy: Any = None, **more: Any) -> Stage:
    """Return a stage whose one recording runs and is wanted otherwise now."""
    stage = Stage(folder, **more)
    stage.want("lobby", policy=policy)
    await stage.apply()
    stage.want("lobby", policy=policy, maxIdle="9m")
    return stage


def idle_s(stage: Stage) -> list[Any]:
    """Return the `maxIdleTime` of what lives in the channel, oldest first."""
    alive = sorted(stage.alive("lobby"), key=lambda each: each.started_s)
    return [each.recording["maxIdleTime"] for each in alive]


@virtual_time
async def test_the_successor_is_confirmed_before_the_predecessor_is_stopped(tmp_path: Path) -> None:
    stage = await changed(tmp_path)
    assert kinds(await stage.plan()) == {"lobby": "replace"}
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    before, after = stage.sessions()
    assert (before.phase, before.end_reason) == ("ended", "replaced")
    assert after.confirmed_s is not None
    assert before.stop_asked_s is not None
    assert after.confirmed_s <= before.stop_asked_s
    assert idle_s(stage) == [540]
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_successor_that_never_comes_up_leaves_the_predecessor(tmp_path: Path) -> None:
    stage = await changed(tmp_path)
    (before,) = stage.sessions()
    stage.fault("query", nth=list(range(2, 40)), effect={"status": 200, "body": NOT_UP})
    results = await stage.apply()
    assert problem_of(results, "lobby").code == "unconfirmed"
    assert [each.sid for each in stage.alive("lobby")] == [before.sid]
    assert stage.sessions()[1].end_reason == "unconfirmed"
    stage.heal()
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert idle_s(stage) == [540]


NOT_UP = {"serverResponse": {"status": 2}}


@virtual_time
async def test_a_successor_that_is_refused_leaves_the_predecessor_and_says_why(
    tmp_path: Path,
) -> None:
    stage = await changed(tmp_path)
    stage.fault("start", effect={"status": 400, "code": 2, "reason": "maxIdleTime is odd"})
    problem = problem_of(await stage.apply(), "lobby")
    assert "maxIdleTime is odd" in problem.message
    assert idle_s(stage) == [300]


@virtual_time
async def test_a_spec_that_went_back_while_the_successor_came_up_stops_the_successor(
    tmp_path: Path,
) -> None:
    stage = await changed(tmp_path, settings=settings(start_delay_s=20))
    (before,) = stage.sessions()
    await crash_after(stage, "query")
    assert len(stage.alive("lobby")) == 2
    stage.want("lobby")
    await stage.apply()
    assert [each.sid for each in stage.alive("lobby")] == [before.sid]
    assert kinds(await stage.plan()) == {}


@virtual_time
@pytest.mark.parametrize("endpoint", ["acquire", "start", "query", "stop"])
async def test_a_replacement_is_finished_whenever_it_was_cut_off(
    tmp_path: Path, endpoint: str
) -> None:
    stage = await changed(tmp_path)
    await crash_after(stage, endpoint)
    await stage.apply()
    orphans = {each.uid for each in stage.sessions() if each.is_orphan}
    assert len(orphans) == (endpoint == "start"), "the repeated start told no sid"
    mine = [each for each in stage.alive("lobby") if each.identity.uid not in orphans]
    assert [each.sid for each in mine] == [stage.sessions()[-1].sid]
    assert stage.sessions()[-1].phase == "running"
    assert kinds(await stage.plan()) == {}


async def crash_after(stage: Stage, endpoint: str) -> None:
    """Begin an apply that ends when the successor's first such call has taken effect."""
    (before,) = (each for each in stage.sessions() if each.may_live)

    def crash(request: Any, answer: Any) -> Any:
        is_old = before.sid in request.url and endpoint != "stop"
        if request.url.endswith(f"/{endpoint}") and not is_old:
            raise CrashError
        return answer

    stage.tap = lambda wire: Tap(wire, after=crash)
    with pytest.raises(CrashError):
        await stage.apply()
    stage.tap = lambda wire: wire


@virtual_time
async def test_stop_first_starts_once_the_service_says_that_it_has_ended(tmp_path: Path) -> None:
    stage = await changed(tmp_path, policy={"replace": "stop-first"})
    assert action_of(await stage.plan(), "lobby").stop_first
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    before, after = stage.sessions()
    assert before.end_reason == "replaced"
    assert before.ended_s is not None
    assert after.created_s >= before.ended_s
    assert idle_s(stage) == [540]


@virtual_time
async def test_stop_first_starts_90_s_after_a_stop_that_nothing_confirms(tmp_path: Path) -> None:
    stage = await changed(tmp_path, policy={"replace": "stop-first"})
    busy = {"status": 504, "code": 62, "reason": "request timeout"}
    stage.fault("query", uid=stage.sessions()[0].uid, effect=busy)
    await stage.apply()
    stopped, started = stage.log("stop")[0]["at"], stage.log("start")[1]["at"]
    assert 90 <= started - stopped < 125
    assert idle_s(stage) == [540]


@virtual_time
async def test_stop_first_does_not_stop_what_it_could_not_start_again(tmp_path: Path) -> None:
    stage = await changed(tmp_path, policy={"replace": "stop-first"})
    del stage.environ["SECRET_KEY"]
    results = await stage.apply()
    assert problem_of(results, "lobby").code == "secret-unresolved"
    assert idle_s(stage) == [300]
    assert stage.log("stop") == []


@virtual_time
@pytest.mark.parametrize(
    ("policy", "reason"),
    [({"replace": "forbid"}, "replace-forbidden"), ({"protect": True}, "protected")],
)
async def test_what_may_not_be_replaced_is_an_error_and_nothing_is_called(
    tmp_path: Path, policy: dict[str, Any], reason: str
) -> None:
    stage = await changed(tmp_path, policy=policy)
    before = await stage.calls()
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("error", reason)
    assert outcomes(await stage.apply()) == {"lobby": "failed"}
    assert await stage.calls() == before


@virtual_time
async def test_without_a_place_for_the_successor_it_waits(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("app.yaml", APP + "  maxRecordings: 1\n")
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", maxIdle="9m")
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("wait", "no-place")
    assert problem_of(await stage.apply(), "lobby").code == "no-place"
    assert idle_s(stage) == [300]


@virtual_time
async def test_one_free_place_serves_all_successors_in_turn(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(recordings_max=4))
    stage.write("app.yaml", APP + "  maxRecordings: 4\n")
    for name in ("a", "b", "c"):
        stage.want(name)
    await stage.apply()
    for name in ("a", "b", "c"):
        stage.want(name, maxIdle="9m")
    assert set(kinds(await stage.plan()).values()) == {"replace"}
    for _ in range(3):
        await stage.apply()
    assert kinds(await stage.plan()) == {}
    assert len(stage.alive()) == 3


@virtual_time
async def test_another_app_id_replaces_and_the_old_one_is_stopped_under_its_own(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, Settings(app_ids=(DEFAULT_APP_ID, OTHER_APP_ID)))
    stage.want("lobby")
    await stage.apply()
    stage.write("app.yaml", APP.replace("0123456789abcdef0123456789abcdef", OTHER_APP_ID, 1))
    assert kinds(await stage.plan()) == {"lobby": "replace"}
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (alive,) = stage.alive("lobby")
    assert alive.identity.app_id == OTHER_APP_ID
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_no_wait_returns_after_the_calls_but_finishes_a_replacement(tmp_path: Path) -> None:
    stage = await changed(tmp_path)
    await stage.apply(limits=Limits(wait=False))
    await asyncio.sleep(5)
    assert idle_s(stage) == [540]
    assert len(stage.log("stop")) == 1


@virtual_time
async def test_another_channel_or_mode_is_a_replacement_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", channel="hall")
    await stage.apply()
    assert [each.identity.cname for each in stage.alive()] == ["hall"]
    stage.want("lobby", "individual", channel="hall")
    await stage.apply()
    assert [each.mode for each in stage.alive()] == ["individual"]
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_fresh_credentials_go_out_with_the_storage_that_a_session_has(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", prefix=["before"], policy={"replace": "defer"})
    await stage.apply()
    stage.want("lobby", prefix=["after"], policy={"replace": "defer"})
    stage.environ["ACCESS_KEY"] = "another-7731"
    await stage.apply()
    (alive,) = stage.alive("lobby")
    storage = child(alive.config, "storageConfig")
    assert (storage["accessKey"], storage["fileNamePrefix"]) == ("another-7731", ["before"])


@virtual_time
async def test_no_session_is_given_the_credentials_of_another_bucket(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", policy={"replace": "defer"})
    await stage.apply()
    stage.write("storage.yaml", STORAGE.replace("bucket: recordings", "bucket: others"))
    stage.environ["ACCESS_KEY"] = "another-7731"
    await stage.apply()
    (alive,) = stage.alive("lobby")
    storage = child(alive.config, "storageConfig")
    assert (storage["accessKey"], storage["bucket"]) == ("access-key-7731", "recordings")
    assert stage.log("update") == []
