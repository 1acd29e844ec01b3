"""A start: confirmed in time, given up in time, and never on a uid that came before."""

import asyncio
import json
from pathlib import Path
from typing import Any

from reconciler.agora.messages import Request
from reconciler.agora.rtc_token import Privilege, Token, encode
from reconciler.engine.apply import Limits
from reconciler.plan.action import Plan
from reconciler.spec.secrets import SecretValue
from tests.agora.support import APP_ID, NOW_S
from tests.engine.support import (
    CERTIFICATE,
    Stage,
    Tap,
    action_of,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)

REFUSED = {"status": 400, "code": 2, "reason": "no"}


def asked_at(stage: Stage) -> list[int]:
    """Return when queries came, in whole seconds after the first start's answer."""
    (start, *_) = stage.log("start")
    return [round(call["at"] - start["at"]) for call in stage.log("query")]


@virtual_time
async def test_a_start_is_looked_at_after_five_seconds_and_then_backs_off(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=40))
    stage.want("lobby")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert asked_at(stage) == [5, 15, 30, 45]


@virtual_time
async def test_a_page_is_confirmed_only_once_it_records(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=12))
    stage.want("wall", "web")
    assert outcomes(await stage.apply()) == {"wall": "done"}
    (session,) = stage.sessions()
    assert session.confirmed_s is not None
    assert session.confirmed_s - (session.started_s or 0) >= 12


