"""The simulator over HTTP in this process, on virtual time: waiting, dropping, delivering."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from reconciler.simulator.notices import signatures
from reconciler.simulator.settings import Settings, Tuning
from tests.simulator.support import (
    BASE,
    LISTENED_TO,
    Mounted,
    frame,
    loop_s,
    mounted,
    virtual_time,
)


async def recording(site: Mounted, mode: str = "mix") -> str:
    path = await site.running(mode)
    await asyncio.sleep(5)
    return path


@virtual_time
async def test_every_answer_has_a_request_id_and_is_json() -> None:
    async with mounted() as site:
        answers = [
            await site.http.post(f"{BASE}/acquire", json=frame({})),
            await site.http.post(f"{BASE}/acquire", content=b"x" * 2_000_000),
            await site.http.get("/nowhere"),
            await site.http.get(f"{BASE}/acquire", headers={"Authorization": "Basic x"}),
        ]
    assert [answer.status_code for answer in answers] == [200, 413, 404, 404]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


@virtual_time
async def test_a_body_may_have_one_mebibyte_and_no_more() -> None:
    async with mounted() as site:
        filler = {"excludeResourceIds": ["x"]}
        empty = len(json.dumps(frame(filler)))
        for extra, status in ((0, 200), (1, 413)):
            filler["excludeResourceIds"] = ["x" * (1_048_576 - empty + 1 + extra)]
            answer = await site.http.post(
                f"{BASE}/acquire",
                content=json.dumps(frame(filler)),
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code == status
        assert answer.json() == {"message": "Request size limit exceeded"}


@virtual_time
async def test_a_recording_comes_up_as_time_goes_by() -> None:
    async with mounted() as site:
        path = await site.running()
        seen = []
        for _ in range(5):
            answer = await site.http.get(f"{path}/query")
            seen.append(answer.json()["serverResponse"]["status"])
            await asyncio.sleep(0.5)
    assert seen == [0, 1, 2, 3, 5]


@virtual_time
async def test_a_synchronous_stop_takes_as_long_as_the_upload() -> None:
    async with mounted() as site:
        path = await recording(site)
        sid = path.split("/")[-3]
        await site.order(f"/sessions/{sid}/upload", {"seconds": 7})
        before_s = loop_s()
        answer = await site.http.post(f"{path}/stop", json=frame({}))
    assert answer.json()["serverResponse"]["uploadingStatus"] == "uploaded"
    assert loop_s() - before_s == pytest.approx(7)


@virtual_time
async def test_whoever_waits_is_woken_when_the_clock_is_moved() -> None:
    async with mounted() as site:
        path = await recording(site)
        sid = path.split("/")[-3]
        await site.order(f"/sessions/{sid}/upload", {"seconds": 15})
        before_s = loop_s()
        stop = asyncio.create_task(site.http.post(f"{path}/stop", json=frame({})))
        await asyncio.sleep(1)
        await site.order("/clock", {"advance": 60})
        assert (await stop).status_code == 200
    assert loop_s() - before_s == pytest.approx(1)


@virtual_time
async def test_simulated_time_runs_as_fast_as_asked_for() -> None:
    async with mounted(scale=60) as site:
        path = await site.running()
        await asyncio.sleep(0.05)
        answer = await site.http.get(f"{path}/query")
        clock = await site.look("/clock")
    assert answer.json()["serverResponse"]["status"] == 5
    assert clock["now"] - loop_s() == pytest.approx(0.05 * 59)


@virtual_time
async def test_the_rate_is_that_of_the_callers_clock() -> None:
    async with mounted(Settings(tuning=Tuning(qps=10)), scale=1_000) as site:
        answers = [await site.http.post(f"{BASE}/acquire", json=frame({})) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        await site.order("/clock", {"advance": 60})
        assert (await site.http.post(f"{BASE}/acquire", json=frame({}))).status_code == 429
        await asyncio.sleep(1.01)
        assert (await site.http.post(f"{BASE}/acquire", json=frame({}))).status_code == 200


@virtual_time
async def test_a_clock_that_stands_still_is_moved_by_orders_alone() -> None:
    async with mounted(scale=0) as site:
        path = await recording(site)
        assert (await site.http.get(f"{path}/query")).json()["serverResponse"]["status"] == 0
        await site.order("/clock", {"advance": 2})
        assert (await site.http.get(f"{path}/query")).json()["serverResponse"]["status"] == 5


@pytest.mark.parametrize(("drop", "sessions"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_is_an_error_of_the_transport(drop: str, sessions: int) -> None:
    @virtual_time
    async def scene() -> None:
        rule = {"endpoint": "start", "effect": {"drop": drop}}
        async with mounted(faults=[rule]) as site:
            with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
                await site.running()
            assert len((await site.look("/sessions"))["sessions"]) == sessions
            last = (await site.look("/calls"))["calls"][-1]
            assert (last["endpoint"], last["status"], last["fault"]) == ("start", None, "fault-1")

    scene()


@virtual_time
async def test_an_answer_can_be_late() -> None:
    rule = {"endpoint": "query", "nth": 1, "effect": {"delay_s": 30}}
    async with mounted(faults=[rule]) as site:
        path = await recording(site)
        before_s = loop_s()
        assert (await site.http.get(f"{path}/query")).status_code == 200
        assert loop_s() - before_s == pytest.approx(30)


@virtual_time
async def test_a_call_that_is_held_back_takes_effect_though_its_caller_gave_up() -> None:
    rule = {"endpoint": "stop", "effect": {"hold_s": 10}}
    async with mounted(faults=[rule]) as site:
        path = await recording(site)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(site.http.post(f"{path}/stop", json=frame({})), 2)
        assert (await site.http.get(f"{path}/query")).status_code == 200
        await asyncio.sleep(20)
        assert (await site.http.get(f"{path}/query")).status_code == 404


class Receiver:
    """A webhook of a customer: keeps what it gets, and answers as told."""

    def __init__(self, *statuses: int | None) -> None:
        self.got: list[tuple[float, dict[str, str], bytes]] = []
        self._statuses = list(statuses)

    async def __call__(self, url: str, headers: Any, body: bytes) -> int | None:
        assert url == LISTENED_TO
        self.got.append((loop_s(), dict(headers), body))
        return self._statuses.pop(0) if self._statuses else 200

    @property
    def notices(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.got]


LISTENED = Settings(
    notify_url=LISTENED_TO, notify_secret="hush", tuning=Tuning(qps=1_000, start_delay_s=5)
)


@virtual_time
async def test_notifications_are_delivered_when_they_happen_and_signed() -> None:
    receiver = Receiver()
    async with mounted(LISTENED, post=receiver) as site:
        await site.running()
        started_s = loop_s()
        await asyncio.sleep(4.5)
    assert [notice["eventType"] for notice in receiver.notices] == [30, 40, 43, 44, 42]
    for at_s, headers, body in receiver.got:
        assert at_s - started_s == pytest.approx(4)
        assert headers == {"Content-Type": "application/json"} | signatures("hush", body)


@virtual_time
async def test_notifications_come_again_until_they_are_taken() -> None:
    receiver = Receiver(None, 500, 200)
    async with mounted(LISTENED, post=receiver) as site:
        sid = (await site.running()).split("/")[-3]
        await site.order(f"/sessions/{sid}/emit", {"eventType": 13})
        await asyncio.sleep(3.9)
        (letter,) = (await site.look("/notices"))["notices"]
        assert [notice["eventType"] for notice in receiver.notices] == [13, 13]
        await asyncio.sleep(2)
    tries = [notice for notice in receiver.notices if notice["eventType"] == 13]
    assert len(tries) == 3
    assert {notice["noticeId"] for notice in tries} == {letter["noticeId"]}
    assert tries[0]["payload"] == tries[2]["payload"]
    assert tries[2]["notifyMs"] - tries[0]["notifyMs"] == pytest.approx(5000, abs=2)


@virtual_time
async def test_a_receiver_that_hangs_does_not_hold_up_the_others() -> None:
    slow = asyncio.Event()
    got: list[int] = []

    async def post(url: str, headers: Any, body: bytes) -> int | None:
        del url, headers
        got.append(json.loads(body)["eventType"])
        if len(got) == 1:
            await slow.wait()
        return 200

    async with mounted(LISTENED, post=post) as site:
        await site.running()
        await asyncio.sleep(5)
        assert len(got) > 1


@virtual_time
async def test_loss_and_doubles_can_be_ordered_over_http() -> None:
    receiver = Receiver()
    async with mounted(LISTENED, post=receiver) as site:
        await site.order("/notices", {"loss": 1})
        sid = (await site.running()).split("/")[-3]
        await asyncio.sleep(6)
        assert receiver.got == []
        await site.order("/notices", {"loss": 0, "duplicate": 1})
        told = await site.order(f"/sessions/{sid}/emit", {"eventType": 13})
        assert told["status"] == 5
        await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert [notice["eventType"] for notice in receiver.notices] == [13, 13]
        lost = (await site.look("/notices"))["notices"][0]
        assert lost["lost"] is True
        await site.order("/notices", {"resend": lost["noticeId"]})
        await asyncio.sleep(0.1)
        assert receiver.notices[-1]["noticeId"] == lost["noticeId"]
