from contextlib import closing
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.plan.session import Phase
from reconciler.state.bounds import Bounds
from reconciler.state.store import (
    Change,
    Condition,
    DropRecorded,
    Event,
    Rename,
    SetCounter,
    SetRecorded,
    SetSession,
    Store,
)
from tests.state.model import Model
from tests.state.support import (
    NOW_S,
    Backend,
    PostgresBackend,
    SqliteBackend,
    recorded,
    session,
)

NAMES = st.sampled_from(["a", "b"])
REPLICAS = st.integers(0, 1)
SCOPES = st.sampled_from(["one", "two"])
MOMENTS = st.sampled_from([1.0, 2.0, 3.0])
BOUNDS = Bounds(sessions_age_s=10.0)


@st.composite
def a_session(draw: st.DrawFn, scope: str) -> SetSession:
    number = draw(st.integers(0, 4))
    made = session(
        f"{scope}-{number}",
        uid=f"{scope}-{number}",
        recording=draw(NAMES),
        replica=draw(REPLICAS),
        created_s=draw(MOMENTS),
        phase=draw(st.just(Phase.ENDED) | st.sampled_from(Phase)),
        recheck_s=draw(st.none() | st.none() | st.none() | MOMENTS),
        stop_reason=draw(st.sampled_from(["", "", "", "removed"])),
        ended_s=draw(st.none() | MOMENTS),
    )
    return SetSession(session=made)


@st.composite
def a_commit(draw: st.DrawFn) -> tuple[str, list[Change]]:
    scope = draw(SCOPES)
    change = st.one_of(
        a_session(scope),
        a_session(scope),
        NAMES.map(lambda name: SetRecorded(recorded=recorded(name))),
        NAMES.map(lambda name: DropRecorded(name=name)),
        st.builds(Rename, before=NAMES, after=NAMES),
        st.builds(SetCounter, recording=NAMES, replica=REPLICAS, counter=st.integers(0, 3)),
    )
    return scope, draw(st.lists(change, min_size=1, max_size=4))


TRIM = MOMENTS.map(lambda moment_s: moment_s + BOUNDS.sessions_age_s)
STEPS = st.lists(a_commit() | a_commit() | a_commit() | TRIM, min_size=1, max_size=12)


def walk(backend: Backend, steps: list[tuple[str, list[Change]] | float]) -> None:
    """Do the same to a state and to the model; both must tell the same after each step."""
    model = Model()
    with closing(backend.open()) as store:
        for step in steps:
            if isinstance(step, float):
                store.trim(step, BOUNDS)
                model.trim(step, BOUNDS)
            else:
                store.commit(*step)
                model.commit(*step)
            assert_same(store, model)


def assert_same(store: Store, model: Model) -> None:
    for scope in ("one", "two"):
        snapshot = store.snapshot(scope)
        assert list(snapshot.sessions) == model.current(scope)
        assert [past.session for past in store.latest(scope)] == model.current(scope)
        assert sorted(place.uid for place in snapshot.elsewhere) == model.living(scope)
        assert {(scope, name) for name in snapshot.recorded} == {
            key for key in model.recorded if key[0] == scope
        }
        assert {(scope, *key): n for key, n in snapshot.counters.items()} == {
            key: n for key, n in model.counters.items() if key[0] == scope
        }
        kept = sorted(name for name, (owner, _) in model.sessions.items() if owner == scope)
        assert sorted(past.session.id for past in store.past(scope)) == kept


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_a_file_is_after_any_commits_as_the_model_says(
    sqlite: SqliteBackend, steps: list[tuple[str, list[Change]] | float]
) -> None:
    walk(sqlite.fresh(), steps)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_a_server_is_after_any_commits_as_the_model_says(
    postgres: PostgresBackend, steps: list[tuple[str, list[Change]] | float]
) -> None:
    walk(postgres.fresh(), steps)


def test_an_ended_session_is_told_of_until_a_newer_one_takes_its_place(store: Store) -> None:
    old = session("old", created_s=1.0, phase=Phase.ENDED, ended_s=2.0)
    new = session("new", created_s=3.0)
    store.commit("default", [SetSession(session=old)])
    assert store.snapshot("default").sessions == (old,)
    store.commit("default", [SetSession(session=new)])
    assert store.snapshot("default").sessions == (new,)


def test_a_session_is_told_of_again_when_the_newer_one_is_anothers(store: Store) -> None:
    old = session("old", created_s=1.0, phase=Phase.ENDED, ended_s=2.0)
    new = session("new", created_s=3.0, phase=Phase.ENDED, ended_s=4.0)
    moved = replace(new, replica=1)
    store.commit("default", [SetSession(session=old), SetSession(session=new)])
    assert store.snapshot("default").sessions == (new,)
    store.commit("default", [SetSession(session=moved)])
    assert store.snapshot("default").sessions == (old, moved)
    store.commit("default", [SetSession(session=replace(moved, created_s=0.0, replica=0))])
    assert store.snapshot("default").sessions == (replace(moved, created_s=0.0, replica=0), old)
    store.commit("default", [SetSession(session=replace(old, ended_s=5.0))])
    assert store.snapshot("default").sessions == (replace(old, ended_s=5.0),)


def test_a_predecessor_that_outlived_its_successor_is_told_of_beside_it(store: Store) -> None:
    old = session("old", created_s=1.0, phase=Phase.ENDED, ended_s=9.0)
    tried = session("tried", created_s=3.0, phase=Phase.FAILED, ended_s=4.0)
    store.commit("default", [SetSession(session=replace(old, phase=Phase.RUNNING, ended_s=None))])
    store.commit("default", [SetSession(session=tried)])
    store.commit("default", [SetSession(session=old)])
    assert store.snapshot("default").sessions == (old, tried)
    after = session("after", created_s=10.0)
    store.commit("default", [SetSession(session=after)])
    assert store.snapshot("default").sessions == (after,)


def test_a_session_that_404_alone_ended_is_told_of_until_it_was_looked_at(store: Store) -> None:
    gone = session("old", created_s=1.0, phase=Phase.ENDED, ended_s=2.0, recheck_s=9.0)
    new = session("new", created_s=3.0)
    store.commit("default", [SetSession(session=gone), SetSession(session=new)])
    assert store.snapshot("default").sessions == (gone, new)


def test_a_renamed_recording_keeps_its_conditions_events_and_row(store: Store) -> None:
    def condition(name: str, reason: str) -> Condition:
        return Condition(
            recording=name,
            replica=0,
            type="Synced",
            status=True,
            reason=reason,
            message="",
            since_s=1.0,
        )

    event = Event(time_s=NOW_S, recording="before", type="normal", reason="r", message="m")
    store.commit("default", [SetRecorded(recorded=recorded("before", generation=7)), event])
    store.commit("default", [condition("before", "theirs"), condition("after", "overwritten")])
    store.commit("other", [condition("before", "not ours")])
    store.commit("default", [SetRecorded(recorded=recorded("after"))])
    store.commit("default", [Rename(before="before", after="after")])
    assert store.snapshot("default").recorded == {"after": recorded("after", generation=7)}
    assert store.conditions("default") == [condition("after", "theirs")]
    assert store.conditions("other") == [condition("before", "not ours")]
    assert [one.recording for _, one in store.events("default", "after")] == ["after"]


def test_a_rename_of_what_is_not_there_leaves_the_other_alone(store: Store) -> None:
    store.commit("default", [SetRecorded(recorded=recorded("after"))])
    store.commit("default", [Rename(before="before", after="after")])
    store.commit("default", [Rename(before="after", after="after")])
    assert store.snapshot("default").recorded == {"after": recorded("after")}
