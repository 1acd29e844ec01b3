"""A `sid` that nobody has: an orphan's, that of a start under way, or somebody else's."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.engine import strangers as strangers_module
from reconciler.plan.session import Phase
from reconciler.state.store import SetSession
from tests.engine.notified import daemon, happens, some, told_stage
from tests.engine.support import Stage, virtual_time


async def orphaned(folder: Path, mode: str = "mix", **spec: object) -> Stage:
    """Return a Stage whose first session runs and lacks its `sid`, beside its successor."""
    stage = told_stage(folder)
    stage.want("lobby", mode, **spec)
    stage.fault("start", times=1, effect={"drop": "after"})
    await stage.apply()
    assert [each.phase for each in stage.sessions()] == ["orphan", "running"]
    return stage


@virtual_time
async def test_an_orphan_that_speaks_is_reached_again_and_stopped(tmp_path: Path) -> None:
    stage = await orphaned(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 30)
        first, second = stage.sessions()
        assert (first.phase, first.end_reason, bool(first.sid)) == ("ended", "unwanted", True)
        assert [each.sid for each in stage.alive("lobby")] == [second.sid]
        assert len(one.events("recovered")) == 1
        journal = one.shop.site.records.store.journal(first.id)
        assert [entry.detail for entry in journal if entry.what == "recovered"] == [first.sid]
        assert stage.past()[0].upload == "uploaded"


@virtual_time
async def test_a_start_that_was_told_of_before_it_was_given_up_is_reached(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    stage.want("lobby")
    stage.fault("start", times=1, effect={"drop": "after"})
    silent = 0.0

    def loses(_: object) -> bool:
        return stage.clock.monotonic_s() > silent

    async with daemon(stage, loses=loses) as one:
        silent = stage.clock.monotonic_s() + 3.5  # what is told later is lost
        await one.work("lobby", 60)
        first, second = stage.sessions()
        assert (first.phase, first.end_reason, bool(first.sid)) == ("ended", "unwanted", True)
        assert [each.sid for each in stage.alive("lobby")] == [second.sid]
        assert len(one.events("recovered")) == 1


@virtual_time
async def test_an_orphan_of_a_page_ends_by_its_longest_time_still(tmp_path: Path) -> None:
    page = {"url": "https://example.com/page", "maxDuration": "2h"}
    stage = await orphaned(tmp_path, "web", web=page)
    ends_by_s = stage.sessions()[0].ends_by_s
    stage.fault("stop", effect={"drop": "before"})
    stage.fault("query", effect={"drop": "before"})
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        session = stage.sessions()[0]
        assert session.phase == "starting"
        assert session.duration_ends_s == ends_by_s
        assert session.acquired_s is not None
        assert session.resource_ends_s == session.acquired_s + 72 * 3600


@virtual_time
async def test_an_orphan_whose_exit_is_told_is_dropped(tmp_path: Path) -> None:
    stage = await orphaned(tmp_path)
    lost = next(each for each in stage.alive() if each.sid != stage.sessions()[1].sid)
    happens(stage, lost, "remove")
    async with daemon(stage, loses=lambda told: told.kind != 11) as one:
        await one.work("lobby", 30)
        first, second = stage.sessions()
        assert (first.phase, first.sid, second.phase) == ("ended", lost.sid, "running")
        assert stage.log("stop") == []


@virtual_time
async def test_what_was_sent_before_an_orphans_start_is_not_of_it(tmp_path: Path) -> None:
    stage = await orphaned(tmp_path)
    async with daemon(stage, loses=lambda _: True) as one:
        await asyncio.sleep(60)
        first = stage.sessions()[0]
        told = next(each for each in one.missed if each.uid == first.uid)
        assert first.acquired_s is not None
        early_ms = round(first.acquired_s * 1000) - 1000
        await one.hear(replace(told, sent_ms=early_ms, notice_id="early", sid="another"))
        assert stage.sessions()[0].phase == "orphan"
        await one.hear(told)
        assert stage.sessions()[0].phase == "starting"


@virtual_time
async def test_what_another_scope_has_is_no_orphan_that_speaks(tmp_path: Path) -> None:
    stage = await orphaned(tmp_path)
    async with daemon(stage, loses=lambda _: True) as one:
        await asyncio.sleep(60)
        first = stage.sessions()[0]
        told = next(each for each in one.missed if each.uid == first.uid)
        with stage.store() as store:
            theirs = replace(first, id="theirs", sid="another", app_key="of the App's old ID")
            store.commit("other", [SetSession(session=replace(theirs, phase=Phase.ENDED))])
        await one.hear(replace(told, notice_id="late", sid="another"))
        assert stage.sessions()[0].phase == "orphan"
        await one.hear(replace(told, notice_id="nameless", sid=None))
        assert stage.sessions()[0].phase == "orphan"
        await one.hear(told)
        assert stage.sessions()[0].phase == "starting"


@virtual_time
async def test_a_start_whose_answer_is_awaited_is_left_alone(tmp_path: Path) -> None:
    stage = told_stage(tmp_path, start_delay_s=0.5)
    stage.want("lobby")
    stage.fault("start", times=1, effect={"delay_s": 3})
    work = asyncio.ensure_future(stage.apply())
    await asyncio.sleep(2)
    session = stage.sessions()[0]
    assert session.phase == "acquired"
    async with daemon(stage, delivers=False) as one:
        happens(stage, stage.alive()[0], "emit", eventType=40, details={"status": 0})
        await one.hear(some(stage))
        assert one.woken == ["lobby"]
        assert one.events("unknown-session") == []
        assert stage.sessions() == [session]
    await work


@virtual_time
async def test_a_stranger_with_a_uid_of_ours_is_told_of_once(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    stage.want("lobby", uid="7")
    await stage.apply()
    theirs = await strangers(stage, tmp_path, "lobby", "7")
    async with daemon(stage) as one:
        await one.work("lobby", 200)
        (told,) = one.events("unknown-session")
        assert (told.recording, told.type, told.count) == ("lobby", "warning", 1)
        for part in (theirs, "`lobby`", "`7`", "`reconciler import`", "stopped where it was"):
            assert part in told.message
        assert one.notices.strangers > 3
        assert any(each.sid == theirs for each in stage.alive("lobby"))


@virtual_time
async def test_a_stranger_with_a_uid_that_was_once_ours_is_told_of_too(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    uid = stage.sessions()[0].uid
    theirs = await strangers(stage, tmp_path, "lobby", uid)
    async with daemon(stage) as one:
        await one.work("lobby", 20)
        assert [theirs in event.message for event in one.events("unknown-session")] == [True]


async def strangers(stage: Stage, folder: Path, channel: str, uid: str) -> str:
    """Stop ours, and let somebody else start the same with a state of their own; return the sid."""
    (folder / "other").mkdir()
    (alive,) = stage.alive(channel)
    async with daemon(stage) as one:
        happens(stage, alive, "remove")
        await asyncio.sleep(3)
        assert one.sessions("lobby")[0].phase == "ended"
    other = Stage(folder / "other")
    other.simulator, other.application = stage.simulator, stage.application
    other.want("theirs", channel=channel, uid=uid)
    await other.apply()
    return other.sessions()[0].sid


@virtual_time
async def test_channels_of_nobody_are_only_counted(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    stage.want("lobby", uid="7")
    await stage.apply()
    (tmp_path / "other").mkdir()
    other = Stage(tmp_path / "other")
    other.simulator, other.application = stage.simulator, stage.application
    other.want("theirs", channel="elsewhere", uid="7")
    other.want("more", channel="lobby", uid="8")
    await other.apply()
    async with daemon(stage) as one:
        await one.work("lobby", 60)
        assert one.notices.strangers > 5
        assert one.events("unknown-session") == []
        assert {notice.channel for notice in one.stored()} == {"lobby", "elsewhere"}


@virtual_time
async def test_what_another_scope_of_this_state_has_is_no_stranger(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    (alive,) = stage.alive()
    async with daemon(stage) as mine:
        await mine.work("lobby", 5)
        heard = mine.heard[-1]
    stage.scope = "other"
    async with daemon(stage, delivers=False) as one:
        happens(stage, alive, "emit", eventType=40, details={"status": 0})
        await one.hear(some(stage))
        await one.hear(replace(heard, notice_id="again", kind=31))
        assert one.notices.strangers == 2
        assert one.events("unknown-session") == []
        assert one.sessions("lobby") == ()


@virtual_time
async def test_the_end_of_a_stranger_concerns_nobody(tmp_path: Path) -> None:
    stage = told_stage(tmp_path)
    stage.want("lobby", uid="7")
    await stage.apply()
    async with daemon(stage, delivers=False) as one:
        happens(stage, stage.alive()[0], "emit", eventType=11, details={"exitStatus": 0})
        await one.hear(replace(some(stage), sid="stranger"))
        assert one.events("unknown-session") == []


@virtual_time
async def test_of_many_strangers_only_the_last_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers_module, "WARNED_MAX", 2)
    stage = told_stage(tmp_path)
    stage.want("lobby", uid="7")
    await stage.apply()
    async with daemon(stage, delivers=False) as one:
        happens(stage, stage.alive()[0], "emit", eventType=40, details={"status": 0})
        for number, sid in enumerate(["a", "b", "b", "c", "b", "a"]):
            await one.hear(replace(some(stage), sid=sid, sequence=number, notice_id=str(number)))
        named = [event.message.split("`")[1] for event in one.events("unknown-session")]
        assert named == ["a", "b", "c", "a"]
