import json
from copy import deepcopy
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.plan.action import SECRET_SHOWN
from reconciler.plan.applied import Applied, Seal, Sealed
from reconciler.plan.compare import APP_SHOWN, OTHER_APP_SHOWN, compare
from reconciler.plan.parts import named, with_group
from reconciler.plan.view import view
from reconciler.plan.world import Comparison
from reconciler.spec import mapping
from reconciler.spec.groups import Group
from reconciler.spec.mapping import Change, Field
from reconciler.spec.wire import Mode
from reconciler.spec.wire import Path as WirePath
from tests.laws.worlds import COMMON, Spec, recordings
from tests.plan.sealing import compiled, sealed, spec_of
from tests.plan.sealing import given as applied_of

CASES = [
    (file.stem, case)
    for file in sorted((Path(__file__).parent / "compare_cases").glob("*.yaml"))
    for case in YAML(typ="safe").load(file.read_text(encoding="utf-8"))
]


def told(found: Comparison) -> list[list[Any]]:
    return [[each.path, each.before, each.after, str(each.effect)] for each in found.changes]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for _, case in CASES])
def test_a_case_of_the_tables(case: dict[str, Any]) -> None:
    mode = case.get("mode", "mix")
    applied = sealed(compiled(spec_of(mode, case["applied"])), case.get("applied_values"))
    desired = compiled(spec_of(mode, case["desired"]))
    found = compare(
        applied,
        sealed(desired, case.get("desired_values")),
        group_derived=desired.group_derived,
    )
    assert told(found) == case.get("changes", [])
    assert list(map(str, found.groups)) == case.get("groups", [])
    assert found.replaces is case.get("replaces", False)
    assert [list(warning) for warning in found.warnings] == case.get("warnings", [])


# Every row of the mapping table

KEYS = {"key": {"env": "K"}, "salt": {"env": "L"}}
USER = {"uid": 5, "image": "https://a.b/c.jpg", "fit": "crop"}
REGION = {"uid": 6, "x": 0, "y": 0, "width": 0.5, "height": 0.5, "alpha": 0.5, "fit": "crop"}
PICTURES = {"color": "#010203", "image": "https://a.b/c.jpg", "userImage": "https://a.b/c.jpg"}
VOD = ("description", "coverUrl", "tags", "templateGroupId", "userData", "storageLocation")
VOD_KEYS = {"accessKey": {"env": "VA"}, "secretKey": {"env": "VS"}, "region": "cn-shanghai"}
STORE = {"stsToken": {"env": "T"}, "stsExpiration": {"env": "E"}, "prefix": "a", "sse": "kms"}
PLACE = {"region": "NA", "resourceExpiry": "70h", "storage": {**STORE, "tag": "t"}}
CHANNEL = {
    **PLACE,
    "token": {"env": "T"},
    "streams": "audio-video",
    "videoStream": "low",
    "encryption": {"mode": "aes-256-gcm2", **KEYS},
}
RICH: list[tuple[str, Spec]] = [
    (
        "mix",
        {
            **CHANNEL,
            "audioProfile": 1,
            "video": {"width": 640, "height": 480, "fps": 30, "bitrate": 900},
            "layout": {
                "type": "custom",
                "background": {**PICTURES, "users": [USER]},
                "regions": [REGION],
            },
            "vod": {**VOD_KEYS, **dict.fromkeys((*VOD, "title", "workflowId"), "x")}
            | {"categoryId": "1"},
        },
    ),
    ("mix", {"layout": {"type": "vertical", "focusUid": 9}}),
    (
        "individual",
        {
            **CHANNEL,
            "streamMode": "standard",
            "snapshots": {"interval": "20s"},
            "postProcessing": {"transcode": {"format": "mp4"}},
            "subscriptions": {"group": 2},
        },
    ),
    (
        "individual",
        {
            "streams": "audio",
            "streamMode": "original",
            "postProcessing": {
                "mixAudio": {"format": "m4a", "sampleRate": 32000, "bitrate": 48000, "channels": 1}
            },
        },
    ),
    (
        "web",
        {
            **PLACE,
            "web": {
                "width": 640,
                "height": 480,
                "fps": 20,
                "bitrate": 800,
                "audioProfile": 1,
                "mobile": True,
                "fileDuration": "60m",
                "readyTimeout": "5s",
                "paused": True,
                "rtmp": {"env": "R"},
            },
        },
    ),
    ("web", {"storage": {"vendor": "s3-compatible", "region": None, "endpoint": "a.example"}}),
]
ROWS = [(row.path, row) for row in mapping.FIELDS] + [
    (f"storage.{row.path}", row) for row in mapping.STORAGE_FIELDS
]


def rich(path: str, row: Field) -> Applied:
    """Return a configuration that says the field."""
    for mode, spec in RICH:
        applied = applied_of(mode, spec)
        block = path.rpartition(".")[0] if path.startswith("postProcessing.") else ""
        is_block = not block or _at(view(applied), tuple(block.split("."))) is not None
        if Mode(mode) in row.modes and is_block and _at(named(applied), row.wire) is not None:
            return applied
    raise AssertionError(path)


def _at(tree: Any, wire: WirePath) -> Any:
    for step in wire:
        index = 0 if step == mapping.EACH else step
        try:
            tree = tree[index]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def changed(applied: Applied, row: Field) -> Applied:
    """Return the configuration with another value there, which the field can have."""
    other = deepcopy(applied)
    other.request["acquire"] = other.acquire
    parent: Any = reduce(inside, row.wire[:-1], other.request)
    parent[row.wire[-1]] = another(parent[row.wire[-1]], row)
    del other.request["acquire"]
    return other


def inside(node: Any, step: Any) -> Any:
    """Step into a mapping, a named service, or a list's first item."""
    if isinstance(node, list):
        return next((each for each in node if each.get("serviceName") == step), node[0])
    return node[step]


