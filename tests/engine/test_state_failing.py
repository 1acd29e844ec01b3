"""State that cannot be written: nothing is begun, and nothing that runs is lost."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import StateError
from reconciler.plan.session import Phase
from reconciler.state.store import Change, SetSession, Store
from tests.engine.support import Stage, kinds, outcomes, virtual_time


class Failing:
    """A store whose commits fail where `fails` says so."""

    def __init__(self, inner: Store, fails: Callable[[Sequence[Change]], bool]) -> None:
        self._inner = inner
        self._fails = fails

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def commit(self, scope: str, changes: Sequence[Change]) -> int:
        if self._fails(changes):
            raise StateError("there is no space left on the device")
        return self._inner.commit(scope, changes)


def phases(changes: Iterable[Change]) -> set[Phase]:
    return {change.session.phase for change in changes if isinstance(change, SetSession)}


@virtual_time
async def test_without_state_nothing_is_started(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.opened = lambda store: Failing(store, lambda changes: Phase.NONE in phases(changes))
    with pytest.raises(StateError):
        await stage.apply()
    assert stage.log("acquire", "start") == []


@virtual_time
async def test_without_a_resource_id_in_state_nothing_is_started(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.opened = lambda store: Failing(store, lambda changes: Phase.ACQUIRED in phases(changes))
    with pytest.raises(StateError):
        await stage.apply()
    assert len(stage.log("acquire")) == 1
    assert stage.log("start") == []
    stage.opened = lambda store: store
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_a_sid_is_tried_to_be_kept_for_half_a_minute(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    until_s = stage.clock.now_s() + 20
    stage.opened = lambda store: Failing(
        store,
        lambda changes: Phase.STARTING in phases(changes) and stage.clock.now_s() < until_s,
    )
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions()
    assert [each.sid for each in stage.alive("lobby")] == [session.sid]


@virtual_time
async def test_a_sid_that_cannot_be_kept_is_told_and_its_session_stopped(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.opened = lambda store: Failing(store, lambda changes: Phase.STARTING in phases(changes))
    began_s = stage.clock.now_s()
    with pytest.raises(StateError):
        await stage.apply()
    assert 30 <= stage.clock.now_s() - began_s < 35
    assert stage.alive("lobby") == []
    (session,) = stage.simulator.lived().sessions.values()
    assert any(session.sid in told for told in stage.heard.told)
    stage.opened = lambda store: store
    await asyncio.sleep(1)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_the_others_end_in_order_when_state_fails(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for number in range(12):
        stage.want(f"room-{number}")
    failing = {"left": 10**9}

    def fails(changes: Sequence[Change]) -> bool:
        failing["left"] -= bool(changes)
        return failing["left"] <= 0

    stage.opened = lambda store: Failing(store, fails)
    failing["left"] = 15
    with pytest.raises(StateError):
        await stage.apply()
    stage.opened = lambda store: store
    lost = {each.sid for each in stage.alive()} - {each.sid for each in stage.sessions()}
    assert lost == set()
    await asyncio.sleep(1)
    for _ in range(2):
        await stage.apply()
        await asyncio.sleep(11)
    assert kinds(await stage.plan()) == {}
    assert len(stage.alive()) == 12
