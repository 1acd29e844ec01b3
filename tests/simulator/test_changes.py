"""update, updateLayout, query and stop on running recordings."""

from typing import Any

import pytest

from tests.simulator.support import (
    MP4,
    RTMP_SERVICE,
    STORAGE,
    Caller,
    Running,
    body_of,
    codes,
    individual,
    mix,
    web,
)

IDS = ("cname", "uid", "resourceId", "sid")


def recording(mode: str = "mix", request: Any = None) -> Running:
    running = Caller().running(mode, request)
    running.caller.wait(5)
    return running


def ids(running: Running) -> dict[str, str]:
    return {**running.frames, "resourceId": running.resource_id, "sid": running.sid}


def test_an_accepted_change_answers_the_ids() -> None:
    running = recording()
    assert running.update().body == ids(running)
    assert running.layout().body == ids(running)


def test_an_update_replaces_all_subscriptions() -> None:
    running = recording(request=mix(subscribeAudioUids=["#allstream#"], unSubscribeVideoUids=["1"]))
    running.update(streamSubscribe={"videoUidList": {"subscribeVideoUids": ["2"]}})
    assert running.config["recordingConfig"] == {
        "channelType": 0,
        "streamTypes": 2,
        "decryptionMode": 0,
        "videoStreamType": 0,
        "maxIdleTime": 30,
        "audioProfile": 0,
        "transcodingConfig": running.config["recordingConfig"]["transcodingConfig"],
        "subscribeVideoUids": ["2"],
    }
    assert running.session.flowing == {("2", "video")}


@pytest.mark.parametrize("word", ["unSubscribe", "unsubscribe"])
def test_both_spellings_of_a_deny_list_mean_the_same(word: str) -> None:
    running = recording()
    lists = {
        "audioUidList": {"subscribeAudioUids": ["#allstream#"]},
        "videoUidList": {f"{word}VideoUids": ["100"]},
    }
    running.update(streamSubscribe=lists)
    assert running.config["recordingConfig"]["unSubscribeVideoUids"] == ["100"]
    assert running.session.flowing == {("100", "audio")}


def test_new_credentials_replace_old_ones_and_nothing_else() -> None:
    running = recording(request=mix() | {"storageConfig": STORAGE | {"fileNamePrefix": ["d"]}})
    fresh = STORAGE | {"accessKey": "new", "secretKey": "newer", "stsToken": "t"}
    assert running.update(storageConfig=fresh).status == 200
    assert running.config["storageConfig"] == fresh | {"fileNamePrefix": ["d"]}
    running.update(storageConfig=STORAGE)
    assert running.config["storageConfig"] == STORAGE | {"fileNamePrefix": ["d"]}


def test_a_layout_replaces_the_whole_layout() -> None:
    canvas = {"width": 640, "height": 360, "fps": 30, "bitrate": 800}
    start = {"backgroundColor": "#FF0000", "mixedVideoLayout": 2, "maxResolutionUid": "1"}
    running = recording(request=mix(transcodingConfig=canvas | start))
    assert running.config["recordingConfig"]["transcodingConfig"] == canvas | start
    running.layout(backgroundImage="https://example.com/a.jpg")
    assert running.config["recordingConfig"]["transcodingConfig"] == {
        **canvas,
        "mixedVideoLayout": 0,
        "backgroundColor": "#000000",
        "backgroundImage": "https://example.com/a.jpg",
    }


def test_regions_get_their_defaults() -> None:
    running = recording()
    region = {"x_axis": 0, "y_axis": 0.5, "width": 1, "height": 0.5}
    running.layout(mixedVideoLayout=3, layoutConfig=[region])
    layout = running.config["recordingConfig"]["transcodingConfig"]
    assert layout["layoutConfig"] == [{**region, "alpha": 1, "render_mode": 0}]


def test_an_unknown_frame_rate_becomes_15() -> None:
    running = recording(request=mix(transcodingConfig={"fps": 29}))
    assert running.config["recordingConfig"]["transcodingConfig"]["fps"] == 15


def test_a_page_pauses_and_resumes_and_an_empty_object_resumes() -> None:
    running = recording("web")
    state = running.response["extensionServiceState"][0]["payload"]
    assert (state["onhold"], state["state"]) == (False, "inProgress")
    running.update(webRecordingConfig={"onhold": True})
    assert running.response["extensionServiceState"][0]["payload"]["onhold"] is True
    assert running.session.flowing == frozenset()
    running.update(webRecordingConfig={})
    assert running.response["extensionServiceState"][0]["payload"]["onhold"] is False


def test_a_page_that_starts_on_hold_records_nothing_until_resumed() -> None:
    running = recording("web", web(onhold=True))
    assert running.response["status"] == 4
    assert running.response["extensionServiceState"][0]["payload"]["fileList"] == []
    running.update(webRecordingConfig={"onhold": False})
    running.caller.wait(1)
    assert running.response["status"] == 5


