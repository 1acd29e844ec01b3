"""What holds for every file of every setup."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import COMMANDS
from tests.architecture.repository import ROOT, committed_files
from tests.examples.setups import EXAMPLES, documents

FILES = [ROOT / name for name in committed_files() if name.startswith("examples/")]
YAMLS = [path for path in FILES if path.suffix in {".yaml", ".yml"}]
PAGES = [path for path in FILES if path.suffix == ".md"]
SCHEMAS = {
    "gitops/.github/workflows/reconciler.yaml": "github-workflows",
    "gitops/.gitlab-ci.yml": "gitlab-ci",
    "compose/compose.yaml": "compose-spec",
}
CALLED = re.compile(r"(?:^|-- |`|/)reconciler ([a-z][a-z-]*)", re.MULTILINE)
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


@pytest.mark.parametrize("path", YAMLS, ids=name_of)
def test_a_yaml_file_can_be_read(path: Path) -> None:
    assert documents(path)


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items(), ids=list(SCHEMAS))
def test_a_file_is_what_its_reader_expects(name: str, schema: str) -> None:
    pytest.importorskip("check_jsonschema")
    options = ["--builtin-schema", f"vendor.{schema}"]
    command = [sys.executable, "-m", "check_jsonschema", *options, str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:2]) == (0, "ok"), done.stdout + done.stderr


def test_every_setup_has_its_page_and_its_line() -> None:
    folders = {path.relative_to(EXAMPLES).parts[0] for path in FILES} - {"README.md"}
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \[([a-z]+)\]", page, flags=re.MULTILINE)) == folders
    assert {path.parent.name for path in PAGES} == folders - {"demo"} | {"examples"}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_shows_only_commands_that_there_are(path: Path) -> None:
    shown = CALLED.findall("\n".join(BLOCK.findall(path.read_text(encoding="utf-8"))))
    assert set(shown) <= {*COMMANDS, "run"}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_names_each_file_beside_it(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    beside = {file.name for file in FILES if file.parent == path.parent} - {path.name}
    assert {file for file in beside if not file.startswith(".") and file not in page} == set()


def secrets(tree: Any) -> list[str]:
    """Return the texts in a tree that look like a secret: 32 hexadecimal digits or more."""
    if isinstance(tree, dict):
        return [found for value in tree.values() for found in secrets(value)]
    if isinstance(tree, list):
        return [found for value in tree for found in secrets(value)]
    is_secret = isinstance(tree, str) and re.fullmatch(r"[0-9a-fA-F]{32,}", tree)
    return [tree] if is_secret else []


@pytest.mark.parametrize("path", YAMLS, ids=name_of)
def test_no_file_has_a_secret_in_it(path: Path) -> None:
    assert secrets(documents(path)) == []


def test_a_secret_in_a_file_would_be_found() -> None:
    assert secrets({"a": ["0123456789abcdef0123456789abcdef"]})
