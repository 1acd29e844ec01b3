"""Every documented shape of an answer, from the examples of agora-api.md 12.3 (answers.json)."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.agora import parse, trees
from reconciler.agora.answers import (
    Acquired,
    File,
    NotificationIps,
    Observation,
    Started,
    Status,
    Stopped,
    Upload,
    WebRecorder,
    WebState,
)
from reconciler.agora.parse import Arrival
from tests.agora.support import NOW_S, A

EXAMPLES: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("answers.json").read_text(encoding="utf-8")
)
ARRIVAL = Arrival(A, "id-1", NOW_S)
SID = "38f8e3cfdc474cd56fc1ceba380d7e1a"


def example(number: str) -> Any:
    return EXAMPLES[number]["body"]


def observed(said: dict[str, Any]) -> Observation:
    answer = parse.observation({"resourceId": "r", "sid": "s", "serverResponse": said}, ARRIVAL)
    assert answer is not None
    return answer


def stopped(said: dict[str, Any]) -> Stopped:
    answer = parse.stopped({"resourceId": "r", "sid": "s", "serverResponse": said}, ARRIVAL)
    assert answer is not None
    return answer


def track(uid: str) -> File:
    return File(
        name="xxx.m3u8",
        track="audio_and_video",
        uid=uid,
        mixes_all_users=True,
        is_playable=True,
        slice_start_ms=1562724971626,
    )


def test_acquire_p1() -> None:
    assert parse.acquired(example("P1"), ARRIVAL) == Acquired(
        host=A, request_id="id-1", resource_id="JyvK8nXHuV1BE.....", acquired_s=NOW_S
    )


def test_start_p2() -> None:
    assert parse.started(example("P2"), ARRIVAL) == Started(host=A, request_id="id-1", sid=SID)


def test_query_p3_files_as_json() -> None:
    assert parse.observation(example("P3"), ARRIVAL) == Observation(
        host=A,
        request_id="id-1",
        status=Status.IN_PROGRESS,
        slice_start_ms=1562724971626,
        file_list_mode="json",
        files=(track("123"), track("456")),
    )


def test_query_p4_web_page() -> None:
    assert parse.observation(example("P4"), ARRIVAL) == Observation(
        host=A,
        request_id="id-1",
        status=Status.READY,
        web=WebRecorder(state=WebState.IN_PROGRESS, is_paused=False),
    )


@pytest.mark.parametrize("is_reversed", [False, True])
def test_query_p5_web_page_with_push_in_either_order(*, is_reversed: bool) -> None:
    said = dict(example("P5")["serverResponse"])
    if is_reversed:
        said["extensionServiceState"] = said["extensionServiceState"][::-1]
    answer = observed(said)
    assert answer.web == WebRecorder(state="inProgress", is_paused=False)
    assert [(push.address.reveal(), push.status) for push in answer.pushes] == [
        ("rtmp://xxx", "publishing")
    ]


def test_query_p9_skeleton() -> None:
    answer = parse.observation(example("P9"), ARRIVAL)
    assert answer is not None
    assert (answer.channel, answer.uid, answer.sid) == ("string", "string", "string")
    assert answer.status is not None
    assert answer.web is None  # no service has such a name


def test_query_with_one_file_name_as_text() -> None:
    said = {"status": 5, "fileListMode": "string", "fileList": "a.m3u8", "sliceStartTime": 0}
    answer = observed(said)
    assert (answer.file_list_mode, answer.files) == ("string", (File(name="a.m3u8"),))


@pytest.mark.parametrize(
    "said",
    [
        {"status": 4},
        {"status": 4, "fileListMode": "json"},
        {"status": 4, "fileList": []},
        {"status": 4, "fileList": ""},
        {"status": 4, "fileList": None, "sliceStartTime": None},
        {"status": 4, "extensionServiceState": []},
        {"status": 4, "extensionServiceState": None},
    ],
)
def test_before_the_first_slice_files_may_be_missing(said: dict[str, Any]) -> None:
    answer = observed(said)
    assert (answer.status, answer.all_files, answer.web, answer.pushes) == (4, (), None, ())


def test_screenshots_have_a_time_and_no_files() -> None:
    answer = observed({"status": 5, "sliceStartTime": 1562724971626})
    assert (answer.slice_start_ms, answer.file_list_mode, answer.files) == (1562724971626, None, ())


def test_the_old_state_of_the_recording_service_is_kept() -> None:
    said = {"status": 5, "subServiceStatus": {"recordingService": "serviceInProgress"}}
    assert observed(said).service_status == "serviceInProgress"


@pytest.mark.parametrize("status", [0, 8, 20, 21, -1, 99])
def test_an_unknown_status_is_kept(status: int) -> None:
    assert observed({"status": status}).status == status


def test_unknown_states_and_keys_are_kept_or_passed_over() -> None:
    payload = {"state": "dreaming", "onhold": True, "new": {"x": 1}}
    web = {"serviceName": "web_recorder_service", "payload": payload}
    other = {"serviceName": "brand_new_service", "payload": {"state": "on"}}
    answer = observed({"status": 5, "extensionServiceState": [other, web, 7], "more": [1]})
    assert answer.web == WebRecorder(state="dreaming", is_paused=True)


@pytest.mark.parametrize("said", [{}, {"status": None}, {"status": "five"}, {"status": True}])
def test_a_query_without_status_is_no_answer(said: dict[str, Any]) -> None:
    assert parse.observation({"resourceId": "r", "serverResponse": said}, ARRIVAL) is None


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        (1562724971626, 1562724971626),
        (1562724971, 1562724971000),
        (99_999_999_999, 99_999_999_999_000),
        (100_000_000_000, 100_000_000_000),
        ("1562724971", 1562724971000),
        (0, 0),
        (None, None),
        ("soon", None),
        (True, None),
        ("9" * 5000, None),
    ],
)
def test_times_are_milliseconds_whatever_they_were(value: Any, milliseconds: int | None) -> None:
    answer = observed({"status": 5, "fileList": [{"fileName": "a", "sliceStartTime": value}]})
    assert answer.files == (File(name="a", slice_start_ms=milliseconds),)


@pytest.mark.parametrize("key", ["fileName", "filename"])
@pytest.mark.parametrize("payload_key", ["payload", "playload"])
def test_both_spellings_of_file_names_and_payloads_are_read(key: str, payload_key: str) -> None:
    payload = {"fileList": [{key: "a.mp4", "sliceStartTime": 1562724971}], "state": "exit"}
    service = {"serviceName": "web_recorder_service", payload_key: payload}
    answer = stopped({"extensionServiceState": [service]})
    assert answer.all_files == (File(name="a.mp4", slice_start_ms=1562724971000),)
    assert answer.web is not None
    assert answer.web.state is not None


def test_payload_counts_before_its_misspelling() -> None:
    both = {"payload": {"uploadingStatus": "uploaded"}, "playload": {"uploadingStatus": "unknown"}}
    assert stopped({"extensionServiceState": [both]}).upload == Upload.UPLOADED


def test_stop_p6_files_and_upload() -> None:
    answer = parse.stopped(example("P6"), ARRIVAL)
    assert answer is not None
    assert (answer.sid, answer.files, answer.upload) == (SID, (track("123"),), Upload.UPLOADED)


@pytest.mark.parametrize(("number", "upload"), [("P7", "uploaded"), ("P8", "string")])
def test_stop_p7_p8_upload_of_a_web_session(number: str, upload: str) -> None:
    answer = parse.stopped(example(number), ARRIVAL)
    assert answer is not None
    assert answer.upload == upload


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("uploaded", Upload.UPLOADED),
        ("backuped", Upload.BACKED_UP),
        ("unknown", Upload.UNKNOWN),
        ("unknow", Upload.UNKNOWN),
        ("later", "later"),
        (None, None),
    ],
)
def test_upload_states_with_both_spellings_of_unknown(word: Any, state: str | None) -> None:
    assert stopped({"uploadingStatus": word}).upload == state


def test_a_stop_tells_the_status_of_the_push() -> None:
    service = {"serviceName": "rtmp_publish_service", "payload": {"status": "disconnected"}}
    (push,) = stopped({"extensionServiceState": [service]}).pushes
    assert (push.address.reveal(), push.status) == ("", "disconnected")


def test_an_asynchronous_stop_may_tell_nothing() -> None:
    answer = parse.stopped({"resourceId": "r", "sid": "s"}, ARRIVAL)
    assert answer == Stopped(host=A, request_id="id-1", sid="s")


@pytest.mark.parametrize("read", [parse.stopped, parse.updated])
def test_an_answer_that_names_no_session_is_no_success(read: Any) -> None:
    assert read({"message": "maintenance"}, ARRIVAL) is None


def test_addresses_p10_are_addresses_only() -> None:
    hosts = [{"primaryIP": "192.0.2.1"}, {"primaryIP": "deny all; }"}, {}, {"primaryIP": "::1"}]
    tree = {"data": {"service": {"hosts": hosts}}}
    answer = parse.notification_ips(tree, ARRIVAL)
    assert answer == NotificationIps(host=A, request_id="id-1", addresses=("192.0.2.1", "::1"))
    assert parse.notification_ips(example("P10"), ARRIVAL) is None


def test_a_wrapper_around_the_body_is_taken_off() -> None:
    assert parse.unwrapped({"Code": 200, "Body": {"sid": "s"}}) == {"sid": "s"}
    assert parse.unwrapped({"sid": "s"}) == {"sid": "s"}


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"a":' * 9000, b'{"a": ' + b"9" * 5000])
def test_what_is_no_json_object_is_nothing(body: bytes) -> None:
    assert trees.parsed(body) is None
