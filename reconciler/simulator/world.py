"""Everything there is: sessions, channels, deadlines, notifications. Pure.

A World has no clock of its own: `now_s` is moved by `timeline.advance` alone. Ids and chance come
from the seed, so that the same calls at the same times make the same world. What may happen to a
session stands in `lifecycle`, when in `timeline`, what calls do in `service`, what control does in
`orders`.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from reconciler.simulator.chance import chance, hex_digits, uuid
from reconciler.simulator.channels import Channel, default_channel
from reconciler.simulator.notices import KINDS, Event, Notice
from reconciler.simulator.outbox import Outbox
from reconciler.simulator.resources import Identity
from reconciler.simulator.session import Phase, Session, Tick
from reconciler.simulator.settings import Settings, Tuning
from reconciler.simulator.tree import Json, Object

ENDED_MAX = 1_000  # ended sessions that are remembered
CHANNELS_MAX = 10_000  # channels that orders were given for
SWEPT_MIN = 256  # deadlines; fewer are not searched for those that no longer hold
UID_BITS = 32
KEY_BITS = 256


@dataclass(frozen=True, slots=True, order=True)
class _Deadline:
    at_s: float
    order: int
    sid: str = field(compare=False)
    tick: Tick = field(compare=False)


class World:
    """The state of one simulated service."""

    def __init__(self, settings: Settings, now_s: float) -> None:
        self.settings = settings
        self.tuning: Tuning = settings.tuning
        self.now_s = now_s
        self.heading_s = now_s
        """Where time is being moved to; `now_s` gets there last."""
        self.sessions: dict[str, Session] = {}
        """By sid: the running ones, and those that ended last."""
        self.active: dict[str, Session] = {}
        self.by_resource: dict[str, Session] = {}
        self.running: dict[Identity, str] = {}
        """The sid of each identity's task; it has at most one."""
        self.channels: dict[str, Channel] = {}
        """The channels that orders were given for."""
        self.ids = chance(settings.seed, "ids")
        self.chance: Random = chance(settings.seed, "behaviour")
        self.key = chance(settings.seed, "resources").getrandbits(KEY_BITS).to_bytes(KEY_BITS // 8)
        self.outbox = Outbox(
            chance(settings.seed, "notices"), sends=settings.notify_url is not None
        )
        self._in_channel: dict[str, dict[str, Session]] = {}
        self._counts: Counter[tuple[str, bool]] = Counter()
        self._ended: deque[str] = deque()
        self._swept_at = SWEPT_MIN
        self._deadlines: list[_Deadline] = []
        self._order = count()

    @property
    def next_due_s(self) -> float | None:
        """Return when something happens by itself, or None if nothing will."""
        self._sweep()
        return self._deadlines[0].at_s if self._deadlines else None

    def add(self, session: Session) -> None:
        """Take in a session that was just started."""
        self.sessions[session.sid] = session
        self.active[session.sid] = session
        self.by_resource[session.resource_id] = session
        self.running[session.identity] = session.sid
        self._in_channel.setdefault(session.identity.cname, {})[session.sid] = session
        self._counts[session.identity.app_id, session.is_web] += 1

    def count(self, app_id: str, *, is_web: bool) -> int:
        """Return how many recordings of a kind an App has."""
        return self._counts[app_id, is_web]

    def release(self, session: Session) -> None:
        """Let another session have this one's identity."""
        if self.running.get(session.identity) == session.sid:
            del self.running[session.identity]

    def bury(self, session: Session) -> None:
        """Remember a session as ended, and forget one that ended long ago."""
        self.release(session)
        session.due.clear()
        del self.active[session.sid]
        self._counts[session.identity.app_id, session.is_web] -= 1
        neighbours = self._in_channel[session.identity.cname]
        del neighbours[session.sid]
        if not neighbours:
            del self._in_channel[session.identity.cname]
        self._ended.append(session.sid)
        if len(self._ended) > ENDED_MAX:
            old = self.sessions.pop(self._ended.popleft())
            self.by_resource.pop(old.resource_id, None)

    def set_due(self, session: Session, tick: Tick, at_s: float) -> None:
        """Let something happen to a session then; each thing has one time."""
        session.due[tick] = at_s
        heapq.heappush(self._deadlines, _Deadline(at_s, next(self._order), session.sid, tick))
        if len(self._deadlines) > self._swept_at:
            self._deadlines = [entry for entry in self._deadlines if self._holds(entry)]
            heapq.heapify(self._deadlines)
            self._swept_at = max(SWEPT_MIN, 2 * len(self._deadlines))

    def next_due(self, until_s: float) -> tuple[Session, Tick, float] | None:
        """Take the first thing that is due until then, or None."""
        self._sweep()
        if not self._deadlines or self._deadlines[0].at_s > until_s:
            return None
        entry = heapq.heappop(self._deadlines)
        session = self.active[entry.sid]
        del session.due[entry.tick]
        return session, entry.tick, entry.at_s

    def channel(self, cname: str) -> Channel:
        """Return who is in a channel; without orders, those whom its recordings name."""
        found = self.channels.get(cname)
        if found is not None:
            return found
        return default_channel(
            uid for session in self.in_channel(cname) for uid in session.subscription.named
        )

    def ordered_channel(self, cname: str) -> Channel | None:
        """Return a channel to give orders for, or None if there are too many of them."""
        if cname not in self.channels:
            if len(self.channels) >= CHANNELS_MAX:
                return None
            self.channels[cname] = self.channel(cname)
        return self.channels[cname]

    def in_channel(self, cname: str) -> Iterator[Session]:
        """Yield the sessions that record a channel."""
        for session in list(self._in_channel.get(cname, {}).values()):
            if session.phase is Phase.LIVE and not session.is_web:
                yield session

    def new_sid(self) -> str:
        """Return an ID for a new session."""
        return hex_digits(self.ids, 32)

    def new_uid(self) -> str:
        """Return a user ID for a recorder that replaces a lost one."""
        return str(self.chance.getrandbits(UID_BITS) or 1)

    def note(self, session: Session, what: str, **details: Json) -> None:
        """Add a line to a session's history."""
        session.history.append({"at": self.now_s, "what": what, **details})

    def emit(
        self, session: Session, event: Event, details: Object, *, delay_s: float = 0.0
    ) -> None:
        """Notify the customer of something."""
        service_type, name = KINDS[event]
        self.notify(session, event, service_type, {"msgName": name, **details}, delay_s)

    def notify(
        self,
        session: Session,
        event_type: int,
        service_type: int,
        details: Object,
        delay_s: float = 0.0,
    ) -> None:
        """Notify the customer of something that need not be known here."""
        at_s = self.now_s + delay_s
        notice = Notice(
            notice_id=uuid(self.ids),
            event_type=event_type,
            service_type=service_type,
            cname=session.identity.cname,
            uid=session.recorder_uid,
            sid=session.sid,
            sequence=session.sequence,
            at_s=at_s,
            details=details,
        )
        session.sequence += 1
        self.outbox.put(notice, at_s)

    def _sweep(self) -> None:
        while self._deadlines and not self._holds(self._deadlines[0]):
            heapq.heappop(self._deadlines)

    def _holds(self, entry: _Deadline) -> bool:
        session = self.active.get(entry.sid)
        return session is not None and session.due.get(entry.tick) == entry.at_s
