"""The one table: where this format's fields stand on the wire, and how each may change.

`compile.py` reads it forwards, `decode.py` backwards; the JSON Schema, the reference and the
planner read the rest. Sources: agora-api.md 2.1, 3 (paths, defaults, the Change column) and
design/reconcile.md, "What changes how".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.spec import limits
from reconciler.spec.limits import Limits
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Mode, Path
from reconciler.spec.words import CIPHERS, FITS, GROUPS, LAYOUT_TYPES

INDIVIDUAL = frozenset({Mode.INDIVIDUAL})
MIX = frozenset({Mode.MIX})
WEB = frozenset({Mode.WEB})
CHANNEL = INDIVIDUAL | MIX
ALL = CHANNEL | WEB

EACH = "[]"
"""A step of a path that stands for every item of a list."""

WEB_SERVICE = "web_recorder_service"
RTMP_SERVICE = "rtmp_publish_service"
VOD_SERVICE = "aliyun_vod_service"
SERVICES = ("extensionServiceConfig", "extensionServices")
"""Wire path of the list of services.

Below it this table names a service where the wire has an index.
"""


ALL_STREAMS = "#allstream#"
"""The entry of a subscription list that stands for everybody (agora-api.md 3.4)."""


class Change(StrEnum):
    """How a running session takes a new value (design/reconcile.md, "What changes how")."""

    UPDATE = "update"
    LAYOUT = "update_layout"
    REPLACE = "replace"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Codec:
    """A value's two spellings.

    `decode` raises ValueError or TypeError for what this format cannot say.
    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Where it stands in a Recording's (or Storage's) spec, where on the wire, and how it changes.

    `default` is what the service takes if the wire does not say (None: nothing is documented);
    `limits` is the range of the wire value, in the wire's unit.
    """

    path: str
    wire: Path
    modes: frozenset[Mode]
    codec: Codec
    change: Change = Change.REPLACE
    default: Any = None
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Wire values that are there because a block of the spec is, such as an only file type."""

    path: str
    modes: frozenset[Mode]
    constants: tuple[tuple[Path, Any], ...]


def _same(value: Any) -> Any:
    return value


def _need(kind: type) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise TypeError

    return decode


def _words(table: dict[str, int]) -> Codec:
    names = {number: name for name, number in table.items()}
    return Codec(table.__getitem__, lambda value: names[_need(int)(value)])


def _number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise TypeError


