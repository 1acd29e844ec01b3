"""Sound requests of every use, as agora-api.md 3.12 lists them, and ways to spoil them."""

import copy
from typing import Any, TypeAlias

from tests.contract.target import TARGET

Body: TypeAlias = dict[str, Any]

SCENES = {"individual": 0, "mix": 0, "web": 1}
HLS = {"avFileType": ["hls"]}
HLS_AND_MP4 = {"avFileType": ["hls", "mp4"]}
PAGE = "https://example.org/stage"
PUSH_ADDRESS = "rtmp://push.example.org/live/one"
OTHER_PUSH_ADDRESS = "rtmps://push.example.org/live/two"

_ALWAYS: Body = {"storageConfig": dict(TARGET.storage)}
_IN_CHANNEL: Body = _ALWAYS | ({"token": TARGET.token} if TARGET.token else {})

INDIVIDUAL: Body = _IN_CHANNEL | {
    "recordingConfig": {
        "channelType": 0,
        "streamTypes": 2,
        "streamMode": "default",
        "videoStreamType": 0,
        "maxIdleTime": 120,
        "subscribeUidGroup": 0,
    },
    "recordingFileConfig": HLS,
}
SCREENSHOTS: Body = _IN_CHANNEL | {
    "recordingConfig": {
        "channelType": 0,
        "streamTypes": 2,
        "maxIdleTime": 120,
        "subscribeUidGroup": 0,
    },
    "snapshotConfig": {"captureInterval": 10, "fileType": ["jpg"]},
}
SCREENSHOTS_AND_FILES: Body = SCREENSHOTS | {"recordingFileConfig": HLS}
SOUND_AS_SENT: Body = _IN_CHANNEL | {
    "recordingConfig": {
        "channelType": 0,
        "streamTypes": 0,
        "streamMode": "original",
        "maxIdleTime": 120,
        "subscribeUidGroup": 0,
    },
    "recordingFileConfig": HLS,
}
MIX: Body = _IN_CHANNEL | {
    "recordingConfig": {
        "channelType": 0,
        "streamTypes": 2,
        "audioProfile": 1,
        "videoStreamType": 0,
        "maxIdleTime": 120,
        "transcodingConfig": {
            "width": 640,
            "height": 360,
            "fps": 15,
            "bitrate": 500,
            "mixedVideoLayout": 1,
            "backgroundColor": "#FF0000",
        },
    },
    "recordingFileConfig": HLS,
}
MIX_WITH_MP4: Body = MIX | {"recordingFileConfig": HLS_AND_MP4}
WEB: Body = _ALWAYS | {
    "recordingFileConfig": HLS_AND_MP4,
    "extensionServiceConfig": {
        "errorHandlePolicy": "error_abort",
        "extensionServices": [
            {
                "serviceName": "web_recorder_service",
                "errorHandlePolicy": "error_abort",
                "serviceParam": {
                    "url": PAGE,
                    "audioProfile": 0,
                    "videoWidth": 1280,
                    "videoHeight": 720,
                    "maxRecordingHour": 3,
                    "maxVideoDuration": 30,
                },
            }
        ],
    },
}
POSTPONED: Body = INDIVIDUAL | {
    "appsCollection": {"combinationPolicy": "postpone_transcoding"},
    "transcodeOptions": {
        "container": {"format": "mp4"},
        "transConfig": {"transMode": "postponeTranscoding"},
    },
}
POSTPONED_MIX: Body = SOUND_AS_SENT | {
    "appsCollection": {"combinationPolicy": "postpone_transcoding"},
    "transcodeOptions": {
        "container": {"format": "m4a"},
        "transConfig": {"transMode": "audioMix"},
        "audio": {"sampleRate": "48000", "bitrate": "48000", "channels": "2"},
    },
}


def changed(body: Body, path: str, value: Any) -> Body:
    """Return the body with another value at `path`, such as `recordingConfig.maxIdleTime`."""
    result: Body = copy.deepcopy(body)
    *parents, last = path.split(".")
    place: Any = result
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return result


def without(body: Body, path: str) -> Body:
    """Return the body without what is at `path`."""
    result: Body = copy.deepcopy(body)
    *parents, last = path.split(".")
    place: Any = result
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    del place[last]
    return result


def pushing(body: Body) -> Body:
    """Return a web page request that also pushes to a CDN."""
    services = body["extensionServiceConfig"]["extensionServices"]
    push = {
        "serviceName": "rtmp_publish_service",
        "errorHandlePolicy": "error_ignore",
        "serviceParam": {"outputs": [{"rtmpUrl": PUSH_ADDRESS}]},
    }
    return changed(body, "extensionServiceConfig.extensionServices", [*services, push])


WEB_WITH_PUSH = pushing(WEB)
