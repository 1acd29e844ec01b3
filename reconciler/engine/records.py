"""The one way to state: what a scope's sessions are, and every change of that.

Holds the scope in memory, as state has it: who holds the lock is the only writer, so a pass over
one Recording reads no table. A commit is written before it is believed; what was done all the same
while state could not be written is owed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from reconciler.engine.halt import Halt
from reconciler.plan.life import SETTLED
from reconciler.plan.recorded import Recorded, Terms, terms_of
from reconciler.plan.session import Phase, Session
from reconciler.state.store import (
    Change,
    DropRecorded,
    Event,
    Rename,
    SetApp,
    SetCounter,
    SetRecorded,
    SetSession,
    Snapshot,
    Store,
)

WEB = "web"


class Records:
    """A scope's Recordings and sessions."""

    def __init__(self, store: Store, scope: str, snapshot: Snapshot) -> None:
        """Take over what the snapshot says; only `commit` changes it."""
        self.store = store
        self.scope = scope
        self.seen_files: dict[str, str] = {}
        self.unseen: dict[str, tuple[str, str]] = {}
        """Why sessions could not be asked, by id: a reason and a sentence."""
        self.told: Callable[[Event], None] = lambda _: None
        """Hears of every event that was written."""

        self.to_ask: set[str] = set()
        """Sessions, by id, to be asked with the next look, whenever that were due."""

        self.looks: dict[str, Halt] = {}
        """What breaks off a look that is under way when its session changes, by id."""

        self.listings: dict[str, int] = {}
        """What stands for the files that the last query of a session listed, by id: most queries
        list the same ones, which need not be made out and written again."""

        self._owed: list[Change] = []
        self.reload(snapshot)

    def reload(self, snapshot: Snapshot) -> None:
        """Take over what another process wrote meanwhile; all that is ours is in there too."""
        self.listings.clear()
        self.recorded: dict[str, Recorded] = dict(snapshot.recorded)
        self.apps: dict[str, str] = dict(snapshot.apps)
        self.elsewhere = snapshot.elsewhere
        self._sessions: dict[str, dict[str, Session]] = defaultdict(dict)
        self._counters = dict(snapshot.counters)
        self._places: dict[tuple[str, bool], int] = defaultdict(int)
        self._taken: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for place in snapshot.elsewhere:
            self._places[place.app_key, place.mode == WEB] += 1
            self._taken[place.app_key, place.channel].add((place.uid, ""))
        for session in snapshot.sessions:
            self._put(session)
        self._put_all(self._owed)

    def sessions_of(self, name: str) -> tuple[Session, ...]:
        """Return a Recording's sessions that matter still, oldest first."""
        return tuple(self._sessions[name].values()) if name in self._sessions else ()

    def all_sessions(self) -> Iterable[Session]:
        """Return the sessions of the scope that matter still."""
        return (each for sessions in list(self._sessions.values()) for each in sessions.values())

    def session(self, name: str, session_id: str) -> Session:
        """Return one session as it is now."""
        return self._sessions[name][session_id]

    def current(self, session: Session) -> Session | None:
        """Return a session as it is now; None: it has ended, and another has followed it."""
        return next(
            (each for each in self.sessions_of(session.recording) if each.id == session.id), None
        )

    def is_over(self, name: str) -> bool:
        """Tell whether nobody has to look at a Recording's sessions any more.

        Its orphans stay listed without it; one that 404 alone declared ended may be alive.
        """
        return all(each.is_orphan or _is_history(each) for each in self.sessions_of(name))

    def newest(self, name: str, replica: int) -> Session | None:
        """Return the session of a replica that was begun last; None if there was none."""
        mine = (session for session in self.sessions_of(name) if session.replica == replica)
        return max(mine, key=lambda session: session.created_s, default=None)

    def terms(self, name: str) -> Terms | None:
        """Return the terms of a Recording as state knows them; None: it knows none."""
        recorded = self.recorded.get(name)
        return terms_of(recorded.terms) if recorded else None

    def places(self) -> Mapping[tuple[str, bool], int]:
        """Return how many sessions may live, by App ID and whether they record web pages."""
        return self._places

    def taken(self, app_key: str, channel: str) -> set[str]:
        """Return the uids that sessions which may live hold in a channel."""
        return {uid for uid, _ in self._taken.get((app_key, channel), ())}

    def counter(self, name: str, replica: int) -> int:
        """Return how many uids were derived for a replica, ever."""
        return self._counters.get((name, replica), 0)

    def counters(self, name: str) -> list[tuple[int, int]]:
        """Return the replicas of which uids were derived, each with its counter."""
        return [(replica, count) for (of, replica), count in self._counters.items() if of == name]

    async def commit(self, *changes: Change) -> None:
        """Write changes, all or none. Raises StateError, and then nothing has changed."""
        together = (*self._owed, *changes)
        self.store.commit(self.scope, together)
        self._owed.clear()
        for change in together:
            self._believe(change)

    def owe(self, *changes: Change) -> None:
        """Believe what was done to sessions that state cannot take now: the next commit is to."""
        self._owed += changes
        self._put_all(changes)

    def believe(self, session: Session, files: str | None = None) -> None:
        """Take note of what was seen without writing it: for plans, which write nothing."""
        self._put(session)
        if files is not None:
            self.seen_files[session.id] = files

    def _believe(self, change: Change) -> None:
        match change:
            case SetSession(session=session):
                self._put(session)
            case SetRecorded(recorded=recorded):
                self.recorded[recorded.name] = recorded
            case DropRecorded(name=name):
                self.recorded.pop(name, None)
                self._let_go(name)
            case SetApp(name=name, manifest=manifest):
                self.apps[name] = manifest
            case SetCounter(recording=name, replica=replica, counter=counter):
                self._counters[name, replica] = counter
            case Rename(before=before, after=after):
                self._rename(before, after)
            case Event():
                self.told(change)
            case _:
                pass  # told to others; nothing here depends on it

    def _put(self, session: Session) -> None:
        known = self._sessions[session.recording]
        if (before := known.get(session.id)) is not None:
            self._hold(before, -1)
            if session.id in self.looks:
                self.looks[session.id].order()
        self._hold(session, +1)
        known[session.id] = session
        for other in list(known.values()):
            if _is_history(other) and _is_later(session, other):
                del known[other.id]
                self.listings.pop(other.id, None)

    def _put_all(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if isinstance(change, SetSession):
                self._put(change.session)

    def _let_go(self, name: str) -> None:
        """Keep of a Recording that is gone only what may live, or is to be looked at again."""
        known = self._sessions.get(name, {})
        for session in [each for each in known.values() if _is_history(each)]:
            del known[session.id]
        if not known:
            self._sessions.pop(name, None)

    def _hold(self, session: Session, count: int) -> None:
        if not session.may_live and session.phase is not Phase.NONE:
            return
        self._places[session.app_key, session.mode == WEB] += count
        holders = self._taken[session.app_key, session.channel]
        (holders.add if count > 0 else holders.discard)((session.uid, session.id))
        if not holders:
            del self._taken[session.app_key, session.channel]

    def _rename(self, before: str, after: str) -> None:
        for session in self._sessions.pop(before, {}).values():
            self._sessions[after][session.id] = replace(session, recording=after)
        for (name, replica), counter in list(self._counters.items()):
            if name == before:
                del self._counters[name, replica]
                self._counters[after, replica] = max(counter, self.counter(after, replica))
        if before in self.recorded:
            self.recorded[after] = replace(self.recorded.pop(before), name=after)


def _is_history(session: Session) -> bool:
    return session.phase in SETTLED and session.recheck_s is None


def _is_later(session: Session, other: Session) -> bool:
    """Tell whether `session` is the newer one of the same replica, and has not ended before it."""
    is_newer = (session.created_s, session.id) > (other.created_s, other.id)
    outlives = not _is_history(session) or _over_s(session) >= _over_s(other)
    return session.replica == other.replica and is_newer and outlives


def _over_s(session: Session) -> float:
    return session.created_s if session.ended_s is None else session.ended_s
