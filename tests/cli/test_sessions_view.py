import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.cli.console import Console
from reconciler.cli.sessions_view import sessions_text
from reconciler.draw.text import cells
from reconciler.plan.session import Session
from reconciler.state.store import Past
from reconciler.web.sessions import files_json, sessions_document
from tests.cli.contract import COUNT, FILE, MAYBE_TEXT, MAYBE_TIME, TEXT, VERSION, known, listed
from tests.cli.made_plans import sessions
from tests.golden.plans import NOW_S, session
from tests.golden.statuses import PAST

SCHEMA = known(
    format_version=VERSION,
    sessions=listed(
        known(
            recording=TEXT,
            replica=COUNT,
            app=TEXT,
            channel=TEXT,
            uid=TEXT,
            sid=MAYBE_TEXT,
            resource_id=MAYBE_TEXT,
            mode=TEXT,
            started_at=MAYBE_TIME,
            ended_at=MAYBE_TIME,
            end_reason=MAYBE_TEXT,
            files=listed(FILE),
            upload=MAYBE_TEXT,
        )
    ),
)


def lines(past: list[Past], columns: int = 100) -> list[str]:
    console = Console(io.StringIO(), io.StringIO(), {"COLUMNS": str(columns)})
    return list(sessions_text(past, NOW_S, console))


@given(st.lists(sessions, max_size=5))
def test_any_sessions_are_the_document_of_the_contract(found: list[Session]) -> None:
    past = [Past(session=each, files="", upload="") for each in found]
    made = json.loads(json.dumps(sessions_document([*past, *PAST]), allow_nan=False))
    Draft202012Validator(SCHEMA).validate(made)
    assert len(made["sessions"]) == len(past) + len(PAST)


@given(st.lists(sessions, max_size=5), st.integers(1, 160))
def test_any_sessions_fit_the_terminal(found: list[Session], columns: int) -> None:
    past = [Past(session=each, files="", upload="") for each in found]
    *table, _ = lines(past, columns)
    assert all(cells(line) <= max(columns, 40) and line.isprintable() for line in table)


def test_the_order_is_kept() -> None:
    made = sessions_document(PAST)["sessions"]
    assert [each["recording"] for each in made] == [past.session.recording for past in PAST]


@pytest.mark.parametrize(
    ("started", "expected"),
    [(NOW_S + 0.9, "2025-12-01T10:00:00Z"), ("2025-12-01T10:00:00Z",) * 2, (None, None)],
)
def test_a_file_has_every_key_and_a_time_to_read(started: object, expected: str | None) -> None:
    text = json.dumps([{"name": "a.mp4", "started_at": started}])
    assert files_json(text) == [
        {"name": "a.mp4", "uri": None, "track": None, "uid": None, "started_at": expected}
    ]


def test_no_session_is_one_line() -> None:
    assert lines([]) == ["0 sessions, 0 of them not ended, 0 files."]


def test_a_session_lasts_until_its_end_or_until_now() -> None:
    over = replace(session("over"), ended_s=NOW_S - 1800)
    past = [Past(session=each, files="", upload="") for each in (over, session("on"))]
    assert [line.split()[4] for line in lines(past)[1:3]] == ["30m", "1h00m"]
