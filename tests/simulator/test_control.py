"""The control interface: what can be seen and ordered, and how it refuses."""

from typing import Any

import httpx
import pytest

from tests.simulator.support import (
    BASE,
    CNAME,
    NOW_S,
    RTMP_SERVICE,
    UID,
    Mounted,
    frame,
    loop_s,
    mix,
    mounted,
    virtual_time,
    web,
)


async def status_of(site: Mounted, path: str) -> int:
    answer = await site.http.get(f"{path}/query")
    if answer.status_code != 200:
        return answer.status_code
    return int(answer.json()["serverResponse"]["status"])


@virtual_time
async def test_a_session_is_shown_with_its_effective_configuration_and_history() -> None:
    async with mounted() as site:
        path = await site.running(request=mix() | {"token": "token-of-mine"})
        await site.order("/clock", {"advance": 5})
        (shown,) = (await site.look("/sessions"))["sessions"]
        assert shown == await site.look(f"/sessions/{shown['sid']}")
    assert shown["sid"] == path.split("/")[-3]
    assert (shown["cname"], shown["uid"], shown["mode"]) == (CNAME, UID, "mix")
    assert (shown["status"], shown["phase"]) == (5, "live")
    assert shown["config"]["recordingConfig"]["maxIdleTime"] == 30
    assert shown["config"]["storageConfig"]["secretKey"].startswith("sha256:")
    assert "token-of-mine" not in str(shown)
    assert [line["what"] for line in shown["history"]][:2] == ["started", "status"]
    assert shown["flowing"] == ["100/audio", "100/video"]


@virtual_time
async def test_users_come_and_go_by_order() -> None:
    async with mounted() as site:
        path = await site.running(request=mix(channelType=1, maxIdleTime=30))
        joined = await site.order(
            f"/channels/{CNAME}",
            {
                "leave": ["100"],
                "join": [{"uid": "1", "role": "audience"}, {"uid": "2", "video": False}],
            },
        )
        assert joined["users"] == [
            {"uid": "1", "role": "audience", "audio": True, "video": True},
            {"uid": "2", "role": "host", "audio": True, "video": False},
        ]
        assert await site.look(f"/channels/{CNAME}") == joined
        await site.order("/clock", {"advance": 100})
        assert await status_of(site, path) == 5
        await site.order(f"/channels/{CNAME}", {"leave": ["2"]})
        await site.order("/clock", {"advance": 35})
        assert await status_of(site, path) == 404


@virtual_time
async def test_a_channel_can_be_emptied_before_anything_records_it() -> None:
    async with mounted() as site:
        assert len((await site.look(f"/channels/{CNAME}"))["users"]) == 1
        assert (await site.order(f"/channels/{CNAME}", {"empty": True}))["users"] == []
        path = await site.running()
        await site.order("/clock", {"advance": 35})
        assert await status_of(site, path) == 404


@virtual_time
async def test_a_user_with_the_recorders_uid_throws_it_out() -> None:
    async with mounted() as site:
        path = await site.running()
        await site.order("/clock", {"advance": 5})
        await site.order(f"/channels/{CNAME}", {"join": [{"uid": UID}]})
        await site.order("/clock", {"advance": 5})
        assert await status_of(site, path) == 404


@virtual_time
async def test_orders_are_carried_out_at_once() -> None:
    async with mounted() as site:
        path = await site.running("web", web(RTMP_SERVICE))
        sid = path.split("/")[-3]
        await site.order("/clock", {"advance": 5})
        paused = await site.order(f"/sessions/{sid}/page", {"onhold": True})
        assert paused["flowing"] == []
        for order, body, expected in (
            ("failover", {"seconds": 10}, 404),
            ("rtmp", {"status": "disconnected"}, 404),
            ("upload", {"seconds": 3, "result": "unknown"}, 404),
        ):
            await site.order(f"/sessions/{sid}/{order}", body)
            assert await status_of(site, path) == expected
        await site.order("/clock", {"advance": 11})
        assert await status_of(site, path) == 5
        await site.order(f"/sessions/{sid}/expire")
        assert await status_of(site, path) == 404
        await site.order(f"/sessions/{sid}/kill")
        assert (await site.look(f"/sessions/{sid}"))["phase"] == "gone"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sessions/unheard/kill", {}, 404),
        ("/sessions/SID/explode", {}, 404),
        ("/sessions/SID/failover", {"seconds": 100}, 400),
        ("/sessions/SID/failover", {"second": 1}, 400),
        ("/sessions/SID/page", {"onhold": True}, 409),
        ("/sessions/SID/rtmp", {"status": "connecting"}, 409),
        ("/sessions/SID/rtmp", {}, 400),
        ("/sessions/SID/fail", {"cause": "boredom"}, 400),
        ("/sessions/SID/emit", {}, 400),
        ("/sessions/SID/kill", [], 400),
        ("/clock", {"advance": -1}, 400),
        ("/clock", {"set": 1}, 409),
        ("/clock", {"scale": -1}, 400),
        ("/clock", {"faster": 1}, 400),
        ("/channels/c", {"join": [{"uid": "0"}]}, 400),
        ("/channels/c", {"join": [{"uid": "1", "role": "king"}]}, 400),
        ("/channels/c", {"leave": "1"}, 400),
        ("/faults", {}, 400),
        ("/faults", [{"endpoint": "stop"}], 400),
        ("/notices", {"loss": 2}, 400),
        ("/notices", {"resend": "unheard"}, 404),
        ("/tuning", {"qps": "ten"}, 400),
        ("/tuning", {"unknown_keys": "perhaps"}, 400),
        ("/tuning", {"speed": 1}, 400),
        ("/sessions", {}, 405),
        ("/nowhere", {}, 404),
    ],
)
def test_what_cannot_be_done_is_told_as_an_error(path: str, body: Any, status: int) -> None:
    @virtual_time
    async def scene() -> None:
        async with mounted() as site:
            sid = (await site.running()).split("/")[-3]
            answer = await site.http.post(f"/_sim{path.replace('SID', sid)}", json=body)
            assert answer.status_code == status
            assert list(answer.json()) == ["error"]

    scene()


