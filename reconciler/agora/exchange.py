"""One call from its slot in the request budget to its answer, repeated where that is safe.

Used by `client.py` alone. Each try takes a slot; what an answer means stands in the error table,
when to try again in `retry.py`.
"""

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Generic, Protocol, TypeVar

import reconciler
from reconciler.agora import trees
from reconciler.agora.answers import Acquired
from reconciler.agora.budget import Budget
from reconciler.agora.error_table import row_for
from reconciler.agora.failures import Again, Failure, Meaning, Next, Repeat, Row, Running
from reconciler.agora.hosts import Hosts
from reconciler.agora.line import Line
from reconciler.agora.messages import JSON_TYPE, Endpoint, Reply, Request, Silence, Unanswered, Wire
from reconciler.agora.parse import Arrival, unwrapped
from reconciler.agora.project import Project
from reconciler.agora.retry import Tries
from reconciler.agora.scrub import scrubbed, texts_in, without
from reconciler.agora.trees import Tree
from reconciler.clock import Clock
from reconciler.plan.life import RESOURCE_ID_S

log = logging.getLogger(__name__)

T = TypeVar("T")

_NO_CODE = (None, 0, "0")
_OK = 200
"""The one status of success: 201 and 206 tell of failures (agora-api.md 1.6)."""


