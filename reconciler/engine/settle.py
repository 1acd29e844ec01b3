"""Settling what an earlier run left open: claims without a start, starts without an answer.

design/reconcile.md, "Errors of the service": the identical start is repeated while the resource ID
lives; what cannot be made again identically is not repeated, and is an orphan.
"""

from collections.abc import Iterator
from typing import Any

from reconciler.agora.answers import Acquired, Started
from reconciler.agora.client import Client
from reconciler.agora.failures import Failure, Meaning
from reconciler.engine.bodies import Bodies, bodies, duration_s
from reconciler.engine.keep import keep_sid
from reconciler.engine.recover import bring_back
from reconciler.engine.site import Site
from reconciler.engine.tell import events
from reconciler.errors import SecretError
from reconciler.plan import life
from reconciler.plan.applied import thaw, unsealed
from reconciler.plan.result import Problem
from reconciler.plan.session import End, Phase, Session
from reconciler.spec.desired import Desired, Policy
from reconciler.spec.wire import Mode
from reconciler.state.store import JournalEntry, SetSession


async def settle(site: Site, name: str) -> None:
    """Settle every session of a Recording that an earlier run left between two writes."""
    for session in site.records.sessions_of(name):
        if session.phase is Phase.NONE:
            await _write(site, session, life.ended(session, End.INTERRUPTED, site.now_s()), "none")
        elif session.phase is Phase.ACQUIRED:
            await _settle_start(site, session)


async def _settle_start(site: Site, session: Session) -> None:
    client = site.apps.client_of(session)
    is_young = site.now_s() - (session.acquired_s or 0) < life.RESOURCE_ID_S
    if isinstance(client, Problem):
        if not is_young:
            await _lose(site, session, client.code)
        return
    prepared = _identical(site, session) if is_young else None
    if prepared is None:
        await _lose(site, session, "not repeated")
        return
    answer = await _repeat(client, session, prepared)
    sid = answer.sid
    if sid and (isinstance(answer, Started) or answer.meaning is Meaning.STARTED):
        await keep_sid(site, client, session, sid, prepared.clocks)
    else:
        assert isinstance(answer, Failure)
        await _lose(site, session, str(answer.meaning))


async def _repeat(client: Client, session: Session, prepared: Bodies) -> Started | Failure:
    acquired = Acquired(
        host=session.host,
        request_id=None,
        resource_id=session.resource_id,
        acquired_s=session.acquired_s or 0.0,
    )
    return await client.start(acquired, Mode(session.mode), prepared.start, perhaps=True)


async def _lose(site: Site, session: Session, why: str) -> None:
    duration = next((duration_s(desired) for desired in _candidates(site, session)), None)
    lost = life.orphaned(session, site.now_s(), duration_s=duration)
    await _write(site, session, lost, why)
    await bring_back(site, lost)


async def _write(site: Site, before: Session, after: Session, what: str) -> None:
    now_s = site.now_s()
    entry = JournalEntry(time_s=now_s, session=after.id, step="start", what=what)
    told = events(before, after, now_s, site.records.terms(after.recording))
    await site.records.commit(SetSession(session=after), entry, *told)


def _identical(site: Site, session: Session) -> Bodies | None:
    """Make the body again that was sent; None if nothing that we have makes the same."""
    if not session.body_hash:
        return None
    for desired in _candidates(site, session):
        try:
            prepared = bodies(site, desired, session)
        except (SecretError, KeyError):
            continue
        if site.vault.hash_body(prepared.start) == session.body_hash:
            return prepared
    return None


def _candidates(site: Site, session: Session) -> Iterator[Desired]:
    """Yield what the session may have been started from: what was written, and the specs of now."""
    text = site.records.store.applied([session.id]).get(session.id)
    if text:
        yield _as_applied(session, text)
    if session.recording in site.specs.wanted and site.specs.wanted[session.recording].digest:
        yield site.specs.desired(session.recording)


def _as_applied(session: Session, text: str) -> Desired:
    acquire, request = unsealed(thaw(text))
    values: dict[str, Any] = {"acquire": acquire, "request": request}
    return Desired(
        name=session.recording,
        app=session.app,
        mode=Mode(session.mode),
        channel=session.channel,
        uids=(),
        replicas=1,
        raw=None,
        generate_token=bool(session.token_salt),
        group_derived=False,
        refresh_s=0,
        suspend=False,
        suspend_reason="",
        suspend_until="",
        schedule=None,
        policy=Policy(),
        labels={},
        annotations={},
        **values,
    )
