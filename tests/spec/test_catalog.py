import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from reconciler.diagnostics import ordered
from reconciler.spec.catalog import SHARED_FILES_MIN, Catalog, read_catalog
from reconciler.spec.desired import Desired
from reconciler.spec.kinds.individual import IndividualSpec
from reconciler.spec.kinds.mix import MixSpec
from reconciler.spec.kinds.storage import StorageSpec
from reconciler.spec.kinds.web import WebPageSpec, WebSpec
from reconciler.spec.load import Files
from tests.spec.support import (
    APP,
    SHARED,
    STORAGE,
    desired,
    manifest,
    one,
    read,
    recording,
    said,
    setting,
    write,
)


def sound(catalog: Catalog) -> set[str]:
    return {entry.name for entry in catalog.entries if entry.digest}


# All problems in one run


def test_all_problems_of_all_files_are_told_in_order(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "b/late.yaml": recording("late", "replicas: 9\nuid: x"),
        "a.yaml": f"{recording('A')}---\nkind: Recording\nname: x\n---\n{SHARED}",
        "b.yaml": "a: [\n",
        "c.yml": STORAGE,
        "d.yaml": f"# c\n{recording('d', 'storage: nowhere').replace('  storage: archive', '')}",
        "e.yaml": recording("late"),
        "f.yaml": b"\xff",
    }
    found = read(write(tmp_path, files))
    assert said(found.diagnostics) == [
        "a.yaml:3:18 name metadata.name",
        "a.yaml:10:1 missing apiVersion",
        "a.yaml:10:1 missing metadata",
        "a.yaml:10:1 missing spec",
        "a.yaml:11:1 unknown-key name",
        "b.yaml:2:1 yaml",
        "late.yaml:9:13 replicas spec.replicas",
        "late.yaml:10:8 uid spec.uid",
        "c.yml:3:18 duplicate-name metadata.name",
        "d.yaml:10:12 reference spec.storage",
        "e.yaml:3:18 duplicate-name metadata.name",
        "f.yaml:1:1 encoding",
    ]
    assert ordered(reversed(found.diagnostics)) == found.diagnostics
    assert (found.errors, found.warnings) == (12, 0)


def test_all_mistakes_of_one_recording_are_told(tmp_path: Path) -> None:
    spec = "mode: mix\nchanel: c\nuid: 0\nmaxIdle: 1s\nstorage: {vendor: aws}\nfiles: [hls, mp5]\n"
    more = "audioProfile: 7\npolicy: {protect: 1, manage: x}\nlayout: {type: best-fit, focusUid: 3}"
    found = read(write(tmp_path, {"a.yaml": manifest("Recording", "A", spec + more)}))
    assert {diagnostic.path for diagnostic in found.diagnostics} == {
        *("metadata.name", "spec.chanel", "spec.uid", "spec.maxIdle", "spec.storage.bucket"),
        *("spec.files", "spec.audioProfile", "spec.policy.protect", "spec.policy.manage"),
        *("spec.layout.focusUid", "spec.channelProfile", "spec.storage.region"),
        *("spec.storage.accessKey", "spec.storage.secretKey"),
    }


def test_sound_manifests_are_used_beside_broken_ones(tmp_path: Path) -> None:
    text = f"{recording('a')}---\n{recording('b', 'replicas: 9')}---\n{recording('c')}---\n{SHARED}"
    found = read(write(tmp_path, {"a.yaml": text}))
    assert sound(found) == {"a", "c"}
    assert list(desired(found)) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="Expecting value"):
        found.entries[1].desired()


def test_entries_stand_in_order_of_name_and_say_where_they_are(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "b.yaml": f"{SHARED}---\n{recording('b', 'uid: 7')}",
        "a.yaml": f"{recording('c')}---\n{recording('a', 'backupUids: [8]')}",
    }
    found = read(write(tmp_path, files))
    rows = [(entry.name, Path(entry.file).name, entry.document) for entry in found.entries]
    assert rows == [("a", "a.yaml", 1), ("b", "b.yaml", 2), ("c", "a.yaml", 0)]
    assert [entry.uids for entry in found.entries] == [("8",), ("7",), ()]
    assert {(entry.app, entry.channel) for entry in found.entries} == {("default", "c")}


# What may exist though nobody could read it


