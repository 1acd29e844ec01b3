"""What the client sends, and what it makes of each answer, over its own HTTP."""

import base64
from itertools import pairwise
from typing import Any

import pytest

import reconciler
from reconciler.agora.answers import (
    Acquired,
    NotificationIps,
    Observation,
    Started,
    Stopped,
    Updated,
)
from reconciler.agora.failures import Failure, Meaning
from reconciler.spec.wire import Mode
from tests.agora.support import (
    ACQUIRED,
    APP_ID,
    BODY,
    CUSTOMER_ID,
    CUSTOMER_SECRET,
    HANDLE,
    NOW_S,
    A,
    Answer,
    World,
    make_call,
    refusal,
    virtual_time,
)
from tests.agora.test_error_table import DOCUMENT, STATUSES
from tests.agora.test_parse import example

SESSION = f"/v1/apps/{APP_ID}/cloud_recording/resourceid/resource-1/sid/sid-1/mode/mix"
PATHS = {
    "acquire": ("POST", f"/v1/apps/{APP_ID}/cloud_recording/acquire"),
    "start": ("POST", f"/v1/apps/{APP_ID}/cloud_recording/resourceid/resource-1/mode/mix/start"),
    "query": ("GET", f"{SESSION}/query"),
    "update": ("POST", f"{SESSION}/update"),
    "updateLayout": ("POST", f"{SESSION}/updateLayout"),
    "stop": ("POST", f"{SESSION}/stop"),
    "get-ncs-ip": ("GET", "/v1/ncs/ip"),
}
REQUESTS = {
    "update": {"webRecordingConfig": {"onhold": True}},
    "updateLayout": {"mixedVideoLayout": 1},
    "stop": {"async_stop": True},
}
CASES = [
    (line, endpoint)
    for line in DOCUMENT
    for endpoint in line["endpoints"]
    if isinstance(line["status"], int) or line["status"] in {"any", "5xx"}
]


@pytest.mark.parametrize("endpoint", PATHS)
@virtual_time
async def test_each_call_goes_to_its_documented_path(endpoint: str) -> None:
    world = World()
    assert not isinstance(await make_call(world.client, endpoint), Failure)
    (heard,) = world.service.heard
    assert (heard.method, heard.path) == PATHS[endpoint]


@pytest.mark.parametrize("endpoint", PATHS)
@virtual_time
async def test_each_call_has_the_documented_headers(endpoint: str) -> None:
    world = World()
    await make_call(world.client, endpoint)
    headers = world.service.heard[0].headers
    token = base64.b64encode(f"{CUSTOMER_ID}:{CUSTOMER_SECRET}".encode()).decode()
    is_post = PATHS[endpoint][0] == "POST"
    assert headers["authorization"] == f"Basic {token}"
    assert headers["user-agent"] == f"reconciler/{reconciler.__version__}"
    assert headers.get("content-type") == ("application/json;charset=utf-8" if is_post else None)


@pytest.mark.parametrize("endpoint", REQUESTS)
@virtual_time
async def test_a_call_of_a_session_names_its_channel_and_uid(endpoint: str) -> None:
    world = World()
    await make_call(world.client, endpoint)
    request = REQUESTS[endpoint]
    expected = {"cname": "room", "uid": "527841", "clientRequest": request}
    assert world.service.heard[0].body == expected


@virtual_time
async def test_acquire_and_start_send_the_body_as_it_is() -> None:
    world = World()
    await world.client.acquire(BODY)
    await world.client.start(ACQUIRED, Mode.WEB, BODY)
    assert [heard.body for heard in world.service.heard] == [BODY, BODY]
    assert world.service.heard[1].path.endswith("/mode/web/start")


@virtual_time
async def test_ids_are_opaque_and_cannot_change_the_path() -> None:
    world = World()
    acquired = Acquired(host=A, request_id=None, resource_id="a/../b?c", acquired_s=NOW_S)
    await world.client.start(acquired, Mode.MIX, BODY)
    assert "/resourceid/a%2F..%2Fb%3Fc/mode/mix/start" in world.service.heard[0].path


