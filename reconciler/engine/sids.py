"""Finding the session that a `sid` is of: one of now, or one that ended and was followed.

By `sid` alone where that can be: a session's notifications name another uid after a failover
(agora-api.md 7.3).
"""

from collections import OrderedDict
from collections.abc import Iterable

from reconciler.engine.records import Records
from reconciler.plan.session import Session

KNOWN_MAX = 20_000
"""So many sessions are found at once, and after they were followed; the longest known go first."""


class Sids:
    """An index over the sessions of a scope: those of its making, and those found since."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: OrderedDict[str, Session] = OrderedDict()
        """By `sid`, as it was when it was found: of that only what tells where it is counts."""
        for session in records.all_sessions():
            if session.sid:
                self._remembered(session)

    def find(self, sid: str) -> Session | None:
        """Return a session that is known here as it is now; None: it is looked for elsewhere."""
        known = self._known.get(sid)
        return self._current(known) or self._followed(known) if known is not None else None

    def near(self, channel: str | None) -> tuple[Session, ...]:
        """Return the sessions in memory that record a channel, one by one looked for."""
        sessions = self._records.all_sessions()
        return tuple(session for session in sessions if session.channel == channel)

    def find_near(self, sid: str, near: Iterable[Session]) -> Session | None:
        """Return the one with this `sid`, which from now on is known."""
        found = next((session for session in near if session.sid == sid), None)
        return self._remembered(found) if found is not None else None

    def find_past(self, sid: str) -> Session | None:
        """Return a session of this scope that ended before it was ever heard of here."""
        found = self._records.store.of_sid(sid)
        is_ours = found is not None and self._is_ours(found)
        return self._remembered(found) if found is not None and is_ours else None

    def _current(self, known: Session) -> Session | None:
        sessions = self._records.sessions_of(known.recording)
        return next((each for each in sessions if each.id == known.id), None)

    def _remembered(self, session: Session) -> Session:
        self._known[session.sid] = session
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return session

    def _followed(self, known: Session) -> Session | None:
        """Return one that ended and is no longer held in memory, as state has it."""
        return self._records.store.of_sid(known.sid)

    def _is_ours(self, session: Session) -> bool:
        """Tell whether a session that some scope knows is of this one."""
        records = self._records
        mine = records.store.past(records.scope, session.recording, session.ended_s)
        return any(past.session.id == session.id for past in mine)
