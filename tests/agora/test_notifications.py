"""Signatures, and which of the notifications that arrive are used."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agora.events import RecorderStarted, UnknownEvent
from reconciler.agora.notifications import (
    WINDOW_S,
    Arrival,
    Inbox,
    Notification,
    is_genuine,
    read_notification,
)
from reconciler.spec.secrets import SecretValue

SECRET = SecretValue("secret")
BODY = (
    b'{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f",'
    b'"notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}'
)
V1 = "033c62f40f687675f17f0f41f91a40c71c0f134c"
V2 = "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99"
SHORTER = BODY.replace(b'"eventMs":1560408533119,', b"")
SHORTER_V1 = "5a3bb6a6d9fad2ea9ae3fb707a14c9d7f3136df1"
SHORTER_V2 = "de96da5acf03b0021ac3b4fa2225e7ae6f3533a30d50bb02c08ea4fa748bda24"


def genuine(body: bytes, v2: str | None, v1: str | None = None, *, accept_v1: bool = False) -> bool:
    return is_genuine(body, SECRET, signature_v2=v2, signature_v1=v1, accept_v1=accept_v1)


def test_the_vectors_of_the_document_are_genuine() -> None:
    assert (len(BODY), len(SHORTER)) == (155, 131)
    assert genuine(BODY, V2)
    assert genuine(SHORTER, SHORTER_V2)
    assert genuine(BODY, None, V1, accept_v1=True)
    assert genuine(SHORTER, None, SHORTER_V1, accept_v1=True)


@pytest.mark.parametrize(
    "body",
    [
        BODY + b"\n",
        b" " + BODY,
        SHORTER,
        BODY.replace(b":", b": "),
        BODY.replace(b'"b":2', b'"b":3'),
        b"",
        json.dumps(json.loads(BODY), sort_keys=True).encode(),
    ],
)
def test_other_bytes_than_those_that_were_signed_are_not_genuine(body: bytes) -> None:
    assert not genuine(body, V2)
    assert not genuine(body, None, V1, accept_v1=True)


@pytest.mark.parametrize("v2", ["", None, V2.upper(), V2[:-1], V2 + "0", f" {V2}", V1, "ü" * 64])
def test_another_signature_is_not_genuine(v2: str | None) -> None:
    assert not genuine(BODY, v2)


def test_another_secret_is_not_genuine() -> None:
    assert not is_genuine(BODY, SecretValue("secreT"), signature_v2=V2)


@pytest.mark.parametrize(
    ("v2", "v1", "accept_v1", "expected"),
    [
        (None, V1, False, False),
        (None, V1, True, True),
        ("0" * 64, V1, True, False),
        (V2, "0" * 40, True, True),
        (None, None, True, False),
        (None, V2, True, False),
    ],
)
def test_version_1_counts_only_where_it_is_accepted_and_stands_alone(
    v2: str | None, v1: str | None, *, accept_v1: bool, expected: bool
) -> None:
    assert genuine(BODY, v2, v1, accept_v1=accept_v1) is expected


def test_a_notification_is_read_with_all_its_fields() -> None:
    payload = {
        "cname": "room",
        "uid": 527841,
        "sid": "s-1",
        "sequence": 3,
        "sendts": 1560408533119,
        "serviceType": 1,
        "details": {"msgName": "recorder_started", "status": 0, "new": []},
    }
    tree = {"noticeId": "n-1", "productId": 3, "eventType": 40, "notifyMs": 1, "payload": payload}
    assert read_notification(json.dumps({**tree, "more": {}}).encode()) == Notification(
        notice_id="n-1",
        product_id=3,
        kind=40,
        channel="room",
        uid="527841",
        sid="s-1",
        sequence=3,
        sent_ms=1560408533119,
        service_type=1,
        event=RecorderStarted(0),
    )


def test_another_product_s_notification_is_told_apart_and_not_understood() -> None:
    notification = read_notification(BODY.replace(b'"eventType":10', b'"eventType":11'))
    assert notification is not None
    assert notification.product_id == 1
    assert isinstance(notification.event, UnknownEvent)


@pytest.mark.parametrize(
    "tree",
    [
        [],
        {},
        {"noticeId": "n", "productId": 3},
        {"noticeId": "", "productId": 3, "eventType": 1},
        {"noticeId": 7, "productId": 3, "eventType": 1},
        {"noticeId": "n", "productId": None, "eventType": 1},
        {"noticeId": "n", "productId": 3, "eventType": "one"},
    ],
)
def test_what_is_no_notification_is_nothing(tree: Any) -> None:
    assert read_notification(json.dumps(tree).encode()) is None


@pytest.mark.parametrize("payload", [None, [], 7, {}, {"details": None}, {"details": "x"}])
def test_a_notification_may_say_nothing(payload: Any) -> None:
    tree = {"noticeId": "n", "productId": 3, "eventType": 11, "payload": payload}
    notification = read_notification(json.dumps(tree).encode())
    assert notification is not None
    assert (notification.sid, notification.sequence, notification.sent_ms) == (None, None, None)


FIRST = Notification(
    notice_id="n-1",
    product_id=3,
    kind=40,
    channel="room",
    uid="1",
    sid="s-1",
    sequence=0,
    sent_ms=1000,
    service_type=1,
    event=RecorderStarted(0),
)


def test_a_resend_is_a_duplicate_whatever_else_changed() -> None:
    inbox = Inbox()
    assert inbox.take(FIRST, 0) is Arrival.NEW
    assert inbox.take(replace(FIRST, sequence=9, sent_ms=5000), 60) is Arrival.DUPLICATE


def test_the_same_event_under_another_notice_is_a_duplicate() -> None:
    inbox = Inbox()
    inbox.take(FIRST, 0)
    assert inbox.take(replace(FIRST, notice_id="n-2"), 1) is Arrival.DUPLICATE


@pytest.mark.parametrize(
    "change", [{"sid": "s-2"}, {"uid": "2"}, {"service_type": 2}, {"kind": 41}, {"sequence": 1}]
)
def test_an_event_that_differs_in_what_it_is_about_is_new(change: dict[str, Any]) -> None:
    inbox = Inbox()
    inbox.take(FIRST, 0)
    assert inbox.take(replace(FIRST, notice_id="n-2", **change), 1) is Arrival.NEW


@pytest.mark.parametrize("missing", [{"sid": None}, {"sequence": None}])
def test_without_session_or_sequence_only_the_notice_tells(missing: dict[str, Any]) -> None:
    inbox = Inbox()
    bare = replace(FIRST, **missing)
    assert inbox.take(bare, 0) is Arrival.NEW
    assert inbox.take(replace(bare, notice_id="n-2"), 0) is Arrival.NEW
    assert inbox.take(bare, 0) is Arrival.DUPLICATE


def test_order_is_by_the_time_of_the_event_for_each_session() -> None:
    inbox = Inbox()

    def take(number: int, sent_ms: int | None, sid: str | None = "s-1") -> Arrival:
        return inbox.take(
            replace(FIRST, notice_id=f"n-{number}", sequence=number, sent_ms=sent_ms, sid=sid), 0
        )

    assert take(1, 2000) is Arrival.NEW
    assert take(2, 1000) is Arrival.LATE
    assert take(3, 2000) is Arrival.NEW
    assert take(4, 1500, "s-2") is Arrival.NEW
    assert take(5, 3000) is Arrival.NEW
    assert take(6, 2500) is Arrival.LATE
    assert take(7, None) is Arrival.NEW
    assert take(8, 1, None) is Arrival.NEW


def test_after_a_failover_the_new_uid_belongs_to_the_same_session_s_order() -> None:
    inbox = Inbox()
    inbox.take(FIRST, 0)
    older = replace(FIRST, notice_id="n-2", uid="99", sent_ms=500)
    assert inbox.take(older, 1) is Arrival.LATE


def test_a_notification_is_forgotten_after_a_day() -> None:
    inbox = Inbox()
    inbox.take(FIRST, 0)
    assert inbox.take(FIRST, WINDOW_S) is Arrival.DUPLICATE
    assert inbox.take(FIRST, 2 * WINDOW_S + 1) is Arrival.NEW
    assert len(inbox) == 3


def test_the_memory_is_bounded_and_the_oldest_goes_first() -> None:
    inbox = Inbox(remembered_max=100)
    for number in range(1000):
        inbox.take(replace(FIRST, notice_id=f"n-{number}", sequence=number, sid=f"s-{number}"), 0)
        assert len(inbox) <= 200
    last = replace(FIRST, notice_id="n-999", sequence=999, sid="s-999")
    assert inbox.take(last, 0) is Arrival.DUPLICATE
    assert inbox.take(FIRST, 0) is Arrival.NEW


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=60), st.randoms())
def test_however_they_arrive_each_is_used_once_and_the_newest_last(
    sent: list[tuple[int, int]], rng: Any
) -> None:
    first = {number: sent_ms for sent_ms, number in sent}
    arriving = [
        replace(FIRST, notice_id=f"n-{number}", sequence=number, sent_ms=sent_ms)
        for number, sent_ms in first.items()
    ] * 3
    rng.shuffle(arriving)
    inbox = Inbox()
    taken = [(inbox.take(notification, 0), notification) for notification in arriving]
    used = [notification for arrival, notification in taken if arrival is not Arrival.DUPLICATE]
    new = [notification.sent_ms for arrival, notification in taken if arrival is Arrival.NEW]
    assert len(used) == len(first)
    assert new == sorted(new, key=lambda sent_ms: sent_ms or 0)
    assert new[-1:] == ([max(first.values())] if first else [])
