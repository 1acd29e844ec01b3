"""Asking the service how sessions are, and what that makes of them.

`look` queries and writes nothing, so that `plan` uses it too; `observe` looks at what is due and
writes what it saw. An answer that did not come says nothing of a session (style.md, convention 12).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.agora.answers import Handle, Observation
from reconciler.agora.failures import Failure, Meaning
from reconciler.engine import gaps
from reconciler.engine.files import files_of
from reconciler.engine.halt import Halt
from reconciler.engine.page import address_seal, is_paused
from reconciler.engine.records import WEB
from reconciler.engine.site import Site
from reconciler.engine.tell import events, silences
from reconciler.errors import StateError
from reconciler.plan import life
from reconciler.plan.applied import UNKNOWN_SEAL, Seal, thaw
from reconciler.plan.looks import next_look_s
from reconciler.plan.result import Problem
from reconciler.plan.session import REACHABLE, Phase, Session
from reconciler.spec.wire import Mode
from reconciler.state.store import Change, SetFiles, SetSession

QUERIES_MAX = 32
"""So many queries wait for answers at once; the rate is the budget's to keep."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a query made of a session; `files` None where it told of none, or of no others.

    `listing` stands for the files of the answer as a whole.
    """

    session: Session
    files: str | None = None
    problem: Problem | None = None
    listing: int | None = None


async def observe(site: Site, name: str) -> None:
    """Look at those sessions of a Recording that are due, and write what was seen.

    What changed meanwhile is looked at once more, before anything is decided about it.
    """
    for _ in range(2):
        now_s = site.now_s()
        for session in site.records.sessions_of(name):
            if _is_due(site, session, now_s):
                site.records.to_ask.discard(session.id)
                await write_look(site, session, await _look_unless_told(site, session))


async def _look_unless_told(site: Site, session: Session) -> Look:
    """Look, but for no longer than nothing else tells how the session is.

    With a thousand sessions the query may be in line for seconds, and what a notification tells is
    to be acted on within one.
    """
    halt = site.records.looks[session.id] = Halt()
    try:
        return await halt.unless(look(site, session)) or Look(session)
    finally:
        del site.records.looks[session.id]


def _is_due(site: Site, session: Session, now_s: float) -> bool:
    if session.phase in {Phase.NONE, Phase.ACQUIRED}:
        return False
    due_s = next_look_s(session, site.resync_s(session))
    if session.id in site.records.to_ask:
        return due_s is not None
    return due_s is not None and due_s <= now_s


async def refresh(site: Site, *, write: bool) -> list[Problem]:
    """Look at all sessions of a run that may tell something; see `observe_all`."""
    now_s = site.now_s()
    asked = [each for each in site.records.all_sessions() if _is_asked(site, each, now_s)]
    return await observe_all(site, asked, write=write)


async def observe_all(site: Site, sessions: Iterable[Session], *, write: bool) -> list[Problem]:
    """Look at all of these sessions; return what kept the service from telling, once each."""
    gate = asyncio.Semaphore(QUERIES_MAX)
    problems: dict[str, Problem] = {}

    async def one(session: Session) -> None:
        async with gate:
            seen = await look(site, session)
        if seen.problem is not None:
            site.records.unseen[session.id] = (seen.problem.code, seen.problem.message)
            problems.setdefault(f"{seen.problem.code} {session.app}", seen.problem)
        else:
            site.records.unseen.pop(session.id, None)
        if write:
            await write_look(site, session, seen)
        else:
            site.records.believe(seen.session, seen.files)

    await asyncio.gather(*(one(session) for session in sessions))
    return list(problems.values())


def _is_asked(site: Site, session: Session, now_s: float) -> bool:
    """Tell whether to ask how a session is: also one whose end 404 alone told, when that is due."""
    if not site.is_selected(session.recording):
        return False
    is_doubted = session.recheck_s is not None and session.recheck_s <= now_s
    return session.phase in REACHABLE or session.is_orphan or is_doubted


async def look(site: Site, session: Session) -> Look:
    """Query one session and return what it then is."""
    now_s = site.now_s()
    if session.is_orphan:
        return Look(life.expire_orphan(session, now_s))
    if life.past_reach(session, now_s):
        return Look(life.orphaned(session, now_s))
    client = site.apps.client_of(session)
    if isinstance(client, Problem):
        return Look(life.unanswered(session, now_s), problem=client)
    answer = await client.query(handle_of(session))
    now_s = site.now_s()
    if isinstance(answer, Observation):
        seen = _seen(site, session, answer)
        goes_on = _goes_on(site, session)
        known = session if seen.is_end else life.found_alive(session, now_s, goes_on=goes_on)
        after = _confirmed_in_time(life.observed(known, seen, now_s), now_s)
        listing = hash((answer.all_files, answer.slice_start_ms))
        if site.records.listings.get(session.id) == listing:
            return Look(after)
        return Look(after, files_of(site, session, answer), listing=listing)
    return Look(_failed(session, answer, now_s), problem=_problem(site, session, answer))


async def write_look(site: Site, before: Session, seen: Look) -> None:
    """Write what a query saw of a session."""
    known = site.records.sessions_of(before.recording)
    if before not in known:  # changed by a step that was under way, or a notification: asked again
        is_left = any(each.id == before.id and each.phase in REACHABLE for each in known)
        site.records.to_ask |= {before.id} if is_left else set()
        return
    if seen.session == before and seen.files is None:
        return
    changes: list[Change] = [SetSession(session=seen.session)]
    terms = site.records.terms(before.recording)
    changes += events(before, seen.session, site.now_s(), terms)
    changes += gaps.closed(site.records, before, seen.session, site.now_s())
    changes += silences(before, seen.session, seen.problem)
    if seen.files is not None:
        changes.append(SetFiles(session=before.id, files=seen.files))
    try:
        await site.records.commit(*changes)
    except StateError:
        site.records.to_ask.add(before.id)  # what could not be written down is to be seen again
        raise
    if seen.listing is not None:
        site.records.listings[before.id] = seen.listing


def handle_of(session: Session) -> Handle:
    """Return how the service is told which session is meant."""
    return Handle(
        channel=session.channel,
        uid=session.uid,
        resource_id=session.resource_id,
        sid=session.sid,
        mode=Mode(session.mode),
        host=session.host,
    )


def _goes_on(site: Site, session: Session) -> bool:
    """Tell whether nothing took the place of a session, should it be alive after all."""
    is_taken = any(
        each.created_s > session.created_s or (each.may_live and not each.is_orphan)
        for each in site.records.sessions_of(session.recording)
        if each.replica == session.replica and each.id != session.id
    )
    return session.recording in site.records.recorded and not is_taken


def _confirmed_in_time(session: Session, now_s: float) -> Session:
    return life.unconfirmed(session, now_s) if life.unconfirmed_due(session, now_s) else session


def _failed(session: Session, failure: Failure, now_s: float) -> Session:
    if failure.meaning is Meaning.WITHDRAWN:
        return session
    if failure.meaning is Meaning.GONE_OR_MOVING:
        if session.phase in life.SETTLED:
            return life.rechecked(session, now_s)
        return _confirmed_in_time(life.not_found(session, now_s), now_s)
    return life.unanswered(session, now_s)


def _problem(site: Site, session: Session, failure: Failure) -> Problem | None:
    if failure.meaning in {Meaning.GONE_OR_MOVING, Meaning.GOING}:
        return None
    return site.apps.why(session.app_key, failure)


def _seen(site: Site, session: Session, answer: Observation) -> life.Seen:
    """Return what an answer says, told against what was applied: only what differs is drift."""
    state = answer.web.state if answer.web else None
    paused = answer.web.is_paused if answer.web else None
    rtmp, rtmp_status = _push(site, answer)
    if session.mode == WEB and (paused is not None or rtmp.mark):
        applied = site.records.store.applied([session.id]).get(session.id)
        if applied:
            was = thaw(applied)
            paused = None if paused == is_paused(was) else paused
            rtmp = UNKNOWN_SEAL if address_seal(was).agrees_with(rtmp) else rtmp
    return life.Seen(answer.status, state, paused, rtmp.mark, rtmp_status)


def _push(site: Site, answer: Observation) -> tuple[Seal, str]:
    if not answer.pushes:
        return UNKNOWN_SEAL, ""
    push = answer.pushes[0]
    return site.vault.seal_text(push.address.reveal()), push.status or ""
