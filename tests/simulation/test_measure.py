import json
from collections import Counter
from inspect import signature
from pathlib import Path

import pytest

from reconciler.agora.error_table import ROWS
from reconciler.agora.messages import Reply, Silence, Unanswered
from reconciler.diagnostics import Severity
from reconciler.spec.catalog import read_catalog
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting
from tests.daemon.cast import LongStage, Role
from tests.daemon.support import long_time
from tests.simulation import measure
from tests.simulation.acts.answers import ENDPOINTS, WRONG, Wrong
from tests.simulation.acts.table import ACTS
from tests.simulation.draw import draw
from tests.simulation.reached import row_name, row_of
from tests.simulation.script import read_part, read_script
from tests.simulation.setting import furnish
from tests.simulation.windows import times_of

BY_THEMSELVES = {
    "start 201 code 7",
    "start 400 code 53",
    "query any status code 501",
    "stop 206 code 435",
    "stop 400 code 49",
    "stop any status code 50",
    "query or stop or update or updateLayout 404 code 404",
    *(f"{each} no answer" for each in ("acquire", "start", "query", "stop")),
    "update or updateLayout no answer",
    "get-ncs-ip no answer",
    "start not sent",
    "any not sent",
}
"""Rows that are reached where they are true, which no rule can say beforehand."""


def test_each_row_of_the_error_table_has_a_name_of_its_own() -> None:
    names = [row_name(row) for row in ROWS]
    assert len(set(names)) == len(names)


def test_what_was_missed_is_named() -> None:
    some = sorted(measure.everything())
    assert measure.missing(some) == []
    assert measure.missing(some[1:]) == [some[0]]
    assert measure.missing([]) == some


def test_what_cannot_be_reached_is_nothing_that_has_to_be() -> None:
    assert not measure.everything() & measure.UNREACHABLE.keys()


def test_the_table_shows_in_how_many_simulations_a_thing_was_reached_and_what_was_missed() -> None:
    first, second = Counter({"action:start": 5, "act:kill": 1}), Counter({"action:start": 1})
    lines = measure.table(measure.total([first, second])).splitlines()
    assert "        2  start" in lines
    assert "        1  kill" in lines
    assert "   MISSED  rotate" in lines
    assert f"kinds of actions: 1 of {sum(each.startswith('  ') for each in _part(lines))}" in lines


def _part(lines: list[str]) -> list[str]:
    begin = next(place for place, line in enumerate(lines) if line.startswith("kinds of actions"))
    end = next(place for place, line in enumerate(lines) if line.startswith("transitions"))
    return lines[begin:end]


@pytest.mark.parametrize(
    ("endpoint", "status", "body", "name"),
    [
        ("acquire", 200, '{"resourceId":"r"}', None),
        ("start", 201, '{"code":7,"reason":"already started"}', "start 201 code 7"),
        (
            "query",
            404,
            '{"code":404,"serverResponse":{"payload":{"message":"failed to find worker"}}}',
            "query or stop or update or updateLayout 404 code 404",
        ),
        ("stop", 502, "<html></html>", "stop 5xx without code"),
        (
            "update",
            404,
            '{"message":"no Route matched with those values"}',
            "any 404 without code `no route matched`",
        ),
    ],
)
def test_an_answer_is_of_the_row_that_the_client_takes(
    endpoint: str, status: int, body: str, name: str | None
) -> None:
    row = row_of(endpoint, Reply(status=status, body=body.encode()))
    assert (row_name(row) if row else None) == name


def test_an_answer_that_is_cut_off_is_no_success() -> None:
    assert row_of("acquire", Reply(status=200, body=b'{"resourceId": "r')) is not None


def test_a_call_without_an_answer_has_a_row() -> None:
    row = row_of("start", Unanswered(Silence.NOT_SENT, ""))
    assert row is not None
    assert row_name(row) == "start not sent"


def test_what_the_documents_know_makes_up_the_whole_error_table() -> None:
    answered = {_row(wrong, each) for wrong in WRONG for each in _endpoints(wrong)}
    known = {row_name(row) for row in ROWS} - BY_THEMSELVES
    left = {name for name in known if f"row:{name}" not in measure.UNREACHABLE}
    assert left <= answered


def _endpoints(wrong: Wrong) -> tuple[str, ...]:
    return (*ENDPOINTS, "ip") if wrong.endpoint == "*" else (wrong.endpoint,)


def _row(wrong: Wrong, endpoint: str) -> str:
    said = {"message": wrong.text} if wrong.code is None else {"code": wrong.code}
    body = json.dumps(said) if wrong.body is None else wrong.body
    row = row_of(endpoint, Reply(status=wrong.status, body=body.encode()))
    assert row is not None, f"{wrong} is a success"
    return row_name(row)


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_a_script_is_the_same_after_it_was_kept(seed: int) -> None:
    script = draw(seed)
    assert draw(seed) == script
    assert read_script(script.text()).text() == script.text()


def test_every_step_can_happen() -> None:
    steps = [step for seed in range(200) for step in draw(seed).steps]
    for step in steps:
        signature(ACTS[step.act].does).bind(None, **step.given)
    assert {step.act for step in steps} == set(ACTS)


@pytest.mark.parametrize("seed", range(0, 200, 5))
@long_time
async def test_all_that_is_drawn_can_be_recorded(tmp_path: Path, seed: int) -> None:
    script, stage = draw(seed), LongStage(tmp_path)
    furnish(stage)
    added = (read_part(each.given["part"]) for each in script.steps if each.act == "add")
    for part in {each.name: each for each in (*script.parts, *added)}.values():
        times = times_of(part.windows, part.crons, script.begins_s)
        stage.write(f"{part.name}.yaml", Role(part.name, part.mode, dict(part.spec), times).text())
    setting = Setting({}, frozenset(), stage.environ, script.begins_s)
    catalog = read_catalog(Files([str(stage.specs)]), setting)
    assert [each for each in catalog.diagnostics if each.severity is Severity.ERROR] == []
