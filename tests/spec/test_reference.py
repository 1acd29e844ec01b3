import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.spec.reference import CODES, pages, severity
from reconciler.spec.rules.table import RULES
from reconciler.spec.schema import json_schema
from reconciler.spec.schema_models import VALUES
from reconciler.spec.setting import Setting
from reconciler.spec.templates import WHOLE
from reconciler.spec.vendors import VENDORS
from tests.spec.support import NOW_S, of_text, read, said, write
from tools.reference import FOLDER, main, outdated
from tools.reference import pages as all_pages

SPEC = Path(__file__).resolve().parents[2] / "reconciler" / "spec"
PAGES = pages()

# Where a code stands among the arguments of what reports or raises a problem.
CODE_AT = {
    "error": 1,
    "warning": 1,
    "refuse": 0,
    "SpecError": 0,
    "Problem": 2,
    "Diagnostic": 3,
    "_problem": 2,
    "_refuse": 1,
    "_report": 2,
    "_stop": 1,
    "problem": 1,
    "Explained": 1,
}
CODE = re.compile(r"[a-z]+(?:-[a-z]+)*")


def codes_used() -> Iterator[str]:
    """Find the codes in the calls that report problems, and in the table of pydantic's own."""
    for path in sorted(SPEC.glob("**/*.py")):
        if path.parent.name != "rules":
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            values = (
                value.value for value in map(code_of, nodes) if isinstance(value, ast.Constant)
            )
            yield from (text for text in values if isinstance(text, str) and CODE.fullmatch(text))
    yield from ("list", "value")


def code_of(node: ast.AST) -> ast.expr | None:
    """Return what a call gives as a code, or what a field called `code` is by default."""
    if isinstance(node, ast.AnnAssign):
        return node.value if ast.unparse(node.target) == "code" else None
    if not isinstance(node, ast.Call):
        return None
    name = ast.unparse(node.func).rpartition(".")[2]
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if "code" in given or name not in CODE_AT:
        return given.get("code")
    return node.args[CODE_AT[name]] if len(node.args) > CODE_AT[name] else None


