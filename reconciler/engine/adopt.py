"""Taking over a session that something else started (design/cli.md, "import").

It is asked for first; what does not fit keeps nothing. What cannot change in a session is taken to
be as the spec says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.agora.answers import Handle, Observation
from reconciler.agora.failures import Failure, Meaning
from reconciler.engine.asked import asked_change
from reconciler.engine.bodies import bodies
from reconciler.engine.files import listed
from reconciler.engine.record import apps_used, recorded_now
from reconciler.engine.site import Site
from reconciler.engine.start import SALT_BITS, sealed
from reconciler.engine.tell import NORMAL, event
from reconciler.errors import SecretError
from reconciler.plan import life
from reconciler.plan.applied import freeze, sealed_text
from reconciler.plan.result import Problem
from reconciler.plan.session import End, Phase, Session
from reconciler.spec import mapping
from reconciler.spec.desired import Desired, client_request
from reconciler.spec.groups import Group
from reconciler.spec.wire import get
from reconciler.state.store import Change, JournalEntry, SetFiles, SetRecorded, SetSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What the user says of the session. `started_s` None: it is not known."""

    recording: str
    replica: int
    uid: str
    resource_id: str
    sid: str
    started_s: float | None
    assume_applied: bool


async def adopt(site: Site, asked: Adoption) -> Session | Problem:
    """Query the session and keep it as this Recording's; return why that cannot be.

    The Recording's manifest is sound and wants this replica. Raises StateError.
    """
    desired = site.specs.desired(asked.recording)
    client = _obstacle(site, desired, asked) or site.apps.client(desired.app)
    if isinstance(client, Problem):
        return client
    answer = await client.query(_handle(site, desired, asked))
    if isinstance(answer, Failure):
        return _unknown_session(answer)
    stranger = _stranger(desired, asked, answer)
    if stranger is not None:
        return stranger
    try:
        session = _session(site, desired, asked, answer)
    except SecretError as problem:
        return Problem("secret-unresolved", str(problem), problem.hint)
    if life.past_reach(session, site.now_s()):
        return Problem("past-expiry", _PAST_EXPIRY, _RAISE_EXPIRY)
    await _keep(site, desired, session, answer)
    return session


_PAST_EXPIRY = (
    "it answers, and by the spec's `resourceExpiry` it would be out of reach already: its resource"
    " was acquired for longer"
)
_RAISE_EXPIRY = "raise `resourceExpiry` in the spec to what it was acquired for"


def _unknown_session(failure: Failure) -> Problem:
    """Return why the service does not tell of it; what names it is the user's word, not ours."""
    if failure.meaning not in {Meaning.GONE_OR_MOVING, Meaning.CLIENT_BUG}:
        return Problem(str(failure.meaning), str(failure))
    text = f"the service knows no such session (HTTP {failure.status}, `{failure.reason}`)"
    return Problem("not-found", text, f"{_HINT}; one that is being moved is found 90 s later")


_HINT = "look at --resource-id, --sid, the spec's `app`, `channel`, `mode` and uid"


def _obstacle(site: Site, desired: Desired, asked: Adoption) -> Problem | None:
    """Return what in state stands against it."""
    for session in site.records.sessions_of(asked.recording):
        if session.replica == asked.replica and session.may_live and not session.is_orphan:
            text = f"`{asked.recording}` has a session already: `{session.sid or session.id}`"
            return Problem("replica-taken", text, "stop or forget it first, or name --replica")
    app_key = site.apps.facts()[desired.app].app_key
    holders = site.records.store.holding(app_key, desired.channel, asked.uid)
    for session in (*site.records.all_sessions(), *holders):
        if session.sid == asked.sid and (session.may_live or session.recheck_s is not None):
            text = f"the session `{asked.sid}` is that of the Recording `{session.recording}`"
            return Problem("session-owned", text, f"reconciler forget {session.recording}")
    return None


def _handle(site: Site, desired: Desired, asked: Adoption) -> Handle:
    return Handle(
        channel=desired.channel,
        uid=asked.uid,
        resource_id=asked.resource_id,
        sid=asked.sid,
        mode=desired.mode,
        host=site.apps.definitions[desired.app].endpoints[0],
    )


def _stranger(desired: Desired, asked: Adoption, answer: Observation) -> Problem | None:
    """Return in what the answer is about another session, or one that has ended."""
    said = (
        ("channel", answer.channel, desired.channel),
        ("uid", answer.uid, asked.uid),
        ("sid", answer.sid, asked.sid),
    )
    for what, found, wanted in said:
        if found is not None and found != wanted:
            text = f"the service says that its {what} is `{found}`, not `{wanted}`"
            return Problem("another-session", text, _HINT)
    if _seen(answer).is_end:
        return Problem("ended", "the session has ended", "an apply starts another one")
    return None


