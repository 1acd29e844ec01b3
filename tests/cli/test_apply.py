"""What design/cli.md says of `apply`, run as a user runs it, against a simulator over HTTP."""

from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.cli.test_plan_json import APPLY_SCHEMA
from tests.crash.support import Ran, Scene, manifest, recording

REFUSED = 3
ROOMS = 10


def applied(scene: Scene, *options: str) -> Ran:
    ran = scene.apply(*options)
    assert ran.code == 0, ran.out + ran.err
    return ran


def channels(scene: Scene) -> list[str]:
    """Return the channels that are recorded now."""
    return sorted(live["cname"] for live in scene.service.live())


def rooms(scene: Scene, *numbers: int) -> None:
    scene.want(*(recording(f"room-{number}") for number in numbers))


def results(ran: Ran) -> dict[str, Any]:
    return {result["recording"]: result for result in ran.json["results"]}


def test_it_plans_shows_acts_and_tells(scene: Scene) -> None:
    ran = applied(scene)
    assert "Plan: 2 to start" in ran.out
    assert ran.out.splitlines()[-1].startswith("Apply: 2 done, 0 failed")
    assert channels(scene) == ["lobby", "stage"]


def test_a_second_apply_changes_nothing(scene: Scene) -> None:
    applied(scene)
    before = scene.service.changes()
    assert "nothing to do" in applied(scene).out
    assert scene.service.changes() == before


def test_the_json_is_the_document_of_the_contract(scene: Scene) -> None:
    refused = {"status": 400, "code": 2, "reason": "no such bucket"}
    scene.service.fail({"endpoint": "start", "cname": "stage", "effect": refused})
    ran = scene.apply("--format", "json")
    assert ran.code == 1
    Draft202012Validator(APPLY_SCHEMA).validate(ran.json)
    lobby, stage_ = results(ran)["lobby"], results(ran)["stage"]
    assert (lobby["outcome"], lobby["error"]) == ("done", None)
    assert lobby["session"]["sid"] == scene.service.live()[0]["sid"]
    assert stage_["outcome"] == "failed"
    assert "no such bucket" in stage_["error"]["message"]
    assert ran.json["summary"] == {"done": 1, "failed": 1, "skipped": 0}


def test_without_yes_and_without_a_terminal_nothing_is_done(scene: Scene) -> None:
    ran = scene.run("apply", str(scene.specs))
    assert ran.code == 1
    assert "--yes" in ran.err
    assert scene.service.calls() == []


def test_without_changes_nobody_is_asked(scene: Scene) -> None:
    applied(scene)
    assert scene.run("apply", str(scene.specs)).code == 0


def test_only_targets_are_applied(scene: Scene) -> None:
    applied(scene, "--target", "stage")
    assert channels(scene) == ["stage"]
    scene.want()
    applied(scene, "--target", "stage", "--allow-empty")
    assert channels(scene) == []
    assert scene.apply("--target", "nobody").code == 1


def test_no_wait_returns_after_the_calls(scene: Scene) -> None:
    ran = applied(scene, "--no-wait")
    assert scene.service.endpoints().count("start") == 2
    assert "query" not in scene.service.endpoints()
    assert "starting" in {str(session.phase) for session in scene.known()}, ran.out
    applied(scene)
    assert {str(session.phase) for session in scene.known()} == {"running"}
    assert scene.service.endpoints().count("start") == 2


def test_a_session_that_never_comes_up_fails_within_the_timeout(scene: Scene) -> None:
    order = {"order": "fail", "cause": "start", "after_s": 1}
    scene.service.fail({"endpoint": "start", "cname": "stage", "effect": {"then": order}})
    ran = scene.apply("--format", "json", "--timeout", "30s")
    assert ran.code == 1
    assert results(ran)["lobby"]["outcome"] == "done"
    assert results(ran)["stage"]["outcome"] == "failed"


# Guards


def test_more_than_a_few_stops_are_refused_until_they_are_allowed(scene: Scene) -> None:
    rooms(scene, *range(ROOMS))
    applied(scene)
    rooms(scene, *range(ROOMS - 4))
    before = scene.service.changes()
    for more in ((), ("--allow-stops", "3")):
        ran = scene.apply(*more)
        assert ran.code == REFUSED
        assert "--allow-stops 4" in ran.err
        assert scene.service.changes() == before
    applied(scene, "--allow-stops", "4")
    assert len(channels(scene)) == ROOMS - 4


