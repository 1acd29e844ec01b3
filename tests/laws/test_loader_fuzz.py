"""No input makes a traceback: whatever lies in a folder of specs, reading ends in diagnostics."""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.cli.report import one_line
from reconciler.diagnostics import Diagnostic
from tests.laws import worlds
from tests.spec.support import APP, SHARED, manifest, read, setting, write

ROOT = Path(__file__).resolve().parents[2]
SOUND = tuple(path.read_bytes() for path in sorted((ROOT / "specs").rglob("*.yaml")))
BROKEN = tuple(path.read_bytes() for path in sorted((ROOT / "tests/spec/broken").glob("*.yaml")))
LINES = tuple(sorted({line for text in (*SOUND, *BROKEN) for line in text.splitlines()}))
PARTS = (
    *(
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        ", ",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "\n",
        "\n  ",
        "\t",
        " ",
        "#",
    ),
    *(
        "&a ",
        "*a",
        "!x ",
        "!!str ",
        "!!int ",
        "|\n",
        ">-\n",
        "---\n",
        "...\n",
        "<<: ",
        "%YAML 1.2\n",
    ),
    *("~", "1", "007", "1.5", "true", "2026-12-01", "\0", "\ufeff", "é", "\u2028", "\x85", "\x07"),
    *(
        "${var.a}",
        "apiVersion: reconciler/v1\n",
        "kind: ",
        "Recording\n",
        "RecordingSet\n",
        "App\n",
    ),
    *("Template\n", "Storage\n", "metadata: {name: a}\n", "spec:\n", "  mode: mix\n", "  a: b\n"),
    *(
        "  template: a\n",
        "  generators:\n",
        "  recording:\n",
        "  - list: [{a: b}]\n",
        "  storage: a\n",
    ),
)


def load(*contents: bytes) -> None:
    """Read files as specs, beside one with rows."""
    files = {f"{number}.yaml": content for number, content in enumerate(contents)}
    load_files({**files, "rooms.csv": b"room,name,uid\na,b,11\nc,d\n"}, a="x", n=1, m={"file": "f"})


def load_files(files: dict[str, bytes], **variables: Any) -> None:
    """Read a folder that is gone afterwards, and look at everything that came of it."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = read(write(Path(folder), dict(files)), setting(**variables))
        check(catalog.diagnostics)
        for entry in catalog.entries:
            if entry.digest:
                entry.desired().freeze()


def check(diagnostics: Iterable[Diagnostic]) -> None:
    for diagnostic in diagnostics:
        place = diagnostic.position
        assert place.file
        assert place.line >= 1
        assert place.column >= 1
        assert diagnostic.code
        assert diagnostic.message
        hint = diagnostic.hint or ""
        assert one_line(f"{place} {diagnostic.path} {diagnostic.message} {hint}").isprintable()


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_are_no_specs(data: bytes) -> None:
    load(data)


@settings(max_examples=300)
@given(st.text(max_size=100))
def test_random_text_is_no_spec(text: str) -> None:
    load(text.encode(errors="surrogatepass"))


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join))
def test_parts_of_yaml_in_any_order_end_well(text: str) -> None:
    load(text.encode())


@settings(max_examples=300)
@given(st.lists(st.sampled_from(LINES), max_size=25).map(b"\n".join))
def test_lines_of_specs_in_any_order_end_well(data: bytes) -> None:
    load(data)


# Specs with mistakes of the hand

Cut = tuple[int, int, bytes]


def flipped(data: bytes, start: int, end: int, other: bytes) -> bytes:
    return data[:start] + bytes(byte ^ other[0] for byte in data[start:end]) + data[end:]


def deleted(data: bytes, start: int, end: int, _: bytes) -> bytes:
    return data[:start] + data[end:]


def doubled(data: bytes, start: int, end: int, _: bytes) -> bytes:
    return data[:end] + data[start:end] + data[end:]


def replaced(data: bytes, start: int, end: int, other: bytes) -> bytes:
    return data[:start] + other + data[end:]


def swapped(data: bytes, start: int, end: int, _: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        first, second = start % len(lines), end % len(lines)
        lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


MISTAKES: tuple[Callable[[bytes, int, int, bytes], bytes], ...] = (
    *(flipped, deleted, doubled, replaced, swapped),
)


@st.composite
def mistaken(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from((*SOUND, *BROKEN)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 1, 1, 2, 5, 40, 400))))
        mistake = draw(st.sampled_from(MISTAKES))
        data = mistake(data, start, end, draw(st.binary(min_size=1, max_size=3)))
    return data


@settings(max_examples=300)
@given(mistaken())
def test_specs_with_slips_of_the_hand_end_well(data: bytes) -> None:
    load(data, APP.encode())


# Specs with other values: text between `@` stands without quotes

LEAVES = (
    *(None, True, False, 0, -1, 7, 2**32, 2**70, 0.5, 1e300, "", "a", "x" * 300, "é\n\x1b[0m"),
    *("@.nan@", "@-.inf@", "@007@", "@0x1F@", "@2026-12-01@", "@2026-12-01T09:00:00Z@", "@!x y@"),
    *("@!!str 1@", "@*a@", "@&a b@", "@'\\0'@", "${a}", "${var.a}", "${var.m}", "x${var.n}", "$${"),
    *("${", "mix", "web", "individual", "generate", "all", "none", "90s", "1h", "0 9 * * *", "UTC"),
    *("rooms.csv", "/etc/passwd", "../x", "\u2028", "https://a.b/c?d=e", "http://[::1", "rtmp://a"),
)
KEYS = ("env", "file", "exec", "a", "uid", "except", "cron", "from", "${a}", "x", "")


def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    return st.lists(inner, max_size=3) | named


VALUES: st.SearchStrategy[Any] = st.recursive(st.sampled_from(LEAVES), wider, max_leaves=5)


OTHER_KEYS = ("x", "cname", "${a}", "spec", "kind", "uid", "raw")


def trees() -> Iterator[Any]:
    for text in (*SOUND, *BROKEN):
        try:
            yield from YAML(typ="safe", pure=True).load_all(text)
        except (YAMLError, ValueError):
            continue


TREES = tuple(json.dumps(tree, default=str) for tree in trees() if isinstance(tree, dict))


def steps(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = tree.items() if isinstance(tree, dict) else ()
    for step, value in enumerate(tree) if isinstance(tree, list) else items:
        yield from steps(value, (*path, step))


@st.composite
def other_values(draw: st.DrawFn) -> bytes:
    # Changed below, so it must be nobody else's.
    tree = json.loads(draw(st.sampled_from(TREES) | worlds.recordings().map(json.dumps)))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(steps(tree))[1:] or [("spec",)]))
        node = tree
        for step in way:
            node = node[step]
        if isinstance(node, dict) and draw(st.booleans()):
            node[draw(st.sampled_from(OTHER_KEYS))] = node.pop(last, None)
        else:
            node[last] = json.loads(draw(VALUES.map(json.dumps)))
    return re.sub('"@(.*?)@"', r"\1", json.dumps(tree)).encode()


@settings(max_examples=300)
@given(st.lists(other_values(), min_size=1, max_size=3))
def test_specs_with_other_values_end_well(documents: list[bytes]) -> None:
    load(b"\n---\n".join(documents))


@settings(max_examples=300)
@given(st.recursive(VALUES, lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3)))
def test_any_tree_ends_well(tree: Any) -> None:
    load(json.dumps({"apiVersion": "reconciler/v1", "kind": "Recording", "spec": tree}).encode())


# Rows and variables

PATTERN = """\
  recording:
    metadata: {name: "r-${room}", labels: {"${x}": "${room}${x}"}}
    spec: {mode: mix, channel: "${x}", storage: archive, uid: "${uid}", raw: {"${x}": "${x}"}}