@pytest.mark.parametrize(
    "text",
    [
        "a: [\n",
        "- a\n",
        "kind: Recording\n",
        recording("A"),
        recording("a").replace("kind: Recording", "kind: Recoding"),
        recording("a").replace("kind: Recording\n", ""),
        manifest("RecordingSet", "s", "generators: []\nrecording: {}"),
        manifest("RecordingSet", "s", "generators: [{list: [{}]}]\nrecording: {spec: {}}"),
    ],
)
def test_a_catalog_is_incomplete_where_a_recording_may_be_unnamed(
    tmp_path: Path, text: str
) -> None:
    found = read(write(tmp_path, {"a.yaml": text, "b.yaml": SHARED}))
    assert found.errors
    assert not found.complete


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n",
        recording("a", "replicas: 9"),
        recording("a").replace("v1", "v2"),
        manifest("Recording", "a", ""),
        recording("a", "template: none"),
        manifest("Storage", "S", "vendor: x"),
        manifest("Template", "t", "maxIdle: 1x"),
        f"{recording('a')}---\n{recording('a')}",
    ],
)
def test_a_catalog_is_complete_where_every_recording_has_a_name(tmp_path: Path, text: str) -> None:
    found = read(write(tmp_path, {"a.yaml": text, "b.yaml": SHARED}))
    assert found.complete
    assert sound(found) == set()


def test_a_missing_path_leaves_the_catalog_incomplete(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": f"{recording('a')}---\n{SHARED}"})
    found = read(tmp_path, None, None, "a.yaml", "b.yaml")
    assert (sound(found), found.complete) == ({"a"}, False)


# What two manifests claim


def test_of_two_with_one_name_none_is_used(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        name: recording("a") for name in ("a.yaml", "b.yaml", "c.yaml")
    }
    found = read(write(tmp_path, {**files, "d.yaml": f"{recording('b')}---\n{SHARED}"}))
    assert said(found.diagnostics) == [
        "b.yaml:3:18 duplicate-name metadata.name",
        "c.yaml:3:18 duplicate-name metadata.name",
    ]
    assert sound(found) == {"b"}


@pytest.mark.parametrize("kind", ["Storage", "Template", "App"])
def test_nobody_uses_a_name_that_two_have(tmp_path: Path, kind: str) -> None:
    template = manifest("Template", "base", "maxIdle: 7s")
    shared = {"Storage": STORAGE, "Template": template, "App": APP}
    files: dict[str, str | bytes] = {f"{name}.yaml": text for name, text in shared.items()}
    own = recording("a", "template: base")
    found = read(write(tmp_path, {**files, "again.yaml": shared[kind], "own.yaml": own}))
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["duplicate-name"]
    assert sound(found) == ({"a"} if kind == "App" else set())


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("uid: 7", "uid: 7", "b.yaml:9:8 uid-clash spec.uid"),
        ("uid: 7", 'uid: "7"', "b.yaml:9:8 uid-clash spec.uid"),
        ("backupUids: [7]", "uid: 7", "b.yaml:9:8 uid-clash spec.uid"),
        ("uid: 7", "uid: 8\nbackupUids: [9, 7]", "b.yaml:10:19 uid-clash spec.backupUids[1]"),
        ("uid: 7", "uid: 8", ""),
        ("uid: 7", "", ""),
    ],
)
def test_one_uid_serves_one_recording_of_a_channel(
    tmp_path: Path, first: str, second: str, clash: str
) -> None:
    files = {"a.yaml": recording("a", first), "b.yaml": recording("b", second), "c.yaml": SHARED}
    found = read(write(tmp_path, files))
    assert said(found.diagnostics) == ([clash] if clash else [])
    assert sound(found) == (set() if clash else {"a", "b"})


def test_a_uid_may_serve_on_another_channel_or_app(tmp_path: Path) -> None:
    second = APP.replace("default", "second")
    other = recording("b", "uid: 7").replace("channel: c", "channel: d")
    third = recording("c", "uid: 7\napp: second")
    text = "---\n".join([recording("a", "uid: 7"), other, third, second, SHARED])
    assert sound(read(write(tmp_path, {"a.yaml": text}))) == {"a", "b", "c"}


# Which App


