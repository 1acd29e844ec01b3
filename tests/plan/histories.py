"""Made-up histories of one Recording, and what became of each second of them, told naively."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Any, TypeAlias

from hypothesis import strategies as st

from reconciler.plan.coverage import History
from reconciler.plan.recorded import Override, Terms, terms_of, terms_text
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.times import instant, rfc3339
from reconciler.plan.wants import schedule_of
from reconciler.spec.desired import Policy, Window
from reconciler.spec.schedule import parse_time
from reconciler.state.store import Asked, Event, Gap, Past

NOW_S = 1_800_000_000.0
"""2027-01-15T08:00:00Z, a Friday."""

SINCE_S = NOW_S - 600
ALWAYS = Terms(policy=Policy())


def asked(since_s: float, terms: Terms | None = ALWAYS, override: Override | None = None) -> Asked:
    text = "" if terms is None else terms_text(terms)
    return Asked(recording="talk", since_s=since_s, terms=text, override=override)


def session(name: str = "one", **more: Any) -> Session:
    """Make one that records since 10 minutes, and was seen 20 s ago."""
    base = Session(
        id=name,
        recording="talk",
        replica=0,
        app="main",
        app_key="k",
        app_id="",
        channel="talk",
        mode="mix",
        uid="1001",
        phase=Phase.RUNNING,
        created_s=SINCE_S - 20,
        sid=f"sid-of-{name}",
        acquired_s=SINCE_S - 15,
        started_s=SINCE_S - 10,
        confirmed_s=SINCE_S,
        observed_s=NOW_S - 20,
    )
    return replace(base, **more)


def past(one: Session, files: str = "", upload: str = "") -> Past:
    return Past(session=one, files=files, upload=upload)


def history(*sessions: Session | Past, rows: Sequence[Asked] = (), **more: Any) -> History:
    """Return what state would remember; unless said, it was to record all the time."""
    kept = tuple(each if isinstance(each, Past) else past(each) for each in sessions)
    rows = rows or (asked(SINCE_S - 86_400),)
    return History(name="talk", asked=rows, past=kept, **more)


def warned(time_s: float, reason: str, message: str) -> Event:
    return Event(time_s=time_s, recording="talk", type="warning", reason=reason, message=message)


@dataclass(frozen=True)
class Made:
    """A session, and when it recorded: surely from `begins` to `seen`, perhaps to `over`."""

    session: Session
    begins: float = inf
    seen: float = inf
    over: float = inf


MOMENTS = st.integers(-100, 2400).map(lambda quarters: SINCE_S + quarters / 4)


@st.composite
def made_sessions(draw: st.DrawFn) -> list[Made]:
    count = draw(st.integers(0, 4))
    return [draw(_made(f"s{number}")) for number in range(count)]


@st.composite
def _made(draw: st.DrawFn, name: str) -> Made:
    created, begins, seen, over = sorted(draw(st.tuples(MOMENTS, MOMENTS, MOMENTS, MOMENTS)))
    base = session(
        name,
        replica=draw(st.integers(0, 2)),
        created_s=created,
        acquired_s=created,
        started_s=created,
        confirmed_s=begins,
        observed_s=seen,
    )
    unasked = draw(st.sampled_from((End.EXITED, End.IDLE, End.EXPIRED, End.BROKEN)))
    more, times = draw(st.sampled_from(_kinds(begins, seen, over, unasked)))
    return Made(replace(base, **more), *times)


_Kind: TypeAlias = tuple[dict[str, Any], tuple[float, ...]]


def _kinds(begins: float, seen: float, over: float, unasked: End) -> list[_Kind]:
    """Return what can have become of a session, and when it recorded."""
    never: dict[str, Any] = {"confirmed_s": None, "observed_s": None}
    stopping = {"stop_reason": End.REPLACED, "stop_taken_s": over}
    return [
        ({}, (begins, seen, inf)),
        (stopping, (begins, seen, over)),
        ({"phase": Phase.MISSING, "missing_s": over}, (begins, seen, over)),
        ({"phase": Phase.ORPHAN}, (begins, seen, seen)),
        ({**_ended(over + 90, End.GONE), "missing_s": over}, (begins, seen, seen)),
        ({**_ended(over, End.REQUESTED), "stop_taken_s": seen}, (begins, seen, seen)),
        (_ended(over, unasked), (begins, over, over)),
        ({**_ended(over, End.REFUSED), **never}, ()),
        ({"phase": Phase.STARTING, **never}, ()),
    ]


def _ended(ended_s: float, reason: End) -> dict[str, Any]:
    return {"phase": Phase.ENDED, "ended_s": ended_s, "end_reason": reason}


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Return terms of any schedule and suspend that ten minutes can see something of."""
    suspended = draw(st.sampled_from((False, False, True)))
    until = draw(st.none() | MOMENTS) if suspended else None
    return Terms(
        policy=Policy(restart=draw(st.sampled_from(("always", "on-failure", "never")))),
        replicas=draw(st.integers(1, 3)),
        suspend=suspended,
        suspend_until=rfc3339(until) if until is not None else "",
        schedule=draw(st.none() | st.lists(_windows(), min_size=1, max_size=2).map(tuple)),
    )


