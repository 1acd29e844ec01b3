"""Giving an orphan its `sid` back, so that it can be stopped (design/reconcile.md, "Orphans")."""

from reconciler.engine.bodies import HOUR_S, RESOURCE_HOURS
from reconciler.engine.records import WEB
from reconciler.engine.site import Site
from reconciler.plan import life
from reconciler.plan.applied import thaw
from reconciler.plan.life import Clocks
from reconciler.plan.session import Session


def recovered(site: Site, orphan: Session, sid: str, now_s: float) -> Session:
    """Return the session with its `sid`: it is no longer wanted, and ends as it was known to."""
    return life.started(orphan, sid=sid, now_s=now_s, clocks=_clocks(site, orphan))


def _clocks(site: Site, orphan: Session) -> Clocks:
    begun_s = orphan.created_s if orphan.acquired_s is None else orphan.acquired_s
    ends_s = orphan.ends_by_s if orphan.mode == WEB else None
    text = site.records.store.applied([orphan.id]).get(orphan.id)
    hours = thaw(text).acquire.get("resourceExpiredHour") if text else None
    return Clocks(
        resource_s=(hours if isinstance(hours, int) else RESOURCE_HOURS) * HOUR_S,
        duration_s=None if ends_s is None else ends_s - begun_s,
        token_ends_s=orphan.token_ends_s,
        credentials_end_s=orphan.credentials_end_s,
    )
