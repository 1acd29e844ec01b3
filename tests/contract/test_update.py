"""What update takes, refuses and does (agora-api.md 4.1 and 6.5, subscriptions of 3.4)."""

from typing import Any

import pytest

from tests.contract.bodies import (
    INDIVIDUAL,
    MIX,
    OTHER_PUSH_ADDRESS,
    SOUND_AS_SENT,
    WEB,
    WEB_WITH_PUSH,
    Body,
    changed,
)
from tests.contract.control import Control, user
from tests.contract.customer import Customer, Task, granted, ids, named, refusal
from tests.contract.target import TARGET

BAD_PARAMETER = (400, 2)
DOES_NOT_FIT = {BAD_PARAMETER, (400, 432), (400, 1003)}
TOO_MANY = [str(uid) for uid in range(1, 34)]
ALL = ["#allstream#"]
CHANNEL = "contract-crowd"
VIDEO_ONLY = changed(MIX, "recordingConfig.streamTypes", 1)


def subscribe(audio: Body | None = None, video: Body | None = None) -> Body:
    lists = {"audioUidList": audio, "videoUidList": video}
    return {"streamSubscribe": {key: uids for key, uids in lists.items() if uids is not None}}


def tracks(customer: Customer, task: Task) -> set[tuple[str, str]]:
    """Return the users and tracks that an individual recording has files of."""
    files = customer.state_once(task, lambda state: bool(state.get("fileList")))["fileList"]
    return {(file["uid"], file["trackType"]) for file in files}


def recording(customer: Customer, control: Control, *uids: int, **lists: object) -> Task:
    """Record a channel with these users, one file for each track."""
    control.only(CHANNEL, *(user(uid) for uid in uids))
    config = INDIVIDUAL["recordingConfig"] | {"subscribeUidGroup": 5} | lists
    body = changed(INDIVIDUAL, "recordingConfig", config)
    return customer.running("individual", body, customer.recorder(CHANNEL))


@pytest.mark.parametrize(
    "client_request",
    [
        subscribe({"subscribeAudioUids": ALL}, {"unSubscribeVideoUids": ["444", "555", "666"]}),
        subscribe({"subscribeAudioUids": ALL}, {"unsubscribeVideoUids": ["444"]}),  # K1
        subscribe({"unSubscribeAudioUids": ["1"]}, {"subscribeVideoUids": ["1", "2"]}),
        {"storageConfig": dict(TARGET.storage)},
    ],
)
@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("mix", MIX)])
def test_update_takes_what_the_documents_show(
    customer: Customer, mode: str, body: Body, client_request: Body
) -> None:
    task = customer.running(mode, body)
    assert named(granted(customer.update(task, client_request))) == ids(task)


@pytest.mark.parametrize(
    "client_request",
    [
        subscribe({"subscribeAudioUids": []}),
        subscribe(None, {"unSubscribeVideoUids": []}),
        subscribe({"subscribeAudioUids": TOO_MANY}),
        subscribe({"subscribeAudioUids": ["1"], "unSubscribeAudioUids": ["2"]}),
        subscribe(None, {"subscribeVideoUids": ["1"], "unsubscribeVideoUids": ["2"]}),
        subscribe({"subscribeAudioUids": ["alice"]}),
        subscribe({"subscribeAudioUids": [1]}),
        subscribe({"subscribeAudioUids": "1"}),
        subscribe({"subscribeAudioUids": ["#allstream#", "1"]}),
        {"streamSubscribe": []},
        {"storageConfig": {"accessKey": "a", "secretKey": "b"}},
        {"storageConfig": dict(TARGET.storage) | {"vendor": 9}},
        {"storageConfig": dict(TARGET.storage) | {"secretKey": ""}},
    ],
)
def test_a_bad_update_is_refused_and_the_task_goes_on(
    customer: Customer, client_request: Body
) -> None:
    task = customer.running("mix", MIX)
    assert refusal(customer.update(task, client_request)) == BAD_PARAMETER
    assert customer.query(task).status_code == 200


@pytest.mark.parametrize(
    ("mode", "body", "client_request"),
    [
        ("individual", SOUND_AS_SENT, subscribe(None, {"subscribeVideoUids": ["1"]})),
        ("mix", VIDEO_ONLY, subscribe({"subscribeAudioUids": ["1"]})),
    ],
)
def test_a_medium_that_is_not_recorded_cannot_be_subscribed_to(
    customer: Customer, mode: str, body: Body, client_request: Body
) -> None:
    task = customer.running(mode, body)
    assert refusal(customer.update(task, client_request)) == BAD_PARAMETER


