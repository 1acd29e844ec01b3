"""What goes over the wire and what comes back, before anybody understands it.

`Wire` is the seam between the client and HTTP: `http.py` is the real one, tests bring small fakes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

JSON_TYPE = "application/json;charset=utf-8"
"""Of every body that is sent (agora-api.md 1.3, K47)."""


class Endpoint(StrEnum):
    """The calls of the service, by the names of its documentation (agora-api.md 1.5)."""

    ACQUIRE = "acquire"
    START = "start"
    QUERY = "query"
    UPDATE = "update"
    UPDATE_LAYOUT = "updateLayout"
    STOP = "stop"
    NOTIFICATION_IPS = "get-ncs-ip"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Request:
    """One request. Shows nothing of itself: address, headers and body all hold secrets.

    `timeout_s` bounds the whole exchange, from connecting to the last byte of the answer.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    timeout_s: float

    def __repr__(self) -> str:
        return f"Request({self.method})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it arrived.

    `request_id` is what the service's support asks for (1.2); `retry_after_s` what the answer
    says to wait before the next try. `date_s` is the time there (Unix seconds), None: not told.
    """

    status: int
    body: bytes
    request_id: str | None = None
    retry_after_s: float = 0
    date_s: float | None = None

    def __repr__(self) -> str:
        return f"Reply({self.status})"


class Silence(StrEnum):
    """How a request can stay without an answer (agora-api.md 6.1, last two rows)."""

    NOT_SENT = "not sent"
    """No byte of it left: the service cannot have seen it."""

    NO_ANSWER = "no answer"
    """It may have been sent and may have taken effect."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer came; `why` is a clause for people, such as `it refused the connection`."""

    silence: Silence
    why: str


class Wire(Protocol):
    """Carries requests to the service. Never raises for what the network does."""

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once."""
        ...
