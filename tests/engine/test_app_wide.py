"""What is wrong with an App concerns all of it, once, and no other."""

from pathlib import Path

import pytest

from reconciler.agora.messages import Request
from reconciler.simulator.settings import DEFAULT_APP_ID, Settings
from tests.engine.support import (
    APP,
    Stage,
    Tap,
    action_of,
    kinds,
    outcomes,
    problem_of,
    virtual_time,
)

OTHER_APP_ID = "fedcba9876543210fedcba9876543210"
OTHER = APP.replace("name: default", "name: other").replace(
    "0123456789abcdef0123456789abcdef", OTHER_APP_ID, 1
)
FORBIDDEN = {"status": 401, "message": "Invalid authentication credentials"}


def two_apps(folder: Path) -> Stage:
    stage = Stage(folder, Settings(app_ids=(DEFAULT_APP_ID, OTHER_APP_ID)))
    stage.write("other-app.yaml", OTHER)
    for name in ("a", "b", "c"):
        stage.want(name)
    stage.want("d", app="other")
    return stage


@virtual_time
async def test_wrong_credentials_stop_the_work_of_that_app_and_of_no_other(tmp_path: Path) -> None:
    stage = two_apps(tmp_path)
    for name in ("a", "b", "c"):
        stage.fault("*", cname=name, effect=FORBIDDEN)
    results = await stage.apply()
    assert outcomes(results) == {"a": "failed", "b": "failed", "c": "failed", "d": "done"}
    problems = {problem_of(results, name) for name in ("a", "b", "c")}
    assert len(problems) == 1
    assert problems.pop().code == "credentials"
    assert [call["cname"] for call in stage.log("start")] == ["d"]


@virtual_time
async def test_with_wrong_credentials_nothing_that_runs_is_touched_or_waited_for(
    tmp_path: Path,
) -> None:
    stage = two_apps(tmp_path)
    await stage.apply()
    stage.drop("a")
    stage.want("b", maxIdle="9m")
    for name in ("a", "b", "c"):
        stage.fault("*", cname=name, effect=FORBIDDEN)
    began_s = stage.clock.now_s()
    plan = await stage.plan()
    assert [each.code for each in plan.diagnostics] == ["credentials"]
    assert outcomes(await stage.apply()) == {"a": "failed", "b": "failed"}
    assert stage.clock.now_s() - began_s < 30
    stage.heal()
    assert outcomes(await stage.apply()) == {"a": "done", "b": "done"}
    assert {each.identity.cname for each in stage.alive()} == {"b", "c", "d"}


@virtual_time
async def test_an_endpoint_that_nobody_allowed_is_never_connected_to(tmp_path: Path) -> None:
    stage = two_apps(tmp_path)
    stage.write("app.yaml", APP.replace("http://127.0.0.1:8787", "https://evil.example"))
    plan = await stage.plan()
    assert action_of(plan, "a").reason == "endpoint-not-allowed"
    assert "--allow-endpoint evil.example" in action_of(plan, "a").message
    assert outcomes(await stage.apply()) == {
        "a": "failed",
        "b": "failed",
        "c": "failed",
        "d": "done",
    }
    assert {call["cname"] for call in stage.log("acquire")} == {"d"}


