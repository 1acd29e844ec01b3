"""The life of a session: what each thing that is done to it, or heard of it, makes of it.

Every function takes a Session and returns the next one; the engine stores that. What ended stays
ended: only `found_alive` brings a session back. A function that does not apply to the phase a
session is in returns it as it was, so that late and doubled answers do no harm.
"""

from dataclasses import dataclass, replace

from reconciler.plan import ends
from reconciler.plan.session import REACHABLE, End, Phase, Session
from reconciler.spec.wire import Mode

MISSING_S = 90.0
"""How long a session that lives may answer 404 while the service moves it (agora-api.md 7.3)."""

UNCONFIRMED_S = 90.0
"""How long a session may take from its start until it records (agora-api.md 7.2)."""

RECHECK_FIRST_S, RECHECK_LAST_S = 180.0, 600.0
"""When to look again, after its end, at what 404 alone ended (design/reconcile.md)."""

RESOURCE_ID_S = 300.0
"""How long after its `acquire` a resource ID can be started (agora-api.md 7.6)."""

GENERATED_TOKEN_S = 86_400.0
"""How long a generated token is valid (design/spec-format.md, `token`)."""

NEAR_S = 60.0
"""How early a session may exit and still be taken to have reached its `web.maxDuration`."""

SETTLED = frozenset({Phase.ENDED, Phase.FAILED})
"""Phases of a session that is known to have ended."""

_FAILURES = frozenset(
    {End.BROKEN, End.UNCONFIRMED, End.REFUSED, End.NOT_STARTED, End.QUOTA, End.CONFLICT}
)
_RECORDING = frozenset({4, 5})  # agora-api.md 7.1, as the next two
_OVER = frozenset({7, 8})
_BROKEN = 20


