"""The guide and the made pages leave nothing out."""

import re

import pytest

from reconciler.cli.main import COMMANDS
from reconciler.plan.reasons import Reason
from tests.architecture.repository import ROOT
from tools.reference import NOTICES, pages

GUIDE = ROOT / "docs/guide"
NOTICE = re.compile(r'(?:_warning\([^"\n]+|Objection\()"([a-z-]+)"')


def linked(page: str) -> set[str]:
    return set(re.findall(r"\]\(([^)#]+\.md)", (ROOT / page).read_text(encoding="utf-8")))


def test_the_guide_names_each_of_its_pages() -> None:
    written = {path.name for path in GUIDE.glob("*.md")} - {"README.md"}
    assert written - linked("docs/guide/README.md") == set()
    assert {f"guide/{name}" for name in written} - linked("docs/README.md") == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_on_commands_shows_an_example_of_each(command: str) -> None:
    section = pages()["commands.md"].split(f"\n## {command}\n")[1].partition("\n## ")[0]
    assert f"```\nreconciler {command}" in section


def test_the_page_on_reasons_explains_each() -> None:
    page = pages()["reasons.md"]
    assert [each for each in Reason if f"| `{each}` | {each.meaning} |" not in page] == []


def test_the_page_on_reasons_has_the_warnings_that_plans_give_and_no_other() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "reconciler").rglob("*.py")]
    plan = [(ROOT / "reconciler/plan" / name).read_text() for name in ("notices.py", "guards.py")]
    listed = {code for code, *_ in NOTICES}
    assert {code for text in plan for code in NOTICE.findall(text)} - listed == set()
    told = "\n".join(sources)
    assert [code for code in listed if f'"{code}"' not in told and f"[{code}]" not in told] == []


def test_every_exit_code_is_explained_where_others_link_to() -> None:
    page = (GUIDE / "safety.md").read_text(encoding="utf-8").split("\n## Exit codes\n")[1]
    assert re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE) == ["0", "1", "2", "3", "4", "130"]
