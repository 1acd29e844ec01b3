"""Who gets which answer (docs/guide/http.md), over real sockets."""

import hmac
import json
import logging
from collections.abc import Iterator

import pytest

from reconciler.daemon.gate import is_loopback
from reconciler.daemon.http import EVENTS_MAX
from reconciler.errors import StateError
from tests.daemon.desks import POLICY, Front, SmallDesk, notification, opened, request

TOKEN = "made-up-token"
READ = ("/healthz", "/readyz", "/metrics", "/", "/api/v1/status", "/api/v1/plan", "/api/v1/events")
READS = frozenset({"GET", "HEAD"})
WRITTEN = ("/notifications/main", "/-/sync")


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with opened() as made:
        yield made


def test_everything_that_can_be_read_is_answered_on_this_machine(front: Front) -> None:
    found = front.answers(SmallDesk(), None, *(request("GET", path) for path in READ))
    assert [each.status for each in found] == [200] * len(READ)
    types = dict(zip(READ, (each.header("content-type") for each in found), strict=True))
    assert types.pop("/metrics") == "text/plain; version=0.0.4; charset=utf-8"
    assert types.pop("/") == "text/html; charset=utf-8"
    assert set(types.values()) == {"application/json"}
    bodies = dict(zip(READ, (each.body for each in found), strict=True))
    assert (bodies["/metrics"], bodies["/"]) == (b"a_metric 1\n", b"<p>well</p>")
    assert json.loads(bodies["/healthz"]) == {"status": "ok"}
    assert json.loads(bodies["/api/v1/status"]) == {"recordings": []}


def test_head_is_answered_as_get_is_but_for_the_body(front: Front) -> None:
    got, headed = (
        front.answers(SmallDesk(), None, *(request(method, path) for path in READ))
        for method in ("GET", "HEAD")
    )
    for one, other in zip(got, headed, strict=True):
        assert (other.status, other.body) == (one.status, b"")
        assert other.header("content-length") == str(len(one.body))


def test_a_wrong_method_is_refused_with_the_right_ones(front: Front) -> None:
    every = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    right = dict.fromkeys(READ, READS) | dict.fromkeys(WRITTEN, frozenset({"POST"}))
    wrong = [(way, path) for path in right for way in every if way not in right[path]]
    found = front.answers(SmallDesk(), None, *(request(*each) for each in wrong))
    assert {
        each: answer.status for each, answer in zip(wrong, found, strict=True)
    } == dict.fromkeys(wrong, 405)
    told = [set((each.header("allow") or "").split(", ")) for each in found]
    assert told == [right[path] for _, path in wrong]


ELSEWHERE = ("/nowhere", "/notifications", "//")
NOWHERE = (
    "/metrics/",
    "//metrics",
    "/METRICS",
    "/metrics;a=b",
    "/metrics%00",
    "/metrics%2F",
    "/healthz/../metrics",
    "/%2e%2e/metrics",
    "/notifications",
    "/notifications/",
    "/notifications/../metrics",
    "/notifications/main/",
    "/notifications/main%2Fother",
    "/api/v1",
    "/favicon.ico",
    "http://localhost/metrics",
    "http://elsewhere.example/metrics",
    "*",
)


def test_an_address_is_right_or_it_is_nothing(front: Front) -> None:
    found = front.answers(SmallDesk(), None, *(request("GET", target) for target in NOWHERE))
    told = {target: (each.status, each.error) for target, each in zip(NOWHERE, found, strict=True)}
    assert told == dict.fromkeys(NOWHERE, (404, "nothing is at this address"))
    assert {each.header("location") for each in found} == {None}


def test_a_strange_name_of_an_app_is_one_that_takes_no_notifications(front: Front) -> None:
    desk = SmallDesk()
    names = {"%2e%2e": "..", ".": ".", "a%20b": "a b", "%C3%A4": "ä", "%FF": "\ufffd"}
    found = front.answers(desk, None, *(notification(app=written) for written in names))
    assert [each.status for each in found] == [404] * len(names)
    assert desk.asked_for == list(names.values())


