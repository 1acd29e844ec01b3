"""Names and lists of files as they grow."""

from typing import Any

import pytest

from reconciler.simulator.channels import Channel, User
from reconciler.simulator.files import Meter, stamp, stem
from reconciler.simulator.media import refresh_channel
from tests.simulator.support import CNAME, MP4, Caller, Running, body_of, individual, mix, web

TWO_HOURS = 7200


def names(running: Running) -> list[str]:
    return [file["fileName"].replace(running.sid, "SID") for file in running.response["fileList"]]


def page_names(running: Running) -> list[str]:
    files = running.response["extensionServiceState"][0]["payload"]["fileList"]
    return [file["filename"].replace(running.sid, "SID") for file in files]


def people(caller: Caller, *users: User) -> None:
    caller.gateway.world.channels[CNAME] = Channel({user.uid: user for user in users})
    refresh_channel(caller.gateway.world, CNAME)


@pytest.mark.parametrize(
    ("cname", "part"),
    [
        ("abc", "abc"),
        ("!@#$%^&*()+_.=[]{}~|,;:?<>", "-" * 26),
        ("a b-c", "a b-c"),
        ("\u2603/", "\u2603/"),
    ],
)
def test_special_characters_of_the_channel_become_dashes(cname: str, part: str) -> None:
    assert stem("SID", cname) == f"SID_{part}"


def test_times_in_names_are_utc_to_the_millisecond() -> None:
    assert stamp(1560237966.073) == "20190611072606073"


def test_a_composite_recording_begins_an_mp4_every_two_hours() -> None:
    caller = Caller()
    running = caller.running(request=mix(MP4))
    caller.wait(5)
    assert names(running) == ["SID_lobby_0.mp4", "SID_lobby.m3u8"]
    caller.wait(2 * TWO_HOURS)
    assert names(running) == [f"SID_lobby_{n}.mp4" for n in range(3)] + ["SID_lobby.m3u8"]
    files = running.response["fileList"]
    assert {(file["uid"], file["mixedAllUser"], file["trackType"]) for file in files} == {
        ("0", True, "audio_and_video")
    }
    assert files[1]["sliceStartTime"] - files[0]["sliceStartTime"] == TWO_HOURS


@pytest.mark.parametrize(
    ("stream_types", "track"), [(0, "audio"), (1, "video"), (2, "audio_and_video")]
)
def test_the_track_of_a_composite_file_is_what_is_recorded(stream_types: int, track: str) -> None:
    caller = Caller()
    running = caller.running(request=mix(MP4, streamTypes=stream_types))
    caller.wait(5)
    assert {file["trackType"] for file in running.response["fileList"]} == {track}


def test_pauses_do_not_count_into_the_length_of_an_mp4() -> None:
    caller = Caller()
    running = caller.running("web", web(files=MP4, maxVideoDuration=30))
    caller.wait(1000)
    running.update(webRecordingConfig={"onhold": True})
    caller.wait(5000)
    running.update(webRecordingConfig={"onhold": False})
    caller.wait(700)
    assert page_names(running) == ["SID_lobby_0.mp4", "SID_lobby.m3u8"]
    caller.wait(200)
    assert page_names(running) == ["SID_lobby_0.mp4", "SID_lobby_1.mp4", "SID_lobby.m3u8"]


def test_an_individual_recording_has_files_of_each_user_and_track() -> None:
    caller = Caller()
    people(caller, User("1"), User("2", video=False), User("3", host=False))
    running = caller.running("individual", individual())
    caller.wait(5)
    assert names(running) == [
        "SID_lobby__uid_s_1__uid_e_audio.m3u8",
        "SID_lobby__uid_s_1__uid_e_video.m3u8",
        "SID_lobby__uid_s_2__uid_e_audio.m3u8",
    ]
    files = running.response["fileList"]
    assert [(file["uid"], file["trackType"], file["mixedAllUser"]) for file in files] == [
        ("1", "audio", False),
        ("1", "video", False),
        ("2", "audio", False),
    ]
    people(caller, User("2"), User("4", audio=False))
    caller.wait(10)
    assert names(running)[2:] == [
        "SID_lobby__uid_s_2__uid_e_audio.m3u8",
        "SID_lobby__uid_s_2__uid_e_video.m3u8",
        "SID_lobby__uid_s_4__uid_e_video.m3u8",
    ]


def test_standard_mode_adds_one_index_for_each_user() -> None:
    caller = Caller()
    running = caller.running("individual", individual(streamMode="standard"))
    caller.wait(5)
    assert names(running)[-1] == "SID_lobby__uid_s_100__uid_e_audio_and_video.m3u8"


def test_files_after_a_failover_begin_with_its_number() -> None:
    caller = Caller()
    running = caller.running("individual", individual(streamTypes=0))
    caller.wait(5)
    for _ in range(2):
        running.order("failover", seconds=5)
        caller.wait(10)
    base = "SID_lobby__uid_s_100__uid_e_audio.m3u8"
    assert names(running) == [base, f"bak0_{base}", f"bak1_{base}"]


def test_what_a_stop_tells_is_what_the_notification_tells() -> None:
    caller = Caller()
    caller.tune(slice_time_unit="ms")
    running = caller.running(request=mix(MP4))
    caller.wait(3 * TWO_HOURS)
    told: Any = body_of(running.stop())["serverResponse"]["fileList"]
    (uploaded,) = caller.details(31)
    assert uploaded == {"msgName": "uploaded", "status": 0, "fileList": told}
    assert len(told) == 4


def test_a_recording_without_end_has_a_list_with_an_end() -> None:
    caller = Caller()
    running = caller.running(request=mix(MP4), acquire={"resourceExpiredHour": 720})
    caller.wait(100 * 365 * 24 * 3600)
    assert len(running.session.files(caller.now_s)) == 2_001


def test_a_meter_counts_while_it_is_on() -> None:
    meter = Meter()
    meter.turn(10, on=True)
    meter.turn(12, on=True)
    meter.turn(15, on=False)
    meter.turn(20, on=False)
    assert meter.seconds(30) == 5
    meter.turn(30, on=True)
    assert meter.seconds(31) == 6
