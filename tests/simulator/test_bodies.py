"""Bodies of acquire and start: what the documents call an error is code 2 and says which."""

import copy
from typing import Any

import pytest

from tests.simulator.support import (
    BASE,
    HLS,
    MP4,
    RTMP_SERVICE,
    STORAGE,
    UID,
    WEB_SERVICE,
    Caller,
    body_of,
    codes,
    frame,
    individual,
    mix,
    web,
)

SALT = "A" * 43 + "="
VOD = {
    "serviceName": "aliyun_vod_service",
    "serviceParam": {
        "accessKey": "a",
        "secretKey": "s",
        "regionId": "r",
        "apiData": {"videoData": {"title": "t"}},
    },
}
POSTPONED = {"appsCollection": {"combinationPolicy": "postpone_transcoding"}}
SNAPSHOTS = {"snapshotConfig": {"fileType": ["jpg"]}}
REGION = {"x_axis": 0, "y_axis": 0, "width": 1, "height": 1}


def changed(body: Any, path: str, value: Any) -> Any:
    """Return a copy with the value at a dotted path set, or removed if the value is `...`."""
    copied = copy.deepcopy(body)
    *way, last = path.split(".")
    place = copied
    for step in way:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    if value is ...:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return copied


NOT_TEXT: list[Any] = [1, None, True, [], {}]
NOT_WHOLE: list[Any] = ["1", 1.5, 1.0, None, True, [], {}]
NOT_FLAG: list[Any] = [0, "true", None, []]
NOT_OBJECT: list[Any] = [None, [], "", 1]

ACQUIRE: list[tuple[str, list[Any]]] = [
    ("cname", [*NOT_TEXT, ..., ""]),
    ("uid", [*NOT_TEXT, ..., "", "0", "01", "-1", "1.0", "a", "4294967296", "8810546176", "1\n"]),
    ("clientRequest", NOT_OBJECT),
    ("clientRequest.scene", [*NOT_WHOLE, -1, 3]),
    ("clientRequest.resourceExpiredHour", [*NOT_WHOLE, 0, 721]),
    ("clientRequest.startParameter", NOT_OBJECT),
    ("clientRequest.excludeResourceIds", ["r", [1], {}]),
    ("clientRequest.region", ["cn", "SA", 1, ""]),
    ("clientRequest.regionAffinity", [*NOT_WHOLE, -1, 5]),
    ("clientRequest.Scene", [0]),
    ("other", [1]),
]


@pytest.mark.parametrize(("path", "values"), ACQUIRE)
def test_a_wrong_acquire_is_code_2_and_named(path: str, values: list[Any]) -> None:
    for value in values:
        answer = Caller().post(f"{BASE}/acquire", changed(frame({}), path, value))
        assert codes(answer) == (400, 2), value
        assert body_of(answer)["reason"].startswith(f"Acquire: `{path}")


@pytest.mark.parametrize("body", [*NOT_OBJECT, True])
def test_a_body_that_is_no_object_is_code_2(body: Any) -> None:
    assert codes(Caller().post(f"{BASE}/acquire", body)) == (400, 2)


@pytest.mark.parametrize(
    ("cname", "scene", "fits"),
    [
        ("a" * 64, 0, True),
        ("a" * 65, 0, False),
        ("a b!#$%&()+-:;<=.>?@[]^_{}~,|", 2, True),
        ('"', 0, False),
        ("a/b", 0, False),
        ("'", 0, False),
        ("ä", 0, False),
        ("a\n", 0, False),
        ("\u2603" * 341, 1, True),
        ("\u2603" * 342, 1, False),
    ],
)
def test_a_channel_name_has_its_characters_and_length(
    cname: str, scene: int, *, fits: bool
) -> None:
    answer = Caller().acquire(cname, UID, scene=scene)
    assert codes(answer) == ((200, 0) if fits else (400, 401))


