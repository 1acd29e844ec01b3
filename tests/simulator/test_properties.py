"""Whatever is called, in whatever order, with whatever faults: the simulator keeps its word."""

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from reconciler.simulator import tree
from reconciler.simulator.answers import Answer
from reconciler.simulator.channels import User
from reconciler.simulator.media import refresh_channel
from reconciler.simulator.orders import ORDERS, OrderError
from reconciler.simulator.session import Phase, Tick
from tests.simulator.support import (
    APP,
    AUTHORIZATION,
    BASE,
    MP4,
    RTMP_SERVICE,
    Caller,
    Running,
    body_of,
    codes,
    individual,
    mix,
    mounted,
    virtual_time,
    web,
)

CNAMES, UIDS = ["a", "b"], ["1", "2"]
REQUESTS: dict[str, list[Any]] = {
    "mix": [mix(maxIdleTime=20), mix(MP4, subscribeAudioUids=["7"]), {}],
    "individual": [individual(), individual() | {"snapshotConfig": {"fileType": ["jpg"]}}],
    "web": [web(maxRecordingHour=1), web(RTMP_SERVICE, onhold=True)],
}
UPDATES: list[Any] = [
    {},
    {"webRecordingConfig": {}},
    {"webRecordingConfig": {"onhold": True}},
    {"rtmpPublishConfig": {"outputs": [{"rtmpUrl": "rtmp://x"}]}},
    {"streamSubscribe": {"audioUidList": {"subscribeAudioUids": ["100", "7"]}}},
    {"streamSubscribe": {"videoUidList": {"unSubscribeVideoUids": []}}},
]
LAYOUTS: list[Any] = [{}, {"mixedVideoLayout": 1}, {"mixedVideoLayout": 3}]
ORDER_BODIES: dict[str, Any] = {
    "failover": {"seconds": 30},
    "page": {"onhold": True},
    "rtmp": {"status": "disconnected"},
    "emit": {"eventType": 13},
    "upload": {"seconds": 25},
}
EFFECTS: list[Any] = [
    {"status": 504, "code": 62},
    {"status": 500, "body": {"sid": "", "code": 15}, "processed": True},
    {"then": {"order": "kill", "after_s": 3}},
    {"then": {"order": "failover", "after_s": 3}},
]
WAITS = [0, 0.3, 1, 5, 29, 61, 400, 4000, 80 * 3600]
NOT_TOLD = (Phase.EXITED, Phase.GONE)
AFTER_THE_END = {Tick.UNREACHABLE, Tick.HALF, Tick.EXIT, Tick.GONE, Tick.ORDER}


