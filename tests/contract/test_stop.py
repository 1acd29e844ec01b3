"""Stopping: variants SA to SD, both ways to wait, and stopping what is not there.

agora-api.md 4.4 and 6.7.
"""

import pytest

from tests.contract.bodies import (
    INDIVIDUAL,
    MIX,
    MIX_WITH_MP4,
    SCREENSHOTS,
    WEB,
    WEB_WITH_PUSH,
    Body,
)
from tests.contract.control import Control
from tests.contract.customer import Customer, Recorder, Task, granted, ids, named, refusal

BAD_PARAMETER = (400, 2)
STOPPING = (400, 49)
NOTHING_RECORDED = (206, 435)
NOT_FOUND = (404, 404)
DOES_NOT_FIT = {BAD_PARAMETER, (400, 432), (400, 1003)}
UPLOAD_TIMEOUT = 50
ALL_MODES = [("individual", INDIVIDUAL), ("mix", MIX), ("web", WEB)]
DELIVERED = {"uploaded", "backuped"}
UPLOADS = {*DELIVERED, "unknown", "unknow"}  # K31


def recorded(customer: Customer, mode: str, body: Body) -> Task:
    """Start a task and wait until it has written something."""
    task = customer.running(mode, body)
    if mode != "web":
        customer.state_once(task, lambda state: state["status"] == 5)
    return task


def is_gone(customer: Customer, task: Task) -> bool:
    """Tell whether query comes to know nothing of a task, within 90 s."""
    for _ in range(18):
        if customer.query(task).status_code == 404:
            return True
        customer.wait(5)
    return False


@pytest.mark.parametrize(("mode", "body"), ALL_MODES)
def test_stop_names_its_task(customer: Customer, mode: str, body: Body) -> None:
    task = recorded(customer, mode, body)
    assert named(granted(customer.stop(task))) == ids(task)


def test_after_screenshots_only_the_upload_is_told(customer: Customer) -> None:  # SA
    task = recorded(customer, "individual", SCREENSHOTS)
    response = granted(customer.stop(task))["serverResponse"]
    assert response["uploadingStatus"] in DELIVERED
    assert not {"fileListMode", "fileList"} & set(response)


def test_after_a_composite_of_hls_its_one_file_is_named(customer: Customer) -> None:  # SB
    task = recorded(customer, "mix", MIX)
    response = granted(customer.stop(task))["serverResponse"]
    assert response["fileListMode"] == "string"
    assert response["fileList"].endswith(".m3u8")
    assert response["uploadingStatus"] in DELIVERED


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX_WITH_MP4)])
def test_after_other_channel_recordings_their_files_are_listed(
    customer: Customer, mode: str, body: Body
) -> None:  # SC
    task = recorded(customer, mode, body)
    response = granted(customer.stop(task))["serverResponse"]
    assert response["fileListMode"] == "json"
    assert response["uploadingStatus"] in DELIVERED
    assert response["fileList"]
    for file in response["fileList"]:
        assert file["fileName"].rpartition(".")[2] in {"m3u8", "mp4"}


@pytest.mark.parametrize("body", [WEB, WEB_WITH_PUSH])
def test_after_a_page_its_services_are_told(customer: Customer, body: Body) -> None:  # SD
    task = recorded(customer, "web", body)
    services = granted(customer.stop(task))["serverResponse"]["extensionServiceState"]
    # K30: one of the references misspells the key.
    told = {each["serviceName"]: each.get("payload", each.get("playload")) for each in services}
    assert told["upload_service"]["uploadingStatus"] in DELIVERED
    assert set(told) <= {"upload_service", "web_recorder_service", "rtmp_publish_service"}


@pytest.mark.parametrize(("mode", "body"), ALL_MODES)
@pytest.mark.parametrize("async_stop", [False, True])
def test_a_stopped_task_is_gone(
    customer: Customer, mode: str, body: Body, *, async_stop: bool
) -> None:
    task = recorded(customer, mode, body)
    granted(customer.stop(task, async_stop=async_stop))
    assert is_gone(customer, task)
    assert refusal(customer.stop(task)) == NOT_FOUND


