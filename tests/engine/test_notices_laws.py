"""Any order, any loss, any repetition of a session's notifications; and any bytes at all."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from time import process_time
from typing import Any

import looptime
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agora.notifications import Notification, read_notification
from reconciler.engine.filing import SCREENSHOTS_MAX
from reconciler.engine.notices import Notices
from reconciler.plan.life import SETTLED
from reconciler.plan.session import Phase, Session
from reconciler.simulator.notices import Notice as Sent
from reconciler.state.store import Past, SetSession
from tests.agora.support import NOW_S
from tests.engine.notified import Daemon, daemon, told_stage

NAMES = [f"s_{user}.m3u8" for user in range(3)] + ["s_0.mp4", "s_1.mp4", "bak0_s_0.mp4"]
FILES = st.lists(
    st.fixed_dictionaries(
        {"fileName": st.sampled_from(NAMES)},
        optional={
            "trackType": st.sampled_from(["audio", "video"]),
            "uid": st.sampled_from(["0", "7"]),
            "sliceStartTime": st.integers(1_780_000_000_000, 1_780_000_000_003),
        },
    ),
    max_size=4,
)


def details(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


KINDS: dict[int, st.SearchStrategy[dict[str, Any]]] = {
    1: details(
        module=st.sampled_from([0, 1, 6]),
        errorLevel=st.integers(1, 5),
        errorCode=st.sampled_from([32, 47, 109]),
    ),
    3: details(status=st.sampled_from([5, 8, 20]), fileList=st.sampled_from(NAMES)),
    4: details(fileList=st.sampled_from(NAMES)),
    11: details(exitStatus=st.sampled_from([0, 1])),
    12: details(newUid=st.just(77)),
    30: st.just({}),
    31: details(fileList=FILES),
    32: details(fileList=FILES),
    33: details(progress=st.sampled_from([9_900, 10_000])),
    40: details(status=st.just(0)),
    41: details(leaveCode=st.sampled_from([0, 2, 4, 8, 16])),
    42: details(
        startUtcMs=st.integers(1_780_000_000_000, 1_780_000_060_000),
        discontinueUtcMs=st.integers(1_780_000_000_000, 1_780_000_060_000),
        streamUid=st.just("0"),
    ),
    43: details(streamUid=st.just("7"), state=st.sampled_from([0, 1])),
    45: details(fileName=st.integers(1, 150).map(lambda number: f"folder/s_{number:03}.jpg")),
    60: details(aliVodInfo=st.just({"videoId": "v"})),
    70: st.just({}),
    71: details(code=st.integers(0, 6), fileList=FILES),
    72: details(limitType=st.just("WebGL")),
    73: details(reason=st.just("audio_silence")),
    81: details(
        result=st.just("all_success"), uids=st.lists(details(uid=st.just("7"), fileList=FILES))
    ),
    90: st.just({}),
    100: details(rtmpUrl=st.just("rtmp://a/b/c"), status=st.sampled_from(["publishing", ""])),
    999: st.just({"what": "nobody knows"}),
    1001: details(result=st.just("failed"), fileList=FILES),
}
TOLD = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        KINDS[kind],
        st.sampled_from(["7", "7", "7", "77"]),
        st.integers(1, 60),
    )
)
STORIES = st.lists(TOLD, min_size=1, max_size=8)
ENDINGS = {11, 71}
COUNT = count()

Story = Sequence[tuple[int, dict[str, Any], str, int]]


@contextmanager
def hearing(folder: Path) -> Iterator[Callable[..., Any]]:
    """Yield what runs an example: in one loop, with one state, on a daemon that hears."""
    stack = AsyncExitStack()

    async def opened() -> Daemon:
        return await stack.enter_async_context(daemon(told_stage(folder), delivers=False))

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        one = runner.run(opened())
        yield lambda example, *given: runner.run(example(one, *given))
        runner.run(stack.aclose())


async def begun(one: Daemon, phase: Phase = Phase.RUNNING, **fields: Any) -> Session:
    """Add a session of its own Recording, so that no example meets another."""
    session = session_of(one, phase, **fields)
    await one.shop.site.records.commit(SetSession(session=session))
    return session


def session_of(one: Daemon, phase: Phase = Phase.RUNNING, **fields: Any) -> Session:
    number = next(COUNT)
    return Session(
        id=f"id-{number}",
        recording=f"recording-{number}",
        replica=0,
        app="default",
        app_key=one.shop.site.apps.facts()["default"].app_key,
        app_id="",
        channel=f"channel-{number}",
        mode="mix",
        uid="7",
        phase=phase,
        created_s=NOW_S - 100,
        sid=f"sid-{number}",
        resource_id="r",
        acquired_s=NOW_S - 100,
        started_s=NOW_S - 100,
        confirmed_s=NOW_S - 90,
        **fields,
    )


def told(session: Session, story: Story) -> list[Notification]:
    """Return a story as notifications of a session, in the order in which it happened."""
    found = []
    for number, (kind, fields, uid, at_s) in enumerate(sorted(story, key=lambda part: part[3])):
        sent = Sent(
            notice_id=f"{session.id}-{number}",
            event_type=kind,
            service_type=0,
            cname=session.channel,
            uid=uid,
            sid=session.sid,
            sequence=number,
            at_s=NOW_S + at_s,
            details=fields,
        )
        notification = read_notification(sent.body(NOW_S + at_s))
        assert notification is not None
        found.append(notification)
    return found


def kept(one: Daemon, session: Session) -> Past:
    (past,) = one.shop.site.records.store.past(one.stage.scope, session.recording)
    return past


LIVING = st.sampled_from([Phase.STARTING, Phase.RUNNING, Phase.MISSING])


def test_a_session_ends_by_its_own_end_alone_and_stays_ended(tmp_path: Path) -> None:
    with hearing(tmp_path) as run:

        @given(STORIES, LIVING, st.data())
        def holds(story: Story, phase: Phase, data: st.DataObject) -> None:
            run(example, story, phase, data)

        async def example(one: Daemon, story: Story, phase: Phase, data: st.DataObject) -> None:
            session = await begun(one, phase, missing_s=NOW_S if phase is Phase.MISSING else None)
            arrivals = data.draw(st.lists(st.sampled_from(told(session, story)), max_size=12))
            was_told = False
            for notification in arrivals:
                (before,) = one.sessions(session.recording)
                await one.hear(notification)
                (after,) = one.sessions(session.recording)
                was_told = was_told or notification.kind in ENDINGS
                assert after.may_live or was_told
                assert not (before.phase in SETTLED and after.phase not in SETTLED)
                assert after == kept(one, session).session

        holds()


def test_what_ended_is_never_brought_back(tmp_path: Path) -> None:
    ways = st.sampled_from(["gone", "removed", "exited", "broken"])
    with hearing(tmp_path) as run:

        @given(STORIES, ways, st.sampled_from([NOW_S - 90, None]), st.data())
        def holds(story: Story, end: str, missing_s: float | None, data: st.DataObject) -> None:
            run(example, story, end, missing_s, data)

        async def example(
            one: Daemon, story: Story, end: str, missing_s: float | None, data: st.DataObject
        ) -> None:
            phase = Phase.FAILED if end == "broken" else Phase.ENDED
            session = await begun(one, phase, ended_s=NOW_S, end_reason=end, missing_s=missing_s)
            for notification in data.draw(st.permutations(told(session, story))):
                await one.hear(notification)
                (after,) = one.sessions(session.recording)
                assert after.phase in SETTLED
                assert after.end_reason == "removed" or end != "removed"

        holds()


def test_the_same_files_come_of_any_order_and_any_repetition(tmp_path: Path) -> None:
    with hearing(tmp_path) as run:

        @given(STORIES, st.data())
        def holds(story: Story, data: st.DataObject) -> None:
            run(example, story, data)

        async def example(one: Daemon, story: Story, data: st.DataObject) -> None:
            story = [part for part in story if part[0] != 33]  # says less than 31 and 32, and later
            found = []
            for _ in range(2):
                session = await begun(one)
                notifications = told(session, story)
                again = data.draw(st.lists(st.sampled_from(notifications))) if story else []
                for notification in data.draw(st.permutations([*notifications, *again])):
                    await one.hear(notification)
                past = kept(one, session)
                found.append((json.loads(past.files), past.upload))
            assert found[0] == found[1]
            names = [file["name"] for file in found[0][0]]
            assert names == sorted(set(names))
            assert len([name for name in names if name.endswith(".jpg")]) <= SCREENSHOTS_MAX

        holds()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    *("module", "errorLevel", "errorCode", "status", "fileList", "exitStatus", "newUid"),
    *("leaveCode", "startUtcMs", "discontinueUtcMs", "streamUid", "mixedAllUser", "state"),
    *("fileName", "code", "limitType", "reason", "result", "uids", "rtmpUrl", "progress"),
]
VALUES = ANY | st.sampled_from(
    [10**400, -(10**30), 1 << 62, "\ud800", "\0", "x" * 5000, "1" * 19, float("inf")]
)


def test_whatever_they_hold_they_are_stored_and_harm_nothing(tmp_path: Path) -> None:
    with hearing(tmp_path) as run:

        @given(
            kind=st.sampled_from(sorted(KINDS)) | st.integers(),
            fields=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6),
            payload=st.dictionaries(
                st.sampled_from(["uid", "sequence", "sendts", "serviceType", "cname"]), VALUES
            ),
        )
        def holds(kind: int, fields: dict[str, Any], payload: dict[str, Any]) -> None:
            run(example, kind, fields, payload)

        async def example(
            one: Daemon, kind: int, fields: dict[str, Any], payload: dict[str, Any]
        ) -> None:
            session = await begun(one)
            of_session = {"sid": session.sid, "details": fields}
            body = {
                "noticeId": session.id,
                "productId": 3,
                "eventType": kind,
                "payload": {"cname": session.channel, **payload, **of_session},
            }
            notification = read_notification(json.dumps(body).encode())
            if notification is None:
                return
            before = one.notices.received.total()
            await one.hear(notification)
            assert one.notices.received.total() == before + 1
            (after,) = one.sessions(session.recording)
            assert after.may_live or kind in ENDINGS

        holds()


def test_one_takes_less_than_a_millisecond_of_the_processor(tmp_path: Path) -> None:
    """1,000 sessions send 17 a second: with this, 2 % of a core."""
    with hearing(tmp_path) as run:

        async def example(one: Daemon) -> float:
            sessions = [session_of(one) for _ in range(1000)]
            await one.shop.site.records.commit(*(SetSession(session=each) for each in sessions))
            notices = Notices(one.shop.site.records, one.stage.clock)
            progress = [told(each, [(33, {"progress": 9_900}, "7", 60)])[0] for each in sessions]
            taken_s = []
            for number in range(200):
                notification = replace(progress[number], sequence=number)
                begin_s = process_time()
                await notices.take(one.shop.site, "default", notification)
                taken_s.append(process_time() - begin_s)
            return sorted(taken_s)[len(taken_s) // 2]

        assert run(example) < 0.001
