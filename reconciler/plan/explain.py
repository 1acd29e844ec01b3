"""Why a session ended, what follows, and what to change in the spec. Pure.

All signs are read together: what notifications told (`signs.py`), the status of the last query, and
the clocks (agora-api.md 7.1 to 7.6). It explains and decides nothing; `status`, events and
`coverage` show it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from reconciler.plan.backoff import attempt_after, is_final, next_start_s
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Terms
from reconciler.plan.session import ASKED, End, Session
from reconciler.plan.signs import (
    EVENT_ERRORS,
    INTERRUPTED,
    LEFT_ITSELF,
    MODULES,
    NOBODY_LEFT,
    NOT_INITIALISED,
    codes,
    errors,
    numbers,
)
from reconciler.plan.times import rfc3339
from reconciler.spec.wire import Mode

READY = 4
"""The status of a recorder that has joined and got nothing to record yet (agora-api.md 7.1)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One sentence each, empty where there is nothing to say.

    `why` it ended; `follows`: what the reconciler does about it; `change`: what to do in the spec.
    """

    why: str
    follows: str
    change: str

    @property
    def text(self) -> str:
        """Return all of it, for people."""
        return " ".join(part for part in (self.why, self.follows, self.change) if part)


def explain(
    session: Session, terms: Terms | None, now_s: float, *, stands: bool | None = None
) -> Explanation:
    """Explain the end of a session.

    `terms` None: they are not known. `stands`: whether nothing follows, where the caller knows
    better than `policy.restart` alone (`starts.lets_stand`).
    """
    cause = _cause(session, terms)
    if session.end_reason in ASKED:
        return Explanation(cause.why, "", "")
    if stands is None and terms is not None and not _has_predecessor(session):
        stands = is_final(session, terms.policy.restart)
    change = "" if stands and is_complete(session) else cause.change
    follows = _follows(session, terms, now_s, stands=stands)
    return Explanation(_with_troubles(session, cause.why), follows, change)


def _has_predecessor(session: Session) -> bool:
    """Tell whether it may have left its predecessor alone, which is to be replaced all the same."""
    return bool(session.replaces) and session.end_reason == End.UNCONFIRMED


def why(session: Session) -> str:
    """Return the sentence of why a session ended."""
    return explain(session, None, 0.0).why


def is_complete(session: Session) -> bool:
    """Tell whether an end is one after which `policy.restart: on-failure` wants nothing more."""
    return is_final(session, "on-failure")


class _Cause(NamedTuple):
    """Why it ended, and what to change."""

    why: str
    change: str = ""


def _cause(session: Session, terms: Terms | None) -> _Cause:
    """Return the surest of what is known: what we did, what it said itself, what is likely."""
    if session.end_reason in ASKED:
        return _Cause(_asked(session))
    if any(code & NOBODY_LEFT for code in numbers(session, "leave")):
        return _IDLE
    web = numbers(session, "web")
    if web:
        return _web_stop(session, terms, web[-1])
    return _by_reason(session, terms) or _told(session) or _likely(session)


def _asked(session: Session) -> str:
    match session.end_reason:
        case End.UNSEEN if session.resource_ends_s is not None:
            since = f"since {rfc3339(session.resource_ends_s)}, when its resource expired"
            return f"It could not be reached {since}; its latest possible end has passed."
        case End.UNSEEN:
            return "It could not be reached; its latest possible end has passed."
        case End.INTERRUPTED:
            return "Nothing was sent that could start it: the run ended, or its App takes no calls."
        case End.FORGOTTEN:
            return "Someone asked for it to be let go, and left running."
        case reason:
            return Reason(reason).meaning


_IDLE = _Cause(
    "Its channel was empty for longer than `maxIdle`.",
    "Raise `maxIdle` if breaks last longer; with `channelProfile: live` only hosts count.",
)


def _by_reason(session: Session, terms: Terms | None) -> _Cause | None:
    """Return the cause where the reason of the end says it all."""
    match session.end_reason:
        case End.IDLE:
            return _IDLE
        case End.MAX_DURATION:
            return _over_duration(terms)
        case End.EXPIRED if _WRONG_TOKEN in errors(session):
            return _of_error(*_WRONG_TOKEN)
        case End.EXPIRED:
            return _expired(session)
        case reason:
            return _NOT_BEGUN.get(reason)


def _over_duration(terms: Terms | None) -> _Cause:
    said = "`web.maxDuration` was reached."
    if terms is not None and terms.policy.restart == "always":
        return _Cause(said, f"{_KEEP_A_RUN}, or raise `web.maxDuration`.")
    return _Cause(said, "Raise `web.maxDuration` if its page goes on for longer.")


_KEEP_A_RUN = "Keep a `reconciler run` at work, which hands over before that"
_ANOTHER_END = "Set `token: generate`, or give it a `token` that ends later."


def _expired(session: Session) -> _Cause:
    ended = session.token_ends_s
    at = f" at {rfc3339(ended)}" if ended is not None else ""
    if session.token_issued_s:
        return _Cause(f"Its RTC token ended{at}.", f"{_KEEP_A_RUN}.")
    return _Cause(f"Its RTC token ended{at}.", _ANOTHER_END)


_NOT_BEGUN = {
    str(End.REFUSED): _Cause(
        Reason.REFUSED.meaning,
        "Mend the value that the service names: `reconciler events` shows its words.",
    ),
    str(End.NOT_STARTED): _Cause(Reason.NOT_STARTED.meaning),
    str(End.QUOTA): _Cause(
        "The service had no place for another session.",
        "Lower `maxRecordings` of the App to its quota, or ask Agora for a larger one.",
    ),
    str(End.CONFLICT): _Cause(
        Reason.CONFLICT.meaning,
        "Give it another `uid`, or take that session over with `reconciler import`.",
    ),
}


def _web_stop(session: Session, terms: Terms | None, code: int) -> _Cause:
    """Explain a web stop code (agora-api.md 8.4)."""
    limits = codes(session, "limit")
    match code:
        case 1:
            return _over_duration(terms)
        case 2 if limits:
            return _limit(limits[-1])
        case known if known in _WEB_STOPS:
            return _WEB_STOPS[known]
        case unknown:
            return _Cause(f"Its web recorder stopped with code {unknown}, which is not known here.")


_OPENS = "Check that `web.url` opens from anywhere, without a login or a redirect to another site."
_WEB_STOPS = {
    0: _Cause("Its web recorder was stopped by a call that is not one of ours."),
    2: _Cause("Its page asked for more than a web recorder can do.", _OPENS),
    3: _Cause("The service could not start its web recorder."),
    4: _Cause("Its page did not load in time.", "Raise `web.readyTimeout`, or mend `web.url`."),
    5: _Cause("Its page could not be opened.", _OPENS),
    6: _Cause("Its web recorder failed."),
}


def _limit(limit: str) -> _Cause:
    said = f"Its page asked for more than a web recorder can do ({limit})."
    return _Cause(said, _LIMITS.get(limit, ""))


_LIMITS = {
    "resolution": "Lower `web.width` and `web.height`.",
    "WebGL": "Give `web.url` a page that does without WebGL.",
    "bandwidth": "Give `web.url` a page that loads less.",
}


def _told(session: Session) -> _Cause | None:
    """Explain by what notifications told of trouble and of the end."""
    limits, failures = codes(session, "limit"), errors(session)
    if limits:
        return _limit(limits[-1])
    if failures:
        return _of_error(*failures[-1])
    for code in numbers(session, "leave"):
        found = _left(code)
        if found is not None:
            return found
    if _ABNORMAL in numbers(session, "exit"):
        said = "The service ended it as failed, and did not say why."
        return _Cause(said, _to_check(session))
    return None


_ABNORMAL = 1
"""The exit status of a session that failed (agora-api.md 8.4, event 11)."""


def _of_error(module: int, code: int) -> _Cause:
    return _Cause(_error(module, code), _ERROR_CHANGES.get((module, code), ""))


def _error(module: int, code: int) -> str:
    part = MODULES.get(module, f"part {module}")
    return EVENT_ERRORS.get((module, code), f"The service's {part} failed with error {code}.")


_WRONG_TOKEN = (0, 110)
_KEYS = "Check `bucket`, `region` and the keys of its Storage, which must be allowed to write."
_ERROR_CHANGES = {
    (1, 32): _KEYS,
    (1, 47): _KEYS,
    (1, 51): _KEYS,
    (0, 109): _ANOTHER_END,
    _WRONG_TOKEN: "Set `token: generate`, and check the `certificate` of its App.",
}


def _left(code: int) -> _Cause | None:
    """Explain a leave code (agora-api.md 8.6); None for one that says nothing."""
    if code == NOT_INITIALISED:
        return _Cause("Its recorder could not be initialised.")
    if code & LEFT_ITSELF:
        return _Cause("Its recorder left the channel by a call that is not one of ours.")
    if code & INTERRUPTED:
        return _Cause("The service ended its recorder's process.")
    return None


def _likely(session: Session) -> _Cause:
    """Say what is likely where nothing told, and what would have (agora-api.md 7.2, 7.4)."""
    if session.end_reason == End.BROKEN:
        return _Cause("It exited abnormally, and the service did not say why.", _LISTEN)
    if _never_came_up(session):
        late = session.end_reason == End.UNCONFIRMED
        said = "It did not come up within 90 s" if late else "It ended before it came up"
        return _Cause(f"{said}, likely since {_LIKELY_AT_START[session.mode]}.", _to_check(session))
    is_gone = session.end_reason == End.GONE
    said = "The service has not known it for 90 s" if is_gone else "It ended by itself"
    tells = f"{_would_have_told(session)} would have told"
    return _Cause(f"{said}, likely {_guess(session)}; {tells}.", _to_check(session))


def _never_came_up(session: Session) -> bool:
    return session.end_reason == End.UNCONFIRMED or session.confirmed_s is None


_LIKELY_AT_START = {
    str(Mode.INDIVIDUAL): "its token or the keys of its Storage are wrong",
    str(Mode.MIX): "its token, the keys of its Storage or its `video` are wrong",
    str(Mode.WEB): "its page cannot be opened, or the keys of its Storage are wrong",
}
_LISTEN = "Set `notifications.secret` of its App, so that the service tells."


def _guess(session: Session) -> str:
    if session.mode == Mode.WEB:
        return "since its page failed"
    if session.status == READY:
        return "idle (`maxIdle`): nobody sent anything when it was last asked"
    token = "" if session.token_ends_s is not None else ", or its token ended"
    return f"idle (`maxIdle`){token}, or another client joined as uid {session.uid}"


def _would_have_told(session: Session) -> str:
    """Name the notifications (agora-api.md 8.4) that tell of such an end and did not come."""
    kind = "71" if session.mode == Mode.WEB else "41"
    return f"notification {kind}" if numbers(session, "exit") else f"notifications 11 and {kind}"


def _to_check(session: Session) -> str:
    if session.mode == Mode.WEB:
        return _OPENS
    if _never_came_up(session):
        video = ", `video`" if session.mode == Mode.MIX else ""
        return f"Check `token`{video} and the keys of its Storage."
    return f"{_LISTEN[:-1]}; raise `maxIdle` if breaks last longer."


def _with_troubles(session: Session, said: str) -> str:
    """Add what was told before the end and is not its cause."""
    told = [_error(module, code) for module, code in errors(session)]
    told += [_limit(limit).why for limit in codes(session, "limit")]
    told += [f"Its page was loaded again ({code})." for code in codes(session, "reload")]
    told += ["It had moved to another server, as it can three times."] * _has_moved(session)
    others = [each[0].lower() + each[1:-1] for each in told if each != said]
    return f"{said[:-1]}; before that: {', '.join(others)}." if others else said


def _has_moved(session: Session) -> bool:
    return bool(codes(session, "failover"))


def _follows(session: Session, terms: Terms | None, now_s: float, *, stands: bool | None) -> str:
    if stands is None:
        return "`policy.restart` says what follows."
    if stands:
        policy = f": {terms.policy.restart}" if terms is not None else ""
        return f"`policy.restart{policy}` lets that stand."
    due_s, failures = next_start_s(session), attempt_after(session)
    counted = failures > max(1, session.attempt)
    after = f", after {failures} failures in a row" if counted else ""
    when = f"after {rfc3339(due_s)}" if due_s > now_s else "now"
    return f"It is to be started again {when}{after}."
