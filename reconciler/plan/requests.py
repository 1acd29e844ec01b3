"""The calls that an action makes, as `plan --show-requests` prints them: secrets as `***`. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, assert_never
from urllib.parse import quote

from reconciler.plan.action import Action, Kind
from reconciler.plan.applied import Applied, Sealed, group_request
from reconciler.plan.session import REACHABLE, Session
from reconciler.spec.desired import Desired, acquire_body, start_body
from reconciler.spec.groups import Group, group_requests
from reconciler.spec.secrets import MASK, Secret
from reconciler.spec.wire import Json

Shown = dict[str, Any]

RESOURCE_ID = "{resourceId}"
SID = "{sid}"


def requests_of(
    action: Action,
    desired: Desired | None,
    session: Session | None,
    uid: str,
    *,
    carried: Applied | None = None,
    stop: str = "async",
) -> tuple[Shown, ...]:
    """Return method, path and body of each call, in order; what is not known yet as `{name}`.

    `session` is the one that the action is about, `uid` that of the one it starts. `carried` is
    what updates carry where that is not all that is desired (`policy.ignore`). `stop` is the policy
    that counts where nothing is desired.
    """
    starts = _start(desired, uid) if desired else []
    stops = [_stop(session, desired.policy.stop if desired else stop)] if session else []
    match action.kind:
        case Kind.START:
            calls = starts
        case Kind.STOP:
            calls = stops
        case Kind.RESTART:
            is_ended = session is None or session.phase not in REACHABLE
            calls = starts if is_ended else stops + starts
        case Kind.REPLACE | Kind.ROTATE:
            calls = stops + starts if action.stop_first else starts + stops
        case Kind.UPDATE | Kind.UPDATE_LAYOUT | Kind.UPDATE_AND_LAYOUT:
            calls = _updates(action.groups, desired, session, carried)
        case Kind.WAIT | Kind.NONE | Kind.ERROR:
            calls = []
        case _:
            assert_never(action.kind)
    return tuple(calls)


def _start(desired: Desired, uid: str) -> list[Shown]:
    shown = _with_masked_raw(desired)
    token = MASK if desired.generate_token else None
    path = f"resourceid/{RESOURCE_ID}/mode/{desired.mode}/start"
    acquire = _call("acquire", acquire_body(shown, uid, token))
    return [acquire, _call(path, start_body(shown, uid, token))]


def _updates(
    groups: Iterable[Group],
    desired: Desired | None,
    session: Session | None,
    carried: Applied | None,
) -> list[Shown]:
    if desired is None or session is None:
        return []
    shown = _with_masked_raw(desired)
    calls = []
    for group in groups:
        endpoint = "updateLayout" if group is Group.LAYOUT else "update"
        request = (
            group_request(carried, group, shown.raw) if carried else group_requests(shown)[group]
        )
        calls.append(_to_session(session, endpoint, request))
    return calls


def _stop(session: Session, policy: str) -> Shown:
    return _to_session(session, "stop", {"async_stop": policy == "async"})


def _to_session(session: Session, endpoint: str, request: Mapping[str, Json]) -> Shown:
    resource = quote(session.resource_id, safe="") or RESOURCE_ID
    sid = quote(session.sid, safe="") or SID
    path = f"resourceid/{resource}/sid/{sid}/mode/{session.mode}/{endpoint}"
    body = {"cname": session.channel, "uid": session.uid, "clientRequest": request}
    return _call(path, body)


def _call(path: str, body: Mapping[str, Any]) -> Shown:
    masked = _masked(body)
    return {"method": "POST", "path": f"/v1/apps/{{appId}}/cloud_recording/{path}", "body": masked}


def _with_masked_raw(desired: Desired) -> Desired:
    """Hide all that `raw` says: it is one secret, of which the keys alone are shown."""
    if desired.raw is None:
        return desired
    return replace(desired, raw={key: _hidden(value) for key, value in desired.raw.items()})


def _hidden(raw: Json) -> Json:
    if isinstance(raw, dict):
        return {key: _hidden(value) for key, value in raw.items()}
    return None if raw is None else MASK  # null takes a key away, which is seen


def _masked(tree: object) -> object:
    if isinstance(tree, Secret | Sealed):
        return MASK
    if isinstance(tree, dict):
        return {key: _masked(value) for key, value in tree.items()}
    return [_masked(item) for item in tree] if isinstance(tree, list) else tree
