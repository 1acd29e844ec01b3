"""What was told to stop and is only observed by now: nobody acts on it, and nobody waits for it."""

import asyncio
from pathlib import Path

import pytest

from tests.agora.support import virtual_time
from tests.daemon.support import Run
from tests.engine.support import Stage

BUSY = {"status": 504, "code": 62, "reason": "request timeout"}
OBSERVE = {"manage": "observe"}
PASSES_MAX = 40
"""A session that is queried every 60 to 120 s has some twenty passes in 1,000 s."""


async def observed(stage: Stage, run: Run) -> None:
    """Let a session be told to stop in vain, and be only observed from then on."""
    for name in ("lobby", "other"):
        stage.want(name)
    run.change()
    await asyncio.sleep(60)
    stage.fault("stop", effect=BUSY)
    for policy in (None, OBSERVE):
        stage.want("lobby", suspend=True, policy=policy)
        run.change()
        await asyncio.sleep(20)
    stage.heal()


@pytest.mark.parametrize("case", ["wanted", "invalid", "gone", "unread"])
@virtual_time
async def test_nobody_acts_on_it_or_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    stage = Stage(tmp_path)
    run = Run(stage)
    async with run.going():
        await observed(stage, run)
        if case == "invalid":
            stage.want("lobby", suspend=True, policy=OBSERVE, video={"width": "x"})
        if case in {"gone", "unread"}:
            stage.drop("lobby")
        if case == "unread":
            stage.write("broken.yaml", "{{{")
        run.change()
        passes: list[object] = []
        monkeypatch.setattr(run.metrics, "pass_ended", lambda *what: passes.append(what))
        stops = len(stage.log("stop"))
        await asyncio.sleep(1000)
        assert 0 < len(passes) <= PASSES_MAX * 2  # of both
        assert len(stage.log("stop")) == stops
        assert stage.alive("lobby")
        (session,) = stage.sessions("lobby")
        assert session.end_reason == ("forgotten" if case == "gone" else "")