CANVAS = "recordingConfig.transcodingConfig"
MIX: list[tuple[str, list[Any]]] = [
    ("token", [1, None]),
    ("storageConfig", [*NOT_OBJECT, ...]),
    ("storageConfig.vendor", [*NOT_WHOLE, ..., -1, 9, 10, 12]),
    ("storageConfig.region", [*NOT_WHOLE, ..., -1]),
    ("storageConfig.bucket", [*NOT_TEXT, ..., ""]),
    ("storageConfig.accessKey", [*NOT_TEXT, ..., ""]),
    ("storageConfig.secretKey", [*NOT_TEXT, ..., ""]),
    ("storageConfig.stsToken", [1]),
    ("storageConfig.stsExpiration", ["1", -1, 2**64]),
    ("storageConfig.fileNamePrefix", ["a", [1], ["a/b"], ["a_b"], [""], ["a" * 128]]),
    ("storageConfig.extensionParams", NOT_OBJECT),
    ("storageConfig.extensionParams.sse", ["aws", 1]),
    ("storageConfig.extensionParams.tag", [1]),
    ("storageConfig.vendor", [11]),
    ("recordingConfig", [*NOT_OBJECT, ...]),
    ("recordingConfig.channelType", [*NOT_WHOLE, -1, 2]),
    ("recordingConfig.streamTypes", [*NOT_WHOLE, -1, 3]),
    ("recordingConfig.streamMode", ["Default", 1, ""]),
    ("recordingConfig.decryptionMode", [*NOT_WHOLE, -1, 9]),
    ("recordingConfig.audioProfile", [*NOT_WHOLE, -1, 3]),
    ("recordingConfig.videoStreamType", [*NOT_WHOLE, -1, 2]),
    ("recordingConfig.maxIdleTime", [*NOT_WHOLE, 4, 2_592_001]),
    ("recordingConfig.subscribeUidGroup", [*NOT_WHOLE, -1, 6]),
    ("recordingConfig.privateParams", [{}, 1]),
    ("recordingConfig.subscribeAudioUids", ["1", [1], ["0"], ["a"], ["#allstream#", "1"]]),
    ("recordingConfig.unSubscribeVideoUids", [["1"] * 33, ["x"], {}]),
    (f"{CANVAS}", NOT_OBJECT),
    (f"{CANVAS}.width", [*NOT_WHOLE, 0, -1, 3241]),
    (f"{CANVAS}.fps", [*NOT_WHOLE, 0]),
    (f"{CANVAS}.bitrate", [*NOT_WHOLE, 0, 6501]),
    (f"{CANVAS}.mixedVideoLayout", [*NOT_WHOLE, -1, 4]),
    (f"{CANVAS}.maxResolutionUid", [1, "", "0"]),
    (f"{CANVAS}.backgroundColor", ["red", "#fff", "#12345g", 1, "#1234567"]),
    (f"{CANVAS}.backgroundImage", ["", "ftp://a", "a.jpg", 1]),
    (f"{CANVAS}.layoutConfig", [{}, [[]], [REGION] * 18, [{}]]),
    (f"{CANVAS}.backgroundConfig", [[{"uid": "1"}], [{"image_url": "http://a/b"}]]),
    (f"{CANVAS}.backgroudColor", ["#000000"]),
    ("recordingFileConfig.avFileType", [[], ["mp4"], ["flv"], "hls", ["hls", "mp4", "mp4"], 1]),
    ("recordingfileConfig", [HLS]),
    ("snapshotConfig", [SNAPSHOTS["snapshotConfig"]]),
    ("extensionServiceConfig", [{"extensionServices": [WEB_SERVICE]}, {}, []]),
    ("appsCollection.combinationPolicy", ["other", 1, None]),
]


@pytest.mark.parametrize(("path", "values"), MIX)
def test_a_wrong_composite_start_is_code_2_and_named(path: str, values: list[Any]) -> None:
    for value in values:
        caller = Caller()
        answer = caller.start(caller.resource(), "mix", changed(mix(), path, value))
        assert codes(answer) == (400, 2), value
        assert path.rsplit(".", maxsplit=1)[-1] in body_of(answer)["reason"]
        assert body_of(answer)["reason"].startswith("Start: `clientRequest.")


