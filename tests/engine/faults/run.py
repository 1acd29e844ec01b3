"""A stage on which calls can go wrong: those about `lobby`, or all that go to one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.agora.messages import Reply, Request, Silence, Unanswered, Wire
from reconciler.plan.result import Problem, Result
from tests.engine.support import Stage


@dataclass
class Barrier:
    """A way to the service that some requests do not get on."""

    inner: Wire
    closed: "Closed"

    async def send(self, request: Request) -> Reply | Unanswered:
        if self.closed.holds(request):
            return Unanswered(Silence.NOT_SENT, "it refused the connection")
        return await self.inner.send(request)


@dataclass
class Closed:
    """Which requests do not leave: those to an endpoint or to a host."""

    endpoint: str = ""
    host: str = ""
    times: int | None = None
    refused: list[str] = field(default_factory=list)

    def holds(self, request: Request) -> bool:
        """Tell whether a request does not leave, and count it."""
        if self.times is not None and len(self.refused) >= self.times:
            return False
        path = request.url.rsplit("/", 1)[-1]
        is_held = path == self.endpoint or (bool(self.host) and self.host in request.url)
        if is_held:
            self.refused.append(request.url)
        return is_held

    def open(self) -> None:
        """Let everything through."""
        self.endpoint = self.host = ""


@dataclass
class Scene:
    """A stage on which requests can be kept from leaving."""

    folder: Path
    closed: Closed = field(default_factory=Closed)

    def __post_init__(self) -> None:
        self.stage = Stage(self.folder, tap=lambda wire: Barrier(wire, self.closed))

    def close(self, endpoint: str, *, always: bool) -> None:
        """Let requests to an endpoint not leave."""
        self.closed.endpoint = endpoint
        self.closed.times = None if always else 1

    def fail(self, endpoint: str, effect: Mapping[str, Any], *, always: bool) -> None:
        """Let the calls of `lobby` to an endpoint go wrong."""
        rule = {} if always else {"times": 1}
        self.stage.fault(endpoint, cname="lobby", effect=dict(effect), **rule)

    @property
    def went_wrong(self) -> bool:
        """Tell whether anything did go wrong."""
        rules = self.stage.simulator.gateway.faults.rules.values()
        return bool(self.closed.refused) or any(rule.fired for rule in rules)

    def open(self) -> None:
        """Let nothing go wrong any more."""
        self.closed.open()
        self.stage.heal()


def outcome_of(results: list[Result], name: str) -> Problem:
    """Return how a recording's action ended: its problem, or one called `done` or `none`."""
    found = next((each for each in results if each.key.recording == name), None)
    if found is None:
        return Problem("none", "")
    return found.error or Problem("done", "")
