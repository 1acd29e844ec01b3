"""Sessions in every phase, and everything that can happen to one, by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import strategies as st

from reconciler.plan import life
from reconciler.plan.session import End, Phase, Session

Event: TypeAlias = Callable[[Session, float], Session]

MISSING_SINCE_S = 1100.0
NOW_S = 1130.0
RESOURCE_ENDS_S = 1002.0 + 3600

CLOCKS = life.Clocks(3600.0, None, None, None)

CLAIMED = Session(
    id="1",
    recording="lobby",
    replica=0,
    app="main",
    app_key="key",
    app_id="",
    channel="lobby",
    mode="mix",
    uid="7",
    phase=Phase.NONE,
    created_s=1000.0,
)
_ACQUIRED: Mapping[str, Any] = {"resource_id": "r", "host": "https://a", "acquired_s": 1001.0}
_STARTED: Mapping[str, Any] = {
    **_ACQUIRED,
    "sid": "s",
    "started_s": 1002.0,
    "resource_ends_s": RESOURCE_ENDS_S,
}
_CONFIRMED: Mapping[str, Any] = {**_STARTED, "confirmed_s": 1007.0, "observed_s": 1007.0}
_ENDED: Mapping[str, Any] = {**_CONFIRMED, "ended_s": 1120.0}

_FIELDS: Mapping[Phase, Mapping[str, Any]] = {
    Phase.NONE: {},
    Phase.ACQUIRED: _ACQUIRED,
    Phase.STARTING: _STARTED,
    Phase.RUNNING: _CONFIRMED,
    Phase.MISSING: {**_CONFIRMED, "missing_s": MISSING_SINCE_S},
    Phase.ENDED: {**_ENDED, "end_reason": "exited"},
    Phase.FAILED: {**_ENDED, "end_reason": "broken"},
    Phase.ORPHAN: _ACQUIRED,
}


def in_phase(phase: str, **changed: Any) -> Session:
    """Return a session as it is a little after it came to a phase, at `NOW_S`."""
    return replace(CLAIMED, phase=Phase(phase), **{**_FIELDS[Phase(phase)], **changed})


def seen(status: int, web_state: str | None = None) -> life.Seen:
    """Return an answer to a query."""
    return life.Seen(status, web_state, None, "", "")


def _query(answer: life.Seen) -> Event:
    return lambda session, now_s: life.observed(session, answer, now_s)


def _end(end: End) -> Event:
    return lambda session, now_s: life.ended(session, end, now_s)


def _queries() -> Iterator[tuple[str, Event]]:
    for status in (0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 99):
        for state in (None, "init", "inProgress", "exit"):
            yield f"query {status} {state or ''}".strip(), _query(seen(status, state))


def _started(session: Session, now_s: float) -> Session:
    return life.started(session, sid=f"s-{now_s}", now_s=now_s, clocks=CLOCKS)


def _acquired(session: Session, now_s: float) -> Session:
    return life.acquired(
        session, resource_id=f"r-{now_s}", host="https://b", now_s=now_s, body_hash="h"
    )


EVENTS: Mapping[str, Event] = {
    "acquired": _acquired,
    "started": _started,
    **dict(_queries()),
    "404": life.not_found,
    "unanswered": life.unanswered,
    "unconfirmed": life.unconfirmed,
    "stop asked": lambda session, now_s: life.stop_asked(session, End.REMOVED, now_s),
    "stop asked again": lambda session, now_s: life.stop_asked(session, End.REPLACED, now_s),
    "stop taken": life.stop_taken,
    **{f"end {end}": _end(end) for end in End},
    "rechecked": life.rechecked,
    "found alive": life.found_alive,
    "orphaned": life.orphaned,
    "orphan's time": life.expire_orphan,
}

# What happens most is tried most: an even choice would end nearly every life at once.
STEPS = st.tuples(
    st.one_of(
        st.sampled_from(["acquired", "started", "404", "query 5", "stop asked", "stop taken"]),
        st.sampled_from(sorted(EVENTS)),
    ),
    st.sampled_from([0.0, 0.5, 5.0, 30.0, 90.0, 400.0, 4000.0]),
)
LIVES = st.lists(STEPS, min_size=1, max_size=30)
BEGUN = [("acquired", 0.0), ("started", 0.5)]


def lived(steps: Sequence[tuple[str, float]]) -> Iterator[tuple[str, float, Session, Session]]:
    """Yield each event, its time, and the session before and after it."""
    session, now_s = CLAIMED, CLAIMED.created_s
    for name, later_s in steps:
        now_s += later_s
        before, session = session, EVENTS[name](session, now_s)
        yield name, now_s, before, session
