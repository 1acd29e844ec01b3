"""The one table of what the service's answers mean (agora-api.md 6) and what to do about each.

Keyed by endpoint, HTTP status, code and message; the first row that fits counts, so known codes
come first and the gateway's answers last. An answer that no row knows has a row of its own and is
never success. `design/reconcile.md`, "Errors of the service", stands above the document: an
uncertain `start` is repeated after 3, 6 and 9 s, then left as perhaps started. Pure.
"""

from typing import Final

from reconciler.agora.failures import ANY_CODE, Again, Meaning, Next, Repeat, Row, Running
from reconciler.agora.messages import Endpoint, Silence

_ALL = frozenset(Endpoint)
_ACQUIRE = frozenset({Endpoint.ACQUIRE})
_START = frozenset({Endpoint.START})
_QUERY = frozenset({Endpoint.QUERY})
_CHANGE = frozenset({Endpoint.UPDATE, Endpoint.UPDATE_LAYOUT})
_LAYOUT = frozenset({Endpoint.UPDATE_LAYOUT})
_STOP = frozenset({Endpoint.STOP})
_IPS = frozenset({Endpoint.NOTIFICATION_IPS})
_SESSION = _QUERY | _CHANGE | _STOP
_SERVER_ERROR = range(500, 600)

_NEVER = Repeat(Again.NEVER)
_SOON = Repeat(Again.SAME, (1, 3, 6))
_TWICE = Repeat(Again.SAME, (3, 6))
_SLOWER = Repeat(Again.SAME, (3, 6, 9))
_KEEP_ASKING = Repeat(Again.SAME, (5, 10, 15, 30))
_NEW_PAIR = Repeat(Again.PAIR, (3, 6, 9))
_NEW_PAIR_SOON = Repeat(Again.PAIR, (1, 3, 6))
_MISSING = Repeat(Again.LATER, (5, 10, 15, 30, 30))
"""90 s in all, as design/reconcile.md settles what is missing."""
_IN_5_S = Repeat(Again.LATER, (5,))
_IN_MINUTES = Repeat(Again.LATER, (60, 180, 600))

_BUG: Final = "This is a bug in reconciler; please report it with the lines above."
_BUSY: Final = "The service did not finish this in time."
_UNCERTAIN: Final = "It is not known whether the session started: the service did not say in time."
_WRONG: Final = "The service refuses the request: a value of the spec is wrong."
_DISABLED: Final = (
    "Cloud Recording is not enabled for this App ID, or the App ID is wrong; "
    "enable it in the Agora console."
)

# fmt: off
_ACQUIRE_ROWS = (
    Row(
        _ACQUIRE, None, 2, Meaning.REJECTED, Running.NO, _NEVER, Next.FIX_SPEC,
        f"{_WRONG} The reason names it.",
    ),
    Row(
        _ACQUIRE, 400, 400, Meaning.APP_NOT_ENABLED, Running.NO, _NEVER, Next.FIX_ACCOUNT,
        _DISABLED,
    ),
    Row(
        _ACQUIRE, 400, 401, Meaning.REJECTED, Running.NO, _NEVER, Next.FIX_SPEC,
        "The channel's name has characters that the service does not take.",
    ),
    Row(
        _ACQUIRE, 400, 405, Meaning.APP_BLOCKED, Running.NO, _IN_MINUTES, Next.FIX_ACCOUNT,
        "The service has suspended this App, for example over an unpaid bill; "
        "look into the Agora console.",
    ),
    Row(
        _ACQUIRE, 400, 406, Meaning.QUOTA, Running.NO, _IN_MINUTES, Next.FREE_SESSIONS,
        "As many sessions run as the account may have; end some, or ask Agora for a larger quota.",
    ),
    Row(
        _ACQUIRE, 500, 500, Meaning.BUSY, Running.NO, _SOON, Next.TRY_LATER,
        "The service had an internal error.",
    ),
    Row(
        _ACQUIRE, 500, 501, Meaning.BUSY, Running.NO, _SLOWER, Next.OTHER_REGION,
        "The service has no free server there; another `region` may have one.",
    ),
    Row(_ACQUIRE, 500, 504, Meaning.BUSY, Running.NO, _SOON, Next.TRY_LATER, _BUSY),
    Row(
        _ACQUIRE, None, 62, Meaning.APP_NOT_ENABLED, Running.NO, _NEVER, Next.FIX_ACCOUNT,
        _DISABLED,
    ),
)

