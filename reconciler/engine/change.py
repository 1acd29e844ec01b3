"""Changing a running session: one `update` for each group, then the layout, one after the other.

A group is marked as unsettled before it is sent, and only its answer lifts that: after a crash or a
lost answer it is sent again, whole (agora-api.md 6.5, 6.6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.agora.answers import Updated
from reconciler.agora.client import Client
from reconciler.agora.failures import Failure, Meaning
from reconciler.engine.bodies import credentials_end_s
from reconciler.engine.halt import HALTED
from reconciler.engine.observe import handle_of
from reconciler.engine.site import Site
from reconciler.engine.tell import NORMAL, event, events
from reconciler.errors import SecretError
from reconciler.plan import life
from reconciler.plan.applied import Applied, freeze, group_request, sealed_text, thaw
from reconciler.plan.parts import with_group
from reconciler.plan.result import Problem
from reconciler.plan.session import REACHABLE, Session
from reconciler.spec.groups import Group
from reconciler.state.store import JournalEntry, SetSession

_UNCHANGED = frozenset(
    {
        Meaning.REJECTED,
        Meaning.CLIENT_BUG,
        Meaning.UNREACHED,
        Meaning.THROTTLED,
        Meaning.WITHDRAWN,
    }
)
"""Failures after which the session certainly has what it had."""


async def change(
    site: Site, session: Session, desired: Applied, groups: Sequence[Group]
) -> Problem | None:
    """Send these groups as they are desired; return why one of them did not go through."""
    client = site.apps.client_of(session)
    if isinstance(client, Problem):
        return client
    for group in groups:
        if site.halt.ordered:
            return HALTED
        current = site.records.current(session)
        if current is None or current.phase not in REACHABLE:  # a notification told its end
            return None
        problem = await _send(site, client, current, desired, group)
        if problem is not None:
            return problem
    return None


async def _send(
    site: Site, client: Client, session: Session, desired: Applied, group: Group
) -> Problem | None:
    try:
        raw = site.specs.desired(session.recording).raw
        request = site.vault.body(group_request(desired, group, raw))
    except SecretError as unresolved:
        return Problem("secret-unresolved", str(unresolved), unresolved.hint)
    step = "updateLayout" if group is Group.LAYOUT else "update"
    unsettled = replace(session, pending=_ordered({*session.pending, str(group)}))
    await _write(site, unsettled, step, "intent", group)
    site.doing(session.recording, session.replica, f"changing {group}")
    call = client.update_layout if group is Group.LAYOUT else client.update
    answer = await call(handle_of(session), request)
    now = site.records.current(session)
    if now is None or now.phase not in REACHABLE:  # a notification told its end meanwhile
        return None
    session, unsettled = replace(now, pending=session.pending), now
    if isinstance(answer, Updated):
        fresh = _with_credentials(unsettled, request, site.now_s())
        await _accepted(site, fresh if group is Group.CREDENTIALS else unsettled, desired, group)
        return None
    return await _refused(site, session, unsettled, group, answer)


async def _accepted(site: Site, session: Session, desired: Applied, group: Group) -> None:
    now_s = site.now_s()
    text = site.records.store.applied([session.id])[session.id]
    applied = with_group(thaw(text), desired, group)
    settled = replace(
        session,
        pending=tuple(each for each in session.pending if each != group),
        sealed=sealed_text(applied),
        paused=None if group is Group.PAUSED else session.paused,
        rtmp="" if group is Group.RTMP else session.rtmp,
    )
    step = "updateLayout" if group is Group.LAYOUT else "update"
    entry = JournalEntry(
        time_s=now_s, session=session.id, step=step, what="accepted", detail=str(group)
    )
    told = event(session.recording, NORMAL, "changed", f"{group} of {session.sid} changed", now_s)
    await site.records.commit(SetSession(session=settled, applied=freeze(applied)), entry, told)


def _with_credentials(session: Session, request: Mapping[str, Any], now_s: float) -> Session:
    """Note when the storage's credentials were resolved, and when those that were sent end."""
    ends_s = credentials_end_s(request)
    return replace(session, credentials_s=now_s, credentials_end_s=ends_s)


async def _refused(
    site: Site, before: Session, unsettled: Session, group: Group, failure: Failure
) -> Problem | None:
    step = str(failure.endpoint)
    after = before if failure.meaning in _UNCHANGED else unsettled
    if failure.meaning is Meaning.GONE_OR_MOVING:
        after = life.not_found(after, site.now_s())
    await _write(site, after, step, str(failure.meaning), group, before=before)
    return site.apps.why(before.app_key, failure)


async def _write(
    site: Site,
    after: Session,
    step: str,
    what: str,
    group: Group,
    *,
    before: Session | None = None,
) -> None:
    now_s = site.now_s()
    entry = JournalEntry(time_s=now_s, session=after.id, step=step, what=what, detail=str(group))
    told = events(before or after, after, now_s, site.records.terms(after.recording))
    await site.records.commit(SetSession(session=after), entry, *told)


def _ordered(groups: set[str]) -> tuple[str, ...]:
    return tuple(str(group) for group in Group if str(group) in groups)
