"""The control interface, `/_sim/...`: look at everything, order anything. Loopback only, no auth.

Answers are JSON; what is wrong with a request is told as `{"error": "..."}`. The requests stand in
one table at the end.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.simulator import orders, tree
from reconciler.simulator.bodies import uid
from reconciler.simulator.body import BODY_BYTES_MAX, read_body
from reconciler.simulator.calls import CALLS_MAX
from reconciler.simulator.channels import Channel, User
from reconciler.simulator.media import refresh_channel
from reconciler.simulator.session import Session
from reconciler.simulator.shape import (
    Check,
    ShapeError,
    UnknownKeys,
    anything,
    array,
    block,
    choice,
    flag,
    number,
    text,
    whole,
)
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.tree import Json, Object
from reconciler.simulator.worldclock import SCALE_MAX, TIME_S_MAX

Names: TypeAlias = Mapping[str, str]
"""What the path and the query name."""
NOT_FOUND, CONFLICT, BAD_REQUEST, FORBIDDEN, TOO_LARGE = 404, 409, 400, 403, 413
SEVERAL = "faults"  # the key of a list; a body that is one is taken as its value
UIDS_MAX = 1_000  # users in one request
WAIT_S_MAX = 86_400.0
COUNT_MAX = 1_000_000
DIGITS_MAX = 12  # of a number in a query string


class ControlError(Exception):
    """A control request cannot be done."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def control_routes(simulator: Simulator) -> list[Route]:
    """Return the routes of one simulator's control interface."""
    return [
        Route(entry.path, _endpoint(simulator, entry), methods=[entry.method])
        for entry in _REQUESTS
    ]


async def no_such_request(request: Request, problem: Exception) -> Response:
    """Answer where there is no such path or method."""
    status = problem.status_code if isinstance(problem, HTTPException) else NOT_FOUND
    return JSONResponse({"error": f"no {request.method} {request.url.path} here"}, status)


def _endpoint(simulator: Simulator, entry: "_Request") -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            _check_caller(request)
            body = await _body(request, entry.shape)
            names = {**request.query_params, **request.path_params}
            simulator.lived()
            result = entry.does(simulator, names, body)
        except ControlError as problem:
            return JSONResponse({"error": str(problem)}, problem.status)
        except ShapeError as problem:
            return JSONResponse({"error": str(problem)}, BAD_REQUEST)
        simulator.clock.nudge()
        return JSONResponse(result)

    return answer


def _check_caller(request: Request) -> None:
    try:
        near = ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        near = False
    if not near:
        raise ControlError(FORBIDDEN, "only this machine may give orders")


async def _body(request: Request, shape: Check) -> Object:
    raw = await read_body(request.receive)
    if raw is None:
        raise ControlError(TOO_LARGE, f"the body has more than {BODY_BYTES_MAX} bytes")
    try:
        body = tree.decode(raw) if raw else {}
    except ValueError:
        raise ControlError(BAD_REQUEST, "the body is no JSON") from None
    shape(body, "", UnknownKeys.REFUSE)
    return body if isinstance(body, dict) else {SEVERAL: body}


def _sessions(simulator: Simulator, names: Names, body: Object) -> Json:
    del names, body
    world = simulator.world
    return {"sessions": [session.shown(world.now_s) for session in world.sessions.values()]}


def _session(simulator: Simulator, names: Names, body: Object) -> Json:
    del body
    return _known(simulator, names).shown(simulator.world.now_s)


def _order(simulator: Simulator, names: Names, body: Object) -> Json:
    session = _known(simulator, names)
    order = orders.ORDERS.get(names["order"])
    if order is None:
        raise ControlError(NOT_FOUND, f"an order is one of {', '.join(orders.ORDERS)}")
    order.shape(body, "", UnknownKeys.REFUSE)
    try:
        orders.carry_out(simulator.world, session, names["order"], body)
    except orders.OrderError as problem:
        raise ControlError(CONFLICT, str(problem)) from None
    return simulator.lived().sessions[session.sid].shown(simulator.world.now_s)


def _known(simulator: Simulator, names: Names) -> Session:
    session = simulator.world.sessions.get(names["sid"])
    if session is None:
        raise ControlError(NOT_FOUND, "there is no such session")
    return session


def _calls(simulator: Simulator, names: Names, body: Object) -> Json:
    del body
    since, most = _count(names, "since", 0), _count(names, "limit", CALLS_MAX)
    return {"calls": [call.shown() for call in simulator.gateway.log.since(since, most)]}


def _count(names: Names, name: str, default: int) -> int:
    given = names.get(name, str(default))
    if not given.isdecimal() or not given.isascii() or len(given) > DIGITS_MAX:
        raise ControlError(BAD_REQUEST, f"`{name}` must be a whole number")
    return int(given)


def _faults(simulator: Simulator, names: Names, body: Object) -> Json:
    del names, body
    return {"faults": [rule.shown() for rule in simulator.gateway.faults.rules.values()]}


def _add_faults(simulator: Simulator, names: Names, body: Object) -> Json:
    del names
    given = body.get(SEVERAL)
    added = simulator.gateway.faults.add_all(given if isinstance(given, list) else [body])
    return {"faults": [rule.shown() for rule in added]}


def _clear_faults(simulator: Simulator, names: Names, body: Object) -> Json:
    simulator.gateway.faults.rules.clear()
    return _faults(simulator, names, body)


def _drop_fault(simulator: Simulator, names: Names, body: Object) -> Json:
    if simulator.gateway.faults.rules.pop(names["id"], None) is None:
        raise ControlError(NOT_FOUND, "there is no such rule")
    return _faults(simulator, names, body)


def _channel(simulator: Simulator, names: Names, body: Object) -> Json:
    del body
    return _users(names["cname"], simulator.world.channel(names["cname"]))


