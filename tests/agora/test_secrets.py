"""No secret shows anywhere but on the wire, whatever goes wrong and whatever the service quotes."""

import asyncio
import base64
import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from reconciler.agora.answers import Acquired
from reconciler.agora.budget import MemoryBudget
from reconciler.agora.client import Client
from reconciler.agora.failures import Failure
from reconciler.agora.http import Http
from reconciler.agora.messages import Request
from reconciler.agora.parse import Arrival, observation
from reconciler.agora.rtc_token import recorder_token
from reconciler.agora.scrub import scrubbed
from reconciler.clock import SystemClock
from reconciler.errors import UsageError
from reconciler.spec.secrets import SecretValue
from reconciler.spec.wire import Mode
from tests.agora.support import (
    ACQUIRED,
    APP_ID,
    CUSTOMER_ID,
    CUSTOMER_SECRET,
    HANDLE,
    LOST_AFTER,
    LOST_BEFORE,
    NOW_S,
    A,
    Answer,
    World,
    project,
    virtual_time,
)
from tests.agora.test_error_table import DOCUMENT
from tests.agora.test_http import HEAD, saying, server

SECRETS = {
    "token": "007eJxTYBBbsMMnKq7p9Hf+HcIX5kce9b518==",
    "accessKey": "AKIAIOSFODNN7EXAMPLE",
    "secretKey": 'wJalr/XUtn"FEMI/K7MDENG+bPx Rfi\\CY€',
    "stsToken": "FwoGZXIvYXdzE/very?long&token=1",
    "secret": "channel-secret-\u00fc\u00f6",
    "rtmpUrl": "rtmp://live.example/app/stream-key-42",
}
REQUEST = {
    "token": SECRETS["token"],
    "storageConfig": {key: SECRETS[key] for key in ("accessKey", "secretKey", "stsToken")},
    "recordingConfig": {"secret": SECRETS["secret"], "channelType": 1},
    "rtmpPublishConfig": {"outputs": [{"rtmpUrl": SECRETS["rtmpUrl"]}]},
}
BODY = {"cname": "room", "uid": "527841", "clientRequest": REQUEST}
BASIC = base64.b64encode(f"{CUSTOMER_ID}:{CUSTOMER_SECRET}".encode()).decode()
VALUES = (*SECRETS.values(), APP_ID, CUSTOMER_ID, CUSTOMER_SECRET, BASIC)


def forms(secret: str) -> Iterator[str]:
    """Yield what somebody might find of a secret."""
    raw = secret.encode()
    yield from (secret, quote(raw, safe=""), quote(raw), quote_plus(raw), json.dumps(secret)[1:-1])
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")


def found_in(*texts: str) -> list[str]:
    return [form for text in texts for secret in VALUES for form in forms(secret) if form in text]


def shown(value: object) -> str:
    return f"{value!r} {value!s}"


