"""A plan as a comment on a pull request: a table, the details folded, within a comment's size.

Nothing from a spec reaches the page as markup: characters that could be are written as references,
and what could call somebody or become a link is broken up. Details are HTML as a whole, in which
no Markdown is read; their values stand in `<pre>`, where hosts look for neither names nor links.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.cli.plan_words import changes_counted, nature, pair, problems_of, rest_counted, told
from reconciler.cli.report import one_line
from reconciler.cli.table import cut
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.plan.action import Action, FieldChange, Kind, Plan

PAGE_BYTES_MAX: Final = 59_900
"""We promise less than 60,000 characters, GitHub takes 65,536; a text has no more than bytes."""

TABLE_BYTES_MAX: Final = 24_000
PROBLEMS_BYTES_MAX: Final = 12_000
DETAIL_BYTES_MAX: Final = 12_000
"""One recording with thousands of changes shall not push out all others."""

FRAME_BYTES: Final = 1_000
"""What headings, tags and notes on what was left out take at most."""

MISSES_MAX: Final = 50
"""After so many pieces that did not fit, no smaller one is looked for."""

VALUE_CELLS_MAX: Final = 200
NAME_CELLS_MAX: Final = 253
SENTENCE_CELLS_MAX: Final = 500

_MARKUP = re.compile(r"""[^\w\s.,;:/='"?%+()-]|_|:(?=/)""")
_CALLING = re.compile(r"&#64;|&#35;(?=\d)|&#58;|www(?=\.)", re.IGNORECASE)
"""`@name`, `#1`, `https://`, `www.`: what hosts make links of after the references are read."""

_BREAK = "&#8203;"  # a space of no width


def plan_markdown(plan: Plan) -> str:
    """Return the comment; one line where there is nothing to tell."""
    title = f"### Recordings of {_code(plan.scope)}: {changes_counted(plan)}; {rest_counted(plan)}"
    shown = sorted((each for each in plan.actions if each.kind is not Kind.NONE), key=_rank)
    head = [title, *_refusal(plan)]
    rows = _fitting(map(_row, shown), TABLE_BYTES_MAX)
    problems = _problems(problems_of(plan))
    room = PAGE_BYTES_MAX - FRAME_BYTES - _size([*head, *rows.values(), *problems])
    details = _fitting((_detail(each, plan.now_s) for each in shown), room)
    lines = [*head, *_table(rows.values()), *problems, *_left_out(shown, rows, details)]
    return "\n".join([*lines, *details.values()]) + "\n"


def _rank(action: Action) -> int:
    """Put changes first, then errors, then waits; each in the plan's order."""
    return (Kind.ERROR, Kind.WAIT).index(action.kind) + 1 if not action.is_change else 0


def _fitting(pieces: Iterable[str], room: int) -> dict[int, str]:
    """Return the pieces that fit, each with its place; one that does not is left out whole."""
    taken: dict[int, str] = {}
    for place, piece in enumerate(pieces):
        size = _size([piece])
        if size <= room:
            room -= size
            taken[place] = piece
        elif place - len(taken) >= MISSES_MAX:
            break
    return taken


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _refusal(plan: Plan) -> list[str]:
    if not plan.refused:
        return []
    lines = ["", f"> **Refused:** {_prose(plan.refused)}"]
    return [*lines, ">", f"> Hint: {_prose(plan.refused_hint)}"] if plan.refused_hint else lines


def _table(rows: Iterable[str]) -> list[str]:
    listed = list(rows)
    return ["", "| recording | action | reason |", "|---|---|---|", *listed] if listed else []


def _row(action: Action) -> str:
    return f"| {_name(action)} | {action.kind} | {_prose(action.reason)} |"


def _detail(action: Action, now_s: float) -> str:
    """Fold what is known of one action; no line is empty, which would end the HTML."""
    title = f"{_name(action)} {action.kind}: {_prose(action.reason)}"
    lines = ["", f"<details><summary>{title}</summary>", f"<p>{_prose(told(action, now_s))}</p>"]
    changes = _fitting(map(_change, action.changes), DETAIL_BYTES_MAX)
    if changes:
        lines += ['<pre lang="diff">', *changes.values(), "</pre>"]
    if more := len(action.changes) - len(changes):
        lines.append(f"<p>... and {more} more changes</p>")
    return "\n".join([*lines, "</details>"])


def _change(change: FieldChange) -> str:
    before, after = pair(change, VALUE_CELLS_MAX)
    return "\n".join(
        [
            f"  {_spelt(change.path)} {_spelt(nature(change))}",
            f"- {_references(before, VALUE_CELLS_MAX)}",
            f"+ {_references(after, VALUE_CELLS_MAX)}",
        ]
    )


def _problems(problems: Sequence[Diagnostic]) -> list[str]:
    """Fold the diagnostics; errors are unfolded."""
    if not problems:
        return []
    ordered = sorted(problems, key=lambda each: each.severity is not Severity.ERROR)
    shown = _fitting(map(_problem, ordered), PROBLEMS_BYTES_MAX)
    fold = "<details open>" if ordered[0].severity is Severity.ERROR else "<details>"
    noun = "diagnostic" if len(problems) == 1 else "diagnostics"
    lines = ["", f"{fold}<summary>{len(problems)} {noun}</summary>", "<pre>", *shown.values()]
    lines.append("</pre>")
    if more := len(problems) - len(shown):
        lines.append(f"<p>... and {more} more</p>")
    return [*lines, "</details>"]


def _problem(problem: Diagnostic) -> str:
    place = f"{problem.position}: " if problem.position.file else ""
    path = f" {problem.path}" if problem.path else ""
    said = _spelt(f"{place}{problem.severity}[{problem.code}]{path}: {problem.message}")
    return f"{said}\n  hint: {_spelt(problem.hint)}" if problem.hint else said


def _left_out(
    shown: Sequence[Action], rows: dict[int, str], details: dict[int, str]
) -> Iterator[str]:
    """Say how much there was no room for."""
    unlisted, unfolded = (
        len({action.key for place, action in enumerate(shown) if place not in taken})
        for taken in (rows, details)
    )
    if unlisted or unfolded:
        yield ""
        yield (
            f"**Left out for want of room:** {unlisted} recordings in the table, the details of "
            f"{unfolded}. `reconciler plan` shows all."
        )


def _name(action: Action) -> str:
    return _code(str(action.key))


def _code(text: str) -> str:
    return f"<code>{_called_off(_references(text, NAME_CELLS_MAX))}</code>"


def _prose(text: str) -> str:
    return _called_off(_references(text, SENTENCE_CELLS_MAX))


def _spelt(text: str) -> str:
    return _references(text, SENTENCE_CELLS_MAX)


def _called_off(text: str) -> str:
    return _CALLING.sub(lambda match: match[0] + _BREAK, text)


def _references(text: str, room: int) -> str:
    """Write what could be markup as character references; cut what is endless."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", cut(one_line(text), room))
