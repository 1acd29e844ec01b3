"""Notifications: signatures, what is told when, repeats, and disorder by order."""

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.simulator.chance import chance
from reconciler.simulator.notices import Notice, signatures
from reconciler.simulator.outbox import Chaos, Outbox
from reconciler.simulator.settings import Settings, Tuning
from tests.simulator.support import (
    LISTENED_TO,
    MP4,
    NOW_S,
    RTMP_SERVICE,
    STORAGE,
    UID,
    Caller,
    individual,
    mix,
    web,
)

VECTOR = (
    b'{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f",'
    b'"notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}'
)


@pytest.mark.parametrize(
    ("body", "length", "v1", "v2"),
    [
        (
            VECTOR,
            155,
            "033c62f40f687675f17f0f41f91a40c71c0f134c",
            "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99",
        ),
        (
            VECTOR.replace(b'"eventMs":1560408533119,', b""),
            131,
            "5a3bb6a6d9fad2ea9ae3fb707a14c9d7f3136df1",
            "de96da5acf03b0021ac3b4fa2225e7ae6f3533a30d50bb02c08ea4fa748bda24",
        ),
    ],
)
def test_the_signature_vectors_hold(body: bytes, length: int, v1: str, v2: str) -> None:
    assert len(body) == length
    assert signatures("secret", body) == {"Agora-Signature": v1, "Agora-Signature-V2": v2}


NOTICE = Notice(
    notice_id="n",
    event_type=31,
    service_type=2,
    cname="c",
    uid="1",
    sid="s",
    sequence=4,
    at_s=1.5,
    details={"msgName": "uploaded", "status": 0},
)


def test_the_time_of_sending_differs_from_try_to_try_and_the_event_does_not() -> None:
    first, second = (json.loads(NOTICE.body(now_s)) for now_s in (2.0, 3.25))
    assert first == {
        "noticeId": "n",
        "productId": 3,
        "eventType": 31,
        "notifyMs": 2000,
        "payload": {
            "cname": "c",
            "uid": "1",
            "sid": "s",
            "sequence": 4,
            "sendts": 1500,
            "serviceType": 2,
            "details": {"msgName": "uploaded", "status": 0},
        },
    }
    assert second == first | {"notifyMs": 3250}


def outbox(chaos: Chaos | None = None) -> Outbox:
    box = Outbox(chance(0, "notices"), sends=True)
    box.chaos = chaos or Chaos()
    return box


def test_what_is_not_answered_with_200_comes_again_three_times() -> None:
    box, tries = outbox(), []
    box.put(NOTICE, 0.0)
    for status, now_s in ((None, 0.0), (500, 0.0), (404, 5.0), (201, 20.0)):
        (sent,) = box.take(now_s)
        tries.append(sent.due_s)
        box.settle(sent, status, now_s)
    assert tries == [0.0, 0.0, 5.0, 20.0]
    assert box.next_due_s is None
    assert (box.letters[0].tries, box.letters[0].delivered) == (4, 0)


def test_what_is_answered_with_200_does_not_come_again() -> None:
    box = outbox()
    box.put(NOTICE, 0.0)
    (sent,) = box.take(0.0)
    box.settle(sent, 200, 0.0)
    assert box.next_due_s is None
    assert box.letters[0].delivered == 1


def test_it_can_be_sent_once_more_by_order() -> None:
    box = outbox()
    box.put(NOTICE, 0.0)
    box.take(0.0)
    assert box.resend("n", 7.0)
    assert not box.resend("unheard-of", 7.0)
    assert [sent.letter.notice for sent in box.take(7.0)] == [NOTICE]


@pytest.mark.parametrize(("chaos", "copies"), [(Chaos(duplicate=1), 2), (Chaos(redundant=True), 2)])
def test_everything_comes_twice_by_order(chaos: Chaos, copies: int) -> None:
    box = outbox(chaos)
    box.put(NOTICE, 0.0)
    assert len(box.take(0.0)) == copies