_START_ROWS = (
    Row(
        _START, 201, 7, Meaning.STARTED, Running.YES, _NEVER, Next.TAKE_SID,
        "A session was started with this resource ID before.",
    ),
    Row(
        _START, 206, 65, Meaning.PERHAPS_STARTED, Running.MAYBE, _SLOWER, Next.OTHER_UID,
        _UNCERTAIN,
    ),
    Row(
        _START, None, 2, Meaning.REJECTED, Running.NO, _NEVER, Next.FIX_SPEC,
        f"{_WRONG} The reason names it.",
    ),
    Row(
        _START, 400, 53, Meaning.CONFLICT, Running.YES, _NEVER, Next.SETTLE_CONFLICT,
        "Another session with this channel and uid is running.",
    ),
    Row(
        _START, 500, 502, Meaning.NOT_STARTED, Running.NO, _NEW_PAIR, Next.TRY_LATER,
        "The service has no free server.",
    ),
    Row(
        _START, None, 62, Meaning.PERHAPS_STARTED, Running.MAYBE, _SLOWER, Next.OTHER_UID,
        _UNCERTAIN,
    ),
    Row(
        _START, 500, 15, Meaning.PERHAPS_STARTED, Running.MAYBE, _SLOWER, Next.OTHER_UID,
        _UNCERTAIN,
    ),
    Row(
        _START, None, 432, Meaning.NOT_STARTED, Running.NO, _NEVER, Next.NEW_PAIR,
        "The request does not fit its resource ID.",
    ),
    Row(
        _START, None, 433, Meaning.NOT_STARTED, Running.NO, _NEW_PAIR_SOON, Next.TRY_LATER,
        "The resource ID was older than five minutes.",
    ),
    Row(
        _START, None, 1001, Meaning.NOT_STARTED, Running.NO, _NEW_PAIR_SOON, Next.TRY_LATER,
        "The service cannot read the resource ID that it gave.",
    ),
    Row(
        _START, None, 1003, Meaning.CLIENT_BUG, Running.NO, _NEVER, Next.NEW_PAIR,
        f"The App ID does not belong to the resource ID. {_BUG}",
    ),
)

_QUERY_ROWS = (
    Row(_QUERY, 206, 65, Meaning.BUSY, Running.MAYBE, _TWICE, Next.TRY_LATER, _BUSY),
    Row(
        _QUERY, None, 2, Meaning.CLIENT_BUG, Running.SAME, _NEVER, Next.REPORT_BUG,
        f"The service refuses the query as wrong. {_BUG}",
    ),
    Row(_QUERY, None, 62, Meaning.BUSY, Running.MAYBE, _KEEP_ASKING, Next.TRY_LATER, _BUSY),
    Row(
        _QUERY, None, 501, Meaning.GOING, Running.GOING, _IN_5_S, Next.CONFIRM_ENDED,
        "The session is ending.",
    ),
)

_CHANGE_ROWS = (
    Row(_CHANGE, 206, 65, Meaning.BUSY, Running.YES, _TWICE, Next.TRY_LATER, _BUSY),
    Row(
        _CHANGE, None, 2, Meaning.REJECTED, Running.YES, _NEVER, Next.FIX_SPEC,
        f"{_WRONG} The session goes on unchanged.",
    ),
    Row(
        _LAYOUT, None, 1028, Meaning.REJECTED, Running.YES, _NEVER, Next.FIX_SPEC,
        "The service refuses the layout: a value of it is wrong. The session goes on unchanged.",
    ),
    Row(_CHANGE, None, 62, Meaning.BUSY, Running.YES, _SOON, Next.TRY_LATER, _BUSY),
)