@virtual_time
async def test_a_plan_takes_a_secret_that_does_not_resolve_as_unchanged(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    del stage.environ["SECRET_KEY"]
    plan = await stage.plan()
    assert kinds(plan) == {}
    stage.want("lobby", maxIdle="9m")
    plan = await stage.plan()
    assert kinds(plan) == {"lobby": "replace"}
    assert "secret-unresolved" in [each.code for each in plan.diagnostics]


@virtual_time
async def test_an_apply_makes_an_error_of_what_needs_it_before_any_call(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.want("plain", storage=INLINE)
    await stage.apply()
    del stage.environ["SECRET_KEY"]
    stage.want("lobby", maxIdle="9m")
    stage.want("plain", storage=INLINE, maxIdle="9m")
    stage.want("third")
    before = len(stage.log("acquire"))
    results = await stage.apply()
    assert outcomes(results) == {"lobby": "failed", "plain": "done", "third": "failed"}
    assert "`env SECRET_KEY`" in problem_of(results, "lobby").message
    assert [call["cname"] for call in stage.log("acquire")[before:]] == ["plain"]


INLINE = {
    "vendor": "aws",
    "region": "us-east-1",
    "bucket": "recordings",
    "accessKey": {"env": "ACCESS_KEY"},
    "secretKey": {"env": "ACCESS_KEY"},
}


@virtual_time
async def test_an_update_that_lacks_one_of_its_secrets_sends_no_part_of_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    page = {"url": "https://example.com/page", "maxDuration": "24h", "rtmp": {"env": "RTMP"}}
    stage.want("wall", "web", web=page)
    await stage.apply()
    stage.environ["ACCESS_KEY"] = "another"
    stage.want("wall", "web", web={**page, "rtmp": {"env": "OTHER"}, "paused": True})
    results = await stage.apply()
    assert problem_of(results, "wall").code == "secret-unresolved"
    assert stage.log("update") == []


@virtual_time
async def test_stops_and_layouts_need_no_secret_but_the_apps(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.want("other")
    await stage.apply()
    del stage.environ["SECRET_KEY"]
    stage.drop("other")
    stage.want("lobby", layout={"type": "best-fit"})
    assert outcomes(await stage.apply()) == {"lobby": "done", "other": "done"}
    assert [each.identity.cname for each in stage.alive()] == ["lobby"]


@virtual_time
async def test_without_the_apps_own_credentials_state_is_all_there_is(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", layout={"type": "best-fit"})
    asked = len(stage.log("query"))
    del stage.environ["CUSTOMER_SECRET"]
    plan = await stage.plan()
    assert kinds(plan) == {"lobby": "update_layout"}
    assert "secret-unresolved" in [each.code for each in plan.diagnostics]
    assert outcomes(await stage.apply()) == {"lobby": "failed"}
    assert len(stage.log("query")) == asked
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_what_was_begun_when_the_credentials_failed_is_left_at_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("query", effect=FORBIDDEN)
    began_s = stage.clock.now_s()
    assert problem_of(await stage.apply(), "lobby").code == "credentials"
    assert stage.clock.now_s() - began_s < 10
    assert stage.sessions()[0].phase == "starting"
    stage.heal()
    await stage.apply()
    assert stage.sessions()[0].phase == "running"
    assert stage.started() == 1


@virtual_time
async def test_what_runs_under_an_app_id_that_was_secret_is_named_where_that_changed(
    tmp_path: Path,
) -> None:
    stage = two_apps(tmp_path)
    secret = APP.replace("appId: 0123456789abcdef0123456789abcdef", "appId: {env: APP_ID}")
    stage.write("app.yaml", secret)
    stage.environ["APP_ID"] = "0123456789abcdef0123456789abcdef"
    await stage.apply()
    stage.environ["APP_ID"] = OTHER_APP_ID
    problem = problem_of(await stage.apply(target=["a"]), "a")
    assert problem.code == "app-id-changed"
    assert problem.hint is not None
    assert len(stage.alive("a")) == 2, "the old one cannot be called any more"


@virtual_time
async def test_a_start_that_is_not_settled_keeps_another_from_being_begun(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")

    def crash(request: Request) -> None:
        if request.url.endswith("/start"):
            raise CrashError

    stage.tap = lambda wire: Tap(wire, before=crash)
    with pytest.raises(CrashError):
        await stage.apply()
    stage.tap = lambda wire: wire
    secret = stage.environ.pop("CUSTOMER_SECRET")
    assert outcomes(await stage.apply()) == {"lobby": "failed"}
    assert [each.phase for each in stage.sessions()] == ["acquired"]
    stage.environ["CUSTOMER_SECRET"] = secret
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.started() == 1


class CrashError(BaseException):
    """The end of a process, at once."""
