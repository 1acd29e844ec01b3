"""A plan for people: one block for each recording, as readers of Terraform expect it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from reconciler.cli.console import Console
from reconciler.cli.plan_words import SYMBOLS, nature, pair, problems_of, summary_line, told
from reconciler.cli.report import STATE, diagnostic_lines, one_line
from reconciler.cli.table import COLUMNS_MIN, cut, measure
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.draw.text import wrap
from reconciler.plan.action import Action, FieldChange, Key, Kind, Known, Plan
from reconciler.plan.reasons import Reason
from reconciler.spec.mapping import Change as Effect

UNCHANGED_SHOWN_MAX = 10
"""So many `none`s that are not in sync are named; `--format json` lists them all."""

WARNINGS_SHOWN_MAX = 10
"""So many warnings of one code are written; the others are only counted."""

INDENT = "    "
NAME_CELLS_MIN = 12
PAIR_CELLS_MIN = 24
"""Where both values of a change have less room than this, they stand on lines of their own."""

STYLES: Final = {"+": "32", "~": "33", "-/+": "35", "-": "31", ".": "2", "!": "1;31"}


def plan_text(
    plan: Plan,
    console: Console,
    *,
    requests: Mapping[Key, Sequence[Mapping[str, Any]]] | None = None,
) -> Iterator[str]:
    """Return the lines: actions, then what needs to be known about them, last the one that counts.

    Lines fit the console, but for diagnostics, requests and the summary, which are not cut.
    """
    width = max(console.columns(), COLUMNS_MIN)
    for lines in (
        _blocks(plan, console, width, requests or {}),
        _unchanged(plan, width),
        _legend(plan, width),
        _diagnostics(problems_of(plan), console),
        _refusal(plan, console, width),
    ):
        yield from _section(lines)
    yield console.styled(summary_line(plan), "1")


def _blocks(
    plan: Plan,
    console: Console,
    width: int,
    requests: Mapping[Key, Sequence[Mapping[str, Any]]],
) -> Iterator[str]:
    """Write a block for each recording; those of more than one line have air around them."""
    told_of = [action for action in plan.actions if action.kind is not Kind.NONE]
    size = 0
    for _, actions in groupby(told_of, key=lambda action: action.key.recording):
        block: list[str] = []
        for action in actions:
            block += _block(action, plan.now_s, console, width)
            block += _requests(requests.get(action.key, ()))
        if size and max(size, len(block)) > 1:
            yield ""
        yield from block
        size = len(block)


def _section(lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    yield from listed
    if listed:
        yield ""


def _block(action: Action, now_s: float, console: Console, width: int) -> Iterator[str]:
    symbol = SYMBOLS[action.kind]
    rest = cut(f"  {action.kind}  {one_line(action.reason)}", width - len(INDENT) - NAME_CELLS_MIN)
    name = cut(one_line(str(action.key)), width - len(INDENT) - measure(rest))
    head = console.styled(f"{symbol:<3}", STYLES[symbol]) + f" {console.styled(name, '1')}{rest}"
    used = len(INDENT) + measure(name) + measure(rest)
    message = told(action, now_s)
    if used + measure(f" — {message}") <= width:
        yield f"{head} — {message}" if message else head
    else:
        yield head
        yield from _wrapped(message, width)
    yield from _changes(action.changes, width - len(INDENT))


def _wrapped(text: str, width: int) -> Iterator[str]:
    return (f"{INDENT}{line}" for line in wrap(text, width - len(INDENT), measure))


def _changes(changes: Sequence[FieldChange], width: int) -> Iterator[str]:
    """Align path, values and what the change takes; on narrow screens below each other."""
    natures = [nature(change) for change in changes]
    paths = [cut(one_line(change.path), width // 2) for change in changes]
    left = max(map(measure, paths), default=0) + 2
    room = width - left - max(map(len, natures), default=0) - 2
    if room < PAIR_CELLS_MIN:
        for path, change, said in zip(paths, changes, natures, strict=True):
            yield (
                f"{INDENT}{path}  {said}"
                if measure(path) + 2 + len(said) <= width
                else INDENT + path
            )
            yield f"{INDENT}  {_values(change, width - 2)}"
        return
    values = [_values(change, room) for change in changes]
    right = max(map(measure, values), default=0) + 2
    for path, value, said in zip(paths, values, natures, strict=True):
        yield f"{INDENT}{_padded(path, left)}{_padded(value, right)}{said}"


def _values(change: FieldChange, room: int) -> str:
    """Write `before -> after`; what does not fit is cut, each side getting at least half."""
    spare = room - len(" -> ")
    before, after = pair(change, spare)
    half = spare // 2
    first = cut(before, max(half, spare - measure(after)))
    second = cut(after, max(spare - half, spare - measure(before)))
    return f"{first} -> {second}"


def _padded(text: str, room: int) -> str:
    return text + " " * (room - measure(text))


def _requests(requests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for request in requests:
        yield f"{INDENT}{one_line(request['method'])} {one_line(request['path'])}"
        body = json.dumps(request["body"], indent=2, ensure_ascii=False)
        yield from (f"{INDENT}  {one_line(line)}" for line in body.split("\n"))


def _unchanged(plan: Plan, width: int) -> Iterator[str]:
    """Name what is left alone for a reason that somebody may want to know."""
    idle = [
        action
        for action in plan.actions
        if action.kind is Kind.NONE and action.reason != Reason.IN_SYNC
    ]
    for action in idle[:UNCHANGED_SHOWN_MAX]:
        said = (
            f"{one_line(str(action.key))}  {one_line(action.reason)} — {told(action, plan.now_s)}"
        )
        yield f".   {cut(said, width - len(INDENT))}"
    if len(idle) > UNCHANGED_SHOWN_MAX:
        more = len(idle) - UNCHANGED_SHOWN_MAX
        yield f".   ... and {more} more (--format json)"


def _legend(plan: Plan, width: int) -> Iterator[str]:
    """Explain the words beside the changes, those that occur."""
    changes = [
        change
        for action in plan.actions
        if action.kind is not Kind.NONE
        for change in action.changes
    ]
    known = {change.known for change in changes}
    said = []
    if Known.APPLIED in known:
        said.append("remembered: before is what was last sent and accepted.")
    if Known.OBSERVED in known:
        said.append("observed: before is what the service last said.")
    if any(change.effect is Effect.LOCAL for change in changes):
        said.append("local: recorded here, no call; the next session takes it.")
    return iter(wrap(" ".join(said), width, measure))


def _diagnostics(diagnostics: Iterable[Diagnostic], console: Console) -> Iterator[str]:
    """Write all errors; of warnings with one code, which every recording may have, the first."""
    seen: Counter[str] = Counter()
    for diagnostic in sorted(diagnostics, key=lambda each: each.position.file != STATE):
        if diagnostic.severity is Severity.WARNING:
            seen[diagnostic.code] += 1
        if seen[diagnostic.code] <= WARNINGS_SHOWN_MAX or diagnostic.severity is Severity.ERROR:
            yield from diagnostic_lines(diagnostic, console)
    for code, count in seen.items():
        if count > WARNINGS_SHOWN_MAX:
            more = count - WARNINGS_SHOWN_MAX
            yield f"... and {more} more like `{one_line(code)}` (--format json lists them all)"


def _refusal(plan: Plan, console: Console, width: int) -> Iterator[str]:
    """Say which safety rule stands against the plan, and what lifts it."""
    if not plan.refused:
        return
    first, *others = wrap(f"Refused: {one_line(plan.refused)}", width, measure)
    yield console.styled(first, "1;31")
    yield from (console.styled(line, "1;31") for line in others)
    if plan.refused_hint:
        yield from _wrapped(f"hint: {one_line(plan.refused_hint)}", width)
