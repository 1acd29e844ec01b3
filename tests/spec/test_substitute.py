from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.spec.marked import Cell, SecretForm
from reconciler.spec.scalars import Timestamp, resolve
from reconciler.spec.secrets import Secret
from reconciler.spec.substitute import ABSENT, Substitution
from reconciler.spec.wire import get
from tests.spec.support import (
    SHARED,
    STORAGE,
    desired,
    manifest,
    of_text,
    one,
    read,
    recording,
    said,
    setting,
    write,
)

VARIABLES: dict[str, Any] = {
    "text": "a",
    "number": 7,
    "fraction": 0.5,
    "yes": True,
    "nothing": None,
    "list": [1, "b"],
    "map": {"c": "d"},
    "cell": Cell("8"),
    "written": resolve("007"),
    "day": Timestamp("2026-12-01"),
    "dollar": "${var.text}",
}


def fill(tree: Any, row: Mapping[str, Any] | None = None) -> tuple[Any, list[str]]:
    filling = Substitution(VARIABLES, row)
    filled = filling.fill(tree)
    return filled, [problem.message for problem in filling.problems]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_value_that_is_exactly_one_variable_takes_its_type(name: str) -> None:
    filled, problems = fill({"a": [f"${{var.{name}}}"]})
    assert (filled["a"][0], type(filled["a"][0])) == (VARIABLES[name], type(VARIABLES[name]))
    assert problems == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x-${var.text}", "x-a"),
        ("${var.text}${var.number}", "a7"),
        ("${var.fraction} ${var.yes}", "0.5 true"),
        ("${var.cell}/${var.written}", "8/007"),
        ("${var.day}!", "2026-12-01!"),
        ("$${var.text}", "${var.text}"),
        ("$${", "${"),
        ("a $${b} ${var.text} $${", "a ${b} a ${"),
        ("$ $$ $x {var.text} $}", "$ $$ $x {var.text} $}"),
        ("x${var.dollar}", "x${var.text}"),
        ("", ""),
    ],
)
def test_text_around_a_variable_makes_text(text: str, expected: str) -> None:
    filled, problems = fill({"a": text})
    assert problems == []
    assert filled == {"a": expected}
    assert type(filled["a"]) is str


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${var.none}", "the variable `none` is not set"),
        ("x ${var.none}", "the variable `none` is not set"),
        ("${var.}", "the variable `` is not set"),
        ("${room}", "`${room}` means nothing here"),
        ("${}", "`${}` means nothing here"),
        ("${ var.text }", "`${ var.text }` means nothing here"),
        ("${var.text", "`${var.text` is not closed"),
        ("${var.text} ${", "`${` is not closed"),
        ("${a${var.text}}", "`${a$` is not closed"),
        ("x${var.list}", "`var.list` is a list and has no place inside text"),
        ("x${var.map}", "`var.map` is a mapping and has no place inside text"),
        ("x${var.nothing}", "`var.nothing` is null and has no place inside text"),
    ],
)
def test_what_cannot_be_filled_in_is_said_and_left(text: str, message: str) -> None:
    assert fill({"a": text})[1] == [message]


def test_every_mistake_is_said() -> None:
    _, problems = fill({"a": "${x} ${y}", "b": ["${z}"]})
    assert len(problems) == 3


def test_what_needs_no_filling_is_the_same_value() -> None:
    tree = {"a": [1, None, True, Timestamp("2026-12-01")], "b": {"c": "d$"}}
    assert fill(tree) == (tree, [])


def test_a_key_is_filled_in_within_a_set_only() -> None:
    assert fill({"x-${a}": 1}, {"a": "b"}) == ({"x-b": 1}, [])
    assert fill({"x-${a}": 1})[1] == ["`${` in a key is for RecordingSets only"]


def test_a_row_and_variables_are_known_within_a_set() -> None:
    tree = {"a": "${room}-${var.text}", "b": "${room}", "c": "${var.number}"}
    filled, problems = fill(tree, {"room": True})
    assert (filled, problems) == ({"a": "true-a", "b": True, "c": 7}, [])


def test_a_row_is_named_with_what_it_has() -> None:
    filling = Substitution({}, {"room": 1, "lang": 2})
    filling.fill("${rom}")
    (problem,) = filling.problems
    assert (problem.message, problem.hint) == ("the row has no `rom`", "it has `room`, `lang`")


