import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

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
    assert named[".github/workflows/reconciler.yaml"] == ["validate", "plan", "apply"]


def workflow() -> dict[str, Any]:
    """Make a new repository and read its workflow."""
    assert main(["init"]) == 0
    read: dict[str, Any] = YAML(typ="safe").load(Path(".github/workflows/reconciler.yaml"))
    return read


def step(job: str, name: str) -> dict[str, Any]:
    """Return a step of a job of the workflow."""
    found: dict[str, Any]
    (found,) = (each for each in workflow()["jobs"][job]["steps"] if each.get("name") == name)
    return found


def run(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script as the runner does, with this program."""
    program = Path(sys.executable).parent
    return subprocess.run(
        ["bash", "-e", "-c", script],
        env={"PATH": f"{program}:{os.environ['PATH']}", "RECONCILER_CACHE": "off", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


SECRETS = {
    "RECONCILER_STATE": "sqlite:///state.db",
    "AGORA_APP_ID": "0123456789abcdef0123456789abcdef",
    "GITHUB_STEP_SUMMARY": "summary.md",
    "GITHUB_ENV": "env",
}


def test_the_workflow_validates_strictly_for_pull_requests() -> None:
    (command,) = (each["run"] for each in workflow()["jobs"]["validate"]["steps"][-1:])
    words = command.removeprefix("reconciler ").split()
    assert {"--strict", "--format", "github"} <= set(words)
    assert main(words) == 0
    text = Path(".github/workflows/reconciler.yaml").read_text(encoding="utf-8")
    assert re.search(r"^  pull_request:$", text, flags=re.MULTILINE)


def test_the_workflow_plans_for_pull_requests_and_applies_what_is_merged() -> None:
    jobs = workflow()["jobs"]
    assert "github.event_name == 'pull_request'" in jobs["plan"]["if"]
    assert jobs["apply"]["if"] == "github.event_name != 'pull_request'"
    assert {jobs[name]["needs"] for name in ("plan", "apply")} == {"validate"}


@pytest.mark.parametrize(("job", "name"), [("plan", "Plan"), ("apply", "Apply")])
def test_plan_and_apply_get_every_variable_that_the_specs_name(job: str, name: str) -> None:
    given = step(job, name)["env"]
    texts = [path.read_text(encoding="utf-8") for path in Path("specs").glob("*.yaml")]
    lines = [line for text in texts for line in text.splitlines() if line.lstrip()[:1] != "#"]
    named = {name for line in lines for name in re.findall(r"\{env: (\w+)\}", line)}
    assert named <= set(given)


@pytest.mark.parametrize(("job", "name"), [("plan", "Plan"), ("apply", "Apply")])
def test_without_a_state_that_lasts_nothing_is_planned_or_applied(job: str, name: str) -> None:
    done = run(step(job, name)["run"], RECONCILER_STATE="")
    assert done.returncode != 0
    assert "RECONCILER_STATE" in done.stderr
    assert not Path(".reconciler").exists()


def test_the_step_that_plans_writes_a_comment_and_keeps_the_exit_code() -> None:
    done = run(step("plan", "Plan")["run"], **SECRETS)
    assert (done.returncode, done.stdout) == (0, "This would change what runs.\n")
    assert "<code>composite</code> | start" in Path("plan.md").read_text(encoding="utf-8")
    assert Path("summary.md").read_bytes() == Path("plan.md").read_bytes()
    assert Path("env").read_text(encoding="utf-8") == "CODE=2\n"


def test_a_plan_with_errors_is_a_comment_too() -> None:
    script = step("plan", "Plan")["run"]
    with Path("specs/composite.yaml").open("a", encoding="utf-8") as file:
        file.write("  unknown: true\n")
    done = run(script, **SECRETS)
    assert done.returncode == 0
    assert "::error" in done.stdout
    assert Path("plan.md").stat().st_size > 0
    assert Path("env").read_text(encoding="utf-8") == "CODE=1\n"


def test_a_plan_that_cannot_be_made_fails_at_once() -> None:
    done = run(step("plan", "Plan")["run"], **{**SECRETS, "RECONCILER_STATE": "nowhere"})
    assert done.returncode == 1
    assert not Path("env").exists()


def test_the_step_that_applies_ends_as_apply_does_and_says_what_that_means() -> None:
    done = run(step("apply", "Apply")["run"], **SECRETS)
    assert done.returncode == 1
    assert "::error title=reconciler::Something failed" in done.stdout


@pytest.mark.parametrize("code", ["3", "4", "130"])
def test_every_exit_code_of_apply_is_explained(code: str) -> None:
    assert f"  {code}) echo" in step("apply", "Apply")["run"]
    assert f"| {code} |" in Path("README.md").read_text(encoding="utf-8")


def test_every_file_of_the_scaffold_is_used() -> None:
    scaffold = Path(str(files("reconciler.cli"))) / "scaffold"
    stored = {str(path.relative_to(scaffold)) for path in scaffold.rglob("*") if path.is_file()}
    assert stored == set(SCAFFOLD.values())
    assert [name for name in stored if name.startswith(".")] == []
