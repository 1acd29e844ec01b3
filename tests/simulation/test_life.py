"""Processes of the simulation: they die where they are to, and supervisors begin them anew."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reconciler.state.database import Run
from reconciler.state.sqlite import SqliteDatabase
from tests.daemon.cast import LIVE
from tests.simulation.acts.ours import AT_CALLS, WHEREVER
from tests.simulation.instead import instead
from tests.simulation.life import Life, Loop, own_life
from tests.simulation.run import Outcome, perform
from tests.simulation.script import Part, Script, Step


def on_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run on the loop of the simulation."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work())


async def _count(steps: list[int]) -> None:
    while True:
        steps.append(len(steps))
        await asyncio.sleep(1.0)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_process_dies_at_the_step_that_it_is_to_die_at(count: int) -> None:
    async def work() -> None:
        deaths: list[str] = []
        life, steps = Life(lambda: deaths.append("dead")), list[int]()
        life.die_after("step", count)
        with life.own():
            task = asyncio.get_running_loop().create_task(_count(steps))
        await asyncio.wait([task])
        assert (len(steps), deaths, life.died_at) == (count - 1, ["dead"], "step")

    on_loop(work)


def test_a_process_that_is_spared_lives_on() -> None:
    async def work() -> None:
        life, steps = Life(lambda: None), list[int]()
        life.die_after("step", 3)
        with life.own():
            asyncio.get_running_loop().create_task(_count(steps))
        life.spare()
        await asyncio.sleep(9.5)
        assert (len(steps), life.dead) == (10, False)
        life.die()
        await life.bury()

    on_loop(work)


def test_what_a_process_begins_is_its_own_and_dies_with_it() -> None:
    async def work() -> None:
        life, steps = Life(lambda: None), list[int]()

        async def parent() -> None:
            assert own_life() is life
            child = asyncio.get_running_loop().create_task(_count(steps))
            await child

        with life.own():
            task = asyncio.get_running_loop().create_task(parent())
        await asyncio.sleep(2.5)
        life.die()
        await life.bury()
        assert task.done()
        assert len(steps) == 3
        await asyncio.sleep(5.0)
        assert len(steps) == 3, "nothing goes on after the burial"
        assert own_life() is None

    on_loop(work)


def test_the_dead_cannot_go_on_by_catching_their_end() -> None:
    async def work() -> None:
        life, seen = Life(lambda: None), list[str]()

        async def stubborn() -> None:
            for _ in range(5):
                try:
                    await asyncio.sleep(1.0)
                except asyncio.CancelledError:
                    seen.append("caught")

        with life.own():
            asyncio.get_running_loop().create_task(stubborn())
        await asyncio.sleep(0.5)
        life.die()
        await life.bury()
        assert seen == ["caught"] * 5
        assert asyncio.get_running_loop().time() == 0.5

    on_loop(work)


def test_what_is_done_in_a_thread_is_done_at_once_and_by_the_process() -> None:
    async def work() -> None:
        life = Life(lambda: None)
        with life.own():
            task = asyncio.get_running_loop().create_task(asyncio.to_thread(own_life))
        assert await task is life
        with pytest.raises(ValueError, match="nothing"):
            await asyncio.to_thread(int, "nothing")

    on_loop(work)


def _script(*steps: Step, safety_s: float = 300.0) -> Script:
    """Return a simulation of one Recording, and of nothing that goes wrong but this."""
    policy = {"restart": "always", "replace": "start-first", "stop": "async"}
    spec = {"app": "south", "storage": "filed", **LIVE, "policy": policy}
    return Script(
        seed=2,
        parts=(Part("rec-0", "mix", spec),),
        steps=steps,
        safety_s=safety_s,
        begins_s=1_793_000_000.0,
        settings={"tick_s": 5.0, "interval_s": 60.0},
        tuning={},
    )


def _told(outcome: Outcome, *parts: str) -> list[str]:
    """Return what was said while things went wrong, with all of these in it."""
    entries = (each for each in outcome.timeline.entries if each.at_s < outcome.script.safety_s)
    said = [f"{each.who} {each.text}" for each in entries]
    return [each for each in said if all(part in each for part in parts)]


@pytest.mark.parametrize("at", [*WHEREVER, "call start", "answer start"])
def test_a_run_that_dies_anywhere_is_begun_anew_once(at: str) -> None:
    crash = Step(5.2, "crash", {"at": at, "count": 1, "down_s": 5.0, "luck": None})
    outcome = perform(_script(crash))
    assert outcome.violation is None
    assert len(_told(outcome, "run-", "is killed")) == 1
    assert len(_told(outcome, "run-", "begins")) == 2
    assert outcome.reached[f"fault:dies-{at.partition(' ')[0]}"] == 1


def test_places_where_a_process_dies_are_all_told_apart() -> None:
    assert len({*WHEREVER, *AT_CALLS}) == len(WHEREVER) + len(AT_CALLS)


def test_a_run_that_dies_again_and_again_is_begun_anew_each_time() -> None:
    fates = [("step", 40), ("call", 1), ("write", 1), ("written", 2)]
    outcome = perform(_script(Step(60.0, "storm", {"fates": fates})))
    assert outcome.violation is None
    assert len(_told(outcome, "run-", "is killed")) == 5
    assert len(_told(outcome, "run-", "begins")) == 6


def test_a_standby_takes_over_and_the_first_is_refused_until_it_ends() -> None:
    outcome = perform(
        _script(
            Step(20.0, "stand_by", {"seconds": 120.0}),
            Step(60.0, "kill", {"down_s": 10.0}),
            safety_s=400.0,
        )
    )
    assert outcome.violation is None
    assert len(_told(outcome, "standby-", "has the lock")) == 1
    assert _told(outcome, "run-", "locked"), "the first is begun anew, and refused"
    assert len(_told(outcome, "run-", "has the lock")) == 2
    assert outcome.reached["fault:takes-over"] == 1
    assert outcome.reached["fault:locked-out"] > 0


def test_a_power_cut_ends_everything_at_once_and_nothing_that_was_committed_is_lost() -> None:
    cuts = [Step(30.0 * n, "cut_power", {"down_s": 3.0, "luck": n}) for n in range(1, 13)]
    outcome = perform(
        _script(
            Step(15.0, "stand_by", {"seconds": 300.0}),
            Step(15.0, "plan", {"fate": None}),
            *cuts,
            safety_s=500.0,
        )
    )
    assert outcome.violation is None
    backs = (outcome.reached[f"fault:power-{each}"] for each in ("kept", "lost", "torn"))
    assert sum(backs) == len(cuts)


def test_an_apply_waits_for_the_lock_and_a_stop_beside_a_run_is_refused() -> None:
    apply = {"patience_s": 30.0, "pause_s": 5.0, "fate": None}
    outcome = perform(
        _script(
            Step(50.0, "apply", apply),
            Step(55.0, "stop_here", {"role": 0, "fate": None}),
            Step(60.0, "restart", {"down_s": 20.0}),
        )
    )
    assert outcome.violation is None
    assert len(_told(outcome, "apply-", "has the lock")) == 1
    assert len(_told(outcome, "stop-", "locked")) == 1


def test_a_disk_that_is_full_when_a_session_starts_costs_that_session_and_no_more() -> None:
    outcome = perform(_script(Step(0.01, "fill_disk_at_start", {"seconds": 50.0})))
    assert outcome.violation is None
    assert len(_told(outcome, "stderr", "could not be written down")) == 1
    assert outcome.reached["fault:sid-told"] == 1


def test_a_state_that_is_removed_under_its_run_is_written_back() -> None:
    for key in (True, False):
        outcome = perform(_script(Step(60.0, "remove_state", {"key": key})))
        assert outcome.violation is None
        assert outcome.reached["fault:state-removed"] == 1


def test_a_clock_that_is_wrong_is_right_again_and_all_settles() -> None:
    clocks = [
        Step(60.0, "set_clock", {"by_s": 3600.0, "seconds": 60.0}),
        Step(180.0, "set_clock", {"by_s": -600.0, "seconds": 60.0}),
        Step(240.0, "drift", {"by_s": 1.5, "times": 5}),
    ]
    outcome = perform(_script(*clocks))
    assert outcome.violation is None
    for what in ("clock-forward", "clock-back", "clock-drifts"):
        assert outcome.reached[f"fault:{what}"] == 1


@pytest.mark.parametrize("is_lazy", [False, True])
def test_a_commit_that_is_not_synced_is_found_at_a_power_cut(*, is_lazy: bool) -> None:
    writing = SqliteDatabase.writing

    @contextmanager
    def lazily(database: SqliteDatabase, *, durable: bool = True) -> Iterator[Run]:
        with writing(database, durable=durable and not is_lazy) as run:
            yield run

    written = {"at": "written", "count": 1, "down_s": 5.0}
    with instead(SqliteDatabase, "writing", lazily):
        found = [
            perform(_script(Step(5.2, "crash", {**written, "luck": luck}), safety_s=60.0)).violation
            for luck in range(4)
        ]
    assert {each.check for each in found if each} == ({"Durable"} if is_lazy else set())
