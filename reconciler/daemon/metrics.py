"""What Prometheus reads of the daemon; the home of its client library.

Counters and histograms are told what happens. Gauges are made anew for each scrape from one value,
`Facts`, so that no number is kept twice. A label has few values whatever happens, and none of them
is a secret, an App ID, a uid or a `sid`; only the two about coverage name Recordings.
docs/guide/http.md lists them all.
"""

import platform
from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never, get_args

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from reconciler import __version__
from reconciler.agora.parse_events import READERS
from reconciler.engine.outcome import Done, Outcome, RequeueAfter, Retry, Stalled
from reconciler.errors import StateError
from reconciler.plan.action import Kind
from reconciler.plan.result import OUTCOMES
from reconciler.plan.session import Phase
from reconciler.plan.status import Health, Row, Sync

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""Of the text that `Metrics.text` returns."""

OTHER = "other"
"""Stands for every value of a label that is not among the known ones."""

PASS_S = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
LAG_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
WAIT_S = (0.0, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of the histograms. A budget books at most 10 s ahead (design/reconcile.md, "Budget")."""

Receipt: TypeAlias = Literal["taken", "duplicate", "refused"]
"""What became of a notification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How the daemon is at the moment of a scrape.

    `sessions` counts those that may live, `guarded` the actions that a guard holds, `queued` the
    Recordings that are due and wait. `pass_age_s` None: no pass has ended yet. `commit` is empty
    where specs are no Git. `wanted_s` and `covered_s` are of the last 24 h, by Recording.
    """

    rows: Sequence[Row]
    sessions: int
    orphans: int
    queued: int
    pass_age_s: float | None
    commit: str
    spec_errors: int
    guarded: int
    wanted_s: Mapping[str, float]
    covered_s: Mapping[str, float]
    loop_lag_s: float
    apps_owned: int


class Metrics:
    """All metrics of one daemon, in a registry of its own."""

    def __init__(self, facts: Callable[[], Facts | None]) -> None:
        """Read `facts` at each scrape; where there are none (None, StateError) are no gauges."""
        self._registry = CollectorRegistry()
        self._actions = self._counter(
            "actions", "Actions that were carried out, or should have been.", "action", "outcome"
        )
        self._calls = self._counter("calls", "Calls to the service.", "endpoint", "answer")
        self._passes = self._histogram(
            "pass_duration_seconds", "How long passes over one Recording took.", PASS_S, "outcome"
        )
        self._notifications = self._counter(
            "notifications", "Notifications of the service that came in.", "kind", "result"
        )
        self._lag = self._histogram(
            "notification_lag_seconds", "From what happened to its notification.", LAG_S
        )
        self._slots = self._counter("budget_slots", "Calls booked in an App's budget.", "app")
        self._waits = self._histogram(
            "budget_wait_seconds", "From a booking to its call's turn.", WAIT_S, "app"
        )
        self._full = self._counter("budget_full", "Bookings that found no place.", "app")
        self._slowed = self._counter("budget_slowed", "Calls refused as one too many.", "app")
        self._limits = Gauge(
            "reconciler_budget_limit_calls_per_second",
            "The rate of an App's budget.",
            ["app"],
            registry=self._registry,
        )
        self._loads = self._counter("spec_loads", "Times the specs were read.", "result")
        self._source_failures = self._counter(
            "source_failures", "Times the newest specs could not be had."
        )
        self._state_errors = self._counter(
            "state_errors", "Times state could not be read or written."
        )
        self._events = self._counter("events", "Events that were told.", "type", "reason")
        self._prepare()
        self._registry.register(_AtScrape(facts, self._state_errors.inc))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return what `GET /metrics` answers."""
        return generate_latest(_Dateless(self._registry))

    def action_ended(self, kind: Kind, outcome: str) -> None:
        """Count an action; `outcome` is one of `plan.result.OUTCOMES`."""
        self._actions.labels(str(kind), outcome).inc()

    def call_ended(self, endpoint: str, answer: str) -> None:
        """Count a call to the service."""
        self._calls.labels(endpoint, answer).inc()

    def pass_ended(self, outcome: Outcome, took_s: float) -> None:
        """Count a pass over one Recording."""
        self._passes.labels(_word(outcome)).observe(took_s)

    def notified(self, kind: int | None, result: Receipt, lag_s: float | None = None) -> None:
        """Count a notification; `kind` None: it could not be read, `lag_s`: it does not say."""
        known = str(kind) if kind in READERS else OTHER
        self._notifications.labels(known, result).inc()
        if lag_s is not None:
            self._lag.observe(max(lag_s, 0.0))

    def booked(self, app: str, calls_per_s: float, waits_s: Sequence[float]) -> None:
        """Take note of an attempt to book calls of an App; no waits: there was no place."""
        self._limits.labels(app).set(calls_per_s)
        self._slots.labels(app).inc(len(waits_s))
        self._full.labels(app).inc(not waits_s)
        for wait_s in waits_s:
            self._waits.labels(app).observe(max(wait_s, 0.0))

    def slowed_down(self, app: str) -> None:
        """Count a call of an App that was refused as one too many."""
        self._slowed.labels(app).inc()

    def specs_loaded(self, *, sound: bool) -> None:
        """Count a load of the specs."""
        self._loads.labels("sound" if sound else "errors").inc()

    def source_failed(self) -> None:
        """Count a time at which the newest specs could not be had."""
        self._source_failures.inc()

    def state_failed(self) -> None:
        """Count a time at which state could not be read or written."""
        self._state_errors.inc()

    def event_told(self, kind: str, reason: str) -> None:
        """Count an event by its type and its reason, which are fixed codes."""
        self._events.labels(kind, reason).inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"reconciler_{name}", meaning, labels, registry=self._registry)

    def _histogram(
        self, name: str, meaning: str, bounds: Sequence[float], *labels: str
    ) -> Histogram:
        registry = self._registry
        return Histogram(f"reconciler_{name}", meaning, labels, registry=registry, buckets=bounds)

    def _prepare(self) -> None:
        """Begin at zero what alerts watch: an increase from nothing is not seen as one."""
        for kind in (kind for kind in Kind if kind not in {Kind.WAIT, Kind.NONE}):
            for outcome in OUTCOMES:
                self._actions.labels(str(kind), outcome)
        for result in get_args(Receipt):
            self._notifications.labels(OTHER, result)
        for result in ("sound", "errors"):
            self._loads.labels(result)


class _Dateless(Collector):
    """A registry without the twin of each counter that tells, by the wall, when it was made."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Return what the registry has."""
        for family in self._registry.collect():
            family.samples = [each for each in family.samples if not _is_date(each.name)]
            yield family


