"""The socket: thousands of connections, slow and broken heads, beginning and end."""

import asyncio
import resource
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from reconciler.daemon.gate import HEAD_BYTES_MAX
from reconciler.daemon.http import application
from reconciler.daemon.server import LIMITS, Limits, serve
from reconciler.errors import UsageError
from tests.daemon.desks import (
    POLICY,
    Line,
    SmallDesk,
    ask,
    line_to,
    notification,
    request,
    served,
)

IDLE = 1500
HEALTHZ = request("GET", "/healthz")


def memory_bytes() -> int:
    """Return what this process holds in memory now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


@asynccontextmanager
async def lines(port: int, count: int) -> AsyncIterator[list[Line]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(line_to(port)) for _ in range(count)]


def test_thousands_of_idle_connections_keep_nobody_from_being_answered() -> None:
    async def run() -> None:
        async with served(SmallDesk()) as port:
            before = memory_bytes()
            async with lines(port, IDLE) as idle:
                began_s = asyncio.get_running_loop().time()
                for _ in range(20):
                    assert (await ask(port, HEALTHZ)).status == 200
                assert asyncio.get_running_loop().time() - began_s < 2
                assert memory_bytes() - before < 100 * 2**20
                closed = await asyncio.gather(*(line.is_closed(0.5) for line in idle))
                assert 0 < closed.count(False) < LIMITS.connections < IDLE / 2
                assert closed == sorted(closed, reverse=True)  # the oldest had to go
            assert (await ask(port, HEALTHZ)).status == 200

    asyncio.run(run())


def test_unfinished_requests_do_not_shut_anybody_out() -> None:
    async def run() -> None:
        limits = Limits(connections=4)
        async with served(SmallDesk(), limits=limits) as port, AsyncExitStack() as stack:
            for part in (HEALTHZ[:-1], notification()[:-1], b"G", notification()[:90]):
                for _ in range(limits.connections):
                    line = await stack.enter_async_context(line_to(port))
                    await line.send(part)
                assert (await ask(port, HEALTHZ)).status == 200

    asyncio.run(run())


def test_a_request_that_is_worked_on_is_never_dropped_for_another() -> None:
    async def run() -> None:
        desk = SmallDesk(holds=asyncio.Event())
        async with (
            served(desk, limits=Limits(connections=2)) as port,
            lines(port, 2) as (one, other),
        ):
            for line in (one, other):
                await line.send(notification())
            for _ in range(2):
                await desk.arrivals.get()
            async with line_to(port) as third:
                assert await third.is_closed()
            assert desk.holds
            desk.holds.set()
            assert [(await line.answer()).status for line in (one, other)] == [200, 200]
            assert (await ask(port, HEALTHZ)).status == 200

    asyncio.run(run())


def test_a_head_that_does_not_come_in_time_ends_the_connection() -> None:
    async def run() -> None:
        parts = (b"", b"G", HEALTHZ[:-1], HEALTHZ + HEALTHZ[:-1])
        async with (
            served(SmallDesk(), limits=Limits(idle_s=0.3)) as port,
            lines(port, len(parts)) as opened,
        ):
            for line, part in zip(opened, parts, strict=True):
                await line.send(part)
            assert (await opened[-1].answer()).status == 200
            assert all(await asyncio.gather(*(line.is_closed(1.5) for line in opened)))

    asyncio.run(run())


def test_a_head_that_dribbles_in_has_no_more_time_than_another() -> None:
    async def run() -> None:
        async with served(SmallDesk(), limits=Limits(idle_s=0.3)) as port, line_to(port) as line:
            began_s = asyncio.get_running_loop().time()
            with suppress(ConnectionError):
                await line.send(b"GET / HTTP/1.1\r\n")
                while not await line.is_closed(0.03):
                    await line.send(b"X: y\r\n")
            assert 0.3 <= asyncio.get_running_loop().time() - began_s < 1.5

    asyncio.run(run())


def test_a_body_that_nobody_asked_for_has_no_more_time_either() -> None:
    async def run() -> None:
        async with served(SmallDesk(), limits=Limits(idle_s=0.3)) as port, line_to(port) as line:
            await line.send(request("POST", "/metrics", "Content-Length: 1000000"))
            assert (await line.answer()).status == 405
            with pytest.raises(ConnectionError):
                await line.flood(b"x", pause_s=0.02)

    asyncio.run(run())


def test_one_connection_carries_many_requests_and_lives_between_them() -> None:
    async def run() -> None:
        async with served(SmallDesk(), limits=Limits(idle_s=0.6)) as port, line_to(port) as line:
            for _ in range(4):
                await asyncio.sleep(0.2)
                await line.send(HEALTHZ)
                assert (await line.answer()).status == 200
            await line.send((HEALTHZ + notification()) * 75)
            assert {(await line.answer()).status for _ in range(150)} == {200}

    asyncio.run(run())


def test_the_service_finds_its_connection_open_for_longer_than_it_asks_for() -> None:
    assert LIMITS.idle_s > 10


def test_who_does_not_read_the_answer_is_dropped() -> None:
    async def run() -> None:
        desk = SmallDesk(html="x" * 30_000_000)
        async with served(desk, limits=Limits(idle_s=0.3)) as port, line_to(port) as line:
            await line.send(request("GET", "/"))
            await asyncio.sleep(1)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await line.answer()

    asyncio.run(run())


def heads(size: int) -> list[bytes]:
    """Return requests with about so much before their bodies; of the last the end is missing."""
    lines = [f"X-{number}: x" for number in range(10_000, 10_000 + size // 12)]
    return [
        request("GET", "/healthz", f"X: {'x' * size}"),
        request("GET", "/healthz", *lines),
        request("GET", f"/healthz?{'x' * size}"),
        request("GET", f"/{'x' * size}"),
        request("GET", "/healthz", f"X: {'x' * size}").removesuffix(b"\r\n\r\n"),
    ]


async def status_of(port: int, sent: bytes) -> int:
    """Return the status of the answer; 0 if the connection was cut before there was one."""
    try:
        return (await ask(port, sent)).status
    except (ConnectionError, asyncio.IncompleteReadError):
        return 0


def test_a_head_has_a_bound() -> None:
    async def run() -> None:
        async with served(SmallDesk(), limits=Limits(idle_s=0.3)) as port:
            fitting = [await status_of(port, sent) for sent in heads(HEAD_BYTES_MAX - 1000)]
            assert fitting == [200, 200, 200, 404, 0]
            for size in (HEAD_BYTES_MAX + 1000, 70_000, 250_000):
                found = [await status_of(port, sent) for sent in heads(size)]
                assert set(found) <= {431, 0}
                assert 431 in found
            assert (await ask(port, HEALTHZ)).status == 200

    asyncio.run(run())


def test_what_is_no_http_is_told_so_and_cut_off() -> None:
    broken = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        b"GET /h\xc3\xa4 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]

    async def run() -> None:
        async with served(SmallDesk()) as port:
            for sent in broken:
                async with line_to(port) as line:
                    await line.send(sent)
                    found = await line.answer()
                    assert (found.status, found.error) == (400, "this is no HTTP request"), sent
                    assert await line.is_closed()

    asyncio.run(run())


def test_an_upgrade_is_not_taken_up() -> None:
    asked = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: eA==")

    async def run() -> None:
        async with served(SmallDesk()) as port:
            assert (await ask(port, request("GET", "/healthz", *asked))).status == 200
            old = request("GET", "/healthz").replace(b"HTTP/1.1", b"HTTP/1.0")
            assert (await ask(port, old)).status == 200

    asyncio.run(run())


def test_the_end_comes_soon_whoever_is_connected() -> None:
    async def run() -> None:
        desk = SmallDesk(holds=asyncio.Event(), html="x" * 30_000_000)
        async with AsyncExitStack() as stack:
            async with served(desk) as port:
                sent = (b"", b"GET", notification(), notification()[:-1], request("GET", "/"))
                for part in sent * 3:
                    line = await stack.enter_async_context(line_to(port))
                    await line.send(part)
                for _ in range(3):
                    await desk.arrivals.get()
                began_s = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - began_s < 2
            with pytest.raises(ConnectionError):
                await ask(port, HEALTHZ)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left

    asyncio.run(run())


def test_signals_are_left_to_the_daemon() -> None:
    async def run() -> None:
        before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        async with served(SmallDesk()):
            now = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        assert now == before

    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_is_taken_is_named(host: str) -> None:
    async def run(port: int) -> None:
        await serve(application(SmallDesk(), None, POLICY), host, port, lambda _: None)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            asyncio.run(run(port))
    assert str(caught.value) == f"cannot listen on port {port} of `{host}`: Address already in use"
    assert "--listen" in (caught.value.hint or "")


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "a" * 70, "2001:db8::1"])
def test_a_host_that_is_not_this_machine_is_named(host: str) -> None:
    with pytest.raises(UsageError, match=f"of `{host}`: "):
        asyncio.run(serve(application(SmallDesk(), None, POLICY), host, 0, lambda _: None))
