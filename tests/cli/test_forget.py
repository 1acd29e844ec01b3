"""`forget`: state lets go, the session goes on."""

from reconciler.plan.session import Phase
from tests.cli.world import World

LOST = {"endpoint": "start", "effect": {"drop": "after"}}


def test_the_session_goes_on_and_the_recording_is_gone_from_state(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    before = world.calls()
    ran = world.run("forget", "lobby", "--yes")
    assert (ran.code, ran.out) == (0, "lobby: forgotten\n")
    assert "second session" in ran.err
    assert world.live() == {"lobby", "wall"}
    assert world.recorded() == {"wall"}
    assert world.session("lobby").end_reason == "forgotten"
    assert world.events("lobby")[-1] == "forgotten"
    assert world.calls() == before
    world.apply()
    assert (
        len([each for each in world.look("/sessions")["sessions"] if each["cname"] == "lobby"]) == 2
    )


def test_json_names_what_was_let_go_of(world: World) -> None:
    world.want("lobby")
    world.apply()
    session = world.session("lobby")
    ran = world.run("forget", "lobby", "--yes", "--format", "json")
    (row,) = ran.json["sessions"]
    assert (row["sid"], row["resource_id"], row["uid"]) == (
        session.sid,
        session.resource_id,
        session.uid,
    )


def test_nobody_to_ask_needs_yes(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("forget", "lobby")
    assert (ran.code, ran.out) == (1, "")
    assert "--yes" in ran.err
    assert world.recorded() == {"lobby"}


def test_an_orphan_is_dropped_by_its_resource_id(world: World) -> None:
    world.want("lobby")
    world.order("/faults", [LOST | {"times": 4}])
    world.run("apply", world.specs, "--yes")
    (orphan,) = (past.session for past in world.past() if past.session.is_orphan)
    listed = world.run("status", "--format", "json").json["orphans"]
    assert [each["resource_id"] for each in listed] == [orphan.resource_id]
    ran = world.run("forget", "--orphan", orphan.resource_id, "--yes")
    assert ran.code == 0, ran
    assert world.run("status", "--format", "json").json["orphans"] == []
    assert world.recorded() == {"lobby"}
    (after,) = (past.session for past in world.past() if past.session.id == orphan.id)
    assert (after.phase, after.end_reason) == (Phase.ENDED, "forgotten")


def test_what_is_not_known_is_an_error(world: World) -> None:
    world.want("lobby")
    world.apply()
    resource_id = world.session("lobby").resource_id
    for words, said in (
        (("nobody", "--yes"), "there is no Recording `nobody`"),
        (("--orphan", resource_id, "--yes"), "there is no orphan"),
        (("--yes",), "takes a NAME or an orphan's resource ID"),
        (("lobby", "--orphan", resource_id, "--yes"), "takes a NAME or an orphan's"),
    ):
        ran = world.run("forget", *words)
        assert (ran.code, ran.out) == (1, "")
        assert said in ran.err
    assert world.recorded() == {"lobby"}
