"""What a run may stop, forget and rename: what it was given, and no more."""

import json
from pathlib import Path

import pytest

from tests.engine.support import (
    APP,
    STORAGE,
    Stage,
    action_of,
    kinds,
    outcomes,
    problem_of,
    recording,
    virtual_time,
)


async def running(folder: Path, *names: str) -> Stage:
    stage = Stage(folder)
    for name in names:
        stage.want(name)
    await stage.apply()
    return stage


def folders(stage: Stage) -> tuple[str, str]:
    """Return two folders with specs: one with an App, a Storage and `a`, the other with `b`."""
    one, two = stage.specs / "one", stage.specs / "two"
    for folder, name in ((one, "a"), (two, "b")):
        folder.mkdir()
        manifests = (APP, STORAGE, recording(name))
        (folder / "all.yaml").write_text("\n---\n".join(manifests), encoding="utf-8")
    return str(one), str(two)


@virtual_time
async def test_a_new_name_takes_over_session_uid_and_history(tmp_path: Path) -> None:
    stage = await running(tmp_path, "lobby", "other")
    (before,) = stage.sessions("lobby")
    calls = await stage.calls()
    stage.drop("lobby")
    stage.want("hall", channel="lobby")
    plan = await stage.plan()
    assert plan.renames == (("lobby", "hall"),)
    assert action_of(plan, "hall").reason == "renamed"
    assert await stage.apply() == []
    assert await stage.calls() == calls
    (after,) = stage.sessions("hall")
    assert (after.sid, after.uid) == (before.sid, before.uid)
    assert stage.sessions("lobby") == []
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_new_name_with_another_spec_is_changed_as_usual(tmp_path: Path) -> None:
    stage = await running(tmp_path, "lobby")
    stage.drop("lobby")
    stage.want("hall", channel="lobby", layout={"type": "best-fit"})
    assert outcomes(await stage.apply()) == {"hall": "done"}
    assert stage.started() == 1
    assert (await stage.calls())[-1] == "updateLayout"
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_two_that_may_be_the_renamed_one_are_none(tmp_path: Path) -> None:
    stage = await running(tmp_path, "lobby")
    stage.drop("lobby")
    stage.want("hall", channel="lobby")
    stage.want("annex", channel="lobby")
    assert kinds(await stage.plan()) == {"annex": "start", "hall": "start", "lobby": "stop"}
    await stage.apply()
    assert len(stage.alive("lobby")) == 2
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_what_was_read_from_other_paths_goes_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    one, two = folders(stage)
    await stage.apply(paths=[one])
    await stage.apply(paths=[two])
    assert {each.identity.cname for each in stage.alive()} == {"a", "b"}
    plan = await stage.plan(paths=[two])
    assert action_of(plan, "a").reason == "other-paths"
    assert [each.code for each in plan.diagnostics].count("other-paths") == 1
    await stage.apply(paths=[two], prune_all=True)
    assert {each.identity.cname for each in stage.alive()} == {"b"}


@virtual_time
async def test_no_prune_leaves_what_is_gone(tmp_path: Path) -> None:
    stage = await running(tmp_path, "lobby", "other")
    stage.drop("lobby")
    assert action_of(await stage.plan(no_prune=True), "lobby").reason == "prune-off"
    assert await stage.apply(no_prune=True) == []
    assert len(stage.alive("lobby")) == 1
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_a_broken_manifest_prunes_nothing_and_holds_up_no_other(tmp_path: Path) -> None:
    stage = await running(tmp_path, "lobby", "other")
    stage.drop("lobby")
    stage.write("other.yaml", "kind: [")
    stage.want("third")
    plan = await stage.plan()
    assert action_of(plan, "lobby").reason == "prune-held"
    assert action_of(plan, "other").reason == "prune-held"
    assert outcomes(await stage.apply()) == {"third": "done"}
    assert {each.identity.cname for each in stage.alive()} == {"lobby", "other", "third"}


@virtual_time
async def test_a_recording_whose_manifest_is_wrong_is_an_error_and_goes_on(tmp_path: Path) -> None:
    stage = await running(tmp_path, "lobby", "other")
    stage.want("lobby", maxIdle="soon")
    stage.want("other", layout={"type": "best-fit"})
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("error", "spec-invalid")
    assert outcomes(await stage.apply()) == {"lobby": "failed", "other": "done"}
    assert len(stage.alive()) == 2


