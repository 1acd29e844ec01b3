"""The service's own examples as input: converted, applied over HTTP, read back from the session.

What an example says is what the session has, beside the defaults that the documents give
(`examples_applied.yaml`). Secrets are compared by their fingerprints.
"""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from reconciler.spec.convert import Wish, convert, take_apart
from reconciler.spec.emit import to_yaml
from reconciler.spec.wire import Mode
from tests.crash.support import Scene, Simulated
from tests.spec.support import NOW_S
from tests.spec.test_examples import CONSTANTS, EXAMPLES, STARTS, without

DATA: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_name("examples_applied.yaml"))
SECRETS = {"token", "secretKey"}
PAGE = "web_recorder_service"


def want(scene: Scene, body: Any, mode: str) -> None:
    """Let a start request be all that is wanted, its secrets in the environment."""
    asked, problems = take_apart(body, None, None)
    assert asked is not None, problems
    converted = convert(asked, Wish(Mode(mode), "example", inline_secrets=False, now_s=NOW_S))
    (scene.specs / "recordings.yaml").write_text(to_yaml(converted.manifests), encoding="utf-8")
    for variable, path in converted.secrets:
        scene.environ[variable] = at(body, path)


def at(tree: Any, path: str) -> str:
    for key in path.split("."):
        tree = tree[int(key) if isinstance(tree, list) else key]
    return str(tree)


def session_of(service: Simulated) -> Any:
    """Return the one session there is, as the simulator shows it."""
    (session,) = service.live()
    return httpx.get(f"{service.url}/_sim/sessions/{session['sid']}").json()


def effective(body: Any, mode: str) -> Any:
    """Return the configuration that a start request asks for, and what is documented beside it."""
    request: Any = copy.deepcopy(without(body["clientRequest"], CONSTANTS))
    if request.get("token") == "" or mode == "web":
        request.pop("token", None)
    if mode != "web":
        request["recordingConfig"] = recording_config(request["recordingConfig"], mode)
    if "snapshotConfig" in request:
        request["snapshotConfig"] = DATA["snapshots"] | request["snapshotConfig"]
    else:
        request = DATA["files"] | request
    if "appsCollection" in request:
        request.setdefault("transcodeOptions", DATA["postponed"])
    for entry in request.get("extensionServiceConfig", {}).get("extensionServices", []):
        if entry["serviceName"] == PAGE:
            entry["serviceParam"] = DATA["page"] | entry["serviceParam"]
    return hidden(request)


def recording_config(said: dict[str, Any], mode: str) -> dict[str, Any]:
    known = {key: value for key, value in said.items() if key not in DATA["foreign"][mode]}
    defaults: dict[str, Any] = DATA["defaults"][mode]["recordingConfig"]
    whole = defaults | known
    if "transcodingConfig" in defaults:
        whole["transcodingConfig"] = defaults["transcodingConfig"] | known.get(
            "transcodingConfig", {}
        )
    return whole


def hidden(tree: Any) -> Any:
    """Return a tree with the fingerprint of each secret in its place (docs/simulator.md)."""
    if isinstance(tree, dict):
        return {
            key: fingerprint(value) if key in SECRETS else hidden(value)
            for key, value in tree.items()
        }
    return [hidden(item) for item in tree] if isinstance(tree, list) else tree


def fingerprint(value: str) -> str:
    return f"sha256:{hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]}"


@pytest.mark.parametrize(("name", "mode"), STARTS)
def test_a_session_has_what_the_example_says_and_the_documented_defaults(
    name: str, mode: str, new_scene: Callable[[], Scene]
) -> None:
    scene, body = new_scene(), EXAMPLES[name]["body"]
    want(scene, body, mode)
    ran = scene.apply()
    assert ran.code == 0, ran.err
    session = session_of(scene.service)
    assert (session["cname"], session["uid"], session["mode"]) == (body["cname"], body["uid"], mode)
    assert session["config"] == effective(body, mode)


@pytest.mark.parametrize(("name", "mode"), STARTS)
def test_once_applied_an_example_is_in_sync(
    name: str, mode: str, new_scene: Callable[[], Scene]
) -> None:
    scene = new_scene()
    want(scene, EXAMPLES[name]["body"], mode)
    assert scene.apply().code == 0
    before = scene.service.changes()
    (action,) = scene.plan("--format", "json").json["actions"]
    assert (action["action"], action["reason"]) == ("none", "in-sync")
    assert scene.apply().code == 0
    assert scene.service.changes() == before


def test_every_example_of_a_start_is_applied_or_said_why_not() -> None:
    starts = {name for name, each in EXAMPLES.items() if each["call"].startswith("start")}
    assert {name for name, _ in STARTS} | set(DATA["not_applied"]) == starts


@pytest.mark.parametrize("name", DATA["not_applied"])
def test_what_is_not_applied_is_a_skeleton_that_convert_refuses(name: str) -> None:
    example = EXAMPLES[name]
    assert example["skeleton"]
    for mode in Mode:
        asked, _ = take_apart(example["body"], None, None)
        assert asked is not None
        wish = Wish(mode, "example", inline_secrets=False, now_s=NOW_S)
        assert convert(asked, wish).manifests == ()