@virtual_time
async def test_an_order_for_a_session_that_is_over_is_refused() -> None:
    async with mounted() as site:
        sid = (await site.running()).split("/")[-3]
        await site.order(f"/sessions/{sid}/failover", {"seconds": 30})
        again = await site.http.post(f"/_sim/sessions/{sid}/failover", json={})
        assert again.json() == {"error": "the session is failing over"}
        await site.order(f"/sessions/{sid}/kill")
        for order in ("kill", "idle"):
            answer = await site.http.post(f"/_sim/sessions/{sid}/{order}", json={})
            assert (answer.status_code, answer.json()) == (409, {"error": "the session is `gone`"})


@virtual_time
async def test_faults_are_given_seen_and_taken_back() -> None:
    async with mounted() as site:
        rules = [
            {"id": "a", "endpoint": "acquire", "nth": 1, "effect": {"status": 500, "code": 500}},
            {"endpoint": "stop", "effect": {"drop": "after"}},
        ]
        await site.order("/faults", rules)
        refused = await site.http.post(f"{BASE}/acquire", json=frame({}))
        assert (refused.status_code, refused.json()) == (500, {"code": 500})
        shown = (await site.look("/faults"))["faults"]
        assert [(rule["id"], rule["seen"], rule["fired"]) for rule in shown] == [
            ("a", 1, 1),
            ("fault-1", 0, 0),
        ]
        assert (await site.http.delete("/_sim/faults/a")).status_code == 200
        assert (await site.http.delete("/_sim/faults/a")).status_code == 404
        assert [rule["id"] for rule in (await site.look("/faults"))["faults"]] == ["fault-1"]
        assert (await site.http.delete("/_sim/faults")).json() == {"faults": []}


@virtual_time
async def test_the_clock_can_be_read_advanced_set_and_sped_up() -> None:
    async with mounted() as site:
        assert (await site.look("/clock"))["scale"] == 1
        advanced = await site.order("/clock", {"advance": 100})
        assert advanced["now"] == pytest.approx(loop_s() + 100)
        placed = await site.order("/clock", {"set": NOW_S + 1_000, "scale": 0})
        assert placed == {"now": NOW_S + 1_000, "scale": 0}
        assert (await site.look("/clock")) == placed


@virtual_time
async def test_the_log_of_calls_can_be_read_in_parts() -> None:
    async with mounted() as site:
        for _ in range(3):
            await site.http.post(f"{BASE}/acquire", json=frame({}))
        assert len((await site.look("/calls"))["calls"]) == 3
        rest = (await site.look("/calls?since=1&limit=1"))["calls"]
        assert [call["number"] for call in rest] == [2]
        for wrong in ("-1", "x", "9" * 99, "\u0661"):
            answer = await site.http.get("/_sim/calls", params={"since": wrong})
            assert answer.status_code == 400


@virtual_time
async def test_the_tuning_can_be_read_and_changed_in_part() -> None:
    async with mounted() as site:
        before = await site.look("/tuning")
        after = await site.order("/tuning", {"qps": 3, "playload": True, "unknown_keys": "ignore"})
        assert after == before | {"qps": 3, "playload": True, "unknown_keys": "ignore"}
        assert await site.look("/tuning") == after


@virtual_time
async def test_a_reset_forgets_everything_but_the_time_and_the_first_faults() -> None:
    first = {"id": "first", "endpoint": "stop", "effect": {"delay_s": 1}}
    async with mounted(faults=[first]) as site:
        path = await site.running()
        await site.order("/faults", {"endpoint": "query", "effect": {"status": 500}})
        await site.order("/tuning", {"qps": 1})
        await site.order("/clock", {"advance": 1_000})
        now_s = (await site.order("/reset"))["now"]
        assert now_s == pytest.approx(loop_s() + 1_000)
        assert (await site.look("/sessions")) == {"sessions": []}
        assert (await site.look("/calls")) == {"calls": []}
        assert [rule["id"] for rule in (await site.look("/faults"))["faults"]] == ["first"]
        assert (await site.look("/tuning"))["qps"] > 1
        assert await status_of(site, path) == 404


@virtual_time
async def test_only_this_machine_may_give_orders() -> None:
    async with mounted() as site:
        for client, status in ((("127.0.0.2", 1), 200), (("192.0.2.1", 1), 403), (("::1", 1), 200)):
            transport = httpx.ASGITransport(site.application, client=client)
            async with httpx.AsyncClient(transport=transport, base_url="http://s") as outside:
                assert (await outside.get("/_sim/clock")).status_code == status


@virtual_time
async def test_a_body_that_is_no_json_or_too_large_is_refused() -> None:
    async with mounted() as site:
        assert (await site.http.post("/_sim/clock", content=b"{")).status_code == 400
        assert (await site.http.post("/_sim/clock", content=b" " * 1_048_577)).status_code == 413


@virtual_time
async def test_there_is_an_end_to_the_channels_that_are_remembered() -> None:
    async with mounted() as site:
        world = site.simulator.world
        for number in range(10_000):
            assert world.ordered_channel(str(number)) is not None
        answer = await site.http.post("/_sim/channels/another", json={"empty": True})
        assert answer.status_code == 409
        assert (await site.http.post("/_sim/channels/7", json={"empty": True})).status_code == 200
