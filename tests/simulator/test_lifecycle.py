"""What happens to recordings in time."""

from typing import Any

import pytest

from reconciler.simulator.channels import Channel, User
from reconciler.simulator.media import refresh_channel
from tests.simulator.support import (
    APP,
    CNAME,
    HLS,
    STORAGE,
    Caller,
    Running,
    codes,
    individual,
    mix,
    web,
)

GONE = (404, 404)


def people(caller: Caller, *users: User) -> None:
    """Let exactly these users be in the channel."""
    caller.gateway.world.channels[CNAME] = Channel({user.uid: user for user in users})
    refresh_channel(caller.gateway.world, CNAME)
    caller.wait(0)


def statuses(running: Running, *waits: float) -> list[int]:
    seen = []
    for seconds in waits:
        running.caller.wait(seconds)
        answer = running.query()
        seen.append(answer.status if answer.status != 200 else running.response["status"])
    return seen


@pytest.mark.parametrize("mode", ["mix", "individual", "web"])
def test_a_start_comes_up_step_by_step_within_the_start_delay(mode: str) -> None:
    caller = Caller()
    caller.tune(start_delay_s=10)
    running = caller.running(mode)
    assert statuses(running, 0, 1.9, 0.2, 2, 2, 2, 2) == [0, 0, 1, 2, 3, 4, 5]


def test_without_a_start_delay_it_records_at_once() -> None:
    caller = Caller()
    caller.tune(start_delay_s=0)
    assert caller.running().response["status"] == 5


def test_with_nobody_to_record_it_waits_at_status_4() -> None:
    caller = Caller()
    people(caller, User("7", host=True, audio=False, video=False))
    running = caller.running()
    assert statuses(running, 100) == [4]
    people(caller, User("7"))
    assert statuses(running, 0.3, 0.2) == [4, 5]


def test_users_whom_the_lists_name_are_in_a_channel_nobody_ordered() -> None:
    caller = Caller()
    running = caller.running(request=mix(subscribeVideoUids=["1", "2"], subscribeAudioUids=["3"]))
    caller.wait(3)
    assert running.response["status"] == 5
    assert running.session.flowing == {("1", "video"), ("2", "video"), ("3", "audio")}


@pytest.mark.parametrize(
    ("channel_type", "left"),
    [(0, ()), (1, ()), (1, (User("1", host=False),))],
)
def test_an_idle_channel_ends_the_recording(channel_type: int, left: Any) -> None:
    caller = Caller()
    people(caller, User("1"), User("2"))
    running = caller.running(request=mix(channelType=channel_type, maxIdleTime=40))
    caller.wait(100)
    people(caller, *left)
    assert statuses(running, 39.9, 0.2, 0.5, 0.5, 1) == [5, 6, 7, 8, 404]
    assert running.session.end is not None
    assert running.session.end.name == "idle"
    assert caller.details(41) == [{"msgName": "recorder_leave", "leaveCode": 4}]


def test_an_audience_keeps_a_communication_channel_awake() -> None:
    caller = Caller()
    people(caller, User("1", host=False))
    running = caller.running(request=mix(channelType=0, maxIdleTime=5))
    assert statuses(running, 1000) == [4]


def test_somebody_who_comes_back_in_time_keeps_it_going() -> None:
    caller = Caller()
    running = caller.running(request=mix(maxIdleTime=30))
    people(caller)
    caller.wait(29)
    people(caller, User("5"))
    assert statuses(running, 29, 60) == [5, 5]
    people(caller)
    assert statuses(running, 29, 1.1) == [5, 6]


def test_the_default_idle_time_is_thirty_seconds() -> None:
    caller = Caller()
    people(caller)
    running = caller.running()
    assert statuses(running, 29.9, 0.2) == [4, 8]


def test_stopping_what_was_idle_is_an_invalid_operation() -> None:
    caller = Caller()
    running = caller.running()
    caller.wait(5)
    running.order("idle")
    assert codes(running.stop()) == (400, 49)


def test_a_web_page_recording_is_never_idle_and_ends_after_its_hours() -> None:
    caller = Caller()
    people(caller)
    running = caller.running("web", web(maxRecordingHour=4))
    assert statuses(running, 4 * 3600 - 1) == [5]
    assert statuses(running, 1.5, 5) == [7, 404]
    (stopped,) = caller.details(71)
    assert (stopped["code"], stopped["message"]) == (1, "max_recording_hour")
    assert stopped["details"] == "max recording hour is 4"


def test_a_page_that_cannot_be_opened_is_found_out_later() -> None:
    caller = Caller()
    running = caller.running("web", web(url="example.com"))
    assert statuses(running, 1, 1, 3) == [2, 20, 404]
    (stopped,) = caller.details(71)
    assert (stopped["code"], stopped["message"]) == (5, "access_url_failed")


def test_after_its_hours_no_call_reaches_a_recording_that_goes_on() -> None:
    caller = Caller()
    running = caller.running(acquire={"resourceExpiredHour": 1})
    assert statuses(running, 3599) == [5]
    caller.wait(2)
    calls = (running.query(), running.update(), running.layout(), running.stop(async_stop=True))
    assert [codes(answer) for answer in calls] == [GONE] * 4
    assert running.session.status == 5
    assert codes(caller.start(caller.resource(), "mix", mix())) == (400, 53)


def test_the_default_reach_is_72_hours() -> None:
    running = Caller().running()
    assert statuses(running, 72 * 3600 - 1, 2) == [5, 404]


