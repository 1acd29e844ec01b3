from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SpecError
from reconciler.spec.catalog import Catalog
from reconciler.spec.desired import Desired
from reconciler.spec.secrets import Secret
from reconciler.spec.syntax import Document
from reconciler.spec.templates import TEMPLATES_MAX, circle, inherit, merge
from reconciler.spec.wire import get
from tests.spec.support import (
    SHARED,
    SOUND,
    desired,
    manifest,
    of_text,
    one,
    read,
    recording,
    said,
    write,
)

MERGES: list[tuple[str, str, str, str]] = [
    ("a new key", "a: 1", "b: 2", "{a: 1, b: 2}"),
    ("a later value", "a: 1", "a: 2", "{a: 2}"),
    ("mappings", "a: {b: 1, c: {d: 2}}", "a: {c: {e: 3}}", "{a: {b: 1, c: {d: 2, e: 3}}}"),
    ("a list", "a: [1, 2, 3]", "a: [4]", "{a: [4]}"),
    ("an empty list", "a: [1]", "a: []", "{a: []}"),
    ("null", "a: 1\nb: 2", "a: null", "{b: 2}"),
    ("null within", "a: {b: 1, c: 2}", "a: {b: null}", "{a: {c: 2}}"),
    ("null for nothing", "a: {b: 1}", "a: {c: null}\nd: ~", "{a: {b: 1}}"),
    ("null in a new mapping", "a: 1", "b: {c: null, d: 1}", "{a: 1, b: {d: 1}}"),
    ("an empty mapping", "a: {b: 1}", "a: {}", "{a: {b: 1}}"),
    ("a mapping for text", "a: x", "a: {b: 1}", "{a: {b: 1}}"),
    ("text for a mapping", "a: {b: 1}", "a: x", "{a: x}"),
    ("a list for a mapping", "a: {b: 1}", "a: [x]", "{a: [x]}"),
    ("false and zero", "a: true\nb: 1", "a: false\nb: 0", "{a: false, b: 0}"),
    # Fields of several forms replace whole
    ("storage", "storage: {vendor: aws, tag: b}", "storage: {tag: c}", "{storage: {tag: c}}"),
    ("a secret", "e: {key: {env: A}}", "e: {key: {file: b}}", "{e: {key: {file: b}}}"),
    ("a secret by text", "token: {env: A}", "token: generate", "{token: generate}"),
    ("suspend", "suspend: {reason: a}", "suspend: {until: b}", "{suspend: {until: b}}"),
    (
        "subscriptions",
        "subscriptions: {audio: {except: [1]}, group: 1}",
        "subscriptions: {audio: [2], video: none}",
        "{subscriptions: {audio: [2], group: 1, video: none}}",
    ),
    # Inside `raw` null removes from the wire, so it stays
    ("raw", "raw: {a: {b: 1}}", "raw: {a: {c: null}}", "{raw: {a: {b: 1, c: null}}}"),
    ("raw over nothing", "a: 1", "raw: {b: null}", "{a: 1, raw: {b: null}}"),
    ("no raw", "raw: {a: 1}", "raw: null", "{}"),
]


@pytest.mark.parametrize(
    ("base", "over", "expected"), [row[1:] for row in MERGES], ids=[row[0] for row in MERGES]
)
def test_a_spec_is_merged_over_another(base: str, over: str, expected: str) -> None:
    below, above = of_text(base).data, of_text(over).data
    before = repr(below), repr(above)
    assert merge(below, above) == of_text(expected).data
    assert (repr(below), repr(above)) == before


