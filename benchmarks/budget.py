"""Measure the request budget: 500 recordings that all want to start at once.

The real client, on virtual time, calls a service that only notes when calls arrive. What it costs
in CPU time is measured on the system's clock. `python -m benchmarks.budget`. No test: nothing here
fails.
"""

import asyncio
import json
import sys
import time
from random import Random

import looptime

from reconciler.agora.answers import Acquired, Started
from reconciler.agora.budget import Limit, MemoryBudget
from reconciler.agora.client import Client
from reconciler.agora.messages import Reply, Request
from reconciler.agora.project import Project
from reconciler.spec.secrets import SecretValue
from reconciler.spec.wire import Mode

PAIRS = 500
RATE = 10
LATENCIES_S = ((0.02, 0.02), (0.05, 0.4), (0.2, 1.5))
HOST = "https://api.agora.io"


def main() -> None:
    """Run all measurements and write a table."""
    _line(f"{PAIRS} pairs of acquire and start at {RATE} calls a second")
    for latency_s in LATENCIES_S:
        with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
            began_s = time.process_time()
            runner.run(_measure(latency_s))
            _line(f"  CPU time                  {time.process_time() - began_s:8.2f} s")


async def _measure(latency_s: tuple[float, float]) -> None:
    service = Service(latency_s)
    project = Project(
        name="app",
        app_id=SecretValue("0" * 32),
        customer_id=SecretValue("customer"),
        customer_secret=SecretValue("secret"),
        endpoints=(HOST,),
        allowed_hosts=frozenset({"api.agora.io"}),
        limit=Limit(RATE),
    )
    clock = LoopClock()
    client = Client(project, service, MemoryBudget(clock), clock, Random(0))
    gaps_s = await asyncio.gather(*(_record(client, service, n) for n in range(PAIRS)))
    arrived_s = service.arrived_s
    while_all_wait_s = arrived_s[: -RATE * 2]
    share = (len(while_all_wait_s) - 1) / (while_all_wait_s[-1] * RATE)
    _line(f"answers after {latency_s[0]:g} to {latency_s[1]:g} s")
    _line(f"  most calls in any second  {_most_in_a_second(arrived_s):8}     target at most {RATE}")
    _line(f"  greatest acquire to start {max(gaps_s):8.2f} s   target at most 2 s")
    _line(f"  share of the budget used  {share:8.1%}     target at least 94 %")
    _line(f"  all started after         {arrived_s[-1]:8.1f} s")


async def _record(client: Client, service: "Service", number: int) -> float:
    """Start one recording; return the seconds from the acquire's answer to the start's arrival."""
    body = {"cname": f"channel-{number}", "uid": "1", "clientRequest": {}}
    acquired = await client.acquire(body)
    answered_s = service.now_s()
    assert isinstance(acquired, Acquired)
    started = await client.start(acquired, Mode.MIX, body)
    assert isinstance(started, Started)
    return service.starts_s[acquired.resource_id] - answered_s


class Service:
    """Accepts every acquire and start, each after its own time."""

    def __init__(self, latency_s: tuple[float, float]) -> None:
        self.arrived_s: list[float] = []
        self.starts_s: dict[str, float] = {}
        self._latency_s = latency_s
        self._rng = Random(1)

    def now_s(self) -> float:
        """Return the virtual time."""
        return asyncio.get_running_loop().time()

    async def send(self, request: Request) -> Reply:
        """Note when a call arrives, and answer it."""
        self.arrived_s.append(self.now_s())
        resource_id = f"resource-{len(self.arrived_s)}"
        if request.url.endswith("start"):
            resource_id = request.url.split("/")[8]
            self.starts_s[resource_id] = self.now_s()
        await asyncio.sleep(self._rng.uniform(*self._latency_s))
        body = {"resourceId": resource_id, "sid": "sid"}
        return Reply(status=200, body=json.dumps(body).encode())


class LoopClock:
    """The running loop's time."""

    def now_s(self) -> float:
        """Return the loop's time as if it had begun in 1970."""
        return self.monotonic_s()

    def monotonic_s(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""
        await asyncio.sleep(seconds)


def _most_in_a_second(times_s: list[float]) -> int:
    return max(sum(1 for t in times_s if start <= t < start + 1) for start in times_s)


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