"""
ROW = st.dictionaries(st.sampled_from(["room", "x", "uid", "é"]), VALUES, max_size=4)


def set_of(generator: str) -> bytes:
    return (manifest("RecordingSet", "s", f"generators: [{generator}]") + PATTERN).encode()


def test_sound_rows_make_recordings() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {"a.yaml": set_of("file: r.csv"), "b.yaml": SHARED.encode()}
        write(Path(folder), {**files, "r.csv": b"room,x,uid\na,b,11\n"})
        assert [entry.uids for entry in read(Path(folder)).entries] == [("11",)]


@settings(max_examples=300)
@given(st.binary(max_size=60) | st.text("ab,\"\n\r;'\0\t é=${}01", max_size=60).map(str.encode))
def test_any_csv_ends_well(rows: bytes) -> None:
    table = b"room,x,uid\n" + rows
    load_files({"a.yaml": set_of("file: r.csv"), "b.yaml": SHARED.encode(), "r.csv": table})


@settings(max_examples=300)
@given(
    st.lists(ROW | VALUES, max_size=3) | VALUES | st.text('[]{}":,\\ud8001eE+-.ntf', max_size=30)
)
def test_any_json_and_yaml_rows_end_well(rows: Any) -> None:
    table = (rows if isinstance(rows, str) else json.dumps(rows)).encode(errors="surrogatepass")
    files = {"b.yaml": SHARED.encode(), "r.json": table, "r.yml": table}
    load_files({**files, "a.yaml": set_of("{file: r.json}, {file: r.yml}")})


@settings(max_examples=300)
@given(VALUES, VALUES)
def test_any_variables_end_well(one: Any, other: Any) -> None:
    spec = "mode: ${var.b}\nchannel: c\nchannelProfile: live\nstorage: ${var.a}\nraw: ${var.b}\n"
    own = manifest(
        "Recording", "a", f"{spec}layout: ${{var.b}}\npolicy: ${{var.a}}\nuid: ${{var.a}}"
    )
    generator = set_of("{list: '${var.a}'}, {matrix: {x: '${var.b}', room: '${var.a}'}}").decode()
    text = f"{own}---\n{generator}---\n{SHARED.replace('bucket: b', 'bucket: ${var.b}')}"
    load_files({"a.yaml": text.encode()}, a=one, b=other)


@pytest.mark.slow
@settings(max_examples=5000)
@given(mistaken())
def test_specs_with_many_slips_of_the_hand_end_well(data: bytes) -> None:
    load(data)


@pytest.mark.slow
@settings(max_examples=5000)
@given(st.lists(other_values(), min_size=1, max_size=3))
def test_specs_with_many_other_values_end_well(documents: list[bytes]) -> None:
    load(b"\n---\n".join(documents))
