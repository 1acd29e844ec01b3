"""`approve`: what a guard holds is let through by the `run` that holds it, once."""

import pytest

from tests.cli.run_beside import hanging, running
from tests.cli.world import World

DIGEST = "ab" * 32


def test_a_held_plan_is_let_through_once(world: World) -> None:
    with running(world) as run:
        run.guarded = {DIGEST, "cd" * 32}
        ran = world.run("approve", DIGEST)
        assert (ran.code, ran.out) == (0, f"{DIGEST}: approved\n")
        assert "once" in ran.err
        assert run.guarded == {"cd" * 32}
        ran = world.run("approve", DIGEST)
        assert (ran.code, ran.out) == (1, "")
        assert f"no guard holds one plan `{DIGEST}`" in ran.err
        assert "reconciler status" in ran.err


def test_the_beginning_of_its_digest_means_it(world: World) -> None:
    with running(world) as run:
        run.guarded = {DIGEST}
        document = world.run("approve", DIGEST[:8], "--format", "json").json
    assert document == {
        "format_version": "1",
        "scope": "default",
        "digest": DIGEST[:8],
        "approved": True,
    }


@pytest.mark.parametrize("text", ["abcdef0", "ABABABAB", "lobby-42", "a" * 65])
def test_what_is_no_digest_is_wrong_usage(world: World, text: str) -> None:
    ran = world.run("approve", text)
    assert (ran.code, ran.out) == (1, "")
    assert "64 hexadecimal digits, or at least 8 of them" in ran.err


def test_without_a_run_there_is_nothing_to_approve(world: World) -> None:
    world.want("lobby")
    world.apply()
    free = world.run("approve", DIGEST)
    with world.held():
        applied = world.run("approve", DIGEST)
    for ran in (free, applied):
        assert (ran.code, ran.out) == (1, "")
        assert "no `run` holds the scope `default`" in ran.err
        assert "--allow-stops" in ran.err


def test_a_run_that_hangs_is_exit_4(world: World) -> None:
    with hanging(world) as store:
        ran = world.run("approve", DIGEST)
        assert store.requests("default") == []
    assert (ran.code, ran.out) == (4, "")
