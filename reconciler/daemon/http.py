"""What the daemon answers over HTTP (design/cli.md, "run"; docs/guide/http.md).

`Desk` is all that this knows of the daemon. Who may ask stands in `gate.py`, how bodies come in in
`intake.py`, on which socket in `server.py`.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.daemon.gate import NOTIFICATIONS, SIGNATURE, SYNC, is_signed, refusal
from reconciler.daemon.intake import Intake
from reconciler.daemon.metrics import CONTENT_TYPE
from reconciler.errors import StateError

log = logging.getLogger(__name__)

NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": NOTHING_ELSE,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer: browsers keep nothing, run nothing, and tell nobody."""

EVENTS_MAX = 1000
"""The newest that are answered; `reconciler events` lists all."""

LINGER_S = 1.0
"""So long is thrown away what still comes after a refusal, before the connection is closed: closed
at once, the sender would get a broken connection and no answer."""

_UNROUTED = {
    HTTPStatus.NOT_FOUND: "nothing is at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take this method",
}
_UNSIGNED = "the signature does not fit: the webhook's secret has to be that of RECONCILER_TOKEN"
_OF_NOTIFICATION = {
    HTTPStatus.BAD_REQUEST: "the body is no notification",
    HTTPStatus.UNAUTHORIZED: "the signature is missing or does not fit",
    HTTPStatus.NOT_FOUND: "no App of this name takes notifications",
}


class Desk(Protocol):
    """What HTTP asks of the daemon. What needs state raises StateError while there is none."""

    def health(self) -> str:
        """Return what is wrong with the process, as a sentence; empty when it is well."""
        ...

    def readiness(self) -> str:
        """Return why it does not do its work yet, as a sentence; empty when it does."""
        ...

    def metrics(self) -> bytes:
        """Return what Prometheus reads (`metrics.CONTENT_TYPE`)."""
        ...

    def page(self) -> str:
        """Return the page with all that `status` lists, as HTML."""
        ...

    def status(self) -> dict[str, Any]:
        """Return the document of `status --format json`."""
        ...

    def plan(self) -> dict[str, Any]:
        """Return the document of `plan --format json`."""
        ...

    def events(self, name: str | None) -> list[dict[str, Any]]:
        """Return what happened to a Recording, newest last; None: to all, and to the scope."""
        ...

    async def notify(self, app: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take in a notification for an App; return the HTTP status to answer."""
        ...

    def sync(self) -> None:
        """Reconcile everything now."""
        ...


def application(desk: Desk, token: str | None, page_policy: str) -> Starlette:
    """Return what answers for `desk`.

    Without a token it is for a loopback address only. `page_policy` is what the page needs of a
    browser, as directives of Content-Security-Policy.
    """
    counter = _Counter(desk, token, page_policy)
    made = Starlette(
        routes=[
            Route("/healthz", counter.healthz),
            Route("/readyz", counter.readyz),
            Route("/metrics", counter.metrics),
            Route("/", counter.page),
            Route("/api/v1/status", counter.status),
            Route("/api/v1/plan", counter.plan),
            Route("/api/v1/events", counter.events),
            Route(NOTIFICATIONS + "{app}", counter.notifications, methods=["POST"]),
            Route(SYNC, counter.sync, methods=["POST"]),
        ],
        middleware=[Middleware(_Gate, token=token)],
        exception_handlers={
            HTTPException: _refused,
            ClientDisconnect: _broken_off,
            StateError: _without_state,
            Exception: _failed,
        },
    )
    made.router.redirect_slashes = False  # the place to go would be made of what the caller says
    return made


class _Counter:
    """The answers, one for each route."""

    def __init__(self, desk: Desk, token: str | None, page_policy: str) -> None:
        self._desk = desk
        self._token = token
        self._page_policy = f"{NOTHING_ELSE}; {page_policy}"
        self._intake = Intake()

    async def healthz(self, _request: Request) -> Response:
        return _well_or(self._desk.health())

    async def readyz(self, _request: Request) -> Response:
        return _well_or(self._desk.readiness())

    async def metrics(self, _request: Request) -> Response:
        return Response(self._desk.metrics(), headers={**SAFE, "Content-Type": CONTENT_TYPE})

    async def page(self, _request: Request) -> Response:
        headers = {**SAFE, "Content-Security-Policy": self._page_policy}
        return Response(self._desk.page(), headers=headers, media_type="text/html")

    async def status(self, _request: Request) -> Response:
        return _json(self._desk.status())

    async def plan(self, _request: Request) -> Response:
        return _json(self._desk.plan())

    async def events(self, request: Request) -> Response:
        found = self._desk.events(request.query_params.get("recording"))
        return _json(found[-EVENTS_MAX:])

    async def notifications(self, request: Request) -> Response:
        app = request.path_params["app"]
        async with self._intake.body(request) as body:
            status = await self._desk.notify(app, request.headers, body)
        if status == HTTPStatus.OK:
            return _json({})
        known = HTTPStatus(status)
        return _error(known, _OF_NOTIFICATION.get(known, known.description))

    async def sync(self, request: Request) -> Response:
        if self._token is not None and SIGNATURE in request.headers:
            async with self._intake.body(request) as body:
                if not is_signed(body, request.headers[SIGNATURE], self._token):
                    raise HTTPException(HTTPStatus.UNAUTHORIZED, _UNSIGNED)
        self._desk.sync()
        return _json({}, HTTPStatus.ACCEPTED)


class _Gate:
    """Lets through who may ask."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        refused = refusal(scope, self._token) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            answer = _error(refused.status, refused.why, refused.headers)
            await answer(scope, receive, send)


class _Parting(Response):
    """The last answer of a connection whose sender may still be sending."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, hear the sender out for a while, and end."""

        async def hold(message: Message) -> None:
            is_body = message["type"] == "http.response.body"
            await send({**message, "more_body": True} if is_body else message)

        await super().__call__(scope, receive, hold)
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while (await receive()).get("more_body"):
                    continue
        await send({"type": "http.response.body", "body": b""})


def _well_or(problem: str) -> Response:
    if problem:
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, problem)
    return _json({"status": "ok"})


def _json(
    document: object,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    kind: type[Response] = Response,
) -> Response:
    text = json.dumps(document, indent=2) + "\n"
    return kind(text, status, {**SAFE, **(headers or {})}, "application/json")


def _error(
    status: int, why: str, headers: Mapping[str, str] | None = None, kind: type[Response] = Response
) -> Response:
    return _json({"error": why}, status, headers, kind)


async def _refused(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    too_large = problem.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    kind = _Parting if too_large else Response
    why = _UNROUTED.get(HTTPStatus(problem.status_code), problem.detail)
    return _error(problem.status_code, why, problem.headers, kind)


async def _broken_off(_request: Request, _problem: Exception) -> Response:
    return _error(HTTPStatus.BAD_REQUEST, "the body broke off")  # for nobody: the sender is gone


async def _without_state(_request: Request, problem: Exception) -> Response:
    return _error(HTTPStatus.SERVICE_UNAVAILABLE, str(problem))


async def _failed(request: Request, problem: Exception) -> Response:
    log.error("an HTTP request failed", extra={"path": request.url.path}, exc_info=problem)
    why = "this is a bug in reconciler; please report it with the lines of its log"
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, why)
