"""`destroy`: a scope's recordings, or those that some PATHs made, end and leave state."""

from tests.cli.world import World, recording


def test_all_of_the_scope_ends_and_leaves_state(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    ran = world.run("destroy", "--yes")
    assert ran.code == 0, ran
    assert world.live() == set()
    assert world.recorded() == set()
    assert {past.session.end_reason for past in world.past()} == {"requested"}
    assert "Destroy: 2 done" in ran.out


def test_only_what_was_read_from_the_paths_ends(world: World) -> None:
    world.want("lobby")
    world.write("trial/wall.yaml", recording("wall"))
    world.apply()
    ran = world.run("destroy", world.specs / "trial", "--yes")
    assert ran.code == 0, ran
    assert world.live() == {"lobby"}
    assert world.recorded() == {"lobby"}


def test_a_file_that_is_gone_still_names_what_it_made(world: World) -> None:
    world.want("lobby")
    world.apply()
    (world.specs / "lobby.yaml").unlink()
    assert world.run("destroy", world.specs / "lobby.yaml", "--yes").code == 0
    assert world.live() == set()


def test_a_path_that_never_was_is_an_error(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("destroy", world.specs / "nothing", "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert "nothing was read from there" in ran.err
    assert world.live() == {"lobby"}


def test_broken_specs_hold_nothing_up(world: World) -> None:
    world.want("lobby")
    world.apply()
    (world.specs / "lobby.yaml").write_text("kind: [", encoding="utf-8")
    assert world.run("destroy", world.specs, "--yes").code == 0
    assert world.live() == set()


def test_nobody_to_ask_needs_yes(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("destroy")
    assert ran.code == 1
    assert "--yes" in ran.err
    assert (world.live(), world.recorded()) == ({"lobby"}, {"lobby"})


def test_a_protected_one_stays_and_the_others_end(world: World) -> None:
    world.want("lobby", policy={"protect": True})
    world.want("wall")
    world.apply()
    ran = world.run("destroy", "--yes", "--format", "json")
    assert ran.code == 1
    outcomes = {each["recording"]: each["outcome"] for each in ran.json["results"]}
    assert outcomes == {"lobby": "failed", "wall": "done"}
    assert (world.live(), world.recorded()) == ({"lobby"}, {"lobby"})


def test_an_observed_one_is_passed_over_with_a_warning(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    world.want("lobby", policy={"manage": "observe"})
    world.apply()
    ran = world.run("destroy", "--yes", "--format", "json")
    assert ran.code == 0, ran
    assert [each["recording"] for each in ran.json["results"]] == ["wall"]
    (warning,) = ran.json["plan"]["diagnostics"]
    assert (warning["severity"], warning["code"]) == ("warning", "observed")
    assert (world.live(), world.recorded()) == ({"lobby"}, {"lobby"})


def test_an_orphan_is_told_and_stays_listed(world: World) -> None:
    world.want("lobby")
    world.order("/faults", [{"endpoint": "start", "times": 4, "effect": {"drop": "after"}}])
    world.run("apply", world.specs, "--yes")
    ran = world.run("destroy", "--yes", "--format", "json")
    assert ran.code == 0, ran
    assert [each["code"] for each in ran.json["plan"]["diagnostics"]] == ["orphan"]
    assert world.recorded() == set()
    assert len(world.run("status", "--format", "json").json["orphans"]) == 1


def test_an_empty_scope_is_destroyed_already(world: World) -> None:
    ran = world.run("destroy")
    assert ran.code == 0, ran
    assert "nothing to do" in ran.out


def test_other_scopes_are_left(world: World) -> None:
    world.want("lobby")
    world.apply()
    assert world.run("destroy", "--scope", "other", "--yes").code == 0
    assert world.live() == {"lobby"}
