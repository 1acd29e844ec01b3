"""Documented requests are accepted; wrong changes and stops are code 2 and change nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator.shape import UnknownKeys
from tests.simulator.support import (
    BASE,
    CNAME,
    RTMP_SERVICE,
    STORAGE,
    UID,
    Caller,
    body_of,
    codes,
    frame,
    mix,
    web,
)

EXAMPLES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent.parent / "spec/examples").glob("E*.json"))
}
REGION = {"x_axis": 0, "y_axis": 0, "width": 1, "height": 1}
CALLS = [
    (name, mode)
    for name, example in EXAMPLES.items()
    if not example.get("skeleton")
    for mode in example.get("modes", [example.get("mode", "mix")])
]
CHANGES = ("update", "updateLayout", "stop")


@pytest.mark.parametrize(
    ("name", "mode"),
    [pair for pair in CALLS if EXAMPLES[pair[0]]["call"] in {"acquire", "start", *CHANGES}],
)
def test_the_documented_requests_are_accepted(name: str, mode: str) -> None:
    call, body = EXAMPLES[name]["call"], EXAMPLES[name]["body"]
    frames = {"cname": body["cname"], "uid": body["uid"]}
    caller = Caller()
    if call == "acquire":
        assert caller.post(f"{BASE}/acquire", body).status == 200
    elif call == "start":
        caller.running(mode, body["clientRequest"], **frames)
    else:
        running = caller.running(mode, web(RTMP_SERVICE) if mode == "web" else None, **frames)
        caller.wait(5)
        assert caller.post(running.path(call), body).status == 200


UPDATE: list[tuple[str, Any]] = [
    ("mix", None),
    ("mix", {"streamSubscribe": []}),
    ("mix", {"streamSubscribe": {"audioUidList": {"subscribeAudioUids": []}}}),
    ("mix", {"streamSubscribe": {"videoUidList": {"unSubscribeVideoUids": []}}}),
    ("mix", {"streamSubscribe": {"audioUidList": {"subscribeVideoUids": ["1"]}}}),
    ("mix", {"streamSubscribe": {"audioUidList": {"unsunscribeAudioUids": ["1"]}}}),
    (
        "mix",
        {
            "streamSubscribe": {
                "audioUidList": {"subscribeAudioUids": ["1"], "unsubscribeAudioUids": ["2"]}
            }
        },
    ),
    ("mix", {"webRecordingConfig": {"onhold": True}}),
    ("mix", {"rtmpPublishConfig": {"outputs": [{"rtmpUrl": "rtmp://a"}]}}),
    ("mix", {"storageConfig": {"accessKey": "a", "secretKey": "s"}}),
    ("mix", {"storageConfig": STORAGE | {"bucket": "another"}}),
    ("mix", {"storageConfig": STORAGE | {"fileNamePrefix": ["another"]}}),
    ("mix", {"recordingConfig": {}}),
    ("web", {"webRecordingConfig": {"onhold": 1}}),
    ("web", {"webRecordingConfig": {"onHold": True}}),
    ("web", {"streamSubscribe": {}}),
    ("web", {"rtmpPublishConfig": {"outputs": [{"rtmpUrl": "rtmp://a"}]}}),
]


@pytest.mark.parametrize(("mode", "request_"), UPDATE)
def test_a_wrong_update_is_code_2_and_changes_nothing(mode: str, request_: Any) -> None:
    caller = Caller()
    running = caller.running(mode)
    before = running.config
    answer = caller.post(running.path("update"), frame(request_))
    assert codes(answer) == (400, 2)
    assert body_of(answer)["reason"].startswith("Update: ")
    assert running.config == before


@pytest.mark.parametrize(
    ("stream_types", "block", "key"),
    [(0, "videoUidList", "subscribeVideoUids"), (1, "audioUidList", "unSubscribeAudioUids")],
)
def test_a_medium_that_is_not_recorded_cannot_be_subscribed_to(
    stream_types: int, block: str, key: str
) -> None:
    running = Caller().running(request=mix(streamTypes=stream_types))
    answer = running.update(streamSubscribe={block: {key: ["1"]}})
    assert codes(answer) == (400, 2)
    assert f"streamTypes {stream_types}" in body_of(answer)["reason"]


@pytest.mark.parametrize(
    "request_",
    [
        {"mixedVideoLayout": 3},
        {"mixedVideoLayout": 3, "layoutConfig": []},
        {"layoutConfig": [{**REGION, "width": 1.1}]},
        {"layoutConfig": [{**REGION, "alpha": 2}]},
        {"layoutConfig": [{**REGION, "render_mode": 2}]},
        {"layoutConfig": [{**REGION, "x_axis": "0"}]},
        {"layoutConfig": [REGION | {"x_axis": 0.5}]},
        {"width": 100},
        {"backgroundColor": "000000"},
    ],
)
def test_a_wrong_layout_is_code_2(request_: Any) -> None:
    answer = Caller().running().layout(**request_)
    assert codes(answer) == (400, 2)
    assert body_of(answer)["reason"].startswith("UpdateLayout: ")


@pytest.mark.parametrize("mode", ["individual", "web"])
def test_only_composite_recordings_have_a_layout(mode: str) -> None:
    assert codes(Caller().running(mode).layout(mixedVideoLayout=1)) == (400, 2)


@pytest.mark.parametrize("request_", [None, {"async_stop": 1}, {"asyncStop": True}])
def test_a_wrong_stop_is_code_2_and_stops_nothing(request_: Any) -> None:
    caller = Caller()
    running = caller.running()
    assert codes(caller.post(running.path("stop"), frame(request_))) == (400, 2)
    caller.wait(3)
    assert running.response["status"] == 5


def test_a_body_names_its_parts_in_every_call() -> None:
    caller = Caller()
    running = caller.running()
    for call in ("update", "updateLayout", "stop"):
        for body in ({}, {"cname": CNAME, "uid": UID}, {"uid": UID, "clientRequest": {}}):
            assert codes(caller.post(running.path(call), body)) == (400, 2)


def test_unknown_keys_can_be_ignored_instead() -> None:
    caller = Caller()
    caller.tune(unknown_keys=UnknownKeys.IGNORE)
    running = caller.running(request=mix() | {"misspelt": 1})
    assert running.update(misspelt={}).status == 200
