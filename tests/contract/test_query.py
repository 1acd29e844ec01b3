"""What query tells: variants QA to QE and Q0, and how a start comes up (agora-api.md 4.3, 7)."""

from typing import Any

import pytest

from tests.contract.bodies import (
    INDIVIDUAL,
    MIX,
    MIX_WITH_MP4,
    PUSH_ADDRESS,
    SCREENSHOTS,
    SCREENSHOTS_AND_FILES,
    SOUND_AS_SENT,
    WEB,
    WEB_WITH_PUSH,
    Body,
)
from tests.contract.control import Control
from tests.contract.customer import Customer, Task, granted, ids, named, refusal

NOT_FOUND = (404, 404)
MS_FROM = 100_000_000_000  # K7: what is smaller is in seconds
S_FROM = 1_000_000_000
PUSH_STATES = {"connecting", "publishing", "onhold", "disconnected"}


def has_begun(state: Body) -> bool:
    return "sliceStartTime" in state


def page_has_files(state: Body) -> bool:
    return bool(payloads(state)["web_recorder_service"]["fileList"])


def payloads(state: Body) -> dict[str, Any]:
    return {each["serviceName"]: each["payload"] for each in state["extensionServiceState"]}


def recorded(customer: Customer, mode: str, body: Body) -> Body:
    begun = page_has_files if mode == "web" else has_begun
    return customer.state_once(customer.record(mode, body), begun)


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX), ("web", WEB)])
def test_query_names_its_task(customer: Customer, mode: str, body: Body) -> None:
    task = customer.running(mode, body)
    assert named(granted(customer.query(task))) == ids(task)


@pytest.mark.parametrize("body", [SCREENSHOTS, SCREENSHOTS_AND_FILES])
def test_with_screenshots_no_files_are_listed(customer: Customer, body: Body) -> None:  # QA
    state = recorded(customer, "individual", body)
    assert state["status"] == 5
    assert state["sliceStartTime"] >= MS_FROM
    assert not {"fileListMode", "fileList"} & set(state)


def test_a_composite_of_hls_alone_is_one_name(customer: Customer) -> None:  # QB
    state = recorded(customer, "mix", MIX)
    assert state["status"] == 5
    assert state["fileListMode"] == "string"
    assert state["fileList"].endswith(".m3u8")
    assert state["sliceStartTime"] >= MS_FROM


def test_a_composite_with_mp4_is_a_list_of_files_of_everybody(customer: Customer) -> None:  # QC
    state = recorded(customer, "mix", MIX_WITH_MP4)
    assert state["fileListMode"] == "json"
    assert state["sliceStartTime"] >= MS_FROM
    assert {file["fileName"].rpartition(".")[2] for file in state["fileList"]} == {"m3u8", "mp4"}
    for file in state["fileList"]:
        assert (file["uid"], file["mixedAllUser"]) == ("0", True)
        assert file["trackType"] == "audio_and_video"


@pytest.mark.parametrize(
    ("body", "tracks"), [(INDIVIDUAL, {"audio", "video"}), (SOUND_AS_SENT, {"audio"})]
)
def test_an_individual_recording_is_a_list_of_files_by_user_and_track(
    customer: Customer, body: Body, tracks: set[str]
) -> None:  # QC
    state = recorded(customer, "individual", body)
    assert state["fileListMode"] == "json"
    assert {file["trackType"] for file in state["fileList"]} == tracks
    for file in state["fileList"]:
        assert int(file["uid"]) > 0
        assert file["mixedAllUser"] is False


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX_WITH_MP4)])
def test_every_file_has_all_fields(customer: Customer, mode: str, body: Body) -> None:
    for file in recorded(customer, mode, body)["fileList"]:
        assert isinstance(file["isPlayable"], bool)
        assert isinstance(file["sliceStartTime"], int)
        assert file["sliceStartTime"] >= S_FROM


def test_a_page_is_one_service(customer: Customer) -> None:  # QD
    state = recorded(customer, "web", WEB)
    assert state["status"] in {4, 5}
    assert set(payloads(state)) == {"web_recorder_service"}
    page = payloads(state)["web_recorder_service"]
    assert (page["state"], page["onhold"]) == ("inProgress", False)
    for file in page["fileList"]:
        assert file.get("filename") or file.get("fileName")
        assert file["sliceStartTime"] >= S_FROM


def test_a_pushed_page_is_two_services(customer: Customer) -> None:  # QE
    state = recorded(customer, "web", WEB_WITH_PUSH)
    assert set(payloads(state)) == {"web_recorder_service", "rtmp_publish_service"}
    (output,) = payloads(state)["rtmp_publish_service"]["outputs"]
    assert output["rtmpUrl"] == PUSH_ADDRESS
    assert output["status"] in PUSH_STATES


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX), ("web", WEB)])
def test_a_start_comes_up_step_by_step(
    customer: Customer, control: Control, mode: str, body: Body
) -> None:
    task = customer.record(mode, body)
    statuses = []
    for _ in range(30):
        statuses.append(customer.state(task)["status"])
        control.advance(0.2)
    assert statuses == sorted(statuses)
    assert set(statuses) <= {0, 1, 2, 3, 4, 5}
    assert statuses[0] < 4
    assert statuses[-1] in {4, 5}


def test_before_the_first_slice_no_file_is_named(customer: Customer, control: Control) -> None:
    control.only("contract-late")
    task = customer.running("mix", MIX, customer.recorder("contract-late"))
    state = customer.state(task)
    assert state["status"] == 4
    assert not state.get("fileList")
    assert not state.get("sliceStartTime")


@pytest.mark.parametrize("call", ["query", "update", "updateLayout", "stop"])
def test_what_was_never_started_is_the_services_404(customer: Customer, call: str) -> None:
    recorder = customer.recorder()
    nothing = Task(recorder, "mix", customer.resource(recorder), "f" * 32)
    answer = (
        customer.query(nothing)
        if call == "query"
        else customer.post(nothing.path(call), recorder.in_body({}))
    )
    assert refusal(answer) == NOT_FOUND
    assert "failed to find worker" in answer.text


def test_a_task_is_found_in_its_own_mode_only(customer: Customer) -> None:
    task = customer.record("mix", MIX)
    elsewhere = Task(task.recorder, "individual", task.resource_id, task.sid)
    assert refusal(customer.query(elsewhere)) == NOT_FOUND


def test_a_task_is_found_by_its_own_resource_only(customer: Customer) -> None:
    task, other = customer.record("mix", MIX), customer.record("mix", MIX)
    mixed_up = Task(task.recorder, "mix", other.resource_id, task.sid)
    status, code = refusal(customer.query(mixed_up))
    assert (status, code) == NOT_FOUND or code in {432, 1003}
