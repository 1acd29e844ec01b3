"""The repository of recordings: its specs, and that its CI does what a person would do."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.init import SCAFFOLD
from reconciler.cli.main import main
from reconciler.clock import SystemClock
from tests.architecture.repository import ROOT
from tests.cli.world import SCALE, World, world_at
from tests.examples.hurried import install
from tests.examples.merge_requests import Notes, notes
from tests.examples.setups import EXAMPLES, document, documents, named_by_specs

GITOPS = EXAMPLES / "gitops"
GITHUB = ".github/workflows/reconciler.yaml"
GITLAB = ".gitlab-ci.yml"
DAEMON_ONLY = {"AGORA_NCS_SECRET"}
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A checkout of the repository as `repository/`, its App at a simulator."""
    since_s = SystemClock().now_s()
    with world_at(tmp_path) as world:
        world.environ |= {"STORAGE_ACCESS_KEY": "a", "STORAGE_SECRET_KEY": "b"}
        world.environ |= {"HURRIED_SINCE_S": str(since_s), "HURRIED_SCALE": str(SCALE)}
        shutil.copytree(GITOPS, tmp_path / "repository")
        with (tmp_path / "repository/specs/app.yaml").open("a", encoding="utf-8") as file:
            file.write(f'  endpoints: ["{world.url}"]\n')
        git(world, "init", "--quiet", "--initial-branch", "main")
        commit(world)
        yield world


def git(world: World, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=world.folder / "repository", check=True)


def commit(world: World) -> None:
    git(world, "add", "--all")
    git(world, "commit", "--quiet", "--message", "Change what is recorded")


