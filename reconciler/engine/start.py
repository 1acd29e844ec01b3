"""Starting a session so that none is ever lost and none starts twice (design/reconcile.md).

The uid is claimed before the acquire, the resource ID is written before the start, the `sid` before
anything else. A start that stays perhaps started leaves an orphan, and the next uid is tried.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from reconciler.agora.answers import Started
from reconciler.agora.client import Client
from reconciler.agora.failures import APP_WIDE, Again, Failure, Meaning, Running
from reconciler.agora.retry import next_delay_s
from reconciler.agora.rtc_token import SALT_MAX
from reconciler.engine.bodies import Bodies, bodies, duration_s
from reconciler.engine.halt import HALTED, INTERRUPTED
from reconciler.engine.keep import keep_sid
from reconciler.engine.places import is_full
from reconciler.engine.recover import bring_back
from reconciler.engine.site import Site
from reconciler.engine.tell import events
from reconciler.errors import SecretError
from reconciler.plan import life
from reconciler.plan.applied import Applied, freeze, seal, sealed_text, secrets_of
from reconciler.plan.backoff import attempt_after
from reconciler.plan.result import Problem
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.uids import derived_uid, next_uid, uid_again
from reconciler.spec.desired import Desired
from reconciler.state.store import Change, JournalEntry, SetCounter, SetSession

UIDS_MAX = 3
"""So many uids are tried in one pass; then it is the next pass's turn."""

SALT_BITS = 64