MIXED: dict[str, Any] = {"transcodeOptions": {"transConfig": {"transMode": "audioMix"}}}
TOGETHER: list[tuple[str, Any, str]] = [
    ("mix", mix(subscribeAudioUids=["1"], unSubscribeAudioUids=["2"]), "must not stand beside"),
    ("mix", mix(unSubscribeVideoUids=["1"], unsubscribeVideoUids=["1"]), "must not stand beside"),
    ("mix", mix(streamTypes=0, subscribeVideoUids=["1"]), "streamTypes 0"),
    ("mix", mix(streamTypes=1, subscribeAudioUids=["1"]), "streamTypes 1"),
    ("mix", mix(decryptionMode=1), "secret"),
    ("mix", mix(decryptionMode=7, secret="s"), "salt"),
    ("mix", mix(decryptionMode=8, secret="s", salt="AAAA"), "salt"),
    ("mix", mix(decryptionMode=8, secret="s", salt="\u00e4"), "salt"),
    ("mix", mix(transcodingConfig={"width": 1921, "height": 1080}), "2073600"),
    ("mix", mix(transcodingConfig={"mixedVideoLayout": 3}), "layoutConfig"),
    (
        "mix",
        mix(transcodingConfig={"layoutConfig": [REGION, {**REGION, "x_axis": 0.1}]}),
        "layoutConfig[1]",
    ),
    (
        "mix",
        mix(transcodingConfig={"layoutConfig": [{**REGION, "y_axis": 0.00001}]}),
        "layoutConfig[0]",
    ),
    ("individual", individual(streamTypes=0) | SNAPSHOTS, "streamTypes 0"),
    ("individual", individual(subscribeAudioUids=["1"]) | SNAPSHOTS, "subscribeVideoUids"),
    ("individual", individual() | {"snapshotConfig": {"fileType": ["png"]}}, "fileType"),
    ("individual", individual() | {"snapshotConfig": {}}, "fileType"),
    (
        "individual",
        individual() | {"snapshotConfig": {"fileType": ["jpg"], "captureInterval": 0}},
        "captureInterval",
    ),
    ("individual", individual() | {"transcodeOptions": {}}, "transConfig"),
    (
        "individual",
        individual() | {"transcodeOptions": {"transConfig": {"transMode": "audioMix"}}},
        "combinationPolicy",
    ),
    (
        "individual",
        individual(streamMode="original")
        | POSTPONED
        | {"transcodeOptions": {"transConfig": {"transMode": "audioMix"}}},
        "streamTypes 0",
    ),
    (
        "individual",
        individual(streamTypes=0)
        | POSTPONED
        | {"transcodeOptions": {"transConfig": {"transMode": "audioMix"}}},
        "original",
    ),
    (
        "individual",
        individual()
        | POSTPONED
        | {
            "transcodeOptions": {
                "transConfig": {"transMode": "postponeTranscoding"},
                "container": {"format": "mp3"},
            }
        },
        "must be mp4",
    ),
    ("mix", mix() | POSTPONED, "individual"),
    (
        "individual",
        individual(streamTypes=0, streamMode="original")
        | POSTPONED
        | changed(MIXED, "transcodeOptions.container", {"format": "mp4"}),
        "mp3, m4a, aac",
    ),
    ("individual", web(), "recordingConfig"),
    ("web", mix(), "extensionServiceConfig"),
    ("web", web(WEB_SERVICE), "each service once"),
    ("web", web(RTMP_SERVICE, RTMP_SERVICE), "each service once"),
    ("web", web(VOD), "aliyun_vod_service"),
    ("web", changed(web(), "extensionServiceConfig.extensionServices", []), "number of entries"),
    (
        "web",
        changed(web(), "extensionServiceConfig.extensionServices.0", RTMP_SERVICE),
        "web_recorder_service",
    ),
    ("web", web(videoWidth=1921, videoHeight=1080), "2073600"),
    ("web", web() | SNAPSHOTS, "snapshotConfig"),
    ("composite", mix(), "mode"),
    ("MIX", mix(), "mode"),
]


@pytest.mark.parametrize(("mode", "request_", "said"), TOGETHER)
def test_values_that_do_not_go_together_are_code_2(mode: str, request_: Any, said: str) -> None:
    caller = Caller()
    resource_id = caller.resource(scene=1 if mode == "web" else 0)
    answer = caller.start(resource_id, mode, request_)
    assert codes(answer) == (400, 2)
    assert said in body_of(answer)["reason"]
    assert caller.gateway.world.sessions == {}


