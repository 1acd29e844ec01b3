"""`status`: from state alone, or with `--refresh` as the service says, which writes nothing."""

import json
from pathlib import Path

import pytest

from tests.cli.world import SECRETS, World, manifest, recording_set


def phases(world: World, *words: object) -> dict[str, str]:
    ran = world.run("status", *words, "--format", "json")
    assert ran.code == 0, ran
    return {row["name"]: row["phase"] for row in ran.json["recordings"]}


def test_an_empty_state_is_an_answer_and_stays_unmade(world: World) -> None:
    ran = world.run("status")
    assert (ran.code, ran.out) == (0, "Status: 0 running, 0 desired.\n")
    assert not (world.folder / "state").exists()


def test_what_was_applied_is_shown_without_a_call(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    before = world.calls()
    ran = world.run("status")
    assert "lobby" in ran.out
    assert "Status: 2 running, 2 desired." in ran.out
    assert world.calls() == before


def test_names_and_sets_choose(world: World) -> None:
    world.want("lobby")
    world.write("rooms.yaml", recording_set("rooms", "a", "b"))
    world.apply()
    assert set(phases(world, "rooms")) == {"room-a", "room-b"}
    assert set(phases(world, "lobby", "rooms")) == {"lobby", "room-a", "room-b"}


@pytest.mark.parametrize("words", [("nobody",), ("lobby", "nobody"), ("nobody", "--refresh")])
def test_an_unknown_name_is_an_error(world: World, words: tuple[str, ...]) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("status", *words)
    assert (ran.code, ran.out) == (1, "")
    assert "there is no Recording `nobody`" in ran.err


def test_refresh_sees_what_state_does_not_know_and_writes_nothing(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.order(f"/sessions/{world.session('lobby').sid}/kill")
    with world.store() as store:
        serial = store.snapshot("default").serial
    assert phases(world) == {"lobby": "running"}
    assert phases(world, "--refresh") == {"lobby": "missing"}
    assert phases(world) == {"lobby": "running"}
    with world.store() as store:
        assert store.snapshot("default").serial == serial


def test_refresh_needs_no_lock(world: World) -> None:
    world.want("lobby")
    world.apply()
    with world.held():
        assert phases(world, "--refresh") == {"lobby": "running"}


def test_refresh_asks_only_for_those_that_are_named(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    before = len(world.calls())
    phases(world, "lobby", "--refresh")
    assert world.calls()[before:] == ["query"]


def test_credentials_that_do_not_resolve_are_told_and_state_is_shown(world: World) -> None:
    world.want("lobby")
    world.apply()
    del world.environ["AGORA_CUSTOMER_SECRET"]
    ran = world.run("status", "--refresh")
    assert ran.code == 0
    assert "warning[secret-unresolved]" in ran.err
    assert "1 running" in ran.out


def test_an_app_with_inline_secrets_is_found_with_specs(world: World, tmp_path: Path) -> None:
    credentials = {"customerId": "simulator", "customerSecret": SECRETS[0]}
    app = {
        "appId": world.environ["AGORA_APP_ID"],
        "credentials": credentials,
        "endpoints": [world.url],
    }
    world.write("app.yaml", manifest("App", "default", app))
    world.want("lobby")
    world.apply()
    world.order(f"/sessions/{world.session('lobby').sid}/kill")
    ran = world.run("status", "--refresh", "--format", "json")
    assert "--specs PATH" in ran.err
    assert json.loads(ran.out)["recordings"][0]["phase"] == "running"
    assert phases(world, "--refresh", "--specs", world.specs) == {"lobby": "missing"}
    for file in (tmp_path / "state").iterdir():
        assert SECRETS[0].encode() not in file.read_bytes()
