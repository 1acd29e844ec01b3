"""What is seen of a task that moves to another server (agora-api.md 7.3)."""

import httpx
import pytest

from tests.contract.bodies import MIX, MIX_WITH_MP4
from tests.contract.control import Control
from tests.contract.customer import Customer, Task, granted, ids, named, refusal

NOT_FOUND = (404, 404)
LOST_S = 60


def file_names(customer: Customer, task: Task) -> list[str]:
    files = customer.state_once(task, lambda state: bool(state.get("fileList")))["fileList"]
    return [file["fileName"].rpartition("/")[2] for file in files]


def fail_over(control: Control, task: Task) -> None:
    """Move a task, and let it arrive."""
    control.order(task, "failover", seconds=LOST_S)
    control.advance(LOST_S + 5)


@pytest.mark.parametrize("call", ["query", "update", "updateLayout", "stop"])
def test_meanwhile_every_call_is_answered_404_and_has_no_effect(
    customer: Customer, control: Control, call: str
) -> None:
    task = customer.running("mix", MIX)
    before = control.config(task)
    control.order(task, "failover", seconds=LOST_S)

    def ask() -> httpx.Response:
        if call == "query":
            return customer.query(task)
        return customer.post(task.path(call), task.recorder.in_body({}))

    assert refusal(ask()) == NOT_FOUND
    control.advance(LOST_S - 10)
    assert refusal(ask()) == NOT_FOUND
    control.advance(15)
    assert customer.state(task)["status"] in {4, 5}
    assert control.config(task) == before


def test_afterwards_it_has_its_old_ids_and_another_recorder(
    customer: Customer, control: Control
) -> None:
    task = customer.running("mix", MIX)
    fail_over(control, task)
    assert named(granted(customer.query(task))) == ids(task)
    assert control.session(task)["recorderUid"] != task.recorder.uid


def test_the_identity_stays_taken_meanwhile(customer: Customer, control: Control) -> None:
    task = customer.running("mix", MIX)
    control.order(task, "failover", seconds=LOST_S)
    again = customer.resource(task.recorder)
    assert refusal(customer.start(again, "mix", task.recorder, MIX)) == (400, 53)


def test_new_files_are_named_after_the_failover(customer: Customer, control: Control) -> None:
    task = customer.running("mix", MIX_WITH_MP4)
    first = file_names(customer, task)
    assert not any(name.startswith("bak") for name in first)
    fail_over(control, task)
    control.advance(30)
    newer = [name for name in file_names(customer, task) if name not in first]
    assert newer
    assert all(name.startswith(f"bak0_{task.sid}_") for name in newer)
    fail_over(control, task)
    control.advance(30)
    assert any(name.startswith("bak1_") for name in file_names(customer, task))


def test_the_fourth_failure_is_the_end(customer: Customer, control: Control) -> None:
    task = customer.running("mix", MIX)
    for _ in range(3):
        fail_over(control, task)
        assert customer.query(task).status_code == 200
    fail_over(control, task)
    control.advance(60)
    assert refusal(customer.query(task)) == NOT_FOUND


def test_a_moved_task_can_be_changed_and_stopped(customer: Customer, control: Control) -> None:
    task = customer.running("mix", MIX)
    fail_over(control, task)
    granted(customer.update_layout(task, {"mixedVideoLayout": 2}))
    assert granted(customer.stop(task))["serverResponse"]["uploadingStatus"]
