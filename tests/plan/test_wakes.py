"""When a Recording is looked at again: no moment is missed that makes a difference."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine import differ
from reconciler.plan.action import Action
from reconciler.plan.decide import decide_recording
from reconciler.plan.expiry import rotate_at_s
from reconciler.plan.looks import next_look_s, next_stop_s
from reconciler.plan.session import End, Session
from reconciler.plan.slots import names_of
from reconciler.plan.times import rfc3339
from reconciler.plan.wakes import CREDENTIALS_MARGIN_S, credentials_due_s, next_wake_s
from reconciler.plan.world import World
from tests.plan.random_worlds import case_of
from tests.plan.support import NOW_S, Case, world_of

NEVER_S = 1e12
"""A cadence that hides nothing else behind queries."""

HORIZON_S = 10 * 86_400.0
NO_PLACE = {("key", False): 0}
SEEDS = st.integers(0, 2**32 - 1)


def seldom(_: Session) -> float:
    return NEVER_S


def often(_: Session) -> float:
    return 120.0


def of_one(world: World, name: str) -> World:
    """Return what the engine knows when it decides on one Recording."""
    return replace(
        world,
        wanted={key: value for key, value in world.wanted.items() if key == name},
        recorded={key: value for key, value in world.recorded.items() if key == name},
        sessions=tuple(each for each in world.sessions if each.recording == name),
    )


def at(world: World, now_s: float) -> World:
    return replace(world, now_s=now_s, at_s=now_s)


def timed_worlds(random: Random) -> Iterator[tuple[World, str]]:
    """Yield worlds of one Recording in which much is soon to happen."""
    case = case_of(random)
    for recording in case["recordings"].values():
        if recording["wanted"] is not None:
            _time_wish(random, recording["wanted"])
        for session in recording["sessions"]:
            _time_session(random, session)
    world = world_of(case)
    for name in names_of(world):
        yield of_one(world, name), name


def _time_wish(random: Random, wanted: Case) -> None:
    def moment() -> str:
        return rfc3339(NOW_S + random.choice([-5000, -600, -50, 7, 90, 400, 3000, 90_000]))

    if random.random() < 0.4:
        windows = [sorted({moment(), moment()}) for _ in range(random.randint(1, 3))]
        found = [{"start": each[0], "until": each[1]} for each in windows if len(each) > 1]
        if found:
            wanted["schedule"] = found
    if random.random() < 0.2:
        wanted["suspend"], wanted["suspend_until"] = True, random.choice([-90, 30, 800])


def _time_session(random: Random, session: Case) -> None:
    """Draw moments for what a session's phase knows, the most recent ones last."""
    ago = [random.choice([1, 15, 60, 89, 95, 200, 700, 40_000]) for _ in range(4)]
    created, started, asked, ended = sorted(ago, reverse=True)
    fields: dict[str, Any] = {"created": -created, "started": -started, "asked": -asked}
    fields["resource_ends"] = random.choice([30, 200, 900, 5000, 200_000])
    fields["token_ends"] = random.choice([None, None, 100, 1500, 90_000])
    fields["duration_ends"] = random.choice([None, None, 250, 2500, 70_000])
    fields["attempt"] = random.randint(0, 6)
    fields["credentials"] = random.choice([None, -60, -2000])
    fields["credentials_end"] = random.choice([None, 1000])
    if "end_reason" in session:
        fields["ended"] = -ended
        fields["recheck"] = random.choice([None, None, 50])
    if random.random() < 0.3 and "end_reason" not in session:
        fields["stop_reason"] = str(random.choice([End.UNCONFIRMED, End.REPLACED, End.ROTATED]))
        fields["stop_asked"] = random.choice([None, -ended])
        fields["stops"] = random.randint(1, 6)
        fields["stop_taken"] = random.choice([None, -ended])
    session.update({key: each for key, each in fields.items() if random.random() < 0.6})


def wake_of(world: World, name: str, **more: Any) -> float | None:
    return next_wake_s(world, decided(world, name), seldom, **more)


def decided(world: World, name: str, free: Any = None) -> tuple[Action, ...]:
    return decide_recording(world, name, free)


@settings(max_examples=400)
@given(SEEDS)
def test_until_it_is_looked_at_again_nothing_is_decided_otherwise(seed: int) -> None:
    random = Random(seed)
    for world, name in timed_worlds(random):
        free = random.choice([None, NO_PLACE])
        was = decided(world, name, free)
        # The pass took a while, in which more became due.
        later = at(world, NOW_S + random.choice([0, 0, 10, 700]))
        wake_s = wake_of(later, name, since_s=NOW_S)
        assert wake_s is None or wake_s > NOW_S
        for moment_s in moments_before(random, wake_s):
            assert decided(at(world, moment_s), name, free) == was, moment_s - NOW_S


def moments_before(random: Random, wake_s: float | None) -> Iterator[float]:
    end_s = NOW_S + HORIZON_S if wake_s is None else wake_s
    yield end_s - 1e-3 * min(1, end_s - NOW_S)
    for _ in range(3):
        yield NOW_S + (end_s - NOW_S) * random.random() ** 3