def test_everything_gets_lost_by_order_and_is_remembered_as_lost() -> None:
    box = outbox(Chaos(loss=1))
    box.put(NOTICE, 0.0)
    assert box.next_due_s is None
    assert [letter.lost for letter in box.letters] == [True]


def test_a_share_of_all_gets_lost() -> None:
    box = outbox(Chaos(loss=0.3))
    for _ in range(1_000):
        box.put(NOTICE, 0.0)
    assert 250 < sum(letter.lost for letter in box.letters) < 350


def test_messages_change_their_order_by_order() -> None:
    box = outbox(Chaos(disorder=0.5, disorder_s=10))
    for number in range(100):
        box.put(replace(NOTICE, sequence=number), number / 10)
    order = [sent.letter.notice.sequence for sent in box.take(30)]
    assert sorted(order) == list(range(100))
    assert order != sorted(order)


def test_the_outbox_has_an_end() -> None:
    box = outbox()
    for _ in range(10_001):
        box.put(NOTICE, 0.0)
    assert len(box.letters) == 2_000
    assert len(box.take(0.0)) == 10_000


def test_the_story_of_a_composite_recording() -> None:
    caller = Caller()
    running = caller.running(request=mix(MP4))
    caller.wait(5)
    running.stop()
    caller.wait(5)
    assert caller.events == [30, 40, 43, 44, 42, 4, 41, 31, 33, 11]
    notices = [letter.notice for letter in caller.gateway.world.outbox.letters]
    assert [notice.sequence for notice in notices] == list(range(len(notices)))
    assert {(notice.sid, notice.uid, notice.cname) for notice in notices} == {
        (running.sid, UID, "lobby")
    }
    assert len({notice.notice_id for notice in notices}) == len(notices)
    assert [notice.at_s for notice in notices] == sorted(notice.at_s for notice in notices)
    assert caller.details(11) == [{"msgName": "session_exit", "exitStatus": 0}]
    (slice_start,) = caller.details(42)
    assert (slice_start["streamUid"], slice_start["mixedAllUser"]) == ("0", True)


def test_the_story_of_an_individual_recording_tells_of_each_track() -> None:
    caller = Caller()
    running = caller.running("individual")
    caller.wait(5)
    assert [(entry["streamUid"], entry["trackType"]) for entry in caller.details(42)] == [
        ("100", "audio"),
        ("100", "video"),
    ]
    running.stop()
    (uploaded,) = caller.details(31)
    assert [file["uid"] for file in uploaded["fileList"]] == ["100", "100"]


def test_the_story_of_a_web_page_recording() -> None:
    caller = Caller()
    running = caller.running("web", web(RTMP_SERVICE))
    caller.wait(5)
    running.stop()
    caller.wait(5)
    assert caller.events == [30, 70, 100, 100, 71, 31, 33, 11]
    (started,) = caller.details(70)
    assert started["recorderStartTime"] == round((NOW_S + 1.6) * 1000)
    (stopped,) = caller.details(71)
    assert (stopped["code"], stopped["message"]) == (0, "ok")
    assert [file["filename"] for file in stopped["fileList"]] == [f"{running.sid}_lobby.m3u8"]
    assert caller.details(31) == [{"msgName": "uploaded", "status": 0}]


@pytest.mark.parametrize("limit", ["resolution", "WebGL", "bandwidth"])
def test_a_page_that_wants_too_much_ends_at_once(limit: str) -> None:
    caller = Caller()
    running = caller.running("web")
    caller.wait(5)
    running.order("page", limit=limit)
    (told,) = caller.details(72)
    (stopped,) = caller.details(71)
    assert (told["limitType"], stopped["code"], stopped["message"]) == (
        limit,
        2,
        "capability_limit",
    )


