"""What once went wrong, each named after what a user saw."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.diagnostics import Severity
from reconciler.spec.cache import open_cache
from reconciler.spec.convert import Converted, Wish, convert, take_apart
from reconciler.spec.desired import start_body
from reconciler.spec.emit import to_yaml
from reconciler.spec.groups import Group, group_requests
from reconciler.spec.wire import Mode
from tests.spec.support import (
    APP,
    NOW_S,
    SHARED,
    STORAGE,
    manifest,
    one,
    read,
    recording,
    said,
    setting,
    write,
)


def load(folder: Path, text: str, **variables: Any) -> Any:
    write(folder, {"a.yaml": text, "shared.yaml": SHARED})
    return read(folder, setting(**variables))


def request_of(folder: Path, text: str) -> Any:
    return start_body(one(load(folder, text)), "1")["clientRequest"]


def test_two_files_whose_names_are_no_text_are_two_files(tmp_path: Path) -> None:
    for name, recorded in ((b"a\xff.yaml", "a"), (b"a\xfe.yaml", "b")):
        text = recording(recorded).replace("channel: c", f"channel: {recorded}")
        (tmp_path / name.decode(errors="surrogateescape")).write_text(text)
    write(tmp_path, {"shared.yaml": SHARED})
    assert [entry.name for entry in read(tmp_path).entries] == ["a", "b"]


@pytest.mark.parametrize(
    ("streams", "chosen", "group"),
    [
        ("audio-video", "{audio: none, video: [1, 2]}", 0),
        ("audio-video", "{audio: [1, 2, 3], video: none}", 1),
        ("audio-video", "{audio: [1], video: [2, 3]}", 1),
        ("audio", "{audio: [1, 2, 3]}", 1),
    ],
)
def test_the_group_is_derived_from_the_media_that_are_subscribed(
    tmp_path: Path, streams: str, chosen: str, group: int
) -> None:
    spec = "mode: individual\nchannel: c\nstorage: archive\nchannelProfile: live\n"
    more = f"streams: {streams}\nsubscriptions: {chosen}\n"
    request = request_of(tmp_path, manifest("Recording", "a", spec + more))
    assert request["recordingConfig"]["subscribeUidGroup"] == group


@pytest.mark.parametrize("vendor", ["azure", "google"])
def test_a_vendor_without_regions_gets_region_0(tmp_path: Path, vendor: str) -> None:
    inline = (
        f"{{vendor: {vendor}, region: 3, bucket: b, accessKey: {{env: A}}, secretKey: {{env: S}}}}"
    )
    spec = f"mode: mix\nchannel: c\nchannelProfile: live\nstorage: {inline}\n"
    request = request_of(tmp_path, manifest("Recording", "a", spec))
    assert request["storageConfig"]["region"] == 0


def test_temporary_keys_of_a_program_are_asked_for_where_they_are_known(tmp_path: Path) -> None:
    for vendor, region, known in (("aws", "us-east-1", True), ("google", "0", False)):
        inline = f"{{vendor: {vendor}, region: {region}, bucket: b, credentials: {{exec: [k]}}}}"
        spec = f"mode: mix\nchannel: c\nchannelProfile: live\nstorage: {inline}\n"
        request = request_of(tmp_path, manifest("Recording", "a", spec))
        assert ("stsToken" in request["storageConfig"]) is known


HIDDEN = [
    (
        "layout: {background: {image: 'ftp://a/b.jpg', userImage: 'ftp://a', users: [{uid: 1}]}}",
        {"background.image", "background.userImage", "background.users[0].image"},
    ),
    (
        """\
layout:
  type: custom
  regions:
    - {x: 0, y: 0, width: 2, height: 1}
    - {x: a, y: 0, width: 1, height: 1}
    - {x: 0, y: 0, width: 3, height: 1}
