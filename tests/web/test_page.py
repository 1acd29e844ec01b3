"""The plain page: all that `status` lists, and nothing that a value could smuggle in."""

import base64
import hashlib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.action import Key
from reconciler.plan.session import Session
from reconciler.plan.status import Row, orphans, status_rows
from reconciler.state.store import Condition
from reconciler.web.page import COLUMNS, POLICY, STYLE, page
from reconciler.web.view import View
from tests.cli.made_plans import sessions, texts
from tests.golden.plans import NOW_S, session
from tests.golden.statuses import CONDITIONS, FILES, LIVES, RECORDED

VOID = frozenset({"meta"})
SCOPE_CONDITION = Condition(
    recording="",
    replica=0,
    type="Source",
    status=False,
    reason="fetch-failed",
    message="the branch `main` is gone",
    since_s=NOW_S - 90,
)
VIEW = View(
    scope="default",
    rows=status_rows(RECORDED, LIVES, NOW_S),
    orphans=orphans(LIVES, NOW_S),
    conditions=(SCOPE_CONDITION, *CONDITIONS),
    files=FILES,
    commit="0123abc",
    now_s=NOW_S,
)
EMPTY = replace(VIEW, rows=(), orphans=(), conditions=(), commit="")
HOSTILE = '</table><script>alert(\'1\')</script><style>*{}</style>" onload="x" &lt;\u202e\n'


class Reader(HTMLParser):
    """Reads a page as a browser does: elements, and the text in each cell."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags = Counter[str]()
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open.pop() != tag:
            assert self.open, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_every_row_orphan_and_condition_is_listed() -> None:
    read = Reader(page(VIEW))
    assert read.tags["table"] == read.tags["caption"] == 3
    first = [row[0] for row in read.rows]
    assert first[0] == "Name"
    assert first[1 : 1 + len(VIEW.rows)] == [str(row.key) for row in VIEW.rows]
    lost = [str(Key(each.recording, each.replica)) for each in VIEW.orphans]
    assert first[2 + len(VIEW.rows) :][: len(lost)] == lost
    assert first[-2:] == ["(scope)", "steady"]
    assert "0123abc" in read.said


def test_a_row_says_how_its_recording_is() -> None:
    found = {row[0]: row for row in Reader(page(VIEW)).rows[1 : 1 + len(VIEW.rows)]}
    rows = {str(row.key): row for row in VIEW.rows}
    assert found["steady"] == [
        *("steady", "recording", "running", "synced", "healthy", "1h00m", "in 2d23h", "2", "-")
    ]
    assert found["broken"][-1] == f"{rows['broken'].reason}: {rows['broken'].message}"
    assert found["nightly"][5:8] == ["-", "-", "-"]


def test_an_empty_scope_says_that_nothing_is_there() -> None:
    text = page(EMPTY)
    assert "There is no recording yet." in text
    assert Reader(text).tags["table"] == 0


def test_what_is_not_well_is_counted_in_the_title_and_marked_by_more_than_colour() -> None:
    bad = sum(row.health in {"degraded", "missing"} for row in VIEW.rows)
    assert f"<title>{bad} not well - reconciler</title>" in page(VIEW)
    assert page(VIEW).count('<span class="bad">') == bad > 0
    assert ".bad{font-weight:bold;text-decoration:underline}" in STYLE
    assert "<title>reconciler</title>" in page(EMPTY)


def test_it_runs_nothing_and_loads_nothing() -> None:
    read = Reader(page(VIEW))
    allowed = "html meta title style h1 p code time div table caption thead tbody tr th td span"
    assert set(read.tags) == set(allowed.split())
    names = {name for name, _ in read.attributes}
    assert not [name for name in names if name.startswith("on") or name in {"src", "href", "style"}]


def test_its_style_is_the_one_that_the_policy_allows() -> None:
    inside = page(VIEW).partition("<style>")[2].partition("</style>")[0]
    assert inside == STYLE
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" == POLICY


def test_tables_can_be_read_aloud_and_reached_without_a_mouse() -> None:
    text = page(VIEW)
    read = Reader(text)
    assert ("lang", "en") in read.attributes
    assert ("name", "viewport") in read.attributes
    assert read.attributes.count(("scope", "row")) == len(read.rows) - read.tags["thead"]
    assert read.attributes.count(("tabindex", "0")) == read.tags["table"]
    labels = [value for name, value in read.attributes if name == "aria-label"]
    assert labels == [text for text in labels if text]
    assert len(labels) == len(set(labels)) == 3


def hostile(text: str, more: list[Session]) -> View:
    """Return a view in which every text that somebody else chose is this one."""
    made = [replace(each, recording=text, channel=text, end_reason=text) for each in more]
    lost = replace(session("a"), recording=text, channel=text, uid=text, sid=text, resource_id=text)
    condition = replace(SCOPE_CONDITION, recording=text, type=text, reason=text, message=text)
    return View(
        scope=text,
        rows=[replace(row, reason=text, message=text) for row in renamed(text)],
        orphans=[lost, *made],
        conditions=[condition],
        files={},
        commit=text,
        now_s=NOW_S,
    )


def renamed(text: str) -> list[Row]:
    return [replace(row, key=Key(text, 1)) for row in VIEW.rows[:2]]


@given(texts | st.just(HOSTILE), st.lists(sessions, max_size=3))
def test_no_text_can_change_the_page(text: str, more: list[Session]) -> None:
    harmless, nasty = (Reader(page(hostile(each, more))) for each in ("a", text or "a"))
    assert nasty.tags == harmless.tags
    assert [name for name, _ in nasty.attributes] == [name for name, _ in harmless.attributes]
    assert [len(row) for row in nasty.rows] == [len(row) for row in harmless.rows]
    assert all(each.isprintable() for row in nasty.rows for each in row)


def test_hostile_text_is_shown_as_it_is_but_for_what_turns_other_text() -> None:
    first = Reader(page(hostile(HOSTILE, []))).rows[1]
    shown = HOSTILE.replace("\u202e", "\ufffd").replace("\n", "\ufffd")
    assert first[0] == f"{shown}[1]"
    assert first[len(COLUMNS) - 1] == f"{shown}: {shown}"