@pytest.mark.parametrize(
    "client_request", [{}, {"resourceExpiredHour": 24, "scene": 0}, {"async_stop": False}]
)
def test_stop_takes_what_the_documents_show(customer: Customer, client_request: Body) -> None:
    task = recorded(customer, "mix", MIX)  # E4, E19 and K48
    assert granted(customer.stop(task, **client_request))


def test_an_asynchronous_stop_does_not_wait_for_the_upload(
    customer: Customer, control: Control
) -> None:
    task = recorded(customer, "mix", MIX)
    control.order(task, "upload", seconds=60)
    response = granted(customer.stop(task, async_stop=True))["serverResponse"]
    assert response["uploadingStatus"] in UPLOADS
    assert customer.state(task)["status"] in {6, 7}
    control.advance(30)
    assert customer.state(task)["status"] in {6, 7}
    assert is_gone(customer, task)


def test_a_synchronous_stop_waits_for_the_upload(customer: Customer, control: Control) -> None:
    task = recorded(customer, "mix", MIX)
    control.order(task, "upload", seconds=10)
    before = control.now()
    assert granted(customer.stop(task))["serverResponse"]["uploadingStatus"] == "uploaded"
    assert control.now() - before >= 10


def test_a_synchronous_stop_gives_up_on_a_long_upload(customer: Customer, control: Control) -> None:
    task = recorded(customer, "mix", MIX)
    control.order(task, "upload", seconds=60)
    before = control.now()
    assert refusal(customer.stop(task))[1] == UPLOAD_TIMEOUT
    assert 20 <= control.now() - before < 60
    assert is_gone(customer, task)


def test_files_in_the_backup_are_told(customer: Customer, control: Control) -> None:
    task = recorded(customer, "mix", MIX)
    control.order(task, "upload", result="backuped")
    assert granted(customer.stop(task))["serverResponse"]["uploadingStatus"] == "backuped"


def test_a_second_stop_is_refused_or_finds_nothing(customer: Customer) -> None:
    task = recorded(customer, "mix", MIX)
    granted(customer.stop(task, async_stop=True))
    assert refusal(customer.stop(task, async_stop=True)) in {STOPPING, NOT_FOUND}


@pytest.mark.parametrize("async_stop", [False, True])
def test_a_second_stop_during_the_upload_is_refused(
    customer: Customer, control: Control, *, async_stop: bool
) -> None:
    task = recorded(customer, "mix", MIX)
    control.order(task, "upload", seconds=600)
    granted(customer.stop(task, async_stop=True))
    assert refusal(customer.stop(task, async_stop=async_stop)) == STOPPING


def test_a_recorder_that_was_removed_is_stopping_already(
    customer: Customer, control: Control
) -> None:
    task = recorded(customer, "mix", MIX)
    control.order(task, "upload", seconds=600)
    control.order(task, "remove")
    assert refusal(customer.stop(task)) == STOPPING


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX)])
def test_where_nobody_sent_anything_nothing_was_recorded(
    customer: Customer, silent: Recorder, mode: str, body: Body
) -> None:
    task = customer.running(mode, body, silent)
    assert refusal(customer.stop(task)) == NOTHING_RECORDED
    assert is_gone(customer, task)


@pytest.mark.parametrize("async_stop", ["true", 1, {}])
def test_a_bad_stop_is_refused_and_stops_nothing(customer: Customer, async_stop: object) -> None:
    task = customer.record("mix", MIX)
    assert refusal(customer.stop(task, async_stop=async_stop)) == BAD_PARAMETER
    assert customer.query(task).status_code == 200


@pytest.mark.parametrize("other", ["cname", "uid"])
def test_a_stop_for_another_recorder_is_refused(customer: Customer, other: str) -> None:
    task = customer.record("mix", MIX)
    body = {**task.recorder.in_body({}), other: "7"}
    assert refusal(customer.post(task.path("stop"), body)) in DOES_NOT_FIT
    assert customer.query(task).status_code == 200


@pytest.mark.parametrize("missing", ["cname", "uid"])
def test_a_stop_needs_its_whole_frame(customer: Customer, missing: str) -> None:
    task = customer.record("mix", MIX)
    body = task.recorder.in_body({})
    del body[missing]
    assert refusal(customer.post(task.path("stop"), body)) == BAD_PARAMETER
