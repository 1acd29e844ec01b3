"""Notifications are stored once, before they are answered, and nothing rests on them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.engine import notices
from reconciler.errors import StateError
from reconciler.simulator.outbox import Chaos
from reconciler.state.store import Change, Notice
from tests.engine.notified import (
    daemon,
    happens,
    queries,
    record_only,
    recording,
    some,
    told_stage,
)
from tests.engine.support import virtual_time
from tests.engine.test_state_failing import Failing


@virtual_time
async def test_each_is_stored_as_it_was_with_nothing_that_may_be_secret(tmp_path: Path) -> None:
    web = {"url": "https://example.com/page", "maxDuration": "24h", "rtmp": {"env": "RTMP"}}
    stage, alive = await recording(tmp_path, "web", web=web)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        happens(stage, alive, "rtmp", status="disconnected")
        await one.work("lobby", 5)
        stored = one.stored()
        assert [notice.kind for notice in stored] == one.kinds()
        assert {70, 100} <= set(one.kinds())
        assert [notice.sequence for notice in stored] == list(range(len(stored)))
        assert {(notice.sid, notice.channel, notice.uid) for notice in stored} == {
            (alive.sid, alive.identity.cname, alive.identity.uid)
        }
        assert one.sessions("lobby")[0].rtmp_status == "disconnected"
    everything = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"stream-key-7731" not in everything
    assert b'"status":"disconnected"' in everything


@virtual_time
async def test_what_comes_twice_counts_once(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    stage.simulator.lived().outbox.chaos = Chaos(redundant=True)
    async with daemon(stage) as one:
        await one.work("lobby", 5)
        happens(stage, alive, "remove")
        await one.work("lobby", 30)
        assert one.notices.duplicates >= 10
        assert len({notice.notice_id for notice in one.stored()}) == len(one.stored())
        assert len(one.stored()) == sum(one.notices.received.values())
        assert stage.started() == 2


@virtual_time
async def test_a_new_process_knows_what_was_here_before_it(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 200)
        heard = list(one.heard)
        assert one.notices.is_reliable(one.sessions("lobby")[0])
    async with daemon(stage, delivers=False) as other:
        assert other.notices.is_reliable(other.sessions("lobby")[0])
        for notification in heard:
            await other.hear(notification)
        assert (other.notices.duplicates, len(other.stored())) == (len(heard), len(heard))
        assert other.woken == []
        assert alive.phase == "live"


@virtual_time
async def test_what_could_not_be_stored_is_not_answered_and_new_when_it_comes_again(
    tmp_path: Path,
) -> None:
    stage, alive = await recording(tmp_path)
    is_full = True

    def fails(changes: Sequence[Change]) -> bool:
        return is_full and any(isinstance(change, Notice) for change in changes)

    stage.opened = lambda store: Failing(store, fails)
    async with daemon(stage) as one:
        happens(stage, alive, "remove")
        await asyncio.sleep(3)
        assert one.stored() == []
        assert one.sessions("lobby")[0].signs == ()
        is_full = False
        await one.work("lobby", 30)
        assert set(one.kinds()) == {notice.kind for notice in one.stored()}
        assert one.notices.duplicates == 0
        assert stage.past()[0].session.end_reason == "exited"


@virtual_time
async def test_a_failing_state_is_told_to_the_receiver(tmp_path: Path) -> None:
    stage, _ = await recording(tmp_path)
    stage.opened = lambda store: Failing(store, lambda _: True)
    async with daemon(stage, delivers=False) as one:
        with pytest.raises(StateError):
            await one.hear(some(stage))
        assert one.notices.lag_s is None


@virtual_time
async def test_another_products_notification_leaves_nothing(tmp_path: Path) -> None:
    stage, _ = await recording(tmp_path)
    async with daemon(stage, delivers=False) as one:
        await one.hear(some(stage, product_id=1))
        assert (one.stored(), one.notices.received.total()) == ([], 0)


@virtual_time
async def test_a_session_is_looked_for_among_those_of_its_app_only(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage, delivers=False, app="other") as one:
        happens(stage, alive, "remove")
        await asyncio.sleep(2)
        await one.hear(some(stage))
        assert one.notices.strangers == 1
        assert one.sessions("lobby")[0].phase == "running"


@virtual_time
async def test_a_start_is_confirmed_as_soon_as_it_says_so(tmp_path: Path) -> None:
    stage = told_stage(tmp_path, start_delay_s=1.0)
    stage.want("lobby")
    async with daemon(stage) as one:
        await record_only(stage, one)
        await one.work("lobby", 4)
        (session,) = one.sessions("lobby")
        assert session.started_s is not None
        assert session.confirmed_s is not None
        assert session.confirmed_s - session.started_s < 1.5


@virtual_time
async def test_a_gap_in_the_numbers_has_the_session_asked(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 70)
        asked = len(queries(stage, alive))
        one.loses = lambda notification: notification.sequence == alive.sequence - 1
        happens(stage, alive, "emit", eventType=13)
        await asyncio.sleep(40)
        one.loses = lambda _: False
        await one.work("lobby", 0.5)
        assert len(queries(stage, alive)) == asked
        happens(stage, alive, "emit", eventType=13)
        await one.work("lobby", 1)
        assert len(queries(stage, alive)) == asked + 1
        assert not one.notices.is_reliable(one.sessions("lobby")[0])


@virtual_time
async def test_what_comes_steadily_is_reliable_until_it_ceases(tmp_path: Path) -> None:
    stage, _ = await recording(tmp_path)
    async with daemon(stage) as one:
        (session,) = one.sessions("lobby")
        assert not one.notices.is_reliable(session)
        await one.work("lobby", 120)
        assert one.notices.is_reliable(session)
        one.loses = lambda _: True
        await one.work("lobby", 170)
        assert one.notices.is_reliable(session)
        await one.work("lobby", 70)
        assert not one.notices.is_reliable(session)


@virtual_time
async def test_an_exit_of_which_nobody_hears_is_found_by_the_next_query(tmp_path: Path) -> None:
    stage, alive = await recording(tmp_path)
    async with daemon(stage, loses=lambda notification: notification.sid == alive.sid) as one:
        happens(stage, alive, "remove")
        await one.work("lobby", 230)
        first, second = one.stage.past()
        assert (first.session.end_reason, second.session.phase) == ("gone", "running")
        assert {notice.sid for notice in one.stored()} == {second.session.sid}


@virtual_time
async def test_it_is_told_how_long_they_take_and_what_came(tmp_path: Path) -> None:
    stage, _ = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 1)
        late = some(stage, notice_id="late", sequence=99)
        await asyncio.sleep(20)
        await one.hear(late)
        assert one.notices.lag_s is not None
        assert 20 <= one.notices.lag_s < 26
        assert one.notices.received[late.kind] == one.kinds().count(late.kind) + 1


@virtual_time
@pytest.mark.parametrize(
    ("later_s", "remembered_max", "duplicates"),
    [(80_000, 100_000, 1), (90_000, 100_000, 0), (3_000, 0, 1), (4_000, 0, 0)],
)
async def test_a_new_process_recalls_a_day_or_an_hour_where_that_is_too_much(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    later_s: float,
    remembered_max: int,
    duplicates: int,
) -> None:
    monkeypatch.setattr(notices, "REMEMBERED_MAX", remembered_max)
    stage, _ = await recording(tmp_path)
    async with daemon(stage) as one:
        await one.work("lobby", 1)
    await asyncio.sleep(later_s - 1)
    async with daemon(stage, delivers=False) as other:
        happens(stage, stage.alive()[0], "emit", eventType=13)
        await other.hear(some(stage))
    async with daemon(stage, delivers=False) as another:
        await another.hear(one.heard[0])
        assert another.notices.duplicates == duplicates
