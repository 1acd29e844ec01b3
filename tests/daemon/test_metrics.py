"""What Prometheus reads, and what is told to it (docs/guide/http.md, "Metrics")."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from reconciler.agora.budget import AHEAD_S_MAX, Limit, MemoryBudget
from reconciler.agora.client import Client
from reconciler.agora.http import Http
from reconciler.agora.messages import Endpoint
from reconciler.daemon.meter import MeteredBudget, MeteredWire
from reconciler.daemon.metrics import Facts, Metrics
from reconciler.engine.outcome import Done, RequeueAfter, Retry, Stalled
from reconciler.errors import StateError
from reconciler.plan.action import Kind
from reconciler.plan.result import Problem
from reconciler.plan.session import Phase
from reconciler.plan.status import status_rows
from tests.agora.support import (
    APP_ID,
    CUSTOMER_ID,
    CUSTOMER_SECRET,
    THROTTLED,
    A,
    Answer,
    LoopClock,
    Network,
    Service,
    make_call,
    project,
    virtual_time,
)
from tests.architecture.repository import ROOT
from tests.golden.plans import NOW_S
from tests.golden.statuses import LIVES, RECORDED

ROWS = status_rows(RECORDED, LIVES, NOW_S)
FACTS = Facts(
    rows=ROWS,
    sessions=12,
    orphans=2,
    queued=3,
    pass_age_s=1.5,
    commit="0123abc",
    spec_errors=1,
    guarded=4,
    wanted_s={"steady": 3600.0},
    covered_s={"steady": 3000.5},
    loop_lag_s=0.01,
    apps_owned=2,
)
PROBLEM = Problem("code", "a sentence")
FAMILY = re.compile(r"^# HELP (reconciler_\w+) (.*)\n# TYPE \1 (\w+)$", re.MULTILINE)
LINE = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", re.MULTILINE)

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(metrics: Metrics) -> dict[Sample, float]:
    """Read the text as Prometheus does: name and labels to value."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((f"reconciler_{name}", frozenset(labels.items())))


def by(metrics: Metrics, name: str, label: str) -> dict[str, float]:
    """Return the values of a metric that are not zero, by one label."""
    found = ((dict(of), number) for (each, of), number in samples(metrics).items() if each == name)
    return {labels[label]: number for labels, number in found if number}


def used() -> Metrics:
    """Return metrics that everything was told to once."""
    metrics = Metrics(lambda: FACTS)
    metrics.action_ended(Kind.START, "done")
    metrics.call_ended("query", "200")
    metrics.pass_ended(Done(), 0.1)
    metrics.notified(11, "taken", 0.5)
    metrics.booked("main", 10, (0.0, 0.1))
    metrics.slowed_down("main")
    metrics.specs_loaded(sound=True)
    metrics.event_told("normal", "started")
    return metrics


def test_the_guide_lists_every_metric_with_its_type_labels_and_meaning() -> None:
    listed = LINE.findall((ROOT / "docs/guide/http.md").read_text(encoding="utf-8"))
    assert listed == list(table(used().text().decode()))