def test_somebody_else_can_pause_a_page() -> None:
    running = recording("web")
    running.order("page", onhold=True)
    assert running.response["extensionServiceState"][0]["payload"]["onhold"] is True


def test_a_push_connects_publishes_and_moves() -> None:
    caller = Caller()
    running = caller.running("web", web(RTMP_SERVICE))
    assert push(running) == ("rtmp://example.com/live", "connecting")
    caller.wait(5)
    assert push(running) == ("rtmp://example.com/live", "publishing")
    running.order("rtmp", status="disconnected")
    assert push(running)[1] == "disconnected"
    running.update(rtmpPublishConfig={"outputs": [{"rtmpUrl": "rtmps://b.example/live"}]})
    assert push(running) == ("rtmps://b.example/live", "connecting")
    caller.wait(1)
    assert push(running) == ("rtmps://b.example/live", "publishing")
    told = [(entry["rtmpUrl"][-14:], entry["status"]) for entry in caller.details(100)]
    assert told == [
        ("ample.com/live", "connecting"),
        ("ample.com/live", "publishing"),
        ("ample.com/live", "disconnected"),
        ("b.example/live", "connecting"),
        ("b.example/live", "publishing"),
    ]


def push(running: Running) -> tuple[str, str]:
    service = running.response["extensionServiceState"][1]
    assert service["serviceName"] == "rtmp_publish_service"
    (output,) = service["payload"]["outputs"]
    return output["rtmpUrl"], output["status"]


@pytest.mark.parametrize("call", ["query", "update", "updateLayout", "stop"])
def test_calls_need_the_ids_of_the_start(call: str) -> None:
    running = recording()
    other = Running(running.caller, running.resource_id, "f" * 32, "mix", running.frames)
    assert codes(send(other, call)) == (400, 1003)
    if call != "updateLayout":  # which is refused in other modes before
        other = Running(
            running.caller, running.resource_id, running.sid, "individual", running.frames
        )
        assert codes(send(other, call)) == (404, 404)
    other = Running(running.caller, "x" * 300, running.sid, "mix", running.frames)
    assert codes(send(other, call)) == (400, 1001)
    never = Running(running.caller, running.caller.resource("b"), "f" * 32, "mix", running.frames)
    assert codes(send(never, call)) == (404, 404)
    other = Running(running.caller, running.resource_id, running.sid, "composite", running.frames)
    assert codes(send(other, call)) == (400, 2)
    assert codes(send(running, call)) == (200, 0)


@pytest.mark.parametrize("call", ["update", "updateLayout", "stop"])
@pytest.mark.parametrize(
    "frames", [{"cname": "b", "uid": "527841"}, {"cname": "lobby", "uid": "1"}]
)
def test_calls_name_the_cname_and_uid_of_the_start(call: str, frames: dict[str, str]) -> None:
    running = recording()
    other = Running(running.caller, running.resource_id, running.sid, "mix", frames)
    assert codes(send(other, call)) == (400, 432)


def send(running: Running, call: str) -> Any:
    calls = {"query": running.query, "update": running.update, "updateLayout": running.layout}
    return calls[call]() if call in calls else running.stop(async_stop=True)


def test_the_long_form_of_not_found_names_everything() -> None:
    running = recording()
    running.caller.tune(long_not_found=True)
    running.order("kill")
    answer = running.stop()
    assert answer.status == 404
    assert body_of(answer)["serverResponse"] == {
        "command": "StopCloudRecorder",
        "payload": {"message": "failed to find worker"},
        "subscribeModeBitmask": 1,
        "vid": "0",
    }
    assert {key: body_of(answer)[key] for key in (*IDS, "code")} == ids(running) | {"code": 404}


def test_a_synchronous_stop_answers_when_all_is_uploaded() -> None:
    running = recording()
    running.order("upload", seconds=12)
    before_s = running.caller.now_s
    answer = running.stop()
    assert running.caller.now_s == before_s + 12
    assert body_of(answer)["serverResponse"] == {
        "fileListMode": "string",
        "fileList": f"{running.sid}_lobby.m3u8",
        "uploadingStatus": "uploaded",
    }


def test_a_synchronous_stop_gives_up_after_twenty_seconds_and_the_upload_goes_on() -> None:
    running = recording()
    caller = running.caller
    running.order("upload", seconds=60)
    before_s = caller.now_s
    assert codes(running.stop()) == (206, 50)
    assert caller.now_s == before_s + 20
    assert 31 not in caller.events
    caller.wait(41)
    assert 31 in caller.events


def test_an_asynchronous_stop_answers_at_once() -> None:
    running = recording()
    before_s = running.caller.now_s
    answer = running.stop(async_stop=True)
    assert running.caller.now_s == before_s
    assert body_of(answer)["serverResponse"]["uploadingStatus"] == "unknown"
    assert running.response["status"] == 6
    running.caller.wait(10)
    assert codes(running.query()) == (404, 404)


