"""The shapes of the five bodies, written from the tables of the REST reference. Pure.

What one value must be stands here; what several values must be together stands in `rules`.
Sources: agora-api.md sections 2.1, 3.1 to 3.9, 4.1, 4.2, 4.4. An input that any source allows is
accepted. Unknown keys are refused unless the tuning says otherwise, but pass under
recordingConfig and storageConfig (and their extensionParams), where private switches live (3.10).
"""

from collections.abc import Mapping

from reconciler.simulator.shape import (
    Check,
    UnknownKeys,
    anything,
    array,
    block,
    choice,
    flag,
    number,
    refuse,
    text,
    whole,
)
from reconciler.simulator.tree import Json

UID_MAX = 4_294_967_295
UINT64_MAX = 18_446_744_073_709_551_615
LIST_MAX = 32
REGIONS_MAX = 17
ALL = "#allstream#"
WEB = "web_recorder_service"
RTMP = "rtmp_publish_service"
VOD = "aliyun_vod_service"

_DIGITS = text("[1-9][0-9]{0,9}", f"must be a whole number from 1 to {UID_MAX}, as text")
_FILLED = text("(?s:.+)", "must be a text that is not empty")
_TEXT = text()
_OBJECT = block({}, passes_unknown=True)


def uid(value: Json, path: str, unknown: UnknownKeys) -> None:
    """Accept a user ID: a number of 32 bits, as text."""
    _DIGITS(value, path, unknown)
    if int(str(value)) > UID_MAX:
        refuse(path, f"must be a whole number from 1 to {UID_MAX}, as text")


def _uid_or_all(value: Json, path: str, unknown: UnknownKeys) -> None:
    if value != ALL:
        uid(value, path, unknown)


def _uid_or_empty(value: Json, path: str, unknown: UnknownKeys) -> None:
    if value != "":  # an official client sends it for "whoever comes next" (1.2)
        uid(value, path, unknown)


def _uids(least: int) -> Check:
    entries = array(_uid_or_all, least=least, most=LIST_MAX)

    def check(value: Json, path: str, unknown: UnknownKeys) -> None:
        entries(value, path, unknown)
        if isinstance(value, list) and ALL in value and len(value) > 1:
            refuse(path, f"must hold nothing beside `{ALL}`")

    return check


def _lists(least: int, *media: str) -> dict[str, Check]:
    """Return the allow list and both spellings of the deny list of these media (K1)."""
    keys = [f"{word}{medium}Uids" for medium in media for word in ("subscribe", *DENY_WORDS)]
    return {key: _uids(least) for key in keys}


DENY_WORDS = ("unSubscribe", "unsubscribe")
_URL = text(r"https?://\S+", "must be an http or https address")
_SHARE = number(0, 1)

_REGION = block(
    {
        "uid": _uid_or_empty,
        "x_axis": _SHARE,
        "y_axis": _SHARE,
        "width": _SHARE,
        "height": _SHARE,
        "alpha": _SHARE,
        "render_mode": whole(0, 1),
    },
    needs=("x_axis", "y_axis", "width", "height"),
)
_BACKGROUND = block(
    {"uid": uid, "image_url": _URL, "render_mode": whole(0, 1)}, needs=("uid", "image_url")
)
_LAYOUT: Mapping[str, Check] = {
    "mixedVideoLayout": whole(0, 3),
    "maxResolutionUid": uid,
    "backgroundColor": text("#[0-9A-Fa-f]{6}", "must be `#` and six hexadecimal digits"),
    "backgroundImage": _URL,
    "defaultUserBackgroundImage": _URL,
    "layoutConfig": array(_REGION, most=REGIONS_MAX),
    "backgroundConfig": array(_BACKGROUND, most=REGIONS_MAX),
}
_TRANSCODING = block(
    {
        "width": whole(1),
        "height": whole(1),
        "fps": whole(1),
        "bitrate": whole(1, 6500),
        **_LAYOUT,
    }
)
_RECORDING = block(
    {
        "channelType": whole(0, 1),
        "streamTypes": whole(0, 2),
        "streamMode": choice("default", "standard", "original"),
        "decryptionMode": whole(0, 8),
        "secret": _TEXT,
        "salt": _TEXT,
        "audioProfile": whole(0, 2),
        "videoStreamType": whole(0, 1),
        "maxIdleTime": whole(5, 2_592_000),
        "transcodingConfig": _TRANSCODING,
        "subscribeUidGroup": whole(0, 5),
        "privateParams": _TEXT,
        "extensionParams": _OBJECT,
        **_lists(0, "Audio", "Video"),
    },
    passes_unknown=True,
)
_STORAGE = block(
    {
        "vendor": choice(0, 1, 2, 3, 4, 5, 6, 7, 8, 11),
        "region": whole(0),
        "bucket": _FILLED,
        "accessKey": _FILLED,
        "secretKey": _FILLED,
        "stsToken": _TEXT,
        "stsExpiration": whole(0, UINT64_MAX),
        "fileNamePrefix": array(text("[A-Za-z0-9]+", "must have letters and digits only")),
        "extensionParams": block(
            {
                # An official client sends both, empty if unset (1.2).
                "sse": choice("", "kms", "aes256"),
                "tag": _TEXT,
                "endpoint": _FILLED,
            },
            passes_unknown=True,
        ),
    },
    needs=("vendor", "region", "bucket", "accessKey", "secretKey"),
    passes_unknown=True,
)


