"""The simulator on a socket of this machine: uvicorn, signals, the file with the port."""

import asyncio
import ipaddress
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.clock import SystemClock
from reconciler.errors import UsageError
from reconciler.simulator.app import Application
from reconciler.simulator.client import poster
from reconciler.simulator.settings import Settings
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.tree import Json

SHUTDOWN_S = 1  # what calls that are under way get when the simulator is told to end
KEEP_ALIVE_S = 75  # longer than callers leave a connection idle between two calls


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and how time goes there."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 is any free one."""
    port_file: Path | None = None
    """Gets the port once it listens."""
    scale: float = 1.0
    faults: Sequence[Json] = ()


def serve(settings: Settings, listening: Listening, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` gets the base URL once it listens.

    Raises UsageError if it cannot listen there.
    """
    asyncio.run(_serve(settings, listening, announce))


async def _serve(settings: Settings, listening: Listening, announce: Callable[[str], None]) -> None:
    told_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    async with serving(settings, listening) as url:
        announce(url)
        await told_to_end.wait()


@asynccontextmanager
async def serving(settings: Settings, listening: Listening) -> AsyncIterator[str]:
    """Serve in the background of this event loop, and yield the base URL. Raises UsageError."""
    _forget_port(listening.port_file)
    bound = _bind(listening)
    simulator = Simulator(settings, _unix_time(), scale=listening.scale, faults=listening.faults)
    application = Application(simulator)
    server = _Server(_config(application))
    async with AsyncExitStack() as stack:
        if settings.notify_url is not None:
            post = await stack.enter_async_context(poster())
            await stack.enter_async_context(application.delivering(post))
        task = asyncio.create_task(server.serve([bound]))
        try:
            await server.listens.wait()
            host, port = bound.getsockname()[:2]
            _tell_port(listening.port_file, port)
            yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        finally:
            _forget_port(listening.port_file)
            server.should_exit = True
            await task


def is_loopback(host: str) -> bool:
    """Tell whether a host can be reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Protocol(H11Protocol):
    """HTTP/1.1 whose connections can be dropped by the application, through the scope's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}


class _Server(uvicorn.Server):
    """A server that leaves signals to its owner, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        self.listens.set()


def _config(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


def _unix_time() -> Callable[[], float]:
    """Return a clock that shows Unix time and never jumps."""
    loop = asyncio.get_running_loop()
    offset_s = SystemClock().now_s() - loop.time()
    return lambda: offset_s + loop.time()


def _bind(listening: Listening) -> socket.socket:
    host, port = listening.host, listening.port
    if not is_loopback(host):
        raise UsageError(
            f"`{host}` is not this machine alone; the simulator listens on loopback only",
            hint="use `--host 127.0.0.1`",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, since asyncio sends small answers at once only where it is.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as problem:
        bound.close()
        raise UsageError(
            f"cannot listen on port {port} of `{host}`: {problem.strerror}",
            hint="`--port 0` takes any free one",
        ) from None
    return bound


def _forget_port(path: Path | None) -> None:
    """Take away what an earlier run has written, so that nobody calls a port that is gone."""
    if path is not None:
        try:
            path.unlink(missing_ok=True)
        except OSError as problem:
            raise UsageError(f"`{path}` cannot be removed: {problem.strerror}") from None


def _tell_port(path: Path | None, port: int) -> None:
    """Write the port whole or not at all: somebody may be waiting for the file."""
    if path is not None:
        fresh = path.with_name(f"{path.name}.new")
        try:
            fresh.write_text(f"{port}\n", encoding="ascii")
            fresh.replace(path)
        except OSError as problem:
            raise UsageError(f"`{path}` cannot be written: {problem.strerror}") from None
