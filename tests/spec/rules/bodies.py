"""Sound bodies of each mode, and how the tables of cases change them."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from reconciler.spec.rules.rule import Body
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Json, Mode, Path

NOW_S = 1_800_000_000.0
UID = "3000000001"

STORAGE: dict[str, Json] = {
    "vendor": 1,
    "region": 12,  # in none of the areas that acquire may ask for
    "bucket": "recordings",
    "accessKey": Secret("env", "ACCESS_KEY"),
    "secretKey": Secret("env", "SECRET_KEY"),
    "fileNamePrefix": ["rooms", "2026"],
}

INDIVIDUAL: dict[str, Json] = {
    "token": Secret("env", "TOKEN"),
    "recordingConfig": {
        "channelType": 1,
        "streamTypes": 2,
        "streamMode": "standard",
        "maxIdleTime": 300,
        "subscribeUidGroup": 5,
    },
    "recordingFileConfig": {"avFileType": ["hls"]},
    "storageConfig": STORAGE,
}

MIX: dict[str, Json] = {
    "token": Secret("env", "TOKEN"),
    "recordingConfig": {
        "channelType": 0,
        "maxIdleTime": 300,
        "audioProfile": 1,
        "transcodingConfig": {
            "width": 1280,
            "height": 720,
            "fps": 30,
            "bitrate": 2000,
            "mixedVideoLayout": 3,
            "backgroundColor": "#1a2B3c",
            "layoutConfig": [
                {"uid": "101", "x_axis": 0, "y_axis": 0, "width": 0.5, "height": 1},
                {"x_axis": 0.5, "y_axis": 0.0, "width": 0.5, "height": 1.0, "alpha": 0.5},
            ],
            "backgroundConfig": [{"uid": "101", "image_url": "https://example.com/a.jpg"}],
        },
    },
    "recordingFileConfig": {"avFileType": ["hls", "mp4"]},
    "storageConfig": STORAGE,
}

WEB: dict[str, Json] = {
    "extensionServiceConfig": {
        "errorHandlePolicy": "error_abort",
        "extensionServices": [
            {
                "serviceName": "web_recorder_service",
                "errorHandlePolicy": "error_abort",
                "serviceParam": {
                    "url": "https://example.com/page",
                    "audioProfile": 0,
                    "videoWidth": 1280,
                    "videoHeight": 720,
                    "maxRecordingHour": 3,
                },
            },
            {
                "serviceName": "rtmp_publish_service",
                "errorHandlePolicy": "error_ignore",
                "serviceParam": {"outputs": [{"rtmpUrl": Secret("env", "RTMP_URL")}]},
            },
        ],
    },
    "recordingFileConfig": {"avFileType": ["hls"]},
    "storageConfig": STORAGE,
}

REQUESTS = {Mode.INDIVIDUAL: INDIVIDUAL, Mode.MIX: MIX, Mode.WEB: WEB}
SCENES = {Mode.INDIVIDUAL: 0, Mode.MIX: 0, Mode.WEB: 1}

SPECIAL: dict[str, Json] = {
    "<null>": None,
    "<env>": Secret("env", "SOME_VARIABLE"),
    "<literal>": Secret("literal", "a literal secret"),
}


def body(
    mode: Mode,
    *,
    start: Json = None,
    acquire: Json = None,
    cname: str = "daily-standup",
    uids: Sequence[str] = (UID,),
) -> Body:
    """Make the sound body of a mode with changes.

    Objects are merged, in a list by index; null removes; SPECIAL stands for what YAML cannot say.
    """
    request = _changed(REQUESTS[mode], start)
    acquired = _changed({"scene": SCENES[mode], "resourceExpiredHour": 72}, acquire)
    assert isinstance(request, dict)
    assert isinstance(acquired, dict)
    return Body(mode, cname, tuple(uids), acquired, request, NOW_S)


def with_value(of: Body, path: Path, value: Json) -> Body:
    """Put another value at one place of a body's request."""
    request: Any = deepcopy(dict(of.request))
    place = request
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[path[-1]] = value
    return replace(of, request=request)


def _changed(value: Json, change: Json) -> Json:
    value = deepcopy(value)
    if change is None:
        return value
    if not isinstance(change, dict):
        return _special(change)
    if isinstance(value, list):
        return _changed_list(value, change)
    whole = value if isinstance(value, dict) else {}
    for key, item in change.items():
        if item is None:
            whole.pop(key, None)
        else:
            whole[key] = _changed(whole.get(key), item)
    return whole


def _changed_list(items: list[Json], change: dict[str, Json]) -> list[Json]:
    changed = {int(index): item for index, item in change.items()}
    return [_changed(item, changed.get(index)) for index, item in enumerate(items)]


def _special(value: Json) -> Json:
    if isinstance(value, list):
        return [
            _changed(None, item) if isinstance(item, dict) else _special(item) for item in value
        ]
    return SPECIAL.get(value, value) if isinstance(value, str) else value
