"""The error table against the rows of agora-api.md 6, kept as data in error_rows.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.agora.error_table import EVENT_WARNINGS, ROWS, UNKNOWN, UNKNOWN_START, row_for
from reconciler.agora.failures import APP_WIDE, Meaning, Row
from reconciler.agora.messages import Endpoint, Silence
from reconciler.plan.signs import EVENT_ERRORS

DOCUMENT: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("error_rows.json").read_text(encoding="utf-8")
)
STATUSES: dict[Any, tuple[int | Silence, ...]] = {
    "any": (400, 404, 500),
    "5xx": (500, 502, 503, 504, 599),
    "not sent": (Silence.NOT_SENT,),
    "no answer": (Silence.NO_ANSWER,),
}


def rows_found(line: dict[str, Any]) -> list[Row]:
    """Look up all answers that a line of the document stands for."""
    statuses = STATUSES.get(line["status"], (line["status"],))
    return [
        row_for(Endpoint(endpoint), status, line["code"], line["message"])
        for endpoint in line["endpoints"]
        for status in statuses
    ]


def name(line: dict[str, Any]) -> str:
    return f"{line['section']}-{line['endpoints'][0]}-{line['status']}-{line['code']}"


@pytest.mark.parametrize("line", DOCUMENT, ids=name)
def test_every_row_of_the_document_is_in_the_table(line: dict[str, Any]) -> None:
    for row in rows_found(line):
        assert {
            "meaning": row.meaning,
            "running": row.running,
            "again": row.repeat.again,
            "waits_s": list(row.repeat.waits_s),
            "then": row.then,
        } == {key: line[key] for key in ("meaning", "running", "again", "waits_s", "then")}


def test_every_row_of_the_table_is_in_the_document() -> None:
    found = [row for line in DOCUMENT for row in rows_found(line)]
    assert [row for row in (*ROWS, UNKNOWN, UNKNOWN_START) if row not in found] == []


def test_an_answer_that_no_row_knows_has_a_class_of_its_own() -> None:
    for line in DOCUMENT:
        is_unknown = all(row.meaning is Meaning.UNKNOWN for row in rows_found(line))
        assert is_unknown == (line["section"] == "none"), line


@pytest.mark.parametrize("row", [*ROWS, UNKNOWN, UNKNOWN_START])
def test_every_row_tells_the_user_what_is_wrong(row: Row) -> None:
    assert row.sentence[0].isupper()
    assert row.sentence.endswith(".")


def test_what_stops_all_work_of_an_app_is_repeated_by_no_client() -> None:
    assert {row.repeat.again for row in ROWS if row.meaning in APP_WIDE} == {"never", "later"}


def test_codes_of_events_have_their_sentences() -> None:
    assert set(EVENT_ERRORS) == {(1, 32), (1, 47), (1, 51), (2, 50), (2, 52), (0, 109), (0, 110)}
    assert EVENT_ERRORS[1, 32] != EVENT_WARNINGS[1, 32]
