"""As many sessions of one App as its rate lets be watched: none is forgotten, no call pushes in."""

import asyncio
from pathlib import Path

import pytest

from tests.daemon.cast import NORTH, LongStage, Role, app, told_settings
from tests.daemon.support import Run, long_time, scratch
from tests.daemon.wires import Call

RESYNC_S = 120.0
SLOT_S = 15.0
"""How long a query may wait in line, where some are due at once and actions go before."""

SOON_S = 5.0
"""A changed file is acted on within so long (design/cli.md, "run")."""

STARTING = 2.0
"""While all are started, their queries have every fourth slot: so much longer may they wait."""

AWAY_S = 900.0


def bound_s(sessions: int, rate: int) -> float:
    """Return B(N), as plan/cadence.py states it."""
    return 1.1 * max(RESYNC_S, sessions / (0.63 * rate))


class Watched:
    """A run whose sessions are all watched from outside."""

    def __init__(self, folder: Path, sessions: int, rate: int) -> None:
        self.stage = LongStage(folder, told_settings())
        self.stage.environ["NOTICES"] = self.stage.settings.notify_secret
        tuning = self.stage.simulator.world.tuning.changed(
            {"qps": rate, "recordings_max": sessions + 10}
        )
        self.stage.simulator.world.tuning = tuning
        text = app("north", NORTH, requestsPerSecond=rate, maxRecordings=sessions + 10)
        self.stage.write("app.yaml", text)
        names = [f"room-{number:04}" for number in range(sessions)]
        self.stage.write("rooms.yaml", *(_room(name).text() for name in names))
        self.run = Run(self.stage, tick_s=5.0, interval_s=300.0)
        self.run.wire.left.rates[NORTH] = rate
        self.run.wire.left.watch = self._left
        self.longest_s: dict[str, float] = {}
        self.calls: list[Call] = []
        self._asked_s: dict[str, float] = {}

    def _left(self, call: Call) -> None:
        if call.endpoint == "query":
            gap_s = call.at_s - self._asked_s.get(call.sid, call.at_s)
            self.longest_s[call.sid] = max(self.longest_s.get(call.sid, 0.0), gap_s)
            self._asked_s[call.sid] = call.at_s
        else:
            self.calls.append(call)

    def check(self, sessions: int, bound_s: float) -> None:
        """Check that all live, were asked often enough since the last time, and never too fast."""
        now_s = self.stage.clock.monotonic_s()
        alive = {each.sid for each in self.stage.alive()}
        assert len(alive) == sessions
        assert self.run.wire.left.problems == []
        assert set(self.run.wire.left.refused) == {200}
        assert max(self.longest_s.values()) <= bound_s
        assert all(now_s - self._asked_s[sid] <= bound_s for sid in alive)
        self.longest_s.clear()


def _room(name: str) -> Role:
    return Role(name, "mix", {"storage": "archive", "channelProfile": "live"})


async def load(folder: Path, sessions: int, rate: int, seconds: float) -> None:
    watched = Watched(folder, sessions, rate)
    bound = bound_s(sessions, rate) + SLOT_S
    run = watched.run
    async with run.going():
        await asyncio.sleep(2 * sessions * 2 * 1.05 / rate)
        watched.check(sessions, STARTING * bound)
        await asyncio.sleep(seconds)
        watched.check(sessions, bound)
        await check_news(watched, "room-0000", sessions)
        await asyncio.sleep(2 * bound)
        watched.check(sessions + 1, bound)
    await asyncio.sleep(AWAY_S)  # all queries are due at once when it begins again
    async with run.going():
        await check_news(watched, "room-0001", sessions)
        await asyncio.sleep(2 * bound)
        watched.check(sessions + 2, AWAY_S + 2 * bound)


async def check_news(watched: Watched, edited: str, sessions: int) -> None:
    """Change one and add another: both leave soon, whatever else waits for its turn."""
    watched.calls.clear()
    began_s = watched.stage.clock.monotonic_s()
    watched.stage.write(f"beside-{edited}.yaml", _room(f"beside-{edited}").text())
    rooms = [_room(f"room-{number:04}") for number in range(sessions)]
    for room in rooms:
        if room.name <= edited:
            room.spec["layout"] = {"type": "best-fit"}
    watched.stage.write("rooms.yaml", *(each.text() for each in rooms))
    watched.run.change()
    await asyncio.sleep(SOON_S)
    left = {call.endpoint: call.at_s - began_s for call in watched.calls}
    assert set(left) == {"acquire", "start", "updateLayout"}
    assert max(left.values()) <= SOON_S


@long_time
async def test_all_sessions_of_a_full_app_are_watched(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        await load(folder, 100, 1, 600.0)


@pytest.mark.slow
@pytest.mark.timeout(600)
@long_time
async def test_a_thousand_sessions_are_watched_at_ten_calls_a_second(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        await load(folder, 1000, 10, 3600.0)
