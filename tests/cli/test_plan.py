"""What design/cli.md says of `plan`, run as a user runs it, against a simulator over HTTP."""

import json
import socket
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.cli.test_plan_json import PLAN_SCHEMA
from tests.crash.support import Scene, recording

WINDOW = {"from": "2040-05-01T09:00:00+02:00", "until": "2040-05-01T10:00:00+02:00"}
COMMENT_MAX = 60_000


def applied(scene: Scene) -> None:
    ran = scene.apply()
    assert ran.code == 0, ran.out + ran.err


def kinds(scene: Scene, *options: str) -> dict[str, str]:
    """Return the action of each recording in a plan."""
    actions = scene.plan("--format", "json", *options).json["actions"]
    return {action["recording"]: action["action"] for action in actions}


def codes(scene: Scene, *options: str) -> set[str]:
    """Return the codes of a plan's diagnostics."""
    diagnostics = scene.plan("--format", "json", *options).json["diagnostics"]
    return {diagnostic["code"] for diagnostic in diagnostics}


def test_a_plan_shows_what_would_be_done_and_does_nothing(scene: Scene) -> None:
    ran = scene.plan()
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("Plan: 2 to start")
    assert ran.err == ""
    assert scene.service.calls() == []
    assert not scene.state.exists()


@pytest.mark.parametrize(("is_applied", "code"), [(False, 2), (True, 0)])
def test_detailed_exit_codes_tell_of_changes(scene: Scene, code: int, *, is_applied: bool) -> None:
    if is_applied:
        applied(scene)
    assert scene.plan("--detailed-exitcode").code == code
    assert scene.plan().code == 0


def test_the_json_is_the_document_of_the_contract(scene: Scene) -> None:
    applied(scene)
    scene.want(
        recording("lobby", layout={"background": {"color": "#202020"}}),
        recording("stage", "individual", channelProfile="communication"),
    )
    ran = scene.plan("--format", "json")
    Draft202012Validator(PLAN_SCHEMA).validate(ran.json)
    assert ran.err == ""
    lobby, stage_ = ran.json["actions"]
    assert (lobby["action"], stage_["action"]) == ("update_layout", "replace")
    assert lobby["session"]["sid"] in {live["sid"] for live in scene.service.live()}
    (change,) = lobby["changes"]
    assert (change["path"], change["after"]) == ("layout.background.color", "#202020")
    (request,) = lobby["requests"]
    assert request["path"].endswith("/updateLayout")
    assert ran.json["summary"]["replace"] == 1


def test_running_sessions_are_asked(scene: Scene) -> None:
    applied(scene)
    before = len(scene.service.endpoints())
    scene.plan()
    assert scene.service.endpoints()[before:] == ["query", "query"]


def test_without_refresh_nobody_is_asked(scene: Scene) -> None:
    applied(scene)
    before = scene.service.endpoints()
    assert scene.plan("--no-refresh", "--detailed-exitcode").code == 0
    assert scene.service.endpoints() == before


def test_a_moment_can_be_named_for_schedules(scene: Scene) -> None:
    scene.want(recording("lobby", schedule=[WINDOW]))
    assert kinds(scene) == {"lobby": "none"}
    assert kinds(scene, "--at", "2040-05-01T09:30:00+02:00") == {"lobby": "start"}
    assert kinds(scene, "--at", "2040-05-01T08:00:00Z") == {"lobby": "none"}


def test_a_moment_that_is_none_is_refused(scene: Scene) -> None:
    for text in ("tomorrow", "2040-05-01T09:30:00"):
        ran = scene.plan("--at", text)
        assert ran.code == 1
        assert "--at" in ran.err


def test_only_targets_are_planned(scene: Scene) -> None:
    assert kinds(scene, "--target", "stage") == {"stage": "start"}
    assert kinds(scene, "--target", "stage", "--target", "lobby") == {
        "lobby": "start",
        "stage": "start",
    }
    ran = scene.plan("--target", "nobody")
    assert ran.code == 1
    assert "`nobody`" in ran.err


def test_a_plan_is_saved_without_anything_else(scene: Scene) -> None:
    saved = scene.folder / "saved.plan"
    shown = scene.plan("--out", str(saved))
    assert shown.code == 0
    document = json.loads(saved.read_text())
    assert document["paths"] == [str(scene.specs)]
    assert document["summary"]["start"] == 2


def test_a_plan_that_cannot_be_saved_is_an_error(scene: Scene) -> None:
    ran = scene.plan("--out", str(scene.folder / "nowhere" / "saved.plan"))
    assert ran.code == 1
    assert "cannot be written" in ran.err
    assert "Traceback" not in ran.err


def test_requests_are_shown_without_secrets(scene: Scene) -> None:
    ran = scene.plan("--show-requests")
    assert "/acquire" in ran.out
    assert '"accessKey": "***"' in ran.out
    assert scene.environ["ACCESS_KEY"] not in ran.out


def sent(scene: Scene) -> list[dict[str, Any]]:
    """Return the bodies of the calls that a plan shows."""
    actions = scene.plan("--format", "json").json["actions"]
    return [request["body"] for action in actions for request in action["requests"]]


def test_the_shown_layout_was_not_the_one_that_is_sent(scene: Scene) -> None:
    policy = {"ignore": ["layout.background"]}
    was = {"type": "best-fit", "background": {"color": "#000001"}}
    scene.want(recording("lobby", layout=was, policy=policy))
    applied(scene)
    layout = {"type": "vertical", "background": {"color": "#00ff00"}}
    scene.want(recording("lobby", layout=layout, policy=policy))
    (body,) = sent(scene)
    assert body["clientRequest"]["backgroundColor"] == "#000001"
    assert body["clientRequest"]["mixedVideoLayout"] == 2


