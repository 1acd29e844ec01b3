"""How acquire and start belong together, and what a task's identity is.

agora-api.md 2.3, 6.3, 7.5 and rules C3, C4, C6, C71 of 3.13.
"""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.contract.bodies import (
    INDIVIDUAL,
    MIX,
    SCENES,
    SCREENSHOTS,
    WEB,
    Body,
    changed,
    without,
)
from tests.contract.control import Control
from tests.contract.customer import Customer, Recorder, granted, ids, named, refusal

BAD_PARAMETER = (400, 2)
ALREADY_STARTED = (201, 7)
CONFLICT = (400, 53)
# 2 of the reference; 432 and 1003 of the older error page say what does not fit.
DOES_NOT_FIT = {BAD_PARAMETER, (400, 432), (400, 1003)}
UNREADABLE_RESOURCE = {*DOES_NOT_FIT, (400, 1001)}
BODIES = {"individual": INDIVIDUAL, "mix": MIX, "web": WEB}


@pytest.mark.parametrize(("mode", "body"), BODIES.items())
def test_start_gives_a_sid_beside_the_resource_it_used(
    customer: Customer, mode: str, body: Body
) -> None:
    recorder = customer.recorder()
    resource_id = customer.resource(recorder, scene=SCENES[mode])
    answer = granted(customer.start(resource_id, mode, recorder, body))
    assert named(answer) == ids(customer.started[-1])
    assert answer["sid"]


def test_a_resource_is_started_once(customer: Customer) -> None:
    task = customer.record("mix", MIX)
    again = customer.start(task.resource_id, "mix", task.recorder, MIX)
    assert refusal(again) == ALREADY_STARTED
    assert not again.json().get("sid")
    assert customer.query(task).status_code == 200


def test_a_resource_is_spent_when_its_task_was_stopped(customer: Customer) -> None:
    task = customer.running("mix", MIX)
    customer.stop(task)
    again = customer.start(task.resource_id, "mix", task.recorder, MIX)
    assert again.status_code != 200


def test_of_many_starts_of_one_resource_at_once_one_alone_is_accepted(customer: Customer) -> None:
    recorder = customer.recorder()
    resource_id = customer.resource(recorder)

    def start(_: int) -> httpx.Response:
        return customer.start(resource_id, "mix", recorder, MIX)

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(start, range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 201, 201, 201]


def test_a_second_task_of_one_channel_and_uid_is_a_conflict(customer: Customer) -> None:
    task = customer.record("mix", MIX)
    other = customer.resource(task.recorder)
    assert refusal(customer.start(other, "mix", task.recorder, MIX)) == CONFLICT
    assert customer.query(task).status_code == 200


def test_a_task_of_another_mode_is_a_conflict_too(customer: Customer) -> None:
    task = customer.record("mix", MIX)
    other = customer.resource(task.recorder)
    assert refusal(customer.start(other, "individual", task.recorder, INDIVIDUAL)) == CONFLICT


def test_two_uids_record_one_channel_side_by_side(customer: Customer) -> None:
    first, second = customer.record("mix", MIX), customer.record("mix", MIX)
    assert first.recorder.cname == second.recorder.cname
    assert first.sid != second.sid
    assert [customer.query(task).status_code for task in (first, second)] == [200, 200]


def test_a_stopped_task_makes_room_for_another(customer: Customer) -> None:
    first = customer.running("mix", MIX)
    customer.stop(first)
    second = customer.record("mix", MIX, first.recorder)
    assert second.sid != first.sid


@pytest.mark.parametrize("other", ["cname", "uid"])
def test_a_resource_belongs_to_one_channel_and_uid(customer: Customer, other: str) -> None:
    recorder = customer.recorder()
    resource_id = customer.resource(recorder)
    foreign = customer.recorder("another-channel" if other == "cname" else recorder.cname)
    if other == "cname":
        foreign = Recorder(foreign.cname, recorder.uid)
    assert refusal(customer.start(resource_id, "mix", foreign, MIX)) in DOES_NOT_FIT