class Service(RuleBasedStateMachine):
    """Calls, orders, faults and time, in any order."""

    grants: Bundle[Any] = Bundle("grants")
    sessions: Bundle[Running] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.caller = Caller()
        self.caller.tune(recordings_max=4, web_recordings_max=2)
        self.seen: dict[str, tuple[int, bool]] = {}
        self.faulty = False

    def heard(self, answer: Answer) -> Answer:
        """Check that an answer is one of the service's, or was ordered."""
        assert json.loads(tree.encode(answer.body)) == answer.body
        if not self.faulty:
            assert answer.status < 500 or answer.code == 502
        return answer

    @rule(
        target=grants,
        cname=st.sampled_from(CNAMES),
        uid=st.sampled_from(UIDS),
        scene=st.sampled_from([0, 0, 1, 2]),
        hours=st.sampled_from([1, 72]),
    )
    def acquire(self, cname: str, uid: str, scene: int, hours: int) -> Any:
        before = len(self.caller.gateway.world.sessions)
        answer = self.caller.acquire(cname, uid, scene=scene, resourceExpiredHour=hours)
        assert len(self.caller.gateway.world.sessions) == before
        if self.heard(answer).status != 200:
            return multiple()
        return body_of(answer)["resourceId"], cname, uid, scene

    @rule(target=sessions, granted=grants, data=st.data(), mode=st.sampled_from(sorted(REQUESTS)))
    def start(self, granted: Any, data: st.DataObject, mode: str) -> Any:
        resource_id, cname, uid, _ = granted
        request = data.draw(st.sampled_from(REQUESTS[mode]))
        before = set(self.caller.gateway.world.sessions)
        answer = self.heard(self.caller.start(resource_id, mode, request, cname=cname, uid=uid))
        new = set(self.caller.gateway.world.sessions) - before
        if answer.status != 200:
            assert not new or self.faulty
            return multiple()
        sid = body_of(answer)["sid"]
        assert new == {sid}
        return Running(self.caller, resource_id, sid, mode, {"cname": cname, "uid": uid})

    @rule(
        target=sessions,
        identity=st.sampled_from([(cname, uid) for cname in CNAMES for uid in UIDS]),
        mode=st.sampled_from(sorted(REQUESTS)),
        seconds=st.sampled_from([0, 5]),
        data=st.data(),
    )
    def record(
        self, identity: tuple[str, str], mode: str, seconds: float, data: st.DataObject
    ) -> Any:
        """Acquire and start in one go, as callers do."""
        acquired = self.acquire(*identity, 1 if mode == "web" else 0, 72)
        if not isinstance(acquired, tuple):
            return multiple()
        started = self.start(acquired, data, mode)
        self.caller.wait(seconds)
        return started

    @rule(session=sessions)
    def query(self, session: Running) -> None:
        answer = self.heard(session.query())
        assert answer.status in {200, 404} or self.faulty
        if answer.status == 200 and not self.faulty:
            assert body_of(answer)["serverResponse"]["status"] == session.session.status

    @rule(session=sessions, update=st.sampled_from(UPDATES))
    def update(self, session: Running, update: Any) -> None:
        before = session.config
        if self.heard(session.update(**update)).status != 200 and not self.faulty:
            assert session.config is before

    @rule(session=sessions, layout=st.sampled_from(LAYOUTS))
    def layout(self, session: Running, layout: Any) -> None:
        before = session.config
        if self.heard(session.layout(**layout)).status != 200 and not self.faulty:
            assert session.config is before

    @rule(session=sessions, asynchronous=st.booleans())
    def stop(self, session: Running, *, asynchronous: bool) -> None:
        was_live = session.session.phase is Phase.LIVE
        answer = self.heard(session.stop(async_stop=asynchronous))
        if answer.status in {200, 206} and not self.faulty:
            assert was_live
            assert session.session.phase is not Phase.LIVE

    @rule(session=sessions, name=st.sampled_from(sorted(ORDERS)))
    def order(self, session: Running, name: str) -> None:
        try:
            session.order(name, **ORDER_BODIES.get(name, {}))
        except OrderError:
            assert session.session.phase is not Phase.LIVE or name in {
                "failover",
                "idle",
                "page",
                "rtmp",
            }

    @rule(session=sessions, seconds=st.sampled_from([0, 29]), after_s=st.sampled_from([10, 30]))
    def fail_over(self, session: Running, seconds: float, after_s: float) -> None:
        if session.session.phase is Phase.LIVE and not session.session.away:
            session.order("failover", seconds=seconds)
        self.caller.wait(after_s)

    @rule(session=consumes(sessions))
    def forget(self, session: Running) -> None:
        """Lose a handle, as a crashed caller does."""

    @rule(cname=st.sampled_from(CNAMES), uids=st.sets(st.sampled_from(["7", "100"])))
    def people(self, cname: str, uids: set[str]) -> None:
        channel = self.caller.gateway.world.ordered_channel(cname)
        assert channel is not None
        channel.users = {uid: User(uid) for uid in sorted(uids)}
        refresh_channel(self.caller.gateway.world, cname)

    @rule(
        endpoint=st.sampled_from(["start", "query", "stop", "*"]), effect=st.sampled_from(EFFECTS)
    )
    def fault(self, endpoint: str, effect: Any) -> None:
        self.faulty = True
        self.caller.gateway.faults.add({"endpoint": endpoint, "times": 2, "effect": effect})

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: float) -> None:
        self.caller.wait(seconds)

    @invariant()
    def each_identity_has_one_task_at_most(self) -> None:
        world = self.caller.gateway.world
        tasks = [entry for entry in world.active.values() if entry.phase not in NOT_TOLD]
        assert max(Counter(entry.identity for entry in tasks).values(), default=0) <= 1
        assert {entry.identity: entry.sid for entry in tasks} == world.running
        for is_web in (True, False):
            kind = [entry for entry in world.active.values() if entry.is_web == is_web]
            assert world.count(APP, is_web=is_web) == len(kind)

    @invariant()
    def a_status_never_falls_and_an_end_is_final(self) -> None:
        for sid, session in self.caller.gateway.world.sessions.items():
            status, was_over = self.seen.get(sid, (0, False))
            is_over = session.phase is not Phase.LIVE
            assert session.status >= status
            assert is_over or not was_over
            assert (session.status >= 6) == is_over
            self.seen[sid] = session.status, is_over

    @invariant()
    def what_is_over_waits_for_nothing_and_what_is_due_lies_ahead(self) -> None:
        world = self.caller.gateway.world
        assert world.now_s == self.caller.now_s
        for session in world.sessions.values():
            assert (session.phase is Phase.GONE) == (session.sid not in world.active)
            assert session.phase is not Phase.GONE or not session.due
            assert all(at_s > world.now_s for at_s in session.due.values())
            assert session.phase is Phase.LIVE or set(session.due) <= AFTER_THE_END
            assert session.away == (Tick.BACK in session.due)

    @invariant()
    def notifications_are_counted_without_a_gap(self) -> None:
        told: dict[str, list[int]] = {}
        for letter in self.caller.gateway.world.outbox.letters:
            told.setdefault(letter.notice.sid, []).append(letter.notice.sequence)
        assert all(numbers == list(range(len(numbers))) for numbers in told.values())

    @invariant()
    def what_was_recorded_lies_in_the_past(self) -> None:
        world = self.caller.gateway.world
        for session in world.sessions.values():
            assert session.failovers + 1 == len(session.takes) <= 4
            assert all(file.start_s <= world.now_s for file in session.files(world.now_s))


