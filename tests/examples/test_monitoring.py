"""Alerts and dashboard ask for what the daemon tells, and for nothing else."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.agora.messages import Endpoint
from reconciler.cli.main import COMMANDS
from reconciler.daemon.metrics import Facts, Metrics, Receipt
from reconciler.engine.outcome import Done, RequeueAfter, Retry, Stalled
from reconciler.plan.action import Kind
from reconciler.plan.result import OUTCOMES, Problem
from tests.examples.setups import EXAMPLES, document

MONITORING = EXAMPLES / "monitoring"
OF_PROMETHEUS = {"up": {"job", "instance"}}
OF_THE_SCRAPE = {"job", "instance"}
ANSWERS = ("200", "401", "403", "429", "500", "502", "timeout", "unreached")
MEASURED = {
    "RecordingMissing": "a wanted recording does not record",
    "RecordingNotCovered": "coverage is below what was wanted",
    "OrphanedSession": "orphans",
    "GuardHolds": "a guard holds",
    "SpecErrors": "errors of specs stand",
    "SourceNotFetched": "the source cannot be fetched",
    "NoPasses": "passes do not happen",
    "StateErrors": "errors of state",
    "BudgetSaturated": "the budget is used up",
    "NotificationsSilent": "no notifications come",
    "NotificationsLate": "notifications lag",
    "SessionsFailedOrMissing": "sessions failed or missing",
    "ReconcilerDown": "no daemon",
}
NAME = re.compile(r"\b(?:reconciler|process)_\w+|\bup\b(?=[{)])")
MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")


def facts() -> Facts:
    return Facts(
        rows=(),
        sessions=0,
        orphans=0,
        queued=0,
        pass_age_s=1.0,
        commit="c",
        spec_errors=0,
        guarded=0,
        wanted_s={"lobby": 1.0},
        covered_s={"lobby": 1.0},
        loop_lag_s=0.0,
        apps_owned=1,
    )


def told() -> Metrics:
    """Return metrics to which everything has happened once."""
    metrics = Metrics(facts)
    for kind in Kind:
        for outcome in OUTCOMES:
            metrics.action_ended(kind, outcome)
    for endpoint in Endpoint:
        for answer in ANSWERS:
            metrics.call_ended(str(endpoint), answer)
    problem = Problem("code", "sentence")
    for ended in (Done(), RequeueAfter(1.0, "wait"), Retry(problem), Stalled(problem)):
        metrics.pass_ended(ended, 0.1)
    for result in get_args(Receipt):
        metrics.notified(11, result, 0.1)
    metrics.booked("default", 10.0, [0.1])
    metrics.slowed_down("default")
    metrics.event_told("normal", "started")
    return metrics


def exported() -> dict[str, dict[str, set[str]]]:
    """Return what `/metrics` has: each sample's labels, with the values that they may have."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for family in text_string_to_metric_families(told().text().decode()):
        for sample in family.samples:
            labels = found[sample.name]
            for label, value in sample.labels.items():
                labels[label].add(value)
    return found


EXPORTED = exported()


def rules() -> list[dict[str, Any]]:
    groups = document(MONITORING / "alerts.yaml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def board() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    return read


def panels() -> list[dict[str, Any]]:
    return [panel for panel in board()["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]


EXPRESSIONS = dict(expressions())
each_expression = pytest.mark.parametrize("expr", EXPRESSIONS.values(), ids=list(EXPRESSIONS))


@each_expression
def test_an_expression_asks_for_metrics_that_there_are(expr: str) -> None:
    names = set(NAME.findall(expr))
    assert names
    assert names - set(EXPORTED) - set(OF_PROMETHEUS) == set()


@each_expression
def test_an_expression_picks_values_that_there_may_be(expr: str) -> None:
    possible: dict[str, set[str]] = defaultdict(set)
    for name in NAME.findall(expr):
        for label, values in EXPORTED.get(name, {}).items():
            possible[label] |= values
    for label, operator, wanted in MATCHER.findall(expr):
        if label in OF_THE_SCRAPE:
            continue
        parts = wanted.split("|") if operator in {"=~", "!~"} else [re.escape(wanted)]
        for part in parts:
            assert any(re.fullmatch(part, value) for value in possible[label]), (label, part)


@each_expression
def test_an_expression_groups_by_labels_that_there_are(expr: str) -> None:
    labels = {label for name in NAME.findall(expr) for label in EXPORTED.get(name, {})}
    grouped = {
        label.strip()
        for group in re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", expr)
        for label in group.split(",")
    }
    assert grouped - labels - OF_THE_SCRAPE == set()


@each_expression
def test_an_expression_is_promql(expr: str) -> None:
    promql = pytest.importorskip("promql_parser")
    found: set[str] = set()

    def look(node: Any) -> None:
        if isinstance(node, promql.VectorSelector):
            found.add(node.name)

    promql.walk(promql.parse(expr), pre_visit=look)
    assert found == set(NAME.findall(expr))


def test_what_is_no_promql_would_be_seen() -> None:
    promql = pytest.importorskip("promql_parser")
    with pytest.raises(ValueError, match=r"."):
        promql.parse("sum by (job (up)")


def test_a_counter_is_read_by_its_growth_or_by_its_being_new() -> None:
    counter = r"(?<!rate\()(?<!increase\()\b(?:reconciler|process)_\w+_(?:total|count|bucket)\b"
    plain = {name for name, expr in EXPRESSIONS.items() if re.search(counter, expr)}
    assert plain == {"CredentialsRefused"}
    assert " unless " in EXPRESSIONS["CredentialsRefused"]


@pytest.mark.parametrize("alert", MEASURED)
def test_there_is_an_alert_for_what_has_to_be_known(alert: str) -> None:
    assert [rule["alert"] for rule in rules()].count(alert) == 1


def test_every_alert_waits_is_graded_and_says_what_it_means() -> None:
    for rule in rules():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"\d+m", rule["for"])
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_the_page_names_every_alert() -> None:
    page = (MONITORING / "README.md").read_text(encoding="utf-8")
    table = page.split("| alert |")[1]
    assert set(re.findall(r"`([A-Z]\w+)`", table)) == {rule["alert"] for rule in rules()}


def test_commands_in_alerts_are_commands_of_the_program() -> None:
    texts = json.dumps(rules())
    assert set(re.findall(r"`reconciler ([a-z-]+)", texts)) - set(COMMANDS) == set()


def test_prometheus_scrapes_with_the_token_and_reads_the_rules() -> None:
    read = document(MONITORING / "prometheus.yaml")
    (job,) = read["scrape_configs"]
    assert [(MONITORING / name).is_file() for name in read["rule_files"]] == [True]
    assert job["authorization"]["type"] == "Bearer"
    assert "credentials" not in job["authorization"]
    asked = re.findall(r'up\{job="([^"]*)"\}', json.dumps(rules()).replace('\\"', '"'))
    assert set(asked) == {job["job_name"]}


def test_every_panel_says_what_it_shows_and_in_what_unit() -> None:
    for panel in panels():
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
    names = [panel["title"] for panel in panels()]
    assert sorted(set(names)) == sorted(names)


def test_the_dashboard_reads_from_the_source_and_the_scope_that_are_chosen() -> None:
    chosen = [each["name"] for each in board()["templating"]["list"]]
    assert chosen == ["datasource", "job"]
    for panel in panels():
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {each["uid"] for each in sources} == {"${datasource}"}
        assert [
            each["expr"] for each in panel["targets"] if '{job="$job"' not in each["expr"]
        ] == []


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board()["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in board()["panels"]}) == len(board()["panels"])
