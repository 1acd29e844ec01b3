"""`stop`: what is named is stopped until it is known to have ended, whatever its spec says."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from reconciler.clock import SystemClock
from tests.cli.world import World, recording_set


def results(document: Any) -> dict[str, str]:
    return {each["recording"]: each["outcome"] for each in document["results"]}


def test_it_is_stopped_and_confirmed(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    ran = world.run("stop", "lobby", "--yes")
    assert ran.code == 0, ran
    assert "1 to stop" in ran.out
    assert "Stop: 1 done, 0 failed, 0 skipped." in ran.out
    assert "the next apply starts" in ran.err
    assert world.live() == {"wall"}
    assert world.session("lobby").end_reason == "requested"
    assert "query" in world.calls()[world.calls().index("stop") :]
    world.apply()
    assert world.live() == {"lobby", "wall"}


def test_all_replicas_and_all_recordings_of_a_set_are_stopped(world: World) -> None:
    world.want("lobby", replicas=2)
    world.write("rooms.yaml", recording_set("rooms", "a", "b"))
    world.apply()
    assert world.run("stop", "lobby", "rooms", "--yes").code == 0
    assert world.live() == set()
    assert world.calls().count("stop") == 4


def test_json_is_that_of_apply(world: World) -> None:
    world.want("lobby")
    world.apply()
    document = world.run("stop", "lobby", "--yes", "--format", "json").json
    assert set(document) == {"format_version", "plan", "results", "summary"}
    (action,) = document["plan"]["actions"]
    assert (action["action"], action["reason"], action["cause"]) == ("stop", "requested", "request")
    assert document["plan"]["summary"]["stop"] == 1
    (result,) = document["results"]
    assert (result["outcome"], result["error"]) == ("done", None)
    assert document["summary"] == {"done": 1, "failed": 0, "skipped": 0}


def test_what_is_stopped_already_is_left(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.run("stop", "lobby", "--yes")
    before = world.calls()
    ran = world.run("stop", "lobby")
    assert (ran.code, "nothing to do" in ran.out) == (0, True)
    assert world.calls() == before


def test_a_suspended_one_does_not_come_back(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.run("suspend", "lobby")
    assert "starts" not in world.run("stop", "lobby", "--yes").err


@pytest.mark.parametrize("words", [("lobby", "nobody"), ("nobody",)])
def test_with_an_unknown_name_nothing_is_stopped(world: World, words: tuple[str, ...]) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("stop", *words, "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no Recording `nobody`" in ran.err
    assert world.live() == {"lobby"}


def test_nobody_to_ask_needs_yes(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("stop", "lobby")
    assert ran.code == 1
    assert "--yes" in ran.err
    assert "stop" not in world.calls()


@pytest.mark.parametrize(
    ("policy", "reason"), [({"protect": True}, "protected"), ({"manage": "observe"}, "observed")]
)
def test_what_may_not_be_stopped_is_an_error_and_the_others_are_stopped(
    world: World, policy: dict[str, Any], reason: str
) -> None:
    world.want("wall", "lobby")
    world.apply()
    world.want("lobby", policy=policy)
    world.apply()
    ran = world.run("stop", "lobby", "wall", "--yes", "--format", "json")
    assert ran.code == 1
    assert results(ran.json) == {"lobby": "failed", "wall": "done"}
    assert ran.json["results"][0]["error"]["code"] == reason
    assert world.live() == {"lobby"}


def test_a_404_is_waited_out(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.order(f"/sessions/{world.session('lobby').sid}/kill")
    ran = world.run("stop", "lobby", "--yes", "--format", "json")
    assert ran.code == 0, ran
    (result,) = ran.json["results"]
    assert 80 < result["seconds"] < 130


def test_a_session_that_is_being_moved_is_stopped_when_it_is_back(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.order(f"/sessions/{world.session('lobby').sid}/failover", {"seconds": 40})
    ran = world.run("stop", "lobby", "--yes")
    assert ran.code == 0, ran
    assert world.live() == set()
    assert world.session("lobby").end_reason == "requested"


def test_a_stop_that_is_refused_is_sent_again(world: World) -> None:
    world.want("lobby")
    world.apply()
    fault = {"status": 500, "code": 62, "reason": "request timeout"}
    world.order("/faults", [{"endpoint": "stop", "times": 6, "effect": fault}])
    ran = world.run("stop", "lobby", "--yes")
    assert ran.code == 0, ran
    assert world.live() == set()


def test_a_service_that_stays_away_is_a_failure_in_time(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.order("/faults", [{"endpoint": "*", "effect": {"status": 503}}])
    ran = world.run("stop", "lobby", "--yes", "--timeout", "60s", "--format", "json")
    assert ran.code == 1
    (result,) = ran.json["results"]
    assert result["outcome"] == "failed"
    assert world.session("lobby").stop_reason == "requested"


def test_credentials_that_do_not_resolve_fail_at_once_and_say_so(world: World) -> None:
    world.want("lobby")
    world.apply()
    secret = world.environ.pop("AGORA_CUSTOMER_SECRET")
    ran = world.run("stop", "lobby", "--yes")
    assert ran.code == 1
    assert "AGORA_CUSTOMER_SECRET" in ran.out
    world.environ["AGORA_CUSTOMER_SECRET"] = secret
    assert world.run("stop", "lobby", "--yes").code == 0
    assert world.live() == set()


def test_wrong_credentials_stop_the_work_of_the_app(world: World) -> None:
    world.want("lobby", "wall")
    world.apply()
    world.environ["AGORA_CUSTOMER_SECRET"] = "another"
    ran = world.run("stop", "lobby", "wall", "--yes", "--format", "json")
    assert results(ran.json) == {"lobby": "failed", "wall": "failed"}
    assert {each["error"]["code"] for each in ran.json["results"]} == {"credentials"}


def test_an_interrupt_leaves_the_rest_recorded(world: World) -> None:
    world.clock = SystemClock()  # as that of the process
    world.want("lobby")
    assert world.run("apply", world.specs, "--yes", "--no-wait").code == 0
    world.order(f"/sessions/{world.session('lobby').sid}/kill")  # so that it waits, up to 90 s
    command = [sys.executable, "-m", "reconciler.cli.main", "stop", "lobby", "--yes"]
    environ = {**os.environ, **world.environ}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        try:
            while "stop" not in world.calls():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Stop: 0 done, 0 failed, 1 skipped." in out
    assert world.session("lobby").stop_reason == "requested"
