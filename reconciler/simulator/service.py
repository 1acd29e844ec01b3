"""The seven calls of the service, in one table; those on running sessions in full.

Sources: agora-api.md 4, 6.4 to 6.7. Changes a World.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from reconciler.simulator import answers, bodies, effective, media, rules, starts, tree, views
from reconciler.simulator.admission import (
    bad_parameter,
    checked,
    found,
    granted,
    not_found,
    parameters,
)
from reconciler.simulator.answers import Answer, Refusal, done, failed
from reconciler.simulator.ends import KILLED, SERVICE, STOPPED
from reconciler.simulator.epilogue import report_error
from reconciler.simulator.lifecycle import connect_output, end, set_onhold
from reconciler.simulator.routes import Endpoint, Route
from reconciler.simulator.rules import MIX
from reconciler.simulator.session import READY, Phase, Session
from reconciler.simulator.shape import anything
from reconciler.simulator.subscription import KINDS, subscription
from reconciler.simulator.tree import Json, Object
from reconciler.simulator.world import World

SYNCHRONOUS_STOP_S = 20.0  # agora-api.md 4.4
UNCHANGEABLE = ("vendor", "region", "bucket", "fileNamePrefix", "extensionParams")


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that comes later, when `finish` makes it."""

    at_s: float
    finish: Callable[[], Answer]


Outcome: TypeAlias = Answer | Pending


def call(world: World, route: Route, body: Json) -> Outcome:
    """Do what a call asks for, or say why not."""
    try:
        return _CALLS[route.endpoint](world, route, body)
    except Refusal as refusal:
        return refusal.answer


def query(world: World, route: Route, body: Json) -> Answer:
    """Tell how a session is."""
    del body
    checked(world, route, anything, None)
    session = found(world, route, None)
    response = views.queried(session, world.now_s, world.tuning)
    return done({**views.session_ids(session), "serverResponse": response})


def update(world: World, route: Route, body: Json) -> Answer:
    """Change subscriptions, credentials, the CDN address, or pause."""
    given = checked(world, route, bodies.UPDATE, body)
    session = _running(world, route, given)
    request = tree.child(given, "clientRequest")
    _check_update(route, session, request)
    if "storageConfig" in request:
        storage = tree.child(request, "storageConfig")
        session.config = effective.with_credentials(session.config, storage)
    if "streamSubscribe" in request:
        _subscribe(world, session, tree.child(request, "streamSubscribe"))
    if "rtmpPublishConfig" in request:
        publish = tree.child(request, "rtmpPublishConfig")
        session.config = effective.with_outputs(session.config, publish)
        if session.status >= READY:
            connect_output(world, session)
    if "webRecordingConfig" in request:
        # An empty object is `onhold: false`, that is, resume (4.1).
        onhold = tree.flag(tree.child(request, "webRecordingConfig"), "onhold")
        session.config = effective.with_onhold(session.config, onhold=onhold)
        set_onhold(world, session, onhold=onhold)
    world.note(session, "updated", blocks=list(request))
    return done(views.session_ids(session))


def update_layout(world: World, route: Route, body: Json) -> Answer:
    """Replace the whole layout."""
    given = checked(world, route, bodies.UPDATE_LAYOUT, body)
    if route.mode != MIX:
        raise bad_parameter(route, f"is for mode `{MIX}` only")
    session = _running(world, route, given)
    layout = tree.child(given, "clientRequest")
    with parameters(route):
        rules.check_layout(layout)
    session.config = effective.with_layout(session.config, layout)
    world.note(session, "layout updated")
    return done(views.session_ids(session))


def stop(world: World, route: Route, body: Json) -> Outcome:
    """Stop a session, and answer at once or when its files are uploaded."""
    given = checked(world, route, bodies.STOP, body)
    session = found(world, route, given)
    if session.phase is not Phase.LIVE:
        raise Refusal(failed(answers.BAD_REQUEST, answers.STOPPING, "invalid operation"))
    end(world, session, STOPPED)
    if not session.has_data:
        raise Refusal(failed(answers.PARTIAL, answers.NO_DATA, "no recorded data"))
    if tree.flag(tree.child(given, "clientRequest"), "async_stop"):
        return _stopped(world, session, views.UNSETTLED)
    wait_s = min(session.upload_s, SYNCHRONOUS_STOP_S)
    return Pending(world.now_s + wait_s, partial(_settled, world, route, session))


def ncs_ip(world: World, route: Route, body: Json) -> Answer:
    """Tell where notifications come from."""
    del world, route, body
    return done({"data": {"service": {"hosts": [{"primaryIP": "127.0.0.1"}]}}})


def _running(world: World, route: Route, body: Object) -> Session:
    """Return a session that can still be changed. Raises Refusal."""
    session = found(world, route, body)
    if session.phase is not Phase.LIVE:
        raise Refusal(not_found(world, route, granted(world, route)))
    return session


def _check_update(route: Route, session: Session, request: Object) -> None:
    """Check what may be changed in this session."""
    foreign = ("webRecordingConfig", "rtmpPublishConfig")
    if session.is_web:
        foreign = ("streamSubscribe", *(() if session.has_rtmp else foreign[1:]))
    for key in foreign:
        if key in request:
            raise bad_parameter(route, f"`clientRequest.{key}` does not fit this recording")
    storage = tree.child(request, "storageConfig")
    current = tree.child(session.config, "storageConfig")
    for key in UNCHANGEABLE:
        if key in storage and storage[key] != current.get(key):
            raise bad_parameter(route, f"`clientRequest.storageConfig.{key}` cannot be changed")
    with parameters(route):
        rules.check_storage(storage)
        subscribe = tree.child(request, "streamSubscribe")
        rules.check_subscription(subscribe, tree.whole(session.recording, "streamTypes"))


def _subscribe(world: World, session: Session, subscribe: Object) -> None:
    lists = {kind: tree.child(subscribe, f"{kind}UidList") for kind in KINDS}
    session.config = effective.with_subscription(session.config, subscribe)
    stream_types = tree.whole(session.recording, "streamTypes")
    session.subscription = subscription(lists, stream_types)
    media.refresh_channel(world, session.identity.cname)


def _settled(world: World, route: Route, session: Session) -> Answer:
    """Return what a synchronous stop says after its wait."""
    if session.end is KILLED or not session.reachable:
        return not_found(world, route, granted(world, route))
    if session.phase is Phase.LEAVING:
        report_error(world, session, SERVICE, answers.UPLOAD_TIMEOUT, "upload timeout")
        return failed(answers.PARTIAL, answers.UPLOAD_TIMEOUT, "upload timeout")
    return _stopped(world, session, session.upload_result)


def _stopped(world: World, session: Session, upload: str) -> Answer:
    response = views.stopped(session, world.now_s, world.tuning, upload)
    return done({**views.session_ids(session), "serverResponse": response})


_CALLS: dict[Endpoint, Callable[[World, Route, Json], Outcome]] = {
    Endpoint.ACQUIRE: starts.acquire,
    Endpoint.START: starts.start,
    Endpoint.QUERY: query,
    Endpoint.UPDATE: update,
    Endpoint.UPDATE_LAYOUT: update_layout,
    Endpoint.STOP: stop,
    Endpoint.NCS_IP: ncs_ip,
}
