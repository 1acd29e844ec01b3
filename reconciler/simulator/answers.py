"""Answers of the service, each as the documents show it (agora-api.md 1.6 and 6). Pure."""

from dataclasses import dataclass

from reconciler.simulator.tree import Json, Object, whole

OK = 200
CREATED = 201
PARTIAL = 206
BAD_REQUEST = 400
UNAUTHORIZED = 401
NOT_FOUND = 404
TOO_LARGE = 413
TOO_MANY = 429
SERVER_ERROR = 500

PARAMETER = 2
ALREADY_STARTED = 7
UNREADABLE = 8
STOPPING = 49
UPLOAD_TIMEOUT = 50
TASK_CONFLICT = 53
CHANNEL_NAME = 401
OVERLOAD = 406
FOREIGN_RESOURCE = 432
RESOURCE_EXPIRED = 433
NO_DATA = 435
NO_WORKER = 502
BAD_RESOURCE = 1001
FOREIGN_SID = 1003


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its HTTP status and its body."""

    status: int
    body: Json

    @property
    def code(self) -> int:
        """Return the service's own code, 0 if there is none."""
        return whole(self.body, "code") if isinstance(self.body, dict) else 0


class Refusal(Exception):  # noqa: N818  # it carries an answer, which need not be an error
    """End a call with an answer other than success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def done(body: Object) -> Answer:
    """Answer 200."""
    return Answer(OK, body)


def failed(status: int, code: int, reason: str) -> Answer:
    """Answer as the service does when it refuses."""
    return Answer(status, {"code": code, "reason": reason})


def gateway(status: int, message: str) -> Answer:
    """Answer as the gateway does, before the service has seen the call."""
    return Answer(status, {"message": message})


NO_ROUTE = gateway(NOT_FOUND, "no Route matched with those values")
NO_CREDENTIALS = gateway(UNAUTHORIZED, "Unauthorized")
WRONG_CREDENTIALS = gateway(UNAUTHORIZED, "Invalid authentication credentials")
OVER_RATE = gateway(TOO_MANY, "API rate limit exceeded")
TOO_BIG = gateway(TOO_LARGE, "Request size limit exceeded")
WRONG_APP = gateway(BAD_REQUEST, "appid is invalid")
