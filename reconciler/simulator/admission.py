"""What all calls check before they do anything: the body's shape, the session. Reads a World.

Where several things are wrong the answer is the first of: the body's shape (2), the resource ID
(1001, 1003), the session (404), cname and uid (432), what the values are together (2), the state
of the world (53, 49 and others).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.simulator import answers, resources, tree
from reconciler.simulator.answers import Answer, Refusal, failed
from reconciler.simulator.resources import Grant
from reconciler.simulator.routes import Endpoint, Route
from reconciler.simulator.rules import MODES
from reconciler.simulator.session import Phase, Session
from reconciler.simulator.shape import Check, ShapeError
from reconciler.simulator.tree import Json, Object
from reconciler.simulator.world import World

NO_WORKER_FOUND = "failed to find worker"
_COMMANDS = {
    Endpoint.QUERY: "QueryCloudRecorder",
    Endpoint.UPDATE: "UpdateCloudRecorder",
    Endpoint.UPDATE_LAYOUT: "UpdateLayoutCloudRecorder",
    Endpoint.STOP: "StopCloudRecorder",
}


@contextmanager
def parameters(route: Route) -> Iterator[None]:
    """Answer code 2, with the reason, to whatever is wrong with a body."""
    try:
        yield
    except ShapeError as problem:
        raise bad_parameter(route, str(problem)) from None


def bad_parameter(route: Route, reason: str) -> Refusal:
    """Return the answer to a wrong parameter."""
    name = f"{route.endpoint[0].upper()}{route.endpoint[1:]}"
    return Refusal(failed(answers.BAD_REQUEST, answers.PARAMETER, f"{name}: {reason}"))


def checked(world: World, route: Route, shape: Check, body: Json) -> Object:
    """Return a body that has its shape. Raises Refusal."""
    with parameters(route):
        shape(body, "", world.tuning.unknown_keys)
    if route.mode and route.mode not in MODES:
        raise bad_parameter(route, f"mode must be one of {', '.join(MODES)}")
    return tree.child(body)


def granted(world: World, route: Route) -> Grant:
    """Return what the resource ID of a call allows. Raises Refusal."""
    grant = resources.read(route.resource_id, world.key)
    if grant is None:
        code = answers.BAD_RESOURCE
        raise Refusal(failed(answers.BAD_REQUEST, code, "resourceid cannot be decoded"))
    if grant.app_id != route.app_id:
        raise foreign_sid("appid does not belong to the resourceid")
    return grant


def same_identity(grant: Grant, body: Object) -> None:
    """Check that a body names the cname and uid of acquire. Raises Refusal."""
    if (tree.text(body, "cname"), tree.text(body, "uid")) != (grant.cname, grant.uid):
        code, reason = answers.FOREIGN_RESOURCE, "cname or uid does not fit the resourceid"
        raise Refusal(failed(answers.BAD_REQUEST, code, reason))


def found(world: World, route: Route, body: Object | None) -> Session:
    """Return the session that a call is about; a query has no body. Raises Refusal."""
    grant = granted(world, route)
    session = world.by_resource.get(route.resource_id)
    if session is not None and session.sid != route.sid:
        raise foreign_sid("sid does not belong to the resourceid")
    if session is None or session.mode != route.mode or not _answers(session):
        raise Refusal(not_found(world, route, grant))
    if body is not None:
        same_identity(grant, body)
    return session


def foreign_sid(reason: str) -> Refusal:
    """Return the answer to an App ID or sid that belongs to something else."""
    return Refusal(failed(answers.BAD_REQUEST, answers.FOREIGN_SID, reason))


def not_found(world: World, route: Route, grant: Grant) -> Answer:
    """Return the answer where no recording is found."""
    if not world.tuning.long_not_found:
        return failed(answers.NOT_FOUND, answers.NOT_FOUND, NO_WORKER_FOUND)
    body: Object = {
        "cname": grant.cname,
        "code": answers.NOT_FOUND,
        "resourceId": route.resource_id,
        "serverResponse": {
            "command": _COMMANDS[route.endpoint],
            "payload": {"message": NO_WORKER_FOUND},
            "subscribeModeBitmask": 1,
            "vid": "0",
        },
        "sid": route.sid,
        "uid": grant.uid,
    }
    return Answer(answers.NOT_FOUND, body)


def _answers(session: Session) -> bool:
    return session.phase is not Phase.GONE and session.reachable and not session.away