def _file_types(value: Json, path: str, unknown: UnknownKeys) -> None:
    array(choice("hls", "mp4"), least=1, most=2)(value, path, unknown)
    if isinstance(value, list) and "hls" not in value:
        refuse(path, "must hold `hls`")


def _jpg_alone(value: Json, path: str, _: UnknownKeys) -> None:
    if value != ["jpg"]:
        refuse(path, 'must be ["jpg"]')


_OUTPUTS = array(
    block(
        {"rtmpUrl": text(r"rtmps?://\S+", "must be an rtmp or rtmps address")}, needs=("rtmpUrl",)
    ),
    least=1,
    most=1,
)
_PARAMETERS: Mapping[str, Check] = {
    WEB: block(
        {
            "url": _FILLED,  # whether a page can be opened shows later
            "audioProfile": whole(0, 2),
            "videoWidth": whole(1),
            "videoHeight": whole(1),
            "maxRecordingHour": whole(1, 720),
            "videoBitrate": whole(1),
            "VideoBitrate": whole(1),  # two official clients spell it so (K33)
            "videoFps": whole(5, 60),
            "mobile": flag,
            "maxVideoDuration": whole(30, 240),
            "onhold": flag,
            "readyTimeout": whole(0, 60),
        },
        needs=("url", "audioProfile", "videoWidth", "videoHeight", "maxRecordingHour"),
    ),
    RTMP: block({"outputs": _OUTPUTS}, needs=("outputs",)),
    VOD: block(
        {
            "accessKey": _FILLED,
            "secretKey": _FILLED,
            "regionId": _FILLED,
            "apiData": block(
                {
                    "videoData": block(
                        {
                            "title": _FILLED,
                            **dict.fromkeys(
                                (
                                    "description",
                                    "coverUrl",
                                    "cateId",
                                    "tags",
                                    "templateGroupId",
                                    "userData",
                                    "storageLocation",
                                    "workflowId",
                                ),
                                _TEXT,
                            ),
                        },
                        needs=("title",),
                    )
                },
                needs=("videoData",),
            ),
        },
        needs=("accessKey", "secretKey", "regionId", "apiData"),
    ),
}
_POLICIES = {WEB: "error_abort", VOD: "error_abort", RTMP: "error_ignore"}
_SERVICE = block(
    {
        "serviceName": choice(*_PARAMETERS),
        "errorHandlePolicy": _TEXT,
        "serviceParam": _OBJECT,
    },
    needs=("serviceName", "serviceParam"),
)


def _service(value: Json, path: str, unknown: UnknownKeys) -> None:
    _SERVICE(value, path, unknown)
    if isinstance(value, dict):
        name = str(value["serviceName"])
        policy = _POLICIES[name]
        if value.get("errorHandlePolicy", policy) != policy:
            refuse(f"{path}.errorHandlePolicy", f"must be `{policy}` for `{name}`")
        _PARAMETERS[name](value["serviceParam"], f"{path}.serviceParam", unknown)


_EXTENSIONS = block(
    {
        "errorHandlePolicy": choice("error_abort"),
        "apiVersion": choice("v1"),
        "extensionServices": array(_service, least=1),
    },
    needs=("extensionServices",),
)
_TRANSCODE = block(
    {
        "transConfig": block(
            {"transMode": choice("postponeTranscoding", "audioMix")}, needs=("transMode",)
        ),
        "container": block({"format": choice("mp4", "mp3", "m4a", "aac")}),
        "audio": block(dict.fromkeys(("sampleRate", "bitrate", "channels"), _TEXT)),
    },
    needs=("transConfig",),
)
_START = block(
    {
        "token": _TEXT,
        "storageConfig": _STORAGE,
        "recordingConfig": _RECORDING,
        "recordingFileConfig": block({"avFileType": _file_types}),
        "snapshotConfig": block(
            {"captureInterval": whole(1, 3600), "fileType": _jpg_alone}, needs=("fileType",)
        ),
        "extensionServiceConfig": _EXTENSIONS,
        "appsCollection": block({"combinationPolicy": choice("default", "postpone_transcoding")}),
        "transcodeOptions": _TRANSCODE,
    }
)


def _frame(request: Check, *needs: str) -> Check:
    """Return the shape of a whole body (1.5)."""
    fields = {"cname": _FILLED, "uid": uid, "clientRequest": request}
    return block(fields, needs=("cname", "uid", *needs))


ACQUIRE = _frame(
    block(
        {
            "scene": whole(0, 2),
            "resourceExpiredHour": whole(1, 720),
            "startParameter": _OBJECT,  # its content is start's matter (2.1)
            "excludeResourceIds": array(_TEXT),
            "region": choice("CN", "AP", "EU", "NA"),
            "regionAffinity": whole(0, 4),
        }
    )
)
START = _frame(_START, "clientRequest")
UPDATE = _frame(
    block(
        {
            "streamSubscribe": block(
                {
                    "audioUidList": block(_lists(1, "Audio")),
                    "videoUidList": block(_lists(1, "Video")),
                }
            ),
            "webRecordingConfig": block({"onhold": flag}),
            "rtmpPublishConfig": block({"outputs": _OUTPUTS}, needs=("outputs",)),
            "storageConfig": _STORAGE,
        }
    ),
    "clientRequest",
)
UPDATE_LAYOUT = _frame(block(_LAYOUT), "clientRequest")
STOP = _frame(
    # Leftovers of acquire are in the documents' own examples (K48).
    block({"async_stop": flag, "resourceExpiredHour": anything, "scene": anything}),
    "clientRequest",
)
