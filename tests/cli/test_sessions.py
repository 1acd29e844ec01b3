"""`sessions`: every session that state keeps."""

import pytest

from reconciler.plan.times import rfc3339
from tests.cli.world import World

DAY_S = 86_400.0


def ended(world: World) -> None:
    """Bring up two recordings and stop one of them."""
    world.want("lobby", "wall")
    world.apply()
    assert world.run("stop", "lobby", "--yes").code == 0


def test_ended_ones_are_listed_with_times_reason_and_files(world: World) -> None:
    ended(world)
    ran = world.run("sessions", "lobby", "--format", "json")
    (session,) = ran.json["sessions"]
    assert session["end_reason"] == "requested"
    assert session["ended_at"] is not None
    assert session["files"], session
    assert "1 session, 0 of them not ended" in world.run("sessions", "lobby").out


def test_since_leaves_out_what_ended_before(world: World) -> None:
    ended(world)
    ended_s = world.session("lobby").ended_s
    assert ended_s is not None
    for since, count in (
        ("24h", 2),
        (rfc3339(ended_s - 60), 2),
        (rfc3339(ended_s + DAY_S), 1),
    ):
        ran = world.run("sessions", "--since", since, "--format", "json")
        assert len(ran.json["sessions"]) == count, since


def test_an_empty_state_has_none(world: World) -> None:
    assert world.run("sessions", "--format", "json").json["sessions"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "there is no Recording `nobody`"),
        (("--since", "yesterday"), "`--since yesterday` is no time"),
        (("--since", "2026-11-20"), "is no time"),
    ],
)
def test_what_cannot_be_is_refused(world: World, words: tuple[str, ...], said: str) -> None:
    ran = world.run("sessions", *words)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_a_destroyed_recording_still_has_its_sessions(world: World) -> None:
    ended(world)
    assert world.run("destroy", "--yes").code == 0
    assert len(world.run("sessions", "wall", "--format", "json").json["sessions"]) == 1
