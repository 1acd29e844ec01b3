"""HTTP, and the only module that knows httpx: its types and exceptions end here.

One `Http` serves all Apps of a process, since making one costs 15-30 ms. What httpx says about a
failure is not passed on, for it can quote headers; the kind of failure is.
"""

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx

from reconciler.agora.messages import Reply, Request, Silence, Unanswered
from reconciler.errors import UsageError

CONNECT_TIMEOUT_S = 5.0
"""A host that takes longer to accept a connection is taken as not reached."""

CONNECTIONS_MAX = 500
"""Bounds the sockets. Ten synchronous stops a second, each of 30 s, need 300."""

IDLE_CONNECTIONS_MAX = 20
ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""The longest answer lists the files of one session; 17 users for a month stay below 1 MiB."""

RETRY_AFTER_S_MAX = 60.0

_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""What httpx raises only before the first byte of a request; anything else may have been sent."""


class Http:
    """The real `Wire`. Use as an async context manager, or call `close` in the end."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Prepare connections; `transport` replaces the network, for a service in this process."""
        _silence_logs()
        try:
            self._client = httpx.AsyncClient(
                transport=transport,
                verify=tls_context() if transport is None else True,
                # Plain HTTP goes to loopback only, so never through a proxy that would read it.
                mounts={"http://": None},
                limits=httpx.Limits(
                    max_connections=CONNECTIONS_MAX, max_keepalive_connections=IDLE_CONNECTIONS_MAX
                ),
                headers={"Accept-Encoding": "identity"},
                follow_redirects=False,
            )
        except (ValueError, ImportError):
            hint = "look at HTTPS_PROXY and ALL_PROXY"
            raise UsageError(
                "the proxy that the environment names cannot be used", hint=hint
            ) from None

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once; see `Wire`."""
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._exchange(request)
        except _NOT_SENT as problem:
            return Unanswered(Silence.NOT_SENT, _why_not_sent(problem))
        except (TimeoutError, httpx.TimeoutException):
            return Unanswered(
                Silence.NO_ANSWER, f"it did not answer within {request.timeout_s:g} s"
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return Unanswered(Silence.NO_ANSWER, "the connection broke before its answer came")

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def _exchange(self, request: Request) -> Reply | Unanswered:
        timeout = httpx.Timeout(
            request.timeout_s, connect=CONNECT_TIMEOUT_S, pool=CONNECT_TIMEOUT_S
        )
        stream = self._client.stream(
            request.method,
            request.url,
            content=request.body,
            headers=list(request.headers),
            timeout=timeout,
        )
        async with stream as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    why = f"its answer is longer than {ANSWER_BYTES_MAX} bytes"
                    return Unanswered(Silence.NO_ANSWER, why)
        return Reply(
            status=response.status_code,
            body=bytes(body),
            request_id=_request_id(response.headers.get("x-request-id", "")),
            retry_after_s=_retry_after_s(response.headers.get("retry-after", "")),
            date_s=_date_s(response.headers.get("date", "")),
        )


def tls_context() -> ssl.SSLContext:
    """Return how hosts are checked; the service is known to speak TLS up to 1.2 (1.1)."""
    context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _silence_logs() -> None:
    """Keep addresses, which hold the App ID, and headers out of every log, whatever its level."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _request_id(text: str) -> str | None:
    return text if _REQUEST_ID.fullmatch(text) else None


def _retry_after_s(text: str) -> float:
    return min(float(text), RETRY_AFTER_S_MAX) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _date_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _why_not_sent(problem: BaseException) -> str:
    """Say in our words what kept a request from being sent."""
    for cause in _causes(problem):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "it speaks no TLS that this machine accepts"
        if isinstance(cause, socket.gaierror):
            return "its name does not resolve"
        if isinstance(cause, ConnectionRefusedError):
            return "it refused the connection"
    if isinstance(problem, httpx.TimeoutException):
        return f"it did not accept a connection within {CONNECT_TIMEOUT_S:g} s"
    return "the proxy refused" if isinstance(problem, httpx.ProxyError) else "it cannot be reached"


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        if isinstance(problem, BaseExceptionGroup):  # one for each address of the host
            yield from problem.exceptions
        problem = problem.__cause__ or problem.__context__
