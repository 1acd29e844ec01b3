"""What a state is to be after any commits: a dictionary and the plainest code that can say it."""

from dataclasses import dataclass, field, replace

from reconciler.plan.session import Phase, Session
from reconciler.state.bounds import Bounds
from reconciler.state.store import (
    Change,
    DropRecorded,
    Rename,
    SetCounter,
    SetRecorded,
    SetSession,
)

LIVING = {"acquired", "starting", "running", "missing", "orphan"}


@dataclass
class Model:
    """Sessions, Recordings and counters of all scopes."""

    sessions: dict[str, tuple[str, Session]] = field(default_factory=dict)
    recorded: set[tuple[str, str]] = field(default_factory=set)
    counters: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def commit(self, scope: str, changes: list[Change]) -> None:
        for change in changes:
            match change:
                case SetSession(session=session):
                    self.sessions[session.id] = (scope, session)
                case SetRecorded(recorded=recorded):
                    self.recorded.add((scope, recorded.name))
                case DropRecorded(name=name):
                    self.recorded.discard((scope, name))
                case SetCounter(recording=name, replica=replica, counter=counter):
                    self.counters[scope, name, replica] = counter
                case Rename(before=before, after=after):
                    self._rename(scope, before, after)
                case _:
                    pass

    def _rename(self, scope: str, before: str, after: str) -> None:
        for name, (owner, session) in self.sessions.items():
            if (owner, session.recording) == (scope, before):
                self.sessions[name] = (owner, replace(session, recording=after))
        if (scope, before) in self.recorded:
            self.recorded = self.recorded - {(scope, before)} | {(scope, after)}
        for key in [key for key in self.counters if key[:2] == (scope, before)]:
            moved = self.counters.pop(key)
            new = (scope, after, key[2])
            self.counters[new] = max(moved, self.counters.get(new, moved))

    def current(self, scope: str) -> list[Session]:
        """Return what a snapshot of the scope tells of, oldest first."""
        mine = [session for owner, session in self.sessions.values() if owner == scope]
        hidden = [one for one in mine if settled(one) and any(_hides(other, one) for other in mine)]
        return sorted((one for one in mine if one not in hidden), key=_age)

    def living(self, scope: str) -> list[str]:
        """Return the uids of what may live in other scopes."""
        others = (session for owner, session in self.sessions.values() if owner != scope)
        return sorted(session.uid for session in others if session.phase in LIVING)

    def trim(self, now_s: float, bounds: Bounds) -> None:
        """Drop what is old: first what is not current, then the newest of what is gone."""
        for may_be_newest in (False, True):
            for name, (scope, session) in list(self.sessions.items()):
                is_newest = session in self.current(scope)
                before_s = now_s - bounds.sessions_age_s
                if self._is_old(session, before_s) and (
                    not is_newest or (may_be_newest and self._is_gone(scope, session, before_s))
                ):
                    del self.sessions[name]

    def _is_old(self, session: Session, before_s: float) -> bool:
        return settled(session) and _over_s(session) < before_s

    def _is_gone(self, scope: str, session: Session, before_s: float) -> bool:
        key = (scope, session.recording, session.replica)
        alike = [
            other
            for owner, other in self.sessions.values()
            if (owner, other.recording, other.replica) == key
        ]
        is_last = all(self._is_old(other, before_s) for other in alike)
        return is_last and key[:2] not in self.recorded


def settled(session: Session) -> bool:
    is_over = session.phase in {Phase.ENDED, Phase.FAILED} and session.recheck_s is None
    return is_over and not (session.stop_reason and session.ended_s is None)


def _hides(other: Session, session: Session) -> bool:
    """Tell whether another is newer, and did not end before it."""
    is_alike = (other.recording, other.replica) == (session.recording, session.replica)
    outlives = not settled(other) or _over_s(other) >= _over_s(session)
    return is_alike and _age(other) > _age(session) and outlives


def _over_s(session: Session) -> float:
    return session.created_s if session.ended_s is None else session.ended_s


def _age(session: Session) -> tuple[float, str]:
    return session.created_s, session.id