def test_few_stops_are_done_without_a_question(scene: Scene) -> None:
    rooms(scene, *range(ROOMS))
    applied(scene)
    rooms(scene, *range(ROOMS - 3))
    applied(scene)
    assert len(channels(scene)) == ROOMS - 3


def test_replacements_count_as_stops(scene: Scene) -> None:
    rooms(scene, *range(ROOMS))
    applied(scene)
    scene.want(*(recording(f"room-{number}", files=["hls", "mp4"]) for number in range(ROOMS)))
    assert scene.apply().code == REFUSED
    applied(scene, "--allow-stops", str(ROOMS))
    assert len(channels(scene)) == ROOMS
    assert len(scene.service.sessions()) == 2 * ROOMS


def test_specs_without_any_manifest_are_refused(scene: Scene) -> None:
    applied(scene)
    for file in scene.specs.iterdir():
        file.unlink()
    ran = scene.apply()
    assert ran.code == REFUSED
    assert "--allow-empty" in ran.err
    assert channels(scene) == ["lobby", "stage"]
    applied(scene, "--allow-empty")
    assert channels(scene) == []


def test_a_set_that_yields_nothing_is_refused(scene: Scene) -> None:
    spec = {"mode": "mix", "channel": "${room}", "channelProfile": "live", "storage": "archive"}
    body = {"metadata": {"name": "set-${room}"}, "spec": spec}
    table = scene.specs / "rooms.csv"
    table.write_text("room\na\nb\n")
    scene.want(
        manifest("RecordingSet", "rooms", generators=[{"file": "rooms.csv"}], recording=body)
    )
    applied(scene)
    assert channels(scene) == ["a", "b"]
    table.write_text("room\n")
    ran = scene.apply()
    assert ran.code == REFUSED
    assert "--allow-empty" in ran.err
    assert channels(scene) == ["a", "b"]
    applied(scene, "--allow-empty")
    assert channels(scene) == []


# Pruning


def test_what_is_gone_is_stopped_unless_told_otherwise(scene: Scene) -> None:
    applied(scene)
    scene.want(recording("lobby"))
    applied(scene, "--no-prune")
    assert channels(scene) == ["lobby", "stage"]
    applied(scene)
    assert channels(scene) == ["lobby"]


def test_what_was_read_from_other_paths_is_left(scene: Scene) -> None:
    applied(scene)
    others = scene.folder / "others"
    others.mkdir()
    for name in ("app", "storage"):
        (scene.specs / f"{name}.yaml").rename(others / f"{name}.yaml")
    (others / "hall.yaml").write_text(recording("hall"))
    ran = scene.run("apply", str(others), "--yes")
    assert ran.code == 0, ran.out + ran.err
    assert "other-paths" in ran.out + ran.err
    assert channels(scene) == ["hall", "lobby", "stage"]
    assert scene.run("apply", str(others), "--yes", "--prune-all").code == 0
    assert channels(scene) == ["hall"]


def test_bad_manifests_are_told_and_the_sound_ones_applied(scene: Scene) -> None:
    applied(scene)
    scene.want(recording("fresh"), recording("broken", maxIdle="no time"))
    ran = scene.apply()
    assert ran.code == 1
    assert "spec.maxIdle" in ran.out + ran.err
    assert channels(scene) == ["fresh", "lobby", "stage"]


def test_a_recording_whose_manifest_broke_goes_on(scene: Scene) -> None:
    applied(scene)
    scene.want(recording("lobby", maxIdle="no time"), recording("stage"))
    before = scene.service.changes()
    assert scene.apply().code == 1
    assert scene.service.changes() == before


# What expires


def test_with_json_nobody_was_warned_of_expiry(scene: Scene) -> None:
    ran = applied(scene, "--format", "json")
    assert len(results(ran)) == 2
    assert "warning[unattended-expiry]" in ran.err