def another(value: Any, row: Field) -> Any:
    if isinstance(value, Sealed):
        return Sealed(value.secret, Seal(value.seal.key_id, "another"))
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value, "x"]
    if isinstance(value, str):
        return f"{value}0"
    for candidate in (value + 1, value - 1, value / 2):
        try:
            row.codec.decode(candidate)
        except (KeyError, TypeError):
            continue
        return candidate
    raise AssertionError(row.path)


@pytest.mark.parametrize(("path", "row"), [pytest.param(*each, id=each[0]) for each in ROWS])
def test_every_field_changes_as_the_table_says(path: str, row: Field) -> None:
    applied = rich(path, row)
    desired = changed(applied, row)
    found = compare(applied, desired, group_derived=False)
    if row.change is Change.LOCAL:
        assert found == Comparison()
        return
    assert found.changes
    place = path.partition("[")[0]
    assert all(f"{each.path}[".startswith((f"{place}[", f"{place}.")) for each in found.changes)
    assert {each.effect for each in found.changes} == {row.change}
    assert found.replaces is (row.change is Change.REPLACE)
    assert bool(found.groups) is not found.replaces
    assert all(each.before != each.after or each.after == SECRET_SHOWN for each in found.changes)


def test_what_the_format_cannot_say_is_a_replacement() -> None:
    applied = applied_of("mix", {})
    desired = deepcopy(applied)
    desired.request["recordingConfig"]["brandNew"] = {"a": [1, {"b": 2}]}
    found = compare(applied, desired, group_derived=False)
    expected = [["raw.recordingConfig.brandNew.a", None, [1, {"b": 2}], "replace"]]
    assert (told(found), found.replaces) == (expected, True)


# What is no field


def test_another_mode_is_a_replacement() -> None:
    found = compare(applied_of("individual", {}), applied_of("mix", {}), group_derived=False)
    assert ["mode", "individual", "mix", "replace"] in told(found)
    assert (found.replaces, found.groups) == (True, ())


def test_another_app_id_is_a_replacement_and_is_not_shown() -> None:
    applied = applied_of("mix", {})
    desired = replace(applied, app_key="other")
    found = compare(applied, desired, group_derived=False)
    assert told(found) == [["app", APP_SHOWN, OTHER_APP_SHOWN, "replace"]]
    assert compare(applied, replace(applied, app_key=""), group_derived=False) == Comparison()


def test_seals_of_another_key_are_taken_as_unchanged() -> None:
    desired = compiled(spec_of("mix", {"raw": {"a": "b"}}))
    found = compare(sealed(desired), sealed(desired, key_id="k2"), group_derived=False)
    assert found.changes == ()
    assert {code for code, _ in found.warnings} == {"hash-key-changed"}
    named_places = [message.split("`")[-2] for _, message in found.warnings]
    assert named_places == ["storage.accessKey", "storage.secretKey", "raw"]


def test_a_settled_group_has_no_change() -> None:
    applied, desired = (
        applied_of("mix", {"layout": {"background": {"color": color}}, "subscriptions": heard})
        for color, heard in (("#000001", {"audio": [1]}), ("#000002", {"audio": [2]}))
    )
    found = compare(applied, desired, group_derived=False, settled=frozenset({Group.LAYOUT}))
    assert [each.path for each in found.changes] == ["subscriptions.audio"]


# Laws

COMMON_FIELDS = {*COMMON, "storage"} - {"raw"}
FEW = settings(max_examples=25, deadline=None)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Applied, Applied]:
    """Return two configurations, of one mode mostly, that have some of their fields in common."""
    one, other = (draw(recordings())["spec"] for _ in range(2))
    shared = other if one["mode"] == other["mode"] else COMMON_FIELDS
    mixed = {**one, **{key: other[key] for key in other if key in shared and draw(st.booleans())}}
    if "snapshots" in mixed:  # see `recordings`
        mixed.pop("subscriptions", None)
    second = draw(st.sampled_from([mixed, mixed, mixed, other]))
    first, last = (compiled({**each, "channel": "c"}) for each in (one, second))
    values = draw(st.dictionaries(st.sampled_from(["A", "S", "a", "0"]), st.just("x")))
    return sealed(first), sealed(last, values)


def text_of(applied: Applied) -> str:
    return json.dumps(view(applied), sort_keys=True, default=lambda leaf: leaf.seal.mark)


@FEW
@given(pair=pairs())
def test_nothing_differs_from_itself(pair: tuple[Applied, Applied]) -> None:
    for each in pair:
        assert compare(each, deepcopy(each), group_derived=False) == Comparison()


@FEW
@given(pair=pairs())
def test_what_differs_is_told_and_nothing_else(pair: tuple[Applied, Applied]) -> None:
    one, other = pair
    found = compare(one, other, group_derived=False)
    back = compare(other, one, group_derived=False)
    assert bool(found.changes) is (text_of(one) != text_of(other))
    assert [each.path for each in back.changes] == [each.path for each in found.changes]
    assert all(each.path for each in found.changes)
    json.dumps([[each.before, each.after] for each in found.changes])


@FEW
@given(pair=pairs())
def test_after_all_groups_only_what_takes_a_replacement_is_left(
    pair: tuple[Applied, Applied],
) -> None:
    applied, desired = pair
    found = compare(applied, desired, group_derived=False)
    for group in Group if applied.mode == desired.mode else ():
        applied = with_group(applied, desired, group)
    left = compare(applied, desired, group_derived=False)
    assert {each.effect for each in left.changes} <= {Change.REPLACE}
    replacing = [each for each in found.changes if each.effect is Change.REPLACE]
    assert [each.path for each in left.changes] == [each.path for each in replacing]
