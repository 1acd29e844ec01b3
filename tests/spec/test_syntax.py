import time
from pathlib import Path

import pytest

from reconciler.errors import SpecError
from reconciler.spec.source import FILE_BYTES_MAX, Source
from reconciler.spec.syntax import ALIAS_NODES_MAX, NESTING_MAX, Parsed, parse, parse_data
from tests.spec.support import of_text, said

REFUSED = [
    # Tags
    ("a: !foo 1\n", ["1:4 tag"]),
    ("!foo\na: 1\n", ["1:1 tag"]),
    ("a: 1\nb: !!binary aGk=\n", ["2:4 tag"]),
    ("a: !!set {b}\n", ["1:4 tag"]),
    ("a: !!omap [b: 1]\n", ["1:4 tag"]),
    ("a: !!python/object:os.system x\n", ["1:4 tag"]),
    ("a: [!x {b: 1},\n    !y z]\n", ["1:5 tag", "2:5 tag"]),
    ("%TAG !e! tag:e,2000:\n---\na: !e!x y\n", ["3:4 tag"]),
    ("a: !e!x y\n", ["1:4 yaml"]),
    ("a: !!int x\n", ["1:4 tag"]),
    ("a: !!bool 1\n", ["1:4 tag"]),
    ("a: !!null x\n", ["1:4 tag"]),
    # Keys
    ("a: 1\nb: 2\na: 3\n", ["3:1 duplicate-key"]),
    ("a: 1\n'a': 2\n", ["2:1 duplicate-key"]),
    ("a: 1\na: 2\na: 3\n", ["2:1 duplicate-key", "3:1 duplicate-key"]),
    ("x: {a: 1, b: 2, a: 3}\n", ["1:17 duplicate-key"]),
    ("1: a\n'1': b\n", ["2:1 duplicate-key"]),
    ("é: {日本: 1, 日本: 2}\n", ["1:12 duplicate-key"]),
    ("true: 1\n", ["1:1 key"]),
    ("a: {~: 1}\n", ["1:5 key"]),
    ("1.5: x\n", ["1:1 key"]),
    ("2001-01-01: x\n", ["1:1 key"]),
    ("? [a]\n: b\n", ["1:3 key"]),
    ("? {a: b}\n: c\n", ["1:3 key"]),
    ("<<: 1\n", ["1:5 merge-key"]),
    ("a: 1\n<<: [{b: 1}, 2]\n", ["2:5 merge-key"]),
    # Anchors
    ("a: *x\n", ["1:4 alias"]),
    ("a: *x\nb: &x 1\n", ["1:4 alias"]),
    ("a: &x [1, *x]\n", ["1:11 alias"]),
    ("a: &x {b: {c: *x}}\n", ["1:15 alias"]),
    ("a: &x b\n*x : c\n", ["2:1 key"]),
    ("&x 1: {*x : c}\n", ["1:8 key"]),
    ("a: &x 1\n---\nb: *x\n", ["3:4 alias"]),
    ("a: {<<: *x}\n", ["1:9 alias"]),
    ("a: &x {<<: *x, b: 1}\n", ["1:12 alias"]),
    # Encoding
    (b"a: \xff\n", ["1:4 encoding"]),
    (b"a: b\nc: \xc3\xa9\xe9\n", ["2:5 encoding"]),
    (b"\xfe\xffa", ["1:1 encoding"]),
    ("a: é\n".encode("latin-1"), ["1:4 encoding"]),
    ("a: 1\n".encode("utf-16"), ["1:4 nul-byte"]),
    ("a: 1\n".encode("utf-16-le"), ["1:2 nul-byte"]),
    ("a: 1\n".encode("utf-32"), ["1:3 nul-byte"]),
    (b"a: b\n c\0d\n", ["2:3 nul-byte"]),
    ('a: "x\\0y"\n', ["1:4 nul-byte"]),
    ('a: 1\n"\\x00": "\\u0000"\n', ["2:1 nul-byte", "2:9 nul-byte"]),
    ("a: \x07b\n", ["1:4 yaml"]),
    ("a: b\x1b[0m\n", ["1:5 yaml"]),
    ("a: \x7f\n", ["1:4 yaml"]),
    ("a: '\ufffe'\n", ["1:5 yaml"]),
    ("é: 1\n日本: x\x01\n", ["2:6 yaml"]),
    # Tabs
    ("\ta: 1\n", ["1:1 tab"]),
    ("a:\n\tb: 1\n", ["2:1 tab"]),
    ("a:\n  \tb: 1\n", ["2:3 tab"]),
    ("a: 1\n\tb: 1\n", ["2:1 tab"]),
    ("a: {\n\tb: 1\n}\n", ["2:1 tab"]),
    ("a: [\n \t1,\n  2,\n\t3\n]\n", ["2:1 tab", "4:1 tab"]),
    ("a: |\n\tx\n", ["2:1 tab"]),
    ("a: |\n  x\n\tb: 1\n", ["3:1 tab"]),
    # Depth and size of what aliases make
    ("[" * (NESTING_MAX + 1), [f"1:{NESTING_MAX + 1} nesting"]),
    # Documents
    ("- a\n", ["1:1 document"]),
    ("text\n", ["1:1 document"]),
    ("1\n", ["1:1 document"]),
    ("null\n", ["1:1 document"]),
    ("# c\n\n  ''\n", ["3:3 document"]),
    ("a: 1\n---\n- b\n---\nc: 1\n--- d\n", ["3:1 document", "6:5 document"]),
    ("%YAML 1.1\n---\na: 1\n", ["1:1 yaml-version"]),
    ("a: 1\n...\n%YAML 1.1\n---\nb: 1\n", ["3:1 yaml-version"]),
    ("%YAML 1.3\n---\na: 1\n", ["1:1 yaml-version"]),
    # Not YAML at all
    ("a: b: c\n", ["1:5 yaml"]),
    ("a: 1\n b: 2\n", ["2:3 yaml"]),
    ("a:\n  b: 1\n c: 2\n", ["3:2 yaml"]),
    ("a: 'x\nb: 1\n", ["1:4 yaml"]),
    ('a: "x\nb: 1\n', ["1:4 yaml"]),
    ("a: @x\n", ["1:4 yaml"]),
    ("a: %x\n", ["1:4 yaml"]),
    ("a: ]\n", ["1:4 yaml"]),
    ('a: "\\q"\n', ["1:5 yaml"]),
    ("a: [1, 2\nb: 1\n", ["2:2 yaml"]),
    ("a: {b: 1\n", ["1:4 yaml"]),
    ("a: 1\nb\nc: 2\n", ["2:1 yaml"]),
    ("a: 1\nb\n", ["2:1 yaml"]),
    # Numbers
    (f"a: {'9' * 401}\n", ["1:4 number"]),
    (f"a: !!int {'9' * 5000}\n", ["1:4 tag"]),
]

