"""What the gateway answers before the service has seen a call (agora-api.md 1 and 6.1)."""

import base64
import json

import httpx
import pytest

from tests.contract.customer import Customer, Recorder, Task, gateway, granted, refusal

NO_ROUTE = (404, "no Route matched with those values")
WRONG_CREDENTIALS = (401, "Invalid authentication credentials")
NOBODY = Recorder("contract", "527841")
NOTHING = Task(NOBODY, "mix", "a-resource", "38f8e3cfdc474cd56fc1ceba380d7e1a")
CALLS = [
    ("POST", "acquire"),
    ("POST", f"resourceid/{NOTHING.resource_id}/mode/mix/start"),
    ("GET", NOTHING.path("query")),
    ("POST", NOTHING.path("update")),
    ("POST", NOTHING.path("updateLayout")),
    ("POST", NOTHING.path("stop")),
]


def app_path(customer: Customer, path: str, app_id: str | None = None) -> str:
    return f"/v1/apps/{app_id or customer.target.app_id}/cloud_recording/{path}"


def basic(user_and_password: str) -> str:
    return "Basic " + base64.b64encode(user_and_password.encode()).decode()


def as_stranger(customer: Customer, method: str, path: str, **header: str) -> httpx.Response:
    """Call without the customer's credentials."""
    return customer.http.request(method, app_path(customer, path), auth=None, headers=header)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_call_without_credentials_is_unauthorized(
    customer: Customer, method: str, path: str
) -> None:
    assert gateway(as_stranger(customer, method, path)) == (401, "Unauthorized")


@pytest.mark.parametrize(
    "header",
    [
        basic("nobody:nothing"),
        basic("no-colon"),
        "Basic",
        "Basic !!!",
        "Bearer c2ltdWxhdG9yOnNpbXVsYXRvcg==",
        "c2ltdWxhdG9yOnNpbXVsYXRvcg==",
    ],
)
def test_wrong_or_malformed_credentials_are_told_apart_from_missing_ones(
    customer: Customer, header: str
) -> None:
    answer = as_stranger(customer, "POST", "acquire", Authorization=header)
    assert gateway(answer) == WRONG_CREDENTIALS


@pytest.mark.parametrize("wrong", ["{id}:{secret}x", "{id}x:{secret}", "{id}:", ":{secret}"])
def test_both_customer_and_secret_must_be_right(customer: Customer, wrong: str) -> None:
    target = customer.target
    header = basic(wrong.format(id=target.customer_id, secret=target.customer_secret))
    answer = as_stranger(customer, "POST", "acquire", Authorization=header)
    assert gateway(answer) == WRONG_CREDENTIALS


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_an_unknown_app_is_refused(customer: Customer, method: str, path: str) -> None:
    body = None if method == "GET" else NOBODY.in_body({})
    wrong = app_path(customer, path, "f" * 32)
    answer = customer.http.request(method, wrong, json=body)
    assert answer.status_code == 400
    assert answer.json() in (
        {"message": "appid is invalid"},
        {"code": 400, "reason": "invalid_appid"},
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/apps",
        "/v1/ncs",
        "/v3/ncs/ip",
        "/v1/apps/{app}/acquire",
        "/v1/apps/{app}/cloud_recording",
        "/v1/apps/{app}/cloud_recording/acquire/",
        "/v1/apps/{app}/cloud_recording/Acquire",
        "/v1/apps/{app}/Cloud_Recording/acquire",
        "/v2/apps/{app}/cloud_recording/acquire",
        "/v1/apps/{app}/cloud_recording/resourceid/r/mode/mix/begin",
        "/v1/apps/{app}/cloud_recording/resourceid/r/start",
        "/v1/apps/{app}/cloud_recording/resourceid//mode/mix/start",
        "/v1/apps/{app}/cloud_recording/resourceid/r/mode/mix/query",
        "/v1/apps/{app}/cloud_recording/resourceid/r/sid/s/mode/mix/updatelayout",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_the_gateways_404(customer: Customer, method: str, path: str) -> None:
    body = None if method == "GET" else NOBODY.in_body({})
    path = path.format(app=customer.target.app_id)
    assert gateway(customer.http.request(method, path, json=body)) == NO_ROUTE


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_wrong_method_is_the_gateways_404(customer: Customer, method: str, path: str) -> None:
    others = {"GET", "POST", "PUT", "PATCH", "DELETE"} - {method}
    for other in sorted(others):
        answer = customer.http.request(other, app_path(customer, path))
        assert gateway(answer) == NO_ROUTE, other


@pytest.mark.parametrize(
    "text", ["", "{", "cname", '{"cname": }', "{'cname': 'a'}", "\x00", '{"cname":"a"}}']
)
def test_a_body_that_is_no_json_is_refused(customer: Customer, text: str) -> None:
    answer = customer.http.post(
        app_path(customer, "acquire"), content=text, headers={"Content-Type": "application/json"}
    )
    assert refusal(answer) in {(400, 8), (400, 2)}


@pytest.mark.parametrize("body", [[], "text", 1, None, True, [{"cname": "a", "uid": "1"}]])
def test_a_body_that_is_no_object_is_refused(customer: Customer, body: object) -> None:
    assert refusal(customer.post("acquire", body)) in {(400, 8), (400, 2)}


def test_a_body_that_is_no_utf_8_is_refused(customer: Customer) -> None:
    answer = customer.http.post(
        app_path(customer, "acquire"),
        content=b'{"cname":"\xff","uid":"1","clientRequest":{}}',
        headers={"Content-Type": "application/json"},
    )
    assert refusal(answer) in {(400, 8), (400, 2)}


@pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=utf-8"])
def test_json_is_taken_with_and_without_its_encoding(customer: Customer, content_type: str) -> None:
    answer = customer.http.post(
        app_path(customer, "acquire"),
        content=json.dumps(customer.recorder().in_body({})),
        headers={"Content-Type": content_type},
    )
    assert granted(answer)["resourceId"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(customer: Customer, content_type: str) -> None:
    answer = customer.http.post(
        app_path(customer, "acquire"),
        content=json.dumps(customer.recorder().in_body({})),
        headers={"Content-Type": content_type},
    )
    assert refusal(answer) == (400, 8)


def test_every_answer_has_a_request_id_of_its_own(customer: Customer) -> None:
    answers = [
        customer.acquire(customer.recorder()),
        customer.acquire(customer.recorder()),
        customer.query(NOTHING),
        customer.http.get("/nowhere"),
    ]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers)


def test_every_answer_is_json(customer: Customer) -> None:
    for answer in (customer.acquire(customer.recorder()), customer.http.get("/nowhere")):
        assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.simulator_only("1 MiB is the simulator's own limit")
def test_a_body_over_1_mib_is_too_large(customer: Customer) -> None:
    fits = customer.post("acquire", customer.recorder().in_body({"x": "a" * 1_000_000}))
    assert fits.status_code != 413
    too_large = customer.post("acquire", customer.recorder().in_body({"x": "a" * (1 << 20)}))
    assert too_large.status_code == 413
