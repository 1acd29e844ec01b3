"""A clock that is set, on a state that several processes write (decision 016)."""

import asyncio
from pathlib import Path

import pytest

from reconciler.daemon.timekeeper import Timekeeper
from reconciler.engine.records import Records
from reconciler.plan.recorded import Recorded
from reconciler.plan.session import Phase
from reconciler.state.store import SetRecorded, SetSession
from tests.state.support import NOW_S, HandClock, SqliteBackend, session

SCOPE = "default"


class WallClock(HandClock):
    """One that can be set, beside a monotonic one that cannot."""

    set_by_s = 0.0

    def now_s(self) -> float:
        return self.time_s + self.set_by_s


def is_ours(name: str) -> bool:
    return name == "ours"


def recorded(name: str) -> Recorded:
    return Recorded(
        name=name, app="b", channel="c", mode="mix", digest="", terms="", source="",
        removed_s=NOW_S,
    )  # fmt: skip


@pytest.fixture
def records(tmp_path: Path) -> Records:
    store = SqliteBackend(f"sqlite:///{tmp_path}/state.db").open()
    over = {"phase": Phase.ENDED, "ended_s": NOW_S, "end_reason": "removed"}
    changes = [
        change
        for name in ("ours", "theirs")
        for change in (
            SetRecorded(recorded=recorded(name)),
            SetSession(session=session(f"{name}-lives", recording=name, started_s=NOW_S)),
            SetSession(session=session(f"{name}-over", recording=name, **over)),
        )
    ]
    store.commit(SCOPE, changes)
    return Records(store, SCOPE, store.snapshot(SCOPE))


def moments(records: Records) -> dict[str, float | None]:
    """Return what state has, as the next process reads it."""
    found = records.store.snapshot(SCOPE)
    past = {each.session.id: each.session for each in records.store.past(SCOPE, since_s=0.0)}
    known = past | {each.id: each for each in found.sessions}
    return {
        **{each.id: each.started_s or each.ended_s for each in known.values()},
        **{each.name: each.removed_s for each in found.recorded.values()},
    }


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
def test_a_clock_that_is_set_moves_what_this_process_owns_alone(
    records: Records, by_s: float
) -> None:
    clock = WallClock()
    keeper = Timekeeper(records, clock)
    assert not keeper.is_off
    clock.set_by_s = by_s
    assert keeper.is_off
    asyncio.run(keeper.follow(is_ours))
    assert not keeper.is_off
    found = moments(records)
    assert found["ours-lives"] == found["ours"] == NOW_S + by_s
    assert found["theirs-lives"] == found["theirs"] == found["theirs-over"] == NOW_S


def test_what_an_earlier_process_noted_too_late_is_set_back_where_it_is_ours(
    records: Records,
) -> None:
    clock = WallClock()
    clock.set_by_s = -3600.0
    asyncio.run(Timekeeper(records, clock).set_back(is_ours))
    found = moments(records)
    assert found["ours-lives"] == found["ours"] == found["ours-over"] == NOW_S - 3600.0
    assert found["theirs-lives"] == found["theirs"] == found["theirs-over"] == NOW_S


def test_what_was_noted_in_the_right_time_stays(
    records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    before = moments(records)
    asyncio.run(Timekeeper(records, WallClock()).set_back(is_ours))
    assert moments(records) == before
    assert caplog.messages == []


@pytest.mark.parametrize("is_noticed", [True, False])
def test_what_was_over_first_stays_over_first_when_the_clock_is_set_back(
    tmp_path: Path, *, is_noticed: bool
) -> None:
    store = SqliteBackend(f"sqlite:///{tmp_path}/state.db").open()
    for name, created_s, lasted_s in (("first", NOW_S - 100.0, 1.0), ("last", NOW_S - 90.0, 80.0)):
        over = {"created_s": created_s, "ended_s": created_s + lasted_s, "end_reason": "exited"}
        ended = session(name, recording="ours", phase=Phase.ENDED, **over)
        store.commit(SCOPE, [SetSession(session=ended)])
    records = Records(store, SCOPE, store.snapshot(SCOPE))
    assert [each.id for each in records.all_sessions()] == ["last"]
    clock = WallClock()
    keeper = Timekeeper(records, clock)
    clock.set_by_s = -3600.0
    asyncio.run(
        keeper.follow(is_ours) if is_noticed else Timekeeper(records, clock).set_back(is_ours)
    )
    past = [each.session for each in store.past(SCOPE, since_s=0.0)]
    first, last = sorted(past, key=lambda each: each.id)
    assert first.ended_s is not None
    assert last.ended_s is not None
    assert first.ended_s <= last.created_s < last.ended_s <= clock.now_s()


@pytest.mark.parametrize("is_noticed", [True, False])
def test_what_stays_where_it_was_is_not_passed_by_what_is_set_back(
    tmp_path: Path, *, is_noticed: bool
) -> None:
    back_s = NOW_S - 3600.0
    store = SqliteBackend(f"sqlite:///{tmp_path}/state.db").open()
    for name, replica, created_s, ended_s in (
        ("first", 0, back_s - 200.0, back_s - 60.0),
        ("last", 0, back_s - 50.0, back_s + 100.0),
        ("beside", 1, NOW_S - 50.0, NOW_S - 1.0),
    ):
        over = {"created_s": created_s, "ended_s": ended_s, "end_reason": "exited"}
        ended = session(name, recording="ours", replica=replica, phase=Phase.ENDED, **over)
        store.commit(SCOPE, [SetSession(session=ended)])
    records = Records(store, SCOPE, store.snapshot(SCOPE))
    clock = WallClock()
    keeper = Timekeeper(records, clock)
    clock.set_by_s = -3600.0
    asyncio.run(
        keeper.follow(is_ours) if is_noticed else Timekeeper(records, clock).set_back(is_ours)
    )
    past = [each.session for each in store.past(SCOPE, since_s=0.0)]
    by_end = sorted((each.ended_s or 0.0, each.id) for each in past if each.replica == 0)
    assert [name for _, name in by_end] == ["first", "last"]
    newest = Records(store, SCOPE, store.snapshot(SCOPE)).newest("ours", 0)
    assert newest is not None
    assert newest.id == "last"
