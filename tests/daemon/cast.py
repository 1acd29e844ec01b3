"""Who records what when, as people would say it: what the tests compare the daemon with.

Nothing here asks the code under test: windows are worked out from calendars and the time zones of
the standard library.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.plan.spans import Span, Spans, both, minus, span, union
from reconciler.simulator.app import Application
from reconciler.simulator.settings import Settings
from reconciler.simulator.simulator import Simulator
from tests.agora.support import LoopClock
from tests.engine.support import Stage

NORTH, SOUTH = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
SECRET = "secret-of-notifications-7731"
DAY_S = 86_400
LIVE: dict[str, Any] = {"channelProfile": "live", "token": "generate", "resourceExpiry": "8h"}

Opens = Callable[[float, float], Iterable[tuple[float, float]]]
"""When something is open between two moments."""


class WallClock(LoopClock):
    """A clock that begins when it is told to, and can be wrong."""

    def __init__(self, begins_s: float) -> None:
        self.begins_s = begins_s
        self.wrong_s = 0.0

    def now_s(self) -> float:
        return self.true_s() + self.wrong_s

    def true_s(self) -> float:
        """Return the time that it really is."""
        return self.begins_s + self.monotonic_s()


@dataclass
class LongStage(Stage):
    """A Stage that begins at a date, and whose service always has the right time."""

    begins: datetime = datetime(2026, 10, 23, tzinfo=UTC)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.wall = WallClock(self.begins.timestamp())
        self.clock = self.wall
        self.simulator = Simulator(self.settings, self.wall.true_s, faults=self.faults)
        self.application = Application(self.simulator)


def told_settings(**more: Any) -> Settings:
    """Return those of a service with two App IDs that notifies."""
    return Settings(
        app_ids=(NORTH, SOUTH),
        notify_url="http://127.0.0.1:8710/notifications",
        notify_secret=SECRET,
        **more,
    )


def app(name: str, app_id: str, **spec: Any) -> str:
    """Return an App's manifest."""
    secrets = {key: {"env": key} for key in ("CUSTOMER_ID", "CUSTOMER_SECRET")}
    body = {
        "appId": app_id,
        "credentials": {
            "customerId": secrets["CUSTOMER_ID"],
            "customerSecret": secrets["CUSTOMER_SECRET"],
        },
        "certificate": {"env": "CERTIFICATE"},
        "endpoints": ["http://127.0.0.1:8787"],
        "notifications": {"secret": {"env": "NOTICES"}},
        **spec,
    }
    return manifest("App", name, {key: value for key, value in body.items() if value is not None})


def manifest(kind: str, name: str, spec: dict[str, Any]) -> str:
    """Return a manifest as JSON, which is YAML."""
    metadata = {"name": name}
    return json.dumps(
        {"apiVersion": "reconciler/v1", "kind": kind, "metadata": metadata, "spec": spec}
    )


@dataclass(frozen=True, slots=True)
class Times:
    """When to record: as the spec says it, and as the calendar has it; no spec: always."""

    schedule: tuple[dict[str, Any], ...] = ()
    opens: Opens = lambda from_s, until_s: ((from_s, until_s),)


def daily(hour: int, minute: int, minutes: int, zone: str, *, days: str = "*") -> Times:
    """Return a window of every day, or of those of a week that `days` names as cron does."""
    cron = f"{minute} {hour} * * {days}"
    window = {"cron": cron, "duration": f"{minutes}m", "timezone": zone}

    def opens(from_s: float, until_s: float) -> Iterator[tuple[float, float]]:
        day = datetime.fromtimestamp(from_s - 2 * DAY_S, ZoneInfo(zone)).date()
        while True:
            at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
            begins_s = at.timestamp()  # of two such times the first, as `fold` has it
            if begins_s >= until_s:
                return
            if days == "*" or day.weekday() < 5:
                yield begins_s, begins_s + 60 * minutes
            day += timedelta(days=1)

    return Times((window,), opens)


def fixed(*spans: tuple[float, float]) -> Times:
    """Return windows between moments."""
    schedule = tuple(
        {
            "from": datetime.fromtimestamp(from_s, UTC).isoformat(),
            "until": datetime.fromtimestamp(until_s, UTC).isoformat(),
        }
        for from_s, until_s in spans
    )
    return Times(schedule, lambda *_: spans)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a Recording from a moment on; without `times` nothing."""

    since_s: float
    times: Times | None


@dataclass
class Role:
    """One Recording: its spec, what was asked of it, and when it was suspended."""

    name: str
    mode: str
    spec: dict[str, Any]
    times: Times = field(default_factory=Times)
    broken: bool = False
    busy: bool = False
    """Somebody is at it: nothing else happens to it meanwhile."""

    calm_s: float = 0.0
    """Until then nothing happens to it: what failed before would count."""

    asked: list[Ask] = field(default_factory=list)
    suspended: list[tuple[float, float]] = field(default_factory=list)

    def text(self) -> str:
        """Return its manifest."""
        body: dict[str, Any] = {"mode": self.mode, "channel": self.channel, **self.spec}
        if self.times.schedule:
            body["schedule"] = list(self.times.schedule)
        if self.broken:
            body["mode"] = "nothing"
        return manifest("Recording", self.name, body)

    @property
    def channel(self) -> str:
        return str(self.spec.get("channel", self.name))

    @property
    def replicas(self) -> int:
        return int(self.spec.get("replicas", 1))

    def ask(self, now_s: float, times: Times | None) -> None:
        """Ask it for something else from now on."""
        self.times = times or self.times
        self.asked.append(Ask(now_s, times))

    def wanted(self, until_s: float) -> Spans:
        """Return when it was to record."""
        found: list[Span] = []
        ends = [each.since_s for each in self.asked[1:]] + [until_s]
        for each, end_s in zip(self.asked, ends, strict=True):
            if each.times is not None:
                within = (int(each.since_s), int(end_s))
                opens = each.times.opens(each.since_s, end_s)
                found += both(_whole(opens, within), (within,))
        return minus(union(found), _whole(self.suspended, (0, int(until_s))))


def _whole(spans: Iterable[tuple[float, float]], within: Span) -> Spans:
    return union(part for begins, ends in spans for part in span(begins, ends, within))


def renamed(role: Role, name: str) -> Role:
    """Return the same under another name; its channel stays."""
    return replace(role, name=name, spec={**role.spec, "channel": role.channel})
