"""The system's clock, and what loading it costs."""

import asyncio
import subprocess
import sys
import time

from reconciler.clock import Clock, SystemClock


def test_the_system_s_clock_tells_unix_time_and_time_that_never_goes_back() -> None:
    clock: Clock = SystemClock()
    before_s = time.time()
    assert before_s <= clock.now_s() <= time.time()
    assert clock.monotonic_s() <= clock.monotonic_s()


def test_it_sleeps_for_as_long_as_asked() -> None:
    clock = SystemClock()
    before_s = clock.monotonic_s()
    asyncio.run(clock.sleep(0.02))
    assert 0.015 <= clock.monotonic_s() - before_s < 5


def test_who_only_asks_the_time_does_not_load_asyncio() -> None:
    program = (
        "import sys; from reconciler.clock import SystemClock; SystemClock().now_s(); "
        "sys.exit('asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
