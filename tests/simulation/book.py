"""What state knows, learnt from its commits: no checker has to ask for it."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.plan.session import Session
from reconciler.state.store import Change, Rename, SetRecorded, SetSession


class Book:
    """Every session that was ever written, as it was written last."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        """By the id that state gives them, oldest first."""

        self.of_resource: dict[str, str] = {}
        """The id of the session, by resource ID."""

        self.written_s: dict[str, float] = {}
        """When each session was last written."""

    def write(self, changes: Sequence[Change], at_s: float) -> list[tuple[Session | None, Session]]:
        """Take over a commit; return the sessions of it, before and after."""
        moved = []
        for change in changes:
            match change:
                case SetSession(session=session):
                    moved.append((self.sessions.get(session.id), session))
                    self.sessions[session.id] = session
                    self.written_s[session.id] = at_s
                    if session.resource_id:
                        self.of_resource[session.resource_id] = session.id
                case Rename(before=before, after=after):
                    for each in list(self.sessions.values()):
                        if each.recording == before:
                            self.sessions[each.id] = replace(each, recording=after)
                case SetRecorded() | _:
                    pass
        return moved

    def by_resource(self, resource_id: str) -> Session | None:
        """Return the session that this resource ID was acquired for."""
        known = self.of_resource.get(resource_id)
        return None if known is None else self.sessions[known]
