"""Every session with its files, as JSON (design/cli.md, "sessions")."""

import json
from collections.abc import Iterable
from typing import Any

from reconciler.plan.times import rfc3339
from reconciler.state.store import Past
from reconciler.web.times import rfc3339_or_none
from reconciler.web.values import FORMAT_VERSION

FILE_KEYS = ("name", "uri", "track", "uid", "started_at")


def sessions_document(past: Iterable[Past]) -> dict[str, Any]:
    """Return the document of `sessions --format json`, in the order given."""
    return {
        "format_version": FORMAT_VERSION,
        "sessions": [_session_json(each) for each in past],
    }


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
