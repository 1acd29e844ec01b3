"""Start bodies that are refused with code 2 (agora-api.md 3, with the rules of 3.13 by number)."""

from typing import Any

import pytest

from tests.contract.bodies import (
    HLS_AND_MP4,
    INDIVIDUAL,
    MIX,
    POSTPONED,
    POSTPONED_MIX,
    SCREENSHOTS,
    WEB,
    WEB_WITH_PUSH,
    Body,
    changed,
    without,
)
from tests.contract.customer import Customer, refusal

BAD_PARAMETER = (400, 2)
STORAGE = "storageConfig"
CONFIG = "recordingConfig"
CANVAS = "recordingConfig.transcodingConfig"
SERVICES = "extensionServiceConfig.extensionServices"
PAGE = SERVICES + ".0.serviceParam"
PUSH = SERVICES + ".1.serviceParam"
REGION = {"x_axis": 0, "y_axis": 0, "width": 1, "height": 1}
SALT = "c2FsdCBvZiB0aGlydHktdHdvIGJ5dGVzIGV4YWN0bHk="  # of 32 bytes


def refuses(customer: Customer, mode: str, body: Body) -> None:
    assert refusal(customer.try_to_start(mode, body)) == BAD_PARAMETER


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (STORAGE, "a-bucket"),
        (f"{STORAGE}.vendor", 9),  # C60
        (f"{STORAGE}.vendor", 12),
        (f"{STORAGE}.vendor", -1),
        (f"{STORAGE}.vendor", "2"),
        (f"{STORAGE}.vendor", True),
        (f"{STORAGE}.region", -1),  # C61
        (f"{STORAGE}.region", "3"),
        (f"{STORAGE}.region", 0.5),
        (f"{STORAGE}.bucket", ""),  # C63
        (f"{STORAGE}.bucket", 7),
        (f"{STORAGE}.accessKey", ""),
        (f"{STORAGE}.accessKey", None),
        (f"{STORAGE}.secretKey", ""),
        (f"{STORAGE}.secretKey", ["key"]),
        (f"{STORAGE}.stsExpiration", "tomorrow"),
        (f"{STORAGE}.fileNamePrefix", "directory1"),  # C64
        (f"{STORAGE}.fileNamePrefix", ["a/b"]),
        (f"{STORAGE}.fileNamePrefix", ["a_b"]),
        (f"{STORAGE}.fileNamePrefix", ["[a]"]),
        (f"{STORAGE}.fileNamePrefix", [""]),
        (f"{STORAGE}.fileNamePrefix", [1]),
        (f"{STORAGE}.fileNamePrefix", ["a" * 64, "b" * 63]),
        (f"{STORAGE}.extensionParams", {"sse": "rot13"}),  # C65
        (STORAGE, {**MIX[STORAGE], "vendor": 11, "region": 0}),
    ],
)
def test_bad_storage_is_refused(customer: Customer, path: str, value: Any) -> None:
    refuses(customer, "mix", changed(MIX, path, value))


@pytest.mark.parametrize("path", ["", ".vendor", ".region", ".bucket", ".accessKey", ".secretKey"])
def test_storage_must_be_complete(customer: Customer, path: str) -> None:
    refuses(customer, "mix", without(MIX, STORAGE + path))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (CONFIG, []),
        (f"{CONFIG}.channelType", 2),
        (f"{CONFIG}.channelType", "0"),
        (f"{CONFIG}.streamTypes", 3),
        (f"{CONFIG}.streamTypes", -1),
        (f"{CONFIG}.audioProfile", 3),
        (f"{CONFIG}.videoStreamType", 2),
        (f"{CONFIG}.maxIdleTime", 4),  # C31
        (f"{CONFIG}.maxIdleTime", 2_592_001),
        (f"{CONFIG}.maxIdleTime", 30.5),
        (f"{CONFIG}.maxIdleTime", "30"),
        (f"{CONFIG}.decryptionMode", 9),  # C30
        (f"{CONFIG}.decryptionMode", 1),
        ("recordingFileConfig.avFileType", ["mp4"]),  # C42
        ("recordingFileConfig.avFileType", ["hls", "avi"]),
        ("recordingFileConfig.avFileType", "hls"),
        ("token", 7),
    ],
)
def test_bad_values_of_a_channel_recording_are_refused(
    customer: Customer, path: str, value: Any
) -> None:
    refuses(customer, "mix", changed(MIX, path, value))


