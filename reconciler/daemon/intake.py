"""Bodies from senders that nobody knows yet, within bounds of size, time and memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request

BODY_BYTES_MAX = 1024 * 1024
"""Of a notification (design/cli.md, "run")."""

BODY_S_MAX = 10.0
"""The service waits so long for an answer, and sends a notification in one piece (8.1)."""

SMALL_BYTES_MAX = 64 * 1024
LARGE_AT_ONCE_MAX = 16
"""Most notifications are some kilobytes. Larger bodies are held only so many at once, so that all
of them together take some 32 MiB at most."""

_CLOSE = {"Connection": "close"}


class Intake:
    """Reads bodies."""

    def __init__(self) -> None:
        self._large = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Yield a request's body. Raises HTTPException, and ClientDisconnect if it breaks off."""
        declared = request.headers.get("content-length", "0")
        if declared.isascii() and declared.isdigit() and int(declared) > BODY_BYTES_MAX:
            raise _too_large()
        with ExitStack() as places:
            try:
                async with asyncio.timeout(BODY_S_MAX):
                    body = await self._read(request, places)
            except TimeoutError:
                why = f"the body took longer than {BODY_S_MAX:.0f} s"
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, why, _CLOSE) from None
            yield body

    async def _read(self, request: Request, places: ExitStack) -> bytes:
        body, is_large = bytearray(), False
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise _too_large()
            if len(body) > SMALL_BYTES_MAX and not is_large:
                places.enter_context(self._place())
                is_large = True
        return bytes(body)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Hold one of the places for large bodies."""
        if self._large >= LARGE_AT_ONCE_MAX:
            why = "too many large bodies at once; send it again later"
            headers = {**_CLOSE, "Retry-After": "10"}
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, why, headers)
        self._large += 1
        try:
            yield
        finally:
            self._large -= 1


def _too_large() -> HTTPException:
    why = f"the body has more than {BODY_BYTES_MAX} bytes"
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why, _CLOSE)
