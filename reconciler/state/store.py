"""The interface of the state store: read a snapshot, commit changes, hold a lock.

A commit is one transaction and is on the disk when it returns: whoever calls the service after it
may lose power without losing a session. Methods block; the shell decides where.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.session import Session
from reconciler.plan.world import Place
from reconciler.state.bounds import Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a scope's lock; `command` is `apply`, `run` and so on."""

    host: str
    process: int
    command: str
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSession:
    """Write a session, new or known. `applied` (see `plan/applied.py`) None: as it was."""

    session: Session
    applied: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFiles:
    """Write what is known of a session's files.

    `files` is a JSON array of the objects of `sessions --format json`. What is empty stays.
    """

    session: str
    files: str
    upload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRecorded:
    """Write a Recording."""

    recorded: Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRecorded:
    """Remove a Recording and its conditions; its sessions and uid counters stay."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Give a Recording's sessions, counters, conditions, events, row and past to another name.

    Where both have one, the larger counter is kept, and of the others that of `before`: what
    `after` was asked is kept up to the first that `before` was.
    """

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCounter:
    """Write how many uids were derived for a replica; it outlives everything."""

    recording: str
    replica: int
    counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A typed fact about one replica of a Recording; `since_s` moves only when `status` does."""

    recording: str
    replica: int
    type: str
    status: bool
    reason: str
    message: str
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `type` is `normal` or `warning`. An empty recording: the scope.

    What happens again within ten minutes, with nothing else in between, is counted and keeps the
    time and number of the first.
    """

    time_s: float
    recording: str
    type: str
    reason: str
    message: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One intent or result of a call that changes something. Never holds a secret."""

    time_s: float
    session: str
    step: str
    """`acquire`, `start`, `update`, `updateLayout`, `stop`."""

    what: str
    """`intent`, or how it ended."""

    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetApp:
    """Write an App's manifest with secret references only (`spec/apps.py`)."""

    name: str
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a Recording was asked from `since_s` on, until the next of its rows.

    `terms` as `plan/recorded.py` writes them; empty: it was gone from the specs. The same as in the
    last row is not written again; rows that begin at `since_s` or later give way to it.
    """

    recording: str
    since_s: float
    terms: str
    override: Override | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time within a session's life in which it may not have recorded; `until_s` None: still.

    Written again with the same session and `from_s`, it takes the place of the first.
    """

    session: str
    from_s: float
    until_s: float | None
    cause: str
    """`missing`, `failover`, `interrupted`: a word for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notification of the service as it is kept: no secret, a field that it lacks is None.

    `details` is what `engine/notices.py` makes of the event, as JSON.
    """

    received_s: float
    app: str
    notice_id: str
    kind: int
    channel: str | None
    uid: str | None
    sid: str | None
    sequence: int | None
    sent_s: float | None
    service_type: int | None
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command asks of the `run` that holds the scope; `arguments` is JSON, no secrets."""

    created_s: float
    command: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of the request with this number, as JSON; the first answer stays."""

    request: int
    text: str
    answered_s: float