@pytest.mark.parametrize(
    "client_request",
    [
        {"webRecordingConfig": {"onhold": "true"}},
        {"webRecordingConfig": {"onhold": 1}},
        {"webRecordingConfig": True},
        {"rtmpPublishConfig": {"outputs": []}},
        {"rtmpPublishConfig": {"outputs": [{"rtmpUrl": OTHER_PUSH_ADDRESS}] * 2}},
        {"rtmpPublishConfig": {"outputs": [{"rtmpUrl": "https://push.example.org/a"}]}},
        {"rtmpPublishConfig": {"outputs": [{}]}},
    ],
)
def test_a_bad_update_of_a_page_is_refused(customer: Customer, client_request: Body) -> None:
    task = customer.running("web", WEB_WITH_PUSH)
    assert refusal(customer.update(task, client_request)) == BAD_PARAMETER


@pytest.mark.parametrize("other", ["cname", "uid"])
def test_an_update_for_another_recorder_is_refused(customer: Customer, other: str) -> None:
    task = customer.running("web", WEB)
    body = {**task.recorder.in_body({"webRecordingConfig": {"onhold": True}}), other: "7"}
    assert refusal(customer.post(task.path("update"), body)) in DOES_NOT_FIT


def test_everybody_is_recorded_unless_told_otherwise(customer: Customer, control: Control) -> None:
    task = recording(customer, control, 1, 2)
    both = {(uid, track) for uid in "12" for track in ("audio", "video")}
    assert tracks(customer, task) == both


def test_a_list_for_one_medium_switches_the_other_off(customer: Customer, control: Control) -> None:
    task = recording(customer, control, 1, 2, subscribeAudioUids=["1"])
    assert tracks(customer, task) == {("1", "audio")}


def test_all_of_one_medium_and_some_of_the_other(customer: Customer, control: Control) -> None:
    task = recording(customer, control, 1, 2, subscribeAudioUids=ALL, subscribeVideoUids=["2"])
    assert tracks(customer, task) == {("1", "audio"), ("2", "audio"), ("2", "video")}


@pytest.mark.parametrize("key", ["unSubscribeVideoUids", "unsubscribeVideoUids"])
def test_who_is_denied_is_not_recorded(customer: Customer, control: Control, key: str) -> None:
    task = recording(customer, control, 1, 2, subscribeAudioUids=ALL, **{key: ["1"]})
    assert tracks(customer, task) == {("1", "audio"), ("2", "audio"), ("2", "video")}


def test_an_update_replaces_the_lists(customer: Customer, control: Control) -> None:
    task = recording(customer, control, 1, subscribeAudioUids=["1"], subscribeVideoUids=["1"])
    assert tracks(customer, task) == {("1", "audio"), ("1", "video")}
    lists = subscribe({"subscribeAudioUids": ["2"]}, {"subscribeVideoUids": ["3"]})
    granted(customer.update(task, lists))
    control.only(CHANNEL, *(user(uid) for uid in (1, 2, 3, 4)))
    newer = tracks(customer, task) - {("1", "audio"), ("1", "video")}
    assert newer == {("2", "audio"), ("3", "video")}


def test_the_first_17_to_join_are_recorded_until_one_leaves(
    customer: Customer, control: Control
) -> None:
    task = recording(customer, control, *range(1, 19))
    assert {uid for uid, _ in tracks(customer, task)} == {str(uid) for uid in range(1, 18)}
    control.only(CHANNEL, *(user(uid) for uid in range(2, 19)))
    assert "18" in {uid for uid, _ in tracks(customer, task)}


def test_what_nobody_sends_is_not_recorded(customer: Customer, control: Control) -> None:
    control.only(CHANNEL, user(1, video=False), user(2, audio=False), user(3, role="audience"))
    task = customer.running("individual", INDIVIDUAL, customer.recorder(CHANNEL))
    assert tracks(customer, task) == {("1", "audio"), ("2", "video")}


def test_a_misspelt_list_is_refused_or_changes_nothing(
    customer: Customer, control: Control
) -> None:
    task = recording(customer, control, 1, 2)
    before = control.config(task)
    answer: Any = customer.update(task, subscribe({"subscribeAudioUid": ["1"]}))  # 1.1
    assert answer.status_code == 200 or refusal(answer) == BAD_PARAMETER
    assert control.config(task) == before
