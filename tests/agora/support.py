"""A small service of the tests' own, the network to it, and a clock that takes no time.

`Service` knows resource IDs and sessions, no more; what it shall answer otherwise is told to it
beforehand. `Network` leads from base URLs to services, or nowhere.
"""

import asyncio
import functools
import json
import math
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, ParamSpec

import httpx
import looptime

from reconciler.agora.answers import Acquired, Handle
from reconciler.agora.budget import Limit, MemoryBudget
from reconciler.agora.client import Client
from reconciler.agora.http import Http
from reconciler.agora.project import Project
from reconciler.spec.secrets import SecretValue
from reconciler.spec.wire import Mode

NOW_S = 1_780_000_000.0
APP_ID = "0123456789abcdef0123456789abcdef"
CUSTOMER_ID = "customer-7731"
CUSTOMER_SECRET = "secret-of-customer-7731"
A, B, C = "https://a.example", "https://b.example", "https://c.example"

P = ParamSpec("P")


def virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a loop whose time passes only where everybody waits."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


class LoopClock:
    """The running loop's time, as seconds since the test's start and as a fixed Unix time."""

    def now_s(self) -> float:
        return NOW_S + self.monotonic_s()

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Heard:
    """One request, as the service got it."""

    at_s: float
    host: str
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def endpoint(self) -> str:
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to answer: instead of the effect, or after it; `body` None is the service's own."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    takes_effect: bool = False
    is_lost: bool = False


LOST_BEFORE = Answer(is_lost=True)
LOST_AFTER = Answer(takes_effect=True, is_lost=True)
THROTTLED = Answer(status=429, body={"message": "API rate limit exceeded"})


def refusal(status: int, code: int, reason: str = "") -> Answer:
    return Answer(status=status, body={"code": code, "reason": reason})


@dataclass
class Service:
    """One back end behind all hosts.

    It takes `calls_per_s_max` in any sliding second, counted where calls arrive.
    """

    latency_s: float = 0.0
    calls_per_s_max: int = 10**9
    heard: list[Heard] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)
    script: defaultdict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def will_answer(self, endpoint: str, *answers: Answer) -> None:
        """Say what the next calls of this endpoint get."""
        self.script[endpoint].extend(answers)

    def calls(self, endpoint: str) -> list[Heard]:
        return [heard for heard in self.heard if heard.endpoint == endpoint]

    async def handle(self, heard: Heard) -> httpx.Response:
        self.heard.append(heard)
        if sum(1 for earlier in self.heard if earlier.at_s > heard.at_s - 1) > self.calls_per_s_max:
            self.script[heard.endpoint].appendleft(THROTTLED)
        queue = self.script[heard.endpoint]
        answer = queue.popleft() if queue else Answer(takes_effect=True)
        status, body = self._effect(heard) if answer.takes_effect else (answer.status, answer.body)
        await asyncio.sleep(self.latency_s + answer.delay_s)
        if answer.is_lost:
            raise httpx.ReadError("connection reset")
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        number = {"X-Request-Id": f"request-{len(self.heard)}"}
        headers = {**number, **dict(answer.headers)}
        return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)

    def _effect(self, heard: Heard) -> tuple[int, dict[str, Any]]:
        echo = {key: heard.body.get(key) for key in ("cname", "uid")}
        if heard.endpoint == "acquire":
            return 200, {**echo, "resourceId": f"resource-{len(self.heard)}"}
        if heard.endpoint == "ip":
            return 200, {"data": {"service": {"hosts": [{"primaryIP": "192.0.2.7"}]}}}
        resource_id = heard.path.split("/")[6]
        if heard.endpoint == "start":
            if resource_id in self.sessions:
                sid = self.sessions[resource_id]
                return 201, {"code": 7, "reason": "already started", "sid": sid}
            self.sessions[resource_id] = f"sid-of-{resource_id}"
            return 200, {**echo, "resourceId": resource_id, "sid": self.sessions[resource_id]}
        return 200, {
            **echo,
            "resourceId": resource_id,
            "sid": self.sessions.get(resource_id, "sid-1"),
            "serverResponse": {"status": 5},
        }


class Network(httpx.AsyncBaseTransport):
    """Leads every host to one service, but those that are down."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.down: set[str] = set()
        self.down_from_s: dict[str, float] = {}
        self.tried: list[tuple[float, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = f"{request.url.scheme}://{request.url.netloc.decode()}"
        at_s = asyncio.get_running_loop().time()
        self.tried.append((at_s, host))
        if host in self.down or at_s >= self.down_from_s.get(host, math.inf):
            raise httpx.ConnectError("All connection attempts failed")
        body = await request.aread()
        return await self.service.handle(
            Heard(
                at_s=at_s,
                host=host,
                method=request.method,
                path=request.url.raw_path.decode(),
                headers=dict(request.headers),
                body=json.loads(body) if body else {},
            )
        )


def project(*endpoints: str, calls_per_s: float = 1000) -> Project:
    hosts = endpoints or (A,)
    return Project(
        name="app",
        app_id=SecretValue(APP_ID),
        customer_id=SecretValue(CUSTOMER_ID),
        customer_secret=SecretValue(CUSTOMER_SECRET),
        endpoints=hosts,
        allowed_hosts=frozenset({"a.example", "b.example", "c.example"}),
        limit=Limit(calls_per_s),
    )


@dataclass
class World:
    """A client, the service, and the network between them. Made inside a running loop."""

    endpoints: tuple[str, ...] = (A,)
    calls_per_s: float = 1000
    service: Service = field(default_factory=Service)

    def __post_init__(self) -> None:
        clock = LoopClock()
        self.network = Network(self.service)
        self.client = Client(
            project(*self.endpoints, calls_per_s=self.calls_per_s),
            Http(self.network),
            MemoryBudget(clock),
            clock,
            Random(0),
        )


HANDLE = Handle(
    channel="room", uid="527841", resource_id="resource-1", sid="sid-1", mode=Mode.MIX, host=A
)
ACQUIRED = Acquired(host=A, request_id=None, resource_id="resource-1", acquired_s=NOW_S)
BODY = {"cname": "room", "uid": "527841", "clientRequest": {"recordingConfig": {"channelType": 1}}}


def times_s(heard: list[Heard]) -> list[float]:
    return [call.at_s for call in heard]


async def make_call(client: Client, endpoint: str) -> object:
    """Make the one call of the client that is for this endpoint."""
    calls: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "acquire": lambda: client.acquire(BODY),
        "start": lambda: client.start(ACQUIRED, HANDLE.mode, BODY),
        "query": lambda: client.query(HANDLE),
        "update": lambda: client.update(HANDLE, {"webRecordingConfig": {"onhold": True}}),
        "updateLayout": lambda: client.update_layout(HANDLE, {"mixedVideoLayout": 1}),
        "stop": lambda: client.stop(HANDLE),
        "get-ncs-ip": client.notification_ips,
    }
    return await calls[endpoint]()
