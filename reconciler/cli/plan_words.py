"""The words and signs for plans that the text and the Markdown form share."""

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import takewhile
from typing import Final

from reconciler.cli.report import one_line
from reconciler.diagnostics import Diagnostic
from reconciler.draw.text import ELLIPSIS
from reconciler.plan.action import (
    SECRET_SHOWN,
    UNKNOWN_SHOWN,
    Action,
    FieldChange,
    Kind,
    Known,
    Plan,
)
from reconciler.plan.times import rfc3339
from reconciler.web.times import ahead
from reconciler.web.values import in_order, plain

SYMBOLS: Final = {
    Kind.START: "+",
    Kind.UPDATE: "~",
    Kind.UPDATE_LAYOUT: "~",
    Kind.UPDATE_AND_LAYOUT: "~",
    Kind.REPLACE: "-/+",
    Kind.RESTART: "-/+",
    Kind.ROTATE: "-/+",
    Kind.STOP: "-",
    Kind.WAIT: ".",
    Kind.NONE: ".",
    Kind.ERROR: "!",
}
KNOWN: Final = {Known.APPLIED: "remembered", Known.OBSERVED: "observed"}
NOT_SET = "(not set)"

CONTEXT_CHARACTERS = 12
"""How much of what two long texts have in common is shown on each side of their difference."""


AHEAD_S_MAX = 400 * 86_400.0
"""What is further ahead is not counted in days."""


def spelt(value: object) -> str:
    """Write a value on one line, as JSON; what is no value but stands for one is bare."""
    if value is None:
        return NOT_SET
    if value in (SECRET_SHOWN, UNKNOWN_SHOWN):
        return str(value)
    return one_line(json.dumps(plain(value), ensure_ascii=False))


def pair(change: FieldChange, room: int) -> tuple[str, str]:
    """Write both values of a change; where they have no `room`, rather what differs in them."""
    before, after = spelt(change.before), spelt(change.after)
    if len(before) + len(after) <= room:
        return before, after
    lists = [_members(value) for value in (change.before, change.after)]
    if lists[0] and lists[1]:
        return _list_pair(*lists)
    return _text_pair(before, after)


def nature(change: FieldChange) -> str:
    """Say what a change takes, and how the value before it is known."""
    return f"({change.effect}, {KNOWN[change.known]})"


def told(action: Action, now_s: float) -> str:
    """Return an action's sentence with when it ends by itself."""
    message = one_line(action.message)
    if action.until_s is None:
        return message
    due = ahead(action.until_s, now_s) if action.until_s < now_s + AHEAD_S_MAX else "in years"
    until = rfc3339(action.until_s)
    return f"{message} ({due})" if until in message else f"{message} (until {until}, {due})"


def problems_of(plan: Plan) -> list[Diagnostic]:
    """Return a plan's diagnostics but for the safety rule against it, which is told by itself."""
    return [each for each in plan.diagnostics if each.message != plan.refused]


def summary_line(plan: Plan) -> str:
    """Count what would be done, and what would not, in one line."""
    return f"Plan: {changes_counted(plan)}; {rest_counted(plan)}."


def changes_counted(plan: Plan) -> str:
    """Count the actions that change something; the rarer ones only where there are any."""
    count = plan.summary
    if not plan.has_changes:
        return "nothing to do"
    updates = count[Kind.UPDATE] + count[Kind.UPDATE_LAYOUT] + count[Kind.UPDATE_AND_LAYOUT]
    parts = [f"{count[Kind.START]} to start", f"{updates} to update"]
    parts.append(f"{count[Kind.REPLACE]} to replace")
    parts += [f"{count[kind]} to {kind}" for kind in (Kind.RESTART, Kind.ROTATE) if count[kind]]
    return ", ".join([*parts, f"{count[Kind.STOP]} to stop"])


def rest_counted(plan: Plan) -> str:
    """Count the actions that change nothing."""
    count = plan.summary
    errors = f"{count[Kind.ERROR]} error" + ("" if count[Kind.ERROR] == 1 else "s")
    return f"{count[Kind.NONE]} unchanged, {count[Kind.WAIT]} waiting, {errors}"


def _members(value: object) -> list[str]:
    """Return the entries of a list or set of plain values, as written; empty for all else."""
    if isinstance(value, str) or not isinstance(value, Sequence | AbstractSet):
        return []
    flat = all(isinstance(member, str | int | float) for member in value)
    if not flat:
        return []
    members = value if isinstance(value, Sequence) else in_order(value)
    return [spelt(member) for member in members]


def _list_pair(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """Count the entries, and name those that go and those that come."""
    gone, come = set(before) - set(after), set(after) - set(before)
    changes = [f"-{entry}" for entry in before if entry in gone]
    changes += [f"+{entry}" for entry in after if entry in come]
    named = f": {' '.join(changes)}" if changes else ", in another order"
    return f"{len(before)} entries", f"{len(after)} entries{named}"


def _text_pair(before: str, after: str) -> tuple[str, str]:
    """Leave out most of what the two have in common at their ends."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    skip, drop = max(0, head - CONTEXT_CHARACTERS), max(0, tail - CONTEXT_CHARACTERS)

    def cut(text: str) -> str:
        return ELLIPSIS * bool(skip) + text[skip : len(text) - drop] + ELLIPSIS * bool(drop)

    return cut(before), cut(after)


def _common(first: str, second: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