def table(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Return name, type, labels and meaning of the metrics of our own."""
    for name, meaning, kind in FAMILY.findall(text):
        labels = re.search(rf"^{name}(?:_count)?{{(.*)}} ", text, flags=re.MULTILINE)
        names = re.findall(r'(\w+)="', labels[1]) if labels else []
        yield name, kind, ", ".join(f"`{each}`" for each in names), meaning


def test_a_metric_that_the_guide_does_not_list_is_found() -> None:
    text = "# HELP reconciler_a_total What.\n# TYPE reconciler_a_total counter\n"
    text += 'reconciler_a_total{b="c",d="e"} 1.0\n'
    assert list(table(text)) == [("reconciler_a_total", "counter", "`b`, `d`", "What.")]


def test_names_have_the_units_at_their_end_and_no_sample_is_a_date() -> None:
    names = {name for name, _ in samples(used())}
    assert not [name for name in names if name.endswith(("_created", "_ms", "_minutes"))]
    ours = {name for name in names if name.startswith("reconciler_")}
    assert {name.rsplit("_", 1)[-1] for name in names - ours} <= {
        "bytes",
        "seconds",
        "fds",
        "total",
    }


def test_two_daemons_in_one_process_count_apart() -> None:
    one, other = used(), Metrics(lambda: FACTS)
    assert value(one, "actions_total", action="start", outcome="done") == 1
    assert value(other, "actions_total", action="start", outcome="done") == 0
    assert not [each for each in REGISTRY.collect() if each.name.startswith("reconciler")]


def test_rows_are_counted_by_phase_sync_and_health() -> None:
    metrics = Metrics(lambda: FACTS)
    for label in ("phase", "sync", "health"):
        expected = Counter(str(getattr(row, label)) for row in ROWS)
        assert by(metrics, f"reconciler_recordings_by_{label}", label) == expected
    desired = sum(row.desired == "recording" for row in ROWS)
    assert value(metrics, "recordings_desired") == desired


def test_a_phase_that_nothing_is_in_is_zero_and_not_absent() -> None:
    metrics = Metrics(lambda: replace(FACTS, rows=()))
    assert {value(metrics, "recordings_by_phase", phase=str(phase)) for phase in Phase} == {0}
    assert value(metrics, "recordings_by_health", health="degraded") == 0


def test_gauges_are_what_the_facts_are_when_asked() -> None:
    now = [FACTS]
    metrics = Metrics(lambda: now[0])
    assert value(metrics, "orphans") == 2
    assert value(metrics, "source_info", commit="0123abc") == 1
    assert value(metrics, "recording_covered_seconds", recording="steady") == 3000.5
    now[0] = replace(FACTS, orphans=0, commit="4567def", pass_age_s=None, covered_s={})
    assert value(metrics, "orphans") == 0
    assert by(metrics, "reconciler_source_info", "commit") == {"4567def": 1}
    assert value(metrics, "last_pass_age_seconds") is None
    assert value(metrics, "recording_covered_seconds", recording="steady") is None


def test_without_state_its_gauges_are_left_out_and_the_rest_stays() -> None:
    def away() -> Facts:
        raise StateError("the state is away")

    metrics = Metrics(away)
    assert value(metrics, "orphans") is None
    assert value(metrics, "state_errors_total") == 1
    assert by(metrics, "reconciler_build_info", "version") != {}


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 1e9)))
def test_any_name_of_a_recording_can_be_read_back(wanted: dict[str, float]) -> None:
    metrics = Metrics(lambda: replace(FACTS, wanted_s=wanted))
    found = {
        dict(labels)["recording"]: number
        for (name, labels), number in samples(metrics).items()
        if name == "reconciler_recording_wanted_seconds"
    }
    assert found == wanted


@given(st.lists(st.integers() | st.none(), min_size=1, max_size=50))
def test_whatever_notifications_say_there_are_few_kinds(kinds: list[int | None]) -> None:
    metrics = Metrics(lambda: FACTS)
    for kind in kinds:
        metrics.notified(kind, "refused")
    assert sum(by(metrics, "reconciler_notifications_total", "kind").values()) == len(kinds)
    assert len({key for key in samples(metrics) if key[0].endswith("notifications_total")}) < 100


def test_a_notification_from_the_future_has_no_lag() -> None:
    metrics = Metrics(lambda: FACTS)
    metrics.notified(11, "taken", -5.0)
    metrics.notified(11, "duplicate")
    assert value(metrics, "notification_lag_seconds_sum") == 0
    assert value(metrics, "notification_lag_seconds_count") == 1


def test_passes_are_counted_by_how_they_ended() -> None:
    metrics = Metrics(lambda: FACTS)
    for outcome in (Done(), RequeueAfter(NOW_S, "later"), Retry(PROBLEM), Stalled(PROBLEM)):
        metrics.pass_ended(outcome, 2.0)
    counted = by(metrics, "reconciler_pass_duration_seconds_count", "outcome")
    assert counted == dict.fromkeys(("done", "requeue", "retry", "stalled"), 1)
    assert value(metrics, "pass_duration_seconds_sum", outcome="done") == 2.0


def test_an_action_that_fails_for_the_first_time_is_an_increase() -> None:
    metrics = Metrics(lambda: FACTS)
    assert value(metrics, "actions_total", action="start", outcome="failed") == 0
    metrics.action_ended(Kind.START, "failed")
    assert value(metrics, "actions_total", action="start", outcome="failed") == 1


@virtual_time
async def test_calls_are_counted_by_endpoint_and_answer() -> None:
    metrics = Metrics(lambda: FACTS)
    client, service, network = metered_client(metrics)
    for endpoint in Endpoint:
        await make_call(client, str(endpoint))
    counted = by(metrics, "reconciler_calls_total", "endpoint")
    assert counted == dict.fromkeys(map(str, Endpoint), 1)
    service.will_answer("query", Answer(status=404, body={"code": 404}))
    await make_call(client, "query")
    assert value(metrics, "calls_total", endpoint="query", answer="404") == 1
    service.will_answer("stop", *[Answer(is_lost=True)] * 9)
    await make_call(client, "stop")
    assert (value(metrics, "calls_total", endpoint="stop", answer="timeout") or 0) > 0
    network.down.add(A)
    await make_call(client, "query")
    assert (value(metrics, "calls_total", endpoint="query", answer="unreached") or 0) > 0


def metered_client(metrics: Metrics) -> tuple[Client, Service, Network]:
    clock, service = LoopClock(), Service()
    network = Network(service)
    wire = MeteredWire(Http(network), metrics)
    budget = MeteredBudget(MemoryBudget(clock), metrics, lambda _: "main")
    return Client(project(), wire, budget, clock, Random(0)), service, network


@virtual_time
async def test_the_budget_is_counted_under_the_name_of_the_manifest() -> None:
    metrics, limit = Metrics(lambda: FACTS), Limit(10)
    names = {"key-of-main": "main"}
    budget = MeteredBudget(MemoryBudget(LoopClock()), metrics, lambda key: names.get(key, ""))
    plain = MemoryBudget(LoopClock())
    assert await budget.book("key-of-main", limit, 3) == await plain.book("a", limit, 3)
    assert value(metrics, "budget_slots_total", app="main") == 3
    assert value(metrics, "budget_wait_seconds_count", app="main") == 3
    assert value(metrics, "budget_limit_calls_per_second", app="main") == 10
    assert value(metrics, "budget_full_total", app="main") == 0
    assert await budget.book("key-of-main", limit, round(10 * AHEAD_S_MAX)) == ()
    assert value(metrics, "budget_full_total", app="main") == 1
    await budget.slow_down("another-key")
    assert by(metrics, "reconciler_budget_slowed_total", "app") == {"other": 1}
    assert "key-of" not in metrics.text().decode()


@virtual_time
async def test_a_slowed_down_budget_is_slower_behind_the_meter_too() -> None:
    metrics = Metrics(lambda: FACTS)
    client, service, _ = metered_client(metrics)
    service.will_answer("query", THROTTLED)
    await make_call(client, "query")
    assert value(metrics, "calls_total", endpoint="query", answer="429") == 1
    assert value(metrics, "budget_slowed_total", app="main") == 1


@virtual_time
async def test_no_label_tells_a_secret_or_an_id() -> None:
    metrics = Metrics(lambda: FACTS)
    client, service, _ = metered_client(metrics)
    for endpoint in Endpoint:
        service.will_answer(str(endpoint), Answer(status=418, body={"message": CUSTOMER_SECRET}))
        await make_call(client, str(endpoint))
    text = metrics.text().decode()
    for hidden in (APP_ID, CUSTOMER_ID, CUSTOMER_SECRET, "527841", "sid-", "resource-", "room"):
        assert hidden not in text
