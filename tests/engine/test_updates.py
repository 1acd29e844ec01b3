"""Changes of what runs: each group whole, one after the other, and nothing unasked for."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from reconciler.agora.messages import Request
from tests.engine.support import (
    STORAGE,
    Stage,
    Tap,
    action_of,
    kinds,
    outcomes,
    problem_of,
    virtual_time,
)


def tapped(folder: Path) -> tuple[Stage, list[tuple[str, Any]]]:
    """Return a stage, and the changes that are sent to it: endpoint and `clientRequest`."""
    sent: list[tuple[str, Any]] = []

    def hear(request: Request) -> None:
        endpoint = request.url.rpartition("/")[2]
        if endpoint in {"update", "updateLayout"}:
            sent.append((endpoint, json.loads(request.body or b"")["clientRequest"]))

    return Stage(folder, tap=lambda wire: Tap(wire, before=hear)), sent


def config(stage: Stage, channel: str) -> Any:
    """Return what the one live session of a channel really has."""
    (session,) = stage.alive(channel)
    return session.config


@virtual_time
async def test_other_subscriptions_are_sent_with_all_their_lists(tmp_path: Path) -> None:
    stage, sent = tapped(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", subscriptions={"audio": ["1", "2"]})
    assert kinds(await stage.plan()) == {"lobby": "update"}
    await stage.apply()
    lists = {
        "audioUidList": {"subscribeAudioUids": ["1", "2"]},
        "videoUidList": {"subscribeVideoUids": ["#allstream#"]},
    }
    assert sent == [("update", {"streamSubscribe": lists})]
    assert kinds(await stage.plan()) == {}
    assert stage.started() == 1


@virtual_time
async def test_a_page_is_paused_and_resumed(tmp_path: Path) -> None:
    stage, sent = tapped(tmp_path)
    page = {"url": "https://example.com/page", "maxDuration": "24h"}
    for paused in (False, True, False):
        stage.want("wall", "web", web={**page, "paused": paused})
        await stage.apply()
        assert stage.alive("wall")[0].page.onhold is paused
        assert kinds(await stage.plan()) == {}
    assert [request["webRecordingConfig"] for _, request in sent] == [
        {"onhold": True},
        {"onhold": False},
    ]


@virtual_time
async def test_what_someone_else_paused_goes_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("wall", "web")
    await stage.apply()
    stage.order(stage.alive("wall")[0], "page", onhold=True)
    action = action_of(await stage.plan(), "wall")
    assert (action.kind, action.reason, action.cause) == ("update", "drift", "drift")
    await stage.apply()
    assert stage.alive("wall")[0].page.onhold is False
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_push_goes_to_another_address(tmp_path: Path) -> None:
    stage, sent = tapped(tmp_path)
    page = {"url": "https://example.com/page", "maxDuration": "24h", "rtmp": {"env": "RTMP"}}
    stage.want("wall", "web", web=page)
    await stage.apply()
    other = stage.environ["RTMP"] = "rtmp://push.example.com/live/other-key"
    (change,) = action_of(await stage.plan(), "wall").changes
    assert (change.path, change.after) == ("web.rtmp", "(secret)")
    await stage.apply()
    assert [request for _, request in sent] == [
        {"rtmpPublishConfig": {"outputs": [{"rtmpUrl": other}]}}
    ]
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_new_storage_keys_are_sent_whole(tmp_path: Path) -> None:
    stage, sent = tapped(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.environ["SECRET_KEY"] = "another-key"
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason, action.cause) == ("update", "credentials", "credentials")
    await stage.apply()
    assert [set(request) for _, request in sent] == [{"storageConfig"}]
    assert config(stage, "lobby")["storageConfig"]["secretKey"] == "another-key"
    assert kinds(await stage.plan()) == {}


def keys_of(stage: Stage, **more: Any) -> None:
    """Let the storage's keys come from a file."""
    text = STORAGE.replace("{env: SECRET_KEY}", "{file: key.txt}")
    stage.write("storage.yaml", text + "".join(f"  {key}: {more[key]}\n" for key in more))


