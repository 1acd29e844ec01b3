"""A `run` as a process that the service notifies over HTTP, genuinely or not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.simulator.notices import Event, signatures
from tests.crash.support import Simulated
from tests.daemon.nursery import Nursery
from tests.daemon.processes import NOTIFY_SECRET, Ground, Run, eventually, free_port, serviced

RESTARTED_S = 1.5
"""An exit is acted on within a second (docs/guide/daemon.md), a start takes two calls and a poll
of this test."""

TAKEN = 'reconciler_notifications_total{{kind="{kind}",result="{result}"}}'
HERE = "/notifications/default"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def notifying(tmp_path: Path, port: int) -> Iterator[Simulated]:
    """A simulator that notifies whoever listens on the port."""
    url = f"http://127.0.0.1:{port}{HERE}"
    with serviced(tmp_path, "--notify", url, "--notify-secret", NOTIFY_SECRET) as service:
        yield service


def letters(service: Simulated, kind: Event) -> list[Any]:
    """Return the notices of a kind, and what became of them."""
    notices = httpx.get(f"{service.url}/_sim/notices", trust_env=False).json()["notices"]
    return [each for each in notices if each["eventType"] == kind]


def count(run: Run, kind: Event, result: str) -> float:
    return run.metric(TAKEN.format(kind=kind, result=result), or_none=True)


def exit_of(session: Any, notice_id: str) -> bytes:
    """Return the notification of a session's exit."""
    payload = {
        "cname": session["cname"],
        "uid": session["uid"],
        "sid": session["sid"],
        "sequence": 90,
        "sendts": int(session["startedAt"] * 1000) + 1,
        "serviceType": 0,
        "details": {"msgName": "session_exit", "exitStatus": 0},
    }
    notice = {"noticeId": notice_id, "productId": 3, "eventType": 11, "notifyMs": 1}
    return json.dumps({**notice, "payload": payload}).encode()


def status(run: Run, body: bytes, headers: dict[str, str] | None = None, to: str = HERE) -> int:
    """Return the HTTP status that a notification is answered with; None: signed well."""
    given = signatures(NOTIFY_SECRET, body) if headers is None else headers
    return run.post(to, body, **given).status_code


def test_an_exit_is_acted_on_at_once_and_its_resend_is_dropped(
    tmp_path: Path, notifying: Simulated, nursery: Nursery, port: int
) -> None:
    ground = Ground(tmp_path / "ground", notifying, nursery)
    ground.want("lobby")
    with ground.running("--listen", f"127.0.0.1:{port}", "--interval", "1h") as run:
        eventually(lambda: count(run, Event.RECORDER_STARTED, "taken"))

        notifying.order("lobby", "fail", cause="upload")
        (told,) = eventually(lambda: letters(notifying, Event.SESSION_EXIT))
        eventually(lambda: ground.records("lobby"))
        first, second = notifying.sessions()
        assert second["startedAt"] - told["at"] <= RESTARTED_S
        assert second["uid"] != first["uid"]
        eventually(lambda: count(run, Event.SESSION_EXIT, "taken"))
        events = run.get("/api/v1/events?recording=lobby").json()
        assert [each["reason"] for each in events].count("started") == 2

        again = httpx.post(f"{notifying.url}/_sim/notices", json={"resend": told["noticeId"]})
        assert again.status_code == 200
        eventually(lambda: letters(notifying, Event.SESSION_EXIT)[0]["delivered"] == 2)
        assert count(run, Event.SESSION_EXIT, "duplicate") == 1
        assert all(each["tries"] == each["delivered"] for each in letters(notifying, Event.ERROR))
        assert run.end() == 0
    ground.check("lobby")
    assert len(notifying.sessions()) == 2


def test_what_is_not_genuine_or_no_notification_changes_nothing(ground: Ground) -> None:
    ground.want("lobby")
    with ground.running("--interval", "1h") as run:
        eventually(run.is_ready)
        (session,) = ground.service.live()
        body = exit_of(session, "made-here")
        wrong = signatures("another-secret", body)
        first = signatures(NOTIFY_SECRET, body)["Agora-Signature"]
        assert status(run, body, {}) == 401
        assert status(run, body, wrong) == 401
        assert status(run, body + b" ", signatures(NOTIFY_SECRET, body)) == 401
        assert status(run, body, {"Agora-Signature": first}) == 401, "version 1 does not count"
        assert status(run, b'{"noticeId": 7}') == 400
        assert status(run, b"no JSON") == 400
        assert status(run, b" " * (1 << 20) + b" ") == 413
        assert status(run, body, to="/notifications/another") == 404
        other = json.dumps({**json.loads(body), "productId": 1}).encode()
        assert status(run, other) == 200
        assert run.metric(TAKEN.format(kind="other", result="refused")) == 6
        assert [each["sid"] for each in ground.service.sessions()] == [session["sid"]]

        assert status(run, body) == 200
        eventually(lambda: len(ground.service.sessions()) == 2)
        assert status(run, body) == 200
        assert count(run, Event.SESSION_EXIT, "taken") == 1
        assert count(run, Event.SESSION_EXIT, "duplicate") == 1
        assert run.end() == 0
    with ground.running("--interval", "1h") as run:
        eventually(run.is_ready)
        assert status(run, body) == 200
        assert count(run, Event.SESSION_EXIT, "duplicate") == 1, "it is remembered in state"
        assert run.end() == 0
    assert len(ground.service.sessions()) == 2
