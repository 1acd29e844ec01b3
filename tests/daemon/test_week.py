"""A daemon lives for days on virtual time, and everything happens to it.

What always holds is checked every minute; at the end every second that was wanted is accounted for.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from reconciler.engine.history import histories
from reconciler.plan.action import Kind
from reconciler.plan.coverage import coverage
from reconciler.plan.spans import Span, both, minus, union
from reconciler.simulator.outbox import Chaos
from tests.daemon.accidents import PROCESS, SERVICE
from tests.daemon.cast import DAY_S, LIVE, LongStage, Role, Times, daily, fixed, told_settings
from tests.daemon.people import PEOPLE
from tests.daemon.support import long_time, scratch
from tests.daemon.truth import configs
from tests.daemon.week import Act, Week
from tests.engine.support import CERTIFICATE

SETTLED_S = 3.7 * 3600
"""After this long without anything new all is as it should be."""

GAP_S = (60.0, 3600.0)
"""How long nothing happens."""

EDGE_S = 3
"""Moments are compared in whole seconds, and what the service tells takes a moment."""

DAYS = 7.0


def cast(begins_s: float, hall: Times) -> list[Role]:
    """Return recordings of all modes, that are handed over for every reason there is."""
    north: dict[str, Any] = {"app": "north", "storage": "archive"}
    south: dict[str, Any] = {"app": "south", "storage": "archive"}
    page = {"url": "https://example.com/page", "maxDuration": "4h"}
    talk = {"replace": "stop-first", "restart": "on-failure"}
    return [
        Role("lobby", "mix", {**north, **LIVE, "resourceExpiry": "6h"}),
        Role(
            "hall",
            "individual",
            {**north, **LIVE, "storage": "filed", "replicas": 2, "resourceExpiry": "72h"},
            hall,
        ),
        Role("wall", "web", {**north, "storage": "asked", "web": page}),
        Role("night", "mix", {**north, **LIVE}, daily(2, 30, 90, "Europe/Berlin")),
        Role(
            "lecture",
            "web",
            {**south, "storage": "filed", "web": page},
            daily(9, 0, 120, "America/New_York", days="mon-fri"),
        ),
        Role("talk", "mix", {**north, **LIVE, "policy": talk}, daily(14, 15, 300, "Etc/UTC")),
        Role(
            "event",
            "mix",
            {**south, **LIVE},
            fixed(
                (begins_s + 3600, begins_s + 7200),
                (begins_s + 7300, begins_s + 9000),
                (begins_s + 100_000, begins_s + 130_000),
            ),
        ),
    ]


async def live(folder: Path, seed: int, days: float, hall: Times, **settings: Any) -> Week:
    """Let a daemon live for days, until nothing new has happened for hours."""
    rng = Random(seed)
    begins = datetime(2026, 10, 23, 22, tzinfo=UTC)
    stage = LongStage(folder, told_settings(certificate=CERTIFICATE), begins=begins)
    week = Week(folder, stage, rng, **settings)
    week.set_up()
    week.enter(*cast(begins.timestamp(), hall))
    acts: tuple[Act, ...] = (*PEOPLE, *SERVICE, *PROCESS)
    if days < DAYS:
        week.progress, week.rooms_max = 0.05, 1
    async with stage.application.delivering(week.hear):
        await week.begin()
        await week.live(begins.timestamp() + days * DAY_S - SETTLED_S, GAP_S, acts)
        stage.heal()
        stage.simulator.world.outbox.chaos = Chaos()
        await week.wait(SETTLED_S)
        await week.run.end()
    return week


def check_seconds(week: Week) -> None:
    """Check that every second that was wanted is there, but for what somebody knows of."""
    now_s = week.now_s
    recorded = week.truth.spans(now_s)
    for role in (*week.roles.values(), *week.past):
        wanted, excused = role.wanted(now_s), week.excuses.of(role.name)
        for replica in range(role.replicas):
            missed = minus(minus(wanted, recorded.get((role.name, replica), ())), excused)
            missed = tuple(each for each in missed if each[1] - each[0] >= EDGE_S)
            assert not missed, f"{role.name}[{replica}] was not recorded: {_shown(week, missed)}"


def check_coverage(week: Week) -> None:
    """Check that what is told of the seconds is what the service knows of them."""
    now_s, begins_s = week.now_s, week.stage.wall.begins_s
    until_s = now_s - week.unseen_s  # what records is known to have until it was last asked
    recorded = week.truth.spans(until_s)
    with week.stage.store() as store:
        told = {each.name: each for each in histories(store, "default", begins_s)}
    for role in week.roles.values():
        cover = coverage(told[role.name], begins_s, until_s, now_s).whole
        truth = union(
            part for (name, _), spans in recorded.items() if name == role.name for part in spans
        )
        doubts = (*week.excuses.of(role.name), *week.doubts.of(role.name))
        doubt = union((begins - EDGE_S, ends + EDGE_S) for begins, ends in doubts)
        over = minus(minus(cover.covered, truth), doubt)
        under = minus(minus(both(truth, cover.wanted), cover.covered), doubt)
        wrong = [each for each in (*over, *under) if each[1] - each[0] > EDGE_S]
        assert not wrong, f"{role.name}: {_shown(week, tuple(wrong))} {cover.lapses}"


def _shown(week: Week, spans: tuple[Span, ...]) -> list[str]:
    zero = week.stage.wall.begins_s
    return [f"{begins - zero:.0f}..{ends - zero:.0f}" for begins, ends in spans[:20]]


async def check_end(week: Week, folder: Path) -> None:
    """Check that nothing is left to do, and that all is as an apply would have made it."""
    left = await week.stage.plan()
    assert {each.kind for each in left.actions} == {Kind.NONE}, left.actions
    other = LongStage(folder, week.stage.settings)
    other.wall.begins_s = week.stage.wall.begins_s
    other.environ, other.allow_exec = week.stage.environ, True
    shutil.rmtree(other.specs)
    shutil.copytree(week.stage.specs, other.specs)
    shutil.copy(week.folder / "keys.json", folder)
    results = await other.apply()
    assert {each.outcome for each in results} <= {"done", "unchanged"}
    reference = Week(folder, other, Random(0))
    assert _texts(configs(week.run, week.truth.foreign)) == _texts(configs(reference.run, set()))


def _texts(found: dict[str, list[Any]]) -> dict[str, list[str]]:
    return {
        channel: sorted(json.dumps(each, sort_keys=True) for each in configs)
        for channel, configs in found.items()
    }


async def check(week: Week, folder: Path) -> None:
    """Check that all happened, and what came of it."""
    assert len(week.count) >= 0.8 * len({*PEOPLE, *SERVICE, *PROCESS})
    assert len(week.truth.recorded) >= 40
    check_seconds(week)
    check_coverage(week)
    await check_end(week, folder)


@pytest.mark.slow
@pytest.mark.timeout(300)
@long_time
async def test_two_days_leave_no_second_unexplained(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        evenings = daily(18, 30, 240, "Asia/Tokyo")
        week = await live(folder, 3, 2.0, evenings, tick_s=25.0, interval_s=900.0, resync_s=400.0)
        await check(week, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3])
@long_time
async def test_a_week_leaves_no_second_unexplained(tmp_path: Path, seed: int) -> None:
    with scratch(tmp_path) as folder:
        week = await live(folder, seed, DAYS, Times(), interval_s=300.0)
        await check(week, tmp_path)