@pytest.mark.parametrize(
    "encryption",
    [
        {"decryptionMode": 7, "secret": "s"},
        {"decryptionMode": 8, "secret": "s", "salt": "no base64"},
        {"decryptionMode": 8, "secret": "s", "salt": "c2hvcnQ="},
        {"decryptionMode": 8, "salt": SALT},
    ],
)
def test_encryption_needs_its_secret_and_salt(customer: Customer, encryption: Body) -> None:
    refuses(customer, "mix", changed(MIX, CONFIG, MIX[CONFIG] | encryption))


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX)])
def test_a_channel_recording_needs_its_recording_config(  # C10
    customer: Customer, mode: str, body: Body
) -> None:
    refuses(customer, mode, without(body, CONFIG))


@pytest.mark.parametrize(
    "lists",
    [
        {"subscribeAudioUids": ["1"], "unSubscribeAudioUids": ["2"]},  # C22
        {"subscribeVideoUids": ["1"], "unsubscribeVideoUids": ["2"]},
        {"subscribeAudioUids": [str(uid) for uid in range(1, 34)]},  # C24
        {"unSubscribeVideoUids": [str(uid) for uid in range(1, 34)]},
        {"subscribeAudioUids": ["alice"]},  # C25
        {"subscribeAudioUids": [1]},
        {"subscribeAudioUids": "1"},
        {"subscribeVideoUids": ["#allstream#", "1"]},
        {"subscribeVideoUids": ["0"]},
        {"streamTypes": 0, "subscribeVideoUids": ["1"]},  # C26
        {"streamTypes": 1, "subscribeAudioUids": ["1"]},
    ],
)
def test_bad_subscriptions_are_refused(customer: Customer, lists: Body) -> None:
    refuses(customer, "mix", changed(MIX, CONFIG, MIX[CONFIG] | lists))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (CANVAS, "640x360"),
        (f"{CANVAS}.width", 5762),  # C33: times 360
        (f"{CANVAS}.height", 0),
        (f"{CANVAS}.width", "640"),
        (f"{CANVAS}.bitrate", 6501),  # C35
        (f"{CANVAS}.bitrate", 0),
        (f"{CANVAS}.fps", "15"),
        (f"{CANVAS}.mixedVideoLayout", 4),  # C36
        (f"{CANVAS}.mixedVideoLayout", 3),
        (f"{CANVAS}.backgroundColor", "red"),  # C39
        (f"{CANVAS}.backgroundColor", "#FF00"),
        (f"{CANVAS}.backgroundColor", "#GG0000"),
        (f"{CANVAS}.backgroundImage", "ftp://example.org/a.jpg"),  # C40
        (f"{CANVAS}.defaultUserBackgroundImage", "a.jpg"),
        (f"{CANVAS}.maxResolutionUid", 7),
        (f"{CANVAS}.backgroundConfig", [{"uid": "1"}]),  # C41
        (f"{CANVAS}.backgroundConfig", [{"image_url": "https://example.org/a.jpg"}]),
    ],
)
def test_a_bad_canvas_is_refused(customer: Customer, path: str, value: Any) -> None:
    refuses(customer, "mix", changed(MIX, path, value))


@pytest.mark.parametrize(
    "regions",
    [
        [REGION] * 18,  # C37
        [REGION | {"x_axis": 1.1}],
        [REGION | {"width": -0.1}],
        [REGION | {"x_axis": 0.5, "width": 0.6}],
        [REGION | {"y_axis": 0.5, "height": 0.6}],
        [REGION | {"alpha": 2}],
        [REGION | {"render_mode": 2}],
        [REGION | {"width": "1"}],
        [REGION | {"uid": 1}],
        [{"x_axis": 0, "y_axis": 0, "width": 1}],
        REGION,
    ],
)
def test_a_bad_custom_layout_is_refused(customer: Customer, regions: Any) -> None:
    layout = MIX[CONFIG]["transcodingConfig"] | {"mixedVideoLayout": 3, "layoutConfig": regions}
    refuses(customer, "mix", changed(MIX, CANVAS, layout))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{CONFIG}.streamMode", "raw"),
        (f"{CONFIG}.subscribeUidGroup", 6),
        (f"{CONFIG}.subscribeUidGroup", "0"),
        ("snapshotConfig.captureInterval", 0),  # C44
        ("snapshotConfig.captureInterval", 3601),
        ("snapshotConfig.captureInterval", "10"),
        ("snapshotConfig.fileType", ["png"]),  # C45
        ("snapshotConfig.fileType", []),
        ("snapshotConfig.fileType", "jpg"),
        (f"{CONFIG}.streamTypes", 0),  # C46
        (f"{CONFIG}.subscribeAudioUids", ["1"]),
    ],
)
def test_bad_values_of_an_individual_recording_are_refused(
    customer: Customer, path: str, value: Any
) -> None:
    refuses(customer, "individual", changed(SCREENSHOTS, path, value))


def test_screenshots_need_their_file_type(customer: Customer) -> None:
    refuses(customer, "individual", without(SCREENSHOTS, "snapshotConfig.fileType"))


