"""`suspend` and `resume`: an override in state, acted on by the next apply."""

import asyncio

import pytest

from reconciler.plan.recorded import Override
from tests.cli.world import World, recording_set


def overrides(world: World) -> dict[str, Override | None]:
    with world.store() as store:
        recorded = store.snapshot("default").recorded
        return {name: each.override for name, each in recorded.items()}


def test_it_is_held_until_it_is_resumed(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    ran = world.run("suspend", "lobby", "--reason", "the bucket moves")
    assert (ran.code, ran.out) == (0, "lobby: suspended (the bucket moves)\n")
    assert "next apply" in ran.err
    assert world.live() == {"lobby", "wall"}
    world.apply()
    assert world.live() == {"wall"}
    assert "the bucket moves" in world.run("status", "lobby").out
    assert world.run("resume", "lobby").out == "lobby: resumed\n"
    world.apply()
    assert world.live() == {"lobby", "wall"}
    assert [each for each in world.events("lobby") if each in {"suspended", "resumed"}] == [
        "suspended",
        "suspended",  # told by the session that ended for it
        "resumed",
    ]


def test_it_is_over_by_itself_after_a_while(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("suspend", "lobby", "--for", "2h", "--format", "json")
    (row,) = ran.json["recordings"]
    assert row["suspended"]
    assert row["until"] > row["since"]
    held = overrides(world)["lobby"]
    assert held is not None
    assert held.until_s is not None
    assert held.until_s - held.since_s == 7200


def test_doing_it_twice_changes_nothing(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.run("suspend", "lobby", "--reason", "r")
    before = overrides(world)
    ran = world.run("suspend", "lobby", "--reason", "r", "--format", "json")
    assert [row["changed"] for row in ran.json["recordings"]] == [False]
    assert overrides(world) == before
    assert world.events("lobby").count("suspended") == 1
    world.run("resume", "lobby")
    ran = world.run("resume", "lobby")
    assert (ran.code, ran.out, ran.err) == (0, "lobby: it was not suspended\n", "")


def test_what_was_final_stayed_so_after_a_suspend(world: World) -> None:
    world.want("lobby", policy={"restart": "never"})
    world.apply()
    world.order(f"/sessions/{world.session('lobby').sid}/kill")
    world.apply()
    assert world.live() == set()
    world.run("suspend", "lobby")
    world.apply()
    ran = world.run("resume", "lobby", "--format", "json")
    (row,) = ran.json["recordings"]
    assert (row["suspended"], row["until"], row["changed"]) == (False, None, True)
    world.apply()
    assert world.live() == {"lobby"}


def test_a_suspend_whose_time_is_over_is_not_resumed(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.run("suspend", "lobby", "--for", "1s")
    before = overrides(world)
    asyncio.run(world.clock.sleep(2))
    assert world.run("resume", "lobby").out == "lobby: it was not suspended\n"
    assert overrides(world) == before


def test_a_set_means_its_recordings(world: World) -> None:
    world.want("lobby")
    world.write("rooms.yaml", recording_set("rooms", "a", "b"))
    world.apply()
    assert world.run("suspend", "rooms").code == 0
    held = {name for name, override in overrides(world).items() if override}
    assert held == {"room-a", "room-b"}


@pytest.mark.parametrize("command", ["suspend", "resume"])
def test_with_an_unknown_name_nothing_is_changed_for_any(world: World, command: str) -> None:
    world.want("lobby")
    world.apply()
    if command == "resume":
        world.run("suspend", "lobby")
    before = overrides(world)
    ran = world.run(command, "lobby", "nobody")
    assert (ran.code, ran.out) == (1, "")
    assert "`nobody`" in ran.err
    assert overrides(world) == before


@pytest.mark.parametrize("command", ["suspend", "resume", "stop", "destroy", "forget"])
def test_a_held_scope_is_exit_4_and_names_its_holder(world: World, command: str) -> None:
    world.want("lobby")
    world.apply()
    words = () if command == "destroy" else ("lobby",)
    more = () if command in {"suspend", "resume"} else ("--yes",)
    with world.held():
        ran = world.run(command, *words, *more)
    assert (ran.code, ran.out) == (4, "")
    assert "elsewhere" in ran.err
    assert world.live() == {"lobby"}


def test_resuming_says_when_the_spec_suspends(world: World) -> None:
    world.want("lobby", suspend=True)
    world.apply()
    world.run("suspend", "lobby")
    assert "warning[suspended]" in world.run("resume", "lobby").err