Service.TestCase.settings = settings(max_examples=150, stateful_step_count=60)
TestAnyOrderOfCalls = Service.TestCase

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
DOCUMENTED = {200, 201, 206, 400, 401, 404, 413, 429}


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a document."""
    pairs: Any = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    return [way, *(path for key, inner in pairs for path in places(inner, (*way, key)))]


def spoilt(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    """Return a document with another value at one place."""
    if not way:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[way[0]] = spoilt(copy[way[0]], way[1:], new)
    return copy


FULL = mix(
    MP4,
    transcodingConfig={
        "width": 640,
        "mixedVideoLayout": 3,
        "layoutConfig": [{"x_axis": 0, "y_axis": 0, "width": 1, "height": 1}],
        "backgroundConfig": [{"uid": "1", "image_url": "https://x/y.jpg"}],
    },
    subscribeAudioUids=["1"],
    subscribeVideoUids=["#allstream#"],
)
CALLS = ("acquire", "start", "update", "updateLayout", "stop", "query")


@given(call=st.sampled_from(CALLS), body=JSON | st.binary(max_size=20))
@settings(max_examples=150)
def test_no_body_brings_about_an_error_of_the_simulators_own(call: str, body: Any) -> None:
    caller = Caller()
    running = caller.running()
    way = {
        "acquire": f"{BASE}/acquire",
        "start": f"{BASE}/resourceid/{running.resource_id}/mode/mix/start",
    }
    path = way.get(call) or running.path(call)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = caller.send("GET" if call == "query" else "POST", path, raw)
    assert answer.status in DOCUMENTED
    assert answer.status == 200 or answer.code or call == "query"


@given(data=st.data())
@settings(max_examples=200)
def test_one_spoilt_value_is_accepted_or_refused_but_never_breaks(data: st.DataObject) -> None:
    mode, request = data.draw(
        st.sampled_from([("mix", FULL), ("web", web(RTMP_SERVICE)), ("individual", individual())])
    )
    caller = Caller()
    resource_id = caller.resource(scene=1 if mode == "web" else 0)
    way = data.draw(st.sampled_from(places(request)))
    answer = caller.start(resource_id, mode, spoilt(request, way, data.draw(JSON)))
    assert codes(answer) in {(200, 0), (400, 2), (400, 8)}
    assert (answer.status == 200) == (len(caller.gateway.world.active) == 1)
    caller.wait(100)
    for session in caller.gateway.world.sessions.values():
        tree.encode(session.shown(caller.now_s))


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "", "\x00"]),
    path=st.text(max_size=30) | st.text(max_size=9).map(lambda text: f"{BASE}/{text}"),
    authorization=st.none() | st.text(max_size=20) | st.just(AUTHORIZATION),
    content_type=st.none() | st.text(max_size=20),
)
def test_no_request_brings_about_an_error_of_the_simulators_own(
    method: str, path: str, authorization: str | None, content_type: str | None
) -> None:
    answer = Caller().send(
        method, path, b"{}", authorization=authorization, content_type=content_type
    )
    assert answer.status in DOCUMENTED


PATHS = ["faults", "channels/lobby", "clock", "notices", "tuning"]
CONTROLS = [*PATHS, *(f"sessions/SID/{name}" for name in ORDERS)]
WORDS = """
    seconds cause result onhold end status eventType details endpoint effect join leave empty
    advance set scale loss resend qps
"""
KEYS = st.sampled_from(WORDS.split())


@given(
    control=st.sampled_from(CONTROLS),
    body=JSON | st.dictionaries(KEYS, JSON | st.integers(0, 9), max_size=3),
)
@settings(max_examples=150)
def test_no_order_brings_about_an_error_of_the_simulators_own(control: str, body: Any) -> None:
    @virtual_time
    async def scene() -> None:
        async with mounted() as site:
            sid = (await site.running("web", web(RTMP_SERVICE))).split("/")[-3]
            raw = json.dumps(body)
            path = f"/_sim/{control.replace('SID', sid)}"
            answer = await site.http.post(path, content=raw)
            assert answer.status_code in {200, 400, 409, 404}
            assert (await site.http.get("/_sim/sessions")).status_code == 200

    scene()


@given(value=JSON)
def test_what_is_written_is_read_back(value: Any) -> None:
    try:
        raw = tree.encode(value)
        read = tree.decode(raw)
    except ValueError:
        return
    assert read == value


def test_the_same_calls_make_the_same_world() -> None:
    def world(seed: int) -> Any:
        caller = Caller()
        caller.gateway.world.chance.seed(seed)
        running = caller.running(request=mix(MP4))
        caller.wait(5)
        running.order("failover")
        caller.wait(100)
        running.stop()
        caller.wait(5)
        return running.session.shown(caller.now_s), caller.gateway.world.outbox.letters

    first, again, other = world(1), world(1), world(2)
    assert str(first) == str(again)
    assert str(first) != str(other)
