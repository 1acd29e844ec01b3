"""How recordings are, as a table (design/cli.md, "status")."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from reconciler.cli.console import Console
from reconciler.cli.table import COLUMNS_MIN, Column, cut, fit_text, table
from reconciler.engine.guard import GUARDED
from reconciler.plan.action import Key
from reconciler.plan.session import Phase, Session
from reconciler.plan.status import Row
from reconciler.state.store import Condition
from reconciler.web.sessions import files_json
from reconciler.web.status import begun_s
from reconciler.web.times import ahead, span
from reconciler.web.view import View

COLUMNS = (
    Column("NAME", least=12),
    Column("DESIRED", rank=3),
    Column("PHASE"),
    Column("SYNC", rank=1),
    Column("HEALTH"),
    Column("AGE", right=True, rank=4),
    Column("EXPIRES", right=True, rank=5),
    Column("FILES", right=True, rank=6),
)
ORPHAN_COLUMNS = (
    Column("NAME", least=12),
    Column("CHANNEL", least=8, rank=1),
    Column("UID", least=6),
    Column("RESOURCE ID", least=8, rank=3),
    Column("SID", least=8, rank=4),
    Column("SINCE", rank=2),
    Column("ENDS BY"),
)
NOTHING = "-"
WHEN_EMPTY = "when empty"
"""Nothing but its channel, empty for `maxIdle`, ends such an orphan."""

NOTEWORTHY = (
    "degraded",
    "missing",
    "progressing",
    "suspended",
    "unknown",
    "out of sync",
    "orphaned",
)
COMMIT = "commit"
"""The reason of the one good condition of a scope that is shown: which commit is in force."""

HEALTH_STYLES = {"degraded": "31", "missing": "31", "progressing": "33", "suspended": "36"}


def status_text(view: View, console: Console) -> Iterator[str]:
    """Return the lines: one for each replica and one for what is wrong with it, orphans, counts."""
    width = max(console.columns(), COLUMNS_MIN)
    guarded = _guarded(view)
    if view.rows:
        cells = [_cells(row, view.files, view.now_s) for row in view.rows]
        header, *lines = table(COLUMNS, cells, width)
        yield console.styled(header, "1")
        for row, line in zip(view.rows, lines, strict=True):
            style = HEALTH_STYLES.get(row.health)
            yield console.styled(line, style) if style else line
            if row.message:
                yield from _said(f"{row.reason}: {row.message}", width, "  ")
            for condition in guarded.get(row.key, ()):
                yield from _said(f"{condition.type}: {condition.message}", width, "  ")
        yield ""
    if view.orphans:
        yield from _orphan_lines(view.orphans, view.now_s, width, console)
    for condition in view.conditions:
        if not condition.recording and (not condition.status or condition.reason == COMMIT):
            yield from _said(f"{condition.type}: {condition.message}", width, "")
            yield ""
    yield _summary(view.rows, view.orphans)


def _guarded(view: View) -> dict[Key, list[Condition]]:
    """Return what a guard holds, by replica: it tells how to let it happen."""
    found: dict[Key, list[Condition]] = {}
    for each in view.conditions:
        if each.type == GUARDED and each.status:
            found.setdefault(Key(each.recording, each.replica), []).append(each)
    return found


def _said(text: str, width: int, indent: str) -> Iterator[str]:
    """Return a sentence on as many lines as it takes: whoever reads it wants to know all of it."""
    room = width - len(indent)
    yield from (f"{indent}{line}" for line in wrap(fit_text(text), room, break_on_hyphens=False))


def _cells(row: Row, files: Mapping[str, str], now_s: float) -> list[str]:
    session = row.session
    lives = session is not None and session.may_live
    age = expires = NOTHING
    if session is not None and lives and session.started_s is not None:
        age = span(now_s - session.started_s)
    if session is not None and lives and session.expires_s is not None:
        expires = span(session.expires_s - now_s)
    count = len(files_json(files.get(session.id, ""))) if session else 0
    words = [str(row.key), row.desired, str(row.phase), row.sync, row.health]
    return [*words, age, expires, str(count) if session else NOTHING]


def _orphan_lines(
    orphans: Sequence[Session], now_s: float, width: int, console: Console
) -> Iterator[str]:
    """List what may record, and cost, though no call reaches it."""
    title = "Orphans: sessions that may be alive and that no call reaches"
    yield console.styled(cut(title, width), "1;33")
    rows = [_orphan_cells(orphan, now_s) for orphan in orphans]
    header, *lines = table(ORPHAN_COLUMNS, rows, width)
    yield console.styled(header, "1")
    yield from lines
    yield ""


def _orphan_cells(orphan: Session, now_s: float) -> list[str]:
    ends = WHEN_EMPTY if orphan.ends_by_s is None else ahead(orphan.ends_by_s, now_s)
    return [
        str(Key(orphan.recording, orphan.replica)),
        orphan.channel,
        orphan.uid,
        orphan.resource_id or NOTHING,
        orphan.sid or NOTHING,
        f"{span(now_s - begun_s(orphan))} ago",
        ends,
    ]


def _summary(rows: Sequence[Row], orphans: Sequence[Session]) -> str:
    """Count the replicas in one line; what is not as it should be only where there is any."""
    running = sum(row.phase is Phase.RUNNING for row in rows)
    desired = sum(row.desired == "recording" for row in rows)
    counts = Counter[str](row.health for row in rows)
    counts["out of sync"] = sum(row.sync == "out-of-sync" for row in rows)
    counts["orphaned"] = len(orphans)
    parts = [f"{counts[word]} {word}" for word in NOTEWORTHY if counts[word]]
    return f"Status: {', '.join([f'{running} running, {desired} desired', *parts])}."
