"""What the service's notifications tell (agora-api.md 8.4 to 8.6), as frozen values. Pure.

One class for each shape of `details`; `parse_events.py` finds it by the event's type. A field is
None where the event does not say; keys that are not documented are passed over, and an event of an
unknown type is kept as it is. States and codes stay as they came, since new ones may appear.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from reconciler.agora.answers import File
from reconciler.plan.signs import NOBODY_LEFT
from reconciler.spec.secrets import SecretValue

FATAL = 5
"""The `level` of an error after which the session is dead or dying (8.4: query at once)."""


@dataclass(frozen=True, slots=True)
class ServiceError:
    """Type 1: something failed; `level` goes from 1 to 5.

    `plan.signs.EVENT_ERRORS` knows what `module` and `code` mean.
    """

    module: int | None
    level: int | None
    code: int | None
    message: str | None


@dataclass(frozen=True, slots=True)
class ServiceWarning:
    """Type 2; `error_table.EVENT_WARNINGS` knows what `module` and `code` mean."""

    module: int | None
    code: int | None


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """Type 3: a call did not fit the session's state; `status` has its own meaning here (8.6)."""

    status: int | None
    mode: int | None
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class FirstFile:
    """Type 4: the first index is written."""

    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class SessionExit:
    """Type 11: the session ended; `status` 0 is normal, 1 is not."""

    status: int | None


@dataclass(frozen=True, slots=True)
class SessionFailover:
    """Type 12: another server goes on with the session, in the channel under a new random uid."""

    new_uid: str | None


@dataclass(frozen=True, slots=True)
class StandbyReady:
    """Type 13, which only a guide names: the session is covered by failover."""


@dataclass(frozen=True, slots=True)
class UploaderStarted:
    """Type 30; `status` 0 is normal."""

    status: int | None


@dataclass(frozen=True, slots=True)
class FilesDelivered:
    """Types 31 and 32: all files are uploaded; `in_backup` some of them to the service's backup."""

    in_backup: bool
    status: int | None
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """Type 33: parts of 10,000; complete only after the session's exit."""

    progress: int | None


@dataclass(frozen=True, slots=True)
class RecorderStarted:
    """Type 40: an individual or mix session records; `status` 0 is normal."""

    status: int | None


@dataclass(frozen=True, slots=True)
class RecorderLeft:
    """Type 41: the recorder left the channel; `code` is made of the bits of 8.6."""

    code: int | None

    @property
    def found_nobody(self) -> bool:
        """Tell whether it left because the channel was empty."""
        return bool(self.code and self.code & NOBODY_LEFT)


@dataclass(frozen=True, slots=True)
class SliceStarted:
    """Type 42: the first slice, or the first after an interruption that began at `gap_start_ms`."""

    start_ms: int | None
    gap_start_ms: int | None
    uid: str | None
    track: str | None
    mixes_all_users: bool | None


@dataclass(frozen=True, slots=True)
class StreamChanged:
    """Types 43 and 44: a user's audio or video begins (`state` 0) or ceases (1) to arrive."""

    medium: str
    uid: str | None
    state: int | None
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Screenshot:
    """Type 45: a screenshot is stored."""

    name: str | None


@dataclass(frozen=True, slots=True)
class VodStarted:
    """Type 60."""

    video_id: str | None


@dataclass(frozen=True, slots=True)
class VodTriggered:
    """Type 61."""


@dataclass(frozen=True, slots=True)
class WebStarted:
    """Type 70: a web session records."""

    start_ms: int | None


@dataclass(frozen=True, slots=True)
class WebStopped:
    """Type 71: a web session ended; `code` 0 by the user, 1 for its longest time, else abnormal."""

    code: int | None
    message: str | None
    details: str | None
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class WebLimit:
    """Type 72: the page asks for too much, and the session stops."""

    limit: str | None


@dataclass(frozen=True, slots=True)
class WebReload:
    """Type 73: the page is loaded again."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class TranscoderStarted:
    """Type 80."""


@dataclass(frozen=True, slots=True)
class TranscodedUser:
    """What became of one user's files."""

    uid: str | None
    outcome: str | None
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class TranscoderCompleted:
    """Type 81."""

    outcome: str | None
    users: tuple[TranscodedUser, ...]


@dataclass(frozen=True, slots=True)
class DownloadFailed:
    """Type 90: postponed work cannot read the storage."""

    vendor: int | None
    region: int | None
    bucket: str | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PushStatusChanged:
    """Type 100: how the RTMP push is; the address may hold a stream key."""

    address: SecretValue
    status: str | None


@dataclass(frozen=True, slots=True)
class PostponedResult:
    """Type 1001: what became of postponed transcoding or mixing."""

    outcome: str | None
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event that no document knows, kept whole, and not shown, since anything may be in it."""

    details: Mapping[str, Any] = field(repr=False, hash=False)


Event: TypeAlias = (
    ServiceError
    | ServiceWarning
    | StatusUpdate
    | FirstFile
    | SessionExit
    | SessionFailover
    | StandbyReady
    | UploaderStarted
    | FilesDelivered
    | UploadProgress
    | RecorderStarted
    | RecorderLeft
    | SliceStarted
    | StreamChanged
    | Screenshot
    | VodStarted
    | VodTriggered
    | WebStarted
    | WebStopped
    | WebLimit
    | WebReload
    | TranscoderStarted
    | TranscoderCompleted
    | DownloadFailed
    | PushStatusChanged
    | PostponedResult
    | UnknownEvent
)
