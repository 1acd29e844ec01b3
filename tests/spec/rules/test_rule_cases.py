"""Each rule finds what breaks it, at its place, and nothing else."""

import pytest

from reconciler.diagnostics import Severity
from reconciler.spec.rules.rule import Rule
from reconciler.spec.rules.table import RULES
from reconciler.spec.wire import Mode
from tests.spec.rules import bodies
from tests.spec.rules.cases import Case, cases, found

BREAKING = [case for case in cases() if case.breaks]
HOLDING = [case for case in cases() if not case.breaks]


@pytest.mark.parametrize("mode", Mode)
def test_a_sound_body_has_no_findings(mode: Mode) -> None:
    assert found(bodies.body(mode)) == frozenset()


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_body_has_the_findings_of_its_row(case: Case) -> None:
    assert found(case.body) == case.finds


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_a_breaking_case_of_each_severity_that_its_summary_names(rule: Rule) -> None:
    named = {
        severity
        for word, severity in (("refuse", Severity.ERROR), ("warn", Severity.WARNING))
        if word in rule.summary.lower()
    }
    shown = {
        Severity(severity)
        for case in BREAKING
        for rule_id, severity, _ in (find.split(" ", 2) for find in case.finds)
        if rule_id == rule.id == case.rule_id
    }
    assert shown == named
    assert named


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_a_holding_case_in_a_mode_that_it_judges(rule: Rule) -> None:
    modes = {case.body.mode for case in HOLDING if case.rule_id == rule.id}
    assert modes & rule.modes