def test_a_query_changes_no_route(front: Front) -> None:
    assert (
        front.answer(request("GET", "/healthz?path=/metrics")).body == b'{\n  "status": "ok"\n}\n'
    )


def test_a_token_is_needed_for_all_but_notifications(front: Front) -> None:
    right = f"Authorization: Bearer {TOKEN}"
    expected = dict.fromkeys([*READ, "/-/sync"], 200) | dict.fromkeys(ELSEWHERE, 404)
    sent = [("POST" if path == "/-/sync" else "GET", path) for path in expected]
    with_it = front.answers(SmallDesk(), TOKEN, *(request(*each, right) for each in sent))
    assert [200 if each.status == 202 else each.status for each in with_it] == [*expected.values()]
    for found in front.answers(SmallDesk(), TOKEN, *(request(*each) for each in sent)):
        assert (found.status, found.header("www-authenticate")) == (
            401,
            'Bearer realm="reconciler"',
        )
        assert "RECONCILER_TOKEN" in found.error


def test_notifications_need_a_signature_and_no_token(front: Front) -> None:
    desk = SmallDesk()
    forged = notification().replace(b"noticeId", b"noticeIt")
    right, wrong, neither = front.answers(
        desk, TOKEN, notification(), forged, request("POST", "/notifications/main", body=b"{}")
    )
    assert (right.status, right.body) == (200, b"{}\n")
    assert (wrong.status, neither.status) == (401, 401)
    assert "signature" in wrong.error
    assert len(desk.taken) == 1