Change: TypeAlias = (
    SetSession
    | SetFiles
    | SetRecorded
    | DropRecorded
    | Rename
    | SetCounter
    | Condition
    | Event
    | JournalEntry
    | SetApp
    | Asked
    | Gap
    | Notice
    | Answer
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One consistent view of a scope.

    `sessions` are all that are not settled (may live, still to be looked at again), and of each
    replica the newest and what ended after it, oldest first. `elsewhere` are those of other scopes
    that may live. `counters` are by recording and replica. `serial` counts the commits and requests
    of the whole state. `holder` is who else holds the lock; of several `run`s one.
    """

    serial: int = 0
    recorded: Mapping[str, Recorded] = field(default_factory=dict)
    sessions: tuple[Session, ...] = ()
    elsewhere: tuple[Place, ...] = ()
    counters: Mapping[tuple[str, int], int] = field(default_factory=dict)
    apps: Mapping[str, str] = field(default_factory=dict)
    holder: Holder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A session with all that is kept of it."""

    session: Session
    files: str
    upload: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What is booked of one App ID's request budget; the fields of `agora.budget.Ledger`."""

    last_s: float
    slowness: float
    slowed_s: float


class Store(Protocol):
    """State at one place. All methods raise StateError where it cannot be read or written."""

    @property
    def place(self) -> str:
        """Return where it is kept, without passwords, for messages."""
        ...

    @property
    def key(self) -> bytes | None:
        """Return the key of the seals; None where PostgreSQL is used without one."""
        ...

    @property
    def salt(self) -> bytes:
        """Return what App IDs are hashed with: random, made once, kept in the state itself."""
        ...

    @property
    def writable(self) -> bool:
        """Tell whether it can be written."""
        ...

    @property
    def is_shared(self) -> bool:
        """Tell whether several `run`s may hold one scope beside each other."""
        ...

    def snapshot(self, scope: str) -> Snapshot:
        """Read a scope, in one transaction."""
        ...

    def applied(self, sessions: Iterable[str]) -> dict[str, str]:
        """Return what these sessions were given, by id, as it was written."""
        ...

    def commit(self, scope: str, changes: Sequence[Change]) -> int:
        """Write all changes or none; return the new serial."""
        ...

    def past(
        self, scope: str, recording: str | None = None, since_s: float | None = None
    ) -> list[Past]:
        """Return every session (one that ended before `since_s` not), oldest first."""
        ...

    def latest(self, scope: str) -> list[Past]:
        """Return the sessions of `snapshot` with their files."""
        ...

    def files(self, scope: str) -> dict[str, str]:
        """Return what is known of the files of the sessions of `snapshot`, by id."""
        ...

    def holding(self, app_key: str, channel: str, uid: str) -> list[Session]:
        """Return the sessions of all scopes that ever had this uid there, oldest first."""
        ...

    def of_sid(self, sid: str) -> Session | None:
        """Return the session of any scope that has this `sid`; None: none has."""
        ...

    def conditions(self, scope: str) -> list[Condition]:
        """Return all conditions, in order of recording, replica and type."""
        ...

    def events(
        self, scope: str, recording: str | None = None, after: int = 0, newest: int = ...
    ) -> list[tuple[int, Event]]:
        """Return the `newest` events after that number, each with its number, oldest first."""
        ...

    def journal(self, session: str) -> list[JournalEntry]:
        """Return what was done for a session, oldest first."""
        ...

    def asked(self, scope: str, recording: str | None = None) -> list[Asked]:
        """Return what Recordings were asked, by recording, oldest first."""
        ...

    def gaps(self, scope: str, recording: str | None = None) -> list[Gap]:
        """Return the gaps of the sessions of Recordings, oldest first."""
        ...

    def notices(self, scope: str, since_s: float) -> list[Notice]:
        """Return the notifications that were received since then, oldest first."""
        ...

    def ask(self, scope: str, request: Request) -> int:
        """Leave a request for the `run` that holds the scope; return its number."""
        ...

    def requests(self, scope: str) -> list[tuple[int, Request]]:
        """Return the requests without an answer, each with its number, oldest first."""
        ...

    def answer(self, number: int) -> str | None:
        """Return the answer to a request; None: there is none yet."""
        ...

    def withdraw(self, number: int) -> None:
        """Take back a request that nobody answered; nothing happens if somebody did."""
        ...

    def lock(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock, or raise LockedError at once, which names the holder."""
        ...

    def share(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock beside other `run`s, where the state knows that, or else alone.

        PostgreSQL knows it; SQLite does not. Raises LockedError at once if another command has it.
        """
        ...

    def claim(self, scope: str, app_key: str) -> bool:
        """Own an App ID of a scope whose lock is shared; tell whether this process does now.

        It is owned until the lock is let go or the connection is lost.
        """
        ...

    def spend(self, app_key: str, step: Callable[[Spent | None, float], Spent]) -> float:
        """Write what `step` makes of an App ID's budget; it is given the time, which is returned.

        One transaction; it need not survive a power cut, and is no write of the serial. Time is the
        store's own: the server's where there is one, else that since the machine began.
        """
        ...

    def trim(self, now_s: float, bounds: Bounds) -> None:
        """Remove what is older or more than the bounds; what may live is never removed."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
