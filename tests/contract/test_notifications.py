"""What the service tells by itself, signed, and again if nobody takes it (agora-api.md 8)."""

import hmac
import json
import queue
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.contract.bodies import INDIVIDUAL, MIX, WEB, WEB_WITH_PUSH, Body
from tests.contract.control import CALLS_PER_SECOND, TIME_SCALE, Control, simulator, user
from tests.contract.customer import Customer, Task, client
from tests.contract.target import TARGET

pytestmark = pytest.mark.simulator_only("the real service notifies a public address only")

SECRET = "of-the-console"
HEARD_WITHIN_S = 10
TRIES = 4  # one, and three resends
CHANNEL = "contract-notices"
# 8.4: event type to serviceType and msgName
KINDS = {
    1: (0, "cloud_recording_error"),
    2: (0, "cloud_recording_warning"),
    3: (0, "cloud_recording_status_update"),
    4: (0, "cloud_recording_file_infos"),
    11: (0, "session_exit"),
    12: (0, "session_failover"),
    30: (2, "uploader_started"),
    31: (2, "uploaded"),
    32: (2, "backuped"),
    33: (2, "uploading_progress"),
    40: (1, "recorder_started"),
    41: (1, "recorder_leave"),
    42: (1, "recorder_slice_start"),
    43: (1, "recorder_audio_stream_state_changed"),
    44: (1, "recorder_video_stream_state_changed"),
    45: (1, "recorder_snapshot_file"),
    70: (6, "web_recorder_started"),
    71: (6, "web_recorder_stopped"),
    72: (6, "web_recorder_capability_limit"),
    73: (6, "web_recorder_reload"),
    100: (6, "rtmp_publish_status"),
}


