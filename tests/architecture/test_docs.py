import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, committed_files, names, pyproject, texts

CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)
OUTSIDE = re.compile(r"[a-z]+:")
REGISTRY = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.org|crates\.io|proxy\.golang\.org)\b"
)
MACHINE_PATH = re.compile(r"(?<![\w.~}-])/(?:work|root)/")
TEMPORARY_PATH = re.compile(r"(?<![\w.~}-])/tmp/")


def broken_links(name: str, text: str) -> list[str]:
    """Name the relative links of the page `name` that lead to no file or heading."""
    links = ["".join(match) for match in LINK.findall(CODE.sub("", text))]
    inside = [link for link in links if not OUTSIDE.match(link)]
    return [f"{name}: {link}" for link in inside if not leads_somewhere(ROOT / name, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    goal = page.parent / path if path else page
    if not anchor:
        return goal.exists()
    return goal.is_file() and anchor in anchors(goal.read_text(encoding="utf-8"))


def anchors(text: str) -> set[str]:
    """Make the anchors of a page's headings as Git hosts do."""
    headings = (re.sub(r"[^\w\- ]", "", heading).lower() for heading in HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in headings}


def dependencies_in(section: str) -> set[str]:
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    body = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return names(re.findall(r"^- `([^`]+)`:", body, flags=re.MULTILINE))


def missing_paths(makefile: str) -> list[str]:
    """Name the paths and modules of ours in a Makefile's help and recipes that do not exist."""
    paths = re.findall(r"(?<![\w$()./-])[a-z]+(?:/[\w.-]+)+", makefile)
    modules = re.findall(r"-m ((?:reconciler|benchmarks|tools)[\w.]*)", makefile)
    paths += [f"{module.replace('.', '/')}.py" for module in modules]
    return [path for path in paths if not (ROOT / path).exists()]


def test_every_relative_link_leads_to_a_file_and_heading() -> None:
    pages = texts(".md")
    assert [link for name, text in pages.items() for link in broken_links(name, text)] == []


@pytest.mark.parametrize(
    "link", ["[a](gone.md)", "[a](../LICENSE/b)", "[a](#gone)", "[a]: gone.md", "![a](gone.png)"]
)
def test_a_broken_link_is_found(link: str) -> None:
    assert len(broken_links("docs/dependencies.md", link)) == 1


@pytest.mark.parametrize(
    "link",
    ["[a](../LICENSE)", "[a](#at-run-time)", "[a](https://b.c)", "`[a](b)`", "```\n[a](b)\n```"],
)
def test_a_sound_link_is_let_be(link: str) -> None:
    assert broken_links("docs/dependencies.md", link) == []


def test_every_path_in_the_makefile_exists() -> None:
    assert missing_paths((ROOT / "Makefile").read_text(encoding="utf-8")) == []


def test_a_missing_path_in_a_makefile_is_found() -> None:
    makefile = "docs: ## write docs/gone\n\tsh tools/gone.sh && $(BIN)/python -m benchmarks.gone"
    assert missing_paths(makefile) == ["docs/gone", "tools/gone.sh", "benchmarks/gone.py"]


def test_make_alone_lists_every_command() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    assert commands
    shown = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"^  make (\S+) +\S", shown, flags=re.MULTILINE) == commands[1].split()


def test_the_page_on_dependencies_names_those_of_the_project() -> None:
    project = pyproject()
    assert dependencies_in("At run time") == names(project["project"]["dependencies"])
    assert dependencies_in("For development") == names(project["dependency-groups"]["dev"])


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci/run"
    command = script.read_text(encoding="utf-8").splitlines()[-1].removeprefix("exec ")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert command == "make test"
    assert re.search(rf"(?:^|`|\$ ){command}\b", readme, flags=re.MULTILINE)
    assert os.access(script, os.X_OK)


def test_no_file_names_a_registry_or_a_path_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{name}: {match[0]}"
        for pattern in (REGISTRY, MACHINE_PATH)
        for name, text in texts().items()
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_no_page_names_a_path_in_the_temporary_folder() -> None:
    assert [name for name, text in texts(".md").items() if TEMPORARY_PATH.search(text)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRY, "https://files.python" + "hosted.org/a"),
        (MACHINE_PATH, "see /" + "work/a"),
        (MACHINE_PATH, "`/" + "root/a`"),
        (TEMPORARY_PATH, "cd /" + "tmp/a"),
    ],
)
def test_an_address_or_path_that_does_not_belong_is_found(
    pattern: re.Pattern[str], text: str
) -> None:
    assert pattern.search(text)


def test_the_license_and_the_type_marker_are_shipped() -> None:
    assert {"LICENSE", "reconciler/py.typed"} <= set(committed_files())