@virtual_time
async def test_what_does_not_come_up_in_90_s_is_stopped_and_another_uid_starts(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("query", times=7, effect={"status": 200, "body": _status(2)})
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    first, second = stage.sessions()
    assert (first.phase, first.end_reason) == ("failed", "unconfirmed")
    assert second.phase == "running"
    assert first.uid != second.uid
    assert [alive.sid for alive in stage.alive("lobby")] == [second.sid]
    stopped, started = stage.log("stop")[0], stage.log("start")[1]
    assert stopped["at"] <= started["at"]
    assert 90 <= started["at"] - stage.log("start")[0]["at"] < 95


def _status(status: int) -> dict[str, object]:
    return {"serverResponse": {"status": status}}


@virtual_time
async def test_a_second_start_that_does_not_come_up_backs_off(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("query", effect={"status": 200, "body": _status(2)})
    results = await stage.apply()
    assert outcomes(results) == {"lobby": "failed"}
    starts = [call["at"] - NOW_S for call in stage.log("start")]
    assert len(starts) == 3
    assert starts[1] - starts[0] < 95
    assert starts[2] - starts[1] >= 100, "90 s, and a back-off of 10 s"


@virtual_time
async def test_a_generated_token_lets_the_recorder_in_and_ends_after_a_day(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    stage.want("lobby", token="generate")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions()
    assert session.token_ends_s is not None
    assert 86_390 < session.token_ends_s - (session.started_s or 0) <= 86_400
    assert session.expires_s == session.token_ends_s


@virtual_time
async def test_a_literal_token_counts_until_the_end_that_it_states(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    stage.environ["TOKEN"] = token(life_s=7200)
    stage.want("lobby", token={"env": "TOKEN"})
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions()
    assert session.token_ends_s == NOW_S + 7200


@virtual_time
async def test_an_expired_token_is_an_error_before_any_call(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.environ["TOKEN"] = token(life_s=60)
    stage.want("lobby", token={"env": "TOKEN"})
    await asyncio.sleep(61)
    results = await stage.apply()
    assert "expired" in problem_of(results, "lobby").message
    assert await stage.calls(changing=False) == []
    assert stage.sessions() == []


def token(*, life_s: int) -> str:
    made = Token(
        app_id=APP_ID,
        channel="lobby",
        uid="",
        issued_s=int(NOW_S),
        life_s=life_s,
        salt=7,
        privileges=((Privilege.JOIN, life_s),),
    )
    return encode(made, SecretValue(CERTIFICATE)).reveal()


@virtual_time
async def test_acquire_carries_what_the_start_will_say_and_its_start_follows_at_once(
    tmp_path: Path,
) -> None:
    sent: list[Request] = []
    stage = Stage(tmp_path, tap=lambda wire: Tap(wire, before=sent.append))
    stage.want("lobby", raw={"recordingConfig": {"maxIdleTime": 77}})
    stage.want("wall", "web")
    await stage.apply()
    bodies: dict[str, list[Any]] = {"acquire": [], "start": [], "query": []}
    for request in sent:
        bodies[request.url.rpartition("/")[2]].append(json.loads(request.body or b"{}"))
    starts = {body["cname"]: body["clientRequest"] for body in bodies["start"]}
    promised = {
        body["cname"]: body["clientRequest"]["startParameter"] for body in bodies["acquire"]
    }
    assert promised == starts
    assert starts["lobby"]["recordingConfig"]["maxIdleTime"] == 77
    for acquired, started in zip(stage.log("acquire"), stage.log("start"), strict=True):
        assert started["at"] - acquired["at"] <= 2


@virtual_time
async def test_replicas_start_in_order_and_stay_out_of_each_others_way(tmp_path: Path) -> None:
    sent: list[Request] = []
    stage = Stage(tmp_path, tap=lambda wire: Tap(wire, before=sent.append))
    stage.want("lobby", replicas=3)
    assert set(outcomes(await stage.apply()).values()) == {"done"}
    first, second, third = stage.sessions()
    assert [each.replica for each in (first, second, third)] == [0, 1, 2]
    assert len({first.uid, second.uid, third.uid}) == 3
    acquires = [json.loads(each.body or b"") for each in sent if each.url.endswith("acquire")]
    excluded = [each["clientRequest"].get("excludeResourceIds", []) for each in acquires]
    assert excluded == [
        [],
        [first.resource_id],
        sorted([first.resource_id, second.resource_id]),
    ]


@virtual_time
async def test_a_replica_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", replicas=3)
    stage.fault("start", nth=2, effect=REFUSED)
    assert outcomes(await stage.apply()) == {
        "lobby": "done",
        "lobby[1]": "failed",
        "lobby[2]": "done",
    }
    assert len(stage.alive("lobby")) == 2
    assert action_of_replica(await stage.plan(), 1) == ("restart", "refused")


def action_of_replica(plan: Plan, replica: int) -> tuple[str, str]:
    (found,) = (each for each in plan.actions if each.key.replica == replica)
    return found.kind, found.reason


@virtual_time
async def test_a_replica_that_waits_for_its_back_off_does_not_fail_the_others(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", replicas=2, uid="7", backupUids=["8"])
    stage.fault("start", uid="8", effect=REFUSED)
    for pause_s in (0, 1, 11, 21):  # the back-off grows: at once, 10, 20, 40 s
        await asyncio.sleep(pause_s)
        await stage.apply()
    stage.order(stage.alive("lobby")[0], "failover", seconds=20)
    results = await stage.apply()
    assert outcomes(results) == {"lobby": "done", "lobby[1]": "skipped"}
    assert next(each.error.code for each in results if each.error) == "backing-off"


@virtual_time
async def test_a_derived_uid_never_comes_twice(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.drop("lobby")
    stage.want("other")
    await stage.apply()  # pruned
    stage.want("lobby")
    await stage.apply()
    stage.drop("lobby")
    stage.want("hall", channel="lobby")
    await stage.apply()  # renamed
    stage.want("lobby")
    await stage.apply()
    assert stage.alive("lobby")
    uids = [each.uid for each in stage.sessions() if each.channel == "lobby"]
    assert len(uids) == 3
    assert len(set(uids)) == 3, uids


@virtual_time
async def test_a_recording_that_was_never_confirmed_is_told_so_in_the_plan(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(start_delay_s=40))
    stage.want("lobby")
    await stage.apply(limits=Limits(wait=False))
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("wait", "starting")