@virtual_time
async def test_a_synchronous_stop_says_so_and_has_30_s() -> None:
    world = World()
    answer = Answer(takes_effect=True, delay_s=25)
    world.service.will_answer("stop", answer)
    assert isinstance(await world.client.stop(HANDLE, synchronous=True), Stopped)
    assert world.service.heard[0].body["clientRequest"] == {"async_stop": False}


@virtual_time
async def test_every_other_call_is_given_up_after_15_s() -> None:
    world = World()
    slow = Answer(takes_effect=True, delay_s=25)
    world.service.will_answer("query", slow, slow, slow, slow)
    failure = await world.client.query(HANDLE)
    assert isinstance(failure, Failure)
    assert (failure.status, failure.meaning) == ("no answer", Meaning.BUSY)
    assert failure.reason == "it did not answer within 15 s"


@virtual_time
async def test_answers_carry_host_and_request_id() -> None:
    world = World()
    answer = await world.client.acquire(BODY)
    assert answer == Acquired(
        host=A, request_id="request-1", resource_id="resource-1", acquired_s=NOW_S
    )


@virtual_time
async def test_each_call_has_an_answer_of_its_own_type() -> None:
    kinds = [Acquired, Started, Observation, Updated, Updated, Stopped, NotificationIps]
    world = World()
    answers = [await make_call(world.client, endpoint) for endpoint in PATHS]
    assert [type(answer) for answer in answers] == kinds


@virtual_time
async def test_addresses_are_asked_for_at_the_second_path_where_the_first_is_not() -> None:
    world = World()
    gone = Answer(status=404, body={"message": "no Route matched with those values"})
    world.service.will_answer("ip", gone)
    answer = await world.client.notification_ips()
    assert isinstance(answer, NotificationIps)
    assert answer.addresses == ("192.0.2.7",)
    assert [heard.path for heard in world.service.heard] == ["/v1/ncs/ip", "/v2/ncs/ip"]


@pytest.mark.parametrize(
    ("line", "endpoint"), CASES, ids=lambda case: case if isinstance(case, str) else case["status"]
)
@virtual_time
async def test_each_failure_is_repeated_as_its_row_says(
    line: dict[str, Any], endpoint: str
) -> None:
    world = World()
    status = STATUSES.get(line["status"], (line["status"],))[0]
    body = {"message": line["message"]} if line["code"] is None else {"code": line["code"]}
    verb = "ip" if endpoint == "get-ncs-ip" else endpoint
    world.service.will_answer(verb, *[Answer(status=int(status), body=body)] * 8)
    failure = await make_call(world.client, endpoint)
    assert isinstance(failure, Failure)
    assert (failure.row.meaning, failure.row.repeat.again) == (line["meaning"], line["again"])
    heard = world.service.calls(verb)
    waits_s = line["waits_s"][:3] if line["again"] == "same" else []
    if verb == "ip" and status == 404:
        waits_s = [0]  # the second path
    gaps_s = [b.at_s - a.at_s for a, b in pairwise(heard)]
    assert len(gaps_s) == len(waits_s)
    for gap_s, wait_s in zip(gaps_s, waits_s, strict=True):
        assert wait_s <= gap_s <= 1.25 * wait_s + 2.1  # after 429 there is a pause as well


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"code": 2, "resourceId": "r"}),
        (200, {"code": "x", "resourceId": "r"}),
        (200, {"resourceId": ""}),
        (200, {}),
        (200, []),
        (200, b"<html>welcome to this hotel</html>"),
        (200, b"[" * 100_000),
        (200, b"\xff"),
        (201, {"resourceId": "r"}),
        (204, b""),
        (206, {"resourceId": "r"}),
        (302, {"resourceId": "r"}),
    ],
)
@virtual_time
async def test_what_is_not_the_documented_success_is_no_success(status: int, body: Any) -> None:
    world = World()
    world.service.will_answer("acquire", Answer(status=status, body=body))
    assert isinstance(await world.client.acquire(BODY), Failure)


