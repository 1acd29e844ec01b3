"""Finding the session that a `sid` is of: one of now, or one that ended and was followed.

By `sid` alone where that can be: a session's notifications name another uid after a failover
(agora-api.md 7.3).
"""

from collections import OrderedDict

from reconciler.engine.records import Records
from reconciler.plan.session import Session

KNOWN_MAX = 20_000
"""So many sessions are found by `sid` after they were followed; those longest known go first."""


class Sids:
    """An index over the sessions of a scope, brought up to date when something is not found."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: OrderedDict[str, Session] = OrderedDict()
        """By `sid`, as it was when it was found: only what tells where it is counts."""

    def find(self, sid: str) -> Session | None:
        """Return the session as it is now; None: it is not known since this process began."""
        known = self._known.get(sid)
        current = self._current(known) if known is not None else None
        if current is not None:
            return current
        self._look_through(sid)
        known = self._known.get(sid)
        return None if known is None else self._current(known) or self._followed(known)

    def find_past(self, sid: str, app_key: str, channel: str, uid: str) -> Session | None:
        """Return a session of this scope that ended before this process began."""
        held = self._records.store.holding(app_key, channel, uid)
        found = next((session for session in held if session.sid == sid), None)
        if found is None or not self._is_ours(found):
            return None
        self._known[sid] = found
        return found

    def _current(self, known: Session) -> Session | None:
        sessions = self._records.sessions_of(known.recording)
        return next((each for each in sessions if each.id == known.id), None)

    def _look_through(self, sid: str) -> None:
        for session in self._records.all_sessions():
            if session.sid and (session.sid == sid or session.sid not in self._known):
                self._known[session.sid] = session
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def _followed(self, known: Session) -> Session | None:
        """Return one that ended and is no longer held in memory, as state has it."""
        held = self._records.store.holding(known.app_key, known.channel, known.uid)
        return next((session for session in held if session.id == known.id), None)

    def _is_ours(self, session: Session) -> bool:
        """Tell whether a session that some scope knows is of this one."""
        records = self._records
        mine = records.store.past(records.scope, session.recording, session.ended_s)
        return any(past.session.id == session.id for past in mine)