def _move_users(simulator: Simulator, names: Names, body: Object) -> Json:
    world, cname = simulator.world, names["cname"]
    channel = world.ordered_channel(cname)
    if channel is None:
        raise ControlError(CONFLICT, "orders were given for too many channels")
    if tree.flag(body, "empty"):
        channel.users.clear()
    for leaving in tree.texts(body, "leave"):
        channel.leave(leaving)
    for joining in tree.items(body, "join"):
        user = _user(joining)
        orders.evict(world, cname, user.uid)
        channel.join(user)
    refresh_channel(world, cname)
    simulator.lived()
    return _users(cname, channel)


def _user(given: Object) -> User:
    return User(
        uid=tree.text(given, "uid"),
        host=tree.text(given, "role", "host") == "host",
        audio=tree.flag(given, "audio", default=True),
        video=tree.flag(given, "video", default=True),
    )


def _users(cname: str, channel: Channel) -> Json:
    users: list[Json] = [
        {
            "uid": user.uid,
            "role": "host" if user.host else "audience",
            "audio": user.audio,
            "video": user.video,
        }
        for user in channel.users.values()
    ]
    return {"cname": cname, "users": users}


def _clock(simulator: Simulator, names: Names, body: Object) -> Json:
    del names, body
    return {"now": simulator.world.now_s, "scale": simulator.clock.scale}


def _set_clock(simulator: Simulator, names: Names, body: Object) -> Json:
    now_s = simulator.world.now_s
    to_s = tree.number(body, "set", now_s) + tree.number(body, "advance")
    if to_s < now_s:
        raise ControlError(CONFLICT, "time does not run backwards")
    simulator.move_clock(to_s, tree.number(body, "scale", simulator.clock.scale))
    return _clock(simulator, names, body)


def _notices(simulator: Simulator, names: Names, body: Object) -> Json:
    del names, body
    outbox = simulator.world.outbox
    return {
        "chaos": asdict(outbox.chaos),
        "notices": [letter.shown() for letter in outbox.letters],
    }


def _set_chaos(simulator: Simulator, names: Names, body: Object) -> Json:
    world = simulator.world
    notice_id = tree.text(body, "resend")
    if notice_id and not world.outbox.resend(notice_id, world.now_s):
        raise ControlError(NOT_FOUND, "there is no such notice")
    chaos: dict[str, float] = {key: tree.number(body, key) for key in body if key in _SHARES}
    outbox = world.outbox
    outbox.chaos = replace(
        outbox.chaos,
        redundant=tree.flag(body, "redundant", default=outbox.chaos.redundant),
        **chaos,
    )
    return _notices(simulator, names, body)


def _tuning(simulator: Simulator, names: Names, body: Object) -> Json:
    del names, body
    return asdict(simulator.world.tuning)


def _set_tuning(simulator: Simulator, names: Names, body: Object) -> Json:
    simulator.world.tuning = simulator.world.tuning.changed(body)
    return _tuning(simulator, names, body)


def _reset(simulator: Simulator, names: Names, body: Object) -> Json:
    simulator.reset()
    return _clock(simulator, names, body)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request: what its body looks like, and what it does."""

    method: str
    path: str
    does: Callable[[Simulator, Names, Object], Json]
    shape: Check = anything


_SHARES = ("loss", "duplicate", "disorder", "disorder_s")
_SHARE = number(0, 1)
_CHAOS = block(
    {
        **dict.fromkeys(("loss", "duplicate", "disorder"), _SHARE),
        "disorder_s": number(0, WAIT_S_MAX),
        "redundant": flag,
        "resend": text(),
    }
)
_USER = block(
    {"uid": uid, "role": choice("host", "audience"), "audio": flag, "video": flag}, needs=("uid",)
)
_USERS = block(
    {
        "empty": flag,
        "leave": array(uid, most=UIDS_MAX),
        "join": array(_USER, most=UIDS_MAX),
    }
)
_WAIT = number(0, WAIT_S_MAX)
_TUNING = block(
    {
        **dict.fromkeys(("qps", "recordings_max", "web_recordings_max"), whole(0, COUNT_MAX)),
        **dict.fromkeys(("start_delay_s", "upload_s", "linger_s"), _WAIT),
        **dict.fromkeys(("playload", "sub_services", "long_not_found"), flag),
        "unknown_keys": choice(*UnknownKeys),
        "slice_time_unit": choice("s", "ms"),
        "web_file_key": choice("filename", "fileName"),
    }
)
_CLOCK = block(
    {
        "advance": number(0, TIME_S_MAX),
        "set": number(0, TIME_S_MAX),
        "scale": number(0, SCALE_MAX),
    }
)
_OBJECT = block({}, passes_unknown=True)
_REQUESTS = (
    _Request("GET", "/sessions", _sessions),
    _Request("GET", "/sessions/{sid}", _session),
    _Request("POST", "/sessions/{sid}/{order}", _order, _OBJECT),
    _Request("GET", "/calls", _calls),
    _Request("GET", "/faults", _faults),
    _Request("POST", "/faults", _add_faults),
    _Request("DELETE", "/faults", _clear_faults),
    _Request("DELETE", "/faults/{id}", _drop_fault),
    _Request("GET", "/channels/{cname}", _channel),
    _Request("POST", "/channels/{cname}", _move_users, _USERS),
    _Request("GET", "/clock", _clock),
    _Request("POST", "/clock", _set_clock, _CLOCK),
    _Request("GET", "/notices", _notices),
    _Request("POST", "/notices", _set_chaos, _CHAOS),
    _Request("GET", "/tuning", _tuning),
    _Request("POST", "/tuning", _set_tuning, _TUNING),
    _Request("POST", "/reset", _reset),
)