_END_OF = {
    Meaning.REJECTED: End.REFUSED,
    Meaning.CLIENT_BUG: End.REFUSED,
    Meaning.CONFLICT: End.CONFLICT,
    Meaning.QUOTA: End.QUOTA,
    Meaning.WITHDRAWN: End.INTERRUPTED,
    # What concerns the whole App is no failure of one Recording, and gives it no back-off.
    **dict.fromkeys(APP_WIDE, End.INTERRUPTED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One session to bring up; `replaces` is the id of the one that it takes over from."""

    recording: str
    replica: int
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class _Setback:
    """Why an attempt started nothing that we hold; whether another uid may."""

    problem: Problem
    try_other_uid: bool = False


async def start(site: Site, order: Order) -> Problem | None:
    """Start a session; return why that failed, None once its `sid` is kept.

    Raises StateError where state cannot be written: then nothing new was begun.
    """
    desired = site.specs.desired(order.recording)
    problem = HALTED
    tried: set[str] = set()
    for _ in range(UIDS_MAX):
        client = site.apps.client(desired.app)
        if isinstance(client, Problem):
            return client
        if site.halt.ordered:
            return problem
        try:
            setback = await _Attempt(site, client, desired, order, tried).run()
        except SecretError as unresolved:
            return _unresolved(unresolved)
        if setback is None:
            return None
        problem = setback.problem
        # An orphan keeps its place, and another uid takes one more (capacity.py).
        if not setback.try_other_uid or is_full(site, desired):
            break
    return problem


def unready(site: Site, order: Order) -> Problem | None:
    """Return why a session could not be started now whatever the service says; None: it could."""
    desired = site.specs.desired(order.recording)
    client = site.apps.client(desired.app)
    if isinstance(client, Problem):
        return client
    try:
        _Attempt(site, client, desired, order, set()).prepare()
    except SecretError as unresolved:
        return _unresolved(unresolved)
    return None


class _Attempt:
    """One uid's try at bringing a session up."""

    def __init__(
        self, site: Site, client: Client, desired: Desired, order: Order, tried: set[str]
    ) -> None:
        self._tried = tried
        self._site = site
        self._client = client
        self._desired = desired
        self._order = order
        self._waits = 0

    def prepare(self) -> tuple[Session, Bodies, list[Change]]:
        """Return the session, what to send for it and what to write first. Raises SecretError."""
        session, changes = self._claimed()
        return session, bodies(self._site, self._desired, session, self._exclude()), changes

    async def run(self) -> _Setback | None:
        session, prepared, changes = self.prepare()
        await self._commit(session, "acquire", "intent", *changes)
        while True:
            setback, delay_s = await self._pair(session, prepared)
            if delay_s is None:
                return setback
            await self._site.halt.sleep(delay_s, self._site.clock)

    async def _pair(
        self, session: Session, prepared: Bodies
    ) -> tuple[_Setback | None, float | None]:
        """Acquire and start once; return a delay where a new pair may do what this one did not."""
        self._doing("acquiring")
        acquired = await self._client.acquire(prepared.acquire)
        if isinstance(acquired, Failure):
            return await self._gave_up(session, acquired)
        sent = life.acquired(
            session,
            resource_id=acquired.resource_id,
            host=acquired.host,
            now_s=acquired.acquired_s,
            body_hash=self._site.vault.hash_body(prepared.start),
            token_ends_s=prepared.clocks.token_ends_s,
        )
        await self._commit(sent, "start", "intent")
        self._doing("starting")
        answer = await self._client.start(acquired, self._desired.mode, prepared.start)
        return await self._answered(sent, answer, prepared)

    async def _answered(
        self, session: Session, answer: Started | Failure, prepared: Bodies
    ) -> tuple[_Setback | None, float | None]:
        sid = answer.sid
        if sid and (isinstance(answer, Started) or answer.meaning is Meaning.STARTED):
            await keep_sid(self._site, self._client, session, sid, prepared.clocks)
            return None, None
        assert isinstance(answer, Failure)
        if answer.meaning is Meaning.STARTED or answer.running is Running.MAYBE:
            return await self._orphaned(session, answer), None
        return await self._gave_up(session, answer)

    async def _orphaned(self, session: Session, failure: Failure) -> _Setback:
        lost = life.orphaned(session, self._site.now_s(), duration_s=duration_s(self._desired))
        await self._commit(lost, "start", str(failure.meaning))
        await bring_back(self._site, lost)
        return _Setback(self._why(session, failure), try_other_uid=True)

    async def _gave_up(
        self, session: Session, failure: Failure
    ) -> tuple[_Setback | None, float | None]:
        """Take note of a certain failure: nothing of this pair runs."""
        repeat = failure.row.repeat
        is_open = self._waits < len(repeat.waits_s) and not self._site.halt.ordered
        if repeat.again is Again.PAIR and is_open:
            self._waits += 1
            return None, next_delay_s(repeat.waits_s, self._waits - 1, self._site.rng)
        is_ours = failure.meaning is Meaning.CONFLICT and self._may_be_ours(session)
        end = End.INTERRUPTED if is_ours else _END_OF.get(failure.meaning, End.NOT_STARTED)
        ended = life.ended(session, end, self._site.now_s())
        await self._commit(ended, str(failure.endpoint), str(failure.meaning))
        return _Setback(self._why(session, failure), try_other_uid=is_ours), None

    def _why(self, session: Session, failure: Failure) -> Problem:
        if failure.meaning is Meaning.CONFLICT:
            return _foreign(failure, session)
        problem = self._site.apps.why(session.app_key, failure)
        return HALTED if problem is INTERRUPTED else problem

    def _may_be_ours(self, session: Session) -> bool:
        """Tell whether a session of this state may still live on the uid that was refused."""
        known = self._site.records.store.holding(session.app_key, session.channel, session.uid)
        return any(
            other.id != session.id and (other.may_live or not _surely_ended(other))
            for other in known
        )

    def _claimed(self) -> tuple[Session, list[Change]]:
        """Return the new session with its uid, and what to write of the uid's counter."""
        site, desired, order = self._site, self._desired, self._order
        last = site.records.newest(order.recording, order.replica)
        app_key = site.apps.facts()[desired.app].app_key
        before = site.records.counter(order.recording, order.replica)
        uid, counter = next_uid(
            desired.uids,
            last=last.uid if last else "",
            taken=site.records.taken(app_key, desired.channel) | self._tried,
            derive=partial(derived_uid, site.records.scope, order.recording, order.replica),
            counter=before,
            again=uid_again(last),
        )
        self._tried.add(uid)
        applied = sealed(site, desired, app_key)
        session = self._session(uid, app_key, last, sealed_text(applied))
        changes: list[Change] = [
            SetSession(session=session, applied=freeze(applied)),
            JournalEntry(
                time_s=site.now_s(), session=session.id, step="acquire", what="intent", detail=uid
            ),
        ]
        if counter != before:
            changes.append(
                SetCounter(recording=order.recording, replica=order.replica, counter=counter)
            )
        return session, changes

    def _session(self, uid: str, app_key: str, last: Session | None, secrets: str) -> Session:
        site, desired = self._site, self._desired
        now_s = site.now_s()
        recorded = site.records.recorded.get(desired.name)
        return Session(
            id=f"{site.rng.getrandbits(SALT_BITS):016x}",
            recording=desired.name,
            replica=self._order.replica,
            app=desired.app,
            app_key=app_key,
            app_id=site.apps.open_app_id(desired.app),
            channel=desired.channel,
            mode=str(desired.mode),
            uid=uid,
            phase=Phase.NONE,
            created_s=now_s,
            generation=recorded.generation if recorded else 1,
            digest=site.specs.wanted[desired.name].digest,
            sealed=secrets,
            attempt=attempt_after(last),
            replaces=self._order.replaces,
            credentials_s=now_s,
            token_issued_s=int(now_s) if desired.generate_token else 0,
            token_salt=site.rng.randint(1, SALT_MAX) if desired.generate_token else 0,
        )

    def _exclude(self) -> Iterator[str]:
        """Yield the resources of the other replicas that live now (agora-api.md 2.3)."""
        for session in self._site.records.sessions_of(self._order.recording):
            if session.replica != self._order.replica and session.may_live and session.resource_id:
                yield session.resource_id

    async def _commit(self, session: Session, step: str, what: str, *more: Change) -> None:
        site = self._site
        now_s = site.now_s()
        if not more:
            entry = JournalEntry(time_s=now_s, session=session.id, step=step, what=what)
            more = (SetSession(session=session), entry)
        told = events(None, session, now_s, site.records.terms(session.recording))
        await site.records.commit(*more, *told)

    def _doing(self, what: str) -> None:
        self._site.doing(self._order.recording, self._order.replica, what)


def sealed(site: Site, desired: Desired, app_key: str) -> Applied:
    """Return what a session of this Recording is given, sealed."""
    seals = site.vault.seals(secrets_of(desired))
    return seal(desired, app_key, seals, site.vault.seal_raw(desired.raw))


def _surely_ended(session: Session) -> bool:
    """Tell whether a session's end is known, not merely concluded from 404 or from its clock."""
    if session.phase not in life.SETTLED:
        return False
    if session.missing_s is not None and session.stop_taken_s is None:
        return False  # 404 was all that told so, whatever its end is called
    return session.end_reason not in {End.GONE, End.UNSEEN, End.FORGOTTEN}


def _unresolved(problem: SecretError) -> Problem:
    return Problem(problem.code, str(problem), problem.hint)


def _foreign(failure: Failure, session: Session) -> Problem:
    text = (
        f"a session that this state does not know records channel `{session.channel}` with uid"
        f" `{session.uid}`: {failure}"
    )
    return Problem(str(failure.meaning), text, _CONFLICT_HINT)


_CONFLICT_HINT = (
    "take it over with `reconciler import`, have it stopped where it was started, or give this"
    " recording another `uid`"
)
