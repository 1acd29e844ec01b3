import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given

from reconciler.cli.plan_markdown import plan_markdown
from reconciler.cli.report import one_line
from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.plan.action import Action, Cause, FieldChange, Key, Kind, Plan
from reconciler.spec.mapping import Change as Effect
from tests.cli.made_plans import plans
from tests.golden.plans import EMPTY, PLAN, REFUSED

ALLOWED = {"code", "details", "summary", "p", "pre"}
ATTRIBUTES: list[list[tuple[str, str | None]]] = [[], [("open", None)], [("lang", "diff")]]


class Tags(HTMLParser):
    """Reads the page as HTML, and fails on a tag that is not closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.codes: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        assert attrs in ATTRIBUTES
        self.open.append(tag)
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.codes[-1] += data.replace("\u200b", "")

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def many(count: int, kind: Kind = Kind.START, changes: int = 0) -> tuple[Action, ...]:
    change = FieldChange("layout.background.color", "<" * 400, ">" * 400, Effect.LAYOUT)
    return tuple(
        Action(
            key=Key(f"{kind}-{number:05}"),
            kind=kind,
            reason="new",
            message="a message of a common length, as they are",
            cause=Cause.SPEC,
            changes=(change,) * changes,
        )
        for number in range(count)
    )


def left_out(page: str) -> tuple[int, int]:
    found = re.search(r"(\d+) recordings in the table, the details of (\d+)\.", page)
    return (int(found[1]), int(found[2])) if found else (0, 0)


@given(plans)
@example(replace(PLAN, actions=many(2000)))
@example(replace(PLAN, actions=many(300, changes=5)))
@example(replace(PLAN, actions=many(3, changes=500)))
def test_any_plan_fits_a_comment_with_every_tag_closed(plan: Plan) -> None:
    page = plan_markdown(plan)
    assert len(page) < 60_000
    assert len(page.encode()) <= 65_000
    assert Tags(page).open == []


@given(plans)
def test_nothing_of_a_plan_becomes_markup_a_mention_or_a_link(plan: Plan) -> None:
    page = plan_markdown(plan)
    assert not re.search(r"[@`\[\]\\~]|://|https?:/|^#(?!## Recordings of )", page, re.MULTILINE)
    outside = re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)
    assert not re.search(r"www\.", outside, re.IGNORECASE)
    assert not re.search("&#64;(?!&#8203;)", outside)
    assert page.isascii() or page.replace("\n", "").isprintable()


@given(plans)
def test_every_row_has_three_cells_and_names_are_shown_as_they_are(plan: Plan) -> None:
    page = plan_markdown(plan)
    rows = [line for line in page.splitlines() if line.startswith("| <code>")]
    told = [action for action in plan.actions if action.kind is not Kind.NONE]
    assert len(rows) == len(told) - left_out(page)[0]
    assert all(row.count("|") == 4 for row in rows)
    shown = {name for name in Tags(page).codes if "…" not in name}
    names = {one_line(str(action.key)) for action in told} | {one_line(plan.scope)}
    assert {" ".join(name.split()) for name in shown} <= {" ".join(name.split()) for name in names}


def test_what_is_left_out_is_counted() -> None:
    page = plan_markdown(replace(PLAN, actions=many(5000)))
    rows, details = page.count("| <code>"), page.count("<details>") - 1
    assert 0 < details < 5000
    assert 0 < rows < 5000
    assert left_out(page) == (5000 - rows, 5000 - details)


def test_a_plan_that_fits_leaves_nothing_out() -> None:
    assert "Left out" not in plan_markdown(PLAN)


def test_changes_come_first_then_errors_then_waits() -> None:
    actions = (*many(400, Kind.WAIT), *many(400, Kind.ERROR), *many(20, Kind.STOP))
    page = plan_markdown(replace(EMPTY, actions=actions))
    rows = re.findall(r"^\| <code>([a-z]+)-", page, re.MULTILINE)
    assert rows == ["stop"] * 20 + ["error"] * 400 + ["wait"] * (len(rows) - 420)
    assert len(rows) > 420
    assert page.count("<summary><code>stop-") == 20


def test_one_recording_with_thousands_of_changes_pushes_out_no_other() -> None:
    actions = (*many(1, Kind.UPDATE, changes=2000), *many(30, Kind.START))
    page = plan_markdown(replace(EMPTY, actions=actions))
    assert left_out(page) == (0, 0)
    assert re.search(r"<p>... and \d+ more changes</p>", page)


def test_an_empty_plan_is_one_line() -> None:
    assert plan_markdown(EMPTY).count("\n") == 1


def test_a_refusal_stands_before_the_table_and_only_there() -> None:
    page = plan_markdown(REFUSED)
    assert page.index("> **Refused:** ") < page.index("| recording |")
    assert page.count("4 sessions of 10") == 1


@pytest.mark.parametrize(
    ("severity", "fold"), [("error", "<details open>"), ("warning", "<details>")]
)
def test_errors_are_unfolded(severity: str, fold: str) -> None:
    problem = Diagnostic(Position("a.yaml"), "", Severity(severity), "code", "text")
    page = plan_markdown(replace(EMPTY, diagnostics=(problem,)))
    assert f"{fold}<summary>1 diagnostic</summary>" in page


def test_thousands_of_diagnostics_are_counted_errors_first() -> None:
    def found(severity: Severity) -> list[Diagnostic]:
        place = [Position("a.yaml", line) for line in range(1, 2001)]
        return [Diagnostic(each, "", severity, "code", "text") for each in place]

    page = plan_markdown(
        replace(PLAN, diagnostics=(*found(Severity.WARNING), *found(Severity.ERROR)))
    )
    shown = page.count("error&#91;code")
    assert "warning&#91;" not in page
    assert f"<p>... and {4000 - shown} more</p>" in page
