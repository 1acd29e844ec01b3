"""`doctor`: each thing that can be looked at, and what to mend."""

import os
from typing import Any

import pytest

from reconciler.clock import SystemClock
from reconciler.simulator.settings import DEFAULT_APP_ID
from tests.cli.world import FastClock, World, manifest


@pytest.fixture(autouse=True)
def a_clock_that_is_right(world: World) -> None:
    world.clock = SystemClock()


def verdicts(world: World, *words: object) -> tuple[int, dict[str, Any]]:
    """Return the exit code, and the findings by what they are about."""
    ran = world.run("doctor", *words, "--format", "json")
    found: dict[str, Any] = {}
    for each in ran.json["findings"]:
        found.setdefault(each["what"], []).append(each)
    return ran.code, found


def worst(findings: Any) -> str:
    words = {each["verdict"] for each in findings}
    return next(word for word in ("problem", "warning", "ok") if word in words)


def test_all_is_well_where_nothing_is_yet(world: World) -> None:
    world.environ["AGORA_NCS_SECRET"] = "s"
    code, found = verdicts(world)
    assert code == 0
    assert {what: worst(each) for what, each in found.items()} == {
        "program": "ok",
        "state": "ok",
        "app default": "ok",
        "clock": "ok",
        "orphans": "ok",
        "expiry": "ok",
    }
    assert not (world.folder / "state").exists()


def test_text_has_a_line_and_a_hint_for_each(world: World) -> None:
    ran = world.run("doctor")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("ok       program: reconciler ")
    assert any(line.startswith("warning  app default:") for line in lines)
    assert any(line.startswith("         hint: ") for line in lines)
    assert lines[-1].startswith("Doctor: ")


def test_a_state_with_recordings_is_looked_at(world: World) -> None:
    world.want("lobby")
    world.apply()
    code, found = verdicts(world, world.specs)
    assert code == 0
    assert (worst(found["state"]), worst(found["lock"]), worst(found["specs"])) == ("ok",) * 3
    assert "1 recording" in found["specs"][0]["message"]


def test_nothing_is_changed_or_started(world: World) -> None:
    world.want("lobby")
    world.apply()
    before = world.calls()
    verdicts(world)
    assert set(world.calls()[len(before) :]) <= {"query", "get-ncs-ip", "ncs-ip"}


WRONG = [
    ({"AGORA_CUSTOMER_SECRET": "wrong"}, "customer ID or secret is wrong"),
    ({"AGORA_CUSTOMER_SECRET": ""}, "`AGORA_CUSTOMER_SECRET` is empty"),
    ({"AGORA_APP_ID": "f" * 32}, "the App ID is wrong"),
    ({"AGORA_ENDPOINTS": "http://127.0.0.1:9"}, "cannot be reached"),
]


@pytest.mark.parametrize(("environ", "said"), WRONG)
def test_an_app_that_cannot_work_is_a_problem(
    world: World, environ: dict[str, str], said: str
) -> None:
    world.environ |= environ
    world.clock = FastClock()
    code, found = verdicts(world)
    assert code == 1
    messages = [each["message"] for each in found["app default"] if each["verdict"] == "problem"]
    assert any(said in message for message in messages), messages


def test_an_endpoint_that_nobody_allowed_is_a_problem(world: World) -> None:
    spec = {
        "appId": DEFAULT_APP_ID,
        "credentials": {"customerId": "c", "customerSecret": {"env": "AGORA_CUSTOMER_SECRET"}},
        "endpoints": ["https://api.example.com"],
    }
    world.write("app.yaml", manifest("App", "main", spec))
    code, found = verdicts(world, world.specs)
    assert code == 1
    (problem,) = (each for each in found["app main"] if each["verdict"] == "problem")
    assert "`api.example.com` is not allowed" in problem["message"]
    assert "--allow-endpoint" in problem["hint"]


def test_specs_with_errors_are_a_problem(world: World) -> None:
    world.want("lobby", layout={"type": "heap"})
    code, found = verdicts(world, world.specs)
    assert (code, worst(found["specs"])) == (1, "problem")
    assert "1 error" in found["specs"][0]["message"]


def test_a_state_that_cannot_be_read_is_a_problem_and_the_rest_is_looked_at(world: World) -> None:
    folder = world.folder / "state"
    folder.mkdir()
    (folder / "state.db").write_bytes(b"this is no database" * 100)
    code, found = verdicts(world)
    assert (code, worst(found["state"])) == (1, "problem")
    assert "app default" in found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_state_that_cannot_be_written_is_a_problem(world: World) -> None:
    world.want("lobby")
    world.apply()
    (world.folder / "state").chmod(0o500)
    try:
        code, found = verdicts(world)
    finally:
        (world.folder / "state").chmod(0o700)
    assert (code, worst(found["state"])) == (1, "problem")


def test_whoever_holds_the_scope_is_named(world: World) -> None:
    world.want("lobby")
    world.apply()
    with world.held():
        _, found = verdicts(world)
    (lock,) = found["lock"]
    assert lock["verdict"] == "warning"  # held since 1970
    assert "`apply` on host `elsewhere`, process 7" in lock["message"]


class Wrong(SystemClock):
    """A clock that is ahead."""

    def now_s(self) -> float:
        return super().now_s() + 600


def test_a_clock_that_is_wrong_is_a_problem(world: World) -> None:
    world.clock = Wrong()
    code, found = verdicts(world)
    assert code == 1
    (clock,) = found["clock"]
    assert clock["verdict"] == "problem"
    assert "ahead of the service's" in clock["message"]


def test_orphans_and_what_soon_expires_are_warnings(world: World) -> None:
    world.want("lobby", resourceExpiry="2h")
    world.apply()
    code, found = verdicts(world)
    assert code == 0
    (expiry,) = found["expiry"]
    assert expiry["verdict"] == "warning"
    assert "`lobby`" in expiry["message"]


def test_an_orphan_is_a_warning_with_its_resource_id(world: World) -> None:
    world.clock = FastClock()
    world.want("lobby")
    world.order("/faults", [{"endpoint": "start", "times": 4, "effect": {"drop": "after"}}])
    world.run("apply", world.specs, "--yes")
    (orphan,) = (past.session for past in world.past() if past.session.is_orphan)
    _, found = verdicts(world)
    (finding,) = found["orphans"]
    assert finding["verdict"] == "warning"
    assert orphan.resource_id in finding["hint"]
