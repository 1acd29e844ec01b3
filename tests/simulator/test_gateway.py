"""What stands before the service: routes, credentials, rates, sizes, JSON."""

import json
from typing import Any

import pytest

from reconciler.simulator.limits import SlidingSecond
from reconciler.simulator.settings import Settings, Tuning
from tests.simulator.support import (
    APP,
    AUTHORIZATION,
    BASE,
    CNAME,
    UID,
    Caller,
    body_of,
    codes,
    frame,
    mix,
)

ACQUIRE = f"{BASE}/acquire"
RAW = json.dumps(frame({})).encode()
NO_ROUTE = {"message": "no Route matched with those values"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ACQUIRE),
        ("PUT", ACQUIRE),
        ("POST", f"{ACQUIRE}/"),
        ("POST", ACQUIRE.upper()),
        ("POST", f"/v1/apps/{APP}/acquire"),
        ("POST", f"{BASE}/resourceid/r/mode/mix/query"),
        ("POST", f"{BASE}/resourceid/r/sid/s/mode/mix/start"),
        ("POST", f"{BASE}/resourceid/r/sid/s/mode/mix/query"),
        ("GET", f"{BASE}/resourceid/r/sid/s/mode/mix/stop"),
        ("POST", f"{BASE}/resourceid/r/sid/s/mode/mix/updatelayout"),
        ("POST", "/v1/ncs/ip"),
        ("GET", "/v3/ncs/ip"),
        ("GET", "/"),
        ("GET", ""),
    ],
)
def test_no_route_is_404_of_the_gateway(method: str, path: str) -> None:
    answer = Caller().send(method, path, RAW)
    assert (answer.status, answer.body) == (404, NO_ROUTE)


def test_a_call_without_credentials_is_unauthorized() -> None:
    answer = Caller().send("POST", ACQUIRE, RAW, authorization=None)
    assert (answer.status, answer.body) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        AUTHORIZATION.replace(" ", "  "),
        AUTHORIZATION.replace("Basic", "basic"),
        AUTHORIZATION.removeprefix("Basic "),
        AUTHORIZATION[:-1],
        "Basic c2ltdWxhdG9yOndyb25n",
        "Basic \xff\u2603",
    ],
)
def test_wrong_or_misspelt_credentials_are_invalid(authorization: str) -> None:
    answer = Caller().send("POST", ACQUIRE, RAW, authorization=authorization)
    assert answer.status == 401
    assert answer.body == {"message": "Invalid authentication credentials"}


def test_an_unknown_app_is_told_so_by_the_gateway() -> None:
    answer = Caller().send("POST", ACQUIRE.replace(APP, "0" * 32), RAW)
    assert (answer.status, answer.body) == (400, {"message": "appid is invalid"})


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json;charset=utf-8", 200),
        ("application/json; charset=UTF-8", 200),
        (None, 400),
        ("", 400),
        ("text/plain", 400),
        ("application/json;charset=latin-1", 400),
        ("application /json", 400),
    ],
)
def test_the_content_type_must_be_json(content_type: str | None, status: int) -> None:
    answer = Caller().send("POST", ACQUIRE, RAW, content_type=content_type)
    assert codes(answer) == (status, 0 if status == 200 else 8)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 50 + b"]" * 50,
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_gets_code_8(raw: bytes) -> None:
    assert codes(Caller().send("POST", ACQUIRE, raw)) == (400, 8)


def test_one_call_too_many_in_any_second_is_429_and_not_processed() -> None:
    caller = Caller(Settings(tuning=Tuning(qps=10)))
    statuses = []
    for _ in range(10):
        statuses.append(caller.acquire().status)
        caller.wait(0.05)
    refused = caller.acquire()
    assert statuses == [200] * 10
    assert (refused.status, refused.body) == (429, {"message": "API rate limit exceeded"})
    caller.wait(0.499)
    assert caller.acquire().status == 429
    caller.wait(0.002)
    assert caller.acquire().status == 200
    assert caller.acquire().status == 429


def test_a_second_is_over_after_a_second() -> None:
    second = SlidingSecond()
    assert [second.admit(at_s, 2) for at_s in (0.0, 0.5, 0.9, 1.0, 1.1, 1.5)] == [
        *(True, True, False),
        *(True, False, True),
    ]


def test_a_refused_call_has_no_effect_and_does_not_count() -> None:
    caller = Caller(Settings(tuning=Tuning(qps=2)))
    running = caller.running()
    assert [running.stop().status for _ in range(5)] == [429] * 5
    caller.wait(3)
    assert running.response["status"] == 5


def test_each_app_has_its_own_rate() -> None:
    other = "f" * 32
    caller = Caller(Settings(app_ids=(APP, other), tuning=Tuning(qps=1)))
    assert caller.acquire().status == 200
    assert caller.send("POST", ACQUIRE.replace(APP, other), RAW).status == 200
    assert caller.acquire().status == 429


def test_wrong_credentials_do_not_use_up_the_rate() -> None:
    caller = Caller(Settings(tuning=Tuning(qps=1)))
    for _ in range(3):
        assert caller.send("POST", ACQUIRE, RAW, authorization="Basic x").status == 401
    assert caller.acquire().status == 200


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_addresses_of_notifications_are_told(version: str) -> None:
    answer = Caller().send("GET", f"/{version}/ncs/ip")
    assert answer.body == {"data": {"service": {"hosts": [{"primaryIP": "127.0.0.1"}]}}}


def test_the_log_tells_of_every_call_and_of_no_secret() -> None:
    caller = Caller()
    running = caller.running(request=mix() | {"token": "token-of-mine"})
    running.query()
    caller.send("POST", "/elsewhere", RAW, authorization="Basic bWluZTptaW5l")
    log: list[Any] = [call.shown() for call in caller.gateway.log.since(0, 10)]
    assert [(call["endpoint"], call["status"]) for call in log] == [
        ("acquire", 200),
        ("start", 200),
        ("query", 200),
        (None, 404),
    ]
    assert [call["number"] for call in log] == [1, 2, 3, 4]
    assert (log[1]["cname"], log[1]["uid"], log[1]["sid"]) == (CNAME, UID, running.sid)
    assert (log[2]["cname"], log[2]["uid"], log[2]["sid"]) == (CNAME, UID, running.sid)
    assert log[3]["path"] == "/elsewhere"
    assert len({call["requestId"] for call in log}) == 4
    assert not [word for word in ("token-of", "Basic", "bWluZ", "secret") if word in str(log)]


def test_the_log_forgets_the_oldest_and_cuts_what_is_long() -> None:
    caller = Caller(Settings(tuning=Tuning(qps=1_000_000)))
    for _ in range(10_001):
        caller.send("GET", "/" + "x" * 5_000)
    log = caller.gateway.log.since(0, 20_000)
    assert (len(log), log[0].number) == (10_000, 2)
    assert len(log[0].path) == 1_024


def test_ids_and_chance_come_from_the_seed_alone() -> None:
    first, again, other = (
        body_of(Caller(Settings(seed=seed)).acquire())["resourceId"] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
