"""Every request that the service's documents print survives `convert`, YAML and compiling."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.diagnostics import Severity
from reconciler.spec.convert import Wish, convert, take_apart
from reconciler.spec.desired import Desired, acquire_body, start_body
from reconciler.spec.emit import to_yaml
from reconciler.spec.groups import Group, group_requests
from reconciler.spec.rules.table import RULES
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Mode, merge
from tests.spec.support import NOW_S, SHARED, read, setting, write

EXAMPLES = {
    example["id"]: example
    for path in sorted(Path(__file__).parent.glob("examples/*.json"))
    for example in [json.loads(path.read_text())]
}
STARTS = [
    (name, mode)
    for name, example in EXAMPLES.items()
    if example["call"].startswith("start") and not example.get("skeleton")
    for mode in example["findings"]
]
IN_CONVERT_ONLY = {"C43", "C32", "C50"}
"""This format fills these in, so only the body they were missing from can be found fault with."""

CONSTANTS = ("errorHandlePolicy", "apiVersion")
"""Keys with one allowed value, which is the default: this format has no word for them."""


def through_specs(folder: Path, body: Any, mode: str) -> tuple[Desired, set[str]]:
    """Convert a body, write and read the YAML; return what is desired and all codes."""
    asked, problems = take_apart(body, None, None)
    assert asked is not None, problems
    converted = convert(asked, Wish(Mode(mode), "example", inline_secrets=False, now_s=NOW_S))
    write(folder, {"spec.yaml": to_yaml(converted.manifests)})
    catalog = read(folder, setting())
    assert [found for found in catalog.diagnostics if found.severity is Severity.ERROR] == []
    codes = {problem.code for problem in converted.problems} | {
        found.code for found in catalog.diagnostics
    }
    return catalog.entries[0].desired(), codes


def shown(tree: Any, like: Any) -> Any:
    """Return a compiled body with each reference replaced by the value it was made from."""
    if isinstance(tree, Secret):
        assert like is not None
        return like
    if isinstance(tree, dict):
        others = like if isinstance(like, dict) else {}
        return {key: shown(value, others.get(key)) for key, value in tree.items()}
    if isinstance(tree, list):
        items = like if isinstance(like, list) else [None] * len(tree)
        return [shown(item, other) for item, other in zip(tree, items, strict=True)]
    return tree


def without(tree: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(tree, dict):
        return {key: without(value, keys) for key, value in tree.items() if key not in keys}
    return [without(item, keys) for item in tree] if isinstance(tree, list) else tree


def with_what_the_contract_adds(body: Any, mode: str) -> Any:
    """Return the body as the contract says it is sent: what the service requires is there."""
    body = copy.deepcopy(without(body, CONSTANTS))
    request = body["clientRequest"]
    if request.get("token") == "":
        del request["token"]
    if "snapshotConfig" not in request:
        request.setdefault("recordingFileConfig", {"avFileType": ["hls"]})
    if mode != "web":
        request["recordingConfig"].setdefault("maxIdleTime", 30)
    if mode == "individual":
        request["recordingConfig"].setdefault("subscribeUidGroup", 5)
    if "appsCollection" in request:
        postponed = {"transConfig": {"transMode": "postponeTranscoding"}}
        request.setdefault("transcodeOptions", postponed)
    return body


@pytest.mark.parametrize(("name", "mode"), STARTS)
def test_the_wire_body_of_a_documented_start_survives(tmp_path: Path, name: str, mode: str) -> None:
    body = EXAMPLES[name]["body"]
    desired, _ = through_specs(tmp_path, body, mode)
    sent = start_body(desired, body["uid"])
    assert shown(sent, body) == with_what_the_contract_adds(body, mode)


@pytest.mark.parametrize(("name", "mode"), STARTS)
def test_convert_and_validate_report_the_documented_findings(
    tmp_path: Path, name: str, mode: str
) -> None:
    ids = {rule.code: rule.id for rule in RULES}
    _, codes = through_specs(tmp_path, EXAMPLES[name]["body"], mode)
    assert {ids[code] for code in codes if code in ids} == set(EXAMPLES[name]["findings"][mode])


def test_postponed_features_are_acquired_with_their_scene(tmp_path: Path) -> None:
    desired, _ = through_specs(tmp_path, EXAMPLES["E1"]["body"], "individual")
    body = acquire_body(desired, "527841")
    assert body["clientRequest"]["scene"] == 2  # type: ignore[index, call-overload]  # JSON


def test_acquire_carries_the_start_request_as_it_is(tmp_path: Path) -> None:
    body = EXAMPLES["E16"]["body"]
    desired, _ = through_specs(tmp_path, body, "individual")
    start = start_body(desired, "1", token="t")
    acquire = acquire_body(desired, "1", token="t", exclude=["b", "a"])
    request: Any = acquire["clientRequest"]
    assert request["startParameter"] == start["clientRequest"]
    assert request["excludeResourceIds"] == ["a", "b"]


ACQUIRES = ["E2", "E15", "E28", "E29"]


@pytest.mark.parametrize("name", ACQUIRES)
def test_the_documented_acquire_requests_are_what_specs_acquire_with(
    tmp_path: Path, name: str
) -> None:
    mode = "web" if name == "E29" else "individual"
    start = EXAMPLES["E10" if mode == "web" else "E16"]["body"]
    asked = EXAMPLES[name]["body"]["clientRequest"]
    both = {**asked, "startParameter": start["clientRequest"]}
    desired, _ = through_specs(tmp_path, {**start, "clientRequest": both}, mode)
    sent: Any = acquire_body(desired, "527841")["clientRequest"]
    sent.pop("startParameter")
    assert {"scene": 0} | sent == {"scene": 0} | asked


GROUP_OF = {
    "E17": (Group.SUBSCRIPTIONS, "E16", "individual"),
    "E27": (Group.SUBSCRIPTIONS, "E16", "individual"),
    "E25": (Group.PAUSED, "E10", "web"),
    "E26": (Group.RTMP, "E11", "web"),
    "E18": (Group.LAYOUT, "E30", "mix"),
}


def as_start(name: str, request: Any) -> Any:
    """Return what an update says as the part of a start request that it would replace."""
    if "streamSubscribe" in request:
        lists = request["streamSubscribe"].values()
        return {"recordingConfig": {key: uids for one in lists for key, uids in one.items()}}
    if "mixedVideoLayout" in request:
        return {"recordingConfig": {"transcodingConfig": request}}
    services = copy.deepcopy(EXAMPLES[GROUP_OF[name][1]]["body"]["clientRequest"])
    page, *push = services["extensionServiceConfig"]["extensionServices"]
    if "webRecordingConfig" in request:
        page["serviceParam"]["onhold"] = request["webRecordingConfig"]["onhold"]
    else:
        push[0]["serviceParam"]["outputs"] = request["rtmpPublishConfig"]["outputs"]
    return {"extensionServiceConfig": {"extensionServices": [page, *push]}}


@pytest.mark.parametrize("name", GROUP_OF)
def test_the_documented_updates_are_what_a_spec_that_says_so_would_send(
    tmp_path: Path, name: str
) -> None:
    group, start, mode = GROUP_OF[name]
    update = EXAMPLES[name]["body"]["clientRequest"]
    body = copy.deepcopy(EXAMPLES[start]["body"])
    for key in ("subscribeAudioUids", "subscribeVideoUids", "transcodingConfig"):
        body["clientRequest"].get("recordingConfig", {}).pop(key, None)
    body["clientRequest"] = merge(body["clientRequest"], as_start(name, update))
    desired, _ = through_specs(tmp_path, body, mode)
    sent = json.loads(json.dumps(update).replace("unsubscribe", "unSubscribe"))  # K1
    assert shown(group_requests(desired)[group], sent) == sent


def test_an_update_of_credentials_carries_the_whole_storage(tmp_path: Path) -> None:
    body = EXAMPLES["E16"]["body"]
    desired, _ = through_specs(tmp_path, body, "individual")
    storage = body["clientRequest"]["storageConfig"]
    sent = group_requests(desired)[Group.CREDENTIALS]
    assert shown(sent, {"storageConfig": storage}) == {"storageConfig": storage}


def test_a_recording_of_everyone_updates_with_both_lists_spelt_out(tmp_path: Path) -> None:
    spec = "mode: mix\nchannel: c\nstorage: archive\nchannelProfile: live\n".replace("\n", "\n  ")
    text = f"apiVersion: reconciler/v1\nkind: Recording\nmetadata: {{name: a}}\nspec:\n  {spec}\n"
    write(tmp_path, {"a.yaml": SHARED, "b.yaml": text})
    (entry,) = read(tmp_path, setting()).entries
    requests = group_requests(entry.desired())
    assert requests[Group.SUBSCRIPTIONS] == {
        "streamSubscribe": {
            "audioUidList": {"subscribeAudioUids": ["#allstream#"]},
            "videoUidList": {"subscribeVideoUids": ["#allstream#"]},
        }
    }
    assert requests[Group.LAYOUT] == {"mixedVideoLayout": 0}


FRAGMENTS = {"E33": "transcodingConfig", "E34": "transcodingConfig"}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_the_documented_layouts_survive(tmp_path: Path, name: str) -> None:
    body = copy.deepcopy(EXAMPLES["E30"]["body"])
    body["clientRequest"]["recordingConfig"]["transcodingConfig"] = EXAMPLES[name]["body"]
    desired, _ = through_specs(tmp_path, body, "mix")
    sent: Any = start_body(desired, "1")["clientRequest"]
    defaults = {"width": 360, "height": 640, "fps": 15, "bitrate": 500}  # K10
    canvas = sent["recordingConfig"]["transcodingConfig"]
    assert canvas == defaults | EXAMPLES[name]["body"]


def test_the_documented_s3_compatible_storage_survives(tmp_path: Path) -> None:
    body = copy.deepcopy(EXAMPLES["E16"]["body"])
    storage = EXAMPLES["E32"]["body"]
    body["clientRequest"]["storageConfig"] = storage
    desired, _ = through_specs(tmp_path, body, "individual")
    sent: Any = start_body(desired, "1")["clientRequest"]
    assert shown(sent["storageConfig"], storage) == storage


def test_every_documented_request_is_tried_somewhere_here() -> None:
    tried = {name for name, _ in STARTS} | {*ACQUIRES, *GROUP_OF, *FRAGMENTS, "E32"}
    stops = {"E4", "E19"}  # `policy.stop` says which; its one key is the engine's to send
    skeletons = {name for name, example in EXAMPLES.items() if example.get("skeleton")}
    assert tried | stops | skeletons == set(EXAMPLES)
