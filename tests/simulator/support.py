"""Callers of a simulator: without HTTP on a clock of their own, and over HTTP on virtual time."""

import asyncio
import base64
import functools
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec

import httpx
import looptime

from reconciler.simulator.answers import Answer
from reconciler.simulator.app import Application, Post
from reconciler.simulator.client import InProcess
from reconciler.simulator.gateway import Gateway, Request
from reconciler.simulator.orders import carry_out
from reconciler.simulator.service import Pending
from reconciler.simulator.session import Session
from reconciler.simulator.settings import DEFAULT_APP_ID, Settings, Tuning
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.timeline import advance

NOW_S = 1_780_000_000.0
APP = DEFAULT_APP_ID
BASE = f"/v1/apps/{APP}/cloud_recording"
AUTHORIZATION = "Basic " + base64.b64encode(b"simulator:simulator").decode()
CNAME, UID = "lobby", "527841"
LISTENED_TO = "http://127.0.0.1:9/hook"

STORAGE = {"vendor": 2, "region": 3, "bucket": "b", "accessKey": "a", "secretKey": "s"}
PAGE = {
    "url": "https://example.com/page",
    "audioProfile": 0,
    "videoWidth": 1280,
    "videoHeight": 720,
    "maxRecordingHour": 2,
}
WEB_SERVICE = {"serviceName": "web_recorder_service", "serviceParam": PAGE}
RTMP_SERVICE = {
    "serviceName": "rtmp_publish_service",
    "serviceParam": {"outputs": [{"rtmpUrl": "rtmp://example.com/live"}]},
}
HLS, MP4 = {"avFileType": ["hls"]}, {"avFileType": ["hls", "mp4"]}

P = ParamSpec("P")


def mix(files: Any = None, **recording: Any) -> dict[str, Any]:
    """Return the clientRequest of a composite recording."""
    blocks = {"recordingConfig": recording, "recordingFileConfig": files or HLS}
    return {**blocks, "storageConfig": STORAGE}


def individual(**recording: Any) -> dict[str, Any]:
    """Return the clientRequest of an individual recording."""
    return mix(subscribeUidGroup=0, **recording)


def web(*more: Any, files: Any = None, **page: Any) -> dict[str, Any]:
    """Return the clientRequest of a web page recording."""
    recorder = {**WEB_SERVICE, "serviceParam": {**PAGE, **page}}
    services = {"extensionServices": [recorder, *more]}
    blocks = {"extensionServiceConfig": services, "recordingFileConfig": files or HLS}
    return {**blocks, "storageConfig": STORAGE}


REQUESTS = {"mix": mix(), "individual": individual(), "web": web()}


@dataclass
class Caller:
    """Calls a gateway, at moments of its own."""

    settings: Settings = field(default_factory=lambda: Settings(tuning=Tuning(qps=1_000_000)))
    faults: Sequence[Any] = ()
    now_s: float = NOW_S

    def __post_init__(self) -> None:
        self.gateway = Gateway(self.settings, self.now_s, list(self.faults))

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        advance(self.gateway.world, self.now_s)

    def send(self, method: str, path: str, raw: bytes = b"", **headers: str | None) -> Answer:
        """Make a call as it is; an answer that comes later is waited for."""
        given = {"authorization": AUTHORIZATION, "content_type": "application/json", **headers}
        request = Request(method, path, given["authorization"], given["content_type"], raw)
        ticket = self.gateway.admit(request, self.now_s, self.now_s)
        outcome = self.gateway.process(ticket, self.now_s)
        if isinstance(outcome, Pending):
            self.wait(outcome.at_s - self.now_s)
            outcome = self.gateway.finish(outcome, self.now_s)
        self.gateway.settle(ticket, outcome)
        return outcome

    def post(self, path: str, body: Any) -> Answer:
        return self.send("POST", path, json.dumps(body).encode())

    def acquire(self, cname: str = CNAME, uid: str = UID, **request: Any) -> Answer:
        return self.post(f"{BASE}/acquire", frame(request, cname, uid))

    def resource(self, cname: str = CNAME, uid: str = UID, **request: Any) -> str:
        answer = self.acquire(cname, uid, **request)
        assert answer.status == 200, answer
        return str(body_of(answer)["resourceId"])

    def start(self, resource_id: str, mode: str, request: Any, **frames: str) -> Answer:
        path = f"{BASE}/resourceid/{resource_id}/mode/{mode}/start"
        return self.post(path, frame(request, **frames))

    def running(self, mode: str = "mix", request: Any = None, **frames: Any) -> "Running":
        """Acquire and start, and insist that it works."""
        acquired = frames.pop("acquire", {"scene": 1 if mode == "web" else 0})
        resource_id = self.resource(**frames, **acquired)
        answer = self.start(resource_id, mode, request or REQUESTS[mode], **frames)
        assert answer.status == 200, answer
        sid = body_of(answer)["sid"]
        return Running(self, resource_id, sid, mode, frames or {"cname": CNAME, "uid": UID})

    def tune(self, **changes: Any) -> None:
        self.gateway.world.tuning = replace(self.gateway.world.tuning, **changes)

    @property
    def events(self) -> list[int]:
        """Return the types of all notifications so far."""
        return [letter.notice.event_type for letter in self.gateway.world.outbox.letters]

    def details(self, event: int) -> list[Any]:
        """Return the details of all notifications of a type."""
        letters = self.gateway.world.outbox.letters
        return [letter.notice.details for letter in letters if letter.notice.event_type == event]