@pytest.mark.parametrize("resource_id", ["a-resource", "A" * 256])
def test_a_resource_that_was_never_given_is_refused(customer: Customer, resource_id: str) -> None:
    answer = customer.start(resource_id, "mix", customer.recorder(), MIX)
    assert refusal(answer) in UNREADABLE_RESOURCE


def test_a_resource_that_was_tampered_with_is_refused(customer: Customer) -> None:
    recorder = customer.recorder()
    resource_id = customer.resource(recorder)
    middle = len(resource_id) // 2
    other = "B" if resource_id[middle] == "A" else "A"
    tampered = resource_id[:middle] + other + resource_id[middle + 1 :]
    assert refusal(customer.start(tampered, "mix", recorder, MIX)) in UNREADABLE_RESOURCE


def test_a_resource_lives_for_five_minutes(customer: Customer, control: Control) -> None:
    in_time, late = customer.recorder(), customer.recorder()
    resources = [customer.resource(in_time), customer.resource(late)]
    control.advance(290)
    assert customer.start(resources[0], "mix", in_time, MIX).status_code == 200
    control.advance(11)
    assert refusal(customer.start(resources[1], "mix", late, MIX)) == (400, 433)


@pytest.mark.parametrize(
    ("scene", "mode"), [(0, "web"), (1, "individual"), (1, "mix"), (2, "mix"), (2, "web")]
)
def test_the_scene_must_suit_the_mode(customer: Customer, scene: int, mode: str) -> None:
    assert refusal(customer.try_to_start(mode, BODIES[mode], scene=scene)) == BAD_PARAMETER


@pytest.mark.parametrize(("mode", "body"), [("web", MIX), ("mix", WEB), ("mix", SCREENSHOTS)])
def test_the_body_must_suit_the_mode(customer: Customer, mode: str, body: Body) -> None:
    assert refusal(customer.try_to_start(mode, body)) == BAD_PARAMETER


@pytest.mark.parametrize("mode", ["composite", "Mix", "MIX", "0"])
def test_there_are_three_modes(customer: Customer, mode: str) -> None:
    recorder = customer.recorder()
    resource_id = customer.resource(recorder)
    answer = customer.start(resource_id, mode, recorder, MIX)
    assert answer.status_code in {400, 404}
    assert "failed to find worker" not in answer.text


@pytest.mark.parametrize(("mode", "body"), BODIES.items())
def test_a_start_as_announced_is_accepted(customer: Customer, mode: str, body: Body) -> None:
    assert granted(customer.try_to_start(mode, body, startParameter=body))


@pytest.mark.parametrize(
    "announced",
    [
        changed(MIX, "recordingConfig.maxIdleTime", 121),
        without(MIX, "recordingConfig.audioProfile"),
        changed(MIX, "storageConfig.bucket", "another-bucket"),
        INDIVIDUAL,
    ],
)
def test_a_start_other_than_announced_is_refused(customer: Customer, announced: Body) -> None:
    answer = customer.try_to_start("mix", MIX, startParameter=announced)
    assert refusal(answer) == BAD_PARAMETER


def test_announcing_what_is_wrong_fails_start_and_not_acquire(customer: Customer) -> None:
    wrong = changed(MIX, "recordingConfig.maxIdleTime", 1)
    recorder = customer.recorder()
    resource_id = customer.resource(recorder, startParameter=wrong)
    assert refusal(customer.start(resource_id, "mix", recorder, wrong)) == BAD_PARAMETER


@pytest.mark.parametrize("missing", ["cname", "uid", "clientRequest"])
def test_start_needs_its_whole_frame(customer: Customer, missing: str) -> None:
    recorder = customer.recorder()
    body = recorder.in_body(MIX)
    del body[missing]
    path = f"resourceid/{customer.resource(recorder)}/mode/mix/start"
    assert refusal(customer.post(path, body)) == BAD_PARAMETER
