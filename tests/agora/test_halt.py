"""When nothing more is to be sent: what waits is given up, what was sent is answered."""

import asyncio
from random import Random

import pytest

from reconciler.agora.answers import Started, Stopped
from reconciler.agora.budget import MemoryBudget
from reconciler.agora.client import Client
from reconciler.agora.failures import Failure, Meaning
from reconciler.agora.http import Http
from reconciler.engine.halt import Halt
from reconciler.spec.wire import Mode
from tests.agora.support import (
    ACQUIRED,
    BODY,
    HANDLE,
    Answer,
    LoopClock,
    World,
    project,
    refusal,
    virtual_time,
)


class Halted(World):
    """A client of one call a second for which a halt comes."""

    def __init__(self, at_s: float) -> None:
        super().__init__()
        clock, halt = LoopClock(), Halt()
        network = Http(self.network)
        self.client = Client(
            project(calls_per_s=1), network, MemoryBudget(clock), clock, Random(0), halt.part()
        )
        asyncio.get_running_loop().call_later(at_s, halt.order)


@virtual_time
async def test_a_call_that_waits_in_line_is_not_sent() -> None:
    world = Halted(0.5)
    await world.client.query(HANDLE)  # takes the slot of this second
    answer = await world.client.stop(HANDLE)
    assert isinstance(answer, Failure)
    assert answer.meaning is Meaning.WITHDRAWN
    assert LoopClock().monotonic_s() == pytest.approx(0.5, abs=0.05)
    await asyncio.sleep(5)
    assert world.service.calls("stop") == []


@virtual_time
async def test_a_call_that_was_sent_is_answered() -> None:
    world = Halted(0.5)
    world.service.will_answer("stop", Answer(takes_effect=True, delay_s=3))
    assert isinstance(await world.client.stop(HANDLE), Stopped)


@virtual_time
async def test_a_start_follows_its_acquire_and_is_repeated() -> None:
    world = Halted(0.5)
    world.service.will_answer("start", refusal(500, 62, "request timeout"))
    await world.client.query(HANDLE)
    assert isinstance(await world.client.start(ACQUIRED, Mode.MIX, BODY), Started)
    assert len(world.service.calls("start")) == 2


@virtual_time
async def test_a_stop_that_finishes_what_was_begun_goes() -> None:
    world = Halted(0)
    await asyncio.sleep(1)
    assert isinstance(await world.client.stop(HANDLE, must_go=True), Stopped)


@virtual_time
async def test_what_was_answered_before_is_told_and_not_repeated() -> None:
    world = Halted(1.5)
    world.service.will_answer("stop", *[refusal(504, 62, "request timeout")] * 3)
    answer = await world.client.stop(HANDLE)
    assert isinstance(answer, Failure)
    assert answer.meaning is Meaning.BUSY
    assert LoopClock().monotonic_s() == pytest.approx(1.5, abs=0.05)
    await asyncio.sleep(30)
    assert len(world.service.calls("stop")) == 1


@virtual_time
async def test_acquires_that_wait_keep_no_slot_for_a_start() -> None:
    world = Halted(0.5)
    answers = await asyncio.gather(*(world.client.acquire(BODY) for _ in range(3)))
    meanings = [answer.meaning for answer in answers if isinstance(answer, Failure)]
    assert meanings == [Meaning.WITHDRAWN] * 2
    began_s = LoopClock().monotonic_s()
    await world.client.stop(HANDLE, must_go=True)
    assert LoopClock().monotonic_s() - began_s < 3