def _seen(answer: Observation) -> life.Seen:
    state = answer.web.state if answer.web else None
    return life.Seen(answer.status, state, None, "", "")


def _session(site: Site, desired: Desired, asked: Adoption, answer: Observation) -> Session:
    """Return the session as it is kept. Raises SecretError."""
    now_s = site.now_s()
    app_key = site.apps.facts()[desired.app].app_key
    begun_s = _started_s(asked, answer)
    recorded = site.records.recorded.get(desired.name)
    session = Session(
        id=f"{site.rng.getrandbits(SALT_BITS):016x}",
        recording=desired.name,
        replica=asked.replica,
        app=desired.app,
        app_key=app_key,
        app_id=site.apps.open_app_id(desired.app),
        channel=desired.channel,
        mode=str(desired.mode),
        uid=asked.uid,
        phase=Phase.RUNNING,
        created_s=now_s,
        generation=recorded.generation if recorded else 1,
        digest=site.specs.wanted[desired.name].digest,
        sealed=sealed_text(sealed(site, desired, app_key)),
        resource_id=asked.resource_id,
        sid=asked.sid,
        host=answer.host,
        credentials_s=now_s,
        confirmed_s=now_s,
        observed_s=now_s,
        asked_s=now_s,
        status=answer.status,
        pending=() if asked.assume_applied else tuple(map(str, _unsettled(desired))),
    )
    return _with_clocks(site, desired, session, begun_s)


def _with_clocks(site: Site, desired: Desired, session: Session, begun_s: float | None) -> Session:
    """Add when it ends, counted from its start: what counts from none is not known."""
    clocks = bodies(site, desired, session).clocks
    if begun_s is None:
        return replace(
            session,
            token_ends_s=clocks.token_ends_s,
            credentials_end_s=clocks.credentials_end_s,
        )
    generated_s = begun_s + life.GENERATED_TOKEN_S if desired.generate_token else None
    return replace(
        session,
        started_s=begun_s,
        resource_ends_s=begun_s + clocks.resource_s,
        duration_ends_s=None if clocks.duration_s is None else begun_s + clocks.duration_s,
        token_ends_s=clocks.token_ends_s or generated_s,
        credentials_end_s=clocks.credentials_end_s,
    )


def _started_s(asked: Adoption, answer: Observation) -> float | None:
    """Return when it started: as the user says, else with the earliest slice that is told."""
    if asked.started_s is not None:
        return asked.started_s
    slices = (answer.slice_start_ms, *(file.slice_start_ms for file in answer.all_files))
    return min((each / 1000 for each in slices if each), default=None)


def _unsettled(desired: Desired) -> Iterator[Group]:
    """Yield what the spec states and a running session may have otherwise."""
    request = client_request(desired)
    lists = [path for paths in mapping.SUBSCRIPTION_WIRE.values() for path in paths]
    layout = [row.wire for row in mapping.FIELDS if row.change is mapping.Change.LAYOUT]
    for group, paths in ((Group.SUBSCRIPTIONS, lists), (Group.LAYOUT, layout)):
        if any(get(request, path) is not None for path in paths):
            yield group


async def _keep(site: Site, desired: Desired, session: Session, answer: Observation) -> None:
    now_s = site.now_s()
    wanted = site.specs.wanted[desired.name]
    known = site.records.recorded.get(desired.name)
    applied = sealed(site, desired, session.app_key)
    recorded = recorded_now(wanted, known)
    changes: list[Change] = [
        *apps_used(site, {desired.app}),
        SetRecorded(recorded=recorded),
        asked_change(recorded, now_s),
        SetSession(session=session, applied=freeze(applied)),
        JournalEntry(
            time_s=now_s, session=session.id, step="import", what="taken over", detail=session.sid
        ),
        event(desired.name, NORMAL, "imported", f"session {session.sid} was taken over", now_s),
    ]
    files = listed(answer, applied)
    if files is not None:
        changes.append(SetFiles(session=session.id, files=files))
    changes += [
        SetSession(session=life.ended(other, End.FORGOTTEN, now_s))
        for other in site.records.all_sessions()
        if other.is_orphan and other.resource_id == session.resource_id
    ]
    await site.records.commit(*changes)
