"""Every session with its files, as a table (design/cli.md, "sessions")."""

from collections.abc import Iterator, Sequence

from reconciler.cli.console import Console
from reconciler.cli.table import COLUMNS_MIN, Column, table
from reconciler.plan.action import Key
from reconciler.plan.session import Session
from reconciler.state.store import Past
from reconciler.web.sessions import files_json
from reconciler.web.times import rfc3339_or_none, span

COLUMNS = (
    Column("NAME", least=12),
    Column("UID", least=6, rank=3),
    Column("SID", least=8, rank=4),
    Column("STARTED", rank=1),
    Column("FOR", right=True),
    Column("END", least=7),
    Column("FILES", right=True, rank=2),
    Column("UPLOAD", rank=5),
)
NOTHING = "-"


def sessions_text(past: Sequence[Past], now_s: float, console: Console) -> Iterator[str]:
    """Return the lines: one for each session, and how many there are."""
    if past:
        header, *lines = table(
            COLUMNS, [_cells(each, now_s) for each in past], max(console.columns(), COLUMNS_MIN)
        )
        yield console.styled(header, "1")
        yield from lines
        yield ""
    alive = sum(each.session.may_live for each in past)
    files = sum(len(files_json(each.files)) for each in past)
    noun = "session" if len(past) == 1 else "sessions"
    files_noun = "file" if files == 1 else "files"
    yield f"{len(past)} {noun}, {alive} of them not ended, {files} {files_noun}."


def _cells(past: Past, now_s: float) -> list[str]:
    session = past.session
    return [
        str(Key(session.recording, session.replica)),
        session.uid,
        session.sid or NOTHING,
        rfc3339_or_none(session.started_s) or NOTHING,
        _lasted(session, now_s),
        session.end_reason or f"({session.phase})",
        str(len(files_json(past.files))),
        past.upload or NOTHING,
    ]


def _lasted(session: Session, now_s: float) -> str:
    if session.started_s is None:
        return NOTHING
    return span((now_s if session.ended_s is None else session.ended_s) - session.started_s)
