"""Plans and sessions with any text in them, as far as types allow."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.plan.action import Action, Cause, FieldChange, Key, Kind, Known, Plan
from reconciler.plan.session import Phase
from reconciler.spec.mapping import Change as Effect
from tests.golden.plans import NOW_S, session

# What has broken such views before: markup of every kind, wide and odd characters, long words.
NASTY = st.sampled_from(
    [
        "</details>",
        "<!--",
        "]]>",
        "@everyone",
        "a|b",
        "`code`",
        "```",
        "[x](https://evil.example)",
        "https://evil.example",
        "WWW.evil.example",
        "#123",
        "a\nb\r\n\nc",
        "\x1b[31mred",
        "\u202eback",
        "全角" * 60,
        "😀" * 90,
        "word " * 80,
        "x" * 3000,
        "\\|",
        "&lt;b&gt;",
        "*_~$",
    ]
)
texts = st.text(max_size=40) | NASTY
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.frozensets(texts | st.integers(), max_size=5)
        | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=4,
)
changes = st.builds(
    FieldChange, texts, values, values, st.sampled_from(Effect), st.sampled_from(Known)
)
actions = st.builds(
    Action,
    key=st.builds(Key, texts, st.integers(0, 3)),
    kind=st.sampled_from(Kind),
    reason=texts,
    message=texts,
    cause=st.sampled_from(Cause),
    changes=st.lists(changes, max_size=3).map(tuple),
    session=st.sampled_from(["", "archive-1"]),
    until_s=st.none() | st.floats(NOW_S - 1e6, NOW_S + 1e7),
)
diagnostics = st.builds(
    Diagnostic,
    st.builds(Position, texts, st.integers(1, 99), st.integers(1, 99)),
    texts,
    st.sampled_from(Severity),
    st.sampled_from(["orphan", "secret-unresolved"]),
    texts,
    st.none() | texts,
)
plans = st.builds(
    Plan,
    scope=texts,
    now_s=st.just(NOW_S),
    actions=st.lists(actions, max_size=5).map(tuple),
    diagnostics=st.lists(diagnostics, max_size=3).map(tuple),
    based_on=st.just(lambda: "b"),
    refused=st.just("") | texts,
    refused_hint=st.just("") | texts,
)
moments = st.none() | st.floats(0, 2 * NOW_S)
sessions = st.builds(
    replace,
    st.just(session("a")),
    recording=texts,
    replica=st.integers(0, 3),
    phase=st.sampled_from(Phase),
    channel=texts,
    uid=texts,
    sid=texts,
    started_s=moments,
    resource_ends_s=moments,
    ends_by_s=moments,
    missing_s=moments,
    end_reason=texts,
)
