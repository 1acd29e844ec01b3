"""Beside a `run`: it does what commands ask, and they end and show as they do without one."""

from contextlib import ExitStack
from typing import Any

from reconciler.engine.demands import taken_text
from reconciler.state.store import Answer, Store
from tests.cli.run_beside import Hooked, hanging, running
from tests.cli.test_import import foreign, words
from tests.cli.world import World, recording_set

COMMANDS: dict[str, tuple[str, ...]] = {
    "stop": ("lobby", "--yes"),
    "suspend": ("lobby",),
    "resume": ("lobby",),
    "forget": ("lobby", "--yes"),
}


def keys(tree: Any) -> Any:
    """Return a document without its values."""
    if isinstance(tree, dict):
        return {key: keys(value) for key, value in tree.items()}
    return [*map(keys, tree)] if isinstance(tree, list) else None


def interrupt() -> None:
    raise KeyboardInterrupt


def take(store: Store, world: World) -> None:
    """Take the one request there is, and do nothing."""
    ((number, _),) = store.requests("default")
    answer = Answer(request=number, text=taken_text(number + 1), answered_s=world.clock.now_s())
    store.commit("default", [answer])


def test_a_suspension_is_acted_on_by_the_run(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    with running(world) as run:
        ran = world.run("suspend", "lobby", "--reason", "the bucket moves")
        assert (ran.code, ran.out) == (0, "lobby: suspended (the bucket moves)\n")
        assert "is stopped by the `run`" in ran.err
        ran = world.run("suspend", "lobby", "--reason", "the bucket moves")
        assert (ran.code, "What still records" in ran.err) == (0, False)
        assert run.site.records.recorded["lobby"].override is not None
    assert world.live() == {"wall"}
    with running(world):
        ran = world.run("resume", "lobby")
        assert (ran.code, ran.out) == (0, "lobby: resumed\n")
        assert "is started by the `run`" in ran.err
    assert world.live() == {"lobby", "wall"}


def test_what_is_stopped_is_shown_and_comes_back(world: World) -> None:
    world.want("lobby")
    world.write("rooms.yaml", recording_set("rooms", "a", "b"))
    world.apply()
    with running(world):
        ran = world.run("stop", "rooms", "--yes")
    assert ran.code == 0, ran
    assert "2 to stop" in ran.out
    assert "Stop: 2 done, 0 failed, 0 skipped." in ran.out
    assert "the `run` starts what they want again" in ran.err
    assert "`reconciler suspend NAME` holds it" in ran.err
    ended = [past.session.end_reason for past in world.past() if past.session.ended_s]
    assert ended == ["requested", "requested"]
    assert world.live() == {"lobby", "room-a", "room-b"}


def test_nothing_is_asked_of_the_run_where_there_is_nothing_to_do(world: World) -> None:
    world.want("lobby", policy={"protect": True})
    world.apply()
    with hanging(world) as store:
        ran = world.run("stop", "lobby", "--yes", "--format", "json")
        assert [each["error"]["code"] for each in ran.json["results"]] == ["protected"]
        assert ran.code == 1
        assert world.run("stop", "lobby").code == 1
        assert store.requests("default") == []


def test_documents_are_the_same_as_without_a_run(world: World) -> None:
    lines = (
        ("suspend", ["held"]),
        ("resume", ["held"]),
        ("stop", ["ended", "--yes"]),
        ("forget", ["lost", "--yes"]),
    )

    def documents() -> dict[str, Any]:
        return {name: world.run(name, *line, "--format", "json").json for name, line in lines}

    world.want("held", "ended", "lost")
    world.apply()
    alone = documents()
    world.apply()
    with running(world):
        beside = documents()
    assert keys(beside) == keys(alone)
    assert beside["stop"]["results"][0]["session"]["sid"]
    assert beside["stop"]["plan"]["actions"][0]["session"]["sid"]


def test_what_is_forgotten_goes_on_beside_its_successor(world: World) -> None:
    world.want("lobby")
    world.apply()
    with running(world):
        ran = world.run("forget", "lobby", "--yes")
    assert (ran.code, ran.out) == (0, "lobby: forgotten\n")
    assert "the `run` at once starts a second session" in ran.err
    live = [each for each in world.look("/sessions")["sessions"] if each["phase"] == "live"]
    assert [each["cname"] for each in live] == ["lobby", "lobby"]


def test_a_session_is_taken_over_by_the_run(world: World) -> None:
    world.want("lobby", layout={"type": "best-fit"})
    options = foreign(world, "lobby")
    with running(world) as run:
        ran = world.run("import", "lobby", world.specs, *words(options))
        assert ran.code == 0, ran
        assert "The `run` sends its layout once" in ran.err
        (session,) = run.site.records.sessions_of("lobby")
        assert session.sid == options["--sid"] == world.session("lobby").sid
    assert world.live() == {"lobby"}


def test_what_the_run_refuses_is_said_as_it_says_it(world: World) -> None:
    with running(world):
        world.want("lobby")
        options = foreign(world, "lobby")
        ran = world.run("import", "lobby", world.specs, *words(options))
        assert (ran.code, ran.out) == (1, "")
        assert "the `run` reads no Recording `lobby` from its specs" in ran.err
        assert "hint: add its manifest there, with `policy: {manage: observe}`" in ran.err
    assert world.past() == []


def test_names_that_nobody_knows_are_not_asked_for(world: World) -> None:
    world.want("lobby")
    world.apply()
    with hanging(world) as store:
        for command, line in COMMANDS.items():
            ran = world.run(command, "nobody", *line[1:])
            assert (ran.code, ran.out) == (1, "")
            assert "there is no Recording `nobody` here" in ran.err
        assert store.requests("default") == []


def test_a_run_that_takes_no_request_is_exit_4_and_named(world: World) -> None:
    world.want("lobby")
    world.apply()
    with hanging(world) as store:
        for command, line in COMMANDS.items():
            ran = world.run(command, *line)
            assert (ran.code, store.requests("default")) == (4, [])
            assert "`run` on host `tower`, process 4711, holds the scope `default`" in ran.err
            assert "did not take the request within 5 s; it was taken back" in ran.err
    assert world.live() == {"lobby"}
    assert world.session("lobby").stop_reason == ""


def test_a_destroy_is_not_for_a_run_and_names_what_is(world: World) -> None:
    world.want("lobby")
    world.apply()
    with hanging(world):
        ran = world.run("destroy", "--yes")
    assert (ran.code, ran.out) == (4, "")
    assert "locked by `run` on host `tower`" in ran.err
    assert "`stop`, `suspend`, `resume`, `import`" in ran.err


def test_an_interrupt_takes_the_request_back(world: World) -> None:
    world.want("lobby")
    world.apply()
    with hanging(world) as store:
        world.clock = Hooked(world.clock, interrupt)
        ran = world.run("suspend", "lobby")
        assert store.requests("default") == []
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "The request was taken back; nothing was done.\n"


def test_an_interrupt_of_what_was_begun_says_that_it_goes_on(world: World) -> None:
    world.want("lobby")
    world.apply()
    with hanging(world) as store:
        world.clock = Hooked(world.clock, lambda: take(store, world), interrupt)
        ran = world.run("suspend", "lobby")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.startswith("The `run` has begun it and goes on;")


def test_a_run_that_ends_is_not_waited_for(world: World) -> None:
    world.want("lobby")
    world.apply()
    with ExitStack() as hold:
        store = hold.enter_context(hanging(world))
        world.clock = Hooked(world.clock, lambda: take(store, world), hold.close)
        ran = world.run("suspend", "lobby")
    assert (ran.code, ran.out) == (1, "")
    assert "ended before it said what came of it" in ran.err


def test_a_run_that_ends_before_it_takes_the_request_leaves_the_scope_free(world: World) -> None:
    world.want("lobby")
    world.apply()
    with ExitStack() as hold:
        hold.enter_context(hanging(world))
        world.clock = Hooked(world.clock, hold.close)
        ran = world.run("suspend", "lobby")
    assert (ran.code, ran.out) == (4, "")
    assert "ended before it took the request" in ran.err
    assert world.run("suspend", "lobby").code == 0


def test_what_is_no_run_is_waited_for_as_long_as_is_said(world: World) -> None:
    world.want("lobby")
    world.apply()
    with ExitStack() as hold:
        hold.enter_context(world.held())
        world.clock = Hooked(world.clock, hold.close)
        ran = world.run("suspend", "lobby", "--lock-timeout", "1m")
    assert (ran.code, ran.out) == (0, "lobby: suspended\n")
