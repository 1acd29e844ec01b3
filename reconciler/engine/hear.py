"""What a notification changes about the session that it is of (agora-api.md 8.4).

It ends a session only where it says so; of all else it is a reason to ask, and what a query then
says counts. The transitions are those of `plan/heard.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.agora import events
from reconciler.agora.events import Event
from reconciler.agora.notifications import Notification
from reconciler.engine import gaps
from reconciler.engine.filing import filed
from reconciler.engine.marks import complaint_of, sign_of
from reconciler.engine.records import Records
from reconciler.engine.tell import WARNING, event
from reconciler.engine.tell import events as steps
from reconciler.plan import heard
from reconciler.plan.life import SETTLED
from reconciler.plan.session import REACHABLE, Phase, Session
from reconciler.state.store import Change, Gap, SetSession

ENDINGS: Final = (events.SessionExit, events.RecorderLeft, events.WebStopped)
"""Events that tell a session's end (agora-api.md 7.3)."""

PROOFS: Final = (
    events.SessionFailover,
    events.RecorderStarted,
    events.WebStarted,
    events.SliceStarted,
)
"""Events that only a session causes that goes on after them."""

SIGNS_OF_LIFE: Final = (*PROOFS, events.StreamChanged, events.Screenshot, events.WebReload)

_CONFIRMING: Final = (events.RecorderStarted, events.WebStarted)
_ON_ITS_WAY_OUT: Final = frozenset({6, 7, 8, 20})
"""Statuses of event 3 that belong to an end (8.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A notification that is new, and how it stands to those that were here before.

    `is_late`: something later of its session was. `is_overtaken`: the session was heard to live
    after it. `is_gap`: something before it has not arrived.
    """

    notification: Notification
    now_s: float
    is_late: bool = False
    is_overtaken: bool = False
    is_gap: bool = False

    @property
    def event(self) -> Event:
        """Return what it tells."""
        return self.notification.event

    @property
    def at_s(self) -> float:
        """Return when that happened, as the service says."""
        sent_ms = self.notification.sent_ms
        return self.now_s if sent_ms is None else sent_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What follows from a notification.

    `wakes` are names of Recordings, `asks` ids of sessions to ask at once. `is_known`: it is of a
    session of ours. `warned` is the `sid` that a warning is about.
    """

    changes: tuple[Change, ...] = ()
    wakes: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    is_known: bool = True
    warned: str = ""


def hear(records: Records, session: Session, news: News) -> Heard:
    """Return what follows for this session."""
    after = _after(session, news)
    asks = after.phase in REACHABLE and _is_to_ask(session, after, news)
    # A look that was under way saw the session as it was before, and is taken anew.
    return Heard(
        changes=tuple(_changes(records, session, after, news)),
        wakes=frozenset({session.recording} if asks or after != session else ()),
        asks=frozenset({session.id} if asks else ()),
    )


def _after(session: Session, news: News) -> Session:
    told = news.event
    if isinstance(told, ENDINGS):
        if news.is_overtaken:
            return session
        session = heard.signed(session, sign_of(told))
        if not isinstance(told, events.RecorderLeft):
            session = heard.exited(session, news.at_s, news.now_s)
        return heard.corrected(session)
    session = heard.corrected(heard.signed(session, sign_of(told)))
    if not news.is_late:
        session = _lately(session, news)
    is_alive = isinstance(told, SIGNS_OF_LIFE)
    return heard.doubted(session, news.at_s, news.now_s, is_alive=is_alive)


def _lately(session: Session, news: News) -> Session:
    """Apply what counts only where nothing later was heard."""
    match news.event:
        case events.SessionFailover():
            return heard.failed_over(session, news.at_s)
        case events.PushStatusChanged(status=str(status)) if status:
            return heard.pushed(session, status)
        case event if isinstance(event, PROOFS):
            return heard.lives(session, news.at_s)
        case _:
            return session


def _is_to_ask(before: Session, after: Session, news: News) -> bool:
    told = news.event
    match told:
        case events.SessionFailover() | events.WebLimit():
            return True
        case events.ServiceError(level=level) if level is not None and level >= events.FATAL:
            return True
        case events.StatusUpdate(status=status) if status in _ON_ITS_WAY_OUT:
            return True
        case _:
            is_unsure = before.phase is Phase.STARTING and isinstance(told, _CONFIRMING)
            is_found = after.phase is Phase.MISSING and isinstance(told, PROOFS)
            return isinstance(told, ENDINGS) or is_unsure or is_found or news.is_gap


def _changes(records: Records, before: Session, after: Session, news: News) -> Iterator[Change]:
    if after != before:
        yield SetSession(session=after)
    if after.phase in SETTLED and after != before:  # a failover is told as such, below
        yield from steps(before, after, news.now_s, records.terms(after.recording))
    yield from _gaps(records, before, after, news)
    files = filed(records, after, news.event, news.now_s)
    if files is not None:
        yield files
    if (complaint := complaint_of(news.event)) is not None:
        reason, text = complaint
        message = f"session {after.sid} (uid {after.uid}) {text}"
        yield event(after.recording, WARNING, reason, message, news.now_s)


def _gaps(records: Records, before: Session, after: Session, news: News) -> Iterator[Gap]:
    match news.event:
        case events.SessionFailover() if not news.is_late:
            gap = gaps.opened(before, news.at_s)
        case events.SliceStarted() as slice_started:
            gap = gaps.interrupted(before, slice_started, news.now_s)
        case _:
            gap = None
    yield from gaps.closed(records, before, after, news.now_s)
    if gap is not None:  # last: that of a failover goes on from when the session was first missing
        yield gap
