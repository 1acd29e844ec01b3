"""Resource IDs, and what a start meets: once, one at a time, as many as there may be."""

import string

import pytest

from reconciler.simulator.settings import Settings, Tuning
from tests.simulator.support import (
    APP,
    BASE,
    CNAME,
    UID,
    Caller,
    body_of,
    codes,
    frame,
    mix,
    web,
)


def test_acquire_echoes_the_identity_and_gives_a_long_opaque_id() -> None:
    body = body_of(Caller().acquire())
    assert (body["cname"], body["uid"]) == (CNAME, UID)
    assert set(body) == {"cname", "uid", "resourceId"}
    assert len(body["resourceId"]) >= 256
    assert set(body["resourceId"]) <= {*string.ascii_letters, *string.digits, "_", "-"}


def test_acquire_may_leave_the_request_out() -> None:
    assert Caller().post(f"{BASE}/acquire", {"cname": CNAME, "uid": UID}).status == 200


def test_acquiring_again_gives_another_id_and_takes_nothing() -> None:
    caller = Caller()
    first, second = caller.resource(), caller.resource()
    assert first != second
    assert caller.start(second, "mix", mix()).status == 200


def test_start_answers_the_ids_and_a_sid_of_32_hexadecimal_digits() -> None:
    caller = Caller()
    resource_id = caller.resource()
    body = body_of(caller.start(resource_id, "mix", mix()))
    sid = body.pop("sid")
    assert body == {"cname": CNAME, "uid": UID, "resourceId": resource_id}
    assert len(sid) == 32
    assert set(sid) <= set(string.hexdigits.lower())


def test_a_second_start_with_one_id_is_201_without_a_sid() -> None:
    caller = Caller()
    running = caller.running()
    answer = caller.start(running.resource_id, "mix", mix())
    assert (answer.status, answer.body) == (201, {"code": 7, "reason": "already started"})
    assert len(caller.gateway.world.sessions) == 1
    assert caller.details(3) == [
        {
            "msgName": "cloud_recording_status_update",
            "status": 0,
            "recordingMode": 1,
            "fileList": "",
        }
    ]


def test_an_id_stays_used_when_its_recording_is_over() -> None:
    caller = Caller()
    running = caller.running()
    running.stop()
    caller.wait(600)
    assert codes(caller.start(running.resource_id, "mix", mix())) == (201, 7)


@pytest.mark.parametrize(("seconds", "expected"), [(300, (200, 0)), (300.1, (400, 433))])
def test_an_id_lives_for_five_minutes(seconds: float, expected: tuple[int, int]) -> None:
    caller = Caller()
    resource_id = caller.resource()
    caller.wait(seconds)
    assert codes(caller.start(resource_id, "mix", mix())) == expected


@pytest.mark.parametrize("frames", [{"cname": "another"}, {"uid": "1"}])
def test_an_id_is_for_its_cname_and_uid(frames: dict[str, str]) -> None:
    caller = Caller()
    assert codes(caller.start(caller.resource(), "mix", mix(), **frames)) == (400, 432)


@pytest.mark.parametrize("resource_id", ["x", "x" * 300, "%00", "\u2603", "AAAA", "_"])
def test_what_is_no_resource_id_is_1001(resource_id: str) -> None:
    assert codes(Caller().start(resource_id, "mix", mix())) == (400, 1001)


def test_a_changed_resource_id_is_1001() -> None:
    caller = Caller()
    resource_id = caller.resource()
    broken = resource_id[:100] + ("A" if resource_id[100] != "A" else "B") + resource_id[101:]
    assert codes(caller.start(broken, "mix", mix())) == (400, 1001)


def test_an_id_is_for_its_app() -> None:
    other = "e" * 32
    caller = Caller(Settings(app_ids=(APP, other), tuning=Tuning(qps=100)))
    resource_id = caller.resource()
    path = f"{BASE}/resourceid/{resource_id}/mode/mix/start".replace(APP, other)
    assert codes(caller.post(path, frame(mix()))) == (400, 1003)


