"""The shape of a start's body: which keys there are, and what kind of value each wants.

`known.py` judges by it. Source: the tables of agora-api.md 2.1 and 3.1 to 3.10.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from reconciler.spec.rules.read import is_uid, literal
from reconciler.spec.secrets import Secret
from reconciler.spec.vendors import AREAS
from reconciler.spec.wire import Json

NO_TYPES: frozenset[type] = frozenset()
"""The `types` of a node are those whose values fit as they are; others have to be looked into."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of one of these types."""

    wanted: str
    types: frozenset[type]

    def fits(self, value: Json) -> bool:
        """Tell whether a value is as wanted; Python's booleans are numbers, JSON's are not."""
        if isinstance(value, bool):
            return bool in self.types
        return isinstance(value, tuple(self.types))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these words or numbers."""

    values: tuple[str, ...] | tuple[int, ...]
    types: ClassVar[frozenset[type]] = NO_TYPES

    @property
    def wanted(self) -> str:
        """Name the values."""
        names = ", ".join(f"`{value}`" for value in self.values)
        return f"one of {names}" if len(self.values) > 1 else names

    def fits(self, value: Json) -> bool:
        """Tell whether a value is among them, or may be once it is resolved."""
        if isinstance(value, Secret):
            value = str(self.values[0]) if literal(value) is None else literal(value)
        alike = isinstance(value, type(self.values[0])) and not isinstance(value, bool)
        return alike and value in self.values


@dataclass(frozen=True, slots=True)
class Uid:
    """The uid of a channel user; clients send empty text for nobody (agora-api.md 1.2)."""

    wanted: str = "the uid of a user as text, 1 to 4294967295"
    types: ClassVar[frozenset[type]] = NO_TYPES

    def fits(self, value: Json) -> bool:
        """Tell whether a value is a uid, or may be once it is resolved."""
        text = literal(value)
        return isinstance(value, Secret) if text is None else not text or is_uid(text)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of such items."""

    item: "Node"
    wanted: str = "a list"
    types: ClassVar[frozenset[type]] = NO_TYPES

    def fits(self, value: Json) -> bool:
        """Tell whether a value is a list whose items all fit."""
        if not isinstance(value, list):
            return False
        for item in value:
            if type(item) not in self.item.types and not self.item.fits(item):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Object:
    """An object with these keys; an open one may have others (agora-api.md 3.10)."""

    fields: Mapping[str, "Node"]
    open: bool = False
    wanted: str = "an object"
    nested: Mapping[str, "Node"] = field(init=False)
    """The fields below which there are keys again."""
    types: ClassVar[frozenset[type]] = NO_TYPES

    def __post_init__(self) -> None:
        nested = {
            key: node
            for key, node in self.fields.items()
            if isinstance(node.item if isinstance(node, ListOf) else node, Object)
        }
        object.__setattr__(self, "nested", nested)

    def fits(self, value: Json) -> bool:
        """Tell whether a value is an object whose known keys all fit."""
        if not isinstance(value, dict):
            return False
        fields = self.fields
        for key, item in value.items():
            known = fields.get(key)
            if known is not None and type(item) not in known.types and not known.fits(item):
                return False
        return True


Node: TypeAlias = Leaf | Choice | Uid | ListOf | Object

TEXT = Leaf("text", frozenset({str, Secret}))
NUMBER = Leaf("a number", frozenset({int, float}))
TIME = Leaf("a time in Unix seconds", frozenset({int, float, Secret}))
TEXT_OR_NUMBER = Leaf("text or a number", frozenset({str, int, float, Secret}))
BOOLEAN = Leaf("`true` or `false`", frozenset({bool}))
# A rule of its own judges such a value, kind and all; here it only has to be there.
RANGED = Leaf("a value", frozenset({str, int, float, bool, list, dict, Secret}))
TEXTS = ListOf(TEXT)
CROP_OR_CONTAIN = Choice((0, 1))

_LAYOUT_REGION = Object(
    {
        "uid": Uid(),
        "x_axis": RANGED,
        "y_axis": RANGED,
        "width": RANGED,
        "height": RANGED,
        "alpha": RANGED,
        "render_mode": CROP_OR_CONTAIN,
    }
)

_BACKGROUND = Object({"uid": Uid(), "image_url": TEXT, "render_mode": CROP_OR_CONTAIN})

