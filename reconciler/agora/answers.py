"""What the service answers, as frozen values in one shape for all its variants.

A field is None (or an empty tuple) where the answer does not say. States are texts: the
enumerations name the documented ones, and an unknown one is kept as it came (agora-api.md 1.6).
Times are Unix milliseconds, whatever the service counted in (K7).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from reconciler.spec.secrets import SecretValue
from reconciler.spec.wire import Mode


class Status(IntEnum):
    """The documented values of `Observation.status` (agora-api.md 4.3, 7.1)."""

    NOT_STARTED = 0
    INITIALISED = 1
    STARTING = 2
    PARTLY_READY = 3
    READY = 4
    IN_PROGRESS = 5
    STOPPING = 6
    STOPPED = 7
    EXITED = 8
    FAILED = 20


class WebState(StrEnum):
    """The documented states of a web page recorder."""

    INIT = "init"
    IN_PROGRESS = "inProgress"
    EXIT = "exit"


class PushStatus(StrEnum):
    """The documented states of one RTMP address."""

    CONNECTING = "connecting"
    PUBLISHING = "publishing"
    ON_HOLD = "onhold"
    DISCONNECTED = "disconnected"


class Upload(StrEnum):
    """The documented states of a session's files at its stop (4.4)."""

    UPLOADED = "uploaded"
    BACKED_UP = "backuped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One index or media file of a session.

    `uid` is the recorded user, `0` for all users mixed.
    """

    name: str
    track: str | None = None
    uid: str | None = None
    mixes_all_users: bool | None = None
    is_playable: bool | None = None
    slice_start_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRecorder:
    """The web page recorder of a session."""

    state: str | None = None
    is_paused: bool | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Push:
    """One RTMP address that a web session sends to; the address may hold a stream key."""

    address: SecretValue
    status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """How a session is called, for as long as it lives: nothing can find it otherwise (5).

    `host` is the base URL that started it; others of the App are asked when it is down.
    """

    channel: str
    uid: str
    resource_id: str
    sid: str
    mode: Mode
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What every answer has: which host gave it, and its request ID for the service's support."""

    host: str
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquired(Answered):
    """A resource ID: good for one start, on the same host, within 2 s and at most 5 minutes.

    `acquired_s` is when it was asked for, in Unix seconds, so that its age is never underrated.
    """

    resource_id: str
    acquired_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Answered):
    """Accepted, which is not yet recording: that takes a query (agora-api.md 3.11, 7.2)."""

    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated(Answered):
    """An update or a layout was received; nothing reads it back (4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Answered):
    """What queries and stops have in common.

    `channel`, `uid` and `sid` are the answer's own. `file_list_mode` is `string` or `json`.
    `service_status` is the old sub-service state (4.3.1).
    """

    channel: str | None = None
    uid: str | None = None
    sid: str | None = None
    file_list_mode: str | None = None
    files: tuple[File, ...] = ()
    web: WebRecorder | None = None
    pushes: tuple[Push, ...] = ()
    service_status: str | None = None

    @property
    def all_files(self) -> tuple[File, ...]:
        """Return the files, whichever recorder lists them."""
        return self.files + (self.web.files if self.web else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Reported):
    """How a session is (4.3). `status` is one of `Status`, or a number that is not documented."""

    status: int
    slice_start_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Reported):
    """A stop was received; `upload` is None while nobody knows, as after an asynchronous stop."""

    upload: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationIps(Answered):
    """The addresses that notifications come from; they may change within a day (4.5)."""

    addresses: tuple[str, ...]