@virtual_time
async def test_targets_choose_what_is_looked_at_and_done(tmp_path: Path) -> None:
    stage = await running(tmp_path, "lobby", "other")
    for name in ("lobby", "other"):
        stage.want(name, layout={"type": "best-fit"})
    asked = len(stage.log("query"))
    assert outcomes(await stage.apply(target=["lobby"])) == {"lobby": "done"}
    assert len(stage.log("query")) == asked + 1
    assert kinds(await stage.plan()) == {"other": "update_layout"}


def rooms(*numbers: int) -> str:
    return json.dumps(
        {
            "apiVersion": "reconciler/v1",
            "kind": "RecordingSet",
            "metadata": {"name": "rooms"},
            "spec": {
                "generators": [{"list": [{"number": number} for number in numbers]}],
                "recording": {
                    "metadata": {"name": "room-${number}"},
                    "spec": {
                        "mode": "mix",
                        "channel": "room-${number}",
                        "channelProfile": "live",
                        "storage": "archive",
                    },
                },
            },
        }
    )


@virtual_time
async def test_a_target_may_be_a_set(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.write("rooms.yaml", rooms(1, 2))
    await stage.apply()
    asked = len(stage.log("query"))
    stage.write("rooms.yaml", rooms(1))
    stage.drop("lobby")
    assert outcomes(await stage.apply(target=["rooms"])) == {"room-2": "done"}
    assert {call["cname"] for call in stage.log("query")[asked:]} == {"room-1", "room-2"}
    assert {each.identity.cname for each in stage.alive()} == {"room-1", "lobby"}
    with stage.store() as store:
        assert set(store.snapshot("default").recorded) == {"room-1", "lobby"}


@virtual_time
async def test_more_stops_than_three_in_ten_are_refused(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("rooms.yaml", rooms(*range(10)))
    await stage.apply()
    stage.write("rooms.yaml", rooms(*range(6)))
    plan = await stage.plan()
    assert "4 of 10" in plan.refused
    assert plan.refused_hint.endswith("`--allow-stops 4`")
    with pytest.raises(AssertionError, match="4 of 10"):
        await stage.apply()
    assert len(stage.alive()) == 10
    await stage.apply(allow_stops=4)
    assert len(stage.alive()) == 6


@virtual_time
async def test_specs_that_yield_nothing_stop_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("rooms.yaml", rooms(1))
    await stage.apply()
    stage.write("rooms.yaml", rooms())
    assert "rooms" in (await stage.plan()).refused
    for file in stage.specs.iterdir():
        file.unlink()
    assert "no manifest" in (await stage.plan()).refused
    assert (await stage.plan(allow_empty=True)).refused == ""


@virtual_time
async def test_a_recording_beyond_the_places_of_its_app_is_an_error(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("app.yaml", APP + "  maxRecordings: 2\n")
    for name in ("a", "b", "c"):
        stage.want(name)
    stage.want("wall", "web")
    results = await stage.apply()
    assert outcomes(results) == {"a": "done", "b": "done", "c": "failed", "wall": "done"}
    assert problem_of(results, "c").code == "no-place"
    assert len(stage.alive()) == 3


@virtual_time
async def test_a_stop_frees_the_place_that_a_start_takes(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("app.yaml", APP + "  maxRecordings: 1\n")
    stage.want("lobby")
    await stage.apply()
    stage.drop("lobby")
    stage.want("annex")
    plan = await stage.plan()
    assert [str(key) for key in action_of(plan, "annex").after] == ["lobby"]
    assert outcomes(await stage.apply()) == {"lobby": "done", "annex": "done"}
    assert [each.identity.cname for each in stage.alive()] == ["annex"]


@virtual_time
async def test_a_stop_frees_the_uid_that_a_start_takes(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="7")
    await stage.apply()
    stage.drop("lobby")
    stage.want("annex", "individual", channel="lobby", uid="7")
    assert outcomes(await stage.apply()) == {"lobby": "done", "annex": "done"}
    assert [each.identity.uid for each in stage.alive("lobby")] == ["7"]
