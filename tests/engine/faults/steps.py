"""The steps at which calls can go wrong, each with what is desired before and after it.

A step is set up by runs that nothing disturbs; then comes the run in which something goes wrong,
and runs that nothing disturbs again. Beside `lobby`, which it is all about, `hall` records.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.engine.faults.truth import check, check_end, configs
from tests.engine.support import Stage, virtual_time

SUBSCRIBED = {"audio": ["7"], "video": ["7"]}
RESUBSCRIBED = {"audio": ["7", "8"], "video": ["7", "8"]}
LAYOUT = {"background": {"color": "#202020"}}
BOTH_FILES = ["hls", "mp4"]
STOP_FIRST = {"replace": "stop-first"}
CHANGING = ("acquire", "start", "update", "updateLayout", "stop")

APART_S = 700.0
"""Between two runs: longer than the longest back-off, and than the last look at what is gone."""

RUNS_MAX = 3
"""So many runs without faults are enough for everything to be as desired."""


@dataclass(frozen=True)
class Step:
    """What is desired before and after; None: that there is no such recording."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    endpoints: tuple[str, ...]
    happens: Callable[[Stage], None] = lambda _: None

    @property
    def left(self) -> tuple[str, ...]:
        """The recordings that run in the end."""
        return ("hall",) if self.after is None else ("hall", "lobby")


def kill(stage: Stage) -> None:
    """Let the session end without a trace."""
    (lobby,) = stage.alive("lobby")
    stage.order(lobby, "kill")


MIX: dict[str, Any] = {"token": "generate", "subscriptions": SUBSCRIBED}
WEB: dict[str, Any] = {"mode": "web"}
PAGE = {"url": "https://example.com/page", "maxDuration": "24h"}

STEPS = {
    "starting": Step(None, MIX, ("acquire", "start", "query")),
    "running": Step(MIX, MIX, ("query",)),
    "changing": Step(
        MIX,
        {**MIX, "subscriptions": RESUBSCRIBED, "layout": LAYOUT},
        ("query", "update", "updateLayout"),
    ),
    "pausing": Step(WEB, {**WEB, "web": {**PAGE, "paused": True}}, ("update",)),
    "stopping": Step(MIX, None, ("query", "stop")),
    "replacing": Step(MIX, {**MIX, "files": BOTH_FILES}, ("acquire", "start", "query", "stop")),
    "replacing-stop-first": Step(
        {**MIX, "policy": STOP_FIRST},
        {**MIX, "policy": STOP_FIRST, "files": BOTH_FILES},
        ("acquire", "start", "query", "stop"),
    ),
    "restarting": Step(MIX, MIX, ("acquire", "start", "query"), happens=kill),
}


def desire(stage: Stage, spec: Mapping[str, Any] | None) -> None:
    """Write the specs of `lobby`."""
    if spec is not None:
        stage.want("lobby", **spec)
    elif (stage.specs / "lobby.yaml").exists():
        stage.drop("lobby")


async def prepare(stage: Stage, step: Step) -> None:
    """Bring everything to where only the run of this step is missing."""
    stage.want("hall")
    desire(stage, step.before)
    await stage.apply()
    await asyncio.sleep(60)
    desire(stage, step.after)
    step.happens(stage)


async def converge(stage: Stage, step: Step) -> int:
    """Apply without faults until nothing is left to do, and check the end; return the runs."""
    stage.heal()
    for runs in range(RUNS_MAX + 1):
        await asyncio.sleep(APART_S)
        before = stage.log(*CHANGING)
        results = await stage.apply()
        check(stage)
        if not results:
            assert stage.log(*CHANGING) == before, "nothing was to be done, and something was"
            check_end(stage, *step.left)
            return runs
    raise AssertionError(f"{RUNS_MAX} runs did not settle it: {results}")


@cache
def reference(name: str) -> dict[str, Any]:
    """Return how that which runs after a step is configured where nothing goes wrong."""
    found: dict[str, Any] = {}

    @virtual_time
    async def run() -> None:
        with TemporaryDirectory() as folder:
            stage = Stage(Path(folder))
            await prepare(stage, STEPS[name])
            results = await stage.apply()
            assert {each.outcome for each in results} <= {"done"}, results
            assert await converge(stage, STEPS[name]) == 0
            found.update(configs(stage))

    run()
    return found
