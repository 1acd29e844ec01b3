"""The simulator as an ASGI application: reads requests, waits, answers, delivers notifications.

The shell around `gateway` and `world`, which know neither HTTP nor waiting. Mounted by `server` on
a socket and by tests in their own process (`client.InProcess`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from reconciler.simulator.answers import Answer
from reconciler.simulator.body import read_body
from reconciler.simulator.control import control_routes, no_such_request
from reconciler.simulator.faults import AFTER, BEFORE, NO_EFFECT
from reconciler.simulator.gateway import Gateway, Request, Ticket
from reconciler.simulator.notices import signatures
from reconciler.simulator.outbox import Outbox, Try
from reconciler.simulator.service import Pending
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.tree import encode

POSTS_AT_ONCE_MAX = 16

Post: TypeAlias = Callable[[str, Mapping[str, str], bytes], Awaitable[int | None]]
"""Posts a body with headers to a URL; returns the status, or None without an answer."""


class DroppedConnectionError(ConnectionResetError):
    """The connection was dropped by order, and nobody below could do that."""


class Application:
    """Answers the calls of one simulator's service, and its control interface."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._calls: set[asyncio.Task[Answer | None]] = set()
        routes = [Mount("/_sim", routes=control_routes(simulator)), Mount("/", app=self._serve)]
        self._routes = Starlette(routes=routes, exception_handlers={HTTPException: no_such_request})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        await self._routes(scope, receive, send)

    @asynccontextmanager
    async def delivering(self, post: Post) -> AsyncIterator[None]:
        """Deliver notifications in the background."""
        task = asyncio.create_task(self._deliver(post))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call of the service; one that the server's end cuts off gets no answer."""
        if scope["type"] != "http":
            return
        try:
            await self._serve_call(scope, receive, send)
        except asyncio.CancelledError:
            if abort := scope.get("state", {}).get("abort"):
                abort()  # else the server would write an answer of its own, which nobody documents
            raise

    async def _serve_call(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        gateway, clock = self._simulator.gateway, self._simulator.clock
        ticket = gateway.admit(_request(scope, body), clock.now_s(), clock.real_s())
        if ticket.effect is NO_EFFECT:
            answer = await self._answer(gateway, ticket)
        else:
            # A server does not forget a call because its caller has lost patience.
            task = asyncio.create_task(self._answer(gateway, ticket))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
            answer = await asyncio.shield(task)
        if answer is None:
            await _drop(scope, receive)
        else:
            await _send(send, answer, ticket.call.request_id)

    async def _answer(self, gateway: Gateway, ticket: Ticket) -> Answer | None:
        """Return the answer to a call, in its time; None if its connection is to be dropped."""
        effect, clock = ticket.effect, self._simulator.clock
        if effect.hold_s:
            await asyncio.sleep(effect.hold_s)
        if effect.drop == BEFORE:
            return None
        outcome = gateway.process(ticket, clock.now_s())
        if gateway.world.outbox.sends:
            clock.nudge()
        if isinstance(outcome, Pending):
            await clock.reach(outcome.at_s)
            outcome = gateway.finish(outcome, clock.now_s())
        if effect.delay_s:
            await asyncio.sleep(effect.delay_s)
        if effect.drop == AFTER:
            return None
        gateway.settle(ticket, outcome)
        return outcome

    async def _deliver(self, post: Post) -> None:
        free = asyncio.Semaphore(POSTS_AT_ONCE_MAX)
        async with asyncio.TaskGroup() as posts:
            while True:
                world = self._simulator.lived()
                for sent in world.outbox.take(world.now_s):
                    posts.create_task(self._post(post, free, world.outbox, sent))
                due = [at for at in (world.next_due_s, world.outbox.next_due_s) if at is not None]
                await self._simulator.clock.until(min(due, default=None))

    async def _post(self, post: Post, free: asyncio.Semaphore, outbox: Outbox, sent: Try) -> None:
        async with free:
            body = sent.letter.notice.body(self._simulator.clock.now_s())
            headers = {
                "Content-Type": "application/json",
                **signatures(self._simulator.settings.notify_secret, body),
            }
            status = await post(self._simulator.settings.notify_url or "", headers, body)
        outbox.settle(sent, status, self._simulator.clock.now_s())
        self._simulator.clock.nudge()


def _request(scope: Scope, body: bytes | None) -> Request:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return Request(
        method=scope["method"],
        path=scope["path"],
        authorization=_text(headers.get(b"authorization")),
        content_type=_text(headers.get(b"content-type")),
        body=body,
    )


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


async def _send(send: Send, answer: Answer, request_id: str) -> None:
    body = encode(answer.body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _drop(scope: Scope, receive: Receive) -> None:
    """Drop the connection as the server below can (`server`), or else raise."""
    abort = scope.get("state", {}).get("abort")
    if abort is None:
        raise DroppedConnectionError
    abort()
    while (await receive())["type"] != "http.disconnect":
        continue
