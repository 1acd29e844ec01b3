import datetime as dt
import io
import itertools
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode, SequenceNode

from reconciler.spec.scalars import NUMBER_LENGTH_MAX, Timestamp, WrittenInt, resolve
from reconciler.spec.source import Source
from reconciler.spec.syntax import parse

SIGNS = ("", "+", "-")
INTEGERS = [
    *("0", "1", "7", "9", "10", "42", "1234567890", "4294967296", "18446744073709551616"),
    *("00", "007", "08", "09", "010", "0123", "0000", "0_0", "1_000", "1_", "1__0", "0_7"),
    *("0b0", "0b1", "0b101", "0b1_0", "0b2", "0b", "0B1", "0o0", "0o7", "0o17", "0o1_7", "0o8"),
    *("0o", "0O7", "0x0", "0xff", "0xFF", "0xDeadBeef", "0x_f", "0x", "0xg", "0X1F", "x1F", "1F"),
]
FLOATS = [
    *("0.0", "1.0", "1.5", "3.14159", "00.5", "1_0.5", "1.5_0", "1._5", "5.", "0.", ".5", "._5"),
    *("1e3", "1E3", "1e+3", "1e-3", "1.e3", "1.5e3", "1.5E+10", "1.5e-07", "1e", "1e+", "1.5e"),
    *(".5e3", ".5e+3", ".5e-3", "1e400", "1e-400", "1_0e2", "1e1_0", "e3", ".e3", ".", "..", "..."),
    *(".inf", ".Inf", ".INF", ".iNF", "inf", ".infinity", ".nan", ".NaN", ".NAN", ".Nan", "nan"),
    *("1.2.3", "1.2.3.4", "10.0.0.1", "1.2-rc1", "1,5", "1,000", "0.1.", "1.5f", "1d", "0x1.8p3"),
]
WORDS = [
    *("true", "True", "TRUE", "tRUE", "t", "T", "false", "False", "FALSE", "fALSE", "f", "F"),
    *("yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n"),
    *(
        "N",
        "null",
        "Null",
        "NULL",
        "nULL",
        "nil",
        "none",
        "None",
        "~",
        "~x",
        "~~",
        "~1",
        "undefined",
    ),
    *("text", "Text with spaces", "a-b", "a_b", "a.b", "a:b", "a#b", "é", "日本", "😀", "_", "__"),
    *("-x", "--", "---x", "-.", "+", "+-1", "-+1", "+a", "=x", "==", "<<x", "<", "_1", "1a"),
    *("deadbeef", "cafe", "face", "0123456789abcdef0123456789abcdef", "12e4abcd", "00a1", "a0e1"),
    *("$5", "${var.x}", "/srv", "//", "(1)", "1%", "50%", "1/2", "1+1", "1-1", "5m", "1h30m", "3d"),
]
TIMES = [
    *(
        "2001-12-14",
        "2001-1-1",
        "2001-02-3",
        "2024-02-29",
        "1-1-1",
        "20011214",
        "2001-12",
        "2001-12-",
    ),
    *("2001-12-14T21:59:43", "2001-12-14t21:59:43", "2001-12-14 21:59:43", "2001-12-14  1:59:43"),
    *("2001-12-14T21:59:43Z", "2001-12-14T21:59:43z", "2001-12-14T21:59:43 Z", "2001-1-2T3:04:05Z"),
    *("2001-12-14T21:59:43.10-05:00", "2001-12-14T21:59:43.1", "2001-12-14T21:59:43.+01:00"),
    *("2001-12-14 21:59:43.10 -5", "2001-12-14T21:59:43+0530", "2001-12-14T21:59:43-5:30"),
    *("2001-12-14T21:59", "2001-12-14T1:2:3", "2001-12-14T21:59:43.1234567Z", "2001-12-14x"),
    *(
        "12:30:45",
        "12:30",
        "1:2",
        "190:20:30",
        "190:20:30.15",
        "-1:30",
        "0:0:0",
        "24:00:00",
        "1:60",
    ),
    *("-2001-12-14", "+2001-12-14", "2001-12-14 ", "2001_12_14", "2001-12-14T", "2001.12.14"),
]
CORPUS = list(
    dict.fromkeys(
        text.strip()
        for text in [
            *map("".join, itertools.product(SIGNS, INTEGERS + FLOATS)),
            *WORDS,
            *TIMES,
        ]
    )
)

NEITHER_READS = ("-_", "+_", "._", "-._", "0b_", "0x_", "0b__", "+0x_")
"""Numbers to the resolver, without a digit for the constructor: ruamel raises, here it is text."""

