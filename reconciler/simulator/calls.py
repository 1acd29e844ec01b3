"""The log of calls: who asked for what, when, and what the answer was. Pure.

It never holds a header or a body, so no secret either.
"""

from collections import deque
from dataclasses import dataclass
from itertools import count

from reconciler.simulator.routes import Route
from reconciler.simulator.tree import Object

CALLS_MAX = 10_000
TEXT_MAX = 1_024  # of what callers choose


@dataclass(slots=True)
class Call:
    """One call; `status` is None until it is answered, and stays None if the answer is lost."""

    number: int
    at_s: float
    arrived_s: float
    """When it arrived, on the clock that callers share; `at_s` is the simulated time."""
    method: str
    path: str
    request_id: str
    route: Route | None
    cname: str = ""
    uid: str = ""
    status: int | None = None
    code: int = 0
    sid: str = ""
    fault: str | None = None

    def shown(self) -> Object:
        """Return it for people."""
        route = self.route
        return {
            "number": self.number,
            "at": self.at_s,
            "arrivedAt": self.arrived_s,
            "method": self.method,
            "path": None if route else self.path,
            "endpoint": route.endpoint.value if route else None,
            "status": self.status,
            "code": self.code,
            "appId": route.app_id[:TEXT_MAX] if route else "",
            "mode": route.mode[:TEXT_MAX] if route else "",
            "resourceId": route.resource_id[:TEXT_MAX] if route else "",
            "sid": self.sid,
            "cname": self.cname,
            "uid": self.uid,
            "requestId": self.request_id,
            "fault": self.fault,
        }


class CallLog:
    """The last calls, in order of arrival."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=CALLS_MAX)
        self._numbers = count(1)

    def add(self, call: Call) -> None:
        """Log a call that has just arrived, and number it."""
        call.number = next(self._numbers)
        self._calls.append(call)

    def since(self, number: int, most: int) -> list[Call]:
        """Return at most so many of the calls after that one, the oldest first."""
        found = [call for call in self._calls if call.number > number]
        return found[:most]