@settings(max_examples=60)
@given(SEEDS)
def test_what_nobody_acts_on_is_looked_at_some_more_times_and_then_left(seed: int) -> None:
    for world, name in timed_worlds(Random(seed)):
        since_s, wakes = world.now_s, 0
        while (wake_s := wake_of(at(world, since_s + 1), name, since_s=since_s)) is not None:
            assert wake_s > since_s
            since_s, wakes = wake_s, wakes + 1
            if since_s > NOW_S + HORIZON_S:
                break
        assert wakes < 60


@settings(max_examples=60)
@given(SEEDS)
def test_it_is_never_after_a_look_or_a_stop_that_is_due(seed: int) -> None:
    for world, name in timed_worlds(Random(seed)):
        wake_s = next_wake_s(world, decided(world, name), often)
        for session in world.sessions:
            for due_s in (next_look_s(session, 120.0), next_stop_s(session)):
                if due_s is not None and due_s > world.now_s:
                    assert wake_s is not None
                    assert wake_s <= due_s


def one(**said: Any) -> tuple[World, Session]:
    """Return a world of one Recording with one session."""
    world = world_of({"wanted": said.pop("wanted", {}), "sessions": [{"id": "s1", **said}]})
    return world, world.sessions[0]


def wake(world: World) -> float | None:
    """Return the next wake as seconds from now, queries every 120 s."""
    found = next_wake_s(world, decided(world, "talk"), often)
    return None if found is None else round(found - NOW_S, 3)


SHORT = {"schedule": [{"start": "2027-01-15T07:00:00Z", "until": "2027-01-15T08:00:33Z"}]}


@pytest.mark.parametrize(
    ("said", "after_s"),
    [
        ({"asked": -20}, 100),
        ({"asked": -20, "wanted": SHORT}, 33),
        ({"asked": -20, "credentials": -2660}, 40),
        ({"asked": -20, "credentials": -60, "credentials_end": 610}, 10),
        ({"asked": -20, "resource_ends": 80, "started": -(10**6)}, 20),
        ({"phase": "starting", "started": -88, "asked": -76}, 2),
        ({"phase": "starting", "started": -95, "asked": -1, "attempt": 1}, 5),
        ({"phase": "missing", "missing": -20, "asked": -4}, 10),
        ({"phase": "failed", "attempt": 1, "ended": -3}, 7),
        ({"phase": "ended", "end_reason": "gone", "recheck": 55}, 55),
        ({"phase": "orphan", "ends_by": 444}, 444),
        ({"stop_reason": "removed", "stop_asked": -9, "stops": 1, "asked": -4}, 1),
        ({"stop_reason": "replaced", "stop_asked": -9, "stop_taken": -9, "asked": -4}, 6),
    ],
)
def test_each_thing_that_comes_next_has_its_moment(said: Case, after_s: float) -> None:
    world, _ = one(**said)
    assert wake(world) == after_s


def test_what_an_action_says_of_its_end_counts() -> None:
    world, _ = one(asked=-20)
    (action,) = decided(world, "talk")
    until = (replace(action, until_s=NOW_S + each) for each in (-5, 0, 44, 12))
    assert next_wake_s(world, until, often) == NOW_S + 12


def test_a_rotation_has_its_moment() -> None:
    world, session = one(asked=0, started=-90_000, resource_ends=3000)
    rotates_s = rotate_at_s(session, restarts_always=True)
    assert rotates_s is not None
    assert next_wake_s(world, (), seldom) == rotates_s


def test_what_is_not_to_record_wakes_up_when_its_suspend_ends() -> None:
    suspended = {"suspend": True, "suspend_until": 77}
    assert wake(world_of({"wanted": suspended})) == 77
    assert wake(world_of({"recorded": {"override": {"until": 66}}})) == 66
    assert wake(world_of({"wanted": {"suspend": True}})) is None


def test_what_became_due_while_the_pass_ran_is_not_lost() -> None:
    world, _ = one(asked=-119.5)
    late = at(world, NOW_S + 3)
    assert next_wake_s(late, (), often) is None or next_wake_s(late, (), often) != NOW_S + 0.5
    assert next_wake_s(late, (), often, since_s=NOW_S) == NOW_S + 0.5


def test_a_window_that_opened_while_the_pass_ran_is_not_missed() -> None:
    opens = {"start": "2027-01-15T08:00:01Z", "until": "2027-01-15T20:00:00Z"}
    world = at(world_of({"wanted": {"schedule": [opens]}}), NOW_S + 3)
    assert next_wake_s(world, decided(world, "talk"), often, since_s=NOW_S) == NOW_S + 1


def test_credentials_are_due_as_the_engine_has_it() -> None:
    assert CREDENTIALS_MARGIN_S == differ.EXPIRY_MARGIN_S
    _, session = one(credentials=-100)
    assert credentials_due_s(session, 300.0) == NOW_S + 200
    assert credentials_due_s(replace(session, credentials_end_s=NOW_S + 700), 300.0) == NOW_S + 100
    assert credentials_due_s(replace(session, credentials_s=None), 300.0) is None