def test_a_page_that_does_not_load_twice_ends() -> None:
    caller = Caller()
    running = caller.running("web")
    caller.wait(5)
    running.order("page", reload="audio_silence")
    running.order("page", reload="page_load_timeout")
    caller.wait(5)
    assert running.response["status"] == 5
    running.order("page", reload="page_load_timeout")
    (stopped,) = caller.details(71)
    assert (stopped["code"], stopped["message"]) == (4, "page_load_timeout")
    assert [entry["reason"] for entry in caller.details(73)] == [
        "audio_silence",
        "page_load_timeout",
        "page_load_timeout",
    ]


def test_files_in_the_backup_cloud_are_warned_of() -> None:
    caller = Caller()
    running = caller.running()
    caller.wait(5)
    running.order("upload", result="backuped")
    running.stop()
    assert caller.details(2) == [
        {"msgName": "cloud_recording_warning", "module": 1, "warnCode": 32}
    ]


def test_anything_can_be_told_by_order() -> None:
    caller = Caller()
    running = caller.running()
    running.order("emit", eventType=90, details={"vendor": 1, "fileName": "a;b"})
    running.order("emit", eventType=13, serviceType=0)
    assert caller.details(90) == [{"msgName": "download_failed", "vendor": 1, "fileName": "a;b"}]
    assert caller.details(13) == [{"msgName": ""}]


def listened() -> Caller:
    return Caller(Settings(notify_url=LISTENED_TO, tuning=Tuning(qps=1_000)))


def test_somebody_who_listens_hears_of_progress_and_of_screenshots() -> None:
    caller = listened()
    request = individual() | {
        "snapshotConfig": {"captureInterval": 20, "fileType": ["jpg"]},
        "storageConfig": STORAGE | {"fileNamePrefix": ["a", "b"]},
    }
    running = caller.running("individual", request)
    caller.wait(70)
    assert len(caller.details(33)) == 1
    shots = [entry["fileName"] for entry in caller.details(45)]
    assert len(shots) == 3
    assert shots[0].startswith(f"a/b/{running.sid}_lobby__uid_s_100__uid_e_video_2026")
    assert shots[0].endswith(".jpg")


def test_a_leap_in_time_tells_of_its_last_hour_only() -> None:
    caller = listened()
    caller.running()
    caller.wait(365 * 24 * 3600)
    assert len(caller.details(33)) in {60, 61}


@pytest.mark.parametrize(("mode", "form"), [("audioMix", "mp3"), ("postponeTranscoding", "mp4")])
def test_postponed_work_ends_later(mode: str, form: str) -> None:
    caller = listened()
    recording: dict[str, Any] = {"streamTypes": 0, "streamMode": "original"}
    request = individual(**recording) | {
        "appsCollection": {"combinationPolicy": "postpone_transcoding"},
        "transcodeOptions": {"transConfig": {"transMode": mode}},
    }
    running = caller.running("individual", request)
    caller.wait(5)
    running.stop()
    caller.wait(5)
    assert caller.details(1001) == [
        {
            "msgName": "postpone_transcode_final_result",
            "result": "total_success",
            "fileList": [{"fileName": f"{running.sid}_lobby_0.{form}"}],
        }
    ]
    assert {80, 81} <= set(caller.events)
    box = caller.gateway.world.outbox
    assert 1001 not in {sent.letter.notice.event_type for sent in box.take(caller.now_s)}
    late = {sent.letter.notice.event_type for sent in box.take(caller.now_s + 600)}
    assert {81, 1001} <= late


def test_a_recording_for_video_on_demand_tells_of_its_hand_over() -> None:
    vod = {
        "serviceName": "aliyun_vod_service",
        "serviceParam": {
            "accessKey": "a",
            "secretKey": "s",
            "regionId": "r",
            "apiData": {"videoData": {"title": "t"}},
        },
    }
    caller = Caller()
    request = mix() | {"extensionServiceConfig": {"extensionServices": [vod]}}
    running = caller.running(request=request)
    caller.wait(5)
    running.stop()
    assert caller.details(60) == [
        {"msgName": "vod_started", "aliVodInfo": {"videoId": running.sid}}
    ]
    assert caller.details(61) == [{"msgName": "vod_triggered"}]
