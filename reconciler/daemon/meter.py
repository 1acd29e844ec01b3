"""The way to the service and its budget, with what goes through them counted."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from reconciler.agora.budget import AHEAD_S_MAX, Budget, Limit
from reconciler.agora.messages import Endpoint, Reply, Request, Silence, Unanswered, Wire
from reconciler.daemon.metrics import OTHER, Metrics

_ENDPOINTS = {
    **{str(endpoint): endpoint for endpoint in Endpoint},
    "ip": Endpoint.NOTIFICATION_IPS,  # GET /v1/ncs/ip
}
"""By the last part of the path (agora-api.md 1.5)."""

_SILENCES = {Silence.NOT_SENT: "unreached", Silence.NO_ANSWER: "timeout"}
_STATUS = re.compile(r"[1-5]\d\d")


class MeteredWire:
    """Counts calls by endpoint and answer."""

    def __init__(self, wire: Wire, metrics: Metrics) -> None:
        self._wire = wire
        self._metrics = metrics

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once."""
        reply = await self._wire.send(request)
        self._metrics.call_ended(_endpoint(request), _answer(reply))
        return reply


class MeteredBudget:
    """Counts bookings and their waits, by App."""

    def __init__(self, budget: Budget, metrics: Metrics, name_of: Callable[[str], str]) -> None:
        """Book as `budget` does; `name_of` tells the manifest's name of an App, empty: unknown.

        It is given what names the App ID without being it; that itself is no label.
        """
        self._budget = budget
        self._metrics = metrics
        self._name_of = name_of

    async def book(
        self, app: str, limit: Limit, calls: int, ahead_s: float = AHEAD_S_MAX
    ) -> tuple[float, ...]:
        """Book the next slots; see `agora.budget.Budget`."""
        waits_s = await self._budget.book(app, limit, calls, ahead_s)
        self._metrics.booked(self._label(app), limit.calls_per_s, waits_s)
        return waits_s

    async def slow_down(self, app: str) -> None:
        """Take note of a refused call; see `agora.budget.Budget`."""
        await self._budget.slow_down(app)
        self._metrics.slowed_down(self._label(app))

    def _label(self, app: str) -> str:
        return self._name_of(app) or OTHER


def _endpoint(request: Request) -> str:
    last = urlsplit(request.url).path.rpartition("/")[2]
    return str(_ENDPOINTS.get(last, OTHER))


def _answer(reply: Reply | Unanswered) -> str:
    if isinstance(reply, Unanswered):
        return _SILENCES[reply.silence]
    status = str(reply.status)
    return status if _STATUS.fullmatch(status) else OTHER