def test_an_empty_cell_leaves_its_key_out() -> None:
    tree = {"a": "${x}", "b": ["1", "${x}", {"c": "${x}"}], "d": "-${x}-", "e${x}": 1}
    assert fill(tree, {"x": ABSENT}) == ({"b": ["1", {}], "d": "--", "e": 1}, [])


def test_a_secret_reference_keeps_its_folder() -> None:
    filled = Substitution({}, {"room": "A"}, "specs").fill({"a": {"file": "${room}.key"}})["a"]
    assert isinstance(filled, SecretForm)
    assert (filled, filled.folder) == ({"file": "A.key"}, "specs")


def test_the_variables_that_were_asked_for_are_known() -> None:
    filling = Substitution(VARIABLES)
    filling.fill(["${var.text}", "x${var.none}", "$${var.list}"])
    assert filling.used == {"text", "none"}


# In manifests


def test_a_variable_takes_the_type_of_its_field(tmp_path: Path) -> None:
    more = "uid: ${var.uid}\npolicy:\n  protect: ${var.protect}\nvideo:\n  width: ${var.width}\n"
    write(tmp_path, {"a.yaml": f"{SHARED}---\n{recording('a', more)}"})
    given = setting(uid=Cell("11"), protect=Cell("true"), width=Cell("1280"))
    found = one(read(tmp_path, given))
    assert (found.uids, found.policy.protect) == (("11",), True)
    assert found == one(read(tmp_path, setting(uid=11, protect=True, width=1280)))


def test_a_variable_of_the_wrong_type_is_an_error_at_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": f"{recording('a', 'replicas: ${var.n}')}---\n{SHARED}"})
    found = read(tmp_path, setting(n=True))
    assert said(found.diagnostics) == ["a.yaml:9:13 number spec.replicas"]
    assert found.diagnostics[0].message == "must be a whole number, this is `true`"


def test_variables_are_filled_in_everywhere(tmp_path: Path) -> None:
    storage = STORAGE.replace("bucket: b", "bucket: '${var.bucket}'")
    template = manifest("Template", "base", "maxIdle: ${var.idle}\n")
    named = "metadata: {name: '${var.name}', labels: {team: '${var.team}'}}"
    spec = recording("x", "template: base").replace("metadata: {name: x}", named)
    write(tmp_path, {"a.yaml": f"{storage}---\n{template}---\n{spec}"})
    found = one(read(tmp_path, setting(bucket="x", idle="7s", name="n-1", team="t")))
    assert (found.name, found.labels) == ("n-1", {"team": "t"})
    assert get(found.request, ("storageConfig", "bucket")) == "x"
    assert get(found.request, ("recordingConfig", "maxIdleTime")) == 7


def test_a_mapping_as_variable_may_be_a_reference(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": f"{SHARED}---\n{recording('a', 'token: ${var.token}')}"})
    found = one(read(tmp_path, setting(token={"env": "TOKEN"})))
    assert found.request["token"] == Secret("env", "TOKEN", str(tmp_path))


def test_a_manifest_that_cannot_be_filled_in_is_not_desired(tmp_path: Path) -> None:
    more = recording("b", "prefix: ${var.none}")
    write(tmp_path, {"a.yaml": f"{SHARED}---\n{recording('a')}---\n{more}"})
    found = read(tmp_path)
    assert {name for name, value in desired(found).items() if value is None} == {"b"}
    assert found.complete


@pytest.mark.parametrize(
    ("words", "more"),
    [("bucket: b", "bucket: 'b${var.none}'"), ("prefix: p", "prefix: ${var.none}")],
)
def test_nobody_uses_what_is_only_half_filled_in(tmp_path: Path, words: str, more: str) -> None:
    template = manifest("Template", "base", "prefix: p\n")
    text = f"{STORAGE}---\n{template}---\n{recording('a', 'template: base')}"
    write(tmp_path, {"a.yaml": text.replace(words, more)})
    found = read(tmp_path)
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["variable"]
    assert desired(found) == {"a": None}


def test_two_keys_that_become_one_are_an_error() -> None:
    assert fill({"a": 1, "${x}": 2}, {"x": "a"})[1] == ["the key `a` stands here twice"]


def test_deep_values_end_as_an_error(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"a": deep}
    write(tmp_path, {"a.yaml": f"{SHARED}---\n{recording('a', 'raw: ${var.deep}')}"})
    found = read(tmp_path, setting(deep=deep))
    assert said(found.diagnostics) == ["a.yaml:21:8 variable spec.raw"]


def test_a_source_without_references_is_read_as_it_is() -> None:
    assert of_text("a: $x\n").data == {"a": "$x"}