@pytest.mark.parametrize("seconds", [0, 0.5, 1.5])
def test_stopping_twice_is_an_invalid_operation(seconds: float) -> None:
    running = recording()
    running.stop(async_stop=True)
    running.caller.wait(seconds)
    assert codes(running.stop(async_stop=True)) == (400, 49)


def test_a_stopping_task_can_no_longer_be_changed() -> None:
    running = recording()
    running.stop(async_stop=True)
    assert codes(running.update()) == (404, 404)
    assert codes(running.layout()) == (404, 404)


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_stop_without_recorded_data_is_206(*, asynchronous: bool) -> None:
    caller = Caller()
    running = caller.running()
    answer = running.stop(async_stop=asynchronous)
    assert (answer.status, answer.body) == (206, {"code": 435, "reason": "no recorded data"})
    caller.wait(2)
    assert codes(running.query()) == (404, 404)
    assert caller.details(31) == []


@pytest.mark.parametrize(("result", "event"), [("uploaded", 31), ("backuped", 32)])
def test_where_the_files_went_is_told(result: str, event: int) -> None:
    running = recording()
    running.order("upload", result=result)
    assert body_of(running.stop())["serverResponse"]["uploadingStatus"] == result
    assert {31, 32} & set(running.caller.events) == {event}


def test_a_task_that_is_killed_while_a_stop_waits_is_not_found() -> None:
    running = recording()
    caller = running.caller
    running.order("upload", seconds=10)
    caller.gateway.faults.add(
        {"endpoint": "stop", "effect": {"then": {"order": "kill", "after_s": 5}}}
    )
    assert codes(running.stop()) == (404, 404)


def test_leftovers_of_acquire_do_not_hinder_a_stop() -> None:
    assert recording().stop(resourceExpiredHour=24, scene=0).status == 200


def services(running: Running) -> list[str]:
    return [entry["serviceName"] for entry in running.response["extensionServiceState"]]


def test_the_shape_of_a_query_depends_on_the_use() -> None:
    assert set(recording().response) == {"status", "fileListMode", "fileList", "sliceStartTime"}
    assert recording().response["fileListMode"] == "string"
    assert recording("mix", mix(MP4)).response["fileListMode"] == "json"
    assert recording("individual").response["fileListMode"] == "json"
    snapshots = individual() | {"snapshotConfig": {"fileType": ["jpg"]}}
    assert set(recording("individual", snapshots).response) == {"status", "sliceStartTime"}
    assert set(recording("web").response) == {"status", "extensionServiceState"}
    assert services(recording("web")) == ["web_recorder_service"]
    pushed = recording("web", web(RTMP_SERVICE))
    assert services(pushed) == ["web_recorder_service", "rtmp_publish_service"]


def test_before_the_first_file_no_file_is_told_of() -> None:
    assert Caller().running("mix", mix(MP4)).response == {"status": 0}


def test_the_shape_of_a_stop_depends_on_the_use() -> None:
    snapshots = individual() | {"snapshotConfig": {"fileType": ["jpg"]}}
    shapes = {
        "SA": recording("individual", snapshots),
        "SC": recording("individual"),
        "SD": recording("web", web(RTMP_SERVICE)),
    }
    answers = {name: body_of(running.stop())["serverResponse"] for name, running in shapes.items()}
    assert answers["SA"] == {"uploadingStatus": "uploaded"}
    assert set(answers["SC"]) == {"fileListMode", "fileList", "uploadingStatus"}
    states = answers["SD"]["extensionServiceState"]
    assert [state["serviceName"] for state in states] == [
        "upload_service",
        "web_recorder_service",
        "rtmp_publish_service",
    ]
    assert states[0]["payload"] == {"uploadingStatus": "uploaded"}
    assert states[1]["payload"]["state"] == "exit"


def test_the_quirks_of_the_documents_can_be_asked_for() -> None:
    caller = Caller()
    caller.tune(playload=True, slice_time_unit="ms", web_file_key="fileName", sub_services=True)
    page = caller.running("web", cname="p", uid="1", acquire={"scene": 1})
    channel = caller.running("individual")
    caller.wait(5)
    assert channel.response["subServiceStatus"] == {"recordingService": "serviceInProgress"}
    (first, *_) = channel.response["fileList"]
    assert first["sliceStartTime"] == channel.response["sliceStartTime"]
    (state, recorder) = body_of(page.stop())["serverResponse"]["extensionServiceState"]
    assert state["playload"] == {"uploadingStatus": "uploaded"}
    assert set(recorder["playload"]["fileList"][0]) == {"fileName", "sliceStartTime"}


def test_a_file_lists_times_are_seconds_and_the_first_slice_is_milliseconds() -> None:
    response = recording("individual").response
    assert {file["sliceStartTime"] for file in response["fileList"]} == {
        response["sliceStartTime"] // 1000
    }
