"""acquire and start (agora-api.md 2, 3, 6.2, 6.3). Changes a World."""

from reconciler.simulator import answers, bodies, effective, resources, rules, tree
from reconciler.simulator.admission import (
    bad_parameter,
    checked,
    granted,
    parameters,
    same_identity,
)
from reconciler.simulator.answers import Answer, Refusal, done, failed
from reconciler.simulator.ends import FAILURES, PAGE_ENDS, TOKEN_EXPIRED, End
from reconciler.simulator.notices import Event
from reconciler.simulator.resources import Grant
from reconciler.simulator.routes import Route
from reconciler.simulator.rules import INDIVIDUAL, MIX, SCENES, WEB_PAGE
from reconciler.simulator.session import Page, Session
from reconciler.simulator.subscription import KINDS, subscription
from reconciler.simulator.timeline import begin
from reconciler.simulator.tokens import EXPIRED, TokenError, admit
from reconciler.simulator.tree import Json, Object
from reconciler.simulator.world import World

REACHABLE_HOURS = 72
UNOPENED = 5  # code of event 71: the page cannot be opened
_MODE_NUMBERS = {INDIVIDUAL: 0, MIX: 1}  # recordingMode of event 3


def acquire(world: World, route: Route, body: Json) -> Answer:
    """Promise a start to an identity."""
    given = checked(world, route, bodies.ACQUIRE, body)
    cname, uid = tree.text(given, "cname"), tree.text(given, "uid")
    request = tree.child(given, "clientRequest")
    scene = tree.whole(request, "scene")
    if not rules.is_channel_name(cname, scene):
        code = answers.CHANNEL_NAME
        raise Refusal(failed(answers.BAD_REQUEST, code, "invalid_channel_name"))
    if _is_full(world, route.app_id, is_web=WEB_PAGE in SCENES[scene]):
        raise Refusal(failed(answers.BAD_REQUEST, answers.OVERLOAD, "vendor_over_load"))
    parameter = request.get("startParameter")
    grant = Grant(
        app_id=route.app_id,
        cname=cname,
        uid=uid,
        scene=scene,
        issued_s=world.now_s,
        reachable_hours=tree.whole(request, "resourceExpiredHour", REACHABLE_HOURS),
        parameter=tree.digest(parameter) if parameter is not None else "",
    )
    resource_id = resources.issue(grant, world.key, world.ids)
    return done({"cname": cname, "uid": uid, "resourceId": resource_id})


def start(world: World, route: Route, body: Json) -> Answer:
    """Start what a resource ID promises, once."""
    given = checked(world, route, bodies.START, body)
    grant = granted(world, route)
    same_identity(grant, given)
    if (known := world.by_resource.get(route.resource_id)) is not None:
        _report_double(world, known)
        code = answers.ALREADY_STARTED
        raise Refusal(failed(answers.CREATED, code, "already started"))
    if world.now_s - grant.issued_s > resources.LIFE_S:
        code = answers.RESOURCE_EXPIRED
        raise Refusal(failed(answers.BAD_REQUEST, code, "resourceid is expired"))
    request = tree.child(given, "clientRequest")
    with parameters(route):
        rules.check_start(route.mode, grant.scene, request)
    if grant.parameter not in {"", tree.digest(request)}:
        raise bad_parameter(route, "clientRequest differs from startParameter of acquire")
    if grant.identity in world.running:
        raise Refusal(failed(answers.BAD_REQUEST, answers.TASK_CONFLICT, "task conflict"))
    if _is_full(world, route.app_id, is_web=route.mode == WEB_PAGE):
        code = answers.NO_WORKER
        raise Refusal(failed(answers.SERVER_ERROR, code, "Failed to allocate worker"))
    session = _started(world, route, grant, request)
    return done(
        {
            "cname": grant.cname,
            "uid": grant.uid,
            "resourceId": route.resource_id,
            "sid": session.sid,
        }
    )


def _started(world: World, route: Route, grant: Grant, request: Object) -> Session:
    config = effective.started(route.mode, request)
    recording = tree.child(config, "recordingConfig")
    page = effective.service(config, bodies.WEB) or {}
    session = Session(
        identity=grant.identity,
        mode=route.mode,
        sid=world.new_sid(),
        resource_id=route.resource_id,
        started_s=world.now_s,
        config=config,
        subscription=subscription(
            dict.fromkeys(KINDS, recording), tree.whole(recording, "streamTypes")
        ),
        recorder_uid=grant.uid,
        start_delay_s=world.tuning.start_delay_s,
        upload_s=world.tuning.upload_s,
        page=Page(onhold=tree.flag(page, "onhold")),
    )
    token_ends_s = None
    if session.is_web and not _is_page(tree.text(page, "url")):
        session.doom = PAGE_ENDS[UNOPENED]
    if world.settings.certificate is not None and not session.is_web:
        session.doom, token_ends_s = _admitted(world, world.settings.certificate, grant, request)
    begin(world, session, grant.reachable_hours, token_ends_s)
    return session


def _admitted(
    world: World, certificate: str, grant: Grant, request: Object
) -> tuple[End | None, float | None]:
    """Return how a start with a bad token ends, or else until when a good one holds."""
    wanted = (grant.app_id, grant.cname, grant.uid)
    try:
        token = admit(tree.text(request, "token"), certificate, wanted, world.now_s)
    except TokenError as problem:
        return (TOKEN_EXPIRED if problem.code == EXPIRED else FAILURES["token"]), None
    return None, token.ends_s


def _is_page(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _report_double(world: World, session: Session) -> None:
    """Notify that a start did not fit the state of its session."""
    details: Object = {"status": session.status}
    if session.mode in _MODE_NUMBERS:
        details["recordingMode"] = _MODE_NUMBERS[session.mode]
        details["fileList"] = session.index_name(world.now_s)
    world.emit(session, Event.STATUS_UPDATE, details)


def _is_full(world: World, app_id: str, *, is_web: bool) -> bool:
    """Tell whether an App has as many recordings of a kind as it may (agora-api.md 1.4)."""
    most = world.tuning.web_recordings_max if is_web else world.tuning.recordings_max
    return world.count(app_id, is_web=is_web) >= most