_STOP_ROWS = (
    Row(_STOP, 206, 65, Meaning.BUSY, Running.MAYBE, _TWICE, Next.CONFIRM_ENDED, _BUSY),
    Row(
        _STOP, 206, 435, Meaning.ENDED, Running.NO, _NEVER, Next.NOTHING,
        "The session was stopped and left no files, since nobody sent a stream.",
    ),
    Row(
        _STOP, None, 2, Meaning.CLIENT_BUG, Running.YES, _NEVER, Next.REPORT_BUG,
        f"The service refuses the stop as wrong. {_BUG}",
    ),
    Row(
        _STOP, 400, 49, Meaning.GOING, Running.GOING, _NEVER, Next.CONFIRM_ENDED,
        "The session was ending already.",
    ),
    Row(_STOP, None, 62, Meaning.BUSY, Running.MAYBE, _SLOWER, Next.CONFIRM_ENDED, _BUSY),
    Row(
        _STOP, None, 50, Meaning.GOING, Running.GOING, _NEVER, Next.AWAIT_UPLOAD,
        "The session was stopped; its files are still being uploaded.",
    ),
)

_SESSION_ROWS = (
    Row(
        _SESSION, 404, 404, Meaning.GONE_OR_MOVING, Running.MAYBE, _MISSING, Next.SETTLE_MISSING,
        "The service does not find the session: it has ended, or is being moved to another server.",
    ),
    Row(
        _SESSION, None, 432, Meaning.CLIENT_BUG, Running.SAME, _NEVER, Next.REPORT_BUG,
        f"The request does not fit its resource ID. {_BUG}",
    ),
    Row(
        _SESSION, None, 1001, Meaning.CLIENT_BUG, Running.SAME, _NEVER, Next.REPORT_BUG,
        f"The service cannot read the resource ID. {_BUG}",
    ),
    Row(
        _SESSION, None, 1003, Meaning.CLIENT_BUG, Running.SAME, _NEVER, Next.REPORT_BUG,
        f"The App ID or the session does not belong to the resource ID. {_BUG}",
    ),
)

_GENERAL_ROWS = (
    Row(
        _ACQUIRE | _START, None, 1013, Meaning.REJECTED, Running.NO, _NEVER, Next.FIX_SPEC,
        "The channel's name is too long or has characters that the service does not take.",
    ),
    Row(
        _START, None, 8, Meaning.CLIENT_BUG, Running.NO, _NEVER, Next.REPORT_BUG,
        f"The service cannot read the request. {_BUG}",
    ),
    Row(
        _ALL, None, 8, Meaning.CLIENT_BUG, Running.SAME, _NEVER, Next.REPORT_BUG,
        f"The service cannot read the request. {_BUG}",
    ),
    Row(
        _ALL, 400, None, Meaning.APP_NOT_ENABLED, Running.SAME, _NEVER, Next.FIX_ACCOUNT, _DISABLED,
        message="appid is invalid",
    ),
    Row(
        _ALL, 401, ANY_CODE, Meaning.CREDENTIALS, Running.SAME, _NEVER, Next.FIX_CREDENTIALS,
        "The customer ID or secret is wrong, or belongs to another account than the App ID.",
        message="invalid authentication credentials",
    ),
    Row(
        _ALL, 401, ANY_CODE, Meaning.CREDENTIALS, Running.SAME, _NEVER, Next.REPORT_BUG,
        "The service saw no credentials: something on the way takes them out, "
        "or this is a bug in reconciler.",
    ),
    Row(
        _ALL, 403, ANY_CODE, Meaning.CREDENTIALS, Running.SAME, _NEVER, Next.FIX_CREDENTIALS,
        "The service, or something on the way to it, forbids this call.",
    ),
    Row(
        _ALL, 404, None, Meaning.CLIENT_BUG, Running.SAME, _NEVER, Next.REPORT_BUG,
        "That address has no such call: the App's `endpoints` are wrong, "
        "or this is a bug in reconciler.",
        message="no route matched",
    ),
    Row(
        _ALL, 429, ANY_CODE, Meaning.THROTTLED, Running.SAME, _SOON, Next.TRY_LATER,
        "The service had more requests in one second than it takes; lower `requestsPerSecond`.",
    ),
)
# fmt: on


