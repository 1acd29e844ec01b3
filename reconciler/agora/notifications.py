"""Notifications of the service (agora-api.md 8): are they genuine, and what do they say. Pure.

The receiver answers them; this module never sees a socket. They can come twice, late, out of order
or never: `Inbox` tells which to use.
"""

import hmac
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from reconciler.agora import trees
from reconciler.agora.events import Event
from reconciler.agora.parse_events import read_event
from reconciler.agora.trees import Tree
from reconciler.spec.secrets import SecretValue

V = TypeVar("V")

CLOUD_RECORDING = 3
"""The `productId` of Cloud Recording; other products' notifications are dropped."""

WINDOW_S = 24 * 60 * 60
"""How long a notification is remembered, so that its resends are known (8.3)."""

REMEMBERED_MAX = 100_000
"""Bounds the memory to some 40 MiB. Resends come within minutes, so the oldest are missed least."""

NUMBER_MAX = 1 << 53
"""No number of the service is larger; what is cannot be kept, nor be made a time."""

TEXT_LENGTH_MAX = 256
"""Longer than any ID or channel of the service: a longer one is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification. `uid` is another one after a failover; `sent_ms` is when it happened.

    `notice_id` stays with resends. A field is None where the notification does not say.
    """

    notice_id: str
    product_id: int
    kind: int
    channel: str | None
    uid: str | None
    sid: str | None
    sequence: int | None
    sent_ms: int | None
    service_type: int | None
    event: Event


def is_genuine(
    body: bytes,
    secret: SecretValue,
    *,
    signature_v2: str | None,
    signature_v1: str | None = None,
    accept_v1: bool = False,
) -> bool:
    """Tell whether the bytes, exactly as they arrived, were signed with this secret (8.2).

    Version 1 counts only where it is accepted and there is no version 2.
    """
    if signature_v2 is None and accept_v1:
        return _is_signature(signature_v1, body, secret, "sha1")
    return _is_signature(signature_v2, body, secret, "sha256")


def _is_signature(given: str | None, body: bytes, secret: SecretValue, digest: str) -> bool:
    made = hmac.digest(secret.reveal().encode(), body, digest).hex().encode()
    return hmac.compare_digest((given or "").encode(errors="replace"), made)


def read_notification(body: bytes) -> Notification | None:
    """Read a notification; None if it is none."""
    tree = trees.parsed(body)
    if tree is None:
        return None
    notice_id = _short(trees.text(tree, "noticeId"))
    product_id, kind = _whole(tree, "productId"), _whole(tree, "eventType")
    if not notice_id or product_id is None or kind is None:
        return None
    payload = trees.branch(tree, "payload")
    details = trees.branch(payload, "details")
    return Notification(
        notice_id=notice_id,
        product_id=product_id,
        kind=kind,
        channel=_short(trees.text(payload, "cname")),
        uid=_short(trees.identity(payload, "uid")),
        sid=_short(trees.text(payload, "sid")),
        sequence=_whole(payload, "sequence"),
        sent_ms=_whole(payload, "sendts"),
        service_type=_whole(payload, "serviceType"),
        event=read_event(kind if product_id == CLOUD_RECORDING else None, details),
    )


def _whole(tree: Tree, key: str) -> int | None:
    number = trees.whole(tree, key)
    return number if number is not None and abs(number) <= NUMBER_MAX else None


def _short(text: str | None) -> str | None:
    return text if text is not None and len(text) <= TEXT_LENGTH_MAX else None


class Arrival(StrEnum):
    """What to do with a notification."""

    NEW = "new"
    """Use it."""

    LATE = "late"
    """New, but a later one of its session was here before: no state follows from it."""

    DUPLICATE = "duplicate"
    """Drop it."""


class Inbox:
    """Knows which notifications were here, for a day and up to a number. Pure: told the time."""

    def __init__(self, remembered_max: int = REMEMBERED_MAX) -> None:
        self._seen = _Memory[bool](remembered_max)
        self._latest_ms = _Memory[int](remembered_max)

    def take(self, notification: Notification, now_s: float) -> Arrival:
        """Take note of a notification that arrives now, and say what to do with it."""
        keys = _keys(notification)
        is_known = any(self._seen.get(key, now_s) for key in keys)
        for key in keys:
            self._seen.put(key, now_s, value=True)
        if is_known:
            return Arrival.DUPLICATE
        return Arrival.LATE if self._is_late(notification, now_s) else Arrival.NEW

    def forget(self, notification: Notification) -> None:
        """Let a notification be new again: nothing came of it, and it will be sent once more."""
        for key in _keys(notification):
            self._seen.drop(key)

    def __len__(self) -> int:
        return len(self._seen) + len(self._latest_ms)

    def _is_late(self, notification: Notification, now_s: float) -> bool:
        sid, sent_ms = notification.sid, notification.sent_ms
        if sid is None or sent_ms is None:
            return False
        latest_ms = self._latest_ms.get(sid, now_s)
        newest_ms = sent_ms if latest_ms is None else max(latest_ms, sent_ms)
        self._latest_ms.put(sid, now_s, newest_ms)
        return sent_ms < newest_ms


def _keys(notification: Notification) -> tuple[Hashable, ...]:
    """Return what makes a notification the same: its ID, and what it is about (8.3)."""
    if notification.sid is None or notification.sequence is None:
        return (notification.notice_id,)
    about = (
        notification.sid,
        notification.uid,
        notification.service_type,
        notification.kind,
        notification.sequence,
    )
    return (notification.notice_id, about)


class _Memory(Generic[V]):
    """Remembers values for `WINDOW_S` since they were last put, and only the newest so many."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._values: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable, now_s: float) -> V | None:
        since_s, value = self._values.get(key, (now_s, None))
        return value if now_s - since_s <= WINDOW_S else None

    def drop(self, key: Hashable) -> None:
        self._values.pop(key, None)

    def put(self, key: Hashable, now_s: float, value: V) -> None:
        self._values.pop(key, None)
        self._values[key] = (now_s, value)
        while len(self._values) > self._size_max or self._oldest_s() < now_s - WINDOW_S:
            self._values.popitem(last=False)

    def _oldest_s(self) -> float:
        return next(iter(self._values.values()))[0]