DATES_THAT_ARE_NONE = ("2001-99-99", "2023-02-29", "2001-12-14T25:00:00", "0000-01-01")
"""Ruamel raises; here a Timestamp is kept as written, and who wants a time refuses it."""

WORDS_WITHOUT_MEANING = ("=", "<<")
"""Tags of YAML 1.1 that ruamel knows and cannot construct; here they are text."""

NUMBER_LIKE = "0123456789+-._:eExXobBanfiINFTtZz ~=<,"


def oracle(text: str) -> Any:
    """Return what ruamel.yaml itself makes of a plain scalar. Raises what it raises."""
    (value,) = YAML(typ="safe", pure=True).load(f"- {text}")
    return value


def is_plain(text: str) -> bool:
    """Tell whether the text stands for one plain scalar, as a resolver gets it."""
    try:
        node = YAML(typ="safe", pure=True).compose(f"- {text}")
    except YAMLError:
        return False
    (item,) = node.value if isinstance(node, SequenceNode) else (node,)
    return isinstance(item, ScalarNode) and item.style is None and item.value == text


def same(ours: object, theirs: object) -> bool:
    """Compare with types; a date or time stands for any Timestamp."""
    if isinstance(theirs, dt.date):
        return isinstance(ours, Timestamp)
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    kind = int if isinstance(ours, WrittenInt) else type(ours)
    return kind is type(theirs) and ours == theirs


def test_the_corpus_has_hundreds_of_plain_scalars() -> None:
    assert len(CORPUS) > 400
    assert [text for text in CORPUS if not is_plain(text)] == []


@pytest.mark.parametrize("text", CORPUS)
def test_a_plain_scalar_means_what_ruamel_says(text: str) -> None:
    assert same(resolve(text), oracle(text))


@given(st.text(NUMBER_LIKE, min_size=1, max_size=12).map(str.strip))
def test_number_like_text_means_what_ruamel_says(text: str) -> None:
    assume(is_plain(text))
    try:
        theirs = oracle(text)
    except (ValueError, ConstructorError):
        ours = resolve(text)
        assert ours in {text, Timestamp(text)}
        return
    assert same(resolve(text), theirs)


@pytest.mark.parametrize("text", [*NEITHER_READS, *WORDS_WITHOUT_MEANING])
def test_what_ruamel_cannot_construct_is_text(text: str) -> None:
    with pytest.raises((ValueError, ConstructorError)):
        oracle(text)
    assert resolve(text) == text


@pytest.mark.parametrize("text", DATES_THAT_ARE_NONE)
def test_a_date_that_is_none_stays_as_written(text: str) -> None:
    with pytest.raises(ValueError, match=r"month|day|hour|year"):
        oracle(text)
    assert resolve(text) == Timestamp(text)


def test_an_empty_scalar_is_null_as_in_ruamel() -> None:
    assert oracle("") is None
    assert resolve("") is None


@pytest.mark.parametrize("text", ["007", "0x1F", "+5", "1_000", "0o17", "0b11", "-0", "00"])
def test_an_integer_in_another_spelling_keeps_it(text: str) -> None:
    value = resolve(text)
    assert isinstance(value, WrittenInt)
    assert (value.text, value) == (text, oracle(text))


@pytest.mark.parametrize("text", ["0", "7", "-7", "4294967296"])
def test_an_integer_in_plain_decimal_is_just_an_integer(text: str) -> None:
    assert type(resolve(text)) is int


def test_a_timestamp_keeps_its_text() -> None:
    assert resolve("2001-12-14 21:59:43.10 -5") == Timestamp("2001-12-14 21:59:43.10 -5")


def test_a_number_has_at_most_as_many_digits_as_anybody_needs() -> None:
    assert resolve("9" * NUMBER_LENGTH_MAX) == 10**NUMBER_LENGTH_MAX - 1
    with pytest.raises(ValueError, match="too long to be meant"):
        resolve("9" * (NUMBER_LENGTH_MAX + 1))