def _unit(seconds: int, suffix: str) -> Codec:
    return Codec(lambda value: value // seconds, lambda value: f"{_need(int)(value)}{suffix}")


def secret_form(value: Any) -> Any:
    """Return what a spec writes for a secret: its reference, or the literal text.

    Raises TypeError for no text.
    """
    if not isinstance(value, Secret):
        return _need(str)(value)
    if value.form == "literal":
        return value.source
    return {value.form: list(value.source) if value.form == "exec" else value.source}


def _expiration(value: Secret) -> Secret | int:
    """Send a time that is written down as the number it is; a reference stays one."""
    return int(str(value.source)) if value.form == "literal" else value


def _expiration_form(value: Any) -> Any:
    return secret_form(value) if isinstance(value, Secret) else _need(int)(value)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise TypeError


TEXT = Codec(_same, _need(str))
NUMBER = Codec(_same, _need(int))
FRACTION = Codec(_same, _number)
FLAG = Codec(_same, _need(bool))
SECRET = Codec(_same, secret_form)
UID = TEXT
LIST = Codec(list, _items)
EXPIRATION = Codec(_expiration, _expiration_form)
SECONDS = _unit(1, "s")
MINUTES = _unit(60, "m")
HOURS = _unit(3600, "h")
PROFILE = _words({"communication": 0, "live": 1})
STREAMS = _words({"audio": 0, "video": 1, "audio-video": 2})
VIDEO_STREAM = _words({"high": 0, "low": 1})
CIPHER = _words(CIPHERS)
GROUP = Codec(_same, {number: name for name, number in GROUPS.items()}.__getitem__)
LAYOUT = _words(LAYOUT_TYPES)
FIT = _words(FITS)

_RECORDING = ("recordingConfig",)
_CANVAS = (*_RECORDING, "transcodingConfig")
_REGION = (*_CANVAS, "layoutConfig", EACH)
_USER = (*_CANVAS, "backgroundConfig", EACH)
_PAGE = (*SERVICES, WEB_SERVICE, "serviceParam")
_VOD = (*SERVICES, VOD_SERVICE, "serviceParam")
_VIDEO_DATA = (*_VOD, "apiData", "videoData")
_OPTIONS = ("transcodeOptions",)
_POSTPONED = (("appsCollection", "combinationPolicy"), "postpone_transcoding")
_TRANS_MODE = (*_OPTIONS, "transConfig", "transMode")

_LAYOUT = Change.LAYOUT
_UPDATE = Change.UPDATE
_LOCAL = Change.LOCAL

STORAGE_FIELDS: tuple[Field, ...] = (
    Field("bucket", ("storageConfig", "bucket"), ALL, TEXT),
    Field("accessKey", ("storageConfig", "accessKey"), ALL, SECRET, _UPDATE),
    Field("secretKey", ("storageConfig", "secretKey"), ALL, SECRET, _UPDATE),
    Field("stsToken", ("storageConfig", "stsToken"), ALL, SECRET, _UPDATE),
    Field("stsExpiration", ("storageConfig", "stsExpiration"), ALL, EXPIRATION, _UPDATE),
    Field("prefix", ("storageConfig", "fileNamePrefix"), ALL, LIST),
    Field("sse", ("storageConfig", "extensionParams", "sse"), ALL, TEXT),
    Field("tag", ("storageConfig", "extensionParams", "tag"), ALL, TEXT),
    Field("endpoint", ("storageConfig", "extensionParams", "endpoint"), ALL, TEXT),
)
"""The fields of a Storage that stand on the wire as they are.

Vendor and region read each other (`storage.py`).
"""

FIELDS: tuple[Field, ...] = (
    Field("region", ("acquire", "region"), ALL, TEXT),
    Field(
        "resourceExpiry",
        ("acquire", "resourceExpiredHour"),
        ALL,
        HOURS,
        default=limits.RESOURCE_EXPIRY_DEFAULT_H,
        limits=limits.RESOURCE_EXPIRY_H,
    ),
    Field("token", ("token",), CHANNEL, SECRET, _LOCAL),
    Field("channelProfile", (*_RECORDING, "channelType"), CHANNEL, PROFILE, default=0),
    Field("streams", (*_RECORDING, "streamTypes"), CHANNEL, STREAMS, default=2),
    Field("videoStream", (*_RECORDING, "videoStreamType"), CHANNEL, VIDEO_STREAM, default=0),
    Field(
        "maxIdle",
        (*_RECORDING, "maxIdleTime"),
        CHANNEL,
        SECONDS,
        default=30,
        limits=limits.MAX_IDLE_S,
    ),
    Field("encryption.mode", (*_RECORDING, "decryptionMode"), CHANNEL, CIPHER, default=0),
    Field("encryption.key", (*_RECORDING, "secret"), CHANNEL, SECRET),
    Field("encryption.salt", (*_RECORDING, "salt"), CHANNEL, SECRET),
    Field("subscriptions.group", (*_RECORDING, "subscribeUidGroup"), INDIVIDUAL, GROUP),
    Field("streamMode", (*_RECORDING, "streamMode"), INDIVIDUAL, TEXT, default="default"),
    Field(
        "snapshots.interval",
        ("snapshotConfig", "captureInterval"),
        INDIVIDUAL,
        SECONDS,
        default=10,
        limits=limits.SNAPSHOT_INTERVAL_S,
    ),
    Field(
        "postProcessing.transcode.format",
        (*_OPTIONS, "container", "format"),
        INDIVIDUAL,
        TEXT,
        default="mp4",
    ),
    Field(
        "postProcessing.mixAudio.format",
        (*_OPTIONS, "container", "format"),
        INDIVIDUAL,
        TEXT,
        default="mp3",
    ),
    Field(
        "postProcessing.mixAudio.sampleRate",
        (*_OPTIONS, "audio", "sampleRate"),
        INDIVIDUAL,
        TEXT,
        default="48000",
    ),
    Field(
        "postProcessing.mixAudio.bitrate",
        (*_OPTIONS, "audio", "bitrate"),
        INDIVIDUAL,
        TEXT,
        default="48000",
    ),
    Field(
        "postProcessing.mixAudio.channels",
        (*_OPTIONS, "audio", "channels"),
        INDIVIDUAL,
        TEXT,
        default="2",
    ),
    Field(
        "audioProfile", (*_RECORDING, "audioProfile"), MIX, NUMBER, default=0, limits=Limits(0, 2)
    ),
    Field("video.width", (*_CANVAS, "width"), MIX, NUMBER, default=360),
    Field("video.height", (*_CANVAS, "height"), MIX, NUMBER, default=640),
    Field("video.fps", (*_CANVAS, "fps"), MIX, NUMBER, default=15),
    Field(
        "video.bitrate",
        (*_CANVAS, "bitrate"),
        MIX,
        NUMBER,
        default=500,
        limits=limits.VIDEO_BITRATE_KBPS,
    ),
    Field("layout.type", (*_CANVAS, "mixedVideoLayout"), MIX, LAYOUT, _LAYOUT, default=0),
    Field("layout.focusUid", (*_CANVAS, "maxResolutionUid"), MIX, UID, _LAYOUT),
    Field(
        "layout.background.color",
        (*_CANVAS, "backgroundColor"),
        MIX,
        TEXT,
        _LAYOUT,
        default="#000000",
    ),
    Field("layout.background.image", (*_CANVAS, "backgroundImage"), MIX, TEXT, _LAYOUT),
    Field(
        "layout.background.userImage", (*_CANVAS, "defaultUserBackgroundImage"), MIX, TEXT, _LAYOUT
    ),
    Field("layout.background.users[].uid", (*_USER, "uid"), MIX, UID, _LAYOUT),
    Field("layout.background.users[].image", (*_USER, "image_url"), MIX, TEXT, _LAYOUT),
    Field("layout.background.users[].fit", (*_USER, "render_mode"), MIX, FIT, _LAYOUT, default=0),
    Field("layout.regions[].uid", (*_REGION, "uid"), MIX, UID, _LAYOUT),
    Field("layout.regions[].x", (*_REGION, "x_axis"), MIX, FRACTION, _LAYOUT),
    Field("layout.regions[].y", (*_REGION, "y_axis"), MIX, FRACTION, _LAYOUT),
    Field("layout.regions[].width", (*_REGION, "width"), MIX, FRACTION, _LAYOUT),
    Field("layout.regions[].height", (*_REGION, "height"), MIX, FRACTION, _LAYOUT),
    Field("layout.regions[].alpha", (*_REGION, "alpha"), MIX, FRACTION, _LAYOUT, default=1),
    Field("layout.regions[].fit", (*_REGION, "render_mode"), MIX, FIT, _LAYOUT, default=0),
    Field("vod.accessKey", (*_VOD, "accessKey"), MIX, SECRET),
    Field("vod.secretKey", (*_VOD, "secretKey"), MIX, SECRET),
    Field("vod.region", (*_VOD, "regionId"), MIX, TEXT),
    Field("vod.title", (*_VIDEO_DATA, "title"), MIX, TEXT),
    Field("vod.description", (*_VIDEO_DATA, "description"), MIX, TEXT),
    Field("vod.coverUrl", (*_VIDEO_DATA, "coverUrl"), MIX, TEXT),
    Field("vod.categoryId", (*_VIDEO_DATA, "cateId"), MIX, TEXT),
    Field("vod.tags", (*_VIDEO_DATA, "tags"), MIX, TEXT),
    Field("vod.templateGroupId", (*_VIDEO_DATA, "templateGroupId"), MIX, TEXT),
    Field("vod.userData", (*_VIDEO_DATA, "userData"), MIX, TEXT),
    Field("vod.storageLocation", (*_VIDEO_DATA, "storageLocation"), MIX, TEXT),
    Field("vod.workflowId", (*_VIDEO_DATA, "workflowId"), MIX, TEXT),
    Field("web.url", (*_PAGE, "url"), WEB, SECRET),
    Field("web.width", (*_PAGE, "videoWidth"), WEB, NUMBER),
    Field("web.height", (*_PAGE, "videoHeight"), WEB, NUMBER),
    Field("web.fps", (*_PAGE, "videoFps"), WEB, NUMBER, default=15, limits=limits.WEB_FPS),
    Field("web.bitrate", (*_PAGE, "videoBitrate"), WEB, NUMBER),
    Field("web.audioProfile", (*_PAGE, "audioProfile"), WEB, NUMBER, limits=Limits(0, 2)),
    Field("web.mobile", (*_PAGE, "mobile"), WEB, FLAG, default=False),
    Field(
        "web.maxDuration",
        (*_PAGE, "maxRecordingHour"),
        WEB,
        HOURS,
        limits=limits.WEB_MAX_DURATION_H,
    ),
    Field(
        "web.fileDuration",
        (*_PAGE, "maxVideoDuration"),
        WEB,
        MINUTES,
        default=120,
        limits=limits.WEB_FILE_DURATION_MIN,
    ),
    Field(
        "web.readyTimeout",
        (*_PAGE, "readyTimeout"),
        WEB,
        SECONDS,
        default=0,
        limits=limits.WEB_READY_TIMEOUT_S,
    ),
    Field("web.paused", (*_PAGE, "onhold"), WEB, FLAG, _UPDATE, default=False),
    Field(
        "web.rtmp",
        (*SERVICES, RTMP_SERVICE, "serviceParam", "outputs", 0, "rtmpUrl"),
        WEB,
        SECRET,
        _UPDATE,
    ),
    Field("files", ("recordingFileConfig", "avFileType"), ALL, LIST),
)

SUBSCRIPTION_WIRE = {
    "subscriptions.audio": (
        (*_RECORDING, "subscribeAudioUids"),
        (*_RECORDING, "unSubscribeAudioUids"),
    ),
    "subscriptions.video": (
        (*_RECORDING, "subscribeVideoUids"),
        (*_RECORDING, "unSubscribeVideoUids"),
    ),
}
"""Allow list and deny list of each medium. K1: deny lists are sent as `unSubscribe…`."""

LOWER_CASE_DENY = {
    "unsubscribeAudioUids": "unSubscribeAudioUids",
    "unsubscribeVideoUids": "unSubscribeVideoUids",
}
"""K1: the other spelling of the deny lists, read by `convert`."""

BLOCKS: tuple[Block, ...] = (
    Block("snapshots", INDIVIDUAL, ((("snapshotConfig", "fileType"), ["jpg"]),)),
    Block(
        "postProcessing.transcode", INDIVIDUAL, (_POSTPONED, (_TRANS_MODE, "postponeTranscoding"))
    ),
    Block("postProcessing.mixAudio", INDIVIDUAL, (_POSTPONED, (_TRANS_MODE, "audioMix"))),
)

LOCAL_PATHS = frozenset(
    {"labels", "annotations", "schedule", "policy", "suspend", "replicas", "uid", "backupUids"}
)
"""Fields without a place in a body: they decide when, how and as whom a session runs."""


def of_mode(mode: Mode) -> Iterator[Field]:
    """Return the rows of one mode, in the order of the table."""
    return (row for row in FIELDS if mode in row.modes)
