"""Sessions that move to another server, are missing, or live on: what is told of it, and gaps."""

import asyncio
from pathlib import Path

import pytest

from reconciler.plan.looks import next_look_s
from tests.engine.notified import daemon, happens, queries, recording, some
from tests.engine.support import virtual_time

NOT_FOUND = {"status": 404, "code": 404, "reason": "failed to find worker"}


@virtual_time
async def test_a_failover_is_asked_about_at_once_and_leaves_a_gap(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 100)
        asked = len(queries(stage, alive))
        lost_s = stage.clock.now_s()
        happens(stage, alive, "failover", seconds=10)
        await one.work("lobby", 15)
        (session,) = one.sessions("lobby")
        assert (session.phase, session.sid, session.uid) == ("running", alive.sid, session.uid)
        assert alive.recorder_uid != session.uid
        assert "failover" in session.signs
        assert len(queries(stage, alive)) == asked + 1
        (gap,) = one.gaps()
        assert gap.session == session.id
        assert gap.cause == "failover"
        assert gap.from_s <= lost_s
        assert gap.from_s >= lost_s - 90
        assert gap.until_s == pytest.approx(lost_s + 10, abs=1)
        assert len(one.events("failover")) == 1


@virtual_time
async def test_after_a_failover_its_other_uid_is_still_its_own(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        happens(stage, alive, "failover", seconds=10)
        await one.work("lobby", 30)
        happens(stage, alive, "remove")
        await one.work("lobby", 20)
        assert one.notices.strangers == 0
        first = stage.past()[0]
        assert (first.session.end_reason, first.upload) == ("exited", "uploaded")
        assert "bak0_" in first.files
        assert "exit:0" in first.session.signs


@virtual_time
async def test_a_failover_of_which_nobody_hears_is_noticed_by_the_other_uid(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage, loses=lambda told: told.kind in {12, 42}) as one:
        await one.work("lobby", 65)
        asked = len(queries(stage, alive))
        happens(stage, alive, "failover", seconds=10)
        await one.work("lobby", 30)
        assert len(queries(stage, alive)) == asked + 1
        assert one.sessions("lobby")[0].phase == "running"


@virtual_time
async def test_a_failover_that_is_told_late_moves_nothing(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage, delivers=False) as one:
        happens(stage, alive, "emit", eventType=12, details={"newUid": 77})
        late = some(stage)
        await asyncio.sleep(1)
        happens(stage, alive, "emit", eventType=40, details={"status": 0})
        for notification in (some(stage), late):
            await one.hear(notification)
        (session,) = one.sessions("lobby")
        assert (session.phase, session.signs, one.gaps()) == ("running", ("failover",), [])


@virtual_time
async def test_one_that_is_missing_has_90_s_more_when_its_failover_is_told(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 30)
        stage.fault("query", uid=alive.identity.uid, effect=NOT_FOUND)
        since_s = stage.clock.now_s() + 100
        await one.work("lobby", 120)
        missing_s = one.sessions("lobby")[0].missing_s
        assert missing_s is not None
        assert missing_s < since_s + 20
        happens(stage, alive, "emit", eventType=12, details={"newUid": 77})
        told_s = stage.clock.now_s()
        await one.work("lobby", 80)
        assert one.sessions("lobby")[0].phase == "missing"
        stage.heal()
        await one.work("lobby", 31)
        (session,) = one.sessions("lobby")
        assert (session.phase, stage.started()) == ("running", 1)
        (gap,) = one.gaps()
        assert (gap.from_s, gap.cause) == (missing_s, "failover")
        assert gap.until_s is not None
        assert told_s + 80 <= gap.until_s <= told_s + 111


@virtual_time
async def test_one_that_was_missing_and_answers_again_leaves_a_gap_without_being_told(
    tmp_path: Path,
) -> None:
    stage, alive = await recording(tmp_path)
    stage.order(alive, "failover", seconds=70)
    await stage.apply()
    async with daemon(stage, delivers=False) as one:
        (session,) = one.sessions("lobby")
        assert session.phase == "running"
        (gap,) = one.gaps()
        assert gap.cause == "missing"
        assert gap.until_s is not None
        assert 70 <= gap.until_s - gap.from_s <= 95


@virtual_time
async def test_one_that_was_missing_leaves_a_gap_also_if_it_is_told_to_record_before_it_answers(
    tmp_path: Path,
) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        stage.fault("query", uid=alive.identity.uid, effect=NOT_FOUND)
        one.shop.site.records.to_ask.add(one.sessions("lobby")[0].id)
        await one.work("lobby", 60)
        missing_s = one.sessions("lobby")[0].missing_s
        happens(stage, alive, "emit", eventType=40, details={"status": 0})
        told_s = stage.clock.now_s()
        await one.work("lobby", 10)
        stage.heal()
        await one.work("lobby", 31)
        (session,) = one.sessions("lobby")
        assert session.phase == "running"
        first, then = one.gaps()
        assert (first.from_s, first.cause) == (missing_s, "missing")
        assert first.until_s == then.from_s == pytest.approx(told_s, abs=1)
        assert then.until_s is not None
        assert then.until_s >= told_s + 10


@virtual_time
async def test_one_that_is_gone_was_so_since_it_was_missed(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    stage.order(alive, "kill")
    await stage.apply()
    async with daemon(stage, delivers=False) as one:
        (gap,) = one.gaps()
        gone = stage.sessions()[0]
        assert (gap.session, gap.cause, gap.until_s) == (gone.id, "missing", gone.ended_s)
        assert gone.ended_s is not None
        assert gone.ended_s - gap.from_s == pytest.approx(90, abs=5)


@virtual_time
async def test_an_exit_settles_what_is_missing(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 30)
        stage.fault("query", uid=alive.identity.uid, effect=NOT_FOUND)
        one.shop.site.records.to_ask.add(one.sessions("lobby")[0].id)
        await one.work("lobby", 20)
        assert one.sessions("lobby")[0].phase == "missing"
        happens(stage, alive, "remove")
        await one.work("lobby", 5)
        first, second = stage.sessions()
        assert (first.end_reason, first.recheck_s, second.phase) == ("exited", None, "running")
        (gap,) = one.gaps()
        assert gap.until_s == first.ended_s


@virtual_time
async def test_what_404_alone_ended_and_still_speaks_is_stopped(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage, loses=lambda told: told.sid == alive.sid) as one:
        stage.fault("query", uid=alive.identity.uid, effect=NOT_FOUND)
        one.shop.site.records.to_ask.add(one.sessions("lobby")[0].id)
        await one.work("lobby", 110)
        assert [each.phase for each in one.sessions("lobby")] == ["ended", "running"]
        assert len(stage.alive("lobby")) == 2
        stage.heal()
        one.loses = lambda _: False
        await one.work("lobby", 65)
        first, second = stage.sessions()
        assert (first.end_reason, second.phase) == ("unwanted", "running")
        assert [each.sid for each in stage.alive("lobby")] == [second.sid]


@virtual_time
async def test_an_ended_session_that_only_tells_of_its_files_is_not_looked_at(
    tmp_path: Path,
) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 30)
        stage.order(alive, "upload", seconds=60)
        happens(stage, alive, "emit", eventType=11, details={"exitStatus": 0})
        await one.work("lobby", 2)
        asked = len(queries(stage, alive))
        happens(stage, alive, "remove")
        await one.work("lobby", 90)
        assert len(queries(stage, alive)) == asked
        assert stage.past()[0].upload == "uploaded"


@virtual_time
async def test_an_interruption_is_a_gap_of_what_all_users_share_a_file_of(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 60)
        now_ms = round(stage.clock.now_s() * 1000)
        times = {"startUtcMs": now_ms - 5_000, "discontinueUtcMs": now_ms - 25_000}
        alone = {**times, "streamUid": "7", "mixedAllUser": False, "trackType": "audio"}
        happens(stage, alive, "emit", eventType=42, details=alone)
        await one.work("lobby", 1)
        assert one.gaps() == []
        shared = {**times, "streamUid": "0", "mixedAllUser": True, "trackType": "audio_and_video"}
        happens(stage, alive, "emit", eventType=42, details=shared)
        await one.work("lobby", 1)
        (gap,) = one.gaps()
        assert gap.cause == "interrupted"
        assert gap.until_s is not None
        assert gap.until_s - gap.from_s == pytest.approx(20)


@virtual_time
async def test_a_look_that_a_notification_overtook_is_taken_anew(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage, delivers=False) as one:
        (session,) = one.sessions("lobby")
        stage.fault("query", effect={"delay_s": 3})
        one.shop.site.records.to_ask.add(session.id)
        work = asyncio.ensure_future(one.work("lobby", 10))
        await asyncio.sleep(1)
        happens(stage, alive, "emit", eventType=73, details={"reason": "audio_silence"})
        await one.hear(some(stage))
        await work
        (after,) = one.sessions("lobby")
        assert after.signs == ("reload:audio_silence",)
        assert len(queries(stage, alive)) >= 2
        assert after.observed_s is not None
        assert session.observed_s is not None
        assert after.observed_s > session.observed_s
        assert next_look_s(after, 120) == pytest.approx(after.observed_s + 120)
