"""How recordings are, as JSON and as a table (design/cli.md, "status")."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.cli.console import Console
from reconciler.cli.report import FORMAT_VERSION
from reconciler.cli.sessions_view import files_json
from reconciler.cli.table import COLUMNS_MIN, Column, cut, fit_text, table
from reconciler.cli.times import ahead, rfc3339_or_none, span
from reconciler.plan.action import Key
from reconciler.plan.session import Phase, Session
from reconciler.plan.status import Row
from reconciler.plan.times import rfc3339
from reconciler.state.store import Condition

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
HEALTH_STYLES = {"degraded": "31", "missing": "31", "progressing": "33", "suspended": "36"}


def status_document(
    scope: str,
    rows: Iterable[Row],
    orphans: Iterable[Session],
    conditions: Iterable[Condition],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """Return the document of `status --format json`; `files` as `Past.files`, by session id."""
    by_key: dict[Key, list[dict[str, Any]]] = {}
    for condition in conditions:
        key = Key(condition.recording, condition.replica)
        by_key.setdefault(key, []).append(_condition(condition))
    return {
        "format_version": FORMAT_VERSION,
        "scope": scope,
        "recordings": [_row_json(row, by_key.get(row.key, []), files) for row in rows],
        "orphans": [_orphan_json(orphan) for orphan in orphans],
    }


def status_text(
    rows: Sequence[Row],
    orphans: Sequence[Session],
    files: Mapping[str, str],
    now_s: float,
    console: Console,
) -> Iterator[str]:
    """Return the lines: one for each replica and one for what is wrong with it, orphans, counts."""
    width = max(console.columns(), COLUMNS_MIN)
    if rows:
        header, *lines = table(COLUMNS, [_cells(row, files, now_s) for row in rows], width)
        yield console.styled(header, "1")
        for row, line in zip(rows, lines, strict=True):
            style = HEALTH_STYLES.get(row.health)
            yield console.styled(line, style) if style else line
            if row.message:
                yield f"  {cut(fit_text(f'{row.reason}: {row.message}'), width - 2)}"
        yield ""
    if orphans:
        yield from _orphan_lines(orphans, now_s, width, console)
    yield _summary(rows, orphans)


def _row_json(
    row: Row, conditions: list[dict[str, Any]], files: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": row.key.recording,
        "replica": row.key.replica,
        "desired": row.desired,
        "phase": str(row.phase),
        "sync": row.sync,
        "health": row.health,
        "generation": row.generation,
        "reason": row.reason,
        "message": row.message,
        "session": row.session and session_json(row.session),
        "files": files_json(files.get(row.session.id, "")) if row.session else [],
        "conditions": conditions,
    }


def session_json(session: Session) -> dict[str, Any]:
    """Return a session as `status --format json` has it."""
    return {
        "app": session.app,
        "channel": session.channel,
        "uid": session.uid,
        "sid": session.sid or None,
        "resource_id": session.resource_id or None,
        "mode": session.mode,
        "status": session.status,
        "started_at": rfc3339_or_none(session.started_s),
        "expires_at": rfc3339_or_none(session.expires_s) if session.may_live else None,
    }


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "since": rfc3339(condition.since_s),
    }


def _orphan_json(session: Session) -> dict[str, Any]:
    return {
        "recording": session.recording,
        "replica": session.replica,
        "app": session.app,
        "channel": session.channel,
        "uid": session.uid,
        "resource_id": session.resource_id or None,
        "sid": session.sid or None,
        "since": rfc3339(_begun_s(session)),
        "ends_by": rfc3339_or_none(session.ends_by_s),
    }


def _begun_s(session: Session) -> float:
    """Return since when it may record, as far as that is known."""
    known = (session.started_s, session.acquired_s)
    return next((moment for moment in known if moment is not None), session.created_s)


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
        f"{span(now_s - _begun_s(orphan))} ago",
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
