"""The end of timers: nothing goes off, nothing runs, nothing is logged."""

import asyncio

import pytest

from tests.agora.support import virtual_time
from tests.daemon.test_timers import Diary


@virtual_time
async def test_nothing_is_left_running_after_the_stop() -> None:
    diary = Diary()
    diary.timers.start()
    diary.timers.every("beat", 10.0, diary.slower)
    diary.timers.at("once", 500.0, diary.a)
    await asyncio.sleep(15)
    diary.timers.stop()
    diary.timers.stop()
    diary.timers.at("after", 0.0, diary.b)
    await asyncio.sleep(0)
    diary.timers.at("long after", 0.0, diary.b)
    await asyncio.sleep(0.001)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await asyncio.sleep(1000)
    assert [name for name, _ in diary.begun] == ["slower"]
    assert diary.ended == []


@pytest.mark.parametrize("turns", range(8))
@virtual_time
async def test_a_stop_just_as_a_timer_goes_off_ends_it_quietly(
    turns: int, caplog: pytest.LogCaptureFixture
) -> None:
    diary = Diary()
    diary.timers.start()
    diary.timers.at("one", 10.0, diary.slow)
    diary.timers.every("beat", 10.0, diary.slow)
    await asyncio.sleep(10)
    for _ in range(turns):
        await asyncio.sleep(0)
    diary.timers.stop()
    await asyncio.sleep(100)
    assert diary.ended == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [record.getMessage() for record in caplog.records if record.name != "asyncio"] == []


@virtual_time
async def test_timers_that_never_started_can_be_stopped() -> None:
    diary = Diary()
    diary.timers.at("once", 1.0, diary.a)
    diary.timers.stop()
    await asyncio.sleep(10)
    assert diary.begun == []
