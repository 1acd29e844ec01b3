"""Plans and applies as JSON (design/cli.md, "plan" and "apply")."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from reconciler.plan.action import Action, FieldChange, Key, Plan
from reconciler.plan.result import Result, result_summary
from reconciler.plan.session import Session
from reconciler.plan.times import rfc3339
from reconciler.web.values import FORMAT_VERSION, diagnostic_json, plain

Requests: TypeAlias = Mapping[Key, Sequence[Mapping[str, Any]]]


def plan_document(
    plan: Plan, sessions: Mapping[str, Session], requests: Requests
) -> dict[str, Any]:
    """Return the document of `plan --format json`.

    `sessions` are by id. Secrets in `requests` are masked already.
    """
    return {
        "format_version": FORMAT_VERSION,
        "generated_at": rfc3339(plan.now_s),
        "scope": plan.scope,
        "digest": plan.digest,
        "summary": plan.summary,
        "actions": [_action(action, sessions, requests) for action in plan.actions],
        "diagnostics": [diagnostic_json(diagnostic) for diagnostic in plan.diagnostics],
    }


def apply_document(plan: Mapping[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    """Return the document of `apply --format json`; `plan` is that of `plan_document`."""
    return {
        "format_version": FORMAT_VERSION,
        "plan": plan,
        "results": [_result(result) for result in results],
        "summary": result_summary(results),
    }


def session_json(session: Session | None) -> dict[str, str | None] | None:
    """Return how the service knows a session, as plans and results show it."""
    if session is None:
        return None
    return {
        "uid": session.uid,
        "sid": session.sid or None,
        "resource_id": session.resource_id or None,
    }


def _action(action: Action, sessions: Mapping[str, Session], requests: Requests) -> dict[str, Any]:
    return {
        "recording": action.key.recording,
        "replica": action.key.replica,
        "action": str(action.kind),
        "reason": str(action.reason),
        "message": action.message,
        "cause": str(action.cause),
        "changes": [_change(change) for change in action.changes],
        "session": session_json(sessions.get(action.session)),
        "requests": [dict(request) for request in requests.get(action.key, ())],
    }


def _change(change: FieldChange) -> dict[str, Any]:
    return {
        "path": change.path,
        "before": plain(change.before),
        "after": plain(change.after),
        "effect": str(change.effect),
        "known": str(change.known),
    }


def _result(result: Result) -> dict[str, Any]:
    error = result.error
    return {
        "recording": result.key.recording,
        "replica": result.key.replica,
        "action": str(result.kind),
        "outcome": result.outcome,
        "error": error and {"code": error.code, "message": error.message, "hint": error.hint},
        "session": session_json(result.session),
        "seconds": round(result.seconds, 3),
    }
