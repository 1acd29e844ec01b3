"""`coverage`: did it record? Against a real state, written by real runs."""

import asyncio
import csv
import io

import pytest

from tests.cli.world import World, recording, recording_set

DAY_S = 86_400.0
RECORDED_S = 30.0
"""Long enough for whole seconds, which is what is told."""


def names(ran_json: dict[str, list[dict[str, object]]]) -> list[object]:
    return [each["name"] for each in ran_json["recordings"]]


def test_what_records_is_covered_until_it_is_stopped_or_was_last_seen(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    asyncio.run(world.clock.sleep(RECORDED_S))
    assert world.run("stop", "lobby", "--yes").code == 0
    ran = world.run("coverage", "--format", "json")
    assert ran.code == 0
    lobby, wall = ran.json["recordings"]
    assert names(ran.json) == ["lobby", "wall"]
    for told in (lobby, wall):
        lost_s = sum(gap["seconds"] for gap in told["gaps"])
        assert told["wanted_s"] == told["covered_s"] + told["unconfirmed_s"] + lost_s
        assert told["covered_s"] + told["unconfirmed_s"] > 0
        assert told["replicas"][0]["covered_s"] == told["covered_s"]
        assert told["files"]["expected"]
        for gap in told["gaps"]:
            assert ran.json["since"] <= gap["from"] < gap["until"] <= ran.json["until"]
    assert (lobby["covered_s"] > 0, lobby["unconfirmed_s"], wall["unconfirmed_s"] > 0) == (
        True,
        0,
        True,
    )
    assert lobby["gaps"][-1]["cause"] in {"requested", "no-run"}
    assert lobby["files"]["listed"] >= 1


def test_only_the_named_are_shown_and_a_set_s_name_stands_for_all_it_made(world: World) -> None:
    world.write("rooms.yaml", recording_set("rooms", "a", "b"))
    world.write("lobby.yaml", recording("lobby"))
    world.apply()
    assert names(world.run("coverage", "rooms", "--format", "json").json) == ["room-a", "room-b"]
    ran = world.run("coverage", "lobby")
    assert "lobby" in ran.out
    assert "room-a" not in ran.out
    assert "Coverage: 1 recording, " in ran.out


def test_what_is_suspended_or_gone_is_not_wanted_any_more(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    assert world.run("suspend", "lobby").code == 0
    world.apply()
    (world.specs / "wall.yaml").unlink()
    world.apply()
    before = world.run("coverage", "--format", "json").json
    after = world.run("coverage", "--format", "json").json
    assert names(before) == ["lobby", "wall"]
    for then, now in zip(before["recordings"], after["recordings"], strict=True):
        assert now["wanted_s"] == then["wanted_s"] > 0


def test_a_share_that_is_too_small_is_exit_1_and_named(world: World) -> None:
    world.want("lobby")
    world.apply()
    assert world.run("coverage", "--fail-under", "0").code == 0
    assert world.run("stop", "lobby", "--yes").code == 0
    asyncio.run(world.clock.sleep(5))  # its spec still wants it
    ran = world.run("coverage", "--fail-under", "100", "--format", "csv")
    assert ran.code == 1
    assert "`lobby` was covered for " in ran.err
    (line,) = csv.DictReader(io.StringIO(ran.out))
    assert line["name"] == "lobby"
    assert float(line["percent"]) < 100


def test_nothing_is_written(world: World) -> None:
    world.want("lobby")
    world.apply()
    with world.store() as store:
        before = store.snapshot("default").serial
    assert world.run("coverage").code == 0
    with world.store() as store:
        assert store.snapshot("default").serial == before


def test_an_empty_state_wants_nothing(world: World) -> None:
    ran = world.run("coverage")
    assert (ran.code, ran.out.splitlines()[-1]) == (
        0,
        "Coverage: 0 recordings, nothing was wanted.",
    )
    assert world.run("coverage", "--fail-under", "100").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "there is no Recording `nobody`"),
        (("--since", "yesterday"), "`--since yesterday` is no time"),
        (("--until", "soon"), "`--until soon` is no time"),
        (("--since", "1h", "--until", "2h"), "there is no time to look at"),
        (("--since", "2099-01-01T00:00:00Z"), "there is no time to look at"),
        (("--fail-under", "101"), "`101` is no number from 0 to 100"),
        (("--fail-under", "nan"), "`nan` is no number"),
    ],
)
def test_what_cannot_be_is_refused(world: World, words: tuple[str, ...], said: str) -> None:
    ran = world.run("coverage", *words)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
