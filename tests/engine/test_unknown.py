"""A start of which nobody knows what came: repeated, taken up, or kept in mind as an orphan."""

import asyncio
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reconciler.agora.messages import Reply, Request, Unanswered
from tests.agora.support import NOW_S
from tests.engine.support import (
    APP,
    CERTIFICATE,
    Stage,
    Tap,
    action_of,
    kinds,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)

TIMED_OUT = {"status": 500, "code": 62, "reason": "request timeout"}
NOT_COMPLETED = {"status": 206, "code": 65, "reason": "request not completed"}


class CrashError(BaseException):
    """The end of a process, at once."""


def telling(stage: Stage) -> None:
    """Let the service name the session where it says that it was started before."""

    def with_sid(request: Request, answer: Reply | Unanswered) -> Reply | Unanswered:
        if isinstance(answer, Unanswered) or answer.status != 201:
            return answer
        resource_id = request.url.split("/")[-4]
        sid = stage.simulator.lived().by_resource[resource_id].sid
        body = {**json.loads(answer.body), "sid": sid}
        return replace(answer, body=json.dumps(body).encode())

    stage.tap = lambda wire: Tap(wire, after=with_sid)


@virtual_time
@pytest.mark.parametrize("answer", [TIMED_OUT, NOT_COMPLETED, {"drop": "before"}])
async def test_a_start_that_had_no_effect_is_repeated_and_works(
    tmp_path: Path, answer: dict[str, Any]
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("start", times=3, effect=answer)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.started() == 1
    assert len(stage.log("acquire")) == 1
    times = [call["at"] for call in stage.log("start")]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    waits = zip((3, 6, 9), gaps, strict=True)
    assert all(wait_s <= gap_s <= wait_s * 1.25 + 0.2 for wait_s, gap_s in waits)


@virtual_time
@pytest.mark.parametrize(
    "answer",
    [{**TIMED_OUT, "processed": True}, {**NOT_COMPLETED, "processed": True}, {"drop": "after"}],
)
async def test_a_start_whose_answer_was_lost_is_taken_up_where_the_service_names_it(
    tmp_path: Path, answer: dict[str, Any]
) -> None:
    stage = Stage(tmp_path)
    telling(stage)
    stage.want("lobby")
    stage.fault("start", times=1, effect=answer)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions()
    assert [each.sid for each in stage.alive("lobby")] == [session.sid]
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_where_nothing_can_be_known_it_is_an_orphan_and_another_uid_starts_at_once(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.fault("start", times=1, effect={"drop": "after"})
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    lost, taken = stage.sessions()
    assert (lost.phase, lost.sid, lost.ends_by_s) == ("orphan", "", None)
    assert (taken.phase, taken.uid != lost.uid) == ("running", True)
    assert taken.created_s - lost.created_s < 10
    plan = await stage.plan()
    assert kinds(plan) == {}
    assert [each.code for each in plan.diagnostics if each.code == "orphan"] == ["orphan"]


@virtual_time
async def test_an_orphan_ends_by_the_longest_that_its_page_may_be_recorded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("wall", "web", web={"url": "https://example.com/page", "maxDuration": "2h"})
    stage.fault("start", times=1, effect={"drop": "after"})
    await stage.apply()
    (lost, *_) = stage.sessions()
    (real, *_) = sorted(stage.alive("wall"), key=lambda each: each.started_s)
    assert lost.ends_by_s is not None
    assert real.started_s + 7200 <= lost.ends_by_s <= real.started_s + 7500
    await asyncio.sleep(7600)
    await stage.apply()
    assert stage.sessions()[0].end_reason == "unseen"
    assert "orphan" not in [each.code for each in (await stage.plan()).diagnostics]


@virtual_time
async def test_an_orphan_with_a_token_ends_with_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    stage.want("lobby", token="generate")
    stage.fault("start", times=1, effect={"drop": "after"})
    await stage.apply()
    (lost, *_) = stage.sessions()
    assert lost.ends_by_s == int(lost.created_s) + 86_400


@virtual_time
async def test_an_orphan_keeps_its_uid_from_others(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="7", backupUids=["8"])
    stage.fault("start", times=1, effect={"drop": "after"})
    await stage.apply()
    stage.order(next(each for each in stage.alive("lobby") if each.identity.uid == "8"), "remove")
    await asyncio.sleep(15)
    for _ in range(2):  # the second time its back-off is over
        await stage.apply()
        await asyncio.sleep(11)
    assert {each.uid for each in stage.sessions() if each.is_orphan} == {"7"}
    (session,) = (each for each in stage.sessions() if each.phase == "running")
    assert session.uid == "8"


@virtual_time
async def test_a_conflict_with_what_may_be_ours_takes_the_next_uid(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="7", backupUids=["8"])
    await stage.apply()
    missing = {"status": 404, "code": 404, "reason": "failed to find worker"}
    stage.fault("query", uid="7", effect=missing)
    await stage.apply()  # gone by 404 alone, on 8 now
    stage.order(next(each for each in stage.alive("lobby") if each.identity.uid == "8"), "remove")
    await asyncio.sleep(15)
    await stage.apply()
    await asyncio.sleep(11)  # the back-off after the second end
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.log("start")[-2]["code"] == 53
    assert stage.sessions()[-1].uid == "8"
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_conflict_with_somebody_else_is_named_and_nothing_is_guessed(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", uid="7")
    other = Stage(tmp_path_of(tmp_path, "other"))
    other.simulator, other.application = stage.simulator, stage.application
    other.want("theirs", channel="lobby", uid="7")
    await other.apply()
    problem = problem_of(await stage.apply(), "lobby")
    assert problem.code == "conflict"
    assert "`lobby` with uid `7`" in problem.message
    assert problem.hint is not None
    assert len(stage.log("start")) == 2
    assert len(stage.alive("lobby")) == 1
    assert [each.end_reason for each in stage.sessions()] == ["conflict"]


def tmp_path_of(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


async def crash_at_start(stage: Stage, *, after: bool) -> None:
    """Begin an apply that ends right before or after its start takes effect."""

    def crash(request: Request, *_: Any) -> Any:
        if request.url.endswith("/start"):
            raise CrashError
        return _[0] if _ else None

    stage.tap = lambda wire: Tap(wire, after=crash) if after else Tap(wire, before=crash)
    with pytest.raises(CrashError):
        await stage.apply()
    telling(stage)


@virtual_time
@pytest.mark.parametrize("after", [False, True])
async def test_a_start_that_a_crash_cut_off_is_sent_again_identically(
    tmp_path: Path, *, after: bool
) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    stage.want("lobby", token="generate")
    await crash_at_start(stage, after=after)
    await asyncio.sleep(120)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("start", "start-unsettled")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    (session,) = stage.sessions()
    assert [each.sid for each in stage.alive("lobby")] == [session.sid]
    assert len(stage.log("acquire")) == 1
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_it_is_sent_again_as_it_was_though_the_spec_has_changed(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await crash_at_start(stage, after=True)
    stage.want("lobby", maxIdle="9m")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    first, second = stage.sessions()
    assert (first.end_reason, second.phase) == ("replaced", "running")
    assert [each.sid for each in stage.alive("lobby")] == [second.sid]


@virtual_time
async def test_what_a_crash_left_and_nobody_wants_any_more_is_stopped_once_it_is_known(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.want("other")
    await stage.apply(target=["other"])
    await crash_at_start(stage, after=True)
    stage.drop("lobby")
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert stage.alive("lobby") == []
    assert stage.sessions("lobby")[0].end_reason == "removed"


@virtual_time
async def test_a_start_that_cannot_be_made_again_identically_is_an_orphan(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await crash_at_start(stage, after=True)
    stage.environ["SECRET_KEY"] = "another-key"
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    first, second = stage.sessions()
    assert (first.phase, second.phase) == ("orphan", "running")
    assert len(stage.log("start")) == 2, "nothing but the new start"


@virtual_time
async def test_a_start_of_more_than_five_minutes_ago_is_not_repeated(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await crash_at_start(stage, after=True)
    await asyncio.sleep(301)
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    first, second = stage.sessions()
    assert (first.phase, second.phase) == ("orphan", "running")
    assert len(stage.log("start")) == 2


@virtual_time
async def test_a_claim_that_was_never_sent_is_begun_anew(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")

    def crash(request: Request) -> None:
        if request.url.endswith("/acquire"):
            raise CrashError

    stage.tap = lambda wire: Tap(wire, before=crash)
    with pytest.raises(CrashError):
        await stage.apply()
    stage.tap = lambda wire: wire
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    first, second = stage.sessions()
    assert (first.end_reason, second.phase) == ("interrupted", "running")
    assert stage.started() == 1


@virtual_time
async def test_the_clocks_of_a_session_that_was_taken_up_count_from_before_its_start(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby", resourceExpiry="1h")
    await crash_at_start(stage, after=True)
    await asyncio.sleep(240)
    await stage.apply()
    (session,) = stage.sessions()
    (alive,) = stage.alive("lobby")
    assert session.resource_ends_s is not None
    assert session.resource_ends_s <= alive.started_s + 3600
    assert session.started_s is not None
    assert session.started_s >= NOW_S


@virtual_time
async def test_an_orphan_keeps_its_place_so_that_no_other_uid_takes_one_more(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.write("app.yaml", APP + "  maxRecordings: 1\n")
    stage.want("lobby")
    stage.fault("start", effect=NOT_COMPLETED)
    await stage.apply()
    assert [each.phase for each in stage.sessions()] == ["orphan"]
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("error", "no-place")


@virtual_time
async def test_a_replica_whose_place_was_taken_meanwhile_is_not_started(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write("app.yaml", APP + "  maxRecordings: 2\n")
    stage.want("lobby", replicas=2)
    stage.fault("start", effect=NOT_COMPLETED)
    await stage.apply()
    assert [(each.replica, each.phase) for each in stage.sessions()] == [(0, "orphan")] * 2
