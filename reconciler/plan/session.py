"""One session as state remembers it (design/reconcile.md, "Life of a session").

A frozen value: `life.py` makes the next one of it, the engine stores that. Times are Unix seconds.
"""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a session is in its life."""

    NONE = "none"
    """A uid is claimed; nothing was sent that could create a session."""

    ACQUIRED = "acquired"
    """A start may have been sent: it may live, and its `sid` is not known."""

    STARTING = "starting"
    RUNNING = "running"
    MISSING = "missing"
    ENDED = "ended"
    FAILED = "failed"

    ORPHAN = "orphan"
    """It may live, and no call reaches it."""


MAY_LIVE = frozenset({Phase.ACQUIRED, Phase.STARTING, Phase.RUNNING, Phase.MISSING, Phase.ORPHAN})
"""Phases whose session holds its uid and its place among the App's recordings."""

REACHABLE = frozenset({Phase.STARTING, Phase.RUNNING, Phase.MISSING})
"""Phases whose session can be queried, changed and stopped."""


class End(StrEnum):
    """Why a session ended; first what we asked for, then what happened to it."""

    REMOVED = "removed"
    SUSPENDED = "suspended"
    WINDOW_CLOSED = "window-closed"
    REPLACED = "replaced"
    ROTATED = "rotated"
    REQUESTED = "requested"
    SURPLUS = "replica-removed"
    UNWANTED = "unwanted"
    """Its `sid` became known, or could be written, when it was no longer wanted."""

    UNCONFIRMED = "unconfirmed"
    """It did not come up within 90 s."""

    EXITED = "exited"
    """It ended by itself, normally."""

    IDLE = "idle"
    MAX_DURATION = "max-duration"
    EXPIRED = "expired"
    """Its token ended."""

    GONE = "gone"
    """Nothing but 404 for 90 s."""

    BROKEN = "broken"
    """It exited abnormally (status 20)."""

    REFUSED = "refused"
    """The service did not take the request; another spec or setting helps."""

    NOT_STARTED = "not-started"
    """The service could not start it now."""

    QUOTA = "quota"
    """The service had no place for it: no failure of the recording."""

    INTERRUPTED = "interrupted"
    """Nothing was sent that could start it: this program ended, or nobody may call its App."""

    CONFLICT = "conflict"
    """Another session with this channel and uid runs."""

    UNSEEN = "unseen"
    """An orphan whose latest possible end has passed."""

    FORGOTTEN = "forgotten"
    """Left running, on request."""


ASKED = frozenset(
    {
        End.REMOVED,
        End.SUSPENDED,
        End.WINDOW_CLOSED,
        End.REPLACED,
        End.ROTATED,
        End.REQUESTED,
        End.SURPLUS,
        End.UNWANTED,
        End.FORGOTTEN,
        End.INTERRUPTED,
        End.UNSEEN,
    }
)
"""Ends that say nothing of the recording's health: no back-off, nothing for `policy.restart`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One task of the service, from the claim of its uid to its end and after.

    `id` is ours, there before the service has any. `app_key` is a keyed hash of the App ID it was
    started under; `app_id` the App ID itself where the spec has it in the open, else empty.
    `digest` is that of the desired recording which this session was last found to agree with,
    `sealed` the secrets it was given, as `applied.py` writes them. `attempt` counts the failures in
    a row before it. `replaces` is the id of the session it takes over from.
    """

    id: str
    recording: str
    replica: int
    app: str
    app_key: str
    app_id: str
    channel: str
    mode: str
    uid: str
    phase: Phase
    created_s: float
    generation: int = 0
    digest: str = ""
    sealed: str = ""
    attempt: int = 0
    replaces: str = ""

    resource_id: str = ""
    sid: str = ""
    host: str = ""
    acquired_s: float | None = None
    started_s: float | None = None
    """When the `sid` came: resource expiry and `web.maxDuration` count from here (7.6)."""

    confirmed_s: float | None = None
    resource_ends_s: float | None = None
    token_ends_s: float | None = None
    duration_ends_s: float | None = None
    """When `web.maxDuration` ends it."""

    credentials_s: float | None = None
    """When its storage credentials were last resolved for it."""

    credentials_end_s: float | None = None
    token_issued_s: int = 0
    token_salt: int = 0
    """Of a generated token, so that the identical start can be made again; 0: none."""

    body_hash: str = ""
    """Keyed hash of the start's body: what does not fit it is not sent again (6.9)."""

    pending: tuple[str, ...] = ()
    """Groups (`spec/groups.py`) of which it is not known what the session has: sent again."""

    status: int | None = None
    """What the last query said (agora-api.md 7.1)."""

    paused: bool | None = None
    """Whether the page was on hold when last asked."""

    rtmp: str = ""
    """The pushed address when last asked, sealed; empty if it was not told."""

    rtmp_status: str = ""
    signs: tuple[str, ...] = ()
    """What notifications told of its end and its trouble, as `plan/explain.py` reads it."""

    observed_s: float | None = None
    """When the service last told how it is."""

    asked_s: float | None = None
    """When it was last queried, answered or not."""

    unanswered_s: float | None = None
    """Since when no query got an answer that tells anything; None: the last one did."""

    missing_s: float | None = None
    """Since when it answers 404."""

    stop_reason: str = ""
    """An `End`: why it has to end. Once set, it is stopped until it is known to have ended."""

    stop_asked_s: float | None = None
    """When a stop was last sent."""

    stops: int = 0
    """How often a stop was sent: the gaps between them grow."""

    stop_taken_s: float | None = None
    """When the service first took a stop; from then on one 404 is an end."""

    ended_s: float | None = None
    end_reason: str = ""
    recheck_s: float | None = None
    """When to look once more whether a session that 404 alone declared ended is alive."""

    ends_by_s: float | None = None
    """Of an orphan: its latest possible end; None if only an empty channel ends it."""

    @property
    def may_live(self) -> bool:
        """Tell whether it holds its uid and may be billed."""
        return self.phase in MAY_LIVE

    @property
    def is_orphan(self) -> bool:
        """Tell whether it may live out of reach."""
        return self.phase is Phase.ORPHAN

    @property
    def expires_s(self) -> float | None:
        """Return the earliest of the clocks that end it or its control, None if none is known."""
        ends = (self.resource_ends_s, self.token_ends_s, self.duration_ends_s)
        return min((end for end in ends if end is not None), default=None)