DOCUMENTS = {
    "block": "a: 1\nb:\n  c: text\n  d:\n  - 1\n  - x: y\n    z: null\n  e:\n",
    "flow": "{a: [1, two, {three: 3.0}], b: {}, c: [], 'd': \"e\", f: {g, h: i}}",
    "flow over lines": "a: [1,\n    2,\n  3]\nb: {c: d,\n  e: f\n}\n",
    "single quotes": "a: 'it''s'\nb: ''\nc: 'true'\nd: '1'\ne: 'one\n  two\n\n  three'\n",
    "escapes": 'a: "tab\\t nl\\n \\u00e9 \\x41 \\U0001F600 \\" \\\\ \\/"',
    "double quotes over lines": 'b: "one\n  two \\\n  three"\n',
    "literal": "a: |\n  one\n   two\n\n  three\nb: |-\n  x\nc: |+\n  y\n\nd: |2\n    z\n",
    "folded": "a: >\n  one\n  two\n\n  three\n    four\n  five\nb: >-\n  x\n  y\nc: >+\n  z\n\n\n",
    "plain over lines": "a: one\n  two\n  three\nb: four\n\n  five\n",
    "comments": "# c\na: 1 # c\n# c\nb: x#y\nc: 'z' # c\n",
    "anchors": "a: &x {b: [1, 2]}\nc: *x\nd: &y text\ne: [*y, *x]\n",
    "merge": "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n  e: 4\n",
    "merge at the end": "a: &x {b: 1, c: 2}\nd: {c: 3, <<: *x}\n",
    "merge of several": "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\nf: {<<: [*y, *x]}\n",
    "merge inline": "a: {<<: {b: 1}, c: 2}\n",
    "merge in merge": "a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne: {<<: *y, b: 3}\n",
    "quoted merge sign": "a: {'<<': 1}\n",
    "several documents": "a: 1\n---\nb: 2\n--- \nc: 3\n...\n---\nd: 4\n",
    "directive": "%YAML 1.2\n---\na: 010\nb: yes\nc: 1:30\n",
    "core tags": "a: !!str 1\nb: !!int 007\nc: !!float 1.5\nd: !!bool true\ne: !!null ~\n",
    "core tags of collections": "!!map\na: !!map {b: !!seq [c]}\n",
    "tag without meaning": "b: ! 'x'\n",
    "quoted core tags": "a: !!str '1'\nb: !!int '7'\n",
    "lists in lists": "a:\n- - 1\n  - 2\n-\n  - 3\n",
    "question marks": "? a\n: b\n? 'c'\n: - d\n",
    "carriage returns": "a: 1\r\nb:\r\n- x\r\n- y\r\n",
    "byte order mark": "\ufeffa: 1\n",
    "other letters": "ключ: значение\n日本: 😀\n",
    "no newline at the end": "a: b",
    "colons in block style": "a: x:y\nb: http://c:1/d\n",
    "colons in flow style": "{a: [https://b.c:1/d?e=f, x::y], g: http://h/, 'i':j, k?: l?m}\n",
    "times in flow style": "a: [{from: 2026-12-01T09:00+01:00, until: 09:00:00}]\n",
    "spaces": "a:    1   \n\n\n  \nb:  two  words  \n",
    "tags and anchors": "a: &x !!str 1\nb: !!str &y 2\nc: [*x, *y]\n",
    "empty values": "a:\nb: ~\nc: ''\nd: []\n",
    "keys with spaces": "a key: 1\n'another: key': 2\n",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_reads_as_ruamel_reads_it(name: str) -> None:
    text = DOCUMENTS[name]
    theirs = list(YAML(typ="safe", pure=True).load_all(text))
    parsed = parse(Source.of("a.yaml", text.encode()))
    assert parsed.diagnostics == ()
    assert [document.data for document in parsed.documents] == theirs


TEXTS = st.text(max_size=8).filter(lambda text: "\0" not in text)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


STYLES = {"block": False, "flow": True, "mixed": None}


@given(st.dictionaries(TEXTS, TREES, max_size=4), st.sampled_from([*STYLES]))
def test_what_ruamel_writes_is_read_back(tree: dict[str, Any], style: str) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = STYLES[style]
    stream = io.StringIO()
    yaml.dump(tree, stream)
    try:
        assume(yaml.load(stream.getvalue()) == tree)
    except YAMLError:  # it cannot read everything that it writes
        return
    parsed = parse(Source.of("a.yaml", stream.getvalue().encode()))
    assert [document.data for document in parsed.documents] == [tree]


@given(st.lists(st.text("ab1:/?.=-", min_size=1, max_size=6), min_size=1, max_size=3))
def test_plain_text_in_flow_style_is_never_misread(items: list[str]) -> None:
    text = f"k: [{', '.join(items)}]\n"
    parsed = parse(Source.of("a.yaml", text.encode()))
    try:
        theirs = list(YAML(typ="safe", pure=True).load_all(text))
    except (YAMLError, ValueError):
        return
    assert parsed.diagnostics or [document.data for document in parsed.documents] == theirs


@given(st.from_regex(r"https?://[a-z]{1,5}(:[0-9]{1,4})?(/[a-z?=:]{0,5}[a-z?])?", fullmatch=True))
def test_an_address_needs_no_quotes_in_flow_style(address: str) -> None:
    (document,) = parse(Source.of("a.yaml", f"{{a: [{address}], b: {address}}}".encode())).documents
    assert document.data == {"a": [address], "b": address}
