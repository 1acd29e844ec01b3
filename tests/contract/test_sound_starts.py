"""Start bodies that the documents show, and values at their limits, are accepted.

agora-api.md 3 and 12.1. Global rule of section 0: what any source allows is not rejected.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.bodies import (
    HLS_AND_MP4,
    INDIVIDUAL,
    MIX,
    MIX_WITH_MP4,
    POSTPONED,
    POSTPONED_MIX,
    SCREENSHOTS,
    SCREENSHOTS_AND_FILES,
    SOUND_AS_SENT,
    WEB,
    WEB_WITH_PUSH,
    Body,
    changed,
    without,
)
from tests.contract.control import Control
from tests.contract.customer import Customer, granted

CONFIG = "recordingConfig"
CANVAS = "recordingConfig.transcodingConfig"
PAGE = "extensionServiceConfig.extensionServices.0.serviceParam"
SALT = "c2FsdCBvZiB0aGlydHktdHdvIGJ5dGVzIGV4YWN0bHk="  # of 32 bytes
EXAMPLES = Path(__file__).parents[1] / "spec" / "examples"
WITHDRAWN = 2  # the scene of postponed transcoding and mixing

simulated = pytest.mark.simulator_only("the bucket of this body does not exist, or costs more")


def example(number: int) -> Body:
    text = (EXAMPLES / f"E{number:02}.json").read_text(encoding="utf-8")
    body: Body = json.loads(text)["body"]
    return body


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        ("individual", INDIVIDUAL),
        ("individual", SCREENSHOTS),
        ("individual", SCREENSHOTS_AND_FILES),
        ("individual", SOUND_AS_SENT),
        ("mix", MIX),
        ("mix", MIX_WITH_MP4),
        ("web", WEB),
        ("web", WEB_WITH_PUSH),
    ],
)
def test_every_use_can_be_started(customer: Customer, mode: str, body: Body) -> None:
    assert granted(customer.try_to_start(mode, body))


@simulated
@pytest.mark.parametrize("body", [POSTPONED, POSTPONED_MIX])
def test_work_can_be_postponed(customer: Customer, body: Body) -> None:
    assert granted(customer.try_to_start("individual", body, scene=WITHDRAWN))


@simulated
@pytest.mark.parametrize(
    ("number", "mode", "scene"),
    [
        (1, "individual", WITHDRAWN),
        (3, "individual", 0),
        (5, "individual", WITHDRAWN),
        (6, "mix", 0),
        (8, "individual", 0),
        (9, "individual", 0),
        (10, "web", 1),
        (11, "web", 1),
        (12, "individual", 0),
        (14, "individual", WITHDRAWN),
        (16, "individual", 0),
        (30, "mix", 0),
        (31, "individual", 0),
    ],
)
def test_an_example_of_the_documents_is_accepted(
    customer: Customer, number: int, mode: str, scene: int
) -> None:
    body = example(number)["clientRequest"]
    assert granted(customer.try_to_start(mode, body, scene=scene))


@simulated
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{CONFIG}.maxIdleTime", 5),
        (f"{CONFIG}.maxIdleTime", 2_592_000),
        (f"{CONFIG}.channelType", 1),
        (f"{CONFIG}.decryptionMode", 0),
        (f"{CONFIG}.subscribeAudioUids", ["#allstream#"]),
        (f"{CONFIG}.subscribeVideoUids", [str(uid) for uid in range(1, 33)]),
        (f"{CONFIG}.unSubscribeVideoUids", ["1"]),  # K1: both spellings
        (f"{CONFIG}.unsubscribeVideoUids", ["1"]),
        (f"{CANVAS}.bitrate", 6500),
        (f"{CANVAS}.backgroundImage", "http://example.org/a.jpg"),  # K12
        (CANVAS, {"width": 1920, "height": 1080, "fps": 30, "bitrate": 3150}),
        (f"{CANVAS}.layoutConfig", []),
        ("storageConfig.vendor", 0),  # K14
        ("storageConfig.fileNamePrefix", ["a" * 64, "b" * 62]),
        ("storageConfig.region", 27),  # C61: not listed is no error
        ("token", ""),
    ],
)
def test_values_at_their_limits_are_accepted(customer: Customer, path: str, value: Any) -> None:
    assert granted(customer.try_to_start("mix", changed(MIX, path, value)))


@simulated
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("snapshotConfig.captureInterval", 1),  # K2
        ("snapshotConfig.captureInterval", 3600),
        (f"{CONFIG}.subscribeUidGroup", 5),
        (f"{CONFIG}.streamTypes", 1),
        (f"{CONFIG}.streamMode", "standard"),
    ],
)
def test_individual_values_at_their_limits_are_accepted(
    customer: Customer, path: str, value: Any
) -> None:
    assert granted(customer.try_to_start("individual", changed(SCREENSHOTS, path, value)))


@simulated
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{PAGE}.videoWidth", 2880),
        (f"{PAGE}.videoHeight", 240),  # K3
        (f"{PAGE}.maxRecordingHour", 720),
        (f"{PAGE}.maxVideoDuration", 240),
        (f"{PAGE}.videoFps", 5),
        (f"{PAGE}.videoFps", 60),
        (f"{PAGE}.readyTimeout", 0),
        (f"{PAGE}.readyTimeout", 60),
        (f"{PAGE}.mobile", True),
        (f"{PAGE}.onhold", True),
    ],
)
def test_page_values_at_their_limits_are_accepted(
    customer: Customer, path: str, value: Any
) -> None:
    assert granted(customer.try_to_start("web", changed(WEB, path, value)))


@simulated
def test_encryption_with_secret_and_salt_is_accepted(customer: Customer) -> None:
    encryption = {"decryptionMode": 8, "secret": "a-secret", "salt": SALT}
    body = changed(MIX, CONFIG, MIX[CONFIG] | encryption)
    assert granted(customer.try_to_start("mix", body))


@simulated
def test_a_custom_layout_of_17_regions_is_accepted(customer: Customer) -> None:
    region = {"x_axis": 0.1, "y_axis": 0.1, "width": 0.9, "height": 0.9, "alpha": 1}
    layout = {"mixedVideoLayout": 3, "layoutConfig": [region] * 17}
    body = changed(MIX, CANVAS, MIX[CONFIG]["transcodingConfig"] | layout)
    assert granted(customer.try_to_start("mix", body))


@simulated
def test_storage_compatible_with_s3_is_accepted_with_its_endpoint(customer: Customer) -> None:
    assert granted(customer.try_to_start("mix", MIX | {"storageConfig": example(32)}))


@pytest.mark.parametrize(("fps", "effective"), [(1, 1), (24, 24), (60, 60), (29, 15), (5, 15)])
def test_an_unusual_frame_rate_is_replaced_by_15(
    customer: Customer, control: Control, fps: int, effective: int
) -> None:
    task = customer.record("mix", changed(MIX, f"{CANVAS}.fps", fps))
    assert control.config(task)["recordingConfig"]["transcodingConfig"]["fps"] == effective


@simulated
def test_the_kinds_of_file_can_be_left_out(customer: Customer) -> None:  # K18
    assert granted(customer.try_to_start("mix", without(MIX, "recordingFileConfig")))


@simulated
def test_a_private_switch_is_passed_on(customer: Customer) -> None:  # 3.10
    body = changed(MIX, f"{CONFIG}.privateParams", '{"correctEXTINF":true}')
    assert granted(customer.try_to_start("mix", body | {"recordingFileConfig": HLS_AND_MP4}))