@pytest.mark.parametrize(
    "body",
    [
        without(POSTPONED, "transcodeOptions.transConfig"),  # C47
        changed(POSTPONED, "transcodeOptions.transConfig.transMode", "later"),
        without(POSTPONED, "appsCollection"),  # C51
        changed(POSTPONED, "appsCollection.combinationPolicy", "postpone"),
        changed(POSTPONED, "transcodeOptions.container.format", "mp3"),  # C49
        changed(POSTPONED_MIX, "transcodeOptions.container.format", "mp4"),  # C48
        changed(POSTPONED_MIX, f"{CONFIG}.streamTypes", 2),
        changed(POSTPONED_MIX, f"{CONFIG}.streamMode", "standard"),
    ],
)
def test_bad_postponed_work_is_refused(customer: Customer, body: Body) -> None:
    assert refusal(customer.try_to_start("individual", body, scene=2)) == BAD_PARAMETER


def test_work_is_postponed_in_individual_recordings_only(customer: Customer) -> None:  # C7
    refuses(customer, "mix", MIX | {"appsCollection": POSTPONED["appsCollection"]})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("extensionServiceConfig", []),
        ("extensionServiceConfig.errorHandlePolicy", "error_ignore"),  # C59
        (SERVICES, []),  # C53
        (SERVICES, {}),
        (SERVICES, WEB["extensionServiceConfig"]["extensionServices"] * 2),
        (f"{SERVICES}.0.serviceName", "page_service"),
        (f"{SERVICES}.0.serviceName", "rtmp_publish_service"),
        (f"{SERVICES}.0.errorHandlePolicy", "error_ignore"),
        (f"{PAGE}.url", ""),  # C54
        (f"{PAGE}.url", 1),
        (f"{PAGE}.audioProfile", 3),
        (f"{PAGE}.videoWidth", 2881),
        (f"{PAGE}.videoWidth", "1280"),
        (f"{PAGE}.videoHeight", 0),
        (f"{PAGE}.maxRecordingHour", 0),  # C55
        (f"{PAGE}.maxRecordingHour", 721),
        (f"{PAGE}.maxRecordingHour", 1.5),
        (f"{PAGE}.videoFps", 4),  # C56
        (f"{PAGE}.videoFps", 61),
        (f"{PAGE}.maxVideoDuration", 29),
        (f"{PAGE}.maxVideoDuration", 241),
        (f"{PAGE}.readyTimeout", -1),
        (f"{PAGE}.readyTimeout", 61),
        (f"{PAGE}.readyTimeout", 1.5),
        (f"{PAGE}.onhold", "false"),
        (f"{PAGE}.mobile", 1),
        ("recordingFileConfig.avFileType", ["mp4"]),
    ],
)
def test_a_bad_page_is_refused(customer: Customer, path: str, value: Any) -> None:
    refuses(customer, "web", changed(WEB, path, value))


@pytest.mark.parametrize(
    "key", ["url", "audioProfile", "videoWidth", "videoHeight", "maxRecordingHour"]
)
def test_a_page_needs_these(customer: Customer, key: str) -> None:
    refuses(customer, "web", without(WEB, f"{PAGE}.{key}"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{PUSH}.outputs", []),  # C58
        (f"{PUSH}.outputs", [{"rtmpUrl": "rtmp://example.org/a"}] * 2),
        (f"{PUSH}.outputs", [{}]),
        (f"{PUSH}.outputs.0.rtmpUrl", "https://example.org/a"),
        (f"{PUSH}.outputs.0.rtmpUrl", 1),
        (f"{SERVICES}.1.errorHandlePolicy", "error_abort"),  # C59
    ],
)
def test_a_bad_push_is_refused(customer: Customer, path: str, value: Any) -> None:
    refuses(customer, "web", changed(WEB_WITH_PUSH, path, value))


def test_there_is_one_push(customer: Customer) -> None:  # C53
    services = WEB_WITH_PUSH["extensionServiceConfig"]["extensionServices"]
    refuses(customer, "web", changed(WEB_WITH_PUSH, SERVICES, [*services, services[1]]))


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX)])
def test_pages_are_recorded_in_web_mode_only(  # C11
    customer: Customer, mode: str, body: Body
) -> None:
    with_page = body | {"extensionServiceConfig": WEB["extensionServiceConfig"]}
    refuses(customer, mode, with_page | {"recordingFileConfig": HLS_AND_MP4})


def test_after_a_refusal_nothing_runs(customer: Customer) -> None:
    recorder = customer.recorder()
    bad = changed(MIX, f"{CONFIG}.maxIdleTime", 1)
    customer.start(customer.resource(recorder), "mix", recorder, bad)
    customer.record("mix", MIX, recorder)
