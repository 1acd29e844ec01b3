"""How recordings are, as JSON (design/cli.md, "status")."""

from collections.abc import Mapping
from typing import Any

from reconciler.plan.action import Key
from reconciler.plan.session import Session
from reconciler.plan.status import Row
from reconciler.plan.times import rfc3339
from reconciler.state.store import Condition
from reconciler.web.sessions import files_json
from reconciler.web.times import rfc3339_or_none
from reconciler.web.values import FORMAT_VERSION
from reconciler.web.view import View


def status_document(view: View) -> dict[str, Any]:
    """Return the document of `status --format json`."""
    by_key: dict[Key, list[dict[str, Any]]] = {}
    for condition in view.conditions:
        key = Key(condition.recording, condition.replica)
        by_key.setdefault(key, []).append(_condition(condition))
    return {
        "format_version": FORMAT_VERSION,
        "scope": view.scope,
        "recordings": [_row_json(row, by_key.get(row.key, []), view.files) for row in view.rows],
        "orphans": [_orphan_json(orphan) for orphan in view.orphans],
        "conditions": by_key.get(_SCOPE, []),
    }


_SCOPE = Key("")
"""Whose conditions are those of the whole scope."""


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
        "since": rfc3339(begun_s(session)),
        "ends_by": rfc3339_or_none(session.ends_by_s),
    }


def begun_s(session: Session) -> float:
    """Return since when it may record, as far as that is known."""
    known = (session.started_s, session.acquired_s)
    return next((moment for moment in known if moment is not None), session.created_s)