def test_one_identity_has_one_task() -> None:
    caller = Caller()
    caller.running()
    assert codes(caller.start(caller.resource(), "mix", mix())) == (400, 53)
    assert len(caller.gateway.world.sessions) == 1
    caller.running(cname=CNAME, uid="1")
    caller.running(cname="elsewhere", uid=UID)


def test_an_identity_is_free_again_once_its_task_has_exited() -> None:
    caller = Caller()
    running = caller.running()
    caller.wait(3)
    running.stop(async_stop=True)
    second = caller.resource()
    assert codes(caller.start(second, "mix", mix())) == (400, 53)
    caller.wait(1)
    assert codes(caller.start(second, "mix", mix())) == (200, 0)


def test_the_start_must_be_as_announced() -> None:
    caller = Caller()
    announced = caller.resource(startParameter=mix(maxIdleTime=40))
    answer = caller.start(announced, "mix", mix(maxIdleTime=41))
    assert codes(answer) == (400, 2)
    assert "startParameter" in body_of(answer)["reason"]
    shuffled = dict(reversed(mix(maxIdleTime=40).items()))
    assert codes(caller.start(announced, "mix", shuffled)) == (200, 0)


def test_a_wrong_announcement_fails_the_start_not_the_acquire() -> None:
    caller = Caller()
    wrong = {"recordingConfig": {"maxIdleTime": -1}}
    announced = caller.resource(startParameter=wrong)
    assert codes(caller.start(announced, "mix", wrong)) == (400, 2)


def test_a_refused_start_leaves_the_id_usable() -> None:
    caller = Caller()
    resource_id = caller.resource()
    assert caller.start(resource_id, "mix", {}).status == 400
    assert caller.start(resource_id, "mix", mix()).status == 200


def test_acquire_refuses_what_would_be_too_many() -> None:
    caller = Caller()
    caller.tune(recordings_max=2, web_recordings_max=1)
    caller.running()
    early = caller.resource("c")
    caller.running(cname="b", uid=UID)
    refused = caller.acquire("c")
    assert (refused.status, refused.body) == (400, {"code": 406, "reason": "vendor_over_load"})
    late = caller.start(early, "mix", mix(), cname="c", uid=UID)
    assert (late.status, late.body) == (500, {"code": 502, "reason": "Failed to allocate worker"})
    caller.running("web", cname="page", uid=UID, acquire={"scene": 1})
    assert codes(caller.acquire("page2", scene=1)) == (400, 406)


def test_each_app_has_its_own_quota() -> None:
    other = "e" * 32
    caller = Caller(Settings(app_ids=(APP, other), tuning=Tuning(qps=100, recordings_max=1)))
    caller.running()
    assert codes(caller.acquire("b")) == (400, 406)
    path = f"{BASE}/acquire".replace(APP, other)
    assert codes(caller.post(path, frame({}))) == (200, 0)


def test_a_recording_that_ended_makes_room() -> None:
    caller = Caller()
    caller.tune(recordings_max=1)
    running = caller.running()
    caller.wait(3)
    running.stop()
    caller.wait(5)
    assert codes(caller.acquire("b")) == (200, 0)


def test_ended_sessions_are_forgotten_after_a_while() -> None:
    caller = Caller()
    caller.tune(start_delay_s=0, linger_s=0, upload_s=0)
    first = caller.running()
    first.stop()
    for number in range(1, 1_001):
        caller.running(cname="c", uid=str(number)).stop()
    world = caller.gateway.world
    assert len(world.sessions) == 1_000
    assert first.sid not in world.sessions
    assert first.resource_id not in world.by_resource
    assert world.active == {}
    assert codes(first.query()) == (404, 404)


def test_a_web_page_recording_takes_the_channel_name_as_a_label() -> None:
    caller = Caller()
    caller.running("web", web(), cname="/\u2603/", uid=UID, acquire={"scene": 1})