FINE = {
    "empty": ("", []),
    "blank": ("\n \n", []),
    "comments": ("# a\n\n# b\n", []),
    "empty documents": ("---\n---\n# c\n---\n", []),
    "an empty document among others": ("---\na: 1\n---\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
    "byte order mark": ("\ufeffa: 1\n", [{"a": 1}]),
    "only a byte order mark": ("\ufeff", []),
    "an empty mapping": ("{}\n", [{}]),
    "number keys": ("1: a\n0o7: b\n".replace("0o7", "'0o7'"), [{"1": "a", "0o7": "b"}]),
    "the core tags": ("a: !!str 1\nb: !!int 007\nc: !!map {}\n", [{"a": "1", "b": 7, "c": {}}]),
    "text by the tag without a name": ("a: ! 1\n", [{"a": "1"}]),
    "an anchor used twice": ("a: &x 1\nb: *x\nc: *x\n", [{"a": 1, "b": 1, "c": 1}]),
    "an anchor defined twice": ("a: &x 1\nb: &x 2\nc: *x\n", [{"a": 1, "b": 2, "c": 2}]),
    "an anchor at a key": ("&x a: *x\n", [{"a": "a"}]),
    "escaped control characters": ('a: "\\a\\e"\n', [{"a": "\a\x1b"}]),
    "tab after a colon": ("a:\tb\n", [{"a": "b"}]),
    "tab at the end": ("a: b\t\n", [{"a": "b"}]),
    "tab in a comment": ("a: b #\tc\n", [{"a": "b"}]),
    "tab in literal text": ("a: |\n  x\n  \ty\n\nb: 1\n", [{"a": "x\n\ty\n", "b": 1}]),
    "tab in folded text": ("a: >\n  x\n  \ty\nb: 1\n", [{"a": "x\n\ty\n", "b": 1}]),
    "tab before quoted text": ("a: 'x\n\ty'\nb: 1\n", [{"a": "x y", "b": 1}]),
    "tab in double quotes": ('a: "x\n\ty"\nb: 1\n', [{"a": "x y", "b": 1}]),
    "tab in quotes in a list": ("a: ['x\n\ty',\n  z]\n", [{"a": ["x y", "z"]}]),
    "tab in a comment of a list": ("a: [1,\n\t# c\n  2]\n", [{"a": [1, 2]}]),
    "%YAML 1.2": ("%YAML 1.2\n---\na: 1\n", [{"a": 1}]),
    "a URL in a list": ("a: [https://b.c:1/d?e=f, x]\n", [{"a": ["https://b.c:1/d?e=f", "x"]}]),
    "a URL in a mapping": ("{url: http://x/y, b: c}\n", [{"url": "http://x/y", "b": "c"}]),
    "a time in a mapping": ("{at: 2026-12-01T09:00+01:00}", [{"at": "2026-12-01T09:00+01:00"}]),
    "a question in a list": ("a: [why?, a?b]\n", [{"a": ["why?", "a?b"]}]),
}


def parsed(text: str | bytes) -> Parsed:
    return parse(Source.of("a.yaml", text.encode() if isinstance(text, str) else text))


def places(text: str | bytes) -> list[str]:
    return [line.removeprefix("a.yaml:") for line in said(parsed(text).diagnostics)]


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_a_text_is_refused_at_its_place(text: str | bytes, expected: list[str]) -> None:
    assert places(text) == expected
    assert not expected or parsed(text).documents == ()


@pytest.mark.parametrize(("text", "expected"), FINE.values(), ids=FINE)
def test_a_text_is_read(text: str, expected: list[object]) -> None:
    result = parsed(text)
    assert result.diagnostics == ()
    assert [document.data for document in result.documents] == expected


def test_64_levels_are_fine_and_65_are_not() -> None:
    inner = NESTING_MAX - 1
    assert places(f"a: {'[' * inner}{']' * inner}") == []
    assert places(f"a: {'[' * (inner + 1)}{']' * (inner + 1)}") == [f"1:{4 + inner} nesting"]
    assert places(f"a: {'{b: ' * inner}1{'}' * inner}") == []
    assert places(f"a: {'{b: ' * (inner + 1)}1{'}' * (inner + 1)}") == [
        f"1:{4 + 4 * inner} nesting"
    ]


def test_aliases_nest_no_deeper_than_what_is_written() -> None:
    inner = f"a: &x {'[' * 40}{']' * 40}\n"
    room = NESTING_MAX - 40 - 1
    assert places(f"{inner}b: {'[' * room}*x{']' * room}\n") == []
    room += 1
    assert places(f"{inner}b: {'[' * room}*x{']' * room}\n") == [f"2:{4 + room} nesting"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a: [", "[{a: ["])
def test_bottomless_nesting_ends_at_once(opening: str) -> None:
    begin = time.process_time()
    assert [line.split()[1] for line in places(opening * 100_000)] == ["nesting"]
    assert time.process_time() - begin < 2


def test_a_file_has_one_mebibyte_at_most() -> None:
    comment = "a: 1\n#" + "x" * (FILE_BYTES_MAX - 6)
    assert places(comment) == []
    assert places(comment + "x") == ["1:1 file-size"]


def test_aliases_make_ten_thousand_nodes_at_most() -> None:
    row = f"a: &x [{', '.join('1' for _ in range(99))}]\n"  # with the list itself: 100 nodes
    times = ALIAS_NODES_MAX // 100
    fine = f"{row}b: [{', '.join('*x' for _ in range(times))}]\n"
    assert places(fine) == []
    column = 5 + 4 * times
    more = f"{row}b: [{', '.join('*x' for _ in range(times + 1))}]\n"
    assert places(more) == [f"2:{column} alias-expansion"]


def test_aliases_of_aliases_end_at_once() -> None:
    lines = ["a0: &a0 [1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    begin = time.process_time()
    found = places("\n".join(lines))
    assert [line.split()[1] for line in found] == ["alias-expansion"]
    assert time.process_time() - begin < 1


def test_anchors_may_hold_more_than_aliases_may_make() -> None:
    assert places("a: &x [" + "1, " * 20_000 + "1]\n") == []


def test_all_wrong_places_of_a_text_are_named_in_one_go() -> None:
    text = "a: !x 1\na: 2\nb: {c: 1, c: 2}\nd: *e\n---\n- f\n"
    expected = ["1:4 tag", "2:1 duplicate-key", "3:11 duplicate-key", "4:4 alias", "6:1 document"]
    assert places(text) == expected


TAG_HINT = "remove the tag; quote the value if it is text"
TAB_HINT = "indent with spaces"
ANCHOR_HINT = "define it before its use, and never inside itself"
UNSTARTED = "not YAML: found character that cannot start any token"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a: !x 1\n", "the tag `!x` is not known here", TAG_HINT),
        ("a: 1\na: 2\n", "the key `a` stands here twice", "keep one of the two"),
        ("a:\n\tb: 1\n", "a tab indents this line, which YAML does not allow", TAB_HINT),
        ("a: @x\n", UNSTARTED, "quote a value that starts with `@`"),
        ("a: 1\nb\nc: 2\n", "a key without its `:`", "write `key: value`"),
        ("%YAML 1.3\n---\na: 1\n", "specs are YAML 1.2", "remove the %YAML line"),
        ("a: 'x' y\n", "more text after the end of the value", "put all of it in quotes"),
        ("a: 'x\n", "the quotes that open here are not closed", "close them"),
        ("a: {b: 1\n", "the bracket that opens here is not closed", "close it"),
        ("a: &x {b: *x}\n", "no anchor `&x` ends before here", ANCHOR_HINT),
    ],
)
def test_a_refusal_says_what_to_do(text: str, message: str, hint: str) -> None:
    (found,) = parsed(text).diagnostics
    assert (found.message, found.hint) == (message, hint)


POSITIONS = """\
# c
é: 日本
spec:
  list: [1, {x: "😀", yy: 3}]
  block:
    - a
    -   b: 1
        c: &anchored {deep: 2}
  empty:
  again: *anchored
  merged:
    <<: *anchored
    own: 4
--- # the second
'quoted key': |
  text
late: ok
"""


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((), "2:1", "2:1"),
        (("é",), "2:4", "2:1"),
        (("spec",), "4:3", "3:1"),
        (("spec", "list"), "4:9", "4:3"),
        (("spec", "list", 0), "4:10", "4:10"),
        (("spec", "list", 1), "4:13", "4:13"),
        (("spec", "list", 1, "x"), "4:17", "4:14"),
        (("spec", "list", 1, "yy"), "4:26", "4:22"),
        (("spec", "block", 1), "7:9", "7:9"),
        (("spec", "block", 1, "b"), "7:12", "7:9"),
        (("spec", "block", 1, "c"), "8:12", "8:9"),
        (("spec", "block", 1, "c", "deep"), "8:29", "8:23"),
        (("spec", "empty"), "9:9", "9:3"),
        (("spec", "again"), "8:12", "10:3"),
        (("spec", "again", "deep"), "8:29", "8:23"),
        (("spec", "merged", "deep"), "8:29", "8:23"),
        (("spec", "merged", "own"), "13:10", "13:5"),
    ],
)
def test_a_value_and_its_key_have_places(path: tuple[str | int, ...], value: str, key: str) -> None:
    document = parsed(POSITIONS).documents[0]
    assert str(document.position(path)) == f"a.yaml:{value}"
    assert str(document.position(path, of_key=True)) == f"a.yaml:{key}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("nothing",), "2:1"),
        (("spec", "nothing"), "4:3"),
        (("spec", "list", 7), "4:9"),
        (("spec", "list", 1, "z"), "4:13"),
        (("spec", "block", 1, "c", "deep", "er"), "8:29"),
        (("spec", "empty", "a"), "9:9"),
        (("spec", "merged", "nothing"), "12:5"),
    ],
)
def test_what_is_missing_is_missing_from_the_nearest_that_is_there(
    path: tuple[str | int, ...], expected: str
) -> None:
    assert str(parsed(POSITIONS).documents[0].position(path)) == f"a.yaml:{expected}"


def test_a_second_document_has_places_of_its_own() -> None:
    second = parsed(POSITIONS).documents[1]
    assert str(second.position(("quoted key",))) == "a.yaml:15:15"
    assert str(second.position(("quoted key",), of_key=True)) == "a.yaml:15:1"
    assert str(second.position(("late",))) == "a.yaml:17:7"


def test_a_document_after_empty_ones_has_its_places() -> None:
    text = "---\n---\n# c\n---\na: 1\n---\n\n---\nb: 2\n"
    assert [str(found.position(("b",))) for found in parsed(text).documents] == [
        "a.yaml:5:1",
        "a.yaml:9:4",
    ]


def test_the_byte_order_mark_is_no_column() -> None:
    assert str(of_text("\ufeffa: 1\n").position(("a",))) == "a.yaml:1:4"


def test_an_own_key_wins_over_a_merged_one_in_value_and_place() -> None:
    document = of_text("a: &x {k: 1, l: 2}\nb: &y {k: 3, m: 4}\nc:\n  <<: [*x, *y]\n  l: 5\n")
    assert document.data["c"] == {"k": 1, "l": 5, "m": 4}
    places = {key: str(document.position(("c", key))) for key in "klm"}
    assert places == {"k": "a.yaml:1:11", "l": "a.yaml:5:6", "m": "a.yaml:2:17"}


def test_what_a_merged_mapping_holds_is_not_merged_itself() -> None:
    document = of_text("a: &x {inner: {mode: 1}}\nb: {<<: *x, c: 2}\n")
    assert str(document.position(("b", "mode"))) == "a.yaml:2:4"


def test_places_hold_where_colons_stand_in_flow_text() -> None:
    document = of_text("a: {u?v: http://x/, b: [c:d, e]}\n")
    assert document.data == {"a": {"u?v": "http://x/", "b": ["c:d", "e"]}}
    assert str(document.position(("a", "u?v"))) == "a.yaml:1:10"
    assert str(document.position(("a", "b", 1))) == "a.yaml:1:30"


def test_data_is_any_shape() -> None:
    assert parse_data(Source.of("r.yaml", b"- {a: 1}\n- b\n")) == [{"a": 1}, "b"]
    assert parse_data(Source.of("r.yaml", b"")) is None
    assert parse_data(Source.of("r.yaml", b"[http://x/]")) == ["http://x/"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"- !x a\n- {b: 1, b: 2}\n", r"r.yaml:1:3: the tag `!x`.*; r.yaml:2:10: the key `b`"),
        (b"- a\n\tb\n", "r.yaml:2:1: a tab"),
        (b"- \xff\n", "r.yaml:1:3: the file is not UTF-8"),
        (b"a: [\n\tb]\n", "r.yaml:2:1: a tab"),
        (b"[" * 1000, "r.yaml:1:65: nested more than 64"),
    ],
)
def test_data_is_refused_with_its_places(data: bytes, message: str) -> None:
    with pytest.raises(SpecError, match=message) as refused:
        parse_data(Source.of("r.yaml", data))
    assert refused.value.code == "generator-file"


def test_the_folder_of_a_source_is_where_its_paths_start() -> None:
    assert Source.of("specs/a/b.yaml", b"").folder == "specs/a"
    assert Source.of("b.yaml", b"").folder == ""
    assert Source.of(str(Path("/x/b.yaml")), b"").folder == "/x"