def test_the_shown_stop_of_what_is_gone_was_not_the_one_that_is_sent(scene: Scene) -> None:
    scene.want(recording("lobby"), recording("stage", policy={"stop": "sync"}))
    applied(scene)
    scene.want(recording("lobby"))
    (body,) = sent(scene)
    assert body["clientRequest"] == {"async_stop": False}


def test_markdown_is_a_comment_of_bounded_length(scene: Scene) -> None:
    scene.write("app", scene.app(maxRecordings=1000))
    scene.want(*(recording(f"room-{number}") for number in range(600)))
    ran = scene.plan("--format", "markdown")
    assert ran.code == 0
    assert "600 to start" in ran.out.splitlines()[0]
    assert len(ran.out) < COMMENT_MAX


def test_bad_manifests_are_told_and_the_sound_ones_planned(scene: Scene) -> None:
    applied(scene)
    scene.want(recording("fresh"), recording("broken", maxIdle="no time"))
    ran = scene.plan("--format", "json")
    assert ran.code == 1
    actions = {action["recording"]: action for action in ran.json["actions"]}
    assert actions["fresh"]["action"] == "start"
    assert actions["broken"]["action"] == "error"
    # Nothing is pruned: what cannot be read may be what seems to be gone.
    assert actions["lobby"]["action"] == actions["stage"]["action"] == "none"
    (told,) = (each for each in ran.json["diagnostics"] if each["severity"] == "error")
    assert told["path"] == "spec.maxIdle"
    text = scene.plan()
    assert text.code == 1
    assert f"error[{told['code']}] spec.maxIdle" in text.out + text.err


def test_a_file_that_is_no_yaml_prunes_nothing(scene: Scene) -> None:
    applied(scene)
    scene.write("recordings", "a: [")
    ran = scene.plan("--format", "json")
    assert ran.code == 1
    assert ran.json["summary"]["stop"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ["plan"],
        ["plan", "/nowhere"],
        ["plan", "specs", "--format", "yaml"],
        ["plan", "specs", "--nonsense"],
        ["plan", "specs", "--allow-stops", "many"],
        ["plan", "specs", "--state", "nowhere"],
    ],
)
def test_wrong_usage_is_an_error(scene: Scene, words: list[str]) -> None:
    ran = scene.run(*words)
    assert ran.code == 1
    assert "error" in ran.out + ran.err
    assert "Traceback" not in ran.err


def test_endpoints_that_no_apply_has_used_are_not_called(scene: Scene) -> None:
    """A pull request must not lead credentials to a host of its own choosing."""
    applied(scene)
    before = len(scene.service.calls())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        other = f"http://127.0.0.1:{listening.getsockname()[1]}"
        scene.write("app", scene.app(endpoints=[other]))
        ran = scene.plan("--format", "json")
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert ran.code == 0
    assert len(scene.service.calls()) == before + 2


def test_an_app_that_no_apply_has_used_is_not_called(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        other = f"http://127.0.0.1:{listening.getsockname()[1]}"
        scene.write("app", scene.app(endpoints=[other]))
        assert kinds(scene) == {"lobby": "start", "stage": "start"}
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_secret_that_does_not_resolve_is_a_warning_and_no_change(scene: Scene) -> None:
    applied(scene)
    del scene.environ["SECRET_KEY"]
    scene.want(recording("lobby"), recording("stage"), recording("fresh"))
    ran = scene.plan("--format", "json")
    assert ran.code == 0
    told = {each["code"] for each in ran.json["diagnostics"]}
    assert "secret-unresolved" in told
    assert ran.json["summary"]["none"] == 2
    assert ran.json["summary"]["start"] == 1


def test_without_the_credentials_of_an_app_state_is_all_there_is(scene: Scene) -> None:
    applied(scene)
    before = len(scene.service.calls())
    del scene.environ["CUSTOMER_SECRET"]
    assert codes(scene) >= {"secret-unresolved"}
    assert set(kinds(scene).values()) == {"none"}
    assert len(scene.service.calls()) == before


def test_a_service_that_cannot_be_reached_plans_no_stop_and_no_start(scene: Scene) -> None:
    applied(scene)
    scene.service.fail({"endpoint": "query", "effect": {"status": 500}})
    ran = scene.plan("--format", "json")
    assert ran.code == 0
    assert {action["action"] for action in ran.json["actions"]} == {"none"}
    assert any(each["severity"] == "warning" for each in ran.json["diagnostics"])


def test_a_first_404_is_waited_out(scene: Scene) -> None:
    applied(scene)
    scene.service.order("lobby", "kill")
    assert kinds(scene) == {"lobby": "wait", "stage": "none"}


def test_an_orphan_is_a_warning_that_changes_no_exit_code(scene: Scene) -> None:
    lost = {"endpoint": "start", "cname": "lobby", "nth": [1, 2, 3, 4], "effect": {"drop": "after"}}
    scene.service.fail(lost)
    scene.apply()
    assert [each.is_orphan for each in scene.known()].count(True) == 1
    assert "orphan" in codes(scene)
    assert scene.plan("--detailed-exitcode").code == 0


def test_what_a_guard_refuses_is_told_and_no_error(scene: Scene) -> None:
    applied(scene)
    scene.want()
    (scene.specs / "app.yaml").unlink()
    (scene.specs / "storage.yaml").unlink()
    ran = scene.plan("--format", "json", "--detailed-exitcode")
    assert ran.code == 2
    assert "guard-empty" in {each["code"] for each in ran.json["diagnostics"]}
    assert scene.plan().code == 0
    assert "guard-empty" not in codes(scene, "--allow-empty")
