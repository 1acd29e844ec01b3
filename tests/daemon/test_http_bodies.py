"""Bodies of notifications: how large, how slow, how many (docs/guide/http.md)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from reconciler.daemon.http import application
from reconciler.daemon.intake import (
    BODY_BYTES_MAX,
    BODY_S_MAX,
    LARGE_AT_ONCE_MAX,
    SMALL_BYTES_MAX,
)
from tests.agora.support import virtual_time
from tests.daemon.desks import (
    NOTICE,
    POLICY,
    Line,
    SmallDesk,
    ask,
    line_to,
    notification,
    request,
    served,
    signed,
)

POST = "/notifications/main"
LARGE = SMALL_BYTES_MAX + 2


def padded(size: int) -> bytes:
    """Return a notification of that many bytes."""
    return NOTICE.ljust(size)


def chunked(body: bytes, size: int = 60_000) -> bytes:
    """Return a genuine notification whose length nobody knows beforehand."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    head = [f"{name}: {value}" for name, value in signed(body).items()]
    return request("POST", POST, "Transfer-Encoding: chunked", *head) + encoded + b"0\r\n\r\n"


def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not() -> None:
    async def run() -> None:
        desk = SmallDesk()
        async with served(desk) as port:
            for made in (notification, chunked):
                assert (await ask(port, made(padded(BODY_BYTES_MAX)))).status == 200
                refused = await ask(port, made(padded(BODY_BYTES_MAX + 1)))
                assert refused.status == 413
                assert refused.error == "the body has more than 1048576 bytes"
            assert [len(body) for body in desk.taken] == [BODY_BYTES_MAX] * 2

    asyncio.run(run())


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes() -> None:
    async def run() -> None:
        async with served(SmallDesk()) as port, line_to(port) as line:
            await line.send(request("POST", POST, f"Content-Length: {BODY_BYTES_MAX + 1}"))
            async with asyncio.timeout(0.5):
                refused = await line.answer()
            assert (refused.status, refused.header("connection")) == (413, "close")
            assert await line.is_closed()

    asyncio.run(run())


@pytest.mark.parametrize("chunks", [False, True])
def test_who_sends_far_too_much_hears_why_and_is_cut_off(*, chunks: bool) -> None:
    async def run() -> None:
        desk, body = SmallDesk(), b"x" * (8 * BODY_BYTES_MAX)
        async with served(desk) as port, line_to(port) as line:
            await line.send(chunked(body) if chunks else request("POST", POST, body=body))
            assert (await line.answer()).status == 413
            assert await line.is_closed()
        assert desk.asked_for == []

    asyncio.run(run())


def test_a_body_without_an_end_is_cut_off() -> None:
    async def run() -> None:
        async with served(SmallDesk()) as port, line_to(port) as line:
            await line.send(request("POST", POST, "Transfer-Encoding: chunked"))
            piece = b"%x\r\n%s\r\n" % (60_000, b"x" * 60_000)
            with pytest.raises(ConnectionError):
                await line.flood(piece)

    asyncio.run(run())


def test_who_asks_first_need_not_send_what_is_too_large() -> None:
    async def run() -> None:
        asks = "Expect: 100-continue"
        async with served(SmallDesk()) as port:
            async with line_to(port) as line:
                await line.send(request("POST", POST, asks, "Content-Length: 9999999"))
                assert (await line.answer()).status == 413
            async with line_to(port) as line:
                head = notification(NOTICE, "main", asks).removesuffix(NOTICE)
                await line.send(head)
                assert (await line.answer()).status == 100
                await line.send(NOTICE)
                assert (await line.answer()).status == 200

    asyncio.run(run())


