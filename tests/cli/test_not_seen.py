"""Nothing is called well that nobody looked at; what failed leaves nothing ordered."""

import json

import pytest

from tests.cli.world import World, manifest


def status(world: World, *words: str) -> dict[str, str]:
    ran = world.run("status", *words, "--format", "json")
    (row,) = json.loads(ran.out)["recordings"]
    return dict(row)


def test_an_apply_that_could_ask_nobody_is_no_success(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.environ["AGORA_CUSTOMER_SECRET"] = "wrong"
    ran = world.run("apply", world.specs, "--yes")
    assert ran.code == 1
    assert "credentials" in ran.out


def test_a_status_that_could_ask_nobody_knows_nothing(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.environ["AGORA_CUSTOMER_SECRET"] = "wrong"
    row = status(world, "--refresh")
    assert (row["sync"], row["health"]) == ("unknown", "unknown")


def test_a_page_that_somebody_paused_is_not_healthy(world: World) -> None:
    page = {"url": "https://example.com/wall", "maxDuration": "24h"}
    spec = {"mode": "web", "channel": "wall", "storage": "archive", "web": page}
    world.write("wall.yaml", manifest("Recording", "wall", spec))
    world.apply()
    world.order(f"/sessions/{world.session('wall').sid}/page", {"onhold": True})
    row = status(world, "--refresh")
    assert (row["sync"], row["health"], row["reason"]) == ("out-of-sync", "degraded", "drift")


def test_a_failed_apply_shows_in_the_status(world: World) -> None:
    world.want("lobby")
    world.apply()
    effect = {"status": 400, "code": 2, "reason": "no"}
    world.order("/faults", [{"endpoint": "updateLayout", "effect": effect}])
    world.want("lobby", layout={"background": {"color": "#202020"}})
    assert world.run("apply", world.specs, "--yes").code == 1
    row = status(world)
    assert row["reason"] in {"rejected", "spec-changed"}
    assert row["sync"] == "out-of-sync"


@pytest.mark.parametrize("secret", ["wrong", ""])
def test_a_stop_that_the_service_refused_is_not_carried_out_later(
    world: World, secret: str
) -> None:
    world.want("lobby")
    world.apply()
    right = world.environ["AGORA_CUSTOMER_SECRET"]
    world.environ["AGORA_CUSTOMER_SECRET"] = secret
    assert world.run("stop", "lobby", "--yes").code == 1
    world.environ["AGORA_CUSTOMER_SECRET"] = right
    world.apply()
    assert world.session("lobby").phase == "running"
    assert len(world.look("/sessions")["sessions"]) == 1


@pytest.mark.parametrize("scope", ["", "a/../b", "x\ny", "a" * 64])
def test_a_scope_that_is_no_name_is_refused(world: World, scope: str) -> None:
    ran = world.run("status", "--scope", scope)
    assert ran.code == 1
    assert "a scope has 1 to 63" in ran.err


def test_a_suspension_that_would_be_over_at_once_is_refused(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("suspend", "lobby", "--for", "0s")
    assert (ran.code, "over at once" in ran.err) == (1, True)


def test_a_state_that_is_gone_is_not_taken_for_a_first_run(world: World) -> None:
    world.want("lobby")
    world.apply()
    (state,) = world.folder.rglob("state.db")
    for command in (["plan", world.specs], ["apply", world.specs, "--yes"]):
        state.unlink(missing_ok=True)
        ran = world.run(*command)
        assert ran.code == 1
        assert "is gone or empty" in ran.err
    assert len(world.look("/sessions")["sessions"]) == 1


def test_an_id_that_begins_with_a_dash_is_no_option(world: World) -> None:
    ran = world.run("forget", "--orphan", "-x", "--yes")
    assert ran.code == 1
    assert "-x" in ran.err
    assert "expected one argument" not in ran.err


def test_a_doctor_calls_nothing_well_of_a_state_that_it_cannot_read(world: World) -> None:
    world.want("lobby")
    world.apply()
    (state,) = world.folder.rglob("state.db")
    state.write_bytes(b"no database" * 1000)
    findings = json.loads(world.run("doctor", "--format", "json").out)["findings"]
    found = {each["what"]: each["verdict"] for each in findings}
    assert found["state"] == "problem"
    assert not {"orphans", "expiry"} & set(found)


def test_what_runs_is_stopped_where_it_was_started_though_the_environment_says_another_place(
    world: World,
) -> None:
    world.want("lobby")
    world.apply()
    for file in world.specs.iterdir():
        file.unlink()
    world.environ["AGORA_ENDPOINTS"] = "http://127.0.0.1:9"
    assert world.run("apply", world.specs, "--yes", "--allow-empty").code == 0
    assert world.live() == set()
