"""What cannot be carried out here, though a plan asks for it: secrets are missing, or over."""

from dataclasses import replace

from reconciler.engine.differ import Differ
from reconciler.plan.action import Action, Kind, Plan
from reconciler.plan.reasons import Reason
from reconciler.spec.groups import Group
from reconciler.spec.rtc_token import EXPIRED_HINT

STARTING = frozenset({Kind.START, Kind.RESTART, Kind.REPLACE, Kind.ROTATE})
"""Kinds of actions that begin a session."""


def refuse_unresolved(differ: Differ, plan: Plan) -> Plan:
    """Return the plan as an apply takes it: what needs a secret that has no value is an error.

    Layouts, stops and queries need none but the App's (design/cli.md, "plan").
    """
    return replace(plan, actions=tuple(_resolved(differ, action) for action in plan.actions))


def refuse_expired(differ: Differ, plan: Plan) -> Plan:
    """Return the plan with an error for each session that would start with a token that ended."""
    actions = tuple(_unexpired(differ, action, plan.now_s) for action in plan.actions)
    return plan if actions == plan.actions else replace(plan, actions=actions)


def refused(differ: Differ, action: Action, now_s: float) -> Action:
    """Return one action as both of these would have it."""
    return _resolved(differ, _unexpired(differ, action, now_s))


def _resolved(differ: Differ, action: Action) -> Action:
    if not (_begins(action) or {Group.CREDENTIALS, Group.RTMP} & set(action.groups)):
        return action
    missing = differ.unresolved(action.key.recording, starts=_begins(action))
    if not missing:
        return action
    named = ", ".join(f"`{reference}`" for reference in missing)
    message = f"`{action.key}` needs {named}, which does not resolve here"
    return replace(action, kind=Kind.ERROR, reason=Reason.SECRET_UNRESOLVED, message=message)


def _unexpired(differ: Differ, action: Action, now_s: float) -> Action:
    end_s = differ.token_end_s(action.key.recording) if _begins(action) else None
    if end_s is None or end_s > now_s:
        return action
    why = "needs an RTC token, and the one that its spec gives has expired"
    message = f"`{action.key}` {why}; {EXPIRED_HINT}"
    return replace(action, kind=Kind.ERROR, reason=Reason.TOKEN_EXPIRED, message=message)


def _begins(action: Action) -> bool:
    """Tell whether it is begun with a start; what stops first may have to, whatever follows."""
    return action.kind in STARTING and not (action.kind is Kind.ROTATE and action.stop_first)
