"""Pausing a page and pushing it to a CDN (agora-api.md 3.9, 4.1 and 4.3)."""

from typing import Any

import pytest

from tests.contract.bodies import (
    OTHER_PUSH_ADDRESS,
    PUSH_ADDRESS,
    WEB,
    WEB_WITH_PUSH,
    changed,
)
from tests.contract.control import Control
from tests.contract.customer import Customer, Task, granted

PAGE = "extensionServiceConfig.extensionServices.0.serviceParam"
PAUSED = changed(WEB, f"{PAGE}.onhold", value=True)


def service(customer: Customer, task: Task, name: str) -> dict[str, Any]:
    states = customer.state(task)["extensionServiceState"]
    (payload,) = (each["payload"] for each in states if each["serviceName"] == name)
    found: dict[str, Any] = payload
    return found


def page(customer: Customer, task: Task) -> dict[str, Any]:
    return service(customer, task, "web_recorder_service")


def push(customer: Customer, task: Task) -> dict[str, Any]:
    (output,) = service(customer, task, "rtmp_publish_service")["outputs"]
    found: dict[str, Any] = output
    return found


def hold(customer: Customer, task: Task, *, onhold: bool) -> None:
    granted(customer.update(task, {"webRecordingConfig": {"onhold": onhold}}))
    customer.wait(10)


def test_a_page_can_be_paused_and_resumed(customer: Customer) -> None:
    task = customer.running("web", WEB)
    for onhold in (True, False, True, True, False):
        hold(customer, task, onhold=onhold)
        assert page(customer, task)["onhold"] is onhold


def test_a_page_that_starts_paused_writes_nothing_until_it_is_resumed(
    customer: Customer,
) -> None:
    task = customer.running("web", PAUSED)
    customer.wait(30)
    assert page(customer, task)["onhold"] is True
    assert page(customer, task)["state"] == "inProgress"
    assert page(customer, task)["fileList"] == []
    hold(customer, task, onhold=False)
    customer.wait(30)
    assert page(customer, task)["fileList"]


def test_an_empty_update_of_a_page_resumes_it(customer: Customer) -> None:
    task = customer.running("web", PAUSED)
    granted(customer.update(task, {"webRecordingConfig": {}}))
    customer.wait(10)
    assert page(customer, task)["onhold"] is False


def test_an_update_of_something_else_leaves_the_pause(customer: Customer) -> None:
    task = customer.running("web", PAUSED)
    granted(customer.update(task, {"storageConfig": WEB["storageConfig"]}))
    customer.wait(10)
    assert page(customer, task)["onhold"] is True


def test_the_push_address_can_be_changed(customer: Customer) -> None:
    task = customer.running("web", WEB_WITH_PUSH)
    assert push(customer, task)["rtmpUrl"] == PUSH_ADDRESS
    outputs = [{"rtmpUrl": OTHER_PUSH_ADDRESS}]
    granted(customer.update(task, {"rtmpPublishConfig": {"outputs": outputs}}))
    assert push(customer, task)["rtmpUrl"] == OTHER_PUSH_ADDRESS


def test_a_push_connects_and_publishes(customer: Customer, control: Control) -> None:
    task = customer.running("web", WEB_WITH_PUSH)
    control.advance(60)
    assert push(customer, task)["status"] == "publishing"


@pytest.mark.parametrize("status", ["connecting", "publishing", "onhold", "disconnected"])
def test_a_push_has_four_states_that_leave_the_recording_alone(
    customer: Customer, control: Control, status: str
) -> None:
    task = customer.running("web", WEB_WITH_PUSH)
    control.order(task, "rtmp", status=status)
    assert push(customer, task)["status"] == status
    assert page(customer, task)["state"] == "inProgress"


def test_another_address_mends_a_broken_push(customer: Customer, control: Control) -> None:
    task = customer.running("web", WEB_WITH_PUSH)
    control.order(task, "rtmp", status="disconnected")
    outputs = [{"rtmpUrl": OTHER_PUSH_ADDRESS}]
    granted(customer.update(task, {"rtmpPublishConfig": {"outputs": outputs}}))
    control.advance(60)
    assert push(customer, task)["status"] == "publishing"
