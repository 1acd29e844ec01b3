from collections.abc import Callable
from dataclasses import replace
from itertools import islice, pairwise

import pytest
from hypothesis import given

from reconciler.plan import life
from reconciler.plan.looks import next_look_s, next_stop_s
from reconciler.plan.session import REACHABLE, End, Phase, Session
from tests.plan.lives import BEGUN, LIVES, NOW_S, in_phase, lived

RESYNC_S = 120.0


def looks(session: Session, number: int) -> list[float]:
    """Return the next looks if none of them tells anything."""
    times = []
    for _ in range(number):
        next_s = next_look_s(session, RESYNC_S)
        assert next_s is not None
        times.append(next_s)
        session = life.unanswered(session, next_s)
    return times


def stops(session: Session, sent: Callable[[Session, float], Session]) -> list[float]:
    """Return the gaps between stops after the first."""
    times = [NOW_S]
    session = sent(session, NOW_S)
    while len(times) < 8:
        next_s = next_stop_s(session)
        assert next_s is not None
        times.append(next_s)
        session = sent(session, next_s)
    return [later - earlier for earlier, later in pairwise(times)]


def sent(session: Session, now_s: float) -> Session:
    return life.stop_asked(session, End.REMOVED, now_s)


def sent_and_taken(session: Session, now_s: float) -> Session:
    return life.stop_taken(sent(session, now_s), now_s)


@pytest.mark.parametrize(
    ("session", "since_s", "after_s"),
    [
        (in_phase("starting"), 1002, [5, 15, 30, 45, 60, 75, 90, 105, 120]),
        (in_phase("missing"), 1100, [5, 15, 30, 60, 90, 120, 150]),
        (in_phase("missing", missing_s=None, asked_s=1100.0), 1100, [30, 60, 90]),
        (in_phase("running"), 1007, [120, 240, 360]),
        (in_phase("running", asked_s=1020.0), 1020, [120, 240, 360]),
        (in_phase("running", observed_s=None, confirmed_s=None), 1002, [120, 240]),
        (in_phase("running", stop_asked_s=1100.0), 1100, [5, 15, 30, 45, 60, 75, 90, 150, 210]),
        (in_phase("starting", stop_asked_s=1100.0), 1100, [5, 15, 30]),
        (in_phase("missing", stop_asked_s=1150.0), 1150, [5, 15, 30]),
        # A look that came in between, or late, takes the place of those before it.
        (in_phase("starting", asked_s=1021.0), 1002, [30, 45]),
        (in_phase("missing", asked_s=1099.0), 1100, [5, 15]),
    ],
)
def test_looks_come_in_growing_steps(session: Session, since_s: float, after_s: list[int]) -> None:
    assert looks(session, len(after_s)) == [since_s + step for step in after_s]


@pytest.mark.parametrize(
    ("session", "next_s"),
    [
        (in_phase("none"), None),
        (in_phase("acquired"), 1001),
        (in_phase("acquired", acquired_s=None), 1000),
        (in_phase("orphan"), None),
        (in_phase("orphan", ends_by_s=5000.0), 5000),
        (in_phase("ended"), None),
        (in_phase("failed"), None),
        (in_phase("ended", recheck_s=1300.0, asked_s=1120.0), 1300),
        (in_phase("failed", recheck_s=1300.0), 1300),
        (in_phase("ended", recheck_s=1300.0, asked_s=1300.0), 1480),
    ],
)
def test_what_cannot_be_queried_is_looked_at_when_something_is_due(
    session: Session, next_s: float | None
) -> None:
    assert next_look_s(session, RESYNC_S) == next_s


def test_a_repeated_stop_begins_the_steps_anew() -> None:
    session = sent(in_phase("running"), 1100.0)
    last_s = looks(session, 7)[-1]
    session = sent(life.unanswered(session, last_s), last_s + 1)
    assert looks(session, 2) == [last_s + 6, last_s + 16]


@given(LIVES)
def test_what_can_be_reached_is_always_looked_at_again_and_never_without_a_pause(
    steps: list[tuple[str, float]],
) -> None:
    for _, now_s, _, session in lived([*BEGUN, *steps]):
        if session.phase not in REACHABLE:
            continue
        next_s = next_look_s(session, RESYNC_S)
        assert next_s is not None
        assert next_s <= now_s + RESYNC_S
        next_s = max(now_s, next_s)
        after_s = next_look_s(life.unanswered(session, next_s), RESYNC_S)
        assert after_s is not None
        assert after_s > next_s


@given(LIVES)
def test_what_has_to_end_is_stopped_again_until_it_is_out_of_reach(
    steps: list[tuple[str, float]],
) -> None:
    for _, now_s, _, session in lived([*BEGUN, *steps]):
        next_s = next_stop_s(session)
        if not session.stop_reason or session.phase not in REACHABLE:
            assert next_s is None
        elif session.stop_asked_s is None:
            assert next_s == 0
        elif next_s is None:
            assert session.resource_ends_s is not None
            assert session.resource_ends_s <= session.stop_asked_s + 300
        else:
            assert session.stop_asked_s + 10 <= next_s <= now_s + 300


@pytest.mark.parametrize(
    ("one", "gaps_s"),
    [
        (sent, [10, 20, 40, 80, 160, 300, 300]),
        (sent_and_taken, [90, 90, 90, 90, 160, 300, 300]),
    ],
)
def test_the_gaps_between_stops_grow(
    one: Callable[[Session, float], Session], gaps_s: list[int]
) -> None:
    assert stops(in_phase("running"), one) == gaps_s


def test_no_stop_goes_to_what_it_would_not_reach() -> None:
    session = sent(in_phase("running"), 4591.9)
    assert next_stop_s(session) == 4601.9
    assert next_stop_s(sent(in_phase("running"), 4592.0)) is None


@pytest.mark.parametrize("phase", sorted(set(Phase) - REACHABLE))
def test_no_stop_goes_to_what_cannot_be_called(phase: str) -> None:
    assert next_stop_s(in_phase(phase, stop_reason="removed")) is None


def test_a_start_is_looked_at_at_the_moment_it_is_given_up() -> None:
    session = in_phase("starting")
    for time_s in islice(looks(session, 7), 6):
        assert not life.unconfirmed_due(session, time_s)
    assert life.unconfirmed_due(session, looks(session, 7)[-1])


def test_a_start_whose_time_is_not_known_counts_from_when_it_became_known() -> None:
    session = replace(in_phase("starting"), started_s=None)
    assert next_look_s(session, RESYNC_S) == 1005
