"""The simulator on a real socket: dropped connections, huge bodies, deliveries, ports."""

import asyncio
import functools
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ParamSpec

import httpx
import pytest

from reconciler.errors import UsageError
from reconciler.simulator.notices import signatures
from reconciler.simulator.server import Listening, is_loopback, serving
from reconciler.simulator.settings import Settings, Tuning
from tests.simulator.support import BASE, frame, mix

FAST = Tuning(qps=10_000, start_delay_s=0, upload_s=0.05, linger_s=0)
SESSION_EXIT = 11
P = ParamSpec("P")


def real_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@asynccontextmanager
async def served(settings: Settings | None = None, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(settings or Settings(tuning=FAST), Listening(**more)) as url,
        httpx.AsyncClient(base_url=url, auth=("simulator",) * 2, trust_env=False) as client,
    ):
        yield client


async def started(client: httpx.AsyncClient) -> str:
    acquired = await client.post(f"{BASE}/acquire", json=frame({}))
    resource = f"{BASE}/resourceid/{acquired.json()['resourceId']}"
    answer = await client.post(f"{resource}/mode/mix/start", json=frame(mix()))
    return f"{resource}/sid/{answer.json()['sid']}/mode/mix"


@real_time
async def test_a_recording_lives_from_acquire_to_stop() -> None:
    async with served() as client:
        path = await started(client)
        answer = await client.get(f"{path}/query")
        assert answer.json()["serverResponse"]["status"] == 5
        assert answer.headers["x-request-id"]
        assert (await client.post(f"{path}/updateLayout", json=frame({}))).status_code == 200
        assert (await client.post(f"{path}/update", json=frame({}))).status_code == 200
        stopped = await client.post(f"{path}/stop", json=frame({}))
        assert stopped.json()["serverResponse"]["uploadingStatus"] == "uploaded"
        assert (await client.get(f"{path}/query")).status_code == 404


@pytest.mark.parametrize(("drop", "sessions"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_is_one_without_an_answer(drop: str, sessions: int) -> None:
    @real_time
    async def scene() -> None:
        rule = {"endpoint": "start", "effect": {"drop": drop}}
        async with served(faults=[rule]) as client:
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await started(client)
            shown = (await client.get("/_sim/sessions")).json()["sessions"]
            assert len(shown) == sessions

    scene()


@real_time
async def test_a_huge_body_is_413_and_the_connection_lives_on() -> None:
    async with served() as client:
        for size in (1_048_577, 20_000_000):
            answer = await client.post(f"{BASE}/acquire", content=b"x" * size)
            assert answer.status_code == 413
        assert (await client.post(f"{BASE}/acquire", json=frame({}))).status_code == 200


async def raw(url: httpx.URL, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer.split(b"\r\n")[0]


@real_time
async def test_bytes_that_are_no_request_get_a_client_error() -> None:
    async with served() as client:
        for request in (
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"GET\r\n\r\n",
            b"POST " + BASE.encode() + b"/acquire HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        ):
            assert (await raw(client.base_url, request)).startswith(b"HTTP/1.1 400")
        assert (await client.get("/v1/ncs/ip")).status_code == 200


@asynccontextmanager
async def receiver(
    over: asyncio.Event, *statuses: int
) -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """Listen for posts until a session is over, answer with these statuses and then with 200."""
    got: list[tuple[dict[str, str], bytes]] = []
    left = list(statuses)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in head)}
        got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = left.pop(0) if left else 200
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(b"{}")
        await writer.drain()
        writer.close()
        if json.loads(got[-1][1])["eventType"] == SESSION_EXIT:
            over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", got


@real_time
async def test_notifications_arrive_signed_over_their_raw_bytes() -> None:
    over = asyncio.Event()
    async with receiver(over, 500) as (url, got):
        settings = Settings(notify_url=url, notify_secret="hush", tuning=FAST)
        async with served(settings) as client, asyncio.timeout(10):
            await client.post(f"{await started(client)}/stop", json=frame({}))
            await over.wait()
    for headers, body in got:
        expected = signatures("hush", body)
        assert headers["agora-signature"] == expected["Agora-Signature"]
        assert headers["agora-signature-v2"] == expected["Agora-Signature-V2"]
        assert headers["content-type"] == "application/json"
    identities = [json.loads(body)["noticeId"] for _, body in got]
    assert len(identities) == len(set(identities)) + 1  # the first was sent again


@real_time
async def test_a_receiver_that_is_not_there_does_not_disturb_the_service() -> None:
    settings = Settings(notify_url="http://127.0.0.1:1/hook", notify_secret="hush", tuning=FAST)
    async with served(settings) as client:
        path = await started(client)
        tries: list[int] = []
        for _ in range(1_000):
            await asyncio.sleep(0.01)
            letters = (await client.get("/_sim/notices")).json()["notices"]
            tries = [letter["tries"] for letter in letters]
            if tries and min(tries) > 0:
                break
        assert min(tries) > 0
        assert (await client.get(f"{path}/query")).status_code == 200


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()}


@real_time
async def test_the_port_is_written_once_it_listens(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.write_text("1\n", encoding="ascii")
    async with served(port_file=path) as client:
        assert contents(tmp_path) == {"port": f"{client.base_url.port}\n"}


async def refused(said: str, **more: Any) -> None:
    with pytest.raises(UsageError, match=said):
        async with served(**more):
            pass


@real_time
async def test_a_port_that_is_taken_or_a_file_that_cannot_be_written_is_told(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        await refused("cannot listen on port", port=taken.getsockname()[1])
    await refused("cannot be written", port_file=tmp_path / "missing" / "port")
    await refused("cannot be removed", port_file=tmp_path)


ANYWHERE = ".".join("0000")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        (ANYWHERE, False),
        ("::", False),
        ("192.168.0.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_only_loopback_is_this_machine_alone(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


@real_time
async def test_other_hosts_are_refused() -> None:
    await refused("loopback only", host=ANYWHERE)
    await refused("loopback only", host="example.com")


@real_time
async def test_calls_that_wait_are_answered_while_others_go_on() -> None:
    rule = {"endpoint": "query", "nth": 1, "effect": {"delay_s": 0.3}}
    async with served(faults=[rule]) as client:
        path = await started(client)
        slow = asyncio.create_task(client.get(f"{path}/query"))
        await asyncio.sleep(0.05)
        assert (await client.get(f"{path}/query")).status_code == 200
        assert not slow.done()
        assert (await slow).status_code == 200


@real_time
async def test_a_call_that_waits_when_the_simulator_ends_gets_no_answer() -> None:
    async with httpx.AsyncClient(auth=("simulator",) * 2, trust_env=False) as client:
        async with serving(Settings(tuning=FAST), Listening()) as url:
            client.base_url = httpx.URL(url)
            path = await started(client)
            await client.post("/_sim/clock", json={"scale": 0})
            stopping = asyncio.create_task(client.post(f"{path}/stop", json=frame({})))
            for _ in range(1000):
                if '"stop"' in (await client.get("/_sim/calls")).text:
                    break
        with pytest.raises(httpx.TransportError):
            await stopping
