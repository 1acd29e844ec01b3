"""How each replica of each Recording is, from what state remembers (design/cli.md, "status"). Pure.

State alone is read: no spec, no service. Whoever wants news queries first and writes it to state.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reconciler.plan.action import Key
from reconciler.plan.explain import explain
from reconciler.plan.life import SETTLED
from reconciler.plan.looks import is_silent
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Recorded, Terms, terms_of
from reconciler.plan.session import ASKED, Phase, Session
from reconciler.plan.slots import is_out_of_reach
from reconciler.plan.starts import lets_stand
from reconciler.plan.times import rfc3339
from reconciler.plan.wants import Want, want
from reconciler.plan.world import Wanted, World

Sync: TypeAlias = Literal["synced", "out-of-sync", "unknown"]
Health: TypeAlias = Literal["healthy", "progressing", "degraded", "missing", "suspended", "unknown"]

UNANSWERED = "unanswered"
RTMP_DISCONNECTED = "disconnected"
"""What a query says of a push that does not arrive (agora-api.md 4.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One replica. `session` is the one that records, or else the last that did; None: none ever.

    `reason` is a code and `message` a sentence about what is not as it should be, or why it does
    not record; where all is well they are `in-sync` and empty.
    """

    key: Key
    desired: Literal["recording", "stopped"]
    phase: Phase
    sync: Sync
    health: Health
    generation: int
    reason: str
    message: str
    session: Session | None


Note: TypeAlias = tuple[str, str]
"""A reason and a sentence."""

_Place: TypeAlias = tuple[str, int]
"""A Key as a plain tuple, which is hashed and put in order five times as fast: of thousands of
recordings there is a row for each scrape of the metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What is known beside state's sessions.

    `unseen` are those that could not be asked just now, by session id; `failed` what the last apply
    could not do, by replica.
    """

    unseen: Mapping[str, Note] = field(default_factory=dict)
    failed: Mapping[Key, Note] = field(default_factory=dict)


NO_NOTES = Notes()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one row is judged by. `recorded` None: only a session is left of it."""

    world: World
    key: Key
    want: Want
    recorded: Recorded | None
    session: Session | None
    orphaned: bool
    notes: "Notes"

    @property
    def live(self) -> Session | None:
        """Return the session if it may live."""
        return self.session if self.session is not None and self.session.may_live else None

    @property
    def last(self) -> Session | None:
        """Return the session if it has ended."""
        ended = self.session is not None and self.session.phase in SETTLED
        return self.session if ended else None


_Verdict: TypeAlias = tuple[Health, str, str]
_WELL: _Verdict = ("healthy", Reason.IN_SYNC, "")


def status_rows(
    recorded: Mapping[str, Recorded],
    sessions: Iterable[Session],
    now_s: float,
    notes: Notes = NO_NOTES,
) -> list[Row]:
    """Return a row for every replica that is desired or may still record, in order of name."""
    by_place: dict[_Place, list[Session]] = defaultdict(list)
    for session in sessions:
        by_place[session.recording, session.replica].append(session)
    world = _world(recorded, now_s)
    places = {
        (name, replica)
        for name, wanted in world.wanted.items()
        for replica in range(wanted.terms.replicas)
    }
    places |= {
        place
        for place, found in by_place.items()
        if place not in places and _is_listed(place[0], found, recorded, now_s)
    }
    return [
        _row(_facts(world, Key(*place), by_place.get(place, ()), notes)) for place in sorted(places)
    ]


def orphans(sessions: Iterable[Session], now_s: float) -> list[Session]:
    """Return the sessions that may live where no call reaches them, in order of name."""
    lost = [session for session in sessions if is_out_of_reach(session, now_s)]
    return sorted(lost, key=lambda each: (each.recording, each.replica, each.created_s, each.id))


def _world(recorded: Mapping[str, Recorded], now_s: float) -> World:
    """Return the world as `wants.py` needs it: what was last accepted stands for the specs."""
    wanted = {
        each.name: Wanted(
            name=each.name,
            app=each.app,
            channel=each.channel,
            mode=each.mode,
            uids=(),
            digest=each.digest,
            terms=terms_of(each.terms),
            source=each.source,
            set_name=each.set_name,
        )
        for each in recorded.values()
        if each.removed_s is None
    }
    return World(
        scope="", now_s=now_s, at_s=now_s, wanted=wanted, recorded=recorded, sessions=(), apps={}
    )


def _is_listed(
    name: str, sessions: Sequence[Session], recorded: Mapping[str, Recorded], now_s: float
) -> bool:
    """Tell whether a replica that nothing asks for is shown: while it may record, or is leaving."""
    if any(each.may_live and not is_out_of_reach(each, now_s) for each in sessions):
        return True
    return name in recorded and recorded[name].removed_s is not None


def _facts(world: World, key: Key, sessions: Sequence[Session], notes: Notes) -> _Facts:
    within = [each for each in sessions if not is_out_of_reach(each, world.now_s)]
    return _Facts(
        world=world,
        key=key,
        want=want(world, key),
        recorded=world.recorded.get(key.recording),
        session=max(within, key=_prominence, default=None),
        orphaned=len(within) < len(sessions),
        notes=notes,
    )


def _prominence(session: Session) -> tuple[bool, bool, bool, bool, float, float, str]:
    """Order sessions of a replica: what goes on before what ends, what records before what may.

    Of those that ended the last counts, as in a plan.
    """
    return (
        session.may_live,
        not session.stop_reason,
        session.phase is Phase.RUNNING,
        session.phase is not Phase.NONE,
        session.ended_s or session.created_s,
        session.created_s,
        session.id,
    )


def _row(facts: _Facts) -> Row:
    health, reason, message = _verdict(facts)
    recorded, session = facts.recorded, facts.session
    generation = recorded.generation if recorded else session.generation if session else 0
    return Row(
        key=facts.key,
        desired="recording" if facts.want.wanted else "stopped",
        phase=session.phase if session else Phase.NONE,
        sync=_sync(facts),
        health=health,
        generation=generation,
        reason=str(reason),
        message=message,
        session=session,
    )


def _sync(facts: _Facts) -> Sync:
    """Tell whether what runs agrees with what was last accepted from the specs."""
    live = facts.live
    if not facts.want.wanted:
        return "synced" if live is None else "out-of-sync"
    if live is None:
        return "synced" if _is_final(facts) else "out-of-sync"
    if live.stop_reason:
        return "out-of-sync"
    if live.phase in {Phase.ACQUIRED, Phase.MISSING} or not live.digest:
        return "unknown"
    if live.id in facts.notes.unseen or is_silent(live, facts.world.now_s):
        return "unknown"
    return "synced" if _agrees(facts, live) else "out-of-sync"


def _agrees(facts: _Facts, session: Session) -> bool:
    is_same = facts.recorded is not None and session.digest == facts.recorded.digest
    return is_same and not session.pending and not _has_drifted(session)


def _has_drifted(session: Session) -> bool:
    """Tell whether the service said of it what nobody applied."""
    return session.paused is not None or bool(session.rtmp)


def _verdict(facts: _Facts) -> _Verdict:
    """Return health, reason and message."""
    live = facts.live
    if live is not None and live.stop_reason:
        why = _meaning(live.stop_reason)
        return "progressing", Reason.STOPPING, f"It is being stopped. {why}".rstrip()
    if not facts.want.wanted:
        return _unwanted(facts, live)
    if facts.orphaned:
        return "degraded", Reason.ORPHANED, "A session of it may live out of reach."
    return _absent(facts) if live is None else _present(facts, live)


def _unwanted(facts: _Facts, live: Session | None) -> _Verdict:
    desired = facts.want
    if live is not None:
        return "progressing", desired.reason, f"It is to be stopped: {desired.why}."
    health: Health = "suspended" if desired.reason is Reason.SUSPENDED else "healthy"
    return health, desired.reason, f"It does not record: {desired.why}."


def _present(facts: _Facts, live: Session) -> _Verdict:
    if live.id in facts.notes.unseen:
        return ("unknown", *facts.notes.unseen[live.id])
    if is_silent(live, facts.world.now_s):
        since = rfc3339(live.unanswered_s or 0.0)
        return "unknown", UNANSWERED, f"The service has told nothing of it since {since}."
    if live.phase is Phase.RUNNING and _has_drifted(live):
        return "degraded", Reason.DRIFT, Reason.DRIFT.meaning
    found = _as_observed(facts, live)
    failed = facts.notes.failed.get(facts.key)
    return ("degraded", *failed) if failed is not None and found[0] == "healthy" else found


def _as_observed(facts: _Facts, live: Session) -> _Verdict:
    match live.phase:
        case Phase.MISSING:
            since = "" if live.missing_s is None else f" Since {rfc3339(live.missing_s)}."
            return "missing", Reason.MISSING, Reason.MISSING.meaning + since
        case Phase.RUNNING if live.rtmp_status == RTMP_DISCONNECTED:
            message = "Its RTMP address takes no stream; the recording goes on."
            return "degraded", "rtmp-disconnected", message
        case Phase.RUNNING if live.pending:
            return "healthy", Reason.UNSETTLED, Reason.UNSETTLED.meaning
        case Phase.RUNNING if live.digest and not _agrees(facts, live):
            return "healthy", Reason.SPEC_CHANGED, Reason.SPEC_CHANGED.meaning
        case Phase.RUNNING:
            return _WELL
        case _:
            return "progressing", Reason.STARTING, Reason.STARTING.meaning


def _absent(facts: _Facts) -> _Verdict:
    last = facts.last
    if last is None or last.end_reason in ASKED:
        failed = facts.notes.failed.get(facts.key)
        reason = Reason.NEW if last is None else Reason.NOT_RUNNING
        return ("degraded", *failed) if failed else ("missing", reason, reason.meaning)
    stands = _is_final(facts)
    said = explain(last, _terms(facts), facts.world.now_s, stands=stands).text
    if stands:
        return "degraded" if last.phase is Phase.FAILED else "healthy", Reason.FINAL, said
    return "degraded", last.end_reason, said


def _terms(facts: _Facts) -> Terms | None:
    wanted = facts.world.wanted.get(facts.key.recording)
    return None if wanted is None else wanted.terms


def _is_final(facts: _Facts) -> bool:
    """Tell whether nothing follows the last end; a change that no run took note of is a new one."""
    last, wanted = facts.last, facts.world.wanted.get(facts.key.recording)
    return last is not None and wanted is not None and lets_stand(facts.world, wanted, last)


def _meaning(end_reason: str) -> str:
    """Return the sentence for why a session ended; none for what has no reason of that name."""
    return _MEANINGS.get(end_reason, "")


_MEANINGS = {str(reason): reason.meaning for reason in Reason}
