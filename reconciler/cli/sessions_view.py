"""Every session with its files, as JSON and as a table (design/cli.md, "sessions")."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconciler.cli.console import Console
from reconciler.cli.report import FORMAT_VERSION
from reconciler.cli.table import COLUMNS_MIN, Column, table
from reconciler.cli.times import rfc3339_or_none, span
from reconciler.plan.action import Key
from reconciler.plan.session import Session
from reconciler.plan.times import rfc3339
from reconciler.state.store import Past

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
FILE_KEYS = ("name", "uri", "track", "uid", "started_at")


def sessions_document(past: Iterable[Past]) -> dict[str, Any]:
    """Return the document of `sessions --format json`, in the order given."""
    return {
        "format_version": FORMAT_VERSION,
        "sessions": [_session_json(each) for each in past],
    }


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


def files_json(text: str) -> list[dict[str, Any]]:
    """Read a session's files as state keeps them (`store.SetFiles`); none for an empty text."""
    return [_file(file) for file in json.loads(text)] if text else []


def _file(file: dict[str, Any]) -> dict[str, Any]:
    """Return a file with every key of the contract; a time in Unix seconds is written out."""
    said = {key: file.get(key) for key in FILE_KEYS}
    started = said["started_at"]
    if isinstance(started, int | float):
        said["started_at"] = rfc3339(started)
    return said


def _session_json(past: Past) -> dict[str, Any]:
    session = past.session
    return {
        "recording": session.recording,
        "replica": session.replica,
        "app": session.app,
        "channel": session.channel,
        "uid": session.uid,
        "sid": session.sid or None,
        "resource_id": session.resource_id or None,
        "mode": session.mode,
        "started_at": rfc3339_or_none(session.started_s),
        "ended_at": rfc3339_or_none(session.ended_s),
        "end_reason": session.end_reason or None,
        "files": files_json(past.files),
        "upload": past.upload or None,
    }


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