@pytest.mark.parametrize("sid", ["", None, 7])
@virtual_time
async def test_a_start_without_sid_is_no_success(sid: Any) -> None:
    world = World()
    body = {"resourceId": "resource-1", "sid": sid}
    world.service.will_answer("start", *[Answer(body=body)] * 4)
    failure = await world.client.start(ACQUIRED, Mode.MIX, BODY)
    assert isinstance(failure, Failure)
    assert failure.row.meaning is Meaning.UNKNOWN
    assert failure.meaning is Meaning.PERHAPS_STARTED


@virtual_time
async def test_a_redirect_is_not_followed() -> None:
    world = World()
    away = Answer(status=307, body={}, headers=(("Location", "https://evil.example/x"),))
    world.service.will_answer("query", away)
    assert isinstance(await world.client.query(HANDLE), Failure)
    assert [host for _, host in world.network.tried] == [A]


@virtual_time
async def test_a_failure_tells_all_there_is_to_tell() -> None:
    world = World()
    world.service.will_answer("update", refusal(400, 2, "invalid outputs value!"))
    failure = await world.client.update(HANDLE, {})
    assert str(failure) == (
        "The service refuses the request: a value of the spec is wrong. The session goes on "
        "unchanged. (update at https://a.example: HTTP 400, code 2, `invalid outputs value!`, "
        "request request-1)"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"message": "one"}, "one"),
        ({"reason": "two", "code": 404}, "two"),
        ({"code": 404, "serverResponse": {"payload": {"message": "three"}}}, "three"),
        ({"Code": 404, "Body": {"code": 404, "reason": "four"}}, "four"),
        ({"code": 404}, ""),
        ({"code": 404, "reason": "a\n\x1b[31mb"}, "a  [31mb"),
        ({"code": 404, "reason": "x" * 1000}, "x" * 300 + "..."),
    ],
)
@virtual_time
async def test_the_reason_is_found_wherever_the_service_puts_it(body: Any, reason: str) -> None:
    world = World()
    world.service.will_answer("query", Answer(status=404, body=body))
    failure = await world.client.query(HANDLE)
    assert isinstance(failure, Failure)
    assert failure.reason == reason


@virtual_time
async def test_the_request_id_of_a_failure_is_kept() -> None:
    world = World()
    number = "5b0a3f64-6f0e-4d6a-9a53-3f3a5e1f9c11"
    answer = Answer(status=400, body={"code": 2}, headers=(("X-Request-Id", number),))
    world.service.will_answer("query", answer)
    failure = await world.client.query(HANDLE)
    assert isinstance(failure, Failure)
    assert failure.request_id == number


@virtual_time
async def test_the_service_can_ask_for_a_longer_wait() -> None:
    world = World()
    busy = Answer(status=503, body={}, headers=(("Retry-After", "20"),))
    world.service.will_answer("acquire", busy)
    assert isinstance(await world.client.acquire(BODY), Acquired)
    first, second = world.service.heard
    assert 20 <= second.at_s - first.at_s <= 25


@pytest.mark.parametrize(
    ("number", "endpoint", "status", "meaning"),
    [
        ("P11", "acquire", 400, Meaning.REJECTED),
        ("P12", "query", 401, Meaning.CREDENTIALS),
        ("P13", "start", 201, Meaning.STARTED),
        ("P14", "query", 504, Meaning.BUSY),
        ("P15", "update", 404, Meaning.GONE_OR_MOVING),
        ("P16", "stop", 404, Meaning.GONE_OR_MOVING),
        ("P17", "start", 500, Meaning.PERHAPS_STARTED),
        ("P18", "acquire", 400, Meaning.REJECTED),
    ],
)
@virtual_time
async def test_the_document_s_examples_of_failures_are_understood(
    number: str, endpoint: str, status: int, meaning: Meaning
) -> None:
    world = World()
    world.service.will_answer(endpoint, *[Answer(status=status, body=example(number))] * 4)
    failure = await make_call(world.client, endpoint)
    assert isinstance(failure, Failure)
    assert failure.meaning is meaning
