"""The service's own example bodies have the findings that agora-api.md 12 lists, and no others."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.spec.rules.rule import Body
from reconciler.spec.rules.table import findings
from reconciler.spec.wire import Json, Mode
from tests.spec.rules import bodies

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))]

FRAGMENTS: dict[str, tuple[str, ...]] = {
    "storageConfig": ("storageConfig",),
    "transcodingConfig": ("recordingConfig", "transcodingConfig"),
}
JUDGED = ("start", "acquire", *FRAGMENTS)


def test_all_34_examples_are_here() -> None:
    assert {example["id"] for example in EXAMPLES} == {f"E{number}" for number in range(1, 35)}


@pytest.mark.parametrize(
    ("example", "mode"),
    [
        pytest.param(example, Mode(mode), id=f"{example['id']}-{mode}")
        for example in EXAMPLES
        if example["call"] in JUDGED and "skeleton" not in example
        for mode in example["findings"]
    ],
)
def test_an_example_has_the_documented_findings(example: dict[str, Any], mode: Mode) -> None:
    judged = findings(_body(example, mode))
    assert {rule.id for rule, _ in judged} == set(example["findings"][mode])


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if each["call"] in ("start", "acquire") and "skeleton" in each],
    ids=lambda example: str(example["id"]),
)
def test_a_skeleton_has_no_unknown_key(example: dict[str, Any], mode: Mode) -> None:
    assert "C9" not in {rule.id for rule, _ in findings(_body(example, mode))}


def _body(example: dict[str, Any], mode: Mode) -> Body:
    content = example["body"]
    if example["call"] in FRAGMENTS:
        return bodies.with_value(bodies.body(mode), FRAGMENTS[example["call"]], content)
    request: dict[str, Json] = content["clientRequest"]
    acquire: dict[str, Json] = {}
    if example["call"] == "acquire":
        acquire = {key: item for key, item in request.items() if key != "startParameter"}
        request = content["clientRequest"].get("startParameter", bodies.REQUESTS[mode])
    uid = content["uid"]
    return Body(mode, content["cname"], (uid,), acquire, request, bodies.NOW_S)
