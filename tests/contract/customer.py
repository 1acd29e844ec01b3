"""A customer of the service: plain HTTP requests, and how their answers are read."""

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.contract.bodies import SCENES, Body
from tests.contract.target import TARGET, Target

SYNCHRONOUS_STOP_S = 30.0  # agora-api.md 4.4: give it so long
CONFIRMED_WITHIN_S = 90  # 7.2
STEP_S = 5
PACE_S = 0.2  # between calls of the real service, which takes 10 a second (1.4)
UIDS_FROM = 1_000_000_000
RUNNING = (4, 5)  # 7.1
IDS = ("cname", "uid", "resourceId", "sid")

# Uids that no other run of the suite is likely to take.
_uids = itertools.count(UIDS_FROM + secrets.randbelow(UIDS_FROM))


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who records: the channel, and the user that the recorder is there."""

    cname: str
    uid: str

    def in_body(self, client_request: object) -> Body:
        """Return the frame that all POST requests have (1.5)."""
        return {"cname": self.cname, "uid": self.uid, "clientRequest": client_request}


@dataclass(frozen=True, slots=True)
class Task:
    """The handle of what start began."""

    recorder: Recorder
    mode: str
    resource_id: str
    sid: str

    def path(self, call: str) -> str:
        """Return the path of a call about this task, below the App's."""
        return f"resourceid/{self.resource_id}/sid/{self.sid}/mode/{self.mode}/{call}"


class Customer:
    """Makes calls, and remembers what it started until all of it is stopped."""

    def __init__(self, http: httpx.Client, target: Target, wait: Callable[[float], None]) -> None:
        self.http = http
        self.target = target
        self.wait = wait
        self.started: list[Task] = []
        self._base = f"/v1/apps/{target.app_id}/cloud_recording"

    def recorder(self, cname: str | None = None) -> Recorder:
        """Return one that records nothing yet; by default in a channel where somebody sends."""
        return Recorder(self.target.channel if cname is None else cname, str(next(_uids)))

    def get(self, path: str) -> httpx.Response:
        """Ask for something below the App's path."""
        return self.http.get(f"{self._base}/{path}")

    def post(self, path: str, body: object) -> httpx.Response:
        """Send something below the App's path."""
        return self.http.post(f"{self._base}/{path}", json=body)

    def acquire(self, recorder: Recorder, **client_request: object) -> httpx.Response:
        return self.post("acquire", recorder.in_body(client_request))

    def resource(self, recorder: Recorder, **client_request: object) -> str:
        """Return a resource ID that start has not used yet."""
        found: str = granted(self.acquire(recorder, **client_request))["resourceId"]
        return found

    def start(
        self, resource_id: str, mode: str, recorder: Recorder, client_request: Body
    ) -> httpx.Response:
        path = f"resourceid/{resource_id}/mode/{mode}/start"
        answer = self.post(path, recorder.in_body(client_request))
        if answer.status_code == httpx.codes.OK:
            self.started.append(Task(recorder, mode, resource_id, answer.json()["sid"]))
        return answer

    def try_to_start(self, mode: str, client_request: Body, **acquire: object) -> httpx.Response:
        """Acquire, and start with what may be wrong."""
        recorder = self.recorder()
        resource_id = self.resource(recorder, **{"scene": SCENES[mode], **acquire})
        return self.start(resource_id, mode, recorder, client_request)

    def record(
        self, mode: str, client_request: Body, recorder: Recorder | None = None, **acquire: object
    ) -> Task:
        """Start a task that is sound."""
        recorder = recorder or self.recorder()
        resource_id = self.resource(recorder, **{"scene": SCENES[mode], **acquire})
        granted(self.start(resource_id, mode, recorder, client_request))
        return self.started[-1]

    def running(
        self, mode: str, client_request: Body, recorder: Recorder | None = None, **acquire: object
    ) -> Task:
        """Start a task and wait until it records."""
        task = self.record(mode, client_request, recorder, **acquire)
        self.state_once(task, lambda state: state["status"] in RUNNING)
        return task

    def query(self, task: Task) -> httpx.Response:
        return self.get(task.path("query"))

    def state(self, task: Task) -> Body:
        """Return the `serverResponse` of query."""
        found: Body = granted(self.query(task))["serverResponse"]
        return found

    def state_once(
        self, task: Task, holds: Callable[[Body], bool], within_s: int = CONFIRMED_WITHIN_S
    ) -> Body:
        """Query until something holds."""
        for _ in range(within_s // STEP_S):
            state = self.state(task)
            if holds(state):
                return state
            self.wait(STEP_S)
        raise AssertionError(f"after {within_s} s the state is still {state}")

    def update(self, task: Task, client_request: object) -> httpx.Response:
        return self.post(task.path("update"), task.recorder.in_body(client_request))

    def update_layout(self, task: Task, client_request: object) -> httpx.Response:
        return self.post(task.path("updateLayout"), task.recorder.in_body(client_request))

    def stop(self, task: Task, **client_request: object) -> httpx.Response:
        return self.post(task.path("stop"), task.recorder.in_body(client_request))

    def stop_all(self) -> None:
        """Stop what still runs, so that nothing goes on costing."""
        for task in self.started:
            self.stop(task, async_stop=True)
        self.started.clear()


def client(url: str) -> httpx.Client:
    """Return a client with the customer's credentials; it knows no proxy and follows nothing."""
    return httpx.Client(
        base_url=url,
        auth=(TARGET.customer_id, TARGET.customer_secret),
        timeout=SYNCHRONOUS_STOP_S,
        trust_env=False,
        event_hooks={"request": [_keep_pace]} if TARGET.url else None,
    )


def _keep_pace(_: httpx.Request) -> None:
    time.sleep(PACE_S)


def granted(answer: httpx.Response) -> Body:
    """Return the body of an answer that must be a success (1.6)."""
    assert answer.status_code == httpx.codes.OK, answer.text
    body: Body = answer.json()
    assert not body.get("code"), body
    return body


def refusal(answer: httpx.Response) -> tuple[int, int]:
    """Return the HTTP status and the service's code of an answer that must be a refusal (1.6)."""
    assert answer.status_code != httpx.codes.OK, answer.text
    body = answer.json()
    assert isinstance(body.get("reason", ""), str), body
    return answer.status_code, body.get("code", 0)


def gateway(answer: httpx.Response) -> tuple[int, str]:
    """Return the HTTP status and the message of an answer that the gateway must have given."""
    body = answer.json()
    assert set(body) == {"message"}, body
    return answer.status_code, body["message"]


def ids(task: Task) -> dict[str, str]:
    """Return what every success about this task names."""
    values = (task.recorder.cname, task.recorder.uid, task.resource_id, task.sid)
    return dict(zip(IDS, values, strict=True))


def named(body: Body) -> dict[str, Any]:
    """Return what a success names of its task."""
    return {key: body.get(key) for key in IDS}
