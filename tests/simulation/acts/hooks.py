"""What goes wrong just when an answer is on its way, and depends on what is true by then."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from reconciler.agora.messages import Reply, Silence
from reconciler.simulator import lifecycle, service
from reconciler.simulator.answers import Answer
from reconciler.simulator.ends import STOPPED
from reconciler.simulator.notices import Event, Notice, signatures
from reconciler.simulator.routes import Endpoint, Route
from reconciler.simulator.session import Phase
from tests.daemon.cast import NORTH
from tests.daemon.wires import Call
from tests.simulation.acts.act import Act, Given
from tests.simulation.reached import FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

MOVED_S = 87.4
"""How long one move takes: a bit less than the service says that it may."""

CONFLICT_S = 300.0
"""How long somebody else's session goes on that has a uid of ours."""


STALE_S = 30.0
"""So long before an acquire somebody else's session lived that had its uid."""

TOLD_LATE_S = (6.0, 140.0)
"""When it is told of: while the start is awaited, and when it stays perhaps started."""


def meddle(sim: "Simulation", what: str, seconds: float) -> None:
    """Let something happen to answers, or when they are on their way."""
    hook = partial(_HOOKS[what], sim)
    sim.network.on_the_way.append(hook)
    sim.trouble(seconds, what)
    sim.after(seconds, partial(_drop, sim, hook))


def _drop(sim: "Simulation", hook: Callable[[Call, Reply], Reply]) -> None:
    if hook in sim.network.on_the_way:
        sim.network.on_the_way.remove(hook)


def _exiting(sim: "Simulation", call: Call, reply: Reply) -> Reply:
    """Let queries after a stop be answered as older servers do (agora-api.md 6.4, code 501)."""
    session = sim.stage.simulator.world.sessions.get(call.sid)
    if call.endpoint != "query" or session is None or session.phase not in _LEAVING:
        return reply
    sim.reach(FAULT, "exiting")
    return _answer(reply, 400, {"code": 501, "reason": "service is exiting"})


_LEAVING = (Phase.LEAVING, Phase.EXITED)


def _tell_sid(sim: "Simulation", call: Call, reply: Reply) -> Reply:
    """Let the second start of a resource ID be told the `sid` of the first (6.3, code 7)."""
    session = sim.stage.simulator.world.by_resource.get(call.resource_id)
    if call.endpoint != "start" or reply.status != 201 or session is None:
        return reply
    sim.reach(FAULT, "tell sid")
    return _answer(reply, 201, {"code": 7, "reason": "already started", "sid": session.sid})


def _cut_pairs(sim: "Simulation", call: Call, reply: Reply) -> Reply:
    """Let nobody be reached from the answer of an acquire on, for a few seconds."""
    if call.endpoint == "acquire" and reply.status == 200 and sim.network.down is None:
        sim.reach(FAULT, "cut pairs")
        sim.network.down = Silence.NOT_SENT
        sim.after(9.0, partial(_reach, sim))
    return reply


def _reach(sim: "Simulation") -> None:
    sim.network.down = None


def _take_uid(sim: "Simulation", call: Call, reply: Reply) -> Reply:
    """Let somebody else start a session with the channel and uid that an acquire was just for."""
    if call.endpoint != "acquire" or reply.status != 200 or not sim.is_safe:
        return reply
    sid = start_foreign(sim, call.app_id, call.body["cname"], call.body["uid"])
    if sid:
        sim.reach(FAULT, "take uid")
        sim.after(CONFLICT_S, partial(_end_foreign, sim, sid))
    sim.network.on_the_way = [each for each in sim.network.on_the_way if not _takes_uid(each)]
    return reply


def _takes_uid(hook: Callable[[Call, Reply], Reply]) -> bool:
    return isinstance(hook, partial) and hook.func is _take_uid


def _move_started(sim: "Simulation", call: Call, reply: Reply) -> Reply:
    """Let a session move just after its start, and again, so that it is never seen to come up."""
    session = sim.stage.simulator.world.by_resource.get(call.resource_id)
    if call.endpoint == "start" and reply.status == 200 and session is not None:
        sim.reach(FAULT, "move started")
        _move(sim, session.sid)
        for at_s in (MOVED_S + 0.01, 2 * MOVED_S + 0.02):
            loop = asyncio.get_running_loop()
            loop.call_later(at_s, _move, sim, session.sid, context=Context())
        sim.network.on_the_way = [
            each
            for each in sim.network.on_the_way
            if not (isinstance(each, partial) and each.func is _move_started)
        ]
    return reply


