"""`events`: what happened, once or as it happens."""

import json
import os
import signal
import subprocess
import sys

from tests.cli.world import World, recording_set


def test_they_are_one_json_object_a_line_newest_last(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("events", "lobby", "--format", "json")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [event["reason"] for event in events] == ["started", "recording"]
    assert {event["recording"] for event in events} == {"lobby"}
    assert len(world.run("events").out.splitlines()) == 2


def test_a_set_tells_of_its_recordings(world: World) -> None:
    world.want("lobby")
    world.write("rooms.yaml", recording_set("rooms", "a", "b"))
    world.apply()
    ran = world.run("events", "rooms", "--format", "json")
    names = {json.loads(line)["recording"] for line in ran.out.splitlines()}
    assert names == {"room-a", "room-b"}


def test_an_unknown_name_is_an_error(world: World) -> None:
    ran = world.run("events", "nobody")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no Recording `nobody`" in ran.err


def test_following_shows_what_comes_and_ends_quietly_when_interrupted(world: World) -> None:
    world.want("lobby")
    world.apply()
    command = [sys.executable, "-m", "reconciler.cli.main", "events", "--follow"]
    environ = {**os.environ, **world.environ}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        try:
            assert process.stdout is not None
            assert "started" in process.stdout.readline()
            assert "recording" in process.stdout.readline()
            assert world.run("suspend", "lobby").code == 0
            assert "suspended" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (130, "", "")


def test_following_waits_for_a_state_that_is_not_there_yet(world: World) -> None:
    command = [sys.executable, "-m", "reconciler.cli.main", "events", "--follow"]
    environ = {**os.environ, **world.environ}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            world.want("lobby")
            world.apply()
            assert process.stdout is not None
            assert "started" in process.stdout.readline()
        finally:
            process.kill()