@pytest.mark.parametrize(
    ("apps", "own", "expected"),
    [
        ([], "", "default"),
        (["default"], "", "default"),
        (["only"], "", "only"),
        (["one", "default"], "", "default"),
        (["one", "two"], "app: two", "two"),
        (["one", "two"], "", None),
        (["one"], "app: two", None),
        (["one"], "app: default", None),
    ],
)
def test_a_recording_belongs_to_one_app(
    tmp_path: Path, apps: list[str], own: str, expected: str | None
) -> None:
    documents = [APP.replace("name: default", f"name: {name}") for name in apps]
    text = "---\n".join([*documents, STORAGE, recording("a", own)])
    found = read(write(tmp_path, {"a.yaml": text}))
    assert [entry.app for entry in found.entries] == [expected or ""]
    assert (
        [diagnostic.code for diagnostic in found.diagnostics] == [] if expected else ["reference"]
    )


# No order matters

MANIFESTS: list[dict[str, Any]] = [
    {"kind": "App", "metadata": {"name": "one"}, "spec": {
        "appId": "x", "credentials": {"customerId": {"env": "I"}, "customerSecret": {"env": "S"}}}},
    {"kind": "Storage", "metadata": {"name": "archive"}, "spec": {
        "vendor": "aws", "region": "us-east-1", "bucket": "b", "prefix": "p",
        "accessKey": {"env": "A"}, "secretKey": {"env": "S"}}},
    {"kind": "Template", "metadata": {"name": "base"}, "spec": {
        "channelProfile": "live", "storage": "archive", "template": "deep",
        "policy": {"protect": True, "ignore": ["maxIdle", "files"]}}},
    {"kind": "Template", "metadata": {"name": "deep"}, "spec": {"maxIdle": "7s", "region": "EU"}},
    {"kind": "Recording", "metadata": {"name": "a", "labels": {"x": "1", "y": "2"}}, "spec": {
        "template": ["deep", "base"], "mode": "mix", "channel": "${var.a}", "uid": 7,
        "region": None, "layout": {"type": "custom", "regions": [
            {"x": 0, "y": 0, "width": 0.5, "height": 1},
            {"x": 0.5, "y": 0, "width": 0.5, "height": 1}]},
        "schedule": [{"cron": "0 9 * * *", "duration": "1h", "timezone": "UTC"}]}},
    {"kind": "Recording", "metadata": {"name": "b"}, "spec": {
        "template": "base", "mode": "individual", "channel": "c", "streamMode": "standard",
        "subscriptions": {"audio": [1, 2, 3], "video": {"except": [4]}, "group": 2},
        "raw": {"recordingConfig": {"maxIdleTime": 9}}}},
    {"kind": "RecordingSet", "metadata": {"name": "set"}, "spec": {
        "generators": [{"matrix": {"x": ["p", "q"], "y": [1, 2]}}, {"list": [{"x": "r", "y": 3}]}],
        "recording": {"metadata": {"name": "${x}-${y}"}, "spec": {
            "template": "base", "mode": "mix", "channel": "${x}", "uid": "1${y}"}}}},
]  # fmt: skip


def shuffled_keys(draw: st.DrawFn, tree: Any) -> Any:
    if isinstance(tree, dict):
        keys = draw(st.permutations(list(tree)))
        # The order of a matrix is the order of what it makes, not of a mapping.
        return {key: shuffled_keys(draw, tree[key]) for key in keys}
    return [shuffled_keys(draw, item) for item in tree] if isinstance(tree, list) else tree


@st.composite
def any_order(draw: st.DrawFn) -> dict[str, str]:
    """Return files with the manifests in any order of files, documents and keys."""
    files: dict[str, list[str]] = {}
    for tree in draw(st.permutations(MANIFESTS)):
        name = draw(st.sampled_from(["a.yaml", "b.yml", "c.yaml", "z.yaml"]))
        text = json.dumps(shuffled_keys(draw, {"apiVersion": "reconciler/v1", **tree}))
        files.setdefault(name, []).append(text)
    return {name: "\n---\n".join(texts) for name, texts in files.items()}


def read_one_after_the_other(*versions: dict[str, str]) -> Iterator[Catalog]:
    """Read several versions of one folder, where references to secrets start."""
    with tempfile.TemporaryDirectory() as folder:
        for files in versions:
            yield read(write(Path(folder), dict(files)), setting(a="x"))
            for name in files:
                (Path(folder) / name).unlink()