def rows(page: str) -> list[list[str]]:
    """Return the cells of all rows of all tables of a page, without code marks."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def section(page: str, heading: str) -> str:
    """Return a page from a heading to the next."""
    return page.partition(f"\n{heading}\n")[2].partition("\n#")[0]


def test_the_pages_in_the_repository_are_up_to_date() -> None:
    assert outdated(FOLDER) == [], "run `make docs`"


def test_the_tool_writes_what_is_missing_and_removes_what_is_no_longer_made(tmp_path: Path) -> None:
    folder = write(tmp_path, {"app.md": "old", "gone.md": "old", "notes.txt": "mine"})
    said_first, said_then = io.StringIO(), io.StringIO()
    assert main(["--check"], folder, said_first) == 1
    assert "app.md is out of date; run `make docs`\n" in said_first.getvalue()
    assert "gone.md is out of date" in said_first.getvalue()
    assert main([], folder, said_then) == 0
    assert main(["--check"], folder, said_then) == 0
    assert said_then.getvalue() == ""
    assert {path.name for path in folder.iterdir()} == {*all_pages(), "notes.txt"}
    assert (folder / "app.md").read_text(encoding="utf-8") == PAGES["app.md"]


def test_the_tool_refuses_other_arguments_and_writes_nothing(tmp_path: Path) -> None:
    out = io.StringIO()
    assert main(["--chek"], tmp_path, out) == 1
    assert out.getvalue().startswith("usage:")
    assert list(tmp_path.iterdir()) == []


def test_every_field_of_the_format_stands_in_a_table() -> None:
    tables = "\n".join(PAGES.values())
    fields = {
        key
        for name, definition in json_schema()["$defs"].items()
        for key in definition.get("properties", ())
        if name not in {"App", "Storage", "Recording", "RecordingSet", "Template"}
    }
    known = {row[0] for row in rows(tables)}
    assert fields - known == {"except", "metadata", "spec"}


@pytest.mark.parametrize(
    ("page", "heading", "cells"),
    [
        (
            "recording.md",
            "## Fields of modes individual and mix",
            ["maxIdle", "[Duration](README.md#duration)", "5m", "maxIdleTime", "replacement"],
        ),
        ("recording.md", "## Fields of every mode", ["resourceExpiry", "72h` *(service)*"]),
        ("recording.md", "## Fields of every mode", ["channel", "**required**", "cname"]),
        ("recording.md", "### `policy`", ["restart", "always`, `on-failure`, `never", "always"]),
        ("recording.md", "### `web`", ["paused", "boolean", "onhold", "update"]),
        ("recording.md", "### `layout.regions[]`", ["x", "number", "**required**", "x_axis"]),
        ("recording.md", "### `subscriptions`", ["group", "subscribeUidGroup", "replacement"]),
        ("storage.md", "# Storage", ["sse", "kms`, `aes256", "extensionParams.sse"]),
        ("storage.md", "# Storage", ["refresh", "45m", "-", "local"]),
        ("app.md", "# App", ["appId", "**required**", "URL: appid", "replacement"]),
        ("recording-set.md", "### `generators[]`", ["matrix", "mapping", "**required**"]),
    ],
)
def test_a_row_says_type_default_wire_path_and_change(
    page: str, heading: str, cells: list[str]
) -> None:
    found = [row for row in rows(section(f"\n{PAGES[page]}", heading)) if row[0] == cells[0]]
    assert len(found) == 1
    assert [cell for cell in cells if cell not in found[0]] == []


def test_every_vendor_and_region_stands_there_with_its_number() -> None:
    page = PAGES["storage-regions.md"]
    for vendor in VENDORS:
        assert any(str(vendor.number) == row[1] and vendor.name in row[0] for row in rows(page))
        if vendor.regions:
            listed = [row[:2] for row in rows(section(page, f"## {vendor.name}"))[2:]]
            assert listed == [[region.name, str(region.number)] for region in vendor.regions]


def test_every_rule_stands_there_and_says_how_grave_it_is() -> None:
    listed = {(row[0], row[1]): row for row in rows(PAGES["diagnostics.md"])}
    for rule in RULES:
        row = listed[rule.code, rule.id]
        assert row[2] == severity(rule) != ""
        assert row[4] == rule.summary
        assert rule.source.endswith(row[5])


def test_every_code_of_the_package_stands_there_and_no_other() -> None:
    assert {code for code, *_ in CODES} == set(codes_used())
    listed = [row[0] for row in rows(PAGES["diagnostics.md"].split("## Other codes")[1])[2:]]
    assert listed == sorted(code for code, *_ in CODES)


def test_every_kind_of_value_that_a_type_links_to_is_explained() -> None:
    links = {link for page in PAGES.values() for link in re.findall(r"README\.md#([a-z]+)", page)}
    assert links == {name.lower() for name in VALUES} - {"reference", "variable"}
    assert all(f"\n### {name.title()}\n" in PAGES["README.md"] for name in links)


def test_what_replaces_whole_is_named() -> None:
    assert [path for path in WHOLE if f"`{path}`" not in PAGES["template.md"]] == []


def test_the_examples_are_sound_together(tmp_path: Path) -> None:
    fences = [
        example
        for page in PAGES.values()
        for example in re.findall(r"```yaml\n(apiVersion.*?)```", page, flags=re.DOTALL)
    ]
    write(tmp_path, {f"{number}.yaml": example for number, example in enumerate(fences)})
    given = Setting({}, allowed_hosts=frozenset(), environ={}, now_s=NOW_S)
    catalog = read(tmp_path, given)
    assert said(catalog.diagnostics) == []
    assert [entry.name for entry in catalog.entries] == [
        "panel",
        "room-attic",
        "room-cellar",
        "room-hall",
        "room-roof",
        "standup",
    ]
    schema = Draft202012Validator(json_schema())
    manifests = [of_text(part).data for example in fences for part in example.split("---\n")]
    assert [str(problem) for one in manifests for problem in schema.iter_errors(one)] == []


def test_the_pages_are_the_same_in_every_run_and_end_in_one_line_break() -> None:
    assert pages() == PAGES
    assert [
        name for name, page in PAGES.items() if not page.endswith("\n") or "\n\n\n" in page
    ] == []