@st.composite
def _windows(draw: st.DrawFn) -> Window:
    if draw(st.booleans()):
        minutes = draw(st.sampled_from(("*/2", "*/3", "50-57", "*")))
        seconds = draw(st.integers(1, 200))
        return Window(cron=f"{minutes} * * * *", duration_s=seconds, timezone="UTC")
    start, until = sorted(draw(st.lists(MOMENTS, min_size=2, max_size=2, unique_by=int)))
    return Window(start=rfc3339(start), until=rfc3339(until))


@st.composite
def rows(draw: st.DrawFn) -> list[Asked]:
    """Return what was asked; not always from the beginning, and not always anything."""
    moments = draw(st.lists(MOMENTS, max_size=3, unique=True))
    return [asked(each, draw(st.none() | terms()), draw(_overrides(each))) for each in moments]


def _overrides(since_s: float) -> st.SearchStrategy[Override | None]:
    until = st.none() | MOMENTS
    return st.none() | until.map(lambda until_s: Override(since_s=since_s, until_s=until_s))


def gaps(found: Sequence[Made]) -> st.SearchStrategy[list[Gap]]:
    if not found:
        return st.just([])
    one = st.builds(
        lambda of, from_s, until_s, cause: Gap(
            session=of.session.id, from_s=from_s, until_s=until_s, cause=cause
        ),
        st.sampled_from(list(found)),
        MOMENTS,
        st.none() | MOMENTS,
        st.sampled_from(("missing", "failover", "interrupted", "other")),
    )
    return st.lists(one, max_size=2)


def told(
    found: Iterable[Made], asked_rows: Sequence[Asked], holes: Sequence[Gap], until_s: float
) -> dict[int, str]:
    """Say of each second that any replica was to record what became of it."""
    of_any = [of_replica(found, asked_rows, holes, (each, until_s)) for each in range(3)]
    seconds: dict[int, str] = {}
    everyone = of_replica(found, asked_rows, holes, (None, until_s))
    for second in {second for each in of_any for second in each}:
        seconds[second] = everyone[second]
    return seconds


def of_replica(
    found: Iterable[Made],
    asked_rows: Sequence[Asked],
    holes: Sequence[Gap],
    asking: tuple[int | None, float],
) -> dict[int, str]:
    """Say the same of one replica, or by all sessions of what the first was to record."""
    replica, until_s = asking
    sessions = [each for each in found if replica is None or each.session.replica == replica]
    return {
        second: _became(sessions, holes, second)
        for second in range(ceil(SINCE_S), ceil(min(until_s, NOW_S)))
        if _is_wanted(asked_rows, replica or 0, second)
    }


def _is_wanted(asked_rows: Sequence[Asked], replica: int, second: int) -> bool:
    before = [row for row in asked_rows if row.since_s <= second]
    row = max(before, key=lambda each: each.since_s, default=None)
    if row is None or not row.terms:
        return False
    found, held = terms_of(row.terms), row.override
    until = found.suspend_until
    is_suspended = found.suspend and not (until and parse_time(until).timestamp() <= second)
    is_held = held is not None and not (held.until_s is not None and held.until_s <= second)
    is_open = found.schedule is None or schedule_of(found.schedule).open_at(instant(second))
    return replica < found.replicas and not is_suspended and not is_held and is_open


def _became(sessions: Iterable[Made], holes: Sequence[Gap], second: int) -> str:
    whole = [each for each in sessions if not _in_hole(each, holes, second)]
    if any(each.begins <= second < each.seen for each in whole):
        return "covered"
    if any(each.seen <= second < each.over for each in whole):
        return "unconfirmed"
    return "gap"


def _in_hole(made: Made, holes: Sequence[Gap], second: int) -> bool:
    return any(
        hole.session == made.session.id
        and hole.from_s <= second
        and (hole.until_s is None or second < hole.until_s)
        for hole in holes
    )
