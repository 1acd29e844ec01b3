"""From a request to an answer: the gateway before the service, the call log, the faults.

Changes a World. Synchronous: what takes time is told to the caller, who waits. A call goes through
`admit` when it arrives, then `process`, then `settle` when its answer leaves.
"""

import base64
import hmac
import re
from dataclasses import dataclass

from reconciler.simulator import answers, resources, routes, service, tree
from reconciler.simulator.answers import Answer, Refusal
from reconciler.simulator.calls import TEXT_MAX, Call, CallLog
from reconciler.simulator.chance import hex_digits
from reconciler.simulator.faults import NO_EFFECT, Effect, Faults
from reconciler.simulator.limits import SlidingSecond
from reconciler.simulator.routes import Endpoint, Route
from reconciler.simulator.service import Pending
from reconciler.simulator.session import Session, Tick
from reconciler.simulator.settings import Settings
from reconciler.simulator.timeline import advance
from reconciler.simulator.tree import Json, Object
from reconciler.simulator.world import World

REQUEST_ID_DIGITS = 32

_CONTENT_TYPE = re.compile(r"application/json(?:\s*;\s*charset=utf-8)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire; a body of None is one that was too large."""

    method: str
    path: str
    authorization: str | None = None
    content_type: str | None = None
    body: bytes | None = b""


@dataclass(slots=True)
class Ticket:
    """A call on its way."""

    call: Call
    body: Json = None
    effect: Effect = NO_EFFECT
    refusal: Answer | None = None
    """What is wrong with the request itself, if anything."""


class Gateway:
    """The service as its callers meet it."""

    def __init__(self, settings: Settings, now_s: float, faults: list[Json]) -> None:
        self.world = World(settings, now_s)
        self.log = CallLog()
        self.faults = Faults(settings.seed)
        self.faults.add_all(faults)
        self._limits = {app_id: SlidingSecond() for app_id in ("", *settings.app_ids)}
        self._authorization = _basic(settings.customer_id, settings.customer_secret)

    def admit(self, request: Request, now_s: float, arrived_s: float) -> Ticket:
        """Log a call that arrives, and find out what is to become of it."""
        advance(self.world, now_s)
        route = routes.route(request.method, request.path)
        call = Call(
            number=0,
            at_s=self.world.now_s,
            arrived_s=arrived_s,
            method=request.method[:TEXT_MAX],
            path=request.path[:TEXT_MAX],
            request_id=hex_digits(self.world.ids, REQUEST_ID_DIGITS),
            route=route,
        )
        self.log.add(call)
        try:
            self._guard(request, call, route)
        except Refusal as refusal:
            return Ticket(call, refusal=refusal.answer)
        ticket = Ticket(call)
        try:
            self._read(request, ticket)
        except Refusal as refusal:
            ticket.refusal = refusal.answer
        self._strike(ticket)
        return ticket

    def process(self, ticket: Ticket, now_s: float) -> Answer | Pending:
        """Do what a call asks for, unless it is to go wrong."""
        advance(self.world, now_s)
        outcome: Answer | Pending
        if ticket.effect.answer is not None and not ticket.effect.processed:
            return ticket.effect.answer
        if ticket.refusal is not None or ticket.call.route is None:
            outcome = ticket.refusal or answers.NO_ROUTE
        else:
            outcome = service.call(self.world, ticket.call.route, ticket.body)
            self._follow(ticket, outcome)
            advance(self.world, self.world.now_s)  # what takes no time has happened
        return ticket.effect.answer or outcome

    def finish(self, pending: Pending, now_s: float) -> Answer:
        """Return an answer that had to wait."""
        advance(self.world, now_s)
        return pending.finish()

    def settle(self, ticket: Ticket, answer: Answer) -> None:
        """Log how a call was answered."""
        ticket.call.status, ticket.call.code = answer.status, answer.code

    def _guard(self, request: Request, call: Call, route: Route | None) -> None:
        """Check what a gateway checks (agora-api.md 6.1). Raises Refusal."""
        if route is None:
            raise Refusal(answers.NO_ROUTE)
        if request.authorization is None:
            raise Refusal(answers.NO_CREDENTIALS)
        given = request.authorization.encode(errors="replace")
        if not hmac.compare_digest(given, self._authorization):
            raise Refusal(answers.WRONG_CREDENTIALS)
        limit = self._limits.get(route.app_id)
        if limit is None:
            raise Refusal(answers.WRONG_APP)
        if not limit.admit(call.arrived_s, self.world.tuning.qps):
            raise Refusal(answers.OVER_RATE)

    def _read(self, request: Request, ticket: Ticket) -> None:
        """Read the body, and learn whom the call is about. Raises Refusal."""
        call = ticket.call
        if call.route is None or call.route.endpoint is Endpoint.NCS_IP:
            return
        grant = resources.read(call.route.resource_id, self.world.key)
        if grant is not None:
            call.cname, call.uid = grant.cname, grant.uid
        call.sid = call.route.sid[:TEXT_MAX]
        if call.route.endpoint is Endpoint.QUERY:
            return
        if request.body is None:
            raise Refusal(answers.TOO_BIG)
        if not _CONTENT_TYPE.fullmatch(request.content_type or ""):
            raise _unreadable("Content-Type must be application/json")
        try:
            ticket.body = tree.decode(request.body)
        except ValueError:
            raise _unreadable("the body is no JSON") from None
        body = tree.child(ticket.body)
        call.cname = call.cname or tree.text(body, "cname")[:TEXT_MAX]
        call.uid = call.uid or tree.text(body, "uid")[:TEXT_MAX]

    def _strike(self, ticket: Ticket) -> None:
        call, route = ticket.call, ticket.call.route
        if route is not None and self.faults.rules:
            known: Object = {
                "endpoint": route.endpoint.value,
                "mode": route.mode,
                "cname": call.cname,
                "uid": call.uid,
            }
            if (rule := self.faults.strike(known)) is not None:
                call.fault, ticket.effect = rule.id, rule.effect

    def _follow(self, ticket: Ticket, outcome: Answer | Pending) -> None:
        """Note which session it was, and give it the order that a fault rule holds for it."""
        session = self._session(ticket, outcome)
        if session is None:
            return
        ticket.call.sid = session.sid
        if ticket.effect.then is not None:
            name, body, after_s = ticket.effect.then
            session.order = name, body
            self.world.set_due(session, Tick.ORDER, self.world.now_s + after_s)

    def _session(self, ticket: Ticket, outcome: Answer | Pending) -> Session | None:
        if isinstance(outcome, Answer) and outcome.status != answers.OK:
            return None
        route = ticket.call.route
        session = self.world.by_resource.get(route.resource_id) if route else None
        return session if session is not None and session.sid in self.world.active else None


def _basic(customer_id: str, secret: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{customer_id}:{secret}".encode())


def _unreadable(reason: str) -> Refusal:
    return Refusal(answers.failed(answers.BAD_REQUEST, answers.UNREADABLE, reason))