class Webhook(ThreadingHTTPServer):
    """Takes notifications, or refuses some of them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: queue.SimpleQueue[tuple[dict[str, str], bytes]] = queue.SimpleQueue()
        self.refused_type: int | None = None

    def until(self, task: Task, holds: Callable[[list[Body]], bool]) -> list[Body]:
        """Return a task's notifications, as soon as something holds of them."""
        found: list[Body] = []
        while not holds(found):
            _, body = self.heard.get(timeout=HEARD_WITHIN_S)
            notice = json.loads(body)
            if notice["payload"]["sid"] == task.sid:
                found.append(notice)
        return found

    def one(self, task: Task, event_type: int) -> Any:
        """Return the next notification of a type; the order of the others is not promised."""
        return self.until(task, lambda found: event_type in types(found[-1:]))[-1]


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.put((dict(self.headers), body))
        refused = json.loads(body)["eventType"] == self.server.refused_type
        self.send_response(500 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def ear() -> Iterator[Webhook]:
    with Webhook() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def listener(ear: Webhook) -> Iterator[Customer]:
    """A customer who is notified."""
    address = f"http://127.0.0.1:{ear.server_port}/hook"
    options = ("--notify", address, "--notify-secret", SECRET, "--time-scale", TIME_SCALE)
    with simulator(*options, "--qps", CALLS_PER_SECOND) as url, client(url) as http:
        yield Customer(http, TARGET, Control(http).advance)


@pytest.fixture
def webhook(ear: Webhook, listener: Customer) -> Iterator[Webhook]:
    """Where the customer is notified; it takes everything unless told otherwise."""
    yield ear
    ear.refused_type = None
    listener.stop_all()


def types(notices: list[Body]) -> set[int]:
    return {notice["eventType"] for notice in notices}


def sequences(notices: list[Body]) -> list[int]:
    return sorted(notice["payload"]["sequence"] for notice in notices)


def signature(body: bytes, algorithm: str) -> str:
    return hmac.new(SECRET.encode(), body, algorithm).hexdigest()


def test_every_notification_is_signed_twice_over_its_bytes(
    listener: Customer, webhook: Webhook
) -> None:
    listener.record("mix", MIX)
    headers, body = webhook.heard.get(timeout=HEARD_WITHIN_S)
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["content-type"].startswith("application/json")
    assert lower["agora-signature"] == signature(body, "sha1")
    assert lower["agora-signature-v2"] == signature(body, "sha256")


@pytest.mark.parametrize(
    ("mode", "body", "wanted"),
    [
        ("individual", INDIVIDUAL, {30, 40, 42, 43, 44, 4, 41, 31, 11}),
        ("mix", MIX, {30, 40, 42, 4, 41, 31, 11}),
        ("web", WEB, {70, 71, 31, 11}),
        ("web", WEB_WITH_PUSH, {70, 100, 71, 31, 11}),
    ],
)
def test_a_whole_life_is_told(
    listener: Customer, webhook: Webhook, mode: str, body: Body, wanted: set[int]
) -> None:
    task = listener.running(mode, body)
    listener.wait(30)
    listener.stop(task, async_stop=True)
    notices = webhook.until(task, lambda found: wanted <= types(found))
    for notice in notices:
        payload = notice["payload"]
        kind = (payload["serviceType"], payload["details"]["msgName"])
        assert kind == KINDS[notice["eventType"]]
        assert notice["productId"] == 3
        assert payload["cname"] == task.recorder.cname
        assert payload["uid"] == task.recorder.uid
        assert payload["sendts"] <= notice["notifyMs"]
    assert len({notice["noticeId"] for notice in notices}) == len(notices)


def test_sequences_count_a_tasks_notifications(listener: Customer, webhook: Webhook) -> None:
    task = listener.running("mix", MIX)
    listener.stop(task)
    notices = webhook.until(
        task,
        lambda found: 11 in types(found) and sequences(found) == list(range(len(found))),
    )
    assert len(notices) > 1


def test_what_was_not_taken_is_sent_again_three_times(listener: Customer, webhook: Webhook) -> None:
    webhook.refused_type = 40
    task = listener.running("mix", MIX)
    tries = [webhook.one(task, 40)]
    for _ in range(TRIES - 1):
        listener.wait(600)
        tries.append(webhook.one(task, 40))
    assert len({notice["noticeId"] for notice in tries}) == 1
    assert len({notice["payload"]["sequence"] for notice in tries}) == 1
    assert len({notice["notifyMs"] for notice in tries}) == TRIES
    while Control(listener.http).tries(tries[0]["noticeId"]) < TRIES:
        continue
    listener.wait(3600)
    listener.stop(task)
    assert 40 not in types(webhook.until(task, lambda found: 11 in types(found)))


def test_a_failover_is_told_with_the_new_uid(listener: Customer, webhook: Webhook) -> None:
    task = listener.running("mix", MIX)
    Control(listener.http).order(task, "failover", seconds=10)
    listener.wait(15)
    failover = webhook.one(task, 12)
    assert isinstance(failover["payload"]["details"]["newUid"], int)
    listener.stop(task)
    left = webhook.one(task, 41)
    assert left["payload"]["uid"] == str(failover["payload"]["details"]["newUid"])


def test_leaving_an_empty_channel_is_told_as_such(listener: Customer, webhook: Webhook) -> None:
    control = Control(listener.http)
    control.only(CHANNEL, user(1))
    task = listener.running("mix", MIX, listener.recorder(CHANNEL))
    control.only(CHANNEL)
    control.advance(MIX["recordingConfig"]["maxIdleTime"] + 30)
    assert webhook.one(task, 41)["payload"]["details"]["leaveCode"] & 4


@pytest.mark.parametrize(("hours", "code", "message"), [(0, 0, "ok"), (4, 1, "max_recording_hour")])
def test_the_end_of_a_page_has_a_code(
    listener: Customer, webhook: Webhook, hours: int, code: int, message: str
) -> None:
    task = listener.running("web", WEB)
    listener.wait(hours * 3600)
    if hours == 0:
        listener.stop(task, async_stop=True)
    details = webhook.one(task, 71)["payload"]["details"]
    assert (details["code"], details["message"].strip()) == (code, message)
    assert details["fileList"]


def test_the_files_of_a_recording_are_told_when_they_are_uploaded(
    listener: Customer, webhook: Webhook
) -> None:
    task = listener.running("individual", INDIVIDUAL)
    listener.wait(30)
    listener.stop(task, async_stop=True)
    details = webhook.one(task, 31)["payload"]["details"]
    assert details["status"] == 0
    assert {file["trackType"] for file in details["fileList"]} == {"audio", "video"}
    for file in details["fileList"]:
        assert file["sliceStartTime"] > 100_000_000_000
        assert file["fileName"].startswith(task.sid)
