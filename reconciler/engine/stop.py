"""Stopping a session, until it is known to have ended (design/reconcile.md, invariant 3)."""

from dataclasses import replace

from reconciler.agora.answers import Stopped, Upload
from reconciler.agora.failures import APP_WIDE, Failure, Meaning
from reconciler.engine import gaps
from reconciler.engine.files import files_of
from reconciler.engine.observe import handle_of
from reconciler.engine.site import Site
from reconciler.engine.tell import events
from reconciler.plan import life
from reconciler.plan.result import Problem
from reconciler.plan.session import End, Session
from reconciler.state.store import Change, JournalEntry, SetFiles, SetSession

_TAKEN = frozenset({Meaning.GOING, Meaning.ENDED})
"""Failures of a stop that say it is stopping or has stopped (agora-api.md 6.7)."""

_NOT_TAKEN = APP_WIDE | {Meaning.WITHDRAWN}
"""Failures of a stop that the service certainly did not take, and that no repeat would mend."""


async def stop(
    site: Site, session: Session, reason: End, *, synchronous: bool = False
) -> Problem | None:
    """Ask the service to stop a session; return why it did not take that."""
    now = site.records.current(session)
    if now is None or now.phase in life.SETTLED:  # its end was told since that was decided
        return None
    session = now
    if life.past_reach(session, site.now_s()):
        lost = life.orphaned(session, site.now_s())
        await site.records.commit(*noted(site, session, lost, "out of reach"))
        return Problem("orphan", f"session `{session.sid}` is past its resource expiry", None)
    client = site.apps.client_of(session)
    if isinstance(client, Problem):
        return client
    if not session.sid:
        return Problem("start-unsettled", "an earlier start of it is not settled yet", None)
    asked = life.stop_asked(session, reason, site.now_s())
    await site.records.commit(*noted(site, session, asked, "intent"))
    site.doing(session.recording, session.replica, "stopping")
    answer = await client.stop(handle_of(asked), synchronous=synchronous)
    changes = heard(site, session, asked, answer)
    if not changes:
        return None
    await site.records.commit(*changes)
    return _problem(site, asked, answer)


def heard(site: Site, before: Session, asked: Session, answer: Stopped | Failure) -> list[Change]:
    """Return what to write of the answer to a stop; nothing, if its end was told meanwhile."""
    now = site.records.current(asked)
    if now is None or now.phase in life.SETTLED:
        return []
    after = _answered(before, now, answer, site.now_s())
    if isinstance(answer, Stopped):
        return noted(site, now, after, "taken", _files(site, now, answer))
    return noted(site, now, after, str(answer.meaning))


def _answered(before: Session, asked: Session, answer: Stopped | Failure, now_s: float) -> Session:
    if isinstance(answer, Stopped):
        return life.stop_taken(asked, now_s)
    if answer.meaning in _NOT_TAKEN:  # as if nobody had asked: a stop that failed is not kept up
        return _as_before(asked, before)
    if answer.meaning is Meaning.ENDED:
        return life.ended(life.stop_taken(asked, now_s), End(asked.stop_reason), now_s)
    if answer.meaning in _TAKEN:
        return life.stop_taken(asked, now_s)
    if answer.meaning is Meaning.GONE_OR_MOVING:
        return life.not_found(asked, now_s)
    return life.unanswered(asked, now_s)


def _as_before(now: Session, before: Session) -> Session:
    """Return the session as it is, with what it had of stops before."""
    return replace(
        now,
        stop_reason=before.stop_reason,
        stop_asked_s=before.stop_asked_s,
        stops=before.stops,
    )


def _problem(site: Site, session: Session, answer: Stopped | Failure) -> Problem | None:
    """Return why the service did not take a stop."""
    if isinstance(answer, Stopped) or answer.meaning in _TAKEN:
        return None
    if answer.meaning is Meaning.GONE_OR_MOVING:
        return None
    why = site.apps.why(session.app_key, answer)
    return why if answer.meaning in _NOT_TAKEN else replace(why, hint=_STAYS_ORDERED)


_STAYS_ORDERED = "it may have been taken: the stop stays ordered, and the next run repeats it"


async def forget(site: Site, session: Session) -> None:
    """Let a session run and know nothing more of it."""
    ended = life.ended(session, End.FORGOTTEN, site.now_s())
    await site.records.commit(*noted(site, session, ended, "forgotten"))


def _files(site: Site, session: Session, answer: Stopped) -> tuple[str | None, str]:
    upload = "" if answer.upload in {None, Upload.UNKNOWN} else str(answer.upload)
    return files_of(site, session, answer), upload


def noted(
    site: Site,
    before: Session,
    after: Session,
    what: str,
    files: tuple[str | None, str] = (None, ""),
) -> list[Change]:
    """Return what to write of a step of a stop; `files` as `SetFiles` has them."""
    now_s = site.now_s()
    changes: list[Change] = [
        SetSession(session=after),
        JournalEntry(time_s=now_s, session=after.id, step="stop", what=what),
        *events(before, after, now_s, site.records.terms(after.recording)),
        *gaps.closed(site.records, before, after, now_s),
    ]
    listed, upload = files
    if listed is not None or upload:
        changes.append(SetFiles(session=after.id, files=listed or "", upload=upload))
    return changes