@virtual_time
async def test_a_body_that_takes_longer_than_ten_seconds_is_refused() -> None:
    async def dribble(pause_s: float) -> AsyncIterator[bytes]:
        for byte in NOTICE:
            await asyncio.sleep(pause_s)
            yield bytes([byte])

    desk = SmallDesk()
    transport = httpx.ASGITransport(application(desk, None, POLICY))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        slow = (BODY_S_MAX + 1) / len(NOTICE)
        loop = asyncio.get_running_loop()
        refused = await client.post(POST, content=dribble(slow), headers=signed(NOTICE))
        assert (refused.status_code, refused.headers["connection"]) == (408, "close")
        assert refused.json() == {"error": "the body took longer than 10 s"}
        assert loop.time() == BODY_S_MAX
        taken = await client.post(POST, content=dribble(slow * 0.8), headers=signed(NOTICE))
        assert taken.status_code == 200
    assert desk.taken == [NOTICE]


@pytest.mark.slow
def test_a_slow_body_over_a_socket_is_refused_and_cut_off() -> None:
    async def run() -> None:
        desk = SmallDesk()
        async with served(desk) as port, line_to(port) as line:
            began_s = asyncio.get_running_loop().time()
            await line.send(notification()[:-1])
            refused = await line.answer()
            assert (refused.status, refused.header("connection")) == (408, "close")
            assert BODY_S_MAX <= asyncio.get_running_loop().time() - began_s < BODY_S_MAX + 2
            assert await line.is_closed()
        assert desk.asked_for == []

    asyncio.run(run())


def test_a_body_that_breaks_off_reaches_nobody() -> None:
    async def run() -> None:
        desk = SmallDesk()
        async with served(desk) as port:
            for cut in (1, len(NOTICE) // 2, len(NOTICE)):
                async with line_to(port) as line:
                    await line.send(notification()[:-cut])
            assert (await ask(port, notification())).status == 200
        assert desk.taken == [NOTICE]

    asyncio.run(run())


UNCLEAR = (
    request("POST", POST, "Transfer-Encoding: chunked") + b"no size\r\nabc\r\n",
    request("POST", POST, "Transfer-Encoding: chunked") + b"-5\r\nabc\r\n",
    request("POST", POST, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    request("POST", POST, "Content-Length: -1"),
    request("POST", POST, "Content-Length: 5x"),
    request("POST", POST, "Content-Length: 5", "Content-Length: 6"),
    request("POST", POST, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    request("POST", POST, "Content-Length: " + "9" * 30),
)


def test_a_body_without_a_clear_length_is_refused() -> None:
    async def run() -> None:
        async with served(SmallDesk()) as port:
            for sent in UNCLEAR:
                async with line_to(port) as line:
                    await line.send(sent)
                    assert (await line.answer()).status == 400, sent
                    assert await line.is_closed(), sent

    asyncio.run(run())


def test_only_so_many_large_bodies_are_held_and_small_ones_always_come_through() -> None:
    async def run() -> None:
        desk = SmallDesk()
        async with served(desk) as port, AsyncExitStack() as stack:
            body = padded(LARGE)
            held = [await _begun(stack, port, body) for _ in range(LARGE_AT_ONCE_MAX)]
            refused = await ask(port, notification(body))
            assert (refused.status, refused.header("retry-after")) == (503, "10")
            assert (await ask(port, notification())).status == 200
            await held[0].send(body[-1:])
            assert (await held[0].answer()).status == 200
            assert (await ask(port, notification(body))).status == 200

    asyncio.run(run())


async def _begun(stack: AsyncExitStack, port: int, body: bytes) -> Line:
    """Send all of a notification but its last byte, and see that it arrived."""
    line = await stack.enter_async_context(line_to(port))
    await line.send(notification(body)[:-1])
    assert not await line.is_closed(within_s=0.02)
    return line


def test_large_bodies_that_break_off_give_their_place_back() -> None:
    async def run() -> None:
        body = padded(LARGE)
        async with served(SmallDesk()) as port:
            for _ in range(2):
                async with AsyncExitStack() as stack:
                    for _ in range(LARGE_AT_ONCE_MAX):
                        await _begun(stack, port, body)
            assert (await ask(port, notification(body))).status == 200

    asyncio.run(run())