@dataclass(frozen=True, slots=True)
class Clocks:
    """What limits a session from its start on.

    `resource_s` and `duration_s` (`web.maxDuration`) count from the start, the others are Unix
    times; None: no such limit, or none that is known.
    """

    resource_s: float
    duration_s: float | None
    token_ends_s: float | None
    credentials_end_s: float | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a query told (agora-api.md 4.3), named as in Session.

    `web_state` is that of `web_recorder_service`; None: it was not told.
    """

    status: int
    web_state: str | None
    paused: bool | None
    rtmp: str
    rtmp_status: str

    @property
    def is_end(self) -> bool:
        """Tell whether the session has ended."""
        return self.status in _OVER or self.status == _BROKEN or self.web_state == "exit"

    def confirms(self, mode: str) -> bool:
        """Tell whether it shows that a start came about.

        A web recording says so itself: its page may still load (design/reconcile.md, "starting").
        """
        told = {"inProgress"} if mode == Mode.WEB else {"inProgress", None}
        return self.status in _RECORDING and self.web_state in told


def acquired(
    session: Session,
    *,
    resource_id: str,
    host: str,
    now_s: float,
    body_hash: str,
    token_ends_s: float | None = None,
) -> Session:
    """Note a resource ID and what the identical start takes beside the session: it may be sent now.

    A session that was acquired before and certainly not started gets the new one. `token_ends_s`
    is known before the start, and is all that tells when one without an answer ends.
    """
    if session.phase not in {Phase.NONE, Phase.ACQUIRED}:
        return session
    return replace(
        session,
        phase=Phase.ACQUIRED,
        resource_id=resource_id,
        host=host,
        acquired_s=now_s,
        body_hash=body_hash,
        token_ends_s=token_ends_s,
    )


def started(session: Session, *, sid: str, now_s: float, clocks: Clocks) -> Session:
    """Note the `sid`: from here on the session can be reached.

    Its end counts from its `acquire`, for an earlier try than the one that told the `sid` may have
    started it: its life is never overrated. An orphan for want of its `sid` is no longer wanted.
    """
    is_orphan = session.phase is Phase.ORPHAN
    if session.sid or not (is_orphan or session.phase in {Phase.NONE, Phase.ACQUIRED}):
        return session
    begin_s = now_s if session.acquired_s is None else session.acquired_s
    return replace(
        session,
        phase=Phase.STARTING,
        sid=sid,
        started_s=begin_s if is_orphan else now_s,
        resource_ends_s=begin_s + clocks.resource_s,
        duration_ends_s=None if clocks.duration_s is None else begin_s + clocks.duration_s,
        token_ends_s=clocks.token_ends_s,
        credentials_end_s=clocks.credentials_end_s,
        ends_by_s=None,
        stop_reason=session.stop_reason or (End.UNWANTED if is_orphan else ""),
    )


def observed(session: Session, seen: Seen, now_s: float) -> Session:
    """Note the answer to a query.

    What already ended stays so; of one that is looked at once more, `Seen.is_end` says whether it
    is to be `found_alive`.
    """
    if session.phase in SETTLED:
        return replace(session, recheck_s=None) if seen.is_end else session
    if not session.sid:
        return session
    told = replace(
        session,
        status=seen.status,
        paused=seen.paused,
        rtmp=seen.rtmp,
        rtmp_status=seen.rtmp_status,
        observed_s=now_s,
        asked_s=now_s,
        unanswered_s=None,
        missing_s=None,
    )
    if seen.is_end:
        otherwise = End.BROKEN if seen.status == _BROKEN else End.EXITED
        return ended(told, why_ended(session, now_s, otherwise), now_s)
    return _alive(told, now_s, is_recording=seen.confirms(session.mode))


def _alive(session: Session, now_s: float, *, is_recording: bool) -> Session:
    session = ends.withdrawn(session) if is_recording else session
    match session.phase:
        case Phase.MISSING:
            return replace(session, phase=Phase.RUNNING)
        case Phase.STARTING if is_recording:
            return replace(session, phase=Phase.RUNNING, confirmed_s=now_s)
        case _:
            return session


def not_found(session: Session, now_s: float) -> Session:
    """Note a 404 with code 404, to whatever call.

    It proves an end only after a stop was taken or a notification told the end, or where nothing
    else comes for 90 s; past the resource's expiry it proves nothing.
    """
    if session.phase not in REACHABLE:
        return session
    if past_reach(session, now_s):
        return orphaned(session, now_s)
    since_s = now_s if session.missing_s is None else session.missing_s
    missing = replace(session, missing_s=since_s, asked_s=now_s, unanswered_s=None)
    if session.stop_taken_s is not None or ends.is_told(session):
        return ended(missing, why_ended(session, since_s, End.EXITED), now_s)
    # A start has its own 90 s, after which it is to be stopped whatever it answers.
    may_be_moving = now_s - since_s < MISSING_S
    if session.phase is Phase.STARTING and (may_be_moving or not session.stop_reason):
        return missing
    if may_be_moving:
        return replace(missing, phase=Phase.MISSING)
    gone = ended(missing, why_ended(session, since_s, End.GONE), now_s)
    return replace(gone, recheck_s=now_s + RECHECK_FIRST_S)


def unanswered(session: Session, now_s: float) -> Session:
    """Note a query without an answer that tells anything: it says nothing about the session."""
    since_s = now_s if session.unanswered_s is None else session.unanswered_s
    return replace(session, asked_s=now_s, unanswered_s=since_s)


def unconfirmed_due(session: Session, now_s: float) -> bool:
    """Tell whether a start was not confirmed in time and is to be given up."""
    if session.phase is not Phase.STARTING or session.stop_reason:
        return False
    # A service that cannot be asked says nothing of a session, which may record since long.
    return session.unanswered_s is None and now_s >= begun_s(session) + UNCONFIRMED_S


def begun_s(session: Session) -> float:
    """Return when a session started, or where that is not known, when we first knew of it."""
    return session.created_s if session.started_s is None else session.started_s


def unconfirmed(session: Session, now_s: float) -> Session:
    """Give up a start that is due for it: it is to be stopped, and failed once it has ended."""
    if not unconfirmed_due(session, now_s):
        return session
    return replace(session, stop_reason=End.UNCONFIRMED)


def stop_asked(session: Session, reason: End, now_s: float) -> Session:
    """Note that the session has to end, and that a stop goes out now if one can.

    The first reason stays. One without a `sid` is stopped as soon as it has one.
    """
    if not session.may_live:
        return session
    wanted = replace(session, stop_reason=session.stop_reason or reason)
    if session.phase not in REACHABLE:
        return wanted
    return replace(wanted, stop_asked_s=now_s, stops=session.stops + 1)


def stop_taken(session: Session, now_s: float) -> Session:
    """Note that the service took a stop: 200, or the session is already exiting (code 49)."""
    if session.phase not in REACHABLE or session.stop_taken_s is not None:
        return session
    return replace(session, stop_taken_s=now_s)


def why_ended(session: Session, now_s: float, otherwise: End) -> End:
    """Return why a session ended at `now_s`: we asked for it, its time was over, or `otherwise`.

    What notifications told of it is more than its clocks say.
    """
    if session.stop_reason:
        return End(session.stop_reason)
    if (told := ends.why(session)) is not None:
        return told
    if session.duration_ends_s is not None and now_s >= session.duration_ends_s - NEAR_S:
        return End.MAX_DURATION
    if session.token_ends_s is not None and now_s >= session.token_ends_s:
        return End.EXPIRED
    return End.BROKEN if ends.is_abnormal(session) else otherwise


def end_phase(reason: End) -> Phase:
    """Return the phase of a session that ended for this reason."""
    return Phase.FAILED if reason in _FAILURES else Phase.ENDED


def ended(session: Session, reason: End, now_s: float) -> Session:
    """Note that the session has ended, or never came to be.

    One that ended by 404 alone need not be looked at again, and where nothing more was known than
    that it is gone, this is why.
    """
    phase = end_phase(reason)
    if session.phase in SETTLED:
        known = replace(session, recheck_s=None)
        is_gone = session.end_reason == End.GONE
        return replace(known, phase=phase, end_reason=reason) if is_gone else known
    return replace(session, phase=phase, end_reason=reason, ended_s=now_s, ends_by_s=None)


def rechecked(session: Session, now_s: float) -> Session:
    """Note that one that ended by 404 alone still answers so.

    A look in between, since something was heard of it, takes the place of none of the two.
    """
    if session.recheck_s is None or session.ended_s is None:
        return session
    looks_s = (session.ended_s + RECHECK_FIRST_S, session.ended_s + RECHECK_LAST_S)
    later_s = next((look_s for look_s in looks_s if now_s < look_s), None)
    return replace(session, asked_s=now_s, recheck_s=later_s)


def found_alive(
    session: Session, now_s: float, reason: End = End.UNWANTED, *, goes_on: bool = False
) -> Session:
    """Bring back a session that answered after its end: it is to be stopped, anew.

    Another may have taken its place since, so it is not wanted whatever it was. `goes_on`: the
    caller knows that nothing did and that its Recording is still one of state's; then only what
    was asked to stop before is stopped, and the spec decides on the rest.
    """
    if session.phase not in SETTLED or not session.sid:
        return session
    return replace(
        session,
        phase=Phase.RUNNING,
        observed_s=now_s,
        asked_s=now_s,
        unanswered_s=None,
        missing_s=None,
        stop_reason=session.stop_reason or ("" if goes_on else reason),
        stop_asked_s=None,
        stop_taken_s=None,
        stops=0,
        ended_s=None,
        end_reason="",
        recheck_s=None,
    )


def past_reach(session: Session, now_s: float) -> bool:
    """Tell whether no call reaches the session any more, which does not mean that it ended."""
    if session.phase not in REACHABLE or session.resource_ends_s is None:
        return False
    return now_s >= session.resource_ends_s


def orphaned(session: Session, now_s: float, duration_s: float | None = None) -> Session:
    """Note that the session may live and that no call reaches it.

    `duration_s` is the `web.maxDuration` of a start whose outcome is not known.
    """
    if not session.may_live or session.phase is Phase.ORPHAN:
        return session
    ends = (_duration_end_s(session, now_s, duration_s), _token_end_s(session))
    ends_by_s = min((end for end in ends if end is not None), default=None)
    return replace(session, phase=Phase.ORPHAN, ends_by_s=ends_by_s)


def _duration_end_s(session: Session, now_s: float, duration_s: float | None) -> float | None:
    """Return the latest end by `web.maxDuration`."""
    if session.duration_ends_s is not None:
        # That counts from its `acquire`, and it may have begun as late as its answer came.
        return session.duration_ends_s + _start_took_s(session)
    if duration_s is None:
        return None
    if session.started_s is not None:
        return session.started_s + duration_s
    if session.acquired_s is None:
        return now_s + duration_s
    # A start that left may yet be taken, for as long as its resource ID is good, and no later.
    return session.acquired_s + RESOURCE_ID_S + duration_s


def _start_took_s(session: Session) -> float:
    if session.started_s is None or session.acquired_s is None:
        return 0.0
    return max(session.started_s - session.acquired_s, 0.0)


def _token_end_s(session: Session) -> float | None:
    if session.token_ends_s is None and session.token_issued_s:
        return session.token_issued_s + GENERATED_TOKEN_S
    return session.token_ends_s


def expire_orphan(session: Session, now_s: float) -> Session:
    """Drop an orphan whose latest possible end has passed."""
    if session.phase is not Phase.ORPHAN or session.ends_by_s is None or now_s < session.ends_by_s:
        return session
    return ended(session, End.UNSEEN, now_s)
