"""One plain page with what `status` lists: no script, nothing from elsewhere, values escaped."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import NewType

from reconciler.plan.action import Key
from reconciler.plan.session import Session
from reconciler.plan.status import Row
from reconciler.plan.times import rfc3339
from reconciler.state.store import Condition
from reconciler.web.sessions import files_json
from reconciler.web.status import begun_s
from reconciler.web.times import ahead, span
from reconciler.web.view import View

REFRESH_S = 30
STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:80rem;padding:1rem}
h1{font-size:1.4rem;margin:0}
div{margin:1.5rem 0;overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{font-weight:bold;padding:.25rem 0;text-align:left}
th,td{border-bottom:1px solid #8886;padding:.35rem .75rem .35rem 0;text-align:left}
th,td{overflow-wrap:anywhere;vertical-align:top}
thead th{white-space:nowrap}
.bad{font-weight:bold;text-decoration:underline}
@media(max-width:45rem){.less{display:none}}
"""
POLICY = f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""What the page needs of a browser, as a directive of Content-Security-Policy: its own style."""

NOTHING = "-"
SCOPE_SHOWN = "(scope)"
WHEN_EMPTY = "when its channel is empty"
COLUMNS = (
    "Name",
    "*Desired",
    "Phase",
    "*Sync",
    "Health",
    "*Age",
    "*Expires",
    "*Files",
    "What there is to say",
)
ORPHAN_COLUMNS = ("Name", "Channel", "UID", "*Resource ID", "*SID", "Since", "Ends by")
CONDITION_COLUMNS = ("Name", "Condition", "Status", "*Reason", "Message", "*Since")
"""Those with a star are left out on a narrow screen."""

_BAD = frozenset({"degraded", "missing"})

Html = NewType("Html", str)
"""Text that is safe to stand in a page."""


def page(view: View) -> str:
    """Return the page as HTML."""
    tables = [_recordings(view), _orphans(view), _conditions(view)]
    head = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f'<meta http-equiv="refresh" content="{REFRESH_S}">',
        f"<title>{_text(_title(view))}</title>",
        f"<style>{STYLE}</style>",
    ]
    body = ["<h1>Recordings</h1>", f"<p>{_text(_summary(view))}</p>", f"<p>{_origin(view)}</p>"]
    return "\n".join([*head, *body, *tables]) + "\n"


def _title(view: View) -> str:
    worst = sum(row.health in _BAD for row in view.rows)
    return f"{worst} not well - reconciler" if worst else "reconciler"


def _summary(view: View) -> str:
    desired = sum(row.desired == "recording" for row in view.rows)
    counts = Counter(row.health for row in view.rows)
    parts = [f"{desired} to record now", *(f"{counts[each]} {each}" for each in sorted(counts))]
    lost = len(view.orphans)
    return ", ".join([*parts, f"{lost} orphaned"] if lost else parts) + "."


def _origin(view: View) -> Html:
    said = [f"Scope {_code(view.scope)}"]
    said += [f"commit {_code(view.commit)}"] if view.commit else []
    return Html(f"{', '.join(said)}, as of {_time(view.now_s, rfc3339(view.now_s))}.")


def _recordings(view: View) -> Html:
    if not view.rows:
        return Html("<p>There is no recording yet.</p>")
    return _table("Recordings", COLUMNS, (_row(row, view) for row in view.rows))


def _row(row: Row, view: View) -> Sequence[Html]:
    session, now_s = row.session, view.now_s
    age = expires = files = _text(NOTHING)
    if session is not None:
        files = _text(str(len(files_json(view.files.get(session.id, "")))))
        if session.may_live and session.started_s is not None:
            age = _time(session.started_s, span(now_s - session.started_s))
        if session.may_live and session.expires_s is not None:
            expires = _time(session.expires_s, ahead(session.expires_s, now_s))
    return (
        _text(str(row.key)),
        _text(row.desired),
        _text(str(row.phase)),
        _text(row.sync),
        _marked(row.health, bad=row.health in _BAD),
        age,
        expires,
        files,
        _text(f"{row.reason}: {row.message}" if row.message else NOTHING),
    )


def _orphans(view: View) -> Html:
    if not view.orphans:
        return Html("")
    title = "Orphans: sessions that may be alive and that no call reaches"
    return _table(title, ORPHAN_COLUMNS, (_orphan(each, view.now_s) for each in view.orphans))


def _orphan(session: Session, now_s: float) -> Sequence[Html]:
    ends_s, since_s = session.ends_by_s, begun_s(session)
    return (
        _text(str(Key(session.recording, session.replica))),
        _text(session.channel),
        _text(session.uid),
        _text(session.resource_id or NOTHING),
        _text(session.sid or NOTHING),
        _time(since_s, f"{span(now_s - since_s)} ago"),
        _text(WHEN_EMPTY) if ends_s is None else _time(ends_s, ahead(ends_s, now_s)),
    )


def _conditions(view: View) -> Html:
    if not view.conditions:
        return Html("")
    rows = (_condition(each, view.now_s) for each in view.conditions)
    return _table("Conditions", CONDITION_COLUMNS, rows)


def _condition(condition: Condition, now_s: float) -> Sequence[Html]:
    key = Key(condition.recording, condition.replica)
    return (
        _text(str(key) if condition.recording else SCOPE_SHOWN),
        _text(condition.type),
        _text("true" if condition.status else "false"),
        _text(condition.reason),
        _text(condition.message or NOTHING),
        _time(condition.since_s, f"{span(now_s - condition.since_s)} ago"),
    )


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Html]]) -> Html:
    """Return a table that scrolls by itself, with the keyboard too, where it is too wide."""
    kinds = [' class="less"' if name.startswith("*") else "" for name in columns]
    names = [_text(name.removeprefix("*")) for name in columns]
    cells = zip(kinds, names, strict=True)
    header = "".join(f'<th scope="col"{kind}>{name}</th>' for kind, name in cells)
    lines = [
        f'<div role="region" tabindex="0" aria-label="{_text(caption)}">',
        f"<table><caption>{_text(caption)}</caption>",
        f"<thead><tr>{header}</tr></thead>",
        "<tbody>",
        *(_line(row, kinds) for row in rows),
        "</tbody></table></div>",
    ]
    return Html("\n".join(lines))


def _line(row: Sequence[Html], kinds: Sequence[str]) -> str:
    name, *rest = row
    cells = "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds[1:], rest, strict=True))
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _text(text: str) -> Html:
    """Return any text as it is to be read; what could move or turn other text shows as a mark."""
    return Html(escape("".join(each if each.isprintable() else "\ufffd" for each in text)))


def _code(text: str) -> Html:
    return Html(f"<code>{_text(text)}</code>")


def _marked(text: str, *, bad: bool) -> Html:
    return Html(f'<span class="bad">{_text(text)}</span>') if bad else _text(text)


def _time(time_s: float, shown: str) -> Html:
    moment = rfc3339(time_s)
    return Html(f'<time datetime="{moment}" title="{moment}">{_text(shown)}</time>')
