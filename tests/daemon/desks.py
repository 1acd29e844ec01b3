"""A small working Desk, the real server around it, and a client that sends any bytes."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.agora.notifications import is_genuine, read_notification
from reconciler.daemon.http import application
from reconciler.daemon.server import LIMITS, Limits, serve
from reconciler.simulator.notices import signatures
from reconciler.spec.secrets import SecretValue

SECRET = "made-up-secret"
POLICY = "style-src 'sha256-abc='"
NOTICE = json.dumps({"noticeId": "n1", "productId": 3, "eventType": 11, "payload": {}}).encode()


@dataclass
class SmallDesk:
    """Takes notifications for one App, and tells what it was told to tell.

    `problem` is raised by whatever is asked next. Where `holds` is set, notifications wait for it.
    """

    unwell: str = ""
    problem: Exception | None = None
    html: str = "<p>well</p>"
    happened: list[dict[str, Any]] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    syncs: int = 0
    holds: asyncio.Event | None = None
    arrivals: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    def health(self) -> str:
        self._fail()
        return self.unwell

    def readiness(self) -> str:
        return self.unwell

    def metrics(self) -> bytes:
        return b"a_metric 1\n"

    def page(self) -> str:
        return self.html

    def status(self) -> dict[str, Any]:
        self._fail()
        return {"recordings": []}

    def plan(self) -> dict[str, Any]:
        return {"actions": []}

    def events(self, name: str | None) -> list[dict[str, Any]]:
        return [each for each in self.happened if name in {None, each["recording"]}]

    async def notify(self, app: str, headers: Mapping[str, str], body: bytes) -> int:
        self._fail()
        self.asked_for.append(app)
        if app != "main":
            return 404
        signature = headers.get("agora-signature-v2")
        if not is_genuine(body, SecretValue(SECRET), signature_v2=signature):
            return 401
        self.taken.append(body)
        self.arrivals.put_nowait(body)
        if self.holds is not None:
            await self.holds.wait()
        return 200 if read_notification(body) else 400

    def sync(self) -> None:
        self.syncs += 1

    def _fail(self) -> None:
        if self.problem is not None:
            raise self.problem


def signed(body: bytes) -> dict[str, str]:
    return signatures(SECRET, body)


@asynccontextmanager
async def served(
    desk: SmallDesk, token: str | None = None, limits: Limits = LIMITS
) -> AsyncIterator[int]:
    """Serve for a desk on a free port, and yield that."""
    async with listening(application(desk, token, POLICY), limits) as port:
        yield port


@asynccontextmanager
async def listening(app: ASGIApp, limits: Limits = LIMITS) -> AsyncIterator[int]:
    port = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, port.set_result, limits))
    try:
        await asyncio.wait({task, port}, return_when=asyncio.FIRST_COMPLETED)
        yield await port
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def error(self) -> str:
        (key, sentence), *none = json.loads(self.body).items()
        assert (key, none) == ("error", [])
        return str(sentence)


class Line:
    """One connection, over which any bytes can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def flood(self, piece: bytes, pause_s: float = 0.0) -> None:
        """Send the same again and again. Raises ConnectionError when the other side hangs up."""
        async with asyncio.timeout(5):
            while True:
                await self.send(piece)
                await asyncio.sleep(pause_s)

    async def answer(self, *, has_body: bool = True) -> Answer:
        """Read one answer, and no byte more."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.partition(": ") for line in head[1:-2]]
        headers = [(name.lower(), value) for name, _, value in pairs]
        length = int(dict(headers).get("content-length", "0")) if has_body else 0
        return Answer(int(head[0].split()[1]), headers, await self.reader.readexactly(length))

    async def is_closed(self, within_s: float = 3.0) -> bool:
        """Tell whether the other side hangs up within that time, and sends nothing before."""
        try:
            async with asyncio.timeout(within_s):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """Return a request of this machine's own; a header of `host` replaces that of `localhost`."""
    own = [] if any(each.lower().startswith("host:") for each in headers) else ["Host: localhost"]
    own += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{method} {target} HTTP/1.1", *own, *headers, "", ""]).encode() + body


def notification(body: bytes = NOTICE, app: str = "main", *headers: str) -> bytes:
    """Return a request with a genuine notification."""
    made = [f"{name}: {value}" for name, value in signed(body).items()]
    return request("POST", f"/notifications/{app}", *made, *headers, body=body)


async def ask(port: int, data: bytes, *, has_body: bool = True) -> Answer:
    """Send bytes over a connection of their own, and return the answer."""
    async with line_to(port) as line:
        await line.send(data)
        return await line.answer(has_body=has_body)


class Front:
    """One server for one desk after the other, since it takes a while to end one."""

    def __init__(self, port: int, runner: asyncio.Runner) -> None:
        self.app: ASGIApp
        self._port = port
        self._runner = runner

    def answers(self, desk: SmallDesk, token: str | None, *sent: bytes) -> list[Answer]:
        """Return the answers to requests, each over a connection of its own."""
        self.app = application(desk, token, POLICY)
        return self._runner.run(self._answers(sent))

    def answer(self, sent: bytes, token: str | None = None) -> Answer:
        return self.answers(SmallDesk(), token, sent)[0]

    async def _answers(self, sent: Sequence[bytes]) -> list[Answer]:
        return [await ask(self._port, each, has_body=each[:4] != b"HEAD") for each in sent]


@contextmanager
def opened() -> Iterator[Front]:
    """Yield a server that answers while its `answers` waits."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await front.app(scope, receive, send)

        front = Front(runner.run(stack.enter_async_context(listening(app))), runner)
        try:
            yield front
        finally:
            runner.run(stack.aclose())