""",
        {"regions[0].width", "regions[1].x", "regions[2].width"},
    ),
    (
        f"uid: 5\nsubscriptions: {{audio: [5, 0], video: {list(range(10, 49))}}}",
        {"audio[0]", "audio[1]", "video"},
    ),
]


@pytest.mark.parametrize(("spec", "paths"), HIDDEN)
def test_an_unreadable_value_hides_no_other_mistake(
    tmp_path: Path, spec: str, paths: set[str]
) -> None:
    found = load(tmp_path, recording("a", spec)).diagnostics
    errors = {each.path for each in found if each.severity is Severity.ERROR}
    assert {path.split(".", 2)[2] for path in errors} == paths


def test_more_decimals_than_are_sent_are_warned_of(tmp_path: Path) -> None:
    regions = "layout: {type: custom, regions: [{x: 0.1234567, y: 0, width: 0.5, height: 1}]}"
    catalog = load(tmp_path, recording("a", regions))
    assert [found.code for found in catalog.diagnostics] == ["layout-region"]
    request: Any = start_body(catalog.entries[0].desired(), "1")["clientRequest"]
    (region,) = request["recordingConfig"]["transcodingConfig"]["layoutConfig"]
    assert region["x_axis"] == 0.123457


def test_a_token_may_be_generated_by_an_app_that_only_the_environment_knows(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"a.yaml": recording("a", "token: generate"), "s.yaml": STORAGE})
    assert said(read(tmp_path).diagnostics) == []


def test_a_variable_may_say_what_a_document_is(tmp_path: Path) -> None:
    text = recording("a").replace("kind: Recording", "kind: ${var.kind}")
    version = text.replace("reconciler/v1", "reconciler/${var.version}")
    assert one(load(tmp_path, version, kind="Recording", version="v1")).name == "a"
    storage = STORAGE.replace("kind: Storage", "kind: ${var.kind}")
    write(tmp_path, {"a.yaml": recording("a"), "shared.yaml": APP, "storage.yaml": storage})
    assert one(read(tmp_path, setting(kind="Storage"))).name == "a"


def test_a_reference_that_yaml_spells_with_an_escape_is_one(tmp_path: Path) -> None:
    text = recording("a").replace("channel: c", r'channel: "\x24{var.c}"')
    assert one(load(tmp_path, text, c="lobby")).channel == "lobby"


def test_what_a_matrix_says_is_told_to_nobody(tmp_path: Path) -> None:
    keys = "{vendor: aws, region: us-east-1, bucket: b, accessKey: {env: A}, secretKey: '${k}'}"
    spec = (
        "generators:\n  - matrix: {n: [a], k: [LEAKLEAK]}\n"
        "recording:\n  metadata: {name: 'x-${n}'}\n"
        f"  spec: {{mode: mix, channel: c, maxIdle: 1, storage: {keys}}}\n"
    )
    write(tmp_path / "specs", {"a.yaml": manifest("RecordingSet", "s", spec), "b.yaml": APP})
    cache = open_cache({"RECONCILER_CACHE": str(tmp_path / "cache")})
    found = read(tmp_path / "specs", setting(), cache)
    assert cache is not None
    cache.flush()
    assert found.errors
    assert "LEAKLEAK" not in repr(found.diagnostics)
    stored = b"".join(file.read_bytes() for file in (tmp_path / "cache").iterdir())
    assert b"LEAKLEAK" not in stored


def test_a_hint_is_as_new_as_the_specs(tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    text = recording("a").replace("storage: archive", "storage: archiv")
    write(specs, {"a.yaml": text, "shared.yaml": SHARED})
    hints = []
    for name in ("archive", "zzz"):
        write(specs, {"shared.yaml": SHARED.replace("archive", name)})
        cache = open_cache({"RECONCILER_CACHE": str(tmp_path / "cache")})
        assert cache is not None
        hints.append(read(specs, setting(), cache).diagnostics[0].hint)
        cache.flush()
    assert hints == ["did you mean `archive`?", "there are `zzz`"]


def test_a_variable_as_a_key_is_one_mistake(tmp_path: Path) -> None:
    found = load(tmp_path, recording("a", "'${var.x}': 1"))
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["variable"]


@pytest.mark.parametrize("key", ["region: null", "uid: null", "layout: null"])
def test_null_is_no_value_where_no_template_gives_one(tmp_path: Path, key: str) -> None:
    found = load(tmp_path, recording("a", key))
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["null"]


CONFIG: dict[str, Any] = {"channelType": 1, "maxIdleTime": 30}
BUCKET = {"vendor": 1, "region": 0, "bucket": "b", "accessKey": "a", "secretKey": "s"}


def converted(mode: Mode = Mode.MIX, config: Any = CONFIG, **more: Any) -> Converted:
    request = {
        "recordingConfig": config,
        "recordingFileConfig": {"avFileType": ["hls"]},
        "storageConfig": BUCKET,
        **more,
    }
    body = {"cname": "c", "uid": "1", "clientRequest": request}
    asked, problems = take_apart(body, None, None)
    if asked is None:
        return Converted((), (), problems)
    return convert(asked, Wish(mode, "", inline_secrets=False, now_s=NOW_S))


KEPT = [
    {"config": CONFIG | {"subscribeAudioUids": []}},
    {"foo": {}, "bar": [], "baz": {"x": [{}]}},
    {"config": CONFIG | {"x": {}, "y": []}},
    {"config": CONFIG | {"transcodingConfig": {"mixedVideoLayout": 0, "maxResolutionUid": "5"}}},
    {"config": CONFIG | {"decryptionMode": 0, "secret": "s"}},
    {"foo": [{"token": f"x{number}"} for number in range(150)]},
]


@pytest.mark.parametrize("more", KEPT)
def test_what_convert_takes_is_valid_and_sends_the_same(tmp_path: Path, more: Any) -> None:
    found = converted(**more)
    assert [each.message for each in found.problems if each.severity is Severity.ERROR] == []
    write(tmp_path, {"a.yaml": to_yaml(found.manifests), "app.yaml": APP})
    catalog = read(tmp_path)
    assert catalog.errors == 0
    sent: Any = start_body(catalog.entries[0].desired(), "1")["clientRequest"]
    for key, value in more.get("config", {}).items():
        if key not in {"decryptionMode", "secret", "transcodingConfig"}:
            assert sent["recordingConfig"][key] == value
    for key in more.keys() - {"config"}:
        assert key in sent


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"foo": {"env": "HOME"}}, "secret"),
        ({"foo": [{"exec": ["rm", "-rf"]}]}, "secret"),
        ({"foo": None}, "raw"),
        ({"${a}": 1}, "key"),
        ({"foo": float("inf")}, "number"),
        ({"foo": "b\ud800"}, "text"),
    ],
)
def test_what_a_spec_cannot_say_is_refused_by_name(more: dict[str, Any], code: str) -> None:
    assert code in {each.code for each in converted(**more).problems}
    assert converted(**more).manifests == ()


def test_a_request_nested_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(700):
        deep = [deep]
    assert [each.code for each in converted(foo=deep).problems] == ["nesting"]


@pytest.mark.parametrize("spelling", ["unSubscribeVideoUids", "unsubscribeVideoUids"])
def test_an_update_leaves_out_whom_raw_leaves_out_however_it_spells_that(
    tmp_path: Path, spelling: str
) -> None:
    lists = f"{{subscribeAudioUids: ['#allstream#'], {spelling}: ['7']}}"
    catalog = load(tmp_path, recording("a", f"raw: {{recordingConfig: {lists}}}"))
    assert catalog.errors == 0
    sent: Any = group_requests(catalog.entries[0].desired())[Group.SUBSCRIPTIONS]
    assert sent["streamSubscribe"]["videoUidList"] == {"unSubscribeVideoUids": ["7"]}
