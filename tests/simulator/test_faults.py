"""Fault rules: which calls they hit, what they do, and what is no rule."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.simulator.faults import Faults
from reconciler.simulator.faults_file import read_faults
from reconciler.simulator.settings import Settings, Tuning
from reconciler.simulator.shape import ShapeError
from tests.simulator.support import Caller, codes, mix

BUSY = {"status": 504, "code": 62, "reason": "request timeout"}
CALL = {"endpoint": "query", "mode": "mix", "cname": "c", "uid": "1"}


def rule(**given: Any) -> dict[str, Any]:
    return {"endpoint": "query", "effect": BUSY, **given}


def hits(given: Any, calls: int = 12) -> list[int]:
    """Return which of so many calls a rule makes go wrong, counted from 1."""
    faults = Faults(seed=0)
    faults.add(given)
    return [number for number in range(1, calls + 1) if faults.strike(dict(CALL)) is not None]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule(), list(range(1, 13))),
        (rule(nth=3), [3]),
        (rule(nth=[1, 4]), [1, 4]),
        (rule(every=5), [5, 10]),
        (rule(times=2), [1, 2]),
        (rule(every=3, times=2), [3, 6]),
        (rule(probability=0), []),
        (rule(probability=1), list(range(1, 13))),
        (rule(endpoint="*"), list(range(1, 13))),
        (rule(endpoint="stop"), []),
        (rule(cname="c", uid="1", mode="mix"), list(range(1, 13))),
        (rule(cname="d"), []),
        (rule(uid="2"), []),
        (rule(mode="web"), []),
    ],
)
def test_a_rule_hits_the_calls_that_it_names(given: Any, expected: list[int]) -> None:
    assert hits(given) == expected


def test_chance_repeats_itself_with_the_seed() -> None:
    some = hits(rule(probability=0.5, seed=1), 200)
    assert some == hits(rule(probability=0.5, seed=1), 200)
    assert some != hits(rule(probability=0.5, seed=2), 200)
    assert 60 < len(some) < 140


def test_the_first_rule_that_fires_decides_and_all_count() -> None:
    faults = Faults(seed=0)
    first = faults.add(rule(nth=2))
    second = faults.add(rule(nth=[1, 2, 3]))
    struck = [faults.strike(dict(CALL)) for _ in range(4)]
    assert struck == [second, first, second, None]
    assert (first.seen, second.seen) == (4, 4)


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {},
        {"endpoint": "query"},
        {"effect": BUSY},
        rule(endpoint="delete"),
        rule(nth=0),
        rule(nth=[]),
        rule(nth=[1.5]),
        rule(every=0),
        rule(probability=1.1),
        rule(times=0),
        rule(unheard=1),
        rule(id="a/b"),
        rule(id=""),
        rule(effect={}),
        rule(effect={"code": 1}),
        rule(effect={"processed": True}),
        rule(effect={"status": 204}),
        rule(effect={"status": 100}),
        rule(effect={"status": 600}),
        rule(effect={"delay_s": -1}),
        rule(effect={"drop": "never"}),
        rule(effect={"then": {}}),
        rule(effect={"then": {"order": "explode"}}),
        rule(effect={"then": {"order": "failover", "seconds": 91}}),
        rule(effect={"then": {"order": "kill", "seconds": 1}}),
        rule(effect={"then": {"order": "kill", "after_s": -1}}),
    ],
)
def test_what_is_no_rule_is_refused(given: Any) -> None:
    with pytest.raises(ShapeError):
        Faults(seed=0).add(given)


def test_of_several_rules_all_are_taken_or_none() -> None:
    faults = Faults(seed=0)
    with pytest.raises(ShapeError, match="rule 2"):
        faults.add_all([rule(), {}])
    assert faults.rules == {}


def test_there_is_an_end_to_rules() -> None:
    faults = Faults(seed=0)
    faults.add_all([rule(id=str(number)) for number in range(1_000)])
    faults.add(rule(id="7", nth=1))
    with pytest.raises(ShapeError, match="1000"):
        faults.add(rule())


def caller(*rules: Any) -> Caller:
    return Caller(Settings(tuning=Tuning(qps=1_000)), faults=rules)


def test_a_faulty_answer_stands_for_a_call_that_was_not_processed() -> None:
    simulated = caller(rule(endpoint="start", nth=1))
    resource_id = simulated.resource()
    answer = simulated.start(resource_id, "mix", mix())
    assert (answer.status, answer.body) == (504, {"code": 62, "reason": "request timeout"})
    assert simulated.gateway.world.sessions == {}
    assert codes(simulated.start(resource_id, "mix", mix())) == (200, 0)


def test_a_faulty_answer_can_hide_a_call_that_was_processed() -> None:
    simulated = caller(rule(endpoint="start", nth=1, effect=BUSY | {"processed": True}))
    resource_id = simulated.resource()
    assert codes(simulated.start(resource_id, "mix", mix())) == (504, 62)
    assert len(simulated.gateway.world.active) == 1
    assert codes(simulated.start(resource_id, "mix", mix())) == (201, 7)


@pytest.mark.parametrize(
    ("effect", "body"),
    [
        ({"status": 500, "body": [1]}, [1]),
        ({"status": 500, "body": {"sid": "", "code": 15}}, {"sid": "", "code": 15}),
        ({"status": 502}, {}),
        ({"status": 401, "message": "m"}, {"message": "m"}),
    ],
)
def test_any_answer_can_be_ordered(effect: Any, body: Any) -> None:
    answer = caller(rule(endpoint="acquire", effect=effect)).acquire()
    assert (answer.status, answer.body) == (effect["status"], body)


def test_a_start_can_be_accepted_and_doomed() -> None:
    then = {"order": "fail", "cause": "storage", "after_s": 3}
    simulated = caller(rule(endpoint="start", nth=2, effect={"then": then}))
    first = simulated.running(cname="a", uid="1")
    second = simulated.running(cname="b", uid="1")
    simulated.wait(8)
    assert first.response["status"] == 5
    assert codes(second.query()) == (404, 404)


def test_an_order_that_comes_too_late_does_nothing() -> None:
    then = {"order": "failover", "after_s": 0.5}
    simulated = caller(rule(endpoint="stop", effect={"then": then}))
    running = simulated.running()
    simulated.wait(5)
    assert running.stop().status == 200
    simulated.wait(5)
    assert "order refused" in [line["what"] for line in running.session.history]


def test_rules_hit_queries_by_the_names_of_their_session() -> None:
    simulated = caller(rule(cname="a", uid="1"))
    assert codes(simulated.running(cname="a", uid="1").query()) == (504, 62)
    assert codes(simulated.running(cname="b", uid="1").query()) == (200, 0)


def test_the_log_names_the_rule() -> None:
    simulated = caller(rule(id="busy"))
    simulated.running().query()
    assert [call.fault for call in simulated.gateway.log.since(0, 9)] == [None, None, "busy"]


def test_calls_that_a_gateway_refuses_do_not_count() -> None:
    simulated = caller(rule(endpoint="*"))
    simulated.send("GET", "/nowhere")
    simulated.send("POST", "/v1/apps/x/cloud_recording/acquire")
    (fault,) = simulated.gateway.faults.rules.values()
    assert fault.seen == 0


def test_a_file_holds_a_list_of_rules(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(
        "faults:\n"
        "  # the answer to the second start gets lost\n"
        "  - {endpoint: start, nth: 2, effect: {drop: after}}\n"
        "  - endpoint: '*'\n"
        "    probability: 0.1\n"
        "    effect: {status: 504, code: 62}\n",
        encoding="utf-8",
    )
    first, second = read_faults(path)
    assert first == {"endpoint": "start", "nth": 2, "effect": {"drop": "after"}}
    assert second == {"endpoint": "*", "probability": 0.1, "effect": {"status": 504, "code": 62}}


def test_a_file_may_be_the_list_itself(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {endpoint: stop, effect: {delay_s: 1}}\n", encoding="utf-8")
    assert len(read_faults(path)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faults: [", "is no YAML"),
        ("a: &a [*a]", "holds"),
        ("!tag x", "is no YAML"),
        ("faults: 7", "holds no list"),
        ("", "holds no list"),
        ("- 2026-01-01", "holds something else"),
        ("- .nan", "holds something else"),
        ("- endpoint: start\n- {}", "rule 1"),
        ("- {endpoint: start, endpoint: stop}", "is no YAML"),
        ("\u0000", "is no YAML"),
    ],
)
def test_a_file_that_holds_no_rules_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said) as caught:
        read_faults(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_faults(tmp_path / "missing.yaml")
    path = tmp_path / "faults.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        read_faults(path)
