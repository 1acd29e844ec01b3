import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from reconciler.cli.init import SCAFFOLD, SCHEMA
from reconciler.cli.main import COMMANDS, main

WRITTEN = {*SCAFFOLD, SCHEMA}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECONCILER_CACHE", "off")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return empty


def contents(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}


def errors(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_an_empty_folder_becomes_a_repository_that_is_valid_without_a_warning(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    assert set(contents(folder)) == WRITTEN
    assert main(["validate", "specs", "--strict"]) == 0
    assert "3 recordings, 0 errors, 0 warnings" in capsys.readouterr().out


def test_the_new_repository_has_one_layout_to_preview() -> None:
    assert main(["init"]) == 0
    assert main(["preview", "specs", "--users", "5", "--out", "composite.svg"]) == 0
    assert Path("composite.svg").stat().st_size > 0


def test_a_folder_that_is_not_there_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "a/my recordings"]) == 0
    assert set(contents(Path("a/my recordings"))) == WRITTEN
    said = errors(capsys)
    assert [name for name in WRITTEN if f"wrote a/my recordings/{name}\n" not in said] == []
    assert "cd 'a/my recordings'\n" in said


def test_the_schema_is_the_one_that_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert main(["schema"]) == 0
    assert Path(SCHEMA).read_text(encoding="utf-8") == capsys.readouterr().out


def test_the_editor_settings_lead_from_the_specs_to_the_schema() -> None:
    assert main(["init"]) == 0
    settings = json.loads(Path(".vscode/settings.json").read_text(encoding="utf-8"))
    (schema,) = settings["yaml.schemas"]
    assert Path(schema).is_file()
    assert {
        str(path) for pattern in settings["yaml.schemas"][schema] for path in Path().glob(pattern)
    } == {name for name in WRITTEN if name.startswith("specs/")}


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_with_one_file_there_already_nothing_is_written_and_it_is_named(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine", encoding="utf-8")
    assert main(["init"]) == 1
    assert contents(folder) == {name: "mine"}
    said = errors(capsys)
    assert f"`{name}` exists already; nothing was written" in said
    assert "--force" in said


def test_every_file_that_exists_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    errors(capsys)
    assert main(["init"]) == 1
    said = errors(capsys)
    assert [name for name in WRITTEN if f"`{name}`" not in said] == []


def test_a_link_to_nowhere_exists_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "README.md").symlink_to("gone")
    assert main(["init"]) == 1
    assert contents(folder) == {}
    assert "`README.md` exists already" in errors(capsys)


def test_force_overwrites_what_it_would_write_and_nothing_else(folder: Path) -> None:
    (folder / "README.md").write_text("mine", encoding="utf-8")
    (folder / "notes.md").write_text("mine", encoding="utf-8")
    assert main(["init", "--force"]) == 0
    found = contents(folder)
    assert found.pop("notes.md") == "mine"
    assert set(found) == WRITTEN
    assert found["README.md"] != "mine"


def test_force_replaces_a_link_and_not_what_it_leads_to(folder: Path) -> None:
    outside = folder.parent / "outside.md"
    outside.write_text("mine", encoding="utf-8")
    (folder / "README.md").symlink_to(outside)
    assert main(["init", "--force"]) == 0
    assert outside.read_text(encoding="utf-8") == "mine"


def test_other_specs_in_the_folder_are_let_be(folder: Path) -> None:
    (folder / "specs").mkdir()
    (folder / "specs/mine.yaml").write_text("mine", encoding="utf-8")
    assert main(["init"]) == 0
    assert contents(folder)["specs/mine.yaml"] == "mine"


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    ("obstacle", "place", "message"),
    [
        ("file", ".", "`new` is no folder"),
        ("file", "specs", "`new/specs` is no folder"),
        ("file", ".github", "`new/.github` is no folder"),
        ("folder", "specs/web.yaml", "`new/specs/web.yaml`"),
    ],
)
def test_what_is_in_the_way_is_named_and_nothing_is_written(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    force: list[str],
    obstacle: str,
    place: str,
    message: str,
) -> None:
    goal = folder / "new" / place
    goal.parent.mkdir(parents=True, exist_ok=True)
    if obstacle == "file":
        goal.write_text("mine", encoding="utf-8")
    else:
        goal.mkdir()
    before = contents(folder)
    assert main(["init", "new", *force]) == 1
    assert contents(folder) == before
    assert message in errors(capsys)


@pytest.mark.parametrize("place", ["file/new", "n" * 300])
def test_a_folder_that_cannot_be_made_is_an_error_without_a_traceback(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (folder / "file").write_text("mine", encoding="utf-8")
    assert main(["init", place]) == 1
    assert contents(folder) == {"file": "mine"}
    assert re.fullmatch(r"error: `[^`]+` cannot be written: [\w ]+\n", errors(capsys))


def test_a_failure_half_way_leaves_no_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last file cannot be written: somebody else holds the name it is written under first."""
    (folder / "specs").mkdir()
    (folder / "specs/.web.yaml.new").write_text("theirs", encoding="utf-8")
    assert main(["init"]) == 1
    assert contents(folder) == {"specs/.web.yaml.new": "theirs"}
    assert "`specs/.web.yaml.new` cannot be written" in errors(capsys)


def test_files_and_texts_name_only_commands_that_there_are() -> None:
    assert main(["init"]) == 0
    texts = contents(Path())
    del texts[SCHEMA]
    run = re.compile(r"^(?:#.*: |\s*-? ?(?:run: )?)reconciler ([a-z-]+)", re.MULTILINE)
    named = {name: run.findall(text) for name, text in texts.items()}
    assert {command for commands in named.values() for command in commands} <= set(COMMANDS)
    assert named["README.md"][:3] == ["validate", "preview", "convert"]
    assert named[".github/workflows/reconciler.yaml"] == ["validate"]


def test_the_workflow_validates_strictly_for_pull_requests() -> None:
    assert main(["init"]) == 0
    workflow = Path(".github/workflows/reconciler.yaml").read_text(encoding="utf-8")
    (command,) = re.findall(r"- run: reconciler (.+)", workflow)
    assert {"--strict", "--format", "github"} <= set(command.split())
    assert main(command.split()) == 0
    assert re.search(r"^  pull_request:$", workflow, flags=re.MULTILINE)


def test_every_file_of_the_scaffold_is_used() -> None:
    scaffold = Path(str(files("reconciler.cli"))) / "scaffold"
    stored = {str(path.relative_to(scaffold)) for path in scaffold.rglob("*") if path.is_file()}
    assert stored == set(SCAFFOLD.values())
    assert [name for name in stored if name.startswith(".")] == []
