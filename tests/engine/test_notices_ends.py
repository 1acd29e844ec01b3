"""What is told of a session's end: acted on within a second, and for the right reason."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.agora.notifications import Notification
from reconciler.state.store import Past
from tests.engine.notified import daemon, happens, queries, recording, some, told_stage
from tests.engine.support import CERTIFICATE, virtual_time


@virtual_time
async def test_an_exit_has_it_started_again_within_a_second(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 100)
        happens(stage, alive, "remove")
        await one.work("lobby", 10)
        exited_s = next(each.sent_ms for each in one.heard if each.kind == 11)
        first, second = stage.past()
        assert first.session.end_reason == "exited"
        assert exited_s is not None
        assert first.session.ended_s == pytest.approx(exited_s / 1000, abs=0.001)
        assert second.session.started_s is not None
        assert second.session.started_s - exited_s / 1000 < 1.0
        assert second.session.phase == "running"


ENDS: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("mix", "idle", {}, "ended idle", "leave:4 exit:0"),
    ("mix", "remove", {}, "ended exited", "leave:16 exit:0"),
    ("mix", "fail", {"cause": "parameters"}, "failed broken", "error:0/2 leave:16 exit:1"),
    ("mix", "fail", {"cause": "storage"}, "failed broken", "error:1/32 leave:16 exit:1"),
    ("mix", "fail", {"cause": "token_expired"}, "ended expired", "error:0/109 leave:16 exit:1"),
    ("web", "page", {"end": 4}, "failed broken", "web:4 exit:1"),
    ("web", "page", {"limit": "WebGL"}, "failed broken", "limit:WebGL web:2 exit:1"),
]


@virtual_time
@pytest.mark.parametrize(("mode", "order", "body", "end", "signs"), ENDS)
async def test_its_signs_tell_why_it_ended(
    tmp_path: Path, mode: str, order: str, body: dict[str, Any], end: str, signs: str
) -> None:
    stage, alive = await recording(tmp_path, mode)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        happens(stage, alive, order, **body)
        await one.work("lobby", 8)
        session = stage.past()[0].session
        assert f"{session.phase} {session.end_reason}" == end
        assert " ".join(session.signs) == signs


@virtual_time
@pytest.mark.parametrize(("mode", "order", "body", "end", "signs"), ENDS)
async def test_it_is_told_the_same_whatever_the_order(
    tmp_path: Path, mode: str, order: str, body: dict[str, Any], end: str, signs: str
) -> None:
    stage, alive = await recording(tmp_path, mode)
    happens(stage, alive, order, **body)
    await asyncio.sleep(3)
    async with daemon(stage, loses=lambda _: True) as deaf:
        await asyncio.sleep(60)
    async with daemon(stage, delivers=False) as one:
        for notification in reversed(everything(deaf.missed)):
            await one.hear(notification)
        session = stage.past()[0].session
        assert f"{session.phase} {session.end_reason}" == end
        assert set(session.signs) == set(signs.split())


def everything(notifications: list[Notification]) -> list[Notification]:
    """Return each once, in the order of sending."""
    return list({each.notice_id: each for each in notifications}.values())


@virtual_time
async def test_an_empty_channel_is_tried_again_after_ten_seconds(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        happens(stage, alive, "idle")
        await one.work("lobby", 30)
        first, second = (past.session for past in stage.past())
        assert first.ended_s is not None
        assert 10 <= second.created_s - first.ended_s < 11


@virtual_time
async def test_max_duration_is_told_by_the_page_itself(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    page = {"url": "https://example.com/page", "maxDuration": "1h"}
    stage.want("lobby", "web", web=page, policy={"restart": "never"})
    await stage.apply()
    await asyncio.sleep(3500)
    async with daemon(stage) as one:
        await one.work("lobby", 200)
        (past,) = stage.past()
        assert past.session.end_reason == "max-duration"
        assert past.session.signs[0] == "web:1"
        assert past.session.started_s is not None
        assert past.session.ended_s == pytest.approx(past.session.started_s + 3600, abs=2)


@virtual_time
async def test_what_we_stopped_ended_for_our_reason(tmp_path: Path) -> None:
    stage, _ = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
    stage.drop("lobby")
    stage.want("other")
    async with daemon(stage) as one:
        await one.work("lobby", 10)
        session = stage.past("lobby")[0].session
        assert session.end_reason == "removed"
        assert "exit:0" in session.signs
        assert stage.alive("lobby") == []


@virtual_time
async def test_after_a_leave_a_404_is_waited_out_no_longer(tmp_path: Path) -> None:
    stage = told_stage(tmp_path, linger_s=0.0, upload_s=0.0)
    stage.want("lobby")
    await stage.apply()
    (alive,) = stage.alive("lobby")
    async with daemon(stage, loses=lambda told: told.kind == 11) as one:
        await one.work("lobby", 5)
        happens(stage, alive, "remove")
        await one.work("lobby", 5)
        first, second = stage.past()
        assert (first.session.end_reason, second.session.phase) == ("exited", "running")


@virtual_time
async def test_an_error_that_is_fatal_has_it_asked_at_once_and_is_told(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 30)
        asked = len(queries(stage, alive))
        details = {"module": 1, "errorCode": 47, "errorMsg": "key-7731"}
        happens(stage, alive, "emit", eventType=1, details={**details, "errorLevel": 4})
        await one.work("lobby", 5)
        assert len(queries(stage, alive)) == asked
        happens(stage, alive, "emit", eventType=1, details={**details, "errorLevel": 5})
        await one.work("lobby", 5)
        assert len(queries(stage, alive)) == asked + 1
        assert one.sessions("lobby")[0].signs == ("error:1/47",)
        (told,) = one.events("service-error")
        assert told.message.endswith("code 47. Files could not be uploaded to the storage.")
        assert all("7731" not in notice.details for notice in one.stored())


@virtual_time
async def test_an_exit_that_something_later_speaks_against_is_asked_about(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage, loses=lambda told: told.kind == 11) as one:
        await one.work("lobby", 30)
        happens(stage, alive, "emit", eventType=11, details={"exitStatus": 1})
        await asyncio.sleep(1)
        late = some(stage)
        assert late.kind == 11
        happens(stage, alive, "emit", eventType=40, details={"status": 0})
        await one.work("lobby", 5)
        asked = len(queries(stage, alive))
        await one.hear(late)
        await one.work("lobby", 5)
        assert len(queries(stage, alive)) == asked + 1
        (session,) = one.sessions("lobby")
        assert (session.phase, session.signs) == ("running", ())


@virtual_time
async def test_files_come_to_the_session_that_they_are_of_though_another_has_followed(
    tmp_path: Path,
) -> None:
    stage, alive = await recording(tmp_path, files=["hls", "mp4"])
    async with daemon(stage, loses=lambda told: told.kind in {31, 33}) as one:
        await one.work("lobby", 5)
        happens(stage, alive, "remove")
        await one.work("lobby", 10)
        assert stage.past()[0].upload == ""
        await one.hear(uploaded(one.missed, alive.sid))
        assert_uploaded(stage.past()[0])
        assert stage.past()[1].upload == ""
        assert len(one.sessions("lobby")) == 1
        (alive,) = stage.alive("lobby")
        happens(stage, alive, "remove")
        await one.work("lobby", 30)
        late = uploaded(one.missed, alive.sid)
    async with daemon(stage, delivers=False) as another:
        await another.hear(late)
        assert another.notices.strangers == 0
        assert_uploaded(stage.past()[1])


def uploaded(notifications: list[Notification], sid: str) -> Notification:
    return next(each for each in notifications if (each.kind, each.sid) == (31, sid))


def assert_uploaded(past: Past) -> None:
    assert past.upload == "uploaded"
    files = json.loads(past.files)
    assert {file["name"].rpartition(".")[2] for file in files} == {"mp4", "m3u8"}
    assert all(file["uri"].startswith("s3://recordings/") for file in files)


@virtual_time
async def test_what_went_to_the_backup_is_told_and_stays_so(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        stage.order(alive, "upload", result="backuped", seconds=5)
        happens(stage, alive, "remove")
        await one.work("lobby", 20)
        past = stage.past()[0]
        assert past.upload == "backuped"
        assert "upload:backuped" in past.session.signs
        assert len(one.events("upload-delayed")) == 1


@virtual_time
async def test_screenshots_are_listed_up_to_a_number(tmp_path: Path) -> None:
    spec = {"snapshots": {"interval": "5s"}}
    stage, _ = await recording(tmp_path, "individual", **spec)
    async with daemon(stage) as one:
        await one.work("lobby", 20)
        seen = [each for each in one.heard if each.kind == 45]
        files = [file["name"] for file in json.loads(stage.past()[0].files)]
        pictures = [name for name in files if name.endswith(".jpg")]
        assert len(pictures) == len(seen) >= 3
        await one.work("lobby", 600)
        files = [file["name"] for file in json.loads(stage.past()[0].files)]
        assert len([name for name in files if name.endswith(".jpg")]) == 100


@virtual_time
async def test_a_token_that_ends_is_why(tmp_path: Path) -> None:
    stage = told_stage(tmp_path, certificate=CERTIFICATE)
    stage.want("lobby", token="generate")
    await stage.apply()
    (alive,) = stage.alive("lobby")
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        happens(stage, alive, "fail", cause="token")
        await one.work("lobby", 5)
        assert stage.past()[0].session.end_reason == "expired"
