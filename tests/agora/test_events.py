"""Every event type of agora-api.md 8.4, with the details that the document names."""

import json
from typing import Any

import pytest

from reconciler.agora import events
from reconciler.agora.answers import File
from reconciler.agora.parse_events import READERS, read_event
from tests.agora.test_parse import example

A_M3U8 = (File(name="a.m3u8"),)
MS = 1619172632080

CASES: list[tuple[int, dict[str, Any], events.Event]] = [
    (
        1,
        {"module": 1, "errorLevel": 5, "errorCode": 32, "stat": 0, "errorMsg": "bad keys"},
        events.ServiceError(1, events.FATAL, 32, "bad keys"),
    ),
    (2, {"module": 1, "warnCode": 31}, events.ServiceWarning(1, 31)),
    (
        3,
        {"status": 5, "recordingMode": 1, "fileList": "a.m3u8"},
        events.StatusUpdate(5, 1, A_M3U8),
    ),
    (4, {"fileList": "a.m3u8"}, events.FirstFile(A_M3U8)),
    (11, {"exitStatus": 0}, events.SessionExit(0)),
    (12, {"newUid": 4017}, events.SessionFailover("4017")),
    (13, {}, events.StandbyReady()),
    (30, {"status": 0}, events.UploaderStarted(0)),
    (31, {"status": 0}, events.FilesDelivered(in_backup=False, status=0, files=())),
    (
        32,
        {"status": 0, "fileList": [{"fileName": "a.m3u8"}]},
        events.FilesDelivered(in_backup=True, status=0, files=A_M3U8),
    ),
    (33, {"progress": 10000}, events.UploadProgress(10000)),
    (40, {"status": 0}, events.RecorderStarted(0)),
    (41, {"leaveCode": 6}, events.RecorderLeft(6)),
    (
        42,
        {
            "startUtcMs": MS,
            "discontinueUtcMs": MS - 5,
            "mixedAllUser": True,
            "streamUid": 0,
            "trackType": "audio",
        },
        events.SliceStarted(
            start_ms=MS, gap_start_ms=MS - 5, uid="0", track="audio", mixes_all_users=True
        ),
    ),
    (
        43,
        {"streamUid": 57297, "state": 1, "UtcMs": MS},
        events.StreamChanged("audio", "57297", 1, MS),
    ),
    (
        44,
        {"streamUid": "57297", "state": 0, "UtcMs": MS},
        events.StreamChanged("video", "57297", 0, MS),
    ),
    (45, {"fileName": "d1/a.jpg"}, events.Screenshot("d1/a.jpg")),
    (60, {"aliVodInfo": {"videoId": "v-1"}}, events.VodStarted("v-1")),
    (61, {}, events.VodTriggered()),
    (70, {"recorderStartTime": MS}, events.WebStarted(MS)),
    (
        71,
        {"code": 6, "message": "recorder_error ", "details": "", "fileList": []},
        events.WebStopped(6, "recorder_error", "", ()),
    ),
    (72, {"limitType": "WebGL"}, events.WebLimit("WebGL")),
    (73, {"reason": "page_load_timeout"}, events.WebReload("page_load_timeout")),
    (80, {}, events.TranscoderStarted()),
    (
        81,
        {
            "result": "partial_success",
            "uids": [{"uid": "1", "result": "fail", "fileList": [{"fileName": "a.m3u8"}]}],
        },
        events.TranscoderCompleted(
            "partial_success", (events.TranscodedUser("1", "fail", A_M3U8),)
        ),
    ),
    (
        90,
        {"vendor": 2, "region": 3, "bucket": "b", "fileName": "a.ts;b.ts;"},
        events.DownloadFailed(2, 3, "b", ("a.ts", "b.ts")),
    ),
    (
        1001,
        {"result": "total_success", "fileList": [{"fileName": "a.m3u8"}]},
        events.PostponedResult("total_success", A_M3U8),
    ),
]


@pytest.mark.parametrize(("kind", "details", "event"), CASES)
def test_each_documented_event_is_read(
    kind: int, details: dict[str, Any], event: events.Event
) -> None:
    assert read_event(kind, {"msgName": "any", **details, "brandNew": {"x": 1}}) == event


@pytest.mark.parametrize("status", ["publishing", 3])
def test_the_state_of_a_push_is_read_and_its_address_hidden(status: Any) -> None:
    event = read_event(100, {"rtmpUrl": "rtmp://host/live/streamkey", "status": status})
    assert isinstance(event, events.PushStatusChanged)
    assert (event.address.reveal(), event.status) == ("rtmp://host/live/streamkey", str(status))
    assert "streamkey" not in repr(event)


def test_every_event_that_is_read_has_its_case_here() -> None:
    assert {kind for kind, _, _ in CASES} | {100} == set(READERS)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("wrong", [None, [], {}, "x", -1, True])
def test_wrong_or_missing_details_break_no_event(kind: int, wrong: Any) -> None:
    keys = {key for _, details, _ in CASES for key in details} | {"rtmpUrl", "status"}
    assert type(read_event(kind, dict.fromkeys(keys, wrong))) is type(read_event(kind, {}))


@pytest.mark.parametrize("kind", [0, 5, 14, 99, 1000, 10**9, -1])
def test_an_unknown_event_is_kept_whole_and_not_shown(kind: int) -> None:
    event = read_event(kind, {"msgName": "news", "token": "s3cret"})
    assert isinstance(event, events.UnknownEvent)
    assert dict(event.details) == {"msgName": "news", "token": "s3cret"}
    assert "s3cret" not in repr(event)


@pytest.mark.parametrize(
    ("code", "is_empty"), [(0, False), (2, False), (4, True), (6, True), (16, False), (None, False)]
)
def test_the_bits_of_a_leave_code_are_told_apart(code: int | None, *, is_empty: bool) -> None:
    assert events.RecorderLeft(code).found_nobody is is_empty


def test_the_examples_of_the_document_are_read() -> None:
    mix = read_event(31, example("P19"))
    assert isinstance(mix, events.FilesDelivered)
    assert [file.name for file in mix.files] == ["xxx.mp4", "xxx.m3u8"]
    assert {file.slice_start_ms for file in mix.files} == {1619172632080}
    individual = read_event(31, example("P20"))
    assert isinstance(individual, events.FilesDelivered)
    assert [file.uid for file in individual.files] == ["57297", "10230"]
    web = read_event(71, example("P21"))
    assert isinstance(web, events.WebStopped)
    assert (web.code, web.message, web.details) == (
        1,
        "max_recording_hour",
        "max recording hour is 4",
    )
    assert [file.name for file in web.files] == json.loads(
        '["test_p1627613634_www.m3u8", "test_p1627613634_www_0.mp4"]'
    )