@dataclass
class Running:
    """A started session, seen by its caller."""

    caller: Caller
    resource_id: str
    sid: str
    mode: str
    frames: dict[str, str]

    def path(self, call: str) -> str:
        return f"{BASE}/resourceid/{self.resource_id}/sid/{self.sid}/mode/{self.mode}/{call}"

    def query(self) -> Answer:
        return self.caller.send("GET", self.path("query"))

    def update(self, **request: Any) -> Answer:
        return self.caller.post(self.path("update"), frame(request, **self.frames))

    def layout(self, **request: Any) -> Answer:
        return self.caller.post(self.path("updateLayout"), frame(request, **self.frames))

    def stop(self, **request: Any) -> Answer:
        return self.caller.post(self.path("stop"), frame(request, **self.frames))

    def order(self, name: str, **body: Any) -> None:
        carry_out(self.caller.gateway.world, self.session, name, body)
        self.caller.wait(0)

    @property
    def session(self) -> Session:
        return self.caller.gateway.world.sessions[self.sid]

    @property
    def config(self) -> Any:
        return self.session.config

    @property
    def response(self) -> Any:
        """Return the serverResponse of a query that works."""
        answer = self.query()
        assert answer.status == 200, answer
        return body_of(answer)["serverResponse"]


def frame(request: Any, cname: str = CNAME, uid: str = UID) -> dict[str, Any]:
    """Return the body of a call."""
    return {"cname": cname, "uid": uid, "clientRequest": request}


def body_of(answer: Answer) -> Any:
    """Return an answer's body, to look into."""
    return answer.body


def codes(answer: Answer) -> tuple[int, int]:
    """Return an answer's status and the service's code."""
    return answer.status, answer.code


def virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a loop whose time passes only where everybody waits."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def loop_s() -> float:
    """Return the running loop's time as Unix time."""
    return NOW_S + asyncio.get_running_loop().time()


@dataclass
class Mounted:
    """A simulator in this process, and a client for it."""

    simulator: Simulator
    application: Application
    http: httpx.AsyncClient

    async def order(self, path: str, body: Any = None) -> Any:
        """Give an order to the control interface, and insist that it works."""
        answer = await self.http.post(f"/_sim{path}", json=body if body is not None else {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def look(self, path: str) -> Any:
        answer = await self.http.get(f"/_sim{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def running(self, mode: str = "mix", request: Any = None) -> str:
        """Acquire and start; return the path of further calls."""
        acquired = await self.http.post(
            f"{BASE}/acquire", json=frame({"scene": 1 if mode == "web" else 0})
        )
        resource = f"{BASE}/resourceid/{acquired.json()['resourceId']}"
        body = frame(request or REQUESTS[mode])
        started = await self.http.post(f"{resource}/mode/{mode}/start", json=body)
        return f"{resource}/sid/{started.json()['sid']}/mode/{mode}"


@asynccontextmanager
async def mounted(
    settings: Settings | None = None, *, post: Post | None = None, **more: Any
) -> AsyncIterator[Mounted]:
    """Mount a simulator in this process; with `post`, it delivers notifications."""
    settings = settings or Settings(tuning=Tuning(qps=1_000_000))
    simulator = Simulator(settings, loop_s, **more)
    application = Application(simulator)
    client = httpx.AsyncClient(
        transport=InProcess(application), base_url="http://simulator", auth=("simulator",) * 2
    )
    async with client:
        if post is None:
            yield Mounted(simulator, application, client)
            return
        async with application.delivering(post):
            yield Mounted(simulator, application, client)
