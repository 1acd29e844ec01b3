"""A way to the simulator that costs little, knows what went over it, and can be cut.

It speaks ASGI to the simulator as `InProcess` does, without an HTTP client in between; what a call
looks like on the wire is the client's own.
"""

import asyncio
import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any
from urllib.parse import urlsplit

from reconciler.agora.messages import Reply, Request, Silence, Unanswered
from reconciler.clock import Clock
from reconciler.simulator.app import Application, DroppedConnectionError

START_WITHIN_S = 2.0
ADDRESS = "192.0.2.7"

Message = dict[str, Any]


def _nothing(endpoint: str) -> None:
    """Let a call pass."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call, as it left."""

    at_s: float
    app_id: str
    endpoint: str
    resource_id: str
    sid: str
    body: Any
    host: str = ""


class Departures:
    """What left for the service, and what of it breaks the rules of design/reconcile.md."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.rates: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.queried_s: dict[str, float] = {}
        """When each session was last queried, by its `sid`."""

        self.watch: Callable[[Call], None] = lambda _: None
        self._lately: dict[str, deque[float]] = defaultdict(deque)
        self._acquired_s: dict[str, float] = {}
        self._changing: dict[str, Call] = {}

    def forget_open(self) -> None:
        """Take note that who called is dead: another follows, and knows nothing of its calls."""
        self._acquired_s.clear()
        self._changing.clear()

    def note(self, request: Request, now_s: float) -> Call:
        """Take note of a call that leaves."""
        call = read_call(request, now_s)
        self.counts[call.endpoint] += 1
        self._check_rate(call)
        if call.endpoint == "start":
            began_s = self._acquired_s.pop(call.resource_id, now_s)
            if now_s - began_s > START_WITHIN_S:
                self.problems.append(f"a start came {now_s - began_s:.1f} s after its acquire")
        elif call.endpoint == "query":
            self.queried_s[call.sid] = now_s
        elif call.endpoint in {"update", "updateLayout"}:
            self._check_change(call)
        self.watch(call)
        return call

    def done(self, call: Call) -> None:
        """Take note that a call is over."""
        if self._changing.get(call.sid) is call:
            del self._changing[call.sid]

    def answered(self, call: Call, reply: Reply, now_s: float) -> None:
        """Take note of an answer."""
        if reply.status == 429:
            self.problems.append(f"429 to {call.endpoint} at {now_s:.1f}")
        self.refused[reply.status] += 1
        if call.endpoint == "acquire" and reply.status == 200:
            self._acquired_s[json.loads(reply.body)["resourceId"]] = now_s

    def _check_rate(self, call: Call) -> None:
        lately = self._lately[call.app_id]
        lately.append(call.at_s)
        while lately[0] <= call.at_s - 1.0:
            lately.popleft()
        rate = self.rates.get(call.app_id, 10)
        if len(lately) > rate:
            self.problems.append(f"{len(lately)} calls in a second at {call.at_s:.1f}")

    def _check_change(self, call: Call) -> None:
        if call.sid in self._changing:
            self.problems.append(f"two changes of {call.sid} at once at {call.at_s:.1f}")
        self._changing[call.sid] = call
        told = call.body["clientRequest"]
        if call.endpoint == "updateLayout" and "mixedVideoLayout" not in told:
            self.problems.append(f"a layout without its kind at {call.at_s:.1f}")


@dataclass
class Direct:
    """Carries requests to a simulator in this process.

    `down` is how calls stay unanswered while nobody is reached. `passing` is called before each
    call leaves and after its answer came. An answer takes up to `latency_s`.
    """

    application: Application
    clock: Clock
    rng: Random = field(default_factory=lambda: Random(0))
    latency_s: float = 0.0
    down: Silence | None = None
    passing: Callable[[str], None] = _nothing
    left: Departures = field(default_factory=Departures)

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once; what has left goes on whatever becomes of who sent it."""
        endpoint = request.url.rpartition("/")[2]
        self.passing(endpoint)
        if self.down is not None:
            return await self._unanswered(request, self.down)
        call = self.left.note(request, self.clock.monotonic_s())
        # A context of its own: the service is not part of the program that calls it.
        work = answer_of(self.application, request)
        task = asyncio.get_running_loop().create_task(work, context=Context())
        try:
            async with asyncio.timeout(request.timeout_s):
                answer = await asyncio.shield(task)
                await asyncio.sleep(self.rng.uniform(0.0, self.latency_s))
        except TimeoutError:
            return Unanswered(Silence.NO_ANSWER, "it did not answer in time")
        finally:
            self.left.done(call)
        self.passing(endpoint)
        if isinstance(answer, Reply):
            self.left.answered(call, answer, self.clock.monotonic_s())
        return answer

    async def _unanswered(self, request: Request, silence: Silence) -> Unanswered:
        if silence is Silence.NO_ANSWER:
            await asyncio.sleep(request.timeout_s)
        return Unanswered(silence, "the network is down")


async def answer_of(application: Application, request: Request) -> Reply | Unanswered:
    """Return what the service answers to a request, in its time."""
    heard: list[Message] = []
    said = {"type": "http.request", "body": request.body or b"", "more_body": False}

    async def receive() -> Message:
        return said

    async def send(message: Any) -> None:
        heard.append(message)

    try:
        await application(_scope(request), receive, send)
    except DroppedConnectionError:
        return Unanswered(Silence.NO_ANSWER, "the connection broke before its answer came")
    headers = dict(heard[0]["headers"])
    return Reply(
        status=heard[0]["status"],
        body=b"".join(each.get("body", b"") for each in heard[1:]),
        request_id=headers[b"x-request-id"].decode(),
    )


def _scope(request: Request) -> Message:
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers]
    return {
        "type": "http",
        "method": request.method,
        "path": urlsplit(request.url).path,
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": (ADDRESS, 0),
    }


def read_call(request: Request, now_s: float) -> Call:
    """Return what a request asks for."""
    url = urlsplit(request.url)
    parts = url.path.split("/")
    after = dict(pairwise(parts))
    return Call(
        at_s=now_s,
        app_id=after.get("apps", ""),
        endpoint=parts[-1],
        resource_id=after.get("resourceid", ""),
        sid=after.get("sid", ""),
        body=json.loads(request.body) if request.body else None,
        host=url.netloc,
    )