def test_an_end_that_is_asked_for_was_warned_of(scene: Scene) -> None:
    page = {"url": "https://example.com/page", "maxDuration": "1h"}
    scene.want(recording("wall", "web", web=page, policy={"restart": "on-failure"}))
    ends = scene.service.now_s() + 71 * 3600
    (line,) = (line for line in applied(scene).err.splitlines() if "unattended-expiry" in line)
    assert ", at " in line
    told = datetime.fromisoformat(line.partition(", at ")[2].partition(";")[0]).timestamp()
    assert told > ends


# What fails


def test_a_planned_wait_was_a_failure(scene: Scene) -> None:
    refused = {"status": 400, "code": 2, "reason": "no such bucket"}
    scene.service.fail({"endpoint": "start", "cname": "stage", "effect": refused})
    assert [scene.apply().code for _ in range(2)] == [1, 1]
    ran = scene.apply("--format", "json")
    stage_ = results(ran)["stage"]
    assert (stage_["action"], stage_["outcome"]) == ("wait", "skipped")
    assert stage_["error"]["code"] == "backing-off"
    assert ran.code == 0
    scene.service.fail({"endpoint": "start", "cname": "hall", "effect": refused})
    scene.want(recording("lobby"), recording("stage"), recording("hall"))
    assert scene.apply().code == 1


def test_a_secret_that_does_not_resolve_stops_only_what_needs_it(scene: Scene) -> None:
    applied(scene, "--target", "lobby")
    keys = {"accessKey": {"env": "MISSING"}, "secretKey": {"env": "MISSING"}}
    storage = {"vendor": "aws", "region": "us-east-1", "bucket": "b", **keys}
    scene.want(
        recording("lobby", layout={"background": {"color": "#202020"}}),
        recording("stage"),
        recording("hall", storage=storage),
    )
    ran = scene.apply("--format", "json")
    assert ran.code == 1
    told = {name: result["outcome"] for name, result in results(ran).items()}
    assert told == {"lobby": "done", "stage": "done", "hall": "failed"}
    assert results(ran)["hall"]["error"]["code"] == "secret-unresolved"
    assert channels(scene) == ["lobby", "stage"]


def test_wrong_credentials_are_told_once_and_stop_all_work(scene: Scene) -> None:
    scene.environ["CUSTOMER_SECRET"] = "another"
    ran = scene.apply("--format", "json")
    assert ran.code == 1
    assert {result["outcome"] for result in ran.json["results"]} == {"failed"}
    assert scene.known() == [] or all(not session.may_live for session in scene.known())


def test_what_the_app_has_no_place_for_is_an_error(scene: Scene) -> None:
    scene.write("app", scene.app(maxRecordings=1))
    ran = scene.apply("--format", "json")
    assert ran.code == 1
    assert ran.json["plan"]["summary"]["error"] == 1
    assert channels(scene) == ["lobby"]


def test_what_is_protected_is_an_error_and_left_alone(scene: Scene) -> None:
    scene.want(recording("lobby", policy={"protect": True}), recording("stage"))
    applied(scene)
    scene.want()
    assert scene.apply("--allow-empty").code == 1
    assert channels(scene) == ["lobby"]


def test_a_foreign_session_is_never_taken_over(scene: Scene) -> None:
    scene.want(recording("lobby", uid="7731"))
    applied(scene)
    stranger = scene.run(
        "apply", str(scene.specs), "--yes", "--state", f"sqlite:///{scene.folder}/other.db"
    )
    assert stranger.code == 1
    assert len(scene.service.sessions()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["apply", "/nowhere", "--yes"],
        ["apply", "specs", "--yes", "--format", "markdown"],
        ["apply", "specs", "--yes", "--timeout", "soon"],
        ["apply", "specs", "--yes", "--parallelism", "few"],
        ["apply", "specs", "--yes", "--parallelism", "0"],
        ["apply", "specs", "--yes", "--parallelism", "-1"],
        ["apply", "specs", "--yes", "--allow-stops", "some"],
    ],
)
def test_wrong_usage_is_an_error(scene: Scene, words: list[str]) -> None:
    given = [str(scene.specs) if word == "specs" else word for word in words]
    ran = scene.run(*given)
    assert ran.code == 1
    assert "error" in ran.out + ran.err
    assert "bug" not in ran.err
    assert scene.service.calls() == []