def set_key(stage: Stage, value: str) -> None:
    (stage.specs / "key.txt").write_text(value, encoding="utf-8")


@virtual_time
async def test_keys_from_a_file_are_read_anew_only_after_their_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    keys_of(stage, refresh="45m")
    set_key(stage, "first")
    stage.want("lobby")
    await stage.apply()
    set_key(stage, "second")
    assert kinds(await stage.plan()) == {}
    stage.want("lobby", layout={"background": {"color": "#202020"}})
    await stage.apply()  # another change takes no fresh keys along
    assert config(stage, "lobby")["storageConfig"]["secretKey"] == "first"
    await asyncio.sleep(45 * 60)
    assert action_of(await stage.plan(), "lobby").reason == "credentials"
    await stage.apply()
    assert config(stage, "lobby")["storageConfig"]["secretKey"] == "second"
    set_key(stage, "third")
    assert kinds(await stage.plan()) == {}, "the time counts from the last update"


@virtual_time
async def test_keys_that_end_soon_are_read_anew_before(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    ends_s = int(stage.clock.now_s()) + 3 * 3600
    keys_of(stage, refresh="24h", stsToken="{file: sts.txt}", stsExpiration="{file: ends.txt}")
    set_key(stage, "first")
    (stage.specs / "sts.txt").write_text("sts-1", encoding="utf-8")
    (stage.specs / "ends.txt").write_text(str(ends_s), encoding="utf-8")
    stage.want("lobby")
    await stage.apply()
    set_key(stage, "second")
    (stage.specs / "ends.txt").write_text(str(ends_s + 86_400), encoding="utf-8")
    await asyncio.sleep(3 * 3600 - 700)
    assert kinds(await stage.plan()) == {}
    await asyncio.sleep(101)
    await stage.apply()
    assert config(stage, "lobby")["storageConfig"]["secretKey"] == "second"
    (session,) = stage.sessions()
    assert session.credentials_end_s == ends_s + 86_400


@virtual_time
async def test_everything_at_once_is_sent_group_by_group_in_order(tmp_path: Path) -> None:
    stage, sent = tapped(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.environ["ACCESS_KEY"] = "another"
    color = {"background": {"color": "#202020"}}
    stage.want("lobby", subscriptions={"video": {"except": ["9"]}}, layout=color)
    assert kinds(await stage.plan()) == {"lobby": "update_and_layout"}
    await stage.apply()
    assert [(endpoint, *request) for endpoint, request in sent][:2] == [
        ("update", "storageConfig"),
        ("update", "streamSubscribe"),
    ]
    assert sent[2][0] == "updateLayout"
    assert sent[2][1] == {"mixedVideoLayout": 0, "backgroundColor": "#202020"}
    calls = stage.log("update", "updateLayout")
    assert all(call["status"] == 200 for call in calls)
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_updates_of_a_session_wait_for_each_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.environ["ACCESS_KEY"] = "another"
    stage.fault("*", effect={"delay_s": 5})
    stage.want("lobby", subscriptions={"video": ["9"]}, layout={"background": {"color": "#202020"}})
    await stage.apply()
    times = [call["at"] for call in stage.log("update", "updateLayout")]
    assert len(times) == 3
    assert all(later - earlier >= 5 for earlier, later in pairwise(times))


@virtual_time
async def test_what_is_ignored_is_carried_as_it_was(tmp_path: Path) -> None:
    stage, sent = tapped(tmp_path)
    policy = {"ignore": ["layout.background"]}
    stage.want("lobby", policy=policy, layout={"background": {"color": "#101010"}})
    await stage.apply()
    stage.want("lobby", policy=policy, layout={"background": {"color": "#999999"}})
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("none", "ignored")
    assert await stage.apply() == []
    stage.want(
        "lobby", policy=policy, layout={"type": "best-fit", "background": {"color": "#999999"}}
    )
    await stage.apply()
    assert sent == [("updateLayout", {"mixedVideoLayout": 1, "backgroundColor": "#101010"})]
    assert await stage.apply() == []


@virtual_time
async def test_a_deferred_change_does_not_hold_up_the_others(tmp_path: Path) -> None:
    stage, sent = tapped(tmp_path)
    policy = {"replace": "defer"}
    stage.want("lobby", policy=policy)
    await stage.apply()
    stage.want("lobby", policy=policy, maxIdle="9m", layout={"type": "best-fit"})
    await stage.apply()
    assert [endpoint for endpoint, _ in sent] == ["updateLayout"]
    assert sent[0][1]["mixedVideoLayout"] == 1
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("none", "deferred")
    stage.order(stage.alive("lobby")[0], "remove")
    await asyncio.sleep(2)
    await stage.apply()
    assert config(stage, "lobby")["recordingConfig"]["maxIdleTime"] == 540
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_group_whose_answer_was_lost_is_sent_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", layout={"type": "best-fit"})
    stage.fault("updateLayout", effect={"drop": "after"})
    assert outcomes(await stage.apply()) == {"lobby": "failed"}
    stage.heal()
    stage.want("lobby")  # back to what it was: yet nobody knows what the session has
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("update_layout", "unsettled")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    layout = config(stage, "lobby")["recordingConfig"]["transcodingConfig"]
    assert layout["mixedVideoLayout"] == 0
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_refused_update_fails_and_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    (before,) = stage.sessions()
    stage.want("lobby", layout={"type": "best-fit"})
    refused = {"status": 400, "code": 2, "reason": "Invalid layout!"}
    stage.fault("updateLayout", effect=refused)
    problem = problem_of(await stage.apply(), "lobby")
    assert "Invalid layout!" in problem.message
    (after,) = stage.sessions()
    assert (after.phase, after.pending, after.digest) == ("running", (), before.digest)
    assert len(stage.log("updateLayout")) == 1


@virtual_time
async def test_an_update_that_meets_a_failover_is_sent_once_that_is_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", layout={"type": "best-fit"})
    missing = {"status": 404, "code": 404, "reason": "failed to find worker"}
    stage.fault("updateLayout", times=1, effect=missing)
    stage.fault("query", times=2, nth=[2, 3], effect=missing)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    layout = config(stage, "lobby")["recordingConfig"]["transcodingConfig"]
    assert layout["mixedVideoLayout"] == 1
    assert stage.started() == 1


@virtual_time
async def test_what_serves_the_next_session_only_is_recorded_without_a_call(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    before = await stage.calls()
    stage.environ["TOKEN"] = "007some-token"
    stage.want("lobby", token={"env": "TOKEN"}, policy={"restart": "on-failure"})
    assert action_of(await stage.plan(), "lobby").reason == "recorded"
    assert await stage.apply() == []
    assert await stage.calls() == before
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_keys_that_were_found_unchanged_are_left_for_as_long_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    keys_of(stage, refresh="45m")
    set_key(stage, "first")
    stage.want("lobby")
    await stage.apply()
    await asyncio.sleep(45 * 60)
    assert await stage.apply() == []
    set_key(stage, "second")
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_one_source_may_yield_all_credentials(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    text = STORAGE.partition("  accessKey")[0] + "  credentials: {file: key.txt}\n"
    stage.write("storage.yaml", text)
    yields = {"AccessKeyId": "id-1", "SecretAccessKey": "key-1", "SessionToken": "sts-1"}
    set_key(stage, json.dumps({**yields, "Expiration": "2026-06-01T00:00:00Z"}))
    stage.want("lobby")
    await stage.apply()
    set_key(stage, json.dumps({**yields, "SecretAccessKey": "key-2"}))
    await asyncio.sleep(46 * 60)
    (change,) = action_of(await stage.plan(), "lobby").changes
    assert (change.path, change.before) == ("storage.credentials", "(secret)")
    await stage.apply()
    storage = config(stage, "lobby")["storageConfig"]
    assert (storage["secretKey"], storage["stsToken"]) == ("key-2", "sts-1")
    assert "stsExpiration" not in storage
    assert kinds(await stage.plan()) == {}