def _tell_stale(sim: "Simulation", call: Call, reply: Reply) -> Reply:
    """Let it be told late of somebody else's session that had the uid before it was acquired."""
    if call.endpoint == "acquire" and reply.status == 200 and call.app_id == NORTH:
        sim.reach(FAULT, "tell stale")
        notice = Notice(
            notice_id=f"extra-{sim.next_number()}",
            event_type=Event.SLICE_START,
            service_type=1,
            cname=call.body["cname"],
            uid=call.body["uid"],
            sid=f"{sim.next_number():032x}",
            sequence=3,
            at_s=sim.now_s - STALE_S,
            details={"msgName": "recorder_slice_start", "startUtcMs": 0},
        )
        for index, late_s in enumerate(TOLD_LATE_S):
            sim.after(late_s, partial(_hear, sim, replace(notice, sequence=index)))
    return reply


async def _hear(sim: "Simulation", notice: Notice) -> None:
    if sim.clock.wrong_s:
        return  # by a wrong clock of the host nobody can tell what was sent before a start
    body = replace(notice, notice_id=f"extra-{sim.next_number()}").body(sim.now_s)
    await sim.hear("", signatures(sim.stage.settings.notify_secret, body), body)


def _move(sim: "Simulation", sid: str) -> None:
    session = sim.stage.simulator.lived().sessions[sid]
    if session.phase is Phase.LIVE and not session.away:
        lifecycle.fail_over(sim.stage.simulator.world, session, MOVED_S)
        sim.stage.simulator.clock.nudge()


def start_foreign(sim: "Simulation", app_id: str, channel: str, uid: str) -> str:
    """Start somebody else's session; return its `sid`, empty where the service refuses."""
    world = sim.stage.simulator.lived()
    who = {"cname": channel, "uid": uid}
    given: Any = {**who, "clientRequest": {"scene": 1}}
    acquired = service.call(world, Route(Endpoint.ACQUIRE, app_id), given)
    if not isinstance(acquired, Answer) or not isinstance(acquired.body, dict) or acquired.code:
        return ""
    resource_id = str(acquired.body["resourceId"])
    route = Route(Endpoint.START, app_id, resource_id, mode="web")
    service.call(world, route, {**who, "clientRequest": _PAGE})
    session = world.by_resource.get(resource_id)
    if session is None:
        return ""
    sim.foreign.add(session.sid)
    sim.say("others", f"start {session.sid[:6]} in {channel} as {uid}")
    sim.stage.simulator.clock.nudge()
    return session.sid


def _end_foreign(sim: "Simulation", sid: str) -> None:
    """Let the others end what they started."""
    session = sim.stage.simulator.lived().sessions[sid]
    if session.phase is Phase.LIVE:
        sim.say("others", f"stop {sid[:6]}")
        lifecycle.end(sim.stage.simulator.world, session, STOPPED)
        sim.stage.simulator.clock.nudge()


_PAGE: Any = {
    "storageConfig": {"vendor": 1, "region": 0, "bucket": "b", "accessKey": "a", "secretKey": "s"},
    "recordingFileConfig": {"avFileType": ["hls"]},
    "extensionServiceConfig": {
        "errorHandlePolicy": "error_abort",
        "extensionServices": [
            {
                "serviceName": "web_recorder_service",
                "errorHandlePolicy": "error_abort",
                "serviceParam": {
                    "url": "https://example.com/others",
                    "audioProfile": 0,
                    "videoWidth": 1280,
                    "videoHeight": 720,
                    "maxRecordingHour": 720,
                },
            }
        ],
    },
}


def _answer(reply: Reply, status: int, body: Mapping[str, Any]) -> Reply:
    return replace(reply, status=status, body=json.dumps(body).encode())


_HOOKS = {
    "exiting": _exiting,
    "tell sid": _tell_sid,
    "cut pairs": _cut_pairs,
    "take uid": _take_uid,
    "move started": _move_started,
    "tell stale": _tell_stale,
}

KINDS = tuple(_HOOKS)
"""The kinds of faults that can be reached here."""


def _meddle(rng: Random) -> Given:
    return {"what": rng.choice(KINDS), "seconds": round(rng.uniform(20, 400), 1)}


ACTS: Mapping[str, Act] = {"meddle": Act(meddle, _meddle, 2.0)}