class Halt(Protocol):
    """Says when nothing more is to be sent. What was sent is answered nevertheless."""

    @property
    def ordered(self) -> bool:
        """Tell whether nothing more is to be sent."""
        ...

    async def unless(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what comes of waiting; None, at once, when nothing more is to be sent."""
        ...


class _Never:
    """The Halt that never comes."""

    ordered = False

    async def unless(self, work: Coroutine[Any, Any, T]) -> T | None:
        return await work


NEVER: Halt = _Never()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Call(Generic[T]):
    """One call, ready to be sent; shows nothing of its path and body.

    `read` makes the answer of a reply's JSON, None where that is no success. `first_host` is the
    base URL to try first. A start has its `acquired`, and `perhaps` if it may have been sent
    before. One that `must_go` finishes what was begun: no halt keeps it from being sent.
    """

    endpoint: Endpoint
    path: str
    body: Mapping[str, Any] | None
    read: Callable[[Tree, Arrival], T | None]
    timeout_s: float
    first_host: str | None = None
    acquired: Acquired | None = None
    perhaps: bool = False
    must_go: bool = False

    def __repr__(self) -> str:
        return f"Call({self.endpoint})"


class Exchange:
    """The way to the service for one App."""

    def __init__(
        self, project: Project, wire: Wire, budget: Budget, clock: Clock, rng: Random, halt: Halt
    ) -> None:
        self._project = project
        self._wire = wire
        self._line = Line(budget, project.name, project.limit, clock)
        self._clock = clock
        self._rng = rng
        self._halt = halt
        self._hosts = Hosts(project.endpoints)

    async def carry_out(self, call: Call[T]) -> T | Failure:
        """Make a call, and again as its failures allow; return its answer or the last failure.

        One that was never sent, since the halt came first, is a failure that means `withdrawn`.
        """
        tries = Tries(self._hosts_for(call), perhaps=call.perhaps)
        failure: Failure | None = None
        while True:
            answer = await self._try(call, tries.host)
            if answer is None:
                return failure or _withdrawn(call, tries.host)
            if not isinstance(answer, Failure):
                return answer
            failure = tries.weigh(answer)
            delay_s = tries.next_delay_s(answer, self._rng)
            if delay_s is None or self._is_too_late(call, delay_s):
                return failure
            await self._is_to_go(call, self._clock.sleep(delay_s))

    def _hosts_for(self, call: Call[T]) -> tuple[str, ...]:
        if call.acquired is not None:  # a pair stays on one host (1.2)
            return (call.acquired.host,)
        first = call.first_host if self._project.may_send_to(call.first_host) else None
        return self._hosts.in_order(self._clock.monotonic_s(), first)

    def _is_too_late(self, call: Call[T], delay_s: float) -> bool:
        if call.acquired is None:
            return False
        return self._clock.now_s() + delay_s > call.acquired.acquired_s + RESOURCE_ID_S

    async def _try(self, call: Call[T], host: str) -> T | Failure | None:
        """Send a call once, when its turn has come; None if it is not to be sent any more."""
        if call.endpoint is Endpoint.ACQUIRE:
            return await self._try_acquire(call, host)
        if call.acquired is not None:
            turn = self._line.wait_for_start(call.acquired.resource_id)
        elif call.endpoint is Endpoint.QUERY:
            turn = self._line.wait_for_query()
        else:
            turn = self._line.wait()
        if not await self._is_to_go(call, turn):
            return None
        return await self._send(call, host)

    async def _is_to_go(self, call: Call[T], waiting: Coroutine[Any, Any, None]) -> bool:
        """Wait; tell whether the call is to be sent still. The halt ends the wait of most."""
        if call.must_go:
            await waiting
            return True
        await self._halt.unless(waiting)
        return not self._halt.ordered

    async def _try_acquire(self, call: Call[T], host: str) -> T | Failure | None:
        pair = await self._halt.unless(self._line.wait_for_acquire(call.timeout_s))
        if pair is None:
            return None
        resource_id = None
        try:
            if self._halt.ordered:
                return None
            answer = await self._send(call, host)
            resource_id = answer.resource_id if isinstance(answer, Acquired) else None
        finally:
            self._line.acquired(pair, resource_id)
        return answer

    async def _send(self, call: Call[T], host: str) -> T | Failure:
        asked_s, began_s = self._clock.now_s(), self._clock.monotonic_s()
        reply = await self._wire.send(self._request(call, host))
        if isinstance(reply, Unanswered):
            answer: T | Failure = self._unanswered(call, host, reply)
        else:
            self._hosts.answered(host)
            answer = self._understood(call, reply, Arrival(host, reply.request_id, asked_s))
        if isinstance(answer, Failure) and answer.row.meaning is Meaning.THROTTLED:
            await self._line.slow_down()
        self._note(call, answer, self._clock.monotonic_s() - began_s)
        return answer

    def _request(self, call: Call[T], host: str) -> Request:
        self._project.check_host(host)
        headers = [
            ("Authorization", self._project.authorization()),
            ("User-Agent", f"reconciler/{reconciler.__version__}"),
        ]
        if call.body is not None:
            headers.append(("Content-Type", JSON_TYPE))
        return Request(
            method="GET" if call.body is None else "POST",
            url=host + call.path,
            headers=tuple(headers),
            body=None if call.body is None else json.dumps(call.body).encode(),
            timeout_s=call.timeout_s,
        )

    def _unanswered(self, call: Call[T], host: str, silence: Unanswered) -> Failure:
        if silence.silence is Silence.NOT_SENT:
            self._hosts.not_reached(host, self._clock.monotonic_s())
        row = row_for(call.endpoint, silence.silence, None, "")
        return Failure(
            endpoint=call.endpoint,
            meaning=row.meaning,
            running=row.running,
            row=row,
            host=host,
            status=silence.silence,
            reason=silence.why,
        )

    def _understood(self, call: Call[T], reply: Reply, arrival: Arrival) -> T | Failure:
        tree = trees.parsed(reply.body)
        tree = None if tree is None else unwrapped(tree)
        if reply.status == _OK and tree is not None and tree.get("code") in _NO_CODE:
            answer = call.read(tree, arrival)
            if answer is not None:
                return answer
        return self._failure(call, reply, arrival, tree or {})

    def _failure(self, call: Call[T], reply: Reply, arrival: Arrival, tree: Tree) -> Failure:
        code = trees.whole(tree, "code") or None
        message = _message(tree)
        row = row_for(call.endpoint, reply.status, code, message)
        sent = (*self._project.secrets(), *texts_in((call.body or {}).get("clientRequest")))
        return Failure(
            endpoint=call.endpoint,
            meaning=row.meaning,
            running=row.running,
            row=row,
            host=arrival.host,
            status=reply.status,
            code=code,
            reason=scrubbed(message, sent),
            sid=trees.text(tree, "sid") or None,
            request_id=without(reply.request_id or "", sent) or None,
            retry_after_s=reply.retry_after_s,
        )

    def _note(self, call: Call[T], answer: T | Failure, took_s: float) -> None:
        """Log a try: a constant sentence, and fields that hold no secret."""
        failure = answer if isinstance(answer, Failure) else None
        fields = {
            "app": self._project.name,
            "endpoint": str(call.endpoint),
            "took_s": round(took_s, 3),
            "status": str(failure.status) if failure else _OK,
            "code": failure.code if failure else None,
            "meaning": str(failure.row.meaning) if failure else "success",
            "request_id": failure.request_id if failure else None,
        }
        log.debug("a call to the service ended", extra=fields)


_WITHDRAWN = Row(
    endpoints=frozenset(Endpoint),
    status=Silence.NOT_SENT,
    code=None,
    meaning=Meaning.WITHDRAWN,
    running=Running.SAME,
    repeat=Repeat(Again.NEVER),
    then=Next.TRY_LATER,
    sentence="The request was not sent: before its turn came, nothing more was to be sent.",
)


def _withdrawn(call: Call[T], host: str) -> Failure:
    return Failure(
        endpoint=call.endpoint,
        meaning=_WITHDRAWN.meaning,
        running=_WITHDRAWN.running,
        row=_WITHDRAWN,
        host=host,
        status=Silence.NOT_SENT,
    )


def _message(tree: Tree) -> str:
    """Return what the service says: in one of three places, by who speaks (agora-api.md 1.6)."""
    inner = trees.branch(tree, "serverResponse", "payload")
    return trees.text(tree, "message", "reason") or trees.text(inner, "message") or ""
