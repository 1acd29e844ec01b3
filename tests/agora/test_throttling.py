"""The rate as the service sees it, and what happens when it takes less than was expected."""

import asyncio
import time
from dataclasses import replace
from random import Random

from reconciler.agora.answers import Acquired, Observation, Started
from reconciler.agora.budget import MemoryBudget
from reconciler.agora.client import Client
from reconciler.agora.http import Http
from reconciler.clock import SystemClock
from reconciler.spec.wire import Mode
from tests.agora.support import (
    BODY,
    HANDLE,
    THROTTLED,
    Heard,
    World,
    project,
    refusal,
    times_s,
    virtual_time,
)
from tests.agora.test_budget import most_in_a_second
from tests.agora.test_http import server


async def query_all(world: World, count: int) -> list[object]:
    return list(await asyncio.gather(*(world.client.query(HANDLE) for _ in range(count))))


def refused(world: World, heard: list[Heard]) -> int:
    """Count the calls that had more than the service's limit in their last second."""
    return sum(
        1
        for call in heard
        if sum(1 for other in heard if call.at_s - 1 < other.at_s <= call.at_s)
        > world.service.calls_per_s_max
    )


@virtual_time
async def test_normal_work_is_never_refused() -> None:
    world = World(calls_per_s=10)
    world.service.calls_per_s_max = 10
    world.service.latency_s = 0.25

    async def record(number: int) -> object:
        acquired = await world.client.acquire({**BODY, "uid": str(number)})
        assert isinstance(acquired, Acquired)
        return await world.client.start(acquired, Mode.MIX, BODY)

    answers = await asyncio.gather(*(record(number) for number in range(60)))
    assert all(isinstance(answer, Started) for answer in answers)
    assert refused(world, world.service.heard) == 0
    assert len(world.service.heard) == 120


def test_in_real_time_over_real_sockets_no_second_has_too_many() -> None:
    arrived_s: list[float] = []
    body = b'{"resourceId": "r", "serverResponse": {"status": 5}}'

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived_s.append(time.monotonic())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    async def query_30_times() -> list[object]:
        clock = SystemClock()
        async with server(talk, b"\r\n\r\n") as url, Http() as http:
            local = replace(
                project(calls_per_s=20), endpoints=(url,), allowed_hosts=frozenset({"127.0.0.1"})
            )
            client = Client(local, http, MemoryBudget(clock), clock, Random(0))
            handle = replace(HANDLE, host=url)
            return list(await asyncio.gather(*(client.query(handle) for _ in range(30))))

    answers = asyncio.run(query_30_times())
    assert all(isinstance(answer, Observation) for answer in answers)
    assert most_in_a_second(arrived_s) <= 20


@virtual_time
async def test_repeats_do_not_go_round_the_rate() -> None:
    world = World(calls_per_s=10)
    world.service.will_answer("query", *[refusal(504, 62)] * 40)
    await query_all(world, 40)
    assert len(world.service.heard) == 80
    assert most_in_a_second(times_s(world.service.heard)) <= 10


@virtual_time
async def test_one_refusal_slows_down_every_call_of_the_app() -> None:
    world = World(calls_per_s=10)
    world.service.will_answer("query", THROTTLED)
    assert all(isinstance(answer, Observation) for answer in await query_all(world, 30))
    first, second, third, *_ = times_s(world.service.heard)
    assert second - first >= 1
    assert third - second >= 0.2


@virtual_time
async def test_the_usual_pace_comes_back() -> None:
    world = World(calls_per_s=10)
    world.service.will_answer("query", THROTTLED)
    await query_all(world, 1)
    await asyncio.sleep(30)
    before = len(world.service.heard)
    await query_all(world, 20)
    heard = times_s(world.service.heard[before:])
    assert heard[-1] - heard[0] < 2.1


@virtual_time
async def test_a_service_that_takes_half_the_rate_is_found_out_and_gets_it_all() -> None:
    world = World(calls_per_s=10)
    world.service.calls_per_s_max = 5
    answers = await query_all(world, 200)
    assert sum(isinstance(answer, Observation) for answer in answers) == 200
    assert refused(world, world.service.heard) <= 20


@virtual_time
async def test_a_start_that_was_refused_keeps_its_host_and_resource_id() -> None:
    world = World(calls_per_s=10)
    acquired = await world.client.acquire(BODY)
    assert isinstance(acquired, Acquired)
    world.service.will_answer("start", THROTTLED, THROTTLED)
    started = await world.client.start(acquired, Mode.MIX, BODY)
    assert isinstance(started, Started)
    starts = world.service.calls("start")
    assert len({(replace(call, at_s=0).path, call.host) for call in starts}) == 1
