"""What once went wrong, as it was found: sessions lost, doubled, or stopped without need."""

import asyncio
from pathlib import Path

import pytest

from reconciler.agora.messages import Reply, Request, Unanswered
from reconciler.agora.rtc_token import recorder_token
from reconciler.cli.destroy import drop
from reconciler.engine.apply import Limits
from reconciler.engine.quell import Quell, plan_stops
from reconciler.engine.release import let_go
from reconciler.plan.result import Result
from reconciler.spec.secrets import SecretValue
from reconciler.state.store import DropRecorded
from tests.engine.support import (
    APP,
    CERTIFICATE,
    Stage,
    Tap,
    action_of,
    kinds,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)

APP_ID = "0123456789abcdef0123456789abcdef"
NOT_FOUND = {"status": 404, "code": 404, "reason": "failed to find worker"}
PERHAPS = {"status": 206, "code": 65, "reason": "request not completed"}
FORBIDDEN = {"status": 401, "message": "Invalid authentication credentials"}
OVERLOADED = {"status": 400, "code": 406, "reason": "vendor_over_load"}
CONFLICT = {"status": 400, "code": 53, "reason": "task conflict"}


class CrashError(BaseException):
    """The end of a process, at once."""


def unreachable(stage: Stage) -> None:
    """Let 404 be all that the service says of any session."""
    stage.fault("stop", effect=NOT_FOUND)
    stage.fault("query", effect=NOT_FOUND)


async def destroyed(stage: Stage, name: str) -> list[Result]:
    """Destroy a Recording as `reconciler destroy` does."""
    async with stage.shop(acts=True) as (shop, _):
        quell = Quell(
            shop.site,
            plan_stops(shop.site, [name], refuses_observed=False),
            stage.heard,
            Limits(),
        )
        await quell.run()
        await drop(shop.site, [name])
        return quell.results


