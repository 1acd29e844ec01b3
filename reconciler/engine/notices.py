"""What the service's notifications do: stored before they are answered, then acted on.

They come late, doubled, out of order or not at all (agora-api.md 8.1), so nothing rests on them:
they end what says that it has ended, and for the rest they make the next look come sooner. `hear`
says what follows for a session of ours, `strangers` for any other.
"""

from collections import Counter

from reconciler.agora.notifications import (
    CLOUD_RECORDING,
    REMEMBERED_MAX,
    WINDOW_S,
    Arrival,
    Inbox,
    Notification,
)
from reconciler.agora.parse_events import read_event
from reconciler.clock import Clock
from reconciler.engine.details import details_of
from reconciler.engine.hear import PROOFS, Heard, News, hear
from reconciler.engine.records import Records
from reconciler.engine.sids import Sids
from reconciler.engine.site import Site
from reconciler.engine.strangers import Strangers
from reconciler.engine.streams import Streams
from reconciler.plan.session import Session
from reconciler.state.store import Notice

HOUR_S = 3_600.0
"""How far back a new process reads what was received, where a day were more than is remembered.

Resends end within minutes (8.1); those of an hour are some 60,000 of a thousand sessions.
"""

_NOTHING: frozenset[str] = frozenset()


class Notices:
    """Takes in the notifications of a scope; one for as long as a `run` lives.

    `received` counts those that were new by their type, `duplicates` those that were dropped and
    `strangers` those of sessions that are not known here. `lag_s` is how long the last one took
    from what it tells of to here; None: none came yet.
    """

    def __init__(self, records: Records, clock: Clock) -> None:
        """Recall what was received lately. Raises StateError."""
        self.received: Counter[int] = Counter()
        self.duplicates = 0
        self.strangers = 0
        self.lag_s: float | None = None
        self._records = records
        self._clock = clock
        self._inbox = Inbox()
        self._streams = Streams()
        self._sids = Sids(records)
        self._met = Strangers()
        for notice in _received(records, clock.now_s()):
            self._recall(notice)

    async def take(self, site: Site, app: str, notification: Notification) -> frozenset[str]:
        """Store a genuine notification with what follows; return the Recordings to wake now.

        Duplicates and what is of another product leave nothing. Raises StateError where it could
        not be stored: then nothing has changed, and it is new when it is sent again.
        """
        if notification.product_id != CLOUD_RECORDING:
            return _NOTHING
        now_s = self._clock.now_s()
        arrival = self._inbox.take(notification, now_s)
        if arrival is Arrival.DUPLICATE:
            self.duplicates += 1
            return _NOTHING
        try:
            heard = self._heard(site, app, self._news(notification, arrival, now_s))
            await self._records.commit(_notice(app, notification, now_s), *heard.changes)
        except Exception:
            self._inbox.forget(notification)
            raise
        self._count(notification, heard, now_s)
        self._note(notification, arrival, now_s)
        self._records.to_ask |= heard.asks
        return heard.wakes

    def is_reliable(self, session: Session) -> bool:
        """Tell whether a session's notifications come without gaps, and lately."""
        return self._streams.is_reliable(session.sid, self._clock.now_s())

    def _news(self, notification: Notification, arrival: Arrival, now_s: float) -> News:
        sid, uid, sequence = notification.sid or "", notification.uid, notification.sequence
        is_late = arrival is Arrival.LATE
        return News(
            notification=notification,
            now_s=now_s,
            is_late=is_late,
            is_overtaken=self._streams.is_overtaken(sid, notification.sent_ms),
            is_gap=not is_late and self._streams.has_gap(sid, uid, sequence),
        )

    def _heard(self, site: Site, app: str, news: News) -> Heard:
        told = news.notification
        session = self._sids.find(told.sid) if told.sid else None
        near = self._sids.near(told.channel) if session is None else ()
        if session is None and told.sid:
            session = self._sids.find_near(told.sid, near) or self._sids.find_past(told.sid)
        if session is not None and _is_of(session, site, app):
            return hear(self._records, session, news)
        return self._met.meet(site, app, news, near)

    def _note(self, notification: Notification, arrival: Arrival, now_s: float) -> None:
        """Take note of how the notifications of a session arrive."""
        sid, sent_ms = notification.sid, notification.sent_ms
        if not sid or arrival is Arrival.LATE:
            return
        self._streams.hear(sid, notification.uid, notification.sequence, now_s)
        if sent_ms is not None and isinstance(notification.event, PROOFS):
            self._streams.lived(sid, sent_ms)

    def _count(self, notification: Notification, heard: Heard, now_s: float) -> None:
        self.received[notification.kind] += 1
        self.strangers += not heard.is_known
        if notification.sent_ms is not None:
            self.lag_s = now_s - notification.sent_ms / 1000
        if heard.warned:
            self._met.told(heard.warned)

    def _recall(self, notice: Notice) -> None:
        notification = _recalled(notice)
        arrival = self._inbox.take(notification, notice.received_s)
        self._note(notification, arrival, notice.received_s)


def _is_of(session: Session, site: Site, app: str) -> bool:
    """Tell whether a session is of the App to which a notification was sent."""
    return session.app == app or (bool(session.app_key) and session.app_key == _key_of(site, app))


def _key_of(site: Site, app: str) -> str:
    facts = site.apps.facts().get(app)
    return facts.app_key if facts is not None else ""


def _received(records: Records, now_s: float) -> list[Notice]:
    """Return what was received within a day, or the last hour, oldest first."""
    lately = records.store.notices(records.scope, now_s - HOUR_S)
    if len(lately) * WINDOW_S > REMEMBERED_MAX * HOUR_S:
        return lately
    return records.store.notices(records.scope, now_s - WINDOW_S)


def _notice(app: str, notification: Notification, now_s: float) -> Notice:
    sent_ms = notification.sent_ms
    return Notice(
        received_s=now_s,
        app=app,
        notice_id=notification.notice_id,
        kind=notification.kind,
        channel=notification.channel,
        uid=notification.uid,
        sid=notification.sid,
        sequence=notification.sequence,
        sent_s=None if sent_ms is None else sent_ms / 1000,
        service_type=notification.service_type,
        details=details_of(notification.event),
    )


def _recalled(notice: Notice) -> Notification:
    """Return a notification as far as it says what was here; its event had its effect."""
    return Notification(
        notice_id=notice.notice_id,
        product_id=CLOUD_RECORDING,
        kind=notice.kind,
        channel=notice.channel,
        uid=notice.uid,
        sid=notice.sid,
        sequence=notice.sequence,
        sent_ms=None if notice.sent_s is None else round(notice.sent_s * 1000),
        service_type=notice.service_type,
        event=read_event(notice.kind, {}),
    )
