"""Times within a session's life in which it may not have recorded, as state keeps them."""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.agora.events import SliceStarted
from reconciler.engine.records import Records
from reconciler.plan.life import MISSING_S, SETTLED, begun_s
from reconciler.plan.session import Phase, Session
from reconciler.state.store import Gap

MISSING, FAILOVER, INTERRUPTED = "missing", "failover", "interrupted"

_EVERYBODY = "0"
"""The user that files are said to be of which mix all users (agora-api.md 4.3)."""


def closed(records: Records, before: Session, after: Session, now_s: float) -> list[Gap]:
    """Return the gaps that end with this step: what was missing answers again, or has ended.

    One that is told to have recorded meanwhile is missing anew from then on.
    """
    if before.phase is not Phase.MISSING:
        return []
    if after.phase is Phase.MISSING:
        until_s = after.missing_s
        if until_s is None or until_s == before.missing_s:
            return []
    else:
        is_over = after.phase in SETTLED and after.ended_s is not None
        until_s = after.ended_s if is_over and after.ended_s is not None else now_s
    return list(_closed(records, before, until_s))


def _closed(records: Records, session: Session, until_s: float) -> Iterator[Gap]:
    known = records.store.gaps(records.scope, session.recording)
    left = [gap for gap in known if gap.session == session.id and gap.until_s is None]
    for gap in left:
        yield replace(gap, until_s=max(until_s, gap.from_s))
    since_s = session.missing_s
    if not left and since_s is not None and since_s < until_s:
        yield Gap(session=session.id, from_s=since_s, until_s=until_s, cause=MISSING)


def opened(session: Session, at_s: float) -> Gap | None:
    """Return the gap of a failover that was told at that time; None for what did not record.

    It began when the session was first not found, else at the earliest 90 s before (agora-api.md
    7.3), and after it was last known to be well.
    """
    if session.phase not in {Phase.RUNNING, Phase.MISSING}:
        return None
    since_s = session.missing_s
    if since_s is None:
        well_s = (session.observed_s, session.confirmed_s, at_s - MISSING_S)
        since_s = max(moment for moment in well_s if moment is not None)
    return Gap(session=session.id, from_s=min(since_s, at_s), until_s=None, cause=FAILOVER)


def interrupted(session: Session, event: SliceStarted, now_s: float) -> Gap | None:
    """Return the gap before a slice; None if it is the first, or of one user among others."""
    if event.start_ms is None or event.gap_start_ms is None:
        return None
    if not (event.mixes_all_users or event.uid == _EVERYBODY):
        return None
    from_ms = max(event.gap_start_ms, begun_s(session) * 1000)
    until_ms = min(event.start_ms, now_s * 1000)
    if from_ms >= until_ms:
        return None
    return Gap(
        session=session.id, from_s=from_ms / 1000, until_s=until_ms / 1000, cause=INTERRUPTED
    )
