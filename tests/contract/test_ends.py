"""How tasks end without a stop, and which clocks they have (agora-api.md 7.4, 7.6)."""

import pytest

from tests.contract.bodies import INDIVIDUAL, MIX, SCENES, WEB, Body, changed
from tests.contract.control import Control, user
from tests.contract.customer import Customer, granted, refusal

NOT_FOUND = (404, 404)
CONFLICT = (400, 53)
CHANNEL = "contract-ends"
IDLE_S = MIX["recordingConfig"]["maxIdleTime"]
HOUR_S = 3600
LIVE = changed(MIX, "recordingConfig.channelType", 1)


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX)])
def test_in_an_empty_channel_a_task_ends_after_its_idle_time(
    customer: Customer, control: Control, mode: str, body: Body
) -> None:
    control.only(CHANNEL, user(1))
    task = customer.running(mode, body, customer.recorder(CHANNEL))
    control.advance(2 * IDLE_S)
    assert customer.query(task).status_code == 200
    control.only(CHANNEL)
    control.advance(IDLE_S - 10)
    assert customer.query(task).status_code == 200
    control.advance(30)
    assert refusal(customer.query(task)) == NOT_FOUND
    customer.record(mode, body, task.recorder)


def test_who_returns_in_time_keeps_a_task_alive(customer: Customer, control: Control) -> None:
    control.only(CHANNEL)
    task = customer.running("mix", MIX, customer.recorder(CHANNEL))
    for users in ([user(1)], [], [user(1)]):
        control.advance(IDLE_S - 30)
        control.only(CHANNEL, *users)
    control.advance(IDLE_S)
    assert customer.query(task).status_code == 200


@pytest.mark.parametrize(("body", "lives"), [(MIX, True), (LIVE, False)])
def test_an_audience_keeps_a_communication_channel_busy_and_no_live_one(
    customer: Customer, control: Control, body: Body, *, lives: bool
) -> None:
    control.only(CHANNEL, user(1, role="audience"))
    task = customer.running("mix", body, customer.recorder(CHANNEL))
    control.advance(IDLE_S + 30)
    assert (customer.query(task).status_code == 200) is lives


def test_a_live_channel_with_a_host_is_not_idle(customer: Customer, control: Control) -> None:
    control.only(CHANNEL, user(1, role="host", audio=False, video=False))
    task = customer.running("mix", LIVE, customer.recorder(CHANNEL))
    control.advance(IDLE_S + 30)
    assert customer.query(task).status_code == 200


def test_a_page_is_never_idle_and_ends_after_its_hours(
    customer: Customer, control: Control
) -> None:
    task = customer.running("web", WEB)
    control.advance(3 * HOUR_S - 60)
    assert customer.query(task).status_code == 200
    control.advance(120)
    assert refusal(customer.query(task)) == NOT_FOUND
    customer.record("web", WEB, task.recorder)


@pytest.mark.parametrize(("mode", "body"), [("mix", MIX), ("web", WEB)])
def test_after_its_resource_expired_a_task_is_out_of_reach_and_goes_on(
    customer: Customer, control: Control, mode: str, body: Body
) -> None:
    recorder = customer.recorder()
    resource_id = customer.resource(recorder, scene=SCENES[mode], resourceExpiredHour=1)
    control.advance(200)  # the hour counts from the start
    granted(customer.start(resource_id, mode, recorder, body))
    task = customer.started[-1]
    control.advance(HOUR_S - 60)
    assert customer.query(task).status_code == 200
    control.advance(60)
    for answer in (
        customer.query(task),
        customer.update(task, {"storageConfig": body["storageConfig"]}),
        customer.stop(task, async_stop=True),
    ):
        assert answer.status_code != 200
    again = customer.resource(recorder, scene=SCENES[mode])
    assert refusal(customer.start(again, mode, recorder, body)) == CONFLICT


@pytest.mark.parametrize("order", ["kill", "idle", "remove"])
@pytest.mark.parametrize("call", ["query", "update", "updateLayout", "stop"])
def test_what_has_ended_is_the_services_404_for_every_call(
    customer: Customer, control: Control, order: str, call: str
) -> None:
    task = customer.running("mix", MIX)
    control.order(task, order)
    control.advance(60)
    answer = (
        customer.query(task)
        if call == "query"
        else customer.post(task.path(call), task.recorder.in_body({}))
    )
    assert refusal(answer) == NOT_FOUND
    assert "failed to find worker" in answer.text


def test_a_user_with_the_recorders_uid_evicts_it(customer: Customer, control: Control) -> None:
    control.only(CHANNEL, user(1))
    task = customer.running("mix", MIX, customer.recorder(CHANNEL))
    control.only(CHANNEL, user(1), user(int(task.recorder.uid)))
    control.advance(60)
    assert refusal(customer.query(task)) == NOT_FOUND