PAGE_PATH = "extensionServiceConfig.extensionServices.0"
WEB: list[tuple[str, list[Any]]] = [
    ("serviceParam.url", [..., 1, ""]),
    ("serviceParam.audioProfile", [*NOT_WHOLE, ..., -1, 3]),
    ("serviceParam.videoWidth", [*NOT_WHOLE, ..., 0]),
    ("serviceParam.videoHeight", [*NOT_WHOLE, ..., 0]),
    ("serviceParam.maxRecordingHour", [*NOT_WHOLE, ..., 0, 721]),
    ("serviceParam.videoFps", [*NOT_WHOLE, 4, 61]),
    ("serviceParam.videoBitrate", [*NOT_WHOLE, 0]),
    ("serviceParam.mobile", NOT_FLAG),
    ("serviceParam.maxVideoDuration", [*NOT_WHOLE, 29, 241]),
    ("serviceParam.onhold", NOT_FLAG),
    ("serviceParam.readyTimeout", [*NOT_WHOLE, -1, 61]),
    ("serviceParam.onHold", [True]),
    ("errorHandlePolicy", ["error_ignore", 1]),
    ("serviceName", ["web_recorder", 1, ...]),
    ("serviceParam", [*NOT_OBJECT, ...]),
]


@pytest.mark.parametrize(("path", "values"), WEB)
def test_a_wrong_web_page_is_code_2_and_named(path: str, values: list[Any]) -> None:
    for value in values:
        caller = Caller()
        request = changed(web(), f"{PAGE_PATH}.{path}", value)
        answer = caller.start(caller.resource(scene=1), "web", request)
        assert codes(answer) == (400, 2), value
        assert path.rsplit(".", maxsplit=1)[-1] in body_of(answer)["reason"]


@pytest.mark.parametrize(
    "outputs", [[], [{}], [{"rtmpUrl": "http://a"}], [{"rtmpUrl": "rtmp://a"}] * 2]
)
def test_a_push_needs_exactly_one_rtmp_address(outputs: Any) -> None:
    caller = Caller()
    service = {**RTMP_SERVICE, "serviceParam": {"outputs": outputs}}
    assert codes(caller.start(caller.resource(scene=1), "web", web(service))) == (400, 2)


@pytest.mark.parametrize(
    ("mode", "scene", "fits"),
    [
        ("individual", 0, True),
        ("individual", 1, False),
        ("individual", 2, True),
        ("mix", 0, True),
        ("mix", 1, False),
        ("mix", 2, False),
        ("web", 0, False),
        ("web", 1, True),
        ("web", 2, False),
    ],
)
def test_the_mode_fits_the_scene_of_acquire(mode: str, scene: int, *, fits: bool) -> None:
    caller = Caller()
    request = {"individual": individual(), "mix": mix(), "web": web()}[mode]
    answer = caller.start(caller.resource(scene=scene), mode, request)
    assert codes(answer) == ((200, 0) if fits else (400, 2))


ACCEPTED: list[tuple[str, Any]] = [
    ("mix", mix(MP4, transcodingConfig={"fps": 29, "width": 100})),
    ("mix", mix(subscribeAudioUids=["#allstream#"], unSubscribeVideoUids=["1", "2"])),
    ("mix", mix(unsubscribeAudioUids=["#allstream#"], subscribeVideoUids=[])),
    ("mix", mix(anything={"at": ["all"]}, extensionParams={"enableNTPtimestamp": True})),
    ("mix", mix() | {"storageConfig": STORAGE | {"unheardOf": 1, "vendor": 0, "region": 99}}),
    ("mix", mix(decryptionMode=7, secret="s", salt=SALT)),
    ("mix", mix(streamMode="default", subscribeUidGroup=0)),
    ("mix", mix(transcodingConfig={"layoutConfig": [{**REGION, "uid": "", "alpha": 0.5}]})),
    ("individual", individual(transcodingConfig={"width": 1}, audioProfile=1)),
    ("individual", {"recordingConfig": {}, "storageConfig": STORAGE} | SNAPSHOTS),
    ("individual", individual(streamTypes=0, streamMode="original") | POSTPONED | MIXED),
    ("individual", individual() | POSTPONED),
    ("mix", {"recordingConfig": {}, "extensionServiceConfig": {"extensionServices": [VOD]}}),
    ("web", web(RTMP_SERVICE) | {"token": "t", "recordingConfig": {"maxIdleTime": 30}}),
    ("web", web(VideoBitrate=100, readyTimeout=60, onhold=True, mobile=True)),
]


@pytest.mark.parametrize(("mode", "request_"), ACCEPTED)
def test_what_is_merely_advised_against_is_accepted(mode: str, request_: Any) -> None:
    Caller().running(mode, request_)
