"""How files are named, and how their list grows (agora-api.md 3.6 and 9.1)."""

import re
from collections.abc import Sequence

import pytest

from tests.contract.bodies import INDIVIDUAL, MIX, MIX_WITH_MP4, WEB
from tests.contract.control import Control, user
from tests.contract.customer import Customer, Task

REPLACED = "!@#$%^&*()+_.=[]{}~|,;:?<>"  # by a dash
PAGE_MP4_S = 30 * 60  # maxVideoDuration of the request
MIX_MP4_MIN_S, MIX_MP4_MAX_S = 2 * 3600, 3 * 3600  # K28


def in_file_names(cname: str) -> str:
    return re.sub(f"[{re.escape(REPLACED)}]", "-", cname)


def bare(names: Sequence[str]) -> list[str]:
    """Return names without their folders."""
    return sorted(name.rpartition("/")[2] for name in names)


def listed(customer: Customer, task: Task) -> list[str]:
    if task.mode == "web":
        (page,) = customer.state(task)["extensionServiceState"]
        files = page["payload"]["fileList"]
        return bare([file.get("filename") or file.get("fileName") for file in files])
    state = customer.state_once(task, lambda found: bool(found.get("fileList")))
    if state["fileListMode"] == "string":
        return bare([state["fileList"]])
    return bare([file["fileName"] for file in state["fileList"]])


def test_a_composite_is_named_after_sid_and_channel(customer: Customer) -> None:
    task = customer.running("mix", MIX)
    assert listed(customer, task) == [f"{task.sid}_{in_file_names(task.recorder.cname)}.m3u8"]


def test_mp4_files_are_numbered_from_0(customer: Customer) -> None:
    task = customer.running("mix", MIX_WITH_MP4)
    stem = f"{task.sid}_{in_file_names(task.recorder.cname)}"
    assert listed(customer, task) == [f"{stem}.m3u8", f"{stem}_0.mp4"]


def test_a_page_is_named_like_a_composite(customer: Customer) -> None:
    task = customer.running("web", WEB)
    customer.wait(30)
    stem = f"{task.sid}_{in_file_names(task.recorder.cname)}"
    assert listed(customer, task) == [f"{stem}.m3u8", f"{stem}_0.mp4"]


def test_files_of_an_individual_recording_name_user_and_track(
    customer: Customer, control: Control
) -> None:
    control.only("contract-files", user(7))
    task = customer.running("individual", INDIVIDUAL, customer.recorder("contract-files"))
    stem = f"{task.sid}_contract-files__uid_s_7__uid_e_"
    assert listed(customer, task) == [f"{stem}audio.m3u8", f"{stem}video.m3u8"]


@pytest.mark.parametrize("cname", ["a!#$%&()+b", "a:;<=.>?@b", "a[]^_{}~,|b", "a-b c"])
def test_some_characters_of_a_channel_are_dashes_in_file_names(
    customer: Customer, control: Control, cname: str
) -> None:
    del control  # the real service knows one channel only
    task = customer.running("mix", MIX, customer.recorder(cname))
    assert listed(customer, task) == [f"{task.sid}_{in_file_names(cname)}.m3u8"]


def test_a_page_begins_an_mp4_file_after_each_duration(
    customer: Customer, control: Control
) -> None:
    task = customer.running("web", WEB)
    for count in (1, 2, 3):
        mp4 = [name for name in listed(customer, task) if name.endswith(".mp4")]
        assert [name.rpartition("_")[2] for name in mp4] == [f"{n}.mp4" for n in range(count)]
        control.advance(PAGE_MP4_S)


def test_a_composite_begins_an_mp4_file_after_two_or_three_hours(
    customer: Customer, control: Control
) -> None:
    task = customer.running("mix", MIX_WITH_MP4)
    control.advance(MIX_MP4_MIN_S - 60)
    assert len(listed(customer, task)) == 2
    control.advance(MIX_MP4_MAX_S - MIX_MP4_MIN_S + 120)
    assert len(listed(customer, task)) == 3


def test_who_joins_later_has_files_later(customer: Customer, control: Control) -> None:
    control.only("contract-late-files", user(1))
    task = customer.running("individual", INDIVIDUAL, customer.recorder("contract-late-files"))
    first = listed(customer, task)
    control.only("contract-late-files", user(1), user(2))
    control.advance(30)
    newer = set(listed(customer, task)) - set(first)
    assert {name.partition("__uid_s_")[2].partition("_")[0] for name in newer} == {"2"}


def test_nothing_is_lost_from_the_list_when_a_user_leaves(
    customer: Customer, control: Control
) -> None:
    control.only("contract-leaving", user(1), user(2))
    task = customer.running("individual", INDIVIDUAL, customer.recorder("contract-leaving"))
    before = listed(customer, task)
    control.only("contract-leaving", user(1))
    control.advance(30)
    assert listed(customer, task) == before
