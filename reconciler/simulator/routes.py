"""Which path is which endpoint (agora-api.md 1.5). Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Endpoint(StrEnum):
    """The seven calls of the service."""

    ACQUIRE = "acquire"
    START = "start"
    QUERY = "query"
    UPDATE = "update"
    UPDATE_LAYOUT = "updateLayout"
    STOP = "stop"
    NCS_IP = "ncs-ip"


@dataclass(frozen=True, slots=True)
class Route:
    """What a path names; what it does not name is empty."""

    endpoint: Endpoint
    app_id: str = ""
    resource_id: str = ""
    sid: str = ""
    mode: str = ""


_NCS_PATHS = ("/v1/ncs/ip", "/v2/ncs/ip")
_PATH = re.compile(
    r"/v1/apps/(?P<app_id>[^/]+)/cloud_recording/(?:"
    r"acquire"
    r"|resourceid/(?P<resource_id>[^/]+)/(?:sid/(?P<sid>[^/]+)/)?mode/(?P<mode>[^/]+)/"
    r"(?P<call>start|query|update|updateLayout|stop)"
    r")"
)


def route(method: str, path: str) -> Route | None:
    """Return what a request is for, or None if nothing answers there."""
    if path in _NCS_PATHS:
        return Route(Endpoint.NCS_IP) if method == "GET" else None
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    endpoint = Endpoint(match["call"] or "acquire")
    # All but acquire and start are about a session.
    if bool(match["sid"]) == (endpoint in {Endpoint.ACQUIRE, Endpoint.START}):
        return None
    if method != ("GET" if endpoint is Endpoint.QUERY else "POST"):
        return None
    found = match.groupdict(default="")
    return Route(endpoint, found["app_id"], found["resource_id"], found["sid"], found["mode"])
