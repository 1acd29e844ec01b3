"""Who may ask the daemon what over HTTP (docs/guide/http.md, "Who may ask").

Notifications prove themselves by their signature. All else needs the token where there is one.
Where there is none, only this machine can connect, and what has to be kept out is a web page in one
of its browsers: one whose name was made to lead here, and one that sends a form.
"""

import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

NOTIFICATIONS = "/notifications/"
SYNC = "/-/sync"
SIGNATURE = "x-hub-signature-256"
"""How GitHub, Gitea and Forgejo sign the body of a push webhook, the token being its secret."""

GITLAB = "x-gitlab-token"
"""Where GitLab sends the token."""

HEAD_BYTES_MAX = 16 * 1024
"""Of a request's address and headers: some hundred times what the service and Prometheus send."""

_LINE_BYTES = 4
"""What a header takes beside its name and value."""

_READS = frozenset({"GET", "HEAD"})
_OF_THE_USER = frozenset({"same-origin", "none"})
"""What a browser says of requests that no other site brought about (Fetch Metadata)."""

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/]+)(?::\d*)?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: HTTPStatus
    why: str
    headers: dict[str, str] = field(default_factory=dict)


_UNAUTHORIZED = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "the token is missing or wrong; send `Authorization: Bearer` with that of RECONCILER_TOKEN",
    {"WWW-Authenticate": 'Bearer realm="reconciler"'},
)
_MISDIRECTED = Refusal(
    HTTPStatus.MISDIRECTED_REQUEST,
    "without RECONCILER_TOKEN this answers only to `localhost` and loopback addresses",
)
_CROSS_SITE = Refusal(HTTPStatus.FORBIDDEN, "another web site may not ask for this")
_TOO_LONG = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"address and headers have more than {HEAD_BYTES_MAX} bytes",
    {"Connection": "close"},
)
_AMBIGUOUS = Refusal(
    HTTPStatus.BAD_REQUEST,
    "the body's length is given in two ways",  # a proxy could have taken the other one
    {"Connection": "close"},
)


def refusal(scope: Scope, token: str | None) -> Refusal | None:
    """Return why a request is not to be answered, None if it is. `token` None: there is none."""
    headers = Headers(scope=scope)
    if _head_bytes(scope) > HEAD_BYTES_MAX:
        return _TOO_LONG
    if "content-length" in headers and "transfer-encoding" in headers:
        return _AMBIGUOUS
    if scope["path"].startswith(NOTIFICATIONS):
        return None
    if scope["path"] == SYNC and token is not None and _is_hook(headers, token):
        return None
    return _stranger(headers, token) or _led_here(scope["method"], headers)


def is_signed(body: bytes, signature: str, token: str) -> bool:
    """Tell whether a Git host signed a webhook's body with the token."""
    made = "sha256=" + hmac.digest(token.encode(), body, "sha256").hex()
    return hmac.compare_digest(signature.encode("latin-1"), made.encode())


def is_loopback(host: str) -> bool:
    """Tell whether a host can be reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _stranger(headers: Headers, token: str | None) -> Refusal | None:
    if token is None:
        return None if _is_for_us(headers.get("host", "")) else _MISDIRECTED
    return None if _has_token(headers, token) else _UNAUTHORIZED


def _is_hook(headers: Headers, token: str) -> bool:
    """Tell whether a Git host asks: its signature is looked at when the body is there."""
    if SIGNATURE in headers:
        return True
    given = headers.get(GITLAB, "").encode("latin-1")
    return token != "" and hmac.compare_digest(given, token.encode())


def _led_here(method: str, headers: Headers) -> Refusal | None:
    return None if method in _READS or _is_of_the_user(headers) else _CROSS_SITE


def _head_bytes(scope: Scope) -> int:
    lines = sum(len(name) + len(value) + _LINE_BYTES for name, value in scope["headers"])
    return lines + len(scope["raw_path"]) + len(scope["query_string"])


def _has_token(headers: Headers, token: str) -> bool:
    """Tell whether the one Authorization header bears the token; an empty token fits nothing."""
    given = headers.getlist("authorization")
    scheme, _, value = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    is_same = hmac.compare_digest(value.strip(" ").encode("latin-1"), token.encode())
    return is_same and scheme.lower() == "bearer" and token != ""


def _is_for_us(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and is_loopback(match["name"].strip("[]").lower())


def _is_of_the_user(headers: Headers) -> bool:
    """Tell whether no other site's page sent this; programs send neither of these headers."""
    if headers.get("sec-fetch-site", "none") not in _OF_THE_USER:
        return False
    origin = headers.get("origin")
    return origin is None or _authority(origin) == headers.get("host")


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
