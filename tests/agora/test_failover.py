"""Which host is tried when, and who may see the credentials."""

from dataclasses import replace

import pytest

from reconciler.agora.answers import Acquired, Observation
from reconciler.agora.failures import Failure, Meaning
from reconciler.agora.hosts import DOWN_S, Hosts
from reconciler.errors import UsageError
from tests.agora.support import (
    BODY,
    HANDLE,
    LOST_BEFORE,
    A,
    Answer,
    B,
    C,
    LoopClock,
    World,
    make_call,
    project,
    refusal,
    virtual_time,
)


def tried(world: World) -> list[str]:
    return [host for _, host in world.network.tried]


@virtual_time
async def test_a_host_that_is_not_reached_is_passed_over_at_once() -> None:
    world = World(endpoints=(A, B))
    world.network.down.add(A)
    answer = await world.client.acquire(BODY)
    assert isinstance(answer, Acquired)
    assert answer.host == B
    assert tried(world) == [A, B]
    assert LoopClock().monotonic_s() < 0.01


@virtual_time
async def test_while_no_host_is_reached_all_are_tried_with_pauses() -> None:
    world = World(endpoints=(A, B))
    world.network.down.update({A, B})
    failure = await world.client.query(HANDLE)
    assert isinstance(failure, Failure)
    assert (failure.meaning, failure.reason) == (Meaning.UNREACHED, "it cannot be reached")
    assert tried(world) == [A, B, A, B, A]
    assert 10 <= LoopClock().monotonic_s() <= 12.6


@virtual_time
async def test_a_host_in_trouble_is_asked_once_more_before_the_next() -> None:
    world = World(endpoints=(A, B))
    world.service.will_answer("acquire", *[refusal(500, 500)] * 3)
    assert isinstance(await world.client.acquire(BODY), Acquired)
    assert tried(world) == [A, A, B, A]


@virtual_time
async def test_a_lost_answer_to_a_call_that_may_be_repeated_goes_to_the_next_host() -> None:
    world = World(endpoints=(A, B))
    world.service.will_answer("stop", LOST_BEFORE, LOST_BEFORE)
    assert not isinstance(await world.client.stop(HANDLE), Failure)
    assert tried(world) == [A, A, B]


@pytest.mark.parametrize("answer", [refusal(206, 65), Answer(status=429)])
@virtual_time
async def test_a_host_that_answers_properly_is_kept(answer: Answer) -> None:
    world = World(endpoints=(A, B))
    world.service.will_answer("query", answer, answer)
    assert isinstance(await world.client.query(HANDLE), Observation)
    assert tried(world) == [A, A, A]


@virtual_time
async def test_a_session_is_called_at_the_host_that_started_it() -> None:
    world = World(endpoints=(A, B))
    for endpoint in ("query", "update", "updateLayout", "stop"):
        await make_call(world.client, endpoint)
    await world.client.query(replace(HANDLE, host=C))
    assert tried(world) == [A, A, A, A, C]


@virtual_time
async def test_a_session_s_host_that_is_down_is_stood_in_for() -> None:
    world = World(endpoints=(A, B))
    world.network.down.add(C)
    answer = await world.client.query(replace(HANDLE, host=C))
    assert isinstance(answer, Observation)
    assert answer.host == A


@pytest.mark.parametrize("host", ["https://evil.example", "http://a.example", "https://[", ""])
@virtual_time
async def test_a_session_s_host_that_is_not_allowed_is_not_tried(host: str) -> None:
    world = World()
    assert isinstance(await world.client.query(replace(HANDLE, host=host)), Observation)
    assert tried(world) == [A]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example",
        "http://a.example",
        "https://a.example.evil.example",
        "https://a.example@evil.example",
        "https://[",
    ],
)
def test_an_app_with_an_endpoint_that_is_not_allowed_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError, match="credentials are not sent"):
        project(endpoint)


def test_loopback_needs_no_tls() -> None:
    local = replace(
        project(), endpoints=("http://127.0.0.1:8787",), allowed_hosts=frozenset({"127.0.0.1"})
    )
    assert local.may_send_to("http://127.0.0.1:8787")


def test_hosts_that_are_down_come_last_until_their_time_is_over() -> None:
    hosts = Hosts((A, B, C))
    assert hosts.in_order(0) == (A, B, C)
    hosts.not_reached(A, 0)
    hosts.not_reached(B, 1)
    assert hosts.in_order(2) == (C, A, B)
    assert hosts.in_order(2, first=B) == (C, B, A)
    assert hosts.in_order(DOWN_S + 0.5) == (A, C, B)


def test_one_call_tries_a_host_again_while_others_still_go_elsewhere() -> None:
    hosts = Hosts((A, B))
    hosts.not_reached(A, 0)
    assert [hosts.in_order(DOWN_S + 1)[0] for _ in range(3)] == [A, B, B]


def test_a_host_that_answers_is_up_again() -> None:
    hosts = Hosts((A, B))
    hosts.not_reached(A, 0)
    hosts.answered(A)
    assert hosts.in_order(1) == (A, B)
