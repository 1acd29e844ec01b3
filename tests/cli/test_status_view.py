import io
import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.cli.console import Console
from reconciler.cli.status_view import status_text
from reconciler.draw.text import cells
from reconciler.plan.action import Key
from reconciler.plan.session import Phase, Session
from reconciler.plan.status import Row, orphans, status_rows
from reconciler.web.status import status_document
from reconciler.web.view import View
from tests.cli.contract import (
    COUNT,
    FILE,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    VERSION,
    known,
    listed,
    maybe,
    one_of,
)
from tests.cli.made_plans import sessions
from tests.golden.plans import NOW_S, session
from tests.golden.statuses import CONDITIONS, FILES, LIVES, RECORDED

SESSION = known(
    app=TEXT,
    channel=TEXT,
    uid=TEXT,
    sid=MAYBE_TEXT,
    resource_id=MAYBE_TEXT,
    mode=TEXT,
    status={"type": ["integer", "null"]},
    started_at=MAYBE_TIME,
    expires_at=MAYBE_TIME,
)
CONDITION = known(type=TEXT, status={"type": "boolean"}, reason=TEXT, message=TEXT, since=TIME)
RECORDING = known(
    name=TEXT,
    replica=COUNT,
    desired=one_of("recording", "stopped"),
    phase=one_of("none", "acquired", "starting", "running", "missing", "ended", "failed"),
    sync=one_of("synced", "out-of-sync", "unknown"),
    health=one_of("healthy", "progressing", "degraded", "missing", "suspended", "unknown"),
    generation=COUNT,
    reason=TEXT,
    message=TEXT,
    session=maybe(SESSION),
    files=listed(FILE),
    conditions=listed(CONDITION),
)
ORPHAN = known(
    recording=TEXT,
    replica=COUNT,
    app=TEXT,
    channel=TEXT,
    uid=TEXT,
    resource_id=MAYBE_TEXT,
    sid=MAYBE_TEXT,
    since=TIME,
    ends_by=MAYBE_TIME,
)
SCHEMA = known(
    format_version=VERSION,
    scope=TEXT,
    recordings=listed(RECORDING),
    orphans=listed(ORPHAN),
    conditions=listed(CONDITION),
)
NOTHING = View(scope="default", now_s=NOW_S, rows=[], orphans=[], conditions=[], files={})
worlds = st.lists(sessions, max_size=8)


def view(found: list[Session]) -> View:
    rows, lost = status_rows(RECORDED, found, NOW_S), orphans(found, NOW_S)
    return replace(NOTHING, rows=rows, orphans=lost)


def lines(found: list[Session], columns: int) -> list[str]:
    console = Console(io.StringIO(), io.StringIO(), {"COLUMNS": str(columns)})
    return list(status_text(view(found), console))


def document(found: list[Session]) -> Any:
    made = status_document(replace(view(found), conditions=CONDITIONS, files=FILES))
    return json.loads(json.dumps(made, allow_nan=False))


@given(worlds)
def test_any_status_is_the_document_of_the_contract(found: list[Session]) -> None:
    Draft202012Validator(SCHEMA).validate(document(found))


def test_the_examples_are_the_document_of_the_contract() -> None:
    made = document(list(LIVES))
    Draft202012Validator(SCHEMA).validate(made)
    steady = next(each for each in made["recordings"] if each["name"] == "steady")
    assert [file["name"] for file in steady["files"]] == ["steady_0.m3u8", "steady_1.m3u8"]
    assert [each["type"] for each in steady["conditions"]] == ["Guarded"]


@given(worlds, st.integers(1, 160))
def test_any_status_fits_the_terminal(found: list[Session], columns: int) -> None:
    *table, summary = lines(found, columns)
    assert all(cells(line) <= max(columns, 40) for line in table)
    assert all(line.isprintable() for line in table)
    assert summary.startswith("Status: ")


def test_a_hundred_columns_hold_every_column() -> None:
    assert lines(list(LIVES), 100)[0].split() == [
        "NAME",
        "DESIRED",
        "PHASE",
        "SYNC",
        "HEALTH",
        "AGE",
        "EXPIRES",
        "FILES",
    ]


def test_a_narrow_terminal_keeps_name_phase_and_health() -> None:
    assert lines(list(LIVES), 40)[0].split() == ["NAME", "PHASE", "HEALTH"]


def test_orphans_stand_under_their_own_heading_and_only_if_there_are_any() -> None:
    assert any(line.startswith("Orphans: ") for line in lines(list(LIVES), 100))
    assert not any("rphan" in line for line in lines([session("steady")], 100))


def test_nothing_recorded_is_one_line() -> None:
    console = Console(io.StringIO(), io.StringIO(), {})
    assert list(status_text(NOTHING, console)) == ["Status: 0 running, 0 desired."]


def test_a_session_that_ended_expires_no_more() -> None:
    over = replace(session("a"), phase=Phase.ENDED, ended_s=NOW_S)
    row = Row(
        key=Key("a"),
        desired="stopped",
        phase=Phase.ENDED,
        sync="synced",
        health="healthy",
        generation=1,
        reason="in-sync",
        message="",
        session=over,
    )
    made = status_document(replace(NOTHING, rows=[row]))["recordings"][0]["session"]
    assert (made["started_at"], made["expires_at"]) == ("2025-12-01T09:00:00Z", None)
