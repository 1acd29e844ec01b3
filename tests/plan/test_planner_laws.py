from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.action import Action, Kind
from reconciler.plan.make import make_plan
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.slots import is_out_of_reach
from reconciler.plan.wants import want
from reconciler.plan.world import Wanted, World
from tests.plan.performing import passes
from tests.plan.random_worlds import sound_worlds, worlds
from tests.plan.support import Case, world_of

T = TypeVar("T")

UPDATES = {Kind.UPDATE, Kind.UPDATE_LAYOUT, Kind.UPDATE_AND_LAYOUT}
ENDINGS = {Kind.STOP, Kind.REPLACE, Kind.ROTATE}
PASSES_MAX = 60
LIVE = {Phase.ACQUIRED, Phase.STARTING, Phase.RUNNING, Phase.MISSING}


def shuffled(items: Iterable[T], random: Random) -> list[T]:
    found = list(items)
    random.shuffle(found)
    return found


@given(worlds, st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_does_not_matter(world: World, random: Random) -> None:
    other = replace(
        world,
        wanted=dict(shuffled(world.wanted.items(), random)),
        recorded=dict(shuffled(world.recorded.items(), random)),
        sessions=tuple(shuffled(world.sessions, random)),
        comparisons=dict(shuffled(world.comparisons.items(), random)),
    )
    assert make_plan(other) == make_plan(world)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3), min_size=1))
def test_the_plan_of_a_world_that_is_as_desired_is_empty(replicas: dict[str, int]) -> None:
    recordings: Case = {
        name: {
            "wanted": {"replicas": count},
            "sessions": [{"id": f"{name}{one}", "replica": one} for one in range(count)],
        }
        for name, count in replicas.items()
    }
    plan = make_plan(world_of({"recordings": recordings}))
    assert not plan.has_changes
    assert not plan.refused
    assert {action.kind for action in plan.actions} <= {Kind.NONE}


@given(worlds)
def test_nothing_is_changed_without_a_difference(world: World) -> None:
    for action in make_plan(world).actions:
        session = session_of_action(world, action)
        comparison = world.comparisons.get(action.session)
        if action.kind in UPDATES:
            assert session is not None
            assert session.pending or (comparison is not None and comparison.groups)
            assert action.groups
        if action.kind is Kind.REPLACE:
            assert comparison is not None
            assert comparison.replaces


@given(worlds)
def test_nothing_foreign_is_in_a_plan(world: World) -> None:
    for action in make_plan(world).actions:
        session = session_of_action(world, action)
        is_known = action.key.recording in {*world.wanted, *world.recorded}
        assert is_known or (session is not None and session.stop_reason)
        if action.session and not make_plan(world).renames:
            assert session is not None
            assert (session.recording, session.replica) == (
                action.key.recording,
                action.key.replica,
            )


@given(worlds)
def test_what_cannot_be_read_is_never_stopped(world: World) -> None:
    for action in make_plan(world).actions:
        wanted = world.wanted.get(action.key.recording)
        is_unread = not world.options.sound if wanted is None else bool(wanted.error)
        if is_unread and action.kind in ENDINGS:
            session = session_of_action(world, action)
            assert session is not None
            assert session.stop_reason


@given(worlds)
def test_nothing_is_started_beside_a_session_that_goes_on(world: World) -> None:
    for action in make_plan(world).actions:
        if action.kind in {Kind.START, Kind.RESTART} and not action.session:
            beside = [
                session
                for session in going_on(world)
                if (session.recording, session.replica)
                == (action.key.recording, action.key.replica)
            ]
            assert not beside


@given(worlds)
def test_what_is_only_observed_is_never_acted_on(world: World) -> None:
    for action in make_plan(world).actions:
        wanted = world.wanted.get(action.key.recording)
        if wanted is not None and wanted.terms.policy.manage == "observe":
            assert not action.is_change


@given(worlds)
def test_what_is_protected_is_stopped_only_as_it_asks_itself(world: World) -> None:
    for action in make_plan(world).actions:
        wanted = world.wanted.get(action.key.recording)
        session = session_of_action(world, action)
        is_told = session is not None and session.stop_reason
        if wanted is not None and wanted.terms.policy.protect and not is_told:
            assert action.kind is not Kind.REPLACE
            assert action.end not in {End.REMOVED, End.SURPLUS}


@given(worlds, st.data())
def test_two_plans_have_one_digest_if_and_only_if_they_do_the_same(
    world: World, data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(world.sessions), max_size=20))
    sessions = tuple(
        session for session, is_kept in zip(world.sessions, kept, strict=False) if is_kept
    )
    first, second = make_plan(world), make_plan(replace(world, sessions=sessions))
    same = [done(each) for each in first.actions if each.kind is not Kind.NONE] == [
        done(each) for each in second.actions if each.kind is not Kind.NONE
    ]
    assert (first.digest == second.digest) == (same and first.renames == second.renames)


@given(worlds)
def test_every_action_says_why_and_when(world: World) -> None:
    for action in make_plan(world).actions:
        assert action.reason
        assert action.message
        assert action.kind is not Kind.STOP or (action.session and action.end)
        assert action.kind not in {Kind.REPLACE, Kind.ROTATE} or (action.session and action.end)


@given(sound_worlds)
def test_every_world_comes_to_rest_as_desired(world: World) -> None:
    rest, last = world, list[Action]()
    for rest, last in passes(world, PASSES_MAX):
        assert_never_a_third(world, rest)
        if not any(action.is_change or action.kind is Kind.WAIT for action in last):
            break
    assert not [action for action in last if action.is_change or action.kind is Kind.WAIT]
    for wanted in rest.wanted.values():
        for action in last:
            if action.key.recording == wanted.name and wanted.terms.policy.manage == "full":
                assert_at_rest(rest, wanted, action)


def assert_never_a_third(before: World, after: World) -> None:
    known = {session.id for session in before.sessions}
    for made in going_on(after):
        beside = [
            session
            for session in going_on(after)
            if (session.recording, session.replica) == (made.recording, made.replica)
        ]
        assert made.id in known or len(beside) <= 2


def assert_at_rest(world: World, wanted: Wanted, action: Action) -> None:
    live = [
        session
        for session in going_on(world)
        if (session.recording, session.replica) == (wanted.name, action.key.replica)
    ]
    if not want(world, action.key).wanted:
        assert not live or action.kind is Kind.ERROR
    elif action.reason == "final":
        assert not live
    else:
        assert [session.phase for session in live] == [Phase.RUNNING]


def going_on(world: World) -> list[Session]:
    """Return the sessions that live, can be reached, and were not told to stop."""
    return [
        session
        for session in world.sessions
        if session.phase in LIVE
        and not session.stop_reason
        and not is_out_of_reach(session, world.now_s)
    ]


def session_of_action(world: World, action: Action) -> Session | None:
    return next((each for each in world.sessions if each.id == action.session), None)


def done(action: Action) -> tuple[object, ...]:
    return (action.key, action.kind, action.reason, action.session, action.changes)