@virtual_time
async def test_what_404_alone_ended_is_stopped_if_it_lives_after_a_destroy(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    unreachable(stage)
    assert outcomes(await destroyed(stage, "lobby")) == {"lobby": "done"}
    stage.heal()
    stage.drop("lobby")
    stage.want("other", suspend=True)
    assert len(stage.alive("lobby")) == 1
    await asyncio.sleep(200)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.alive("lobby") == []
    with stage.store() as store:
        assert set(store.snapshot("default").recorded) == {"other"}


@virtual_time
async def test_one_that_state_no_longer_lists_is_stopped_if_it_lives(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    unreachable(stage)
    await destroyed(stage, "lobby")
    stage.heal()
    stage.drop("lobby")
    stage.want("other", suspend=True)
    with stage.store() as store:
        store.commit("default", [DropRecorded(name="lobby")])
    await asyncio.sleep(200)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.alive("lobby") == []
    assert kinds(await stage.plan()) == {"other": "none"}
    with stage.store() as store:
        assert [each.recording for each in store.conditions("default")] == []


@virtual_time
async def test_what_was_forgotten_is_not_looked_at_again_and_not_stopped(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    unreachable(stage)
    stage.want("lobby", suspend=True)
    await stage.apply()
    assert stage.sessions("lobby")[0].recheck_s is not None
    stage.heal()
    async with stage.shop(acts=True) as (shop, _):
        await let_go(shop.site, ["lobby"], [])
    stage.drop("lobby")
    stage.want("other", suspend=True)
    stops = len(stage.log("stop"))
    await asyncio.sleep(300)
    assert await stage.apply() == []
    assert stage.sessions("lobby")[0].phase == "ended"
    assert len(stage.log("stop")) == stops


@virtual_time
async def test_an_orphan_ends_by_its_own_duration_and_not_by_that_of_the_spec_of_now(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    page = {"url": "https://example.com/page"}
    stage.want("wall", "web", web={**page, "maxDuration": "24h"})

    def crash(request: Request, answer: Reply | Unanswered) -> Reply | Unanswered:
        if request.url.endswith("/start"):
            raise CrashError
        return answer

    stage.tap = lambda wire: Tap(wire, after=crash)
    with pytest.raises(CrashError):
        await stage.apply()
    stage.tap = lambda wire: wire
    stage.want("wall", "web", web={**page, "maxDuration": "1h"})
    await asyncio.sleep(400)  # too late to repeat the start
    await stage.apply()
    lost = stage.sessions()[0]
    assert lost.acquired_s is not None
    assert lost.ends_by_s is not None
    assert lost.ends_by_s - lost.acquired_s >= 24 * 3600


@virtual_time
async def test_an_orphan_with_a_token_of_its_spec_ends_with_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    issued_s = int(stage.clock.now_s())
    token = recorder_token(APP_ID, SecretValue(CERTIFICATE), "lobby", issued_s, 5)
    stage.environ["TOKEN"] = token.reveal()
    stage.want("lobby", token={"env": "TOKEN"})
    stage.fault("start", times=4, effect=PERHAPS)
    await stage.apply()
    assert stage.sessions()[0].ends_by_s == issued_s + 86_400


@virtual_time
async def test_a_conflict_with_what_404_alone_stopped_is_with_one_of_ours(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="101")
    await stage.apply()
    unreachable(stage)
    stage.want("lobby", uid="101", suspend=True)
    await stage.apply()
    assert stage.sessions()[0].end_reason == "suspended"
    assert len(stage.alive("lobby")) == 1
    stage.heal()
    stage.want("lobby", uid="101")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.log("start")[1]["code"] == 53
    assert stage.sessions()[-1].uid != "101"


@virtual_time
async def test_the_quota_of_the_service_is_no_place_and_no_failure(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", maxIdle="9m")
    stage.fault("acquire", effect=OVERLOADED)
    assert problem_of(await stage.apply(), "lobby").code == "quota"
    assert stage.sessions()[-1].end_reason == "quota"
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("wait", "no-place")


@virtual_time
async def test_one_free_place_serves_all_successors_of_one_apply(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(recordings_max=6))
    stage.write("app.yaml", APP + "  maxRecordings: 6\n")
    for name in "abcde":
        stage.want(name)
    await stage.apply()
    for name in "abcde":
        stage.want(name, maxIdle="9m")
    assert outcomes(await stage.apply()) == dict.fromkeys("abcde", "done")
    assert kinds(await stage.plan()) == {}
    assert len(stage.alive()) == 5


@virtual_time
async def test_with_no_wait_one_place_serves_all_successors_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("app.yaml", APP + "  maxRecordings: 3\n")
    for name in "ab":
        stage.want(name)
    await stage.apply()
    for name in "ab":
        stage.want(name, maxIdle="9m")
    assert set(outcomes(await stage.apply(limits=Limits(wait=False))).values()) == {"done"}
    await asyncio.sleep(5)
    assert [each.recording["maxIdleTime"] for each in stage.alive()] == [540, 540]


@virtual_time
async def test_who_waits_for_a_place_gives_up_in_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=60))
    stage.write("app.yaml", APP + "  maxRecordings: 3\n")
    for name in "ab":
        stage.want(name)
    await stage.apply()
    for name in "ab":
        stage.want(name, maxIdle="9m")
    began_s = stage.clock.now_s()
    results = await stage.apply(limits=Limits(timeout_s=20))
    assert stage.clock.now_s() - began_s < 22
    assert {each.error.code for each in results if each.error} == {"timeout"}
    assert len(results) == 2


@virtual_time
async def test_a_conflict_stays_an_error_until_the_other_session_ends(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="101", backupUids=["102"])
    stage.fault("start", uid="101", effect=CONFLICT)
    for _ in range(3):
        await stage.apply()
        await asyncio.sleep(60)
    assert {session.uid for session in stage.sessions()} == {"101"}
    assert stage.alive("lobby") == []
    stage.heal()
    await asyncio.sleep(300)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert [session.identity.uid for session in stage.alive("lobby")] == ["101"]


@virtual_time
async def test_a_conflict_is_told_again_and_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="101", backupUids=["102"])
    stage.fault("start", uid="101", effect=CONFLICT)
    for _ in range(2):
        assert problem_of(await stage.apply(), "lobby").code == "conflict"


@virtual_time
async def test_wrong_credentials_take_what_waits_in_line_out_of_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for number in range(40):
        stage.want(f"room-{number:02}")
    stage.fault("acquire", effect=FORBIDDEN)
    results = await stage.apply()
    assert {each.error.code for each in results if each.error} == {"credentials"}
    assert len(results) == 40
    assert len(stage.log("acquire")) <= 3
    assert {each.end_reason for each in stage.sessions()} == {"interrupted"}


@virtual_time
async def test_wrong_credentials_end_a_refresh(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for number in range(20):
        stage.want(f"room-{number:02}")
    await stage.apply()
    before = len(stage.log("query"))
    stage.fault("*", effect=FORBIDDEN)
    plan = await stage.plan()
    assert [each.code for each in plan.diagnostics] == ["credentials"]
    assert len(stage.log("query")) - before <= 3


@virtual_time
async def test_two_recordings_that_take_what_the_other_one_frees_do_not_block_each_other(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("a", channel="room", uid="1", backupUids=["2"], replicas=2)
    stage.want("b", channel="room", uid="3", backupUids=["4"], replicas=2)
    await stage.apply()
    for session in stage.alive("room"):
        if session.identity.uid in {"1", "3"}:
            stage.order(session, "kill")
    stage.fault("acquire", effect={"status": 500, "code": 500, "reason": "internal_error"})
    await stage.apply()
    stage.heal()
    await asyncio.sleep(700)
    stage.want("a", channel="room", uid="4")
    stage.want("b", channel="room", uid="2")
    after = {
        str(each.key): [str(key) for key in each.after] for each in (await stage.plan()).actions
    }
    assert after["a"] == ["b[1]"]
    assert after["b"] == ["a[1]"]
    began_s = stage.clock.now_s()
    assert set(outcomes(await stage.apply()).values()) == {"done"}
    assert stage.clock.now_s() - began_s < 60
    assert {(each.recording, each.uid) for each in stage.sessions() if each.phase == "running"} == {
        ("a", "4"),
        ("b", "2"),
    }


@virtual_time
async def test_one_found_alive_goes_on_where_nothing_took_its_place(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", policy={"manage": "observe"})
    stage.fault("query", effect=NOT_FOUND)
    await stage.apply()
    await asyncio.sleep(95)
    await stage.apply()
    assert stage.sessions()[0].phase == "ended"
    stage.heal()
    await asyncio.sleep(300)
    await stage.apply()
    (session,) = stage.sessions()
    assert (session.phase, session.stop_reason) == ("running", "")
    stage.want("lobby")
    assert kinds(await stage.plan()) == {"lobby": "none"}


@virtual_time
async def test_one_found_alive_beside_its_successor_is_stopped(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    (alive,) = stage.alive("lobby")
    stage.fault("query", uid=alive.identity.uid, effect=NOT_FOUND)
    await stage.apply()
    stage.heal()
    await asyncio.sleep(200)
    await stage.apply()
    assert [each.sid for each in stage.alive("lobby")] == [stage.sessions()[1].sid]
    assert stage.sessions()[0].end_reason == "unwanted"