def test_a_failover_hides_the_task_and_brings_another_recorder() -> None:
    caller = Caller()
    running = caller.running()
    caller.wait(5)
    running.order("failover", seconds=60)
    calls = (running.query(), running.update(), running.layout(), running.stop(async_stop=True))
    assert [codes(answer) for answer in calls] == [GONE] * 4
    assert codes(caller.start(caller.resource(), "mix", mix())) == (400, 53)
    assert statuses(running, 59, 2) == [404, 5]
    new_uid = running.session.recorder_uid
    assert new_uid != running.frames["uid"]
    assert caller.details(12) == [{"msgName": "session_failover", "newUid": int(new_uid)}]
    last = caller.gateway.world.outbox.letters[-1].notice
    assert (last.uid, last.sid) == (new_uid, running.sid)
    assert running.response["fileList"] == f"bak0_{running.sid}_lobby.m3u8"


def test_three_failovers_are_survived_and_the_fourth_failure_is_the_end() -> None:
    caller = Caller()
    running = caller.running(request=mix({"avFileType": ["hls", "mp4"]}))
    caller.wait(5)
    for _ in range(3):
        running.order("failover", seconds=10)
        caller.wait(20)
    names = [file["fileName"] for file in running.response["fileList"]]
    assert {name.partition(running.sid)[0] for name in names} == {"", "bak0_", "bak1_", "bak2_"}
    running.order("failover")
    assert statuses(running, 1.1, 2) == [20, 404]
    assert caller.details(11) == [{"msgName": "session_exit", "exitStatus": 1}]


def test_without_a_length_a_failover_takes_at_most_ninety_seconds() -> None:
    for seed in range(20):
        caller = Caller()
        caller.gateway.world.chance.seed(seed)
        running = caller.running()
        caller.wait(5)
        running.order("failover")
        assert statuses(running, 0.1, 90) == [404, 5]


def test_a_recording_can_end_while_it_fails_over() -> None:
    caller = Caller()
    running = caller.running(request=mix(maxIdleTime=20))
    caller.wait(5)
    running.order("failover", seconds=60)
    people(caller)
    assert statuses(running, 19, 1.5, 5) == [404, 7, 404]


def test_a_killed_task_is_gone_without_a_word() -> None:
    caller = Caller()
    running = caller.running()
    caller.wait(5)
    before = caller.events
    running.order("kill")
    assert statuses(running, 0, 100) == [404, 404]
    assert caller.events == before
    assert codes(caller.start(caller.resource(), "mix", mix())) == (200, 0)


@pytest.mark.parametrize(
    ("cause", "module", "code"),
    [("storage", 1, 32), ("upload", 1, 47), ("token", 0, 110), ("start", 2, 52)],
)
def test_a_failure_tells_its_code_and_ends_abnormally(cause: str, module: int, code: int) -> None:
    caller = Caller()
    running = caller.running()
    caller.wait(5)
    running.order("fail", cause=cause)
    assert statuses(running, 1.1, 2) == [20, 404]
    (error,) = caller.details(1)
    assert (error["module"], error["errorLevel"], error["errorCode"]) == (module, 5, code)
    assert caller.details(11) == [{"msgName": "session_exit", "exitStatus": 1}]


def test_a_removed_recorder_can_only_be_told_so() -> None:
    caller = Caller()
    running = caller.running()
    caller.wait(5)
    running.order("remove")
    assert codes(running.stop()) == (400, 49)
    assert statuses(running, 5) == [404]


def test_only_the_first_seventeen_users_are_recorded() -> None:
    caller = Caller()
    people(caller, *(User(str(number)) for number in range(1, 20)))
    running = caller.running("individual", individual(streamTypes=0))
    caller.wait(5)
    recorded = {uid for uid, _ in running.session.flowing}
    assert recorded == {str(number) for number in range(1, 18)}
    caller.gateway.world.channels[CNAME].leave("1")
    refresh_channel(caller.gateway.world, CNAME)
    assert "18" in {uid for uid, _ in running.session.flowing}


def test_screenshots_alone_need_somebodys_picture() -> None:
    caller = Caller()
    people(caller, User("1", video=False))
    request = {
        "recordingConfig": {},
        "snapshotConfig": {"fileType": ["jpg"]},
        "storageConfig": STORAGE,
    }
    running = caller.running("individual", request)
    assert statuses(running, 10) == [4]
    people(caller, User("1"))
    caller.wait(2)
    assert running.response == {"status": 5, "sliceStartTime": running.response["sliceStartTime"]}


def test_a_week_of_many_recordings_passes_in_no_time() -> None:
    caller = Caller()
    for number in range(1, 50):
        caller.running(request=mix(HLS), cname="c", uid=str(number))
    caller.wait(7 * 24 * 3600)
    assert len(caller.gateway.world.active) == 49


def test_deadlines_hold_however_often_they_were_moved() -> None:
    caller = Caller()
    other = caller.running(request=mix(maxIdleTime=500), cname="other", uid="1")
    running = caller.running(request=mix(maxIdleTime=30))
    caller.wait(5)
    for _ in range(1_000):
        people(caller)
        people(caller, User("1"))
    people(caller)
    assert statuses(running, 29.9, 0.2) == [5, 6]
    assert other.response["status"] == 5


def test_a_session_leaves_no_trace_but_its_history() -> None:
    caller = Caller()
    for mode in ("mix", "individual", "web"):
        running = caller.running(mode)
        caller.wait(5)
        running.stop()
        caller.wait(5)
    world = caller.gateway.world
    assert (world.active, world.running, world.next_due_s) == ({}, {}, None)
    assert [world.count(APP, is_web=is_web) for is_web in (True, False)] == [0, 0]
    assert list(world.in_channel(CNAME)) == []
