"""Every wrong answer that the documents know, as a table (agora-api.md, chapter 6).

It is made from the documents, not from the client's own table. What would contradict what the
service did is not in it: that a session certainly did not start, of one that did; that it is
ending, of one that goes on (`hooks.py` has what depends on that). A 404 with code 404 comes from
a failover or an end alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NOT, DONE, EITHER = (False,), (True,), (False, True)
"""Whether a call that is answered so was processed nevertheless."""

HTML = "<html><body><h1>STATUS</h1></body></html>"
CUT = '{"resourceId": "JyvK8nXHuV1BE64GDkAaBGEscvtHW7v8BrQoRPCHxmeVxwY22-x-kv4GdPcjZeMzoCBUC'
EMPTY = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One row: what calls of `endpoint` (`*`: of any) are answered, and when that may be.

    `text` is the reason of an answer with a code and the message of one without. With `body` the
    answer is that text, whatever it is.
    """

    endpoint: str
    status: int
    code: int | None
    text: str
    processed: tuple[bool, ...] = NOT
    body: str | None = None


_ANY = (  # 6.1, and what something on the way may say
    Wrong("*", 400, None, "appid is invalid"),
    Wrong("*", 401, None, "Unauthorized"),
    Wrong("*", 401, None, "Invalid authentication credentials"),
    Wrong("*", 404, None, "no Route matched with those values"),
    Wrong("*", 429, None, "API rate limit exceeded"),
    Wrong("*", 500, None, "An unexpected error occurred", EITHER),
    Wrong("*", 403, None, "a page", NOT, HTML),
    Wrong("*", 502, None, "a page", EITHER, HTML),
    Wrong("*", 503, None, "nothing", NOT, EMPTY),
    Wrong("*", 200, None, "cut off", EITHER, CUT),
    Wrong("*", 400, 9999, "a code that nobody knows"),
    Wrong("*", 206, 9999, "a code that nobody knows", EITHER),
    Wrong("*", 400, 8, "the body is no JSON"),
)

_ACQUIRE = (  # 6.2: it leaves nothing behind, processed or not
    Wrong("acquire", 400, 2, "Acquire: invalid resourceExpiredHour value!"),
    Wrong("acquire", 400, 400, "invalid_appid"),
    Wrong("acquire", 400, 401, "invalid_channel_name"),
    Wrong("acquire", 400, 405, "no_active_status"),
    Wrong("acquire", 400, 406, "vendor_over_load"),
    Wrong("acquire", 500, 500, "internal_error"),
    Wrong("acquire", 500, 501, "no_worker_manager_available"),
    Wrong("acquire", 500, 504, "allocate_timeout", EITHER),
    Wrong("acquire", 400, 62, "service not enabled"),
    Wrong("acquire", 400, 1013, "illegal channel name"),
)

_START = (  # 6.3: 201 with 7 and 400 with 53 come by themselves, where they are true
    Wrong("start", 206, 65, "request not completed", EITHER),
    Wrong("start", 400, 2, "Start: invalid parameter"),
    Wrong("start", 500, 502, "Failed to allocate worker"),
    Wrong("start", 500, 62, "request timeout", EITHER),
    Wrong("start", 500, 15, "", EITHER),
    Wrong("start", 400, 432, "the request does not fit the resource ID"),
    Wrong("start", 400, 433, "resourceid is expired"),
    Wrong("start", 400, 1001, "the resource ID cannot be decoded"),
    Wrong("start", 400, 1003, "the App ID does not match the resource ID"),
    Wrong("start", 400, 1013, "illegal channel name"),
)


def _session(endpoint: str) -> tuple[Wrong, ...]:
    """Return what every call about a session may be answered (6.4 to 6.8)."""
    return (
        Wrong(endpoint, 206, 65, "request not completed", EITHER),
        Wrong(endpoint, 400, 2, "bad parameter"),
        Wrong(endpoint, 504, 62, "request timeout", EITHER),
        Wrong(endpoint, 400, 432, "the request does not fit the resource ID"),
        Wrong(endpoint, 400, 1001, "the resource ID cannot be decoded"),
        Wrong(endpoint, 400, 1003, "the sid does not match the resource ID"),
    )


WRONG: tuple[Wrong, ...] = (
    *_ANY,
    *_ACQUIRE,
    *_START,
    *_session("query"),
    *_session("update"),
    *_session("updateLayout"),
    Wrong("updateLayout", 400, 1028, "bad layout"),
    *_session("stop"),
)

TIMES: Mapping[str, Mapping[str, Any]] = {
    "lost before": {"drop": "before"},
    "lost after": {"drop": "after"},
    "slow": {"delay_s": 5.0},
    "too slow": {"delay_s": 35.0},
    "held": {"hold_s": 4.0},
    "held too long": {"hold_s": 25.0},
}
"""What may happen to a call and its answer on the way; a caller waits 15 s, for a stop 30 s."""

FAILING: Mapping[str, Mapping[str, Any]] = {
    f"then {order} {cause}".strip(): {"then": {"order": order, "after_s": after_s, **body}}
    for order, cause, body, after_s in (
        ("fail", "start", {"cause": "start"}, 1.0),
        ("fail", "parameters", {"cause": "parameters"}, 3.0),
        ("fail", "storage", {"cause": "storage"}, 20.0),
        ("kill", "", {}, 2.0),
        ("failover", "", {"seconds": 60.0}, 6.0),
    )
}
"""What may become of a session that was only just started."""

ENDPOINTS = ("acquire", "start", "query", "update", "updateLayout", "stop")


def faults() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every fault of a call: its name, the endpoint (`*`: any), and a rule's effect."""
    for wrong in WRONG:
        for processed in wrong.processed:
            yield (
                _name(wrong, processed=processed),
                wrong.endpoint,
                _effect(wrong, processed=processed),
            )
    for name, effect in TIMES.items():
        yield name, "*", dict(effect)
    for name, effect in FAILING.items():
        yield name, "start", dict(effect)


def _name(wrong: Wrong, *, processed: bool) -> str:
    code = f" {wrong.text}" if wrong.code is None else f" code {wrong.code}"
    done = " done" if processed else ""
    return f"{wrong.endpoint} {wrong.status}{code}{done}"


def _effect(wrong: Wrong, *, processed: bool) -> dict[str, Any]:
    effect: dict[str, Any] = {"status": wrong.status, "processed": processed}
    if wrong.body is not None:
        return {**effect, "body": wrong.body.replace("STATUS", str(wrong.status))}
    if wrong.code is None:
        return {**effect, "message": wrong.text}
    return {**effect, "code": wrong.code, "reason": wrong.text}
