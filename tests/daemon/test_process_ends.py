"""A `run` as a process that ends, in order or not; and a service that goes away and comes back.

The simulator tells the truth: what records, and how often it was started.
"""

import time
from random import Random
from signal import SIGINT

import pytest

from reconciler.plan.session import Phase
from tests.daemon.doors import door_to
from tests.daemon.processes import END_S, Ground, Run, eventually

ROOMS = tuple(f"room-{number}" for number in range(10))
CALLS = 2 * len(ROOMS)
"""It takes two to start one, ten in a second."""


def starts_begun(ground: Ground, calls: int) -> bool:
    return len(ground.service.endpoints()) >= calls


def settle(ground: Ground, *rooms: str) -> None:
    """Let a `run` do what is left to do, and see that nothing was lost and nothing doubled."""
    with ground.running() as run:
        eventually(lambda: under_way(ground) == len(rooms))
        assert run.end() == 0
    ground.check(*rooms)
    orphans = sum(each.is_orphan for each in ground.known())
    assert len(ground.service.sessions()) <= len(rooms) + orphans


def under_way(ground: Ground) -> int:
    """Return how many sessions state knows by what the service calls them."""
    return sum(each.phase in {Phase.STARTING, Phase.RUNNING} for each in ground.known())


def unsettled(ground: Ground) -> int:
    """Return how many sessions are between a call and its answer, for all that state knows."""
    return sum(each.phase is Phase.ACQUIRED for each in ground.known())


def test_terminated_in_the_middle_it_finishes_what_it_began_and_stops_nothing(
    ground: Ground,
) -> None:
    ground.want(*ROOMS)
    with ground.running() as run:
        eventually(lambda: starts_begun(ground, CALLS // 2))
        assert run.end() == 0
    begun = ground.live()
    assert 0 < len(begun) < len(ROOMS)
    ground.check(*begun)
    assert unsettled(ground) == 0
    with ground.running() as run:
        eventually(lambda: ground.records(*ROOMS))
        assert run.end(SIGINT) == 130
    ground.check(*ROOMS)
    assert len(ground.service.sessions()) == len(ROOMS)


def test_terminated_while_the_service_hangs_it_ends_in_time(ground: Ground) -> None:
    rooms = ROOMS[:3]
    ground.want(*rooms)
    ground.service.fail({"endpoint": "start", "effect": {"delay_s": 60}})
    with ground.running() as run:
        eventually(lambda: ground.records(*rooms))
        began_s = time.monotonic()
        assert run.end() == 0
        assert time.monotonic() - began_s < END_S
    assert ground.records(*rooms)
    assert unsettled(ground) == len(rooms)
    ground.forgive()
    settle(ground, *rooms)


def killed_at(ground: Ground, calls: int) -> None:
    """Run, and kill that once so many more calls came in."""
    before = len(ground.service.endpoints())
    with ground.running() as run:
        eventually(lambda: starts_begun(ground, before + calls))
        run.kill()


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))]
)
def test_killed_while_it_starts_nothing_is_lost_and_nothing_doubled(
    ground: Ground, seed: int
) -> None:
    chance = Random(seed)
    ground.want(*ROOMS)
    for _ in range(3):
        killed_at(ground, chance.randint(1, 5))
    settle(ground, *ROOMS)


def test_a_service_that_is_away_for_a_while_ends_nothing(
    ground: Ground,
) -> None:
    with door_to(ground.service.url) as door:
        ground.write("app", ground.app(endpoints=[door.url]))
        ground.want("lobby", "hall")
        with ground.running("--resync", "1s", "--interval", "1s") as run:
            eventually(lambda: run.has_confirmed(2))
            door.shut()
            eventually(lambda: unreached(run) > 1)
            assert run.is_ready()
            assert run.get("/healthz").status_code == 200
            door.open()
            answered = queries(run)
            eventually(lambda: queries(run) > answered)
            assert run.has_confirmed(2)
            reasons = {each["reason"] for each in run.get("/api/v1/events").json()}
            assert reasons <= {"read", "started", "recording"}
            assert run.end() == 0
        ground.check("hall", "lobby")
        assert len(ground.service.sessions()) == 2


def unreached(run: Run) -> float:
    sample = 'reconciler_calls_total{answer="unreached",endpoint="query"}'
    return run.metric(sample, or_none=True)


def queries(run: Run) -> float:
    return run.metric('reconciler_calls_total{answer="200",endpoint="query"}')