TREES = st.recursive(
    st.integers() | st.text("ab", max_size=2) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
SPECS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


@given(SPECS)
def test_a_spec_over_itself_or_nothing_is_itself(spec: dict[str, Any]) -> None:
    assert merge(spec, spec) == merge({}, spec) == merge(spec, {}) == spec


@given(SPECS, SPECS)
def test_what_the_later_says_stands(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(base, over)
    assert merge(merged, over) == merged
    assert merged.keys() == base.keys() | over.keys()


# Through the catalog


def template(name: str, spec: str) -> str:
    return manifest("Template", name, spec)


def load(folder: Path, *documents: str) -> Catalog:
    return read(write(folder, {"a.yaml": "---\n".join([*documents, SHARED])}))


def idle(found: Desired) -> object:
    return get(found.request, ("recordingConfig", "maxIdleTime"))


def test_a_recording_takes_what_its_template_says(tmp_path: Path) -> None:
    found = one(
        load(tmp_path, template("base", f"{SOUND}maxIdle: 7s"), recording("a", template="base"))
    )
    assert (found.channel, idle(found)) == ("c", 7)


def test_later_templates_win_and_the_recording_last(tmp_path: Path) -> None:
    first = template("first", "maxIdle: 7s\nprefix: one\nstreams: audio")
    second = template("second", "maxIdle: 8s\nprefix: two")
    found = one(
        load(tmp_path, first, second, recording("a", "template: [first, second]\nmaxIdle: 9s"))
    )
    assert idle(found) == 9
    assert get(found.request, ("storageConfig", "fileNamePrefix")) == ["two"]
    assert get(found.request, ("recordingConfig", "streamTypes")) == 0


def test_templates_have_templates(tmp_path: Path) -> None:
    lowest = template("lowest", f"{SOUND}maxIdle: 7s\nprefix: low")
    middle = template("middle", "template: lowest\nmaxIdle: 8s\nstreams: audio")
    other = template("other", "template: [lowest, middle]\nstreams: video")
    found = one(load(tmp_path, other, middle, lowest, recording("a", template="other")))
    assert idle(found) == 8
    assert get(found.request, ("recordingConfig", "streamTypes")) == 1
    assert get(found.request, ("storageConfig", "fileNamePrefix")) == ["low"]


def test_null_takes_back_what_was_inherited(tmp_path: Path) -> None:
    base = template("base", "maxIdle: 7s\nlayout: {type: best-fit, background: {color: '#ff0000'}}")
    own = recording("a", "template: base\nmaxIdle: null\nlayout: {background: null}")
    found = one(load(tmp_path, base, own))
    assert idle(found) == 300
    assert get(found.request, ("recordingConfig", "transcodingConfig", "mixedVideoLayout")) == 1
    assert get(found.request, ("recordingConfig", "transcodingConfig", "backgroundColor")) is None


def test_null_in_raw_reaches_the_wire(tmp_path: Path) -> None:
    base = template("base", "raw: {recordingConfig: {maxIdleTime: null}, more: {a: 1}}")
    own = recording("a", "template: base\nraw: {more: {b: 2}}")
    found = desired(load(tmp_path, base, own))["a"]
    assert found
    assert found.raw == {"recordingConfig": {"maxIdleTime": None}, "more": {"a": 1, "b": 2}}


def test_another_secret_replaces_the_inherited_one(tmp_path: Path) -> None:
    base = template("base", "token: {env: A}\nencryption: {mode: aes-128-gcm, key: {env: A}}")
    own = recording("a", "template: base\ntoken: {file: t}\nencryption: {key: {file: k}}")
    found = one(load(tmp_path, base, own))
    assert found.request["token"] == Secret("file", "t", str(tmp_path))
    key = get(found.request, ("recordingConfig", "secret"))
    assert key == Secret("file", "k", str(tmp_path))


def test_a_secret_in_a_template_is_relative_to_the_template(tmp_path: Path) -> None:
    write(tmp_path, {"below/t.yaml": template("base", f"{SOUND}token: {{file: t}}")})
    found = one(load(tmp_path, recording("a", template="base")))
    assert found.request["token"] == Secret("file", "t", str(tmp_path / "below"))


def test_a_template_serves_several_modes(tmp_path: Path) -> None:
    base = template("base", "channel: c\nstorage: archive\nchannelProfile: live\nmaxIdle: 7s")
    mix = manifest("Recording", "a", "template: base\nmode: mix")
    groups = "template: base\nmode: individual\nsubscriptions: {group: 5}"
    found = load(tmp_path, base, mix, manifest("Recording", "b", groups))
    assert said(found.diagnostics) == []
    assert [idle(value) for value in desired(found).values() if value] == [7, 7]


def test_a_template_nobody_uses_is_checked(tmp_path: Path) -> None:
    found = load(tmp_path, template("base", "layout: {type: grid}"))
    assert said(found.diagnostics) == ["a.yaml:5:18 choice spec.layout.type"]


def test_a_template_may_lack_what_a_recording_adds(tmp_path: Path) -> None:
    assert said(load(tmp_path, template("base", "web: {width: 640}")).diagnostics) == []


def test_a_broken_value_is_named_once_at_the_template(tmp_path: Path) -> None:
    base = template("base", "files: [hls, mp3]")
    names = "abc"
    found = load(tmp_path, base, *(recording(name, "template: base") for name in names))
    assert said(found.diagnostics) == ["a.yaml:5:10 file-types spec.files"]
    assert desired(found) == dict.fromkeys(names)


def test_what_is_missing_is_missing_where_the_recording_says_most(tmp_path: Path) -> None:
    base = template(
        "base", "layout:\n  type: custom\n  regions: [{x: 0, y: 0, width: 1, height: 1}]"
    )
    own = recording("a", "template: base\nlayout:\n  regions:\n    - {x: 0, y: 0, width: 1}")
    found = load(tmp_path, own, base)
    assert said(found.diagnostics) == ["a.yaml:12:9 missing spec.layout.regions[0].height"]


def test_a_replaced_storage_is_judged_at_its_own_line(tmp_path: Path) -> None:
    keys = "accessKey: {env: A}, secretKey: {env: S}"
    base = template("base", f"storage: {{vendor: aws, region: us-east-1, bucket: b, {keys}}}")
    own = "mode: mix\nchannel: c\nchannelProfile: live\ntemplate: base\nstorage: {vendor: aws}"
    found = load(tmp_path, base, manifest("Recording", "a", own))
    assert said(found.diagnostics) == [
        f"a.yaml:15:12 missing spec.storage.{key}"
        for key in ("accessKey", "bucket", "region", "secretKey")
    ]


def test_a_value_below_the_recording_own_is_named_at_the_template(tmp_path: Path) -> None:
    base = template("base", "layout:\n  background:\n    color: red")
    more = "layout: {type: best-fit, background: {userImage: 'https://a.b/c.jpg'}}"
    found = load(tmp_path, base, recording("a", f"template: base\n{more}"))
    assert said(found.diagnostics) == ["a.yaml:7:14 color spec.layout.background.color"]


def test_a_wrong_value_that_is_replaced_is_the_templates_alone(tmp_path: Path) -> None:
    found = load(
        tmp_path, template("base", "maxIdle: 1x"), recording("a", "template: base\nmaxIdle: 7s")
    )
    assert said(found.diagnostics) == ["a.yaml:5:12 duration spec.maxIdle"]
    assert (value := desired(found)["a"])
    assert idle(value) == 7


@pytest.mark.parametrize("names", ["base", "[base]", "[ok, base]", "next"])
def test_a_spoiled_template_is_told_once_and_used_by_nobody(tmp_path: Path, names: str) -> None:
    documents = [
        template("ok", "maxIdle: 7s"),
        template("next", "template: base"),
        template("base", "template: nothing"),
        recording("a", f"template: {names}"),
    ]
    found = load(tmp_path, *documents)
    assert said(found.diagnostics) == ["a.yaml:17:13 reference spec.template"]
    assert desired(found) == {"a": None}
    assert found.complete


def test_a_circle_is_told_once(tmp_path: Path) -> None:
    circle_of_three = [
        template("a", "template: b"),
        template("b", "template: [ok, c]"),
        template("c", "template: a"),
    ]
    found = load(
        tmp_path, *circle_of_three, template("ok", "maxIdle: 7s"), recording("r", "template: b")
    )
    (diagnostic,) = found.diagnostics
    assert diagnostic.message == "templates use each other in a circle: a -> b -> c -> a"
    assert said([diagnostic]) == ["a.yaml:5:13 template spec.template"]
    assert desired(found) == {"r": None}


def test_a_way_back_is_found_in_a_large_web() -> None:
    names = [str(number) for number in range(1000)]
    web = {name: names[index + 1 : index + 20] for index, name in enumerate(names)}
    assert circle("0", lambda name: web[name]) == ()
    web["999"] = ["0"]
    way = circle("0", lambda name: web[name])
    assert (way[0], way[-2:]) == ("0", ("999", "0"))


def test_a_way_back_that_nobody_could_follow_is_not_looked_for() -> None:
    web = {str(number): [str(number + 1)] for number in range(1000)} | {"1000": ["0"]}
    assert circle("0", lambda name: web[name]) == ()


def chain(count: int) -> dict[str, Document]:
    """Return templates of which each uses the next one twice."""
    texts = (f"spec: {{template: [t{n + 1}, t{n + 1}]}}" for n in range(count))
    return {f"t{n}": of_text(text) for n, text in enumerate(texts)} | {
        f"t{count}": of_text("spec: {a: 1}")
    }


def test_templates_that_double_end_at_once() -> None:
    small = inherit(["t0"], chain(4).__getitem__)
    assert (len(small.documents), small.spec) == (31, {"a": 1})
    with pytest.raises(SpecError, match=f"more than {TEMPLATES_MAX} templates"):
        inherit(["t0"], chain(40).__getitem__)


def test_a_long_chain_of_templates_is_an_error_and_no_crash(tmp_path: Path) -> None:
    links = [template(f"t{n}", f"template: t{n + 1}") for n in range(2000)]
    found = load(tmp_path, *links, template("t2000", "maxIdle: 7s"), recording("a", "template: t0"))
    (diagnostic,) = found.diagnostics
    assert diagnostic.message == f"more than {TEMPLATES_MAX} templates are merged here"
    assert desired(found) == {"a": None}


@pytest.mark.parametrize("value", ["5", "[]", "[1]", "{a: b}", "true"])
def test_a_template_has_a_name(tmp_path: Path, value: str) -> None:
    found = load(tmp_path, recording("a", f"template: {value}"))
    assert said(found.diagnostics) == ["a.yaml:9:13 template spec.template"]
