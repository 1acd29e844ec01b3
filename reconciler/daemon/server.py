"""The daemon's HTTP on a socket: uvicorn inside the running loop, with bounds of its own.

Anybody may connect, so connections are counted. Beyond the bound the one goes that has waited
longest for its peer: for a request, for the rest of one, or for its answer to be read. So those who
only hold connections push out each other, and whoever asks something is answered.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from reconciler.daemon.gate import HEAD_BYTES_MAX
from reconciler.daemon.http import SAFE
from reconciler.errors import UsageError

log = logging.getLogger(__name__)

BACKLOG = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What all callers together may take.

    `idle_s` is how long a connection may be without a request, from the end of the last one to the
    last byte of the next one's head; the service asks for at least 10 s (agora-api.md 8.1). `end_s`
    is what calls that are under way get when the server ends.
    """

    connections: int = 512
    idle_s: float = 60.0
    head_bytes: int = HEAD_BYTES_MAX
    end_s: int = 1


LIMITS = Limits()


async def serve(
    app: ASGIApp, host: str, port: int, ready: Callable[[int], None], limits: Limits = LIMITS
) -> None:
    """Serve until cancelled; `ready` gets the port once it listens (0 takes any free one).

    Raises UsageError if it cannot listen there.
    """
    bound = _bind(host, port)
    server = _Server(_config(app, limits), lambda: ready(bound.getsockname()[1]))
    serving = asyncio.create_task(server.serve([bound]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A server that leaves signals to its owner, says when it listens, and leaves nobody behind."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to listen, let calls end for a moment, and drop the rest."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class _Protocol(H11Protocol):
    """HTTP/1.1 with a deadline for each request's head and a bound on connections."""

    limits: ClassVar[Limits] = LIMITS
    since_s = 0.0
    """When it last began to wait for its peer, in the loop's time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection in; another one may have to go for it."""
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection, and all that would come back to it."""
        self._forget_deadline()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what has come in; the deadline stands until a whole head has."""
        super().handle_events()
        if self._request is not None and self._deadline is not None:
            self._forget_deadline()
            self.since_s = self.loop.time()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is here already."""
        super().on_response_complete()
        if self._request is None and not self.transport.is_closing():
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and hang up."""
        log.debug("a connection was ended", extra={"problem": msg})
        request = self._request
        if request is None or not request.response_started:
            is_long = len(self.conn.trailing_data[0]) > self.limits.head_bytes
            self.transport.write(_refusal(is_long=request is None and is_long))
        self.transport.close()

    @property
    def _request(self) -> RequestResponseCycle | None:
        """Return the request that is under way."""
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)  # its type forgets None
        return None if cycle is None or cycle.response_complete else cycle

    @property
    def waits_for_peer(self) -> bool:
        """Tell whether it is the other side's turn."""
        return self._request is None or self._request.more_body

    def _await_head(self) -> None:
        self._forget_deadline()
        self.since_s = self.loop.time()
        self._deadline = self.loop.call_later(self.limits.idle_s, self.transport.abort)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Drop the one that has waited longest for its peer; if all are at work, this one."""
        others = (each for each in self.connections if isinstance(each, _Protocol))
        waiting = (each for each in others if each.waits_for_peer)
        oldest = min(waiting, key=lambda each: each.since_s)
        self.connections.discard(oldest)
        oldest.transport.abort()


def _config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    class Protocol(_Protocol):
        pass

    Protocol.limits = limits
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # what callers do wrong is no event of ours, and what we do is logged
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=ceil(limits.idle_s),  # any byte puts it off, unlike the deadline
        timeout_graceful_shutdown=limits.end_s,
        h11_max_incomplete_event_size=limits.head_bytes,
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, since asyncio sends small answers at once only where it is.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except (OSError, UnicodeError) as problem:
        bound.close()
        why = problem.strerror if isinstance(problem, OSError) else "it is no name of a host"
        raise UsageError(
            f"cannot listen on port {port} of `{host}`: {why}",
            hint="name another with `--listen HOST:PORT`; port 0 takes any free one",
        ) from None
    return bound


def _refusal(*, is_long: bool) -> bytes:
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_long else HTTPStatus.BAD_REQUEST
    why = "the head of the request is too long" if is_long else "this is no HTTP request"
    body = json.dumps({"error": why}).encode()
    headers = {
        **SAFE,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