def _silent(
    endpoints: frozenset[Endpoint], meaning: Meaning, running: Running, repeat: Repeat, then: Next
) -> tuple[Row, Row]:
    """Return what a server error without a code, and no answer to a sent request, mean alike."""
    sentence = _UNCERTAIN if meaning is Meaning.PERHAPS_STARTED else "The service gave no answer."
    return (
        Row(endpoints, _SERVER_ERROR, None, meaning, running, repeat, then, sentence),
        Row(endpoints, Silence.NO_ANSWER, None, meaning, running, repeat, then, sentence),
    )


_NOT_REACHED: Final = "The service cannot be reached."

# fmt: off
_SILENT_ROWS = (
    *_silent(_ACQUIRE, Meaning.BUSY, Running.NO, _SOON, Next.TRY_LATER),
    *_silent(_START, Meaning.PERHAPS_STARTED, Running.MAYBE, _SLOWER, Next.OTHER_UID),
    *_silent(_QUERY, Meaning.BUSY, Running.MAYBE, _KEEP_ASKING, Next.TRY_LATER),
    *_silent(_CHANGE, Meaning.BUSY, Running.YES, _SOON, Next.TRY_LATER),
    *_silent(_STOP, Meaning.BUSY, Running.MAYBE, _SLOWER, Next.CONFIRM_ENDED),
    *_silent(_IPS, Meaning.BUSY, Running.SAME, _SOON, Next.TRY_LATER),
    Row(
        _START, Silence.NOT_SENT, None, Meaning.NOT_STARTED, Running.NO, _SOON, Next.NEW_PAIR,
        _NOT_REACHED,
    ),
    Row(
        _ALL, Silence.NOT_SENT, None, Meaning.UNREACHED, Running.SAME, _SOON, Next.TRY_LATER,
        _NOT_REACHED,
    ),
)
# fmt: on

ROWS: Final = (
    *_ACQUIRE_ROWS,
    *_START_ROWS,
    *_QUERY_ROWS,
    *_CHANGE_ROWS,
    *_STOP_ROWS,
    *_SESSION_ROWS,
    *_GENERAL_ROWS,
    *_SILENT_ROWS,
)
"""Every answer that is no success and that the documents know."""

EVENT_WARNINGS: Final = {
    (1, 31): "A slice had to be uploaded to the storage again.",
    (1, 32): "A slice had to be uploaded to the service's backup again.",
}
"""What the codes of warning events mean, by module and code (8.6); for errors: `plan/signs.py`."""

_STRANGE: Final = "The service gave an answer that this version does not know."

UNKNOWN_START: Final = Row(
    _START, None, ANY_CODE, Meaning.UNKNOWN, Running.MAYBE, _SLOWER, Next.OTHER_UID, _STRANGE
)
"""Repeating the identical start is safe, and may tell (agora-api.md 6.9)."""

UNKNOWN: Final = Row(
    _ALL - _START, None, ANY_CODE, Meaning.UNKNOWN, Running.SAME, _NEVER, Next.TRY_LATER, _STRANGE
)


def row_for(endpoint: Endpoint, status: int | Silence, code: int | None, message: str) -> Row:
    """Return what an answer means that is not the call's documented success."""
    for row in ROWS:
        if row.knows(endpoint, status, code, message):
            return row
    return UNKNOWN_START if endpoint is Endpoint.START else UNKNOWN