WRONG = (
    ("Authorization: Bearer wrong",),
    ("Authorization: Bearer",),
    ("Authorization: Bearer ",),
    (f"Authorization: Basic {TOKEN}",),
    (f"Authorization: {TOKEN}",),
    (f"Authorization: Bearer {TOKEN}x",),
    (f"Authorization: Bearer {TOKEN[:-1]}",),
    (f"Authorization: Bearer {TOKEN.upper()}",),
    (f"Authorization: Bearer {TOKEN}, Bearer {TOKEN}",),
    (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer wrong"),
    (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {TOKEN}"),
    ("Authorization: Bearer wrong", f"Authorization: Bearer {TOKEN}"),
    (f"X-Authorization: Bearer {TOKEN}",),
    ("Authorization: Bearer \u00e4\u00f6",),
)


def test_a_token_that_is_not_quite_right_is_wrong(front: Front) -> None:
    found = front.answers(
        SmallDesk(), TOKEN, *(request("GET", "/metrics", *each) for each in WRONG)
    )
    assert dict(zip(WRONG, (each.status for each in found), strict=True)) == dict.fromkeys(
        WRONG, 401
    )


def test_an_empty_token_opens_nothing(front: Front) -> None:
    found = front.answers(
        SmallDesk(),
        "",
        request("GET", "/metrics"),
        request("GET", "/metrics", "Authorization: Bearer "),
    )
    assert [each.status for each in found] == [401, 401]


def test_the_scheme_of_a_token_is_read_in_any_case_and_the_token_in_utf_8(front: Front) -> None:
    token = "geheim-\u00e4"
    sent = [f"Authorization: {scheme} {token}" for scheme in ("Bearer", "bearer", "BEARER ")]
    found = front.answers(SmallDesk(), token, *(request("GET", "/metrics", each) for each in sent))
    assert [each.status for each in found] == [200, 200, 200]


OURS = (
    "localhost",
    "LocalHost:8710",
    "127.0.0.1:8710",
    "127.9.9.9",
    "[::1]:8710",
)
FOREIGN = (
    "elsewhere.example",
    "localhost.elsewhere.example",
    "127.0.0.1.elsewhere.example",
    "elsewhere.example@localhost",
    "192.0.2.1:8710",
    "[::]",
    "[localhost]:1:2",
    "localhost:80:80",
    "",
)


def test_without_a_token_only_the_names_of_this_machine_are_answered(front: Front) -> None:
    hosts = dict.fromkeys(OURS, (200, 404)) | dict.fromkeys(FOREIGN, (421, 421))
    for place, path in enumerate(("/metrics", "/nowhere")):
        sent = [request("GET", path, f"Host: {host}") for host in hosts]
        found = front.answers(SmallDesk(), None, *sent)
        told = dict(zip(hosts, (each.status for each in found), strict=True))
        assert told == {host: status[place] for host, status in hosts.items()}


def test_behind_a_proxy_notifications_come_in_and_the_rest_needs_a_token(front: Front) -> None:
    host = "Host: recorder.example"
    asked = request("GET", "/metrics", host, f"Authorization: Bearer {TOKEN}")
    sent = notification().replace(b"Host: localhost", host.encode())
    assert [each.status for each in front.answers(SmallDesk(), None, sent, asked)] == [200, 421]
    assert [each.status for each in front.answers(SmallDesk(), TOKEN, sent, asked)] == [200, 200]


ASKING = {
    (): 202,
    ("Origin: http://localhost",): 202,
    ("Sec-Fetch-Site: same-origin", "Origin: http://localhost"): 202,
    ("Sec-Fetch-Site: none",): 202,
    ("Origin: http://elsewhere.example",): 403,
    ("Origin: http://localhost:1",): 403,
    ("Origin: null",): 403,
    ("Origin: http://[",): 403,
    ("Sec-Fetch-Site: cross-site",): 403,
    ("Sec-Fetch-Site: same-site", "Origin: http://localhost"): 403,
    ("Sec-Fetch-Site: same-origin", "Origin: http://elsewhere.example"): 403,
}


@pytest.mark.parametrize("token", [None, TOKEN])
def test_no_web_page_can_make_it_reconcile(front: Front, token: str | None) -> None:
    desk = SmallDesk()
    right = f"Authorization: Bearer {TOKEN}"
    sent = [request("POST", "/-/sync", right, *headers) for headers in ASKING]
    found = front.answers(desk, token, *sent)
    assert dict(zip(ASKING, (each.status for each in found), strict=True)) == ASKING
    assert desk.syncs == sum(status == 202 for status in ASKING.values())


def test_a_sync_that_is_not_allowed_is_none(front: Front) -> None:
    desk = SmallDesk()
    front.answers(desk, TOKEN, request("POST", "/-/sync"), request("GET", "/-/sync"))
    assert desk.syncs == 0


def test_who_is_not_well_says_why(front: Front) -> None:
    desk = SmallDesk(unwell="the specs could not be read")
    for found in front.answers(desk, None, request("GET", "/healthz"), request("GET", "/readyz")):
        assert (found.status, found.error) == (503, "the specs could not be read")


def test_without_state_it_says_so_and_goes_on(front: Front) -> None:
    desk = SmallDesk(problem=StateError("the state is on no disk any more"))
    status, notice, metrics = front.answers(
        desk, None, request("GET", "/api/v1/status"), notification(), request("GET", "/metrics")
    )
    assert (status.status, status.error) == (503, "the state is on no disk any more")
    assert (notice.status, metrics.status) == (503, 200)


def test_a_mistake_of_ours_is_told_to_the_log_alone(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    desk = SmallDesk(problem=ValueError("something private"))
    with caplog.at_level(logging.ERROR, "reconciler"):
        (found,) = front.answers(desk, None, request("GET", "/api/v1/status"))
    assert (found.status, "private" in found.error) == (500, False)
    assert [each.message for each in caplog.records] == ["an HTTP request failed"]


def test_events_are_of_all_or_of_one_recording_and_the_newest(front: Front) -> None:
    happened = [{"recording": name, "message": name * 3} for name in ("a", "b", "a")]
    desk = SmallDesk(happened=happened)
    every, one, none, empty = front.answers(
        desk,
        None,
        request("GET", "/api/v1/events"),
        request("GET", "/api/v1/events?recording=a"),
        request("GET", "/api/v1/events?recording=%3Cnone%3E"),
        request("GET", "/api/v1/events?recording="),
    )
    assert json.loads(every.body) == happened
    assert json.loads(one.body) == [happened[0], happened[2]]
    assert (json.loads(none.body), json.loads(empty.body)) == ([], [])
    desk.happened = [{"recording": str(number)} for number in range(EVENTS_MAX + 5)]
    (many,) = front.answers(desk, None, request("GET", "/api/v1/events"))
    assert json.loads(many.body) == desk.happened[-EVENTS_MAX:]


def test_documents_are_plain_ascii_whatever_is_in_them(front: Front) -> None:
    desk = SmallDesk(happened=[{"recording": "a", "message": "\ud800 \u2028 </script> ä"}])
    (found,) = front.answers(desk, None, request("GET", "/api/v1/events"))
    assert found.body.isascii()
    assert json.loads(found.body) == desk.happened


OF_EVERY_KIND = {
    200: request("GET", "/metrics"),
    202: request("POST", "/-/sync"),
    400: b"no HTTP at all\r\n\r\n",
    401: request("POST", "/notifications/main", body=b"{}"),
    403: request("POST", "/-/sync", "Origin: null"),
    404: request("GET", "/nowhere"),
    405: request("POST", "/metrics"),
    413: request("POST", "/notifications/main", "Content-Length: 9999999"),
    421: request("GET", "/", "Host: elsewhere.example"),
    431: request("GET", "/", f"X: {'x' * 17_000}"),
    503: request("GET", "/readyz"),
}


def test_every_answer_is_safe_in_a_browser_and_does_not_name_its_server(front: Front) -> None:
    found = front.answers(SmallDesk(unwell="not yet"), None, *OF_EVERY_KIND.values())
    assert [each.status for each in found] == list(OF_EVERY_KIND)
    for answer in found:
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("cache-control") == "no-store"
        assert "default-src 'none'" in (answer.header("content-security-policy") or "")
        assert (answer.header("server"), answer.header("x-powered-by")) == (None, None)
        assert answer.header("access-control-allow-origin") is None


def test_the_page_may_have_its_own_style_and_nothing_else_may_be_loaded(front: Front) -> None:
    page, other = front.answers(SmallDesk(), None, request("GET", "/"), request("GET", "/metrics"))
    policy = page.header("content-security-policy")
    assert policy == f"{other.header('content-security-policy')}; {POLICY}"
    assert "frame-ancestors 'none'" in policy


def test_only_this_machine_is_loopback() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"))
    outside = ("192.0.2.1", "::", "recorder.example", "", "127.1")
    assert not any(is_loopback(host) for host in outside)


def hook(body: bytes, *headers: str) -> bytes:
    """Return a push webhook as a Git host sends it."""
    length = f"Content-Length: {len(body)}"
    return request("POST", "/-/sync", length, *headers) + body


def signed(body: bytes, secret: str) -> str:
    return f"X-Hub-Signature-256: sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def test_a_push_webhook_proves_itself_with_the_token(front: Front) -> None:
    body = b'{"ref": "refs/heads/main"}'
    sent = {
        hook(body, signed(body, TOKEN)): 202,
        hook(body, f"X-Gitlab-Token: {TOKEN}"): 202,
        hook(body, signed(body, "another")): 401,
        hook(b"{}", signed(body, TOKEN)): 401,
        hook(body, "X-Hub-Signature-256: sha256="): 401,
        hook(body, "X-Gitlab-Token: another"): 401,
        hook(body, "X-Gitlab-Token:"): 401,
        hook(body): 401,
    }
    desk = SmallDesk()
    found = front.answers(desk, TOKEN, *sent)
    assert [each.status for each in found] == list(sent.values())
    assert desk.syncs == 2


def test_a_webhooks_proof_opens_nothing_else(front: Front) -> None:
    proofs = (signed(b"", TOKEN), f"X-Gitlab-Token: {TOKEN}")
    sent = [request("GET", path, proof) for path in READ for proof in proofs]
    assert {each.status for each in front.answers(SmallDesk(), TOKEN, *sent)} == {401}