def script(world: World, text: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script as a runner does, with this program and the programs of `bin/`."""
    programs = world.folder / "bin"
    programs.mkdir(exist_ok=True)
    install(programs)
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", text],
        cwd=world.folder / "repository",
        env={**world.environ, "PATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def edit(world: World, file: str, old: str, new: str) -> None:
    path = world.folder / "repository/specs" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    commit(world)


def records(world: World) -> set[str]:
    """Return the channels that are recorded; the town hall only is on Thursdays."""
    return world.live() - {"town-hall"}


def test_the_specs_are_sound_and_warn_of_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_CACHE", "off")
    assert main(["validate", str(GITOPS / "specs"), "--strict", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["diagnostics"] == []


def test_the_specs_show_an_app_a_storage_a_template_recordings_and_a_set() -> None:
    files = (GITOPS / "specs").glob("*.yaml")
    kinds = [each["kind"] for path in files for each in documents(path)]
    assert set(kinds) == {"App", "Storage", "Template", "Recording", "RecordingSet"}
    assert kinds.count("Recording") >= 3


def test_the_specs_are_planned_applied_and_then_as_desired(world: World) -> None:
    specs = world.folder / "repository/specs"
    planned = world.run("plan", specs, "--detailed-exitcode")
    assert planned.code == 2, planned
    assert planned.err == ""
    assert world.run("apply", specs, "--yes").code == 0
    assert records(world) == {"hearing-1", "wall", "room-aster", "room-birch"}
    assert world.run("plan", specs, "--detailed-exitcode").code == 0


def test_the_page_says_all_that_has_to_be_set() -> None:
    page = (GITOPS / "README.md").read_text(encoding="utf-8")
    jobs = (GITOPS / GITHUB).read_text() + (GITOPS / GITLAB).read_text()
    needed = set(re.findall(r"\b(?:secrets|vars)\.(\w+)", jobs))
    needed |= set(re.findall(r"\$\{?(RECONCILER_\w+)", jobs))
    needed |= named_by_specs(GITOPS / "specs")
    table = re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE)
    told = {name for row in table for name in re.findall(r"`([A-Z_]+)`", row)}
    assert needed - told == DAEMON_ONLY
    assert DAEMON_ONLY - set(re.findall(r"`([A-Z_]+)`", page)) == set()
    assert told - needed == set()


@pytest.mark.parametrize("code", ["3", "4", "130"])
def test_both_explain_every_exit_code_of_apply(code: str) -> None:
    assert f"  {code}) echo" in (GITOPS / GITHUB).read_text(encoding="utf-8")
    assert f"  {code}) echo" in (GITOPS / GITLAB).read_text(encoding="utf-8")
    assert f"| {code} |" in (GITOPS / "README.md").read_text(encoding="utf-8")


def jobs() -> dict[str, Any]:
    read: dict[str, Any] = document(GITOPS / GITHUB)
    return read


def steps(job: str) -> str:
    """Return the scripts of a job's steps in one, but for what installs the program."""
    found = [each["run"] for each in jobs()["jobs"][job]["steps"] if "run" in each]
    assert "pip install" in found[0]
    return "\n".join(found[1:])


def test_the_workflow_is_the_one_that_init_writes() -> None:
    written = ROOT / "reconciler/cli/scaffold" / SCAFFOLD[GITHUB]
    assert (GITOPS / GITHUB).read_bytes() == written.read_bytes()


def test_the_workflow_names_a_version_of_every_action_and_may_do_little() -> None:
    workflow = jobs()
    used = [each["uses"] for job in workflow["jobs"].values() for each in job["steps"][:2]]
    assert [action for action in used if not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
    comments = {"contents": "read", "pull-requests": "write"}
    assert more == {"validate": None, "plan": comments, "apply": None}


def test_in_the_workflow_forks_get_no_plan_and_validate_gets_no_secret() -> None:
    plan, validate = (json.dumps(jobs()["jobs"][name]) for name in ("plan", "validate"))
    assert "head.repo.full_name == github.repository" in jobs()["jobs"]["plan"]["if"]
    assert "secrets." in plan
    assert "secrets." not in validate


def comment_on_github(world: World) -> str:
    """Plan a pull request; return the comment that its job leaves."""
    gh = world.folder / "bin/gh"
    gh.parent.mkdir(exist_ok=True)
    gh.write_text('#!/bin/sh\necho "$@" > ../gh.words\ncat "$5" > ../gh.body\n')
    gh.chmod(0o755)
    files = {"GITHUB_STEP_SUMMARY": "../summary", "GITHUB_ENV": "../env"}
    done = script(world, steps("plan").replace("$CODE", "$code"), PULL_REQUEST="URL", **files)
    assert done.returncode == 0, done
    words = (world.folder / "gh.words").read_text()
    assert words == "pr comment URL --body-file plan.md --edit-last --create-if-none\n"
    return (world.folder / "gh.body").read_text()


def test_on_github_a_change_is_planned_below_its_pull_request_and_merged(world: World) -> None:
    merged = script(world, steps("apply"))
    assert merged.returncode == 0, merged
    git(world, "switch", "--quiet", "--create", "change")
    edit(world, "rooms.csv", "cedar,floating,,true", "cedar,floating,,")
    assert "<code>room-cedar</code> | start" in comment_on_github(world)
    git(world, "switch", "--quiet", "main")
    git(world, "merge", "--quiet", "change")
    assert script(world, steps("apply")).returncode == 0
    assert records(world) == {"hearing-1", "wall", "room-aster", "room-birch", "room-cedar"}


def pipeline() -> dict[str, Any]:
    read: dict[str, Any] = document(GITOPS / GITLAB)
    return read


def lines(job: str) -> str:
    """Return the script of a job of the pipeline, which is one shell's."""
    return "\n".join(pipeline()[job]["script"])


def merge_request(world: World, forge: Notes) -> subprocess.CompletedProcess[str]:
    """Run the job that plans a merge request."""
    return script(world, lines("plan"), **forge.environ)


def test_the_pipeline_validates_first_and_applies_only_the_default_branch() -> None:
    read = pipeline()
    assert [read[name]["stage"] for name in read["stages"]] == read["stages"]
    assert read["stages"] == ["validate", "plan", "apply"]
    assert [each["if"] for each in read["apply"]["rules"]] == [
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
    ]
    assert read["apply"]["resource_group"]
    assert re.fullmatch(r"python:3\.\d+", read["default"]["image"])


def test_in_the_pipeline_forks_get_no_plan() -> None:
    (rule,) = pipeline()["plan"]["rules"]
    assert rule == {"if": "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"}


@pytest.mark.parametrize("name", ["validate", "plan", "apply"])
def test_without_what_has_to_be_set_a_job_of_the_pipeline_says_what(
    world: World, name: str
) -> None:
    before = "\n".join(pipeline()["default"]["before_script"])
    text, variable = (before, "SOURCE") if name == "validate" else (lines(name), "STATE")
    done = script(world, text, **{f"RECONCILER_{variable}": ""})
    assert done.returncode != 0
    assert f"set the CI/CD variable RECONCILER_{variable}, see README.md" in done.stderr


def test_on_gitlab_a_change_is_planned_below_its_merge_request_and_merged(world: World) -> None:
    assert script(world, lines("validate")).returncode == 0
    with notes() as forge:
        forge.add("project_8_bot_x", "### Recordings of another bot")
        forge.add("person", "### Recordings are fine")
        first = merge_request(world, forge)
        assert (first.returncode, first.stderr) == (0, ""), first
        assert first.stdout.endswith("This would change what runs.\n")
        edit(world, "rooms.csv", "cedar,floating,,true", "cedar,floating,,")
        assert merge_request(world, forge).returncode == 0
    assert [author for author, _ in forge.found] == ["project_8_bot_x", "person", "project_7_bot_a"]
    assert "<code>room-cedar</code> | start" in forge.found[-1][1]
    merged = script(world, lines("apply"))
    assert merged.returncode == 0, merged
    assert records(world) == {"hearing-1", "wall", "room-aster", "room-birch", "room-cedar"}


def test_on_gitlab_a_plan_with_errors_is_a_comment_and_fails(world: World) -> None:
    edit(world, "hearing.yaml", "mode: individual", "mode: individually")
    with notes() as forge:
        done = merge_request(world, forge)
    assert done.returncode == 1
    assert done.stdout.endswith("The plan has errors, see the comment.\n")
    assert "hearing.yaml" in forge.found[-1][1]
