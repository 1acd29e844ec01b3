"""All that needs an HTTP client: sending notifications, and being called without a network.

The only home of httpx in the simulator.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from reconciler.simulator.app import Application, DroppedConnectionError, Post

ANSWER_TIMEOUT_S = 10.0  # agora-api.md 8.1


@asynccontextmanager
async def poster() -> AsyncIterator[Post]:
    """Yield a function that posts a body and returns the status, or None without an answer."""
    async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False) as client:

        async def post(url: str, headers: Mapping[str, str], body: bytes) -> int | None:
            try:
                answer = await client.post(url, headers=dict(headers), content=body)
            except (httpx.HTTPError, httpx.InvalidURL):
                return None
            return answer.status_code

        yield post


class InProcess(httpx.AsyncBaseTransport):
    """A transport to a simulator in this process: no socket, and time is the event loop's.

    A dropped connection is what it is over a socket: `httpx.RemoteProtocolError`.
    """

    def __init__(self, application: Application) -> None:
        self._inner = httpx.ASGITransport(application)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        try:
            return await self._inner.handle_async_request(request)
        except DroppedConnectionError:
            message = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(message, request=request) from None
