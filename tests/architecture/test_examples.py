"""The specs that people learn from: each of them works, and together they show everything."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.main import main
from reconciler.draw.layout import layout_of
from reconciler.spec.catalog import read_catalog
from reconciler.spec.desired import Desired
from reconciler.spec.geometry import LayoutType
from reconciler.spec.kinds.individual import IndividualSpec
from reconciler.spec.kinds.mix import MixSpec
from reconciler.spec.kinds.web import WebSpec
from reconciler.spec.load import Files
from reconciler.spec.schema import json_schema
from reconciler.spec.setting import Setting
from reconciler.spec.source import Source
from reconciler.spec.syntax import Document, parse
from reconciler.spec.wire import Mode
from tests.architecture.repository import ROOT
from tests.architecture.stories import told

SPECS = ROOT / "specs"
SCAFFOLD = ROOT / "reconciler/cli/scaffold/specs"
DEMO = ROOT / "examples/demo/run.sh"
DEMO_SECONDS_MAX = 120
FILES = sorted(path for folder in (SPECS, SCAFFOLD) for path in folder.rglob("*.yaml"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

STEP = re.compile(r"^(?:\$ reconciler \w+|(?:Apply|Destroy): \d+ done, \d+ failed)", re.MULTILINE)

EXCERPT = re.compile(r"^```console demo\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What the service offers no longer is shown all the same, and warns.
WITHDRAWN = {
    "specs/withdrawn/mixing.yaml": "post-processing",
    "specs/withdrawn/transcoding.yaml": "post-processing",
    "specs/withdrawn/vod.yaml": "extension-services",
}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RECONCILER_CACHE", "off")


def documents(path: Path) -> tuple[Document, ...]:
    return parse(Source.of(str(path), path.read_bytes())).documents


def as_json(path: Path) -> list[Any]:
    """Read a file's documents as an editor does, times as text."""
    data = [document.data for document in documents(path)]
    read: list[Any] = json.loads(json.dumps(data, default=lambda time: time.text))
    return read


def bodies() -> Iterator[dict[str, Any]]:
    """Take the spec of each Recording, Template and RecordingSet as it is written."""
    for path in FILES:
        for document in documents(path):
            spec = document.data["spec"]
            if document.data["kind"] in {"Recording", "Template"}:
                yield spec
            elif document.data["kind"] == "RecordingSet":
                yield spec["recording"]["spec"]


def desired() -> list[Desired]:
    setting = Setting(variables={}, allowed_hosts=frozenset(), environ={}, now_s=0)
    catalogs = [read_catalog(Files([str(folder)]), setting) for folder in (SPECS, SCAFFOLD)]
    return [entry.desired() for catalog in catalogs for entry in catalog.entries]


@pytest.mark.parametrize("folder", [SPECS, SCAFFOLD])
def test_the_specs_have_no_error_and_only_what_is_withdrawn_warns(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(folder.relative_to(ROOT))
    assert main(["validate", name, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {each["file"]: each["code"] for each in report["diagnostics"]} == {
        file: code for file, code in WITHDRAWN.items() if file.startswith(name)
    }
    assert len(report["diagnostics"]) == report["summary"]["warnings"]
    assert report["summary"]["recordings"] >= len(Mode)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_an_editor_with_the_schema_marks_nothing(path: Path) -> None:
    validator = Draft202012Validator(json_schema())
    found = [error.message for each in as_json(path) for error in validator.iter_errors(each)]
    assert found == []
    assert as_json(path)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_each_file_begins_by_saying_what_it_shows(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = next(index for index, line in enumerate(lines) if not line.startswith("# "))
    assert 2 <= comment <= 5
    assert lines[comment] == "apiVersion: reconciler/v1"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_lines_fit_a_screen(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 100] == []


def test_the_specs_show_every_mode() -> None:
    assert {each.mode for each in desired()} == set(Mode)


def test_the_specs_show_every_layout_twice() -> None:
    composites = [each for each in desired() if each.mode is Mode.MIX]
    shown = Counter(layout_of(each)[0].type for each in composites)
    assert [layout for layout in LayoutType if shown[layout] < 2] == []


@pytest.mark.parametrize("model", [IndividualSpec, MixSpec, WebSpec])
def test_the_specs_show_every_field_of_a_recording(
    model: type[IndividualSpec] | type[MixSpec] | type[WebSpec],
) -> None:
    fields = {field.alias for field in model.model_fields.values()}
    assert fields - {key for body in bodies() for key in body} == set()


def test_the_specs_show_every_kind_of_manifest() -> None:
    kinds = {each.data["kind"] for path in FILES for each in documents(path)}
    assert kinds == {"App", "Storage", "Template", "Recording", "RecordingSet"}


def test_the_page_on_the_specs_names_every_file_and_every_variable() -> None:
    page = (SPECS / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([^)]+)\)", page))
    assert linked == {
        str(path.relative_to(SPECS))
        for path in SPECS.rglob("*")
        if path.is_file() and path.suffix != ".md"
    }
    texts = [path.read_text(encoding="utf-8") for path in SPECS.rglob("*.yaml")]
    used = {name for text in texts for name in re.findall(r"\{env: (\w+)\}", text)}
    assert set(re.findall(r"`([A-Z_]+)`", page)) == used


def run_demo(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(DEMO)],
        cwd=folder,
        env={"PATH": path, "TMPDIR": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS_MAX,
        check=False,
    )


def shown_in(page: Path, output: str) -> bool:
    """Tell whether each line of the page's excerpt of the demo comes in the output, in order."""
    (excerpt,) = EXCERPT.findall(page.read_text(encoding="utf-8"))
    lines = iter(told(output).splitlines())
    return all(line in lines for line in told(excerpt).splitlines() if line not in {"", "..."})


@pytest.mark.timeout(DEMO_SECONDS_MAX + 10)
def test_the_demo_ends_by_itself_in_any_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()  # nothing can be written below a file
    done = run_demo(tmp_path, HOME=str(home), CDPATH="/")
    assert (done.returncode, list(tmp_path.iterdir())) == (0, [home])
    assert [step.removeprefix("$ reconciler ") for step in STEP.findall(done.stdout)] == [
        *("validate", "plan", "apply", "Apply: 16 done, 0 failed", "status"),
        *("apply", "Apply: 0 done, 0 failed"),
        *("apply", "Apply: 2 done, 0 failed"),
        *("apply", "Apply: 2 done, 0 failed", "events"),
        *("run", "plan", "suspend", "coverage"),
        *("destroy", "Destroy: 13 done, 2 failed"),
        *("apply", "Apply: 0 done, 0 failed"),
        *("destroy", "Destroy: 2 done, 0 failed", "status"),
    ]
    assert "\nPlan: 0 to start, 2 to update, 0 to replace, 0 to stop;" in done.stdout
    assert "\nPlan: 0 to start, 1 to update, 0 to replace, 1 to restart, 0 to stop;" in done.stdout
    assert shown_in(ROOT / "README.md", done.stdout)
    assert "\nStatus: 16 running, 16 desired" in done.stdout
    assert "\nStatus: 0 running, 0 desired" in done.stdout


def test_the_demo_can_be_started_by_its_name() -> None:
    assert os.access(DEMO, os.X_OK)
