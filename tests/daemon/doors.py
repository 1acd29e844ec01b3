"""A way to the service that can be shut: then nobody listens there, and what was open breaks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

from tests.daemon.processes import free_port


class Door:
    """Passes on every byte, both ways, while it is open."""

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._to = urlsplit(url)
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.StreamWriter] = set()

    def open(self) -> None:
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def shut(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        for way in list(self._ways):
            way.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._to.hostname, self._to.port)
        self._ways |= {writer, back}
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            self._ways -= {writer, back}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while some := await reader.read(64 * 1024):
            writer.write(some)
            await writer.drain()
    writer.close()


@contextmanager
def door_to(url: str) -> Iterator[Door]:
    """Make an open door to a service."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    door = Door(url, loop)
    door.open()
    try:
        yield door
    finally:
        door.shut()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
