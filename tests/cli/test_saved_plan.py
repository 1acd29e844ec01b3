"""What design/cli.md says of saved plans, run as a user runs it, against a simulator over HTTP."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.cli.test_plan_json import APPLY_SCHEMA
from tests.crash.support import Scene, recording

REFUSED = 3


def channels(scene: Scene) -> list[str]:
    """Return the channels that are recorded now."""
    return sorted(live["cname"] for live in scene.service.live())


@pytest.fixture
def saved(scene: Scene) -> Path:
    saved = scene.folder / "saved.plan"
    assert scene.plan("--out", str(saved)).code == 0
    return saved


def test_a_saved_plan_is_carried_out(scene: Scene, saved: Path) -> None:
    ran = scene.run("apply", "--plan", str(saved), "--yes")
    assert ran.code == 0, ran.err
    assert channels(scene) == ["lobby", "stage"]


@pytest.mark.parametrize("move", ["specs", "state", "secret"])
def test_a_saved_plan_that_no_longer_fits_is_refused(scene: Scene, saved: Path, move: str) -> None:
    if move == "specs":
        scene.want(recording("lobby"), recording("stage", maxIdle="1m"))
    elif move == "state":
        assert scene.apply("--target", "lobby").code == 0
    else:
        del scene.environ["SECRET_KEY"]
    before = scene.service.changes()
    ran = scene.run("apply", "--plan", str(saved), "--yes")
    assert ran.code == REFUSED
    assert "no longer fits" in ran.err
    assert "plan again" in ran.err
    assert scene.service.changes() == before


def test_a_saved_plan_sent_another_secret_than_was_planned(scene: Scene) -> None:
    assert scene.apply("--target", "lobby").code == 0
    saved = scene.folder / "saved.plan"
    assert scene.plan("--out", str(saved)).code == 0
    scene.environ["SECRET_KEY"] = "another-key-7731"
    scene.want(recording("stage"))  # the plan of what runs moved with it, too
    assert scene.plan("--out", str(saved), "--no-prune").code == 0
    scene.environ["SECRET_KEY"] = "a-third-key-7731"
    assert scene.run("apply", "--plan", str(saved), "--yes").code == REFUSED
    assert channels(scene) == ["lobby"]
    scene.environ["SECRET_KEY"] = "another-key-7731"
    assert scene.run("apply", "--plan", str(saved), "--yes").code == 0
    assert channels(scene) == ["lobby", "stage"]


def test_a_saved_plan_is_carried_out_once(scene: Scene, saved: Path) -> None:
    assert scene.run("apply", "--plan", str(saved), "--yes").code == 0
    before = scene.service.changes()
    assert scene.run("apply", "--plan", str(saved), "--yes").code == REFUSED
    assert scene.service.changes() == before


@pytest.mark.parametrize("key", ["digest", "basis"])
def test_a_saved_plan_that_was_tampered_with_is_refused(
    scene: Scene, saved: Path, key: str
) -> None:
    document = json.loads(saved.read_text())
    document[key] = "0" * 64
    saved.write_text(json.dumps(document))
    ran = scene.run("apply", "--plan", str(saved), "--yes")
    assert ran.code == 1
    assert "not as it was saved" in ran.err
    assert scene.service.calls() == []


def test_a_saved_plan_keeps_its_targets(scene: Scene, saved: Path) -> None:
    assert scene.plan("--out", str(saved), "--target", "stage").code == 0
    assert scene.run("apply", "--plan", str(saved), "--yes").code == 0
    assert channels(scene) == ["stage"]


def test_a_saved_plan_is_for_its_scope(scene: Scene, saved: Path) -> None:
    ran = scene.run("apply", "--plan", str(saved), "--yes", "--scope", "other")
    assert ran.code == REFUSED
    assert "--scope default" in ran.err
    assert scene.service.calls() == []


@pytest.mark.parametrize("text", ["", "{}", "no JSON", '{"format_version": "2"}', "[" * 100_000])
def test_what_is_no_saved_plan_is_an_error(scene: Scene, saved: Path, text: str) -> None:
    saved.write_text(text)
    ran = scene.run("apply", "--plan", str(saved), "--yes")
    assert ran.code == 1
    assert "is not a saved plan" in ran.err


def test_a_saved_plan_takes_no_paths_or_targets(scene: Scene, saved: Path) -> None:
    for more in ([str(scene.specs)], ["--target", "lobby"]):
        assert scene.run("apply", *more, "--plan", str(saved), "--yes").code == 1
    assert scene.run("apply", "--yes").code == 1
    assert scene.run("apply", "--plan", str(saved.with_name("none")), "--yes").code == 1
    assert scene.service.calls() == []


def test_a_refused_apply_printed_no_document(scene: Scene, saved: Path) -> None:
    assert scene.apply().code == 0
    for file in scene.specs.iterdir():
        file.unlink()
    for words in (["apply", str(scene.specs)], ["apply", "--plan", str(saved)]):
        ran = scene.run(*words, "--yes", "--format", "json")
        assert ran.code == REFUSED
        Draft202012Validator(APPLY_SCHEMA).validate(ran.json)
        assert ran.json["results"] == []
        assert ran.json["plan"]["summary"]["stop"] == 2
        assert "error:" in ran.err
