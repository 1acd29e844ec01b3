import io
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.console import Console
from reconciler.cli.plan_text import UNCHANGED_SHOWN_MAX, WARNINGS_SHOWN_MAX, plan_text
from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.draw.text import cells
from reconciler.plan.action import SECRET_SHOWN, Action, Cause, FieldChange, Key, Kind, Plan
from reconciler.plan.reasons import Reason
from reconciler.spec.mapping import Change as Effect
from tests.cli.made_plans import plans
from tests.golden.plans import EMPTY, PLAN, REFUSED, REQUESTS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(plan: Plan, columns: int = 100) -> list[str]:
    console = Console(io.StringIO(), io.StringIO(), {"COLUMNS": str(columns)})
    return list(plan_text(plan, console))


def idle(number: int, reason: Reason = Reason.OUTSIDE_SCHEDULE) -> Action:
    key = Key(f"closed-{number}")
    return Action(key=key, kind=Kind.NONE, reason=reason, message="closed", cause=Cause.SCHEDULE)


def changed(before: object, after: object) -> Plan:
    change = FieldChange("a.field", before, after, Effect.UPDATE)
    action = replace(PLAN.actions[0], kind=Kind.UPDATE, changes=(change,))
    return replace(EMPTY, actions=(action,))


@given(plans, st.integers(1, 200))
def test_any_plan_fits_the_terminal(plan: Plan, columns: int) -> None:
    *shown, summary = lines(replace(plan, diagnostics=()), columns)
    assert all(cells(line) <= max(columns, 40) for line in shown)
    assert summary.startswith("Plan: ")


@given(plans)
def test_no_plan_moves_the_cursor(plan: Plan) -> None:
    assert all(line.isprintable() for line in lines(plan))


@given(plans)
def test_every_action_that_is_not_none_has_its_line_and_every_change_its_values(plan: Plan) -> None:
    wide = "\n".join(lines(plan, 100_000))
    told = [action for action in plan.actions if action.kind is not Kind.NONE]
    assert wide.count(" -> ") >= sum(len(action.changes) for action in told)
    assert wide.count("remembered)") + wide.count("observed)") >= sum(
        len(action.changes) for action in told
    )


def test_colour_is_for_terminals_only() -> None:
    terminal = Console(Terminal(), io.StringIO(), {"COLUMNS": "100"})
    assert any("\x1b[" in line for line in plan_text(PLAN, terminal))
    no_colour = Console(Terminal(), io.StringIO(), {"COLUMNS": "100", "NO_COLOR": "1"})
    assert not any("\x1b[" in line for line in plan_text(PLAN, no_colour))


def test_what_is_in_sync_is_only_counted() -> None:
    assert lines(EMPTY) == ["Plan: nothing to do; 7 unchanged, 0 waiting, 0 errors."]


def test_other_unchanged_recordings_are_named_up_to_a_number() -> None:
    few = replace(EMPTY, actions=tuple(idle(number) for number in range(UNCHANGED_SHOWN_MAX)))
    many = replace(EMPTY, actions=tuple(idle(number) for number in range(10_000)))
    assert "more" not in "".join(lines(few))
    assert f".   ... and {10_000 - UNCHANGED_SHOWN_MAX} more (--format json)" in lines(many)
    assert len(lines(many)) == UNCHANGED_SHOWN_MAX + 3


@pytest.mark.parametrize("offset_s", [5400, -10])
def test_a_closed_recording_says_when_it_opens(offset_s: int) -> None:
    action = replace(idle(1), until_s=EMPTY.now_s + offset_s)
    said = "\n".join(lines(replace(EMPTY, actions=(action,))))
    assert ("(until 2025-12-01T11:30:00Z, in 1h30m)" in said) is (offset_s > 0)
    assert ("now)" in said) is (offset_s < 0)


def test_a_moment_that_the_message_names_is_not_named_twice() -> None:
    action = replace(idle(1), message="opens 2025-12-01T11:30:00Z", until_s=EMPTY.now_s + 5400)
    assert lines(replace(EMPTY, actions=(action,)))[0].endswith(
        "opens 2025-12-01T11:30:00Z (in 1h30m)"
    )


def test_a_refusal_stands_at_the_end_and_only_there() -> None:
    said = lines(REFUSED)
    assert said[-4].startswith("Refused: ")
    assert "--allow-stops 4" in said[-3]
    assert "\n".join(said).count(REFUSED.refused) == 1


def test_requests_are_printed_whole_below_their_action() -> None:
    console = Console(io.StringIO(), io.StringIO(), {"COLUMNS": "40"})
    said = list(plan_text(REFUSED, console, requests=REQUESTS))
    place = said.index(
        "    POST /v1/apps/{appId}/cloud_recording/resourceid/resource-of-archive/stop"
    )
    assert said[place + 1 : place + 3] == ["      {", '        "cname": "archive",']


def test_the_legend_explains_only_what_occurs() -> None:
    said = "\n".join(lines(changed(1, 2)))
    assert "remembered: " in said
    assert "observed: " not in said
    assert "local: " not in said


def test_an_error_is_always_written_and_the_same_warning_folded() -> None:
    def found(severity: Severity, count: int) -> list[Diagnostic]:
        place = [Position("a.yaml", line) for line in range(1, count + 1)]
        return [Diagnostic(each, "", severity, "some-code", "text") for each in place]

    more = 5
    problems = (*found(Severity.ERROR, 40), *found(Severity.WARNING, WARNINGS_SHOWN_MAX + more))
    said = lines(replace(EMPTY, diagnostics=problems))
    assert sum("error[some-code]" in line for line in said) == 40
    assert sum("warning[some-code]" in line for line in said) == WARNINGS_SHOWN_MAX
    assert "... and 5 more like `some-code` (--format json lists them all)" in said


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("5", 5, '"5" -> 5'),
        (Fraction(1, 2), 1.5, '"1/2" -> 1.5'),
        (None, "", '(not set) -> ""'),
        (SECRET_SHOWN, SECRET_SHOWN, "(secret) -> (secret)"),
        (frozenset({10, 9}), {9, 10, 11}, "[9, 10] -> [9, 10, 11]"),
        (("b", "a"), ("a", "b"), '["b", "a"] -> ["a", "b"]'),
        ({"x": 1}, {"x": [True]}, '{"x": 1} -> {"x": [true]}'),
        (list(range(50)), list(range(1, 51)), "50 entries -> 50 entries: -0 +50"),
        (list(range(50)), list(range(49, -1, -1)), "50 entries -> 50 entries, in another order"),
        ("a" * 90 + "1" + "b" * 90, "a" * 90 + "2" + "b" * 90, "1bbbbbbbbbbb"),
    ],
)
def test_values_are_written_so_that_their_difference_shows(
    before: object, after: object, shown: str
) -> None:
    assert shown in "\n".join(lines(changed(before, after)))