@given(any_order())
def test_no_order_changes_what_is_desired(files: dict[str, str]) -> None:
    texts = (json.dumps({"apiVersion": "reconciler/v1", **tree}) for tree in MANIFESTS)
    whole = {"a.yaml": "\n---\n".join(texts)}
    expected, found = read_one_after_the_other(whole, files)
    assert desired(found) == desired(expected)
    assert len(sound(found)) == 7
    assert [entry.digest for entry in found.entries] == [entry.digest for entry in expected.entries]
    assert {(problem.code, problem.path, problem.message) for problem in found.diagnostics} == {
        (problem.code, problem.path, problem.message) for problem in expected.diagnostics
    }


def test_paths_in_any_order_say_the_same(tmp_path: Path) -> None:
    files = {"a.yaml": recording("a", "replicas: 9"), "b.yaml": recording("b"), "c.yaml": SHARED}
    write(tmp_path, files)
    first, second = (read(tmp_path, None, None, *names) for names in (files, sorted(files)[::-1]))
    assert first == second


# Defaults


def written_out(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a model takes for unsaid, but for what is none, as a user would write it."""
    tree: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        default = field.default
        if isinstance(default, BaseModel):
            tree[field.alias or name] = written_out(type(default))
        elif not field.is_required() and default is not None and name != "template":
            tree[field.alias or name] = list(default) if isinstance(default, tuple) else default
    return tree


STORE = {
    "vendor": "aws",
    "region": 0,
    "bucket": "b",
    "accessKey": {"env": "A"},
    "secretKey": {"env": "S"},
}
MINIMAL: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "mix": (MixSpec, {"channelProfile": "live"}),
    "individual": (IndividualSpec, {"channelProfile": "live", "subscriptions": {"group": 5}}),
    "web": (WebSpec, {"web": {"url": "https://a.b/", "maxDuration": "2h"}}),
}


@pytest.mark.parametrize("mode", MINIMAL)
def test_defaults_of_the_format_written_out_change_nothing(tmp_path: Path, mode: str) -> None:
    model, own = MINIMAL[mode]
    spec = {"mode": mode, "channel": "c", "storage": STORE, **own}
    defaults = written_out(model)
    if "web" in own:
        defaults["web"] = {**written_out(WebPageSpec), **own["web"]}
    if "subscriptions" in own:
        defaults["subscriptions"] |= own["subscriptions"]
    storage = {**written_out(StorageSpec), **STORE}
    assert len(defaults) >= 6
    first, second = (
        desire(tmp_path, tree) for tree in (spec, {**spec, **defaults, "storage": storage})
    )
    assert first == second


def desire(folder: Path, spec: dict[str, Any]) -> Desired:
    tree = {"kind": "Recording", "metadata": {"name": "a"}, "spec": spec}
    text = json.dumps({"apiVersion": "reconciler/v1", **tree})
    return one(read(write(folder, {"a.yaml": text})))


# Kinds that do not look like it


@pytest.mark.parametrize(
    "kind",
    ["!!str Storage", "&a Storage", "\n  Storage", '"\\x53torage"', ">-\n  Storage\n"],
)
def test_a_definition_is_found_however_its_kind_is_written(tmp_path: Path, kind: str) -> None:
    storage = STORAGE.replace("kind: Storage", f"kind: {kind}")
    files: dict[str, str | bytes] = {"a.yaml": recording("a"), "b.yaml": storage, "c.yaml": APP}
    assert sound(read(write(tmp_path, files))) == {"a"}


def test_many_files_are_shared_among_processes(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        f"{number:03}.yaml": recording(f"r{number}", "replicas: 9" if number % 10 == 0 else "")
        for number in range(SHARED_FILES_MIN + 10)
    }
    late = STORAGE.replace("kind: Storage", "kind: !!str Storage")
    write(tmp_path, {**files, "050-late.yaml": late, "app.yaml": APP, "x.yaml": "a: ["})
    alone = read(tmp_path)
    together = read_catalog(Files([str(tmp_path)]), setting(), workers=2)
    assert together == alone
    assert desired(together) == desired(alone)
    assert len(sound(together)) == 99
