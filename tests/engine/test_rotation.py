"""What should go on is handed over before a clock ends it or its control."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.plan.session import Session
from reconciler.state.store import SetSession
from tests.engine.support import (
    APP,
    CERTIFICATE,
    Stage,
    action_of,
    kinds,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)

HOUR_S = 3600.0


async def until_last_margin(stage: Stage) -> Session:
    """Wait until every session of an hour is to be rotated, and return the one there is."""
    (session,) = (each for each in stage.sessions() if each.phase == "running")
    assert session.expires_s is not None
    await asyncio.sleep(session.expires_s - 180 - stage.clock.now_s())  # the margin is 3 minutes
    return session


async def an_hour(folder: Path, **spec: Any) -> Stage:
    stage = Stage(folder)
    stage.want("lobby", resourceExpiry="1h", **spec)
    await stage.apply()
    return stage


@virtual_time
async def test_a_session_is_handed_over_before_its_resource_expires(tmp_path: Path) -> None:
    stage = await an_hour(tmp_path)
    (session,) = stage.sessions()
    assert session.resource_ends_s is not None
    early_s = session.resource_ends_s - 3 * 180
    await asyncio.sleep(early_s - stage.clock.now_s() - 1)
    assert kinds(await stage.plan()) == {}
    await until_last_margin(stage)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason, action.cause) == ("rotate", "resource-expiry", "expiry")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    before, after = stage.sessions()
    assert (before.end_reason, after.phase) == ("rotated", "running")
    assert after.confirmed_s is not None
    assert before.stop_asked_s is not None
    assert after.confirmed_s <= before.stop_asked_s
    assert [each.sid for each in stage.alive("lobby")] == [after.sid]
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_session_is_handed_over_before_its_token_ends(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    stage.want("lobby", token="generate", policy={"replace": "forbid"})
    await stage.apply()
    await asyncio.sleep(86_400 - 600)  # the margin is 10 minutes
    assert action_of(await stage.plan(), "lobby").reason == "token-expiry"
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.sessions()[1].token_issued_s >= stage.sessions()[0].token_issued_s + 85_000
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_a_page_is_handed_over_before_its_longest_duration(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    page = {"url": "https://example.com/page", "maxDuration": "1h"}
    stage.want("wall", "web", web=page)
    stage.want("once", "web", web=page, policy={"restart": "on-failure"})
    await stage.apply()
    await asyncio.sleep(HOUR_S - 180)
    assert kinds(await stage.plan()) == {"wall": "rotate"}
    assert action_of(await stage.plan(), "wall").reason == "max-duration"
    assert outcomes(await stage.apply()) == {"wall": "done"}
    await asyncio.sleep(200)
    assert stage.alive("once") == []
    await stage.apply()
    assert stage.sessions("once")[0].end_reason == "max-duration"
    assert kinds(await stage.plan()) == {"once": "none"}


@virtual_time
async def test_one_whose_start_is_not_known_is_handed_over_at_once(tmp_path: Path) -> None:
    stage = await an_hour(tmp_path)
    (session,) = stage.sessions()
    unknown = replace(session, started_s=None, resource_ends_s=None)
    with stage.store() as store:
        store.commit("default", [SetSession(session=unknown)])
    plan = await stage.plan()
    action = action_of(plan, "lobby")
    assert (action.kind, action.reason) == ("rotate", "expiry-unknown")
    assert "expiry-unknown" in [each.code for each in plan.diagnostics]
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert len(stage.alive("lobby")) == 1
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_successor_that_fails_leaves_the_predecessor(tmp_path: Path) -> None:
    stage = await an_hour(tmp_path)
    session = await until_last_margin(stage)
    stage.fault("start", effect={"status": 400, "code": 2, "reason": "no such bucket"})
    problem = problem_of(await stage.apply(), "lobby")
    assert "no such bucket" in problem.message
    assert [each.sid for each in stage.alive("lobby")] == [session.sid]
    stage.heal()
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_a_minute_before_its_resource_expires_it_is_stopped_whatever_happens(
    tmp_path: Path,
) -> None:
    stage = await an_hour(tmp_path)
    session = await until_last_margin(stage)
    await asyncio.sleep(125)
    plan = await stage.plan()
    assert action_of(plan, "lobby").stop_first
    assert "rotation-forced" in [each.code for each in plan.diagnostics]
    stage.fault("start", effect={"status": 400, "code": 2, "reason": "no such bucket"})
    assert outcomes(await stage.apply()) == {"lobby": "failed"}
    assert stage.alive("lobby") == []
    assert next(each for each in stage.sessions() if each.id == session.id).phase == "ended"
    stage.heal()
    await stage.apply()
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_a_forced_stop_needs_no_secret(tmp_path: Path) -> None:
    stage = await an_hour(tmp_path)
    await until_last_margin(stage)
    await asyncio.sleep(125)
    del stage.environ["SECRET_KEY"]
    await stage.apply()
    assert stage.alive("lobby") == [], "past its expiry nobody could stop it"


@virtual_time
async def test_without_a_place_it_waits_and_is_stopped_first_when_that_is_late(
    tmp_path: Path,
) -> None:
    stage = await an_hour(tmp_path)
    stage.write("app.yaml", APP + "  maxRecordings: 1\n")
    await until_last_margin(stage)
    assert action_of(await stage.plan(), "lobby").reason == "no-place"
    await asyncio.sleep(121)  # the last third of the margin
    plan = await stage.plan()
    assert action_of(plan, "lobby").stop_first
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert len(stage.alive("lobby")) == 1
    assert stage.sessions()[0].end_reason == "rotated"
