"""Orders for one session, given by control requests and by fault rules. Changes a World."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.simulator import tree
from reconciler.simulator.ends import (
    EVICTED,
    FAILURES,
    FOURTH_FAILURE,
    IDLE,
    PAGE_ENDS,
    REMOVED,
    TOKEN_EXPIRED,
    End,
)
from reconciler.simulator.lifecycle import end, fail_over, set_onhold, set_output, vanish
from reconciler.simulator.notices import KINDS, Event
from reconciler.simulator.session import Phase, Session
from reconciler.simulator.shape import Check, block, choice, flag, number, whole
from reconciler.simulator.tree import Object
from reconciler.simulator.world import World

FAILOVER_S_MAX = 90.0  # agora-api.md 7.3
UPLOAD_S_MAX = 86_400.0
PAGE_LOADS_MAX = 2  # the second load timeout ends the recording (7.4)
LIMIT_CODE, LOAD_TIMEOUT_CODE = 2, 4

_CAUSES = {**FAILURES, FOURTH_FAILURE.name: FOURTH_FAILURE, TOKEN_EXPIRED.name: TOKEN_EXPIRED}


class OrderError(Exception):
    """An order cannot be carried out on this session as it is now."""


@dataclass(frozen=True, slots=True)
class Order:
    """What an order's body looks like, and what it does."""

    shape: Check
    does: Callable[[World, Session, Object], None]
    needs_live: bool = True


def carry_out(world: World, session: Session, name: str, body: Object) -> None:
    """Do what an order says. Raises OrderError if that makes no sense for this session."""
    order = ORDERS[name]
    if session.phase is Phase.GONE or (order.needs_live and session.phase is not Phase.LIVE):
        raise OrderError(f"the session is `{session.phase}`")
    world.note(session, "ordered", order=name)
    order.does(world, session, body)


def evict(world: World, cname: str, uid: str) -> None:
    """Let a user join whose uid a recorder has: the recorder loses (7.4)."""
    for session in world.in_channel(cname):
        if session.recorder_uid == uid:
            end(world, session, EVICTED)


def _kill(world: World, session: Session, body: Object) -> None:
    del body
    vanish(world, session)


def _expire(world: World, session: Session, body: Object) -> None:
    del world, body
    session.reachable = False


def _ends(reason: End) -> Callable[[World, Session, Object], None]:
    return lambda world, session, _: end(world, session, reason)


def _idle(world: World, session: Session, body: Object) -> None:
    del body
    if session.is_web:
        raise OrderError("a web page recording is never idle")
    end(world, session, IDLE)


def _fail_over(world: World, session: Session, body: Object) -> None:
    if session.away:
        raise OrderError("the session is failing over")
    seconds = tree.number(body, "seconds", world.chance.uniform(5.0, 60.0))
    fail_over(world, session, seconds)


def _fail(world: World, session: Session, body: Object) -> None:
    end(world, session, _CAUSES[tree.text(body, "cause", "parameters")])


def _upload(world: World, session: Session, body: Object) -> None:
    del world
    session.upload_s = tree.number(body, "seconds", session.upload_s)
    session.upload_result = tree.text(body, "result", session.upload_result)


def _page(world: World, session: Session, body: Object) -> None:
    if not session.is_web:
        raise OrderError("the session records no web page")
    if "onhold" in body:
        set_onhold(world, session, onhold=tree.flag(body, "onhold"))
    if "reload" in body:
        _reload(world, session, tree.text(body, "reload"))
    if "limit" in body:
        world.emit(session, Event.WEB_LIMIT, {"limitType": body["limit"]})
        end(world, session, PAGE_ENDS[LIMIT_CODE])
    elif "end" in body:
        end(world, session, PAGE_ENDS[tree.whole(body, "end")])


def _reload(world: World, session: Session, reason: str) -> None:
    world.emit(session, Event.WEB_RELOAD, {"reason": reason})
    if reason == "page_load_timeout":
        session.page.reloads += 1
    if session.page.reloads >= PAGE_LOADS_MAX:
        end(world, session, PAGE_ENDS[LOAD_TIMEOUT_CODE])


def _rtmp(world: World, session: Session, body: Object) -> None:
    if not session.has_rtmp:
        raise OrderError("the session is pushed to no CDN")
    set_output(world, session, tree.text(body, "status"))


def _emit(world: World, session: Session, body: Object) -> None:
    event = tree.whole(body, "eventType")
    service_type, name = KINDS.get(event, (0, ""))
    details = tree.child(body, "details")
    service_type = tree.whole(body, "serviceType", service_type)
    world.notify(session, event, service_type, {"msgName": name, **details})


_NOTHING = block({})

ORDERS: Mapping[str, Order] = {
    "kill": Order(_NOTHING, _kill, needs_live=False),
    "expire": Order(_NOTHING, _expire),
    "idle": Order(_NOTHING, _idle),
    "remove": Order(_NOTHING, _ends(REMOVED)),
    "failover": Order(block({"seconds": number(0, FAILOVER_S_MAX)}), _fail_over),
    "fail": Order(block({"cause": choice(*_CAUSES)}), _fail),
    "upload": Order(
        block(
            {
                "seconds": number(0, UPLOAD_S_MAX),
                "result": choice("uploaded", "backuped", "unknown"),
            }
        ),
        _upload,
    ),
    "page": Order(
        block(
            {
                "onhold": flag,
                "reload": choice("audio_silence", "page_load_timeout"),
                "limit": choice("resolution", "WebGL", "bandwidth"),
                "end": choice(*PAGE_ENDS),
            }
        ),
        _page,
    ),
    "rtmp": Order(
        block(
            {"status": choice("connecting", "publishing", "onhold", "disconnected")},
            needs=("status",),
        ),
        _rtmp,
    ),
    "emit": Order(
        block(
            {
                "eventType": whole(1, 9_999),
                "serviceType": whole(0, 99),
                "details": block({}, passes_unknown=True),
            },
            needs=("eventType",),
        ),
        _emit,
        needs_live=False,
    ),
}