def all_logged(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(f"{record.getMessage()} {record.__dict__!r}" for record in caplog.records)


CREDENTIALS = (APP_ID, CUSTOMER_ID, CUSTOMER_SECRET, BASIC)
SENT = {
    "acquire": VALUES,
    "start": VALUES,
    "query": CREDENTIALS,
    "update": VALUES,
    "updateLayout": VALUES,
    "stop": CREDENTIALS,
    "ip": CREDENTIALS,
}


def quoting(endpoint: str) -> str:
    """Quote all that a call sent, in every form."""
    return " | ".join(form for secret in SENT[endpoint] for form in forms(secret))


async def make_all_calls(client: Client) -> list[object]:
    return [
        await client.acquire({**BODY, "clientRequest": {"startParameter": REQUEST}}),
        await client.start(ACQUIRED, Mode.WEB, BODY),
        await client.query(HANDLE),
        await client.update(HANDLE, REQUEST),
        await client.update_layout(HANDLE, REQUEST),
        await client.stop(HANDLE),
        await client.notification_ips(),
    ]


ANSWERS = {(line["status"], line["code"]) for line in DOCUMENT if isinstance(line["status"], int)}


@pytest.mark.parametrize(("status", "code"), sorted(ANSWERS, key=str))
@virtual_time
async def test_no_failure_shows_what_the_service_quotes(
    status: int, code: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    for endpoint in SENT:
        text = quoting(endpoint)
        body = {"code": code, "reason": text} if code else {"message": text}
        answer = Answer(status=status, body=body, headers=(("X-Request-Id", CUSTOMER_SECRET),))
        world.service.will_answer(endpoint, *[answer] * 4)
    failures = await make_all_calls(world.client)
    assert all(isinstance(failure, Failure) for failure in failures)
    assert found_in(*map(shown, failures), all_logged(caplog)) == []
    assert any(record.name == "reconciler.agora.exchange" for record in caplog.records)


@pytest.mark.parametrize(
    "answer",
    [
        LOST_BEFORE,
        LOST_AFTER,
        Answer(status=502, body=quoting("start").encode()),
        Answer(status=200, body={"serverResponse": quoting("start")}),
        Answer(status=404, body={"code": 404, "serverResponse": {"payload": {"message": BASIC}}}),
        Answer(status=302, body={}, headers=(("Location", f"https://x.example/{BASIC}"),)),
        Answer(status=200, body=None, delay_s=100),
    ],
)
@virtual_time
async def test_no_failure_without_a_proper_answer_shows_what_was_sent(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    for endpoint in SENT:
        world.service.will_answer(endpoint, *[answer] * 4)
    answers = await make_all_calls(world.client)
    assert found_in(*map(shown, answers), all_logged(caplog)) == []


@virtual_time
async def test_success_shows_nothing_either(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    answers = await make_all_calls(world.client)
    assert found_in(*map(shown, answers), all_logged(caplog)) == []


def test_what_holds_secrets_does_not_show_them() -> None:
    clock = SystemClock()
    http = Http()
    request = Request(
        method="POST",
        url=f"{A}/{APP_ID}",
        headers=(("Authorization", BASIC),),
        body=json.dumps(BODY).encode(),
        timeout_s=1,
    )
    address = SECRETS["rtmpUrl"]
    push = {"payload": {"outputs": [{"rtmpUrl": address}]}, "serviceName": "rtmp_publish_service"}
    tree = {"serverResponse": {"status": 5, "extensionServiceState": [push]}}
    certificate = SecretValue("a" * 32)
    holders = (
        project(),
        http,
        request,
        Client(project(), http, MemoryBudget(clock), clock, Random(0)),
        observation(tree, Arrival(A, None, NOW_S)),
        recorder_token(APP_ID, certificate, "room", 1, 1),
    )
    asyncio.run(http.close())
    assert found_in(*map(shown, holders)) == []


class Bug(httpx.AsyncBaseTransport):
    """Fails in a way that nobody expected, and quotes what it was given."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"illegal header {request.headers!r} {BASIC}")


@pytest.mark.parametrize(
    "body", [{"clientRequest": {**REQUEST, "x": object()}}, {"clientRequest": {"t": {1, 2}}}]
)
def test_a_body_that_cannot_be_written_is_not_quoted(body: dict[str, Any]) -> None:
    async def acquire() -> object:
        clock = SystemClock()
        async with Http() as http:
            client = Client(project(), http, MemoryBudget(clock), clock, Random(0))
            return await client.acquire(body)

    with pytest.raises(TypeError) as caught:
        asyncio.run(acquire())
    assert found_in("".join(traceback.format_exception(caught.value))) == []


@virtual_time
async def test_what_the_http_library_says_is_not_passed_on() -> None:
    sent = await Http(Bug()).send(Request(method="POST", url=A, headers=(), body=b"", timeout_s=1))
    assert found_in(shown(sent)) == []


@virtual_time
async def test_a_host_that_is_not_allowed_is_refused_without_a_word_of_the_rest() -> None:
    world = World()
    foreign = replace(ACQUIRED, host="https://evil.example")
    with pytest.raises(UsageError) as caught:
        await world.client.start(foreign, Mode.MIX, BODY)
    assert found_in("".join(traceback.format_exception(caught.value))) == []


@pytest.mark.parametrize("value", ["\ud800", "a\nb", "€", ""])
@virtual_time
async def test_credentials_that_no_header_can_carry_are_sent_harmlessly(value: str) -> None:
    world = World()
    secret = SecretValue(f"odd-{value}-secret")
    odd = replace(project(), customer_secret=secret, app_id=secret)
    clock = SystemClock()
    client = Client(odd, Http(world.network), MemoryBudget(clock), clock, Random(0))
    assert isinstance(await client.acquire({**BODY, "clientRequest": {"x": value}}), Acquired)


def test_real_http_logs_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def send() -> None:
        body = b'{"key": "AKIAIOSFODNN7EXAMPLE"}'
        async with server(saying(HEAD + b"\r\n{}")) as url, Http() as http:
            headers = (("Authorization", BASIC),)
            address = f"{url}/{APP_ID}"
            await http.send(
                Request(method="POST", url=address, headers=headers, body=body, timeout_s=0.2)
            )

    asyncio.run(send())
    assert found_in(all_logged(caplog)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("invalid key AKIAIOSFODNN7EXAMPLE!", "invalid key ***!"),
        ("invalid resourceExpiredHour value!", "invalid resourceExpiredHour value!"),
        ("mode hls is no mode", "mode hls is no mode"),
        ("cannot reach rtmp://live.example/app/k?", "cannot reach ***"),
        ("bad token 007eJxTYBBbsMM", "bad token ***"),
        ("uid 8810546176 of hls+mp4 for #FF0000", "uid 8810546176 of hls+mp4 for #FF0000"),
        ("a\tb\x00c\u202ed", "a b c d"),
    ],
)
def test_reasons_keep_all_but_what_was_sent(text: str, expected: str) -> None:
    assert scrubbed(text, ["AKIAIOSFODNN7EXAMPLE", "hls", ""]) == expected


def test_of_secrets_within_each_other_nothing_is_left() -> None:
    assert scrubbed("abcdefgh", ["abcd", "abcdefgh"]) == "***"
