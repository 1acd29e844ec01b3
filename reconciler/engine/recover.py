"""Giving an orphan its `sid` back, so that it can be stopped (design/reconcile.md, "Orphans")."""

from reconciler.engine.bodies import HOUR_S, RESOURCE_HOURS
from reconciler.engine.records import WEB
from reconciler.engine.site import Site
from reconciler.engine.tell import NORMAL, event
from reconciler.plan import life
from reconciler.plan.applied import thaw
from reconciler.plan.life import Clocks
from reconciler.plan.session import Session
from reconciler.state.store import Change, JournalEntry, Notice, SetSession


async def bring_back(site: Site, orphan: Session) -> None:
    """Look whether the `sid` of a start was told while its answer was still awaited."""
    for notice in site.records.store.notices(site.records.scope, begun_s(orphan)):
        if _tells(site, notice, orphan):
            session, changes = recovered(site, orphan, notice.sid or "", site.now_s())
            await site.records.commit(SetSession(session=session), *changes)
            return


def recovered(
    site: Site, orphan: Session, sid: str, now_s: float
) -> tuple[Session, tuple[Change, ...]]:
    """Return the session with its `sid`, and what to write beside it.

    It is no longer wanted, and ends as it was known to.
    """
    session = life.started(orphan, sid=sid, now_s=now_s, clocks=_clocks(site, orphan))
    text = f"session {sid} (uid {session.uid}) is no longer out of reach, and has to end"
    entry = JournalEntry(
        time_s=now_s, session=session.id, step="start", what="recovered", detail=sid
    )
    return session, (entry, event(session.recording, NORMAL, "recovered", text, now_s))


def begun_s(orphan: Session) -> float:
    """Return from when on the session of a start without an answer may be told of."""
    return orphan.created_s if orphan.acquired_s is None else orphan.acquired_s


def _tells(site: Site, notice: Notice, orphan: Session) -> bool:
    """Tell whether a notification is of this start, and of no session that has its `sid`."""
    facts = site.apps.facts().get(notice.app)
    if not notice.sid or facts is None or facts.app_key != orphan.app_key:
        return False
    if (notice.channel, notice.uid) != (orphan.channel, orphan.uid):
        return False
    if notice.sent_s is None or notice.sent_s < begun_s(orphan):
        return False
    return site.records.store.of_sid(notice.sid) is None


def _clocks(site: Site, orphan: Session) -> Clocks:
    began_s = begun_s(orphan)
    ends_s = orphan.ends_by_s if orphan.mode == WEB else None
    text = site.records.store.applied([orphan.id]).get(orphan.id)
    hours = thaw(text).acquire.get("resourceExpiredHour") if text else None
    return Clocks(
        resource_s=(hours if isinstance(hours, int) else RESOURCE_HOURS) * HOUR_S,
        duration_s=None if ends_s is None else ends_s - began_s,
        token_ends_s=orphan.token_ends_s,
        credentials_end_s=orphan.credentials_end_s,
    )
