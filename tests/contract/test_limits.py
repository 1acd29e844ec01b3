"""How often the service may be called, and how much may run at once (agora-api.md 1.4, 6)."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.bodies import MIX, WEB
from tests.contract.control import CALLS_PER_SECOND, Control, simulator
from tests.contract.customer import Customer, Recorder, client, gateway, granted, refusal
from tests.contract.target import TARGET

pytestmark = pytest.mark.simulator_only("limits are the account's own, and reaching them costs")

CALLS_MAX = 10  # in any second
HALF_A_SECOND = 0.5
CHANNEL_RECORDINGS_MAX = 50
WEB_RECORDINGS_MAX = 200
OVER_RATE = (429, "API rate limit exceeded")
OVERLOAD = (400, 406)


def customer_of(http: httpx.Client) -> Customer:
    return Customer(http, TARGET, Control(http).advance)


@pytest.fixture
def limited() -> Iterator[Customer]:
    """A customer of a service that nobody has called yet, and which counts calls."""
    with simulator() as url, client(url) as http:
        yield customer_of(http)


@pytest.fixture
def empty() -> Iterator[Customer]:
    """A customer of a service in which nothing runs, and which counts recordings only."""
    with simulator("--qps", CALLS_PER_SECOND) as url, client(url) as http:
        yield customer_of(http)


def once_admitted(customer: Customer, path: str, body: object) -> httpx.Response:
    """Repeat a call until the rate allows it."""
    for _ in range(100_000):
        answer = customer.post(path, body)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return answer
    raise AssertionError("the rate limit never ended")


def test_more_than_ten_calls_in_a_second_are_refused(limited: Customer) -> None:
    answers = []
    began = time.monotonic()
    while time.monotonic() - began < HALF_A_SECOND:
        answers.append(limited.acquire(limited.recorder()))
    admitted = [answer for answer in answers if answer.status_code == httpx.codes.OK]
    assert len(admitted) == CALLS_MAX
    assert answers[:CALLS_MAX] == admitted
    assert {gateway(answer) for answer in answers[CALLS_MAX:]} == {OVER_RATE}


def test_a_call_over_the_limit_is_not_processed_and_can_be_repeated(limited: Customer) -> None:
    recorder = limited.recorder()
    path = f"resourceid/{limited.resource(recorder)}/mode/mix/start"
    body = recorder.in_body(MIX)
    while limited.acquire(recorder).status_code == httpx.codes.OK:
        continue
    assert gateway(limited.post(path, body)) == OVER_RATE
    assert granted(once_admitted(limited, path, body))["sid"]


def test_what_runs_at_once_is_limited_by_kind(empty: Customer) -> None:
    for _ in range(CHANNEL_RECORDINGS_MAX):
        empty.record("mix", MIX)
    assert refusal(empty.acquire(empty.recorder())) == OVERLOAD
    for _ in range(WEB_RECORDINGS_MAX):
        empty.record("web", WEB)
    assert refusal(empty.acquire(empty.recorder(), scene=1)) == OVERLOAD


def test_what_has_ended_makes_room(empty: Customer) -> None:
    tasks = [empty.record("mix", MIX) for _ in range(CHANNEL_RECORDINGS_MAX)]
    recorder: Recorder = empty.recorder()
    assert refusal(empty.acquire(recorder)) == OVERLOAD
    empty.stop(tasks[0], async_stop=True)
    empty.wait(60)
    assert granted(empty.acquire(recorder))
