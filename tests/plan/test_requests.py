import json
from typing import Any

import pytest

from reconciler.plan.action import Action, Cause, Key, Kind
from reconciler.plan.parts import ignoring
from reconciler.plan.requests import requests_of
from reconciler.plan.session import Phase, Session
from reconciler.spec.groups import Group
from tests.laws.worlds import Spec
from tests.plan.sealing import compiled, sealed, spec_of

ROOT = "/v1/apps/{appId}/cloud_recording"
SESSION = Session(
    id="1",
    recording="a",
    replica=0,
    app="default",
    app_key="app",
    app_id="",
    channel="c",
    mode="mix",
    uid="7",
    phase=Phase.RUNNING,
    created_s=0,
    resource_id="r/1",
    sid="s",
)
HUSH = "hush-hush"
START = [f"{ROOT}/acquire", f"{ROOT}/resourceid/{{resourceId}}/mode/mix/start"]
STOP = [f"{ROOT}/resourceid/r%2F1/sid/s/mode/mix/stop"]


def action(kind: Kind, *groups: Group, stop_first: bool = False) -> Action:
    return Action(
        key=Key("a"),
        kind=kind,
        reason="r",
        message="m",
        cause=Cause.SPEC,
        groups=groups,
        stop_first=stop_first,
    )


def paths(requests: tuple[dict[str, Any], ...]) -> list[str]:
    assert {request["method"] for request in requests} <= {"POST"}
    return [request["path"] for request in requests]


@pytest.mark.parametrize(
    ("done", "phase", "expected"),
    [
        (action(Kind.START), Phase.ENDED, START),
        (action(Kind.RESTART), Phase.ENDED, START),
        (action(Kind.RESTART), Phase.FAILED, START),
        (action(Kind.RESTART), Phase.STARTING, STOP + START),
        (action(Kind.REPLACE), Phase.RUNNING, START + STOP),
        (action(Kind.REPLACE, stop_first=True), Phase.RUNNING, STOP + START),
        (action(Kind.ROTATE), Phase.RUNNING, START + STOP),
        (action(Kind.ROTATE, stop_first=True), Phase.RUNNING, STOP + START),
        (action(Kind.STOP), Phase.RUNNING, STOP),
        (action(Kind.WAIT), Phase.RUNNING, []),
        (action(Kind.NONE), Phase.RUNNING, []),
        (action(Kind.ERROR), Phase.RUNNING, []),
    ],
)
def test_an_action_makes_these_calls_in_this_order(
    done: Action, phase: Phase, expected: list[str]
) -> None:
    session = Session(**{**members(SESSION), "phase": phase})
    assert paths(requests_of(done, compiled(spec_of("mix", {})), session, "8")) == expected


def members(session: Session) -> dict[str, Any]:
    return {name: getattr(session, name) for name in Session.__slots__}


def test_a_start_tells_its_whole_bodies() -> None:
    more: Spec = {"token": "generate", "region": "NA", "storage": {"secretKey": {"env": "S"}}}
    acquire, start = requests_of(action(Kind.START), compiled(spec_of("mix", more)), None, "{uid}")
    request = {
        "token": "***",
        "recordingConfig": {"channelType": 1, "maxIdleTime": 300},
        "recordingFileConfig": {"avFileType": ["hls"]},
        "storageConfig": {
            "vendor": 1,
            "region": 0,
            "bucket": "b",
            "accessKey": "***",
            "secretKey": "***",
        },
    }
    assert start["body"] == {"cname": "c", "uid": "{uid}", "clientRequest": request}
    asked = {"region": "NA", "startParameter": request}
    assert acquire["body"] == {"cname": "c", "uid": "{uid}", "clientRequest": asked}


def test_each_group_is_an_update_of_its_own() -> None:
    desired = compiled(spec_of("mix", {"layout": {"background": {"color": "#123456"}}}))
    done = action(Kind.UPDATE_AND_LAYOUT, Group.CREDENTIALS, Group.SUBSCRIPTIONS, Group.LAYOUT)
    found = requests_of(done, desired, SESSION, "7")
    base = f"{ROOT}/resourceid/r%2F1/sid/s/mode/mix"
    assert paths(found) == [f"{base}/update", f"{base}/update", f"{base}/updateLayout"]
    bodies: list[Any] = [request["body"] for request in found]
    assert [body["uid"] for body in bodies] == ["7", "7", "7"]
    assert bodies[0]["clientRequest"]["storageConfig"]["accessKey"] == "***"
    assert bodies[2]["clientRequest"] == {"mixedVideoLayout": 0, "backgroundColor": "#123456"}


def test_what_is_ignored_is_shown_as_it_is_carried() -> None:
    applied = sealed(compiled(spec_of("mix", {"layout": {"background": {"color": "#000001"}}})))
    desired = compiled(spec_of("mix", {"layout": {"type": "best-fit"}}))
    carried = ignoring(sealed(desired), applied, ["layout.background"])
    (call,) = requests_of(
        action(Kind.UPDATE_LAYOUT, Group.LAYOUT), desired, SESSION, "7", carried=carried
    )
    body: Any = call["body"]
    assert body["clientRequest"] == {"mixedVideoLayout": 1, "backgroundColor": "#000001"}


def test_a_session_that_is_not_known_yet_has_named_places() -> None:
    session = Session(**{**members(SESSION), "resource_id": "", "sid": ""})
    (call,) = requests_of(action(Kind.STOP), None, session, "7")
    assert call["path"] == f"{ROOT}/resourceid/{{resourceId}}/sid/{{sid}}/mode/mix/stop"


@pytest.mark.parametrize(
    ("wanted", "recorded", "is_async"),
    [("async", "sync", True), ("sync", "async", False), (None, "async", True),
     (None, "sync", False)],
)  # fmt: skip
def test_the_policy_says_how_to_stop(wanted: str | None, recorded: str, *, is_async: bool) -> None:
    desired = compiled(spec_of("mix", {"policy": {"stop": wanted}})) if wanted else None
    (call,) = requests_of(action(Kind.STOP), desired, SESSION, "7", stop=recorded)
    body = {"cname": "c", "uid": "7", "clientRequest": {"async_stop": is_async}}
    assert call["body"] == body


def test_no_secret_is_shown() -> None:
    more: Spec = {
        "token": HUSH,
        "encryption": {"mode": "aes-256-gcm", "key": HUSH},
        "storage": {"secretKey": {"env": None, "file": "place"}, "stsToken": HUSH},
        "layout": {"type": "best-fit"},
    }
    said = {"privateParams": HUSH, "maxIdleTime": None, "list": [{"a": HUSH}]}
    desired = compiled({**spec_of("mix", more), "raw": {"recordingConfig": said}})
    done = [action(Kind.REPLACE), action(Kind.UPDATE, *(set(Group) - {Group.RTMP, Group.PAUSED}))]
    found = [request for each in done for request in requests_of(each, desired, SESSION, "8")]
    text = json.dumps(found)
    assert HUSH not in text
    assert "place" not in text
    body: Any = found[1]["body"]
    assert body["clientRequest"]["recordingConfig"] == {
        "channelType": 1,
        "decryptionMode": 6,
        "secret": "***",
        "privateParams": "***",
        "list": "***",
        "transcodingConfig": body["clientRequest"]["recordingConfig"]["transcodingConfig"],
    }