def _is_date(sample: str) -> bool:
    return sample.endswith("_created")


class _AtScrape(Collector):
    """The gauges, read when they are asked for."""

    def __init__(self, facts: Callable[[], Facts | None], failed: Callable[[], None]) -> None:
        self._facts = facts
        self._failed = failed

    def describe(self) -> Iterable[Metric]:
        """Return nothing: else the library would ask for the facts before there are any."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Return the gauges, but for those of facts that cannot be had."""
        yield InfoMetricFamily(
            "reconciler_build",
            "This program.",
            {"version": __version__, "python": platform.python_version()},
        )
        try:
            facts = self._facts()
        except StateError:
            self._failed()
            return
        if facts is None:  # it stands by, and state is well
            return
        yield from _of_rows(facts.rows)
        yield from _of_daemon(facts)
        yield _by("recording_wanted", "Seconds to be recorded, last 24 h.", facts.wanted_s)
        yield _by("recording_covered", "Of these, seconds recorded.", facts.covered_s)


def _of_rows(rows: Sequence[Row]) -> Iterator[Metric]:
    views: tuple[tuple[str, Iterable[str], Count[str]], ...] = (
        ("phase", map(str, Phase), Count(str(row.phase) for row in rows)),
        ("sync", get_args(Sync), Count[str](row.sync for row in rows)),
        ("health", get_args(Health), Count[str](row.health for row in rows)),
    )
    for label, values, counts in views:
        family = GaugeMetricFamily(
            f"reconciler_recordings_by_{label}", f"Replicas by {label}.", labels=[label]
        )
        for value in values:
            family.add_metric([value], counts[value])
        yield family
    desired = sum(row.desired == "recording" for row in rows)
    yield _gauge("recordings_desired", "Replicas that are to record now.", desired)


def _of_daemon(facts: Facts) -> Iterator[Metric]:
    yield _gauge("sessions", "Sessions that may live, orphans too.", facts.sessions)
    yield _gauge("orphans", "Sessions that may live where no call reaches them.", facts.orphans)
    yield _gauge("queue_depth", "Recordings that are due and wait for their pass.", facts.queued)
    if facts.pass_age_s is not None:
        yield _gauge("last_pass_age_seconds", "Since the last pass ended.", facts.pass_age_s)
    yield InfoMetricFamily(
        "reconciler_source", "The commit of the specs.", {"commit": facts.commit}
    )
    yield _gauge("spec_errors", "Errors in the specs as last read.", facts.spec_errors)
    yield _gauge("guarded_actions", "Actions that a guard holds.", facts.guarded)
    yield _gauge("loop_lag_seconds", "How late the event loop last turned.", facts.loop_lag_s)
    yield _gauge("apps_owned", "App IDs that this process works on.", facts.apps_owned)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"reconciler_{name}", meaning, value)


def _by(name: str, meaning: str, seconds: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"reconciler_{name}_seconds", meaning, labels=["recording"])
    for recording, value in seconds.items():
        family.add_metric([recording], value)
    return family


def _word(outcome: Outcome) -> str:
    match outcome:
        case Done():
            return "done"
        case RequeueAfter():
            return "requeue"
        case Retry():
            return "retry"
        case Stalled():
            return "stalled"
        case _:
            assert_never(outcome)
