"""Channels with an App Certificate need a token (agora-api.md 3.1, 3.11, 7.4 and 10)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.bodies import MIX, WEB
from tests.contract.control import CALLS_PER_SECOND, TIME_SCALE, Control, simulator
from tests.contract.customer import Customer, Recorder, client, refusal
from tests.contract.target import TARGET
from tests.contract.tokens import Grant

pytestmark = pytest.mark.simulator_only("needs to know the App Certificate")

CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b"
NOT_FOUND = (404, 404)
HOUR_S = 3600


@pytest.fixture(scope="module")
def protected() -> Iterator[Customer]:
    """A customer of a service whose App has a certificate."""
    options = ("--certificate", CERTIFICATE, "--time-scale", TIME_SCALE)
    with simulator(*options, "--qps", CALLS_PER_SECOND) as url, client(url) as http:
        yield Customer(http, TARGET, Control(http).advance)


def grant(customer: Customer, recorder: Recorder, **other: object) -> Grant:
    """Return a grant for this recorder, or something else."""
    values: dict[str, Any] = {
        "app_id": TARGET.app_id,
        "certificate": CERTIFICATE,
        "channel": recorder.cname,
        "uid": recorder.uid,
        "issued_s": int(Control(customer.http).now()),
        "seconds": HOUR_S,
    }
    return Grant(**{**values, **other})


def comes_up(customer: Customer, recorder: Recorder, token: str | None) -> bool:
    """Start with a token, which is always accepted, and tell whether that came to record."""
    body = MIX | ({} if token is None else {"token": token})
    task = customer.record("mix", body, recorder)
    customer.wait(30)
    answer = customer.query(task)
    if answer.status_code == 200:
        return answer.json()["serverResponse"]["status"] in {4, 5}
    assert refusal(answer) == NOT_FOUND
    return False


def test_tokens_are_made_as_the_official_builders_make_them() -> None:
    known = Grant(  # vector T1
        app_id="970CA35de60c44645bbae8a215061b33",
        certificate="5CFd2fd1755d40ecb72977518be15d3b",
        channel="7d72365eb983485397e3e3f9d460bdda",
        uid="2882341273",
        issued_s=1_111_111,
        seconds=600,
    )
    assert known.token() == (
        "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxND"
        "cwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCai"
        "Tj"
    )


def test_a_token_for_this_recorder_lets_it_in(protected: Customer) -> None:
    recorder = protected.recorder()
    assert comes_up(protected, recorder, grant(protected, recorder).token())


def test_a_token_without_uid_lets_every_recorder_in(protected: Customer) -> None:
    recorder = protected.recorder()
    assert comes_up(protected, recorder, grant(protected, recorder, uid="").token())


@pytest.mark.parametrize(
    "other",
    [
        {"uid": "7"},
        {"channel": "another-channel"},
        {"certificate": "a" * 32},
        {"app_id": "a" * 32},
        {"issued_s": 1_111_111},
    ],
)
def test_a_wrong_token_is_accepted_and_lets_nobody_in(
    protected: Customer, other: dict[str, object]
) -> None:
    recorder = protected.recorder()
    assert not comes_up(protected, recorder, grant(protected, recorder, **other).token())


@pytest.mark.parametrize("token", [None, "", "007", "006abc", "no token"])
def test_what_is_no_token_is_accepted_and_lets_nobody_in(
    protected: Customer, token: str | None
) -> None:
    assert not comes_up(protected, protected.recorder(), token)


def test_a_task_ends_when_its_token_expires(protected: Customer) -> None:
    recorder = protected.recorder()
    token = grant(protected, recorder).token()
    task = protected.running("mix", MIX | {"token": token}, recorder)
    protected.wait(HOUR_S - 120)
    assert protected.query(task).status_code == 200
    protected.wait(180)
    assert refusal(protected.query(task)) == NOT_FOUND


def test_pages_need_no_token(protected: Customer) -> None:
    protected.running("web", WEB)
