"""Whatever stands in a body, the rules answer with findings that a person can read."""

import re
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.rules.rule import Body
from reconciler.spec.rules.shape import ACQUIRE, REQUEST, Choice, ListOf, Node, Object
from reconciler.spec.rules.table import findings
from reconciler.spec.scalars import Timestamp
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Json, Mode, Path
from tests.spec.rules import bodies
from tests.spec.rules.cases import cases

MESSAGE_LENGTH_MAX = 160
MARK = "do-not-show-me"


def leaves(value: Json, path: Path = ()) -> list[Path]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
    return [path]


ODD_PARTS: list[list[Json]] = [
    [None, True, False, -1, 10**400, -(10**400), 0.1 + 0.2, 1e308, float("inf"), float("nan")],
    ["", " ", "\ud800", "²", "0", "#allstream#", "http://", "//", "a" * 5000],
    [[], {}, [[]], [{}], [None], {"": None}, {"uid": {}}, [{"x_axis": "0"}]],
    [Secret("env", "NAME"), Secret("literal", ""), [Secret("exec", ("a", "b"))]],
]
ODD = [value for part in ODD_PARTS for value in part]

secrets = st.builds(Secret, st.sampled_from(("literal", "env")), st.text(max_size=5))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | secrets
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=5,
)
telling: st.SearchStrategy[Any] = st.sampled_from(
    (0, 1, 2, 3, 7, 8, 0.5, "1", "#allstream#", "audioMix", "postponeTranscoding", "hls", "mp4")
)


def like(node: Node) -> st.SearchStrategy[Any]:
    if isinstance(node, Object):
        parts = {key: like(item) for key, item in node.fields.items()}
        return st.fixed_dictionaries({}, optional=parts) | anything
    if isinstance(node, ListOf):
        return st.lists(like(node.item), max_size=3) | anything
    if isinstance(node, Choice):
        return st.sampled_from(node.values) | anything
    return telling | anything


@given(
    mode=st.sampled_from(Mode),
    cname=st.text(max_size=70),
    uids=st.lists(st.text(max_size=3), max_size=2),
    acquire=like(ACQUIRE),
    request=like(REQUEST),
)
def test_no_body_makes_a_rule_fail(
    mode: Mode, cname: str, uids: list[str], acquire: Json, request: Json
) -> None:
    acquire = acquire if isinstance(acquire, dict) else {}
    request = request if isinstance(request, dict) else {}
    body = Body(mode, cname, tuple(uids), acquire, request, bodies.NOW_S)
    for _, finding in findings(body):
        assert finding.message.isprintable()


@pytest.mark.parametrize("mode", Mode)
def test_an_odd_value_anywhere_is_met_with_words(mode: Mode) -> None:
    sound = bodies.body(mode)
    places = {path[:end] for path in leaves(dict(sound.request)) for end in range(1, len(path) + 1)}
    for path in places:
        for value in ODD:
            for _, finding in findings(bodies.with_value(sound, path, value)):
                assert not re.search(r"None|True|False|Secret\(|[{]'|dict", finding.message)
                assert len(finding.message) < MESSAGE_LENGTH_MAX


def test_no_finding_shows_a_literal_secret() -> None:
    secret = Secret("literal", MARK)
    for case in cases():
        for path in leaves(dict(case.body.request)):
            for _, finding in findings(bodies.with_value(case.body, path, secret)):
                assert MARK not in f"{finding.message} {finding.hint}"


def test_a_date_that_yaml_read_is_no_text() -> None:
    date = cast("Json", Timestamp("2026-12-01"))
    judged = findings(bodies.with_value(bodies.body(Mode.WEB), ("storageConfig", "bucket"), date))
    assert [finding.message for _, finding in judged] == ["must be text, this is something else"]
