import asyncio
import subprocess
import sys
import threading

import pytest

from reconciler.daemon.aside import aside


def test_work_is_done_beside_the_loop() -> None:
    async def run() -> tuple[bool, bool]:
        return await aside(lambda: threading.current_thread().name == "aside"), await aside(bool)

    assert asyncio.run(run()) == (True, False)


def test_whoever_gives_up_leaves_the_work_behind() -> None:
    began, end = threading.Event(), threading.Event()

    def work() -> bool:
        began.set()
        return end.wait(30)

    async def run() -> None:
        waiting = asyncio.create_task(aside(work))
        await asyncio.to_thread(began.wait, 30)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        end.set()
        assert await aside(lambda: True)  # the loop goes on

    asyncio.run(run())


HANGS = """
import asyncio, time
from reconciler.daemon.aside import aside

async def run():
    work = asyncio.create_task(aside(lambda: time.sleep(600) is None))
    await asyncio.sleep(0.1)
    work.cancel()

asyncio.run(run())
"""


def test_a_process_ends_without_waiting_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], timeout=30, check=False)
    assert done.returncode == 0