_TRANSCODING = Object(
    {
        "width": RANGED,
        "height": RANGED,
        "fps": NUMBER,
        "bitrate": RANGED,
        "mixedVideoLayout": RANGED,
        "maxResolutionUid": Uid(),
        "backgroundColor": RANGED,
        "backgroundImage": TEXT,
        "defaultUserBackgroundImage": TEXT,
        "layoutConfig": ListOf(_LAYOUT_REGION),
        "backgroundConfig": ListOf(_BACKGROUND),
    }
)

_RECORDING = Object(
    {
        "channelType": Choice((0, 1)),
        "streamTypes": Choice((0, 1, 2)),
        "streamMode": Choice(("default", "standard", "original")),
        "decryptionMode": RANGED,
        "secret": TEXT,
        "salt": TEXT,
        "audioProfile": Choice((0, 1, 2)),
        "videoStreamType": Choice((0, 1)),
        "maxIdleTime": RANGED,
        "transcodingConfig": _TRANSCODING,
        "subscribeAudioUids": TEXTS,
        "unSubscribeAudioUids": TEXTS,
        "unsubscribeAudioUids": TEXTS,
        "subscribeVideoUids": TEXTS,
        "unSubscribeVideoUids": TEXTS,
        "unsubscribeVideoUids": TEXTS,
        "subscribeUidGroup": Choice((0, 1, 2, 3, 4, 5)),
        "privateParams": TEXT,
        "extensionParams": Object({"enableNTPtimestamp": BOOLEAN}, open=True),
    },
    open=True,
)

_STORAGE = Object(
    {
        "vendor": RANGED,
        "region": RANGED,
        "bucket": TEXT,
        "accessKey": TEXT,
        "secretKey": TEXT,
        "stsToken": TEXT,
        "stsExpiration": TIME,
        "fileNamePrefix": TEXTS,
        "extensionParams": Object({"sse": TEXT, "tag": TEXT, "endpoint": TEXT}, open=True),
    },
    open=True,
)

_VOD_DATA = Object(
    {
        "title": TEXT,
        "description": TEXT,
        "coverUrl": TEXT,
        "cateId": TEXT_OR_NUMBER,
        "tags": TEXT,
        "templateGroupId": TEXT,
        "userData": TEXT,
        "storageLocation": TEXT,
        "workflowId": TEXT,
    }
)

# The parameters of all three services; which of them each wants is for the rules on that service.
_SERVICE_PARAM = Object(
    {
        "url": TEXT,
        "audioProfile": Choice((0, 1, 2)),
        "videoWidth": RANGED,
        "videoHeight": RANGED,
        "maxRecordingHour": RANGED,
        "videoBitrate": NUMBER,
        "VideoBitrate": NUMBER,  # K33
        "videoFps": RANGED,
        "mobile": BOOLEAN,
        "maxVideoDuration": RANGED,
        "onhold": BOOLEAN,
        "readyTimeout": RANGED,
        "outputs": ListOf(Object({"rtmpUrl": TEXT})),
        "accessKey": TEXT,
        "secretKey": TEXT,
        "regionId": TEXT,
        "apiData": Object({"videoData": _VOD_DATA}),
    }
)

_SERVICE = Object(
    {
        "serviceName": Choice(
            ("web_recorder_service", "rtmp_publish_service", "aliyun_vod_service")
        ),
        "errorHandlePolicy": RANGED,
        "serviceParam": _SERVICE_PARAM,
    }
)

_TRANSCODE = Object(
    {
        "transConfig": Object({"transMode": RANGED}),
        "container": Object({"format": RANGED}),
        "audio": Object(
            {"sampleRate": TEXT_OR_NUMBER, "bitrate": TEXT_OR_NUMBER, "channels": TEXT_OR_NUMBER}
        ),
    }
)

REQUEST = Object(
    {
        "token": TEXT,
        "storageConfig": _STORAGE,
        "recordingConfig": _RECORDING,
        "recordingFileConfig": Object({"avFileType": TEXTS}),
        "snapshotConfig": Object({"captureInterval": RANGED, "fileType": TEXTS}),
        "extensionServiceConfig": Object(
            {
                "errorHandlePolicy": RANGED,
                "apiVersion": Choice(("v1",)),
                "extensionServices": ListOf(_SERVICE),
            }
        ),
        "appsCollection": Object(
            {"combinationPolicy": Choice(("default", "postpone_transcoding"))}
        ),
        "transcodeOptions": _TRANSCODE,
    }
)

ACQUIRE = Object(
    {
        "scene": Choice((0, 1, 2)),
        "resourceExpiredHour": RANGED,
        "excludeResourceIds": TEXTS,
        "region": Choice(AREAS),
        "regionAffinity": Choice((0, 1, 2, 3, 4)),
    }
)
