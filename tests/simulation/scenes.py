"""Short scenes that every few seeds play in turn, so that what is rare by chance is not missed.

Each prepares what it is about, and provokes the calls that are to go wrong. The long ones are about
sessions that come to the end of their resource, an hour after their start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.simulation.acts import hooks, notices, service, twins
from tests.simulation.acts.answers import ENDPOINTS
from tests.simulation.casting import plain

Beat = tuple[float, str, Mapping[str, Any]]
"""After how many seconds which act is given what, beside what is drawn for it."""

FIRST: Mapping[str, Any] = {"role": 0}
"""The Recording that a scene is about; it is plain, and always wanted."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens to a Recording of a mode."""

    mode: str
    beats: tuple[Beat, ...]


def scenes() -> tuple[Scene, ...]:
    """Return all short scenes, in an order in which neighbours have little in common."""
    all_ = [
        *_wrong_calls(),
        *_orders(),
        *_others(),
        *_ours(),
        _SELDOM,
        *_specs(),
        *_rare(),
        *_rare(),
        *_full(),
        *[*_apps(), *_repeats()] * 2,
    ]
    return tuple(all_[place::STRIDE][index] for place, index in _places(len(all_)))


STRIDE = 7


def _places(size: int) -> Iterator[tuple[int, int]]:
    for place in range(STRIDE):
        for index in range(len(range(place, size, STRIDE))):
            yield place, index


def _wrong_calls() -> Iterator[Scene]:
    for name, (endpoint, _) in service.FAULTS.items():
        if endpoint != "*":
            yield _wrong(name, endpoint)
        elif name in _EVERYWHERE:
            yield from (_wrong(name, each) for each in ENDPOINTS)
        else:
            yield from (_wrong(name, each) for each in ("*", "start"))


_EVERYWHERE = ("* 500 An unexpected error occurred", "lost after")


def _wrong(name: str, endpoint: str) -> Scene:
    fault = {"name": name, "endpoint": endpoint, "seconds": 100.0, "rule": {"times": 2}}
    return Scene("mix", ((0.0, "fault", fault), _PROMPTS.get(endpoint, _REPLACE)))


_REPLACE: Beat = (1.0, "edit_field", {**FIRST, "field": "videoStream"})
_PROMPTS: Mapping[str, Beat] = {
    "ncs-ip": (1.0, "restart", {"down_s": 1.0}),
    "update": (1.0, "edit_subscriptions", {**FIRST, "audio": ["100", "77"]}),
    "updateLayout": (1.0, "edit_layout", FIRST),
}


def _orders() -> Iterator[Scene]:
    for name, (_, _, modes) in service.ORDERS.items():
        mode = modes[0] if modes else "mix"
        yield Scene(mode, ((0.0, "order", {"session": 0, "name": name}),))
    for name in service.HOST_FAULTS:
        yield Scene("mix", ((0.0, "fail_host", {"name": name}),))
    for name in service.TUNES:
        yield Scene("mix", ((0.0, "tune", {"what": name, "seconds": 120.0}), _REPLACE))


def _others() -> Iterator[Scene]:
    lost = {"name": "lost after", "endpoint": "start", "seconds": 60.0, "rule": {"times": 1}}
    for what in hooks.KINDS:
        meddle: Beat = (0.0, "meddle", {"what": what, "seconds": 120.0})
        if what == "tell sid":
            yield Scene("mix", (meddle, (0.5, "fault", lost), _REPLACE))
        else:
            yield Scene("mix", (meddle, _REPLACE))
    for event in notices.TOLD:
        yield Scene("mix", ((0.0, "tell", {"session": 0, "event": event}),))
    late: Beat = (0.0, "garble", {"seconds": 60.0, "chaos": _LATE})
    yield Scene("mix", (late, (1.0, "order", {"session": 0, "name": "fail parameters"})))
    yield Scene("web", (late, (1.0, "order", {"session": 0, "name": "page end 6"})))
    every = {**lost, "seconds": 100.0, "rule": {}}
    burned: tuple[Beat, ...] = ((0.0, "fault", every), _REPLACE)
    yield Scene("mix", (_SILENT, *burned, (75.0, "forget_orphan", {})))
    yield Scene("mix", (*burned, (75.0, "end_orphan", {"name": "idle"})))
    yield Scene("mix", (*burned, (75.0, "end_orphan", {"name": "fail parameters"})))


def _rare() -> Iterator[Scene]:
    """Yield what needs several things at once."""
    yield Scene("mix", (_SILENT, (0.5, "move_twice", {"session": 0}), _PROMPTS["update"]))
    started: Beat = (0.0, "meddle", {"what": "move started", "seconds": 120.0})
    yield Scene("mix", (_SILENT, started, _REPLACE))
    sync: Beat = (0.0, "edit_policy", {**FIRST, "policy": {"stop": "sync"}})
    slow: Beat = (0.5, "order", {"session": 0, "name": "upload slow"})
    yield Scene("mix", (sync, slow, _REPLACE))
    killed: Beat = (0.0, "order", {"session": 0, "name": "kill"})
    yield Scene("mix", (killed, _PROMPTS["update"], (115.0, "tell_end", {"session": 0})))
    yield Scene("mix", ((0.0, "plan", {"fate": ["step", 2]}),))
    late: Beat = (0.0, "meddle", {"what": "tell stale", "seconds": 60.0})
    yield Scene("mix", (late, (0.5, "fault", _NEVER), _REPLACE))
    once: Beat = (0.5, "fault", {**_NEVER, "name": "lost after", "rule": {"times": 1}})
    refused: Beat = (0.6, "fault", {**_NEVER, "name": "start 400 code 2", "rule": {"nth": 2}})
    yield Scene("mix", (_SILENT, once, refused, _REPLACE))
    stop_first: Beat = (0.0, "edit_policy", {**FIRST, "policy": {"replace": "stop-first"}})
    yield Scene("mix", (stop_first, slow, _REPLACE))
    yield _wrong("updateLayout 206 code 65 done", "updateLayout")
    yield from (_wrong(name, "ncs-ip") for name in _EVERYWHERE)


def _apps() -> Iterator[Scene]:
    """Yield what concerns an App as a whole."""
    back: Beat = (30.0, "edit_app_id", {})
    yield Scene("mix", ((0.0, "edit_app_id", {}), back))
    yield Scene("web", ((0.0, "edit_app_id", {}), _REPLACE))
    for wholly in (False, True):
        untrusted: Beat = (0.0, "edit_endpoints", {"seconds": 60.0, "wholly": wholly})
        yield Scene("mix", (untrusted, _REPLACE, (10.0, "plan", {"fate": None})))
    for name in _OF_ALL:
        refused = {"name": name, "endpoint": "*", "seconds": 100.0, "rule": {}}
        yield Scene("mix", ((0.0, "fault", refused), *_MUCH))
    yield Scene("mix", ((0.0, "misdirect", {"session": 0, "event": notices.EXIT}),))


_OF_ALL = ("* 401 Invalid authentication credentials", "* 403 a page", "* 400 appid is invalid")
_MUCH: tuple[Beat, ...] = tuple(
    (1.0, "edit_field", {"role": role, "field": "resourceExpiry"}) for role in range(3)
)
"""Work for several Recordings, as long as there are so many."""


def _repeats() -> Iterator[Scene]:
    """Yield starts whose answer nobody hears, and that cannot be made again as they were."""
    fate = {"at": "answer start", "count": 1, "down_s": 30.0, "luck": None}
    crash: Beat = (0.0, "crash", fate)
    yield Scene("mix", (crash, (1.0, "edit_storage", FIRST), (12.0, "turn_keys", {})))


def _full() -> Iterator[Scene]:
    """Yield what finds no place: replicas, successors, and what orphans leave room for."""
    few: Beat = (0.0, "limit_apps", {"most": 1, "seconds": 200.0})
    yield Scene("mix", (few, _REPLACE, (60.0, "edit_replicas", {**FIRST, "replicas": 2})))
    two: Beat = (0.0, "edit_replicas", {**FIRST, "replicas": 2})
    more: Beat = (0.0, "limit_apps", {"most": 2, "seconds": 200.0})
    stops: Beat = (30.0, "stop", FIRST)
    yield Scene("mix", (two, more, _SILENT, _lost(20.0, {"times": 4}), stops))
    rash: Beat = (110.0, "apply", {"patience_s": 0.0, "pause_s": 0.0, "fate": None})
    down: Beat = (105.0, "kill", {"down_s": 30.0})
    for _ in range(3):  # chance has to leave the orphan alone
        yield Scene("mix", (few, _SILENT, _lost(1.0, {}), (2.0, "stop", FIRST), down, rash))


def _lost(at_s: float, rule: Mapping[str, Any]) -> Beat:
    given = {"name": "lost after", "endpoint": "start", "seconds": 100.0, "rule": rule}
    return (at_s, "fault", given)


_LATE = {"loss": 0.0, "duplicate": 0.0, "disorder": 1.0, "disorder_s": 80.0, "redundant": False}
_SILENT: Beat = (0.0, "garble", {"seconds": 200.0, "chaos": {**_LATE, "loss": 1.0}})
_NEVER = {"name": "lost before", "endpoint": "start", "seconds": 100.0, "rule": {}}


_SET = tuple(asdict(replace(plain(f"hall-{index}", "mix"), in_set=True)) for index in range(2))
"""Recordings that a set makes."""


def _ours() -> Iterator[Scene]:
    yield Scene("mix", ((0.0, "stop_here", {**FIRST, "fate": ["step", 2]}),))
    yield Scene("mix", ((0.0, "apply", {"patience_s": 0.0, "fate": None}),))
    yield Scene("mix", ((0.0, "apply", {"patience_s": 60.0, "fate": ["step", 2]}),))
    yield Scene("mix", ((0.0, "stand_by", {"seconds": 200.0}), (20.0, "kill", {"down_s": 60.0})))
    down = {"down_s": 60.0}
    rash: Beat = (5.0, "apply", {"patience_s": 0.0, "pause_s": 0.0, "fate": None})
    gone: Beat = (1.0, "clear", {"seconds": 50.0})
    yield Scene("mix", ((0.0, "kill", down), gone, rash))
    yield Scene("mix", ((0.0, "clear", {"seconds": 420.0}),))  # longer than what is gone is left
    members: list[Beat] = [(0.0, "add", {"part": each}) for each in _SET]
    none: Beat = (60.0, "empty_set", {"seconds": 420.0})
    yield Scene("mix", (*members, none))
    yield Scene("mix", (*members, none, (61.0, "kill", down), (66.0, *rash[1:])))
    yield Scene("mix", ((0.0, "kill", down), (5.0, "apply", {"fate": ["call", 2]})))
    yield Scene("mix", ((0.0, "kill", down), (5.0, "stop_here", {**FIRST, "fate": ["call", 1]})))
    yield Scene("mix", ((0.0, "kill", down), (5.0, "set_clock", {})))
    yield Scene("mix", ((0.0, "fill_disk_at_start", {"seconds": 60.0}), _REPLACE))
    yield Scene("mix", ((0.0, "plan", {"fate": None}),) * 12)  # more at once than calls of a second
    torn: Beat = (1.0, "break_manifest", {**FIRST, "seconds": 50.0})
    yield Scene("mix", ((0.0, "kill", down), torn, rash))  # an `apply` prunes at once


_SELDOM = _wrong("updateLayout 400 code 1003", "updateLayout")
"""Few layouts are sent where it is played first."""

LAST: Mapping[str, Any] = {"role": -1}
"""The Recording that a scene has added."""


def _specs() -> Iterator[Scene]:
    """Yield what becomes of Recordings by what their specs say of each other and of themselves."""
    change: Beat = (30.0, "edit_field", {**LAST, "field": "videoStream"})
    remove: Beat = (30.0, "remove", LAST)
    for name, policy, beat in (
        ("guarded", {"protect": True}, remove),
        ("fixed", {"protect": True}, change),
        ("forbidden", {"replace": "forbid"}, change),
        ("left", {"onRemoval": "leave"}, remove),
        ("watched", {"manage": "observe"}, change),
    ):
        yield Scene("mix", (_added(name, policy), beat))
    seen: Beat = (20.0, "edit_policy", {**LAST, "policy": {"manage": "observe"}})
    yield Scene("mix", (_added("seen"), seen, (85.0, "edit_layout", LAST)))
    for how in twins.RENAMES:
        called: Beat = (30.0, "rename_twins", {**FIRST, "how": how})
        yield Scene("mix", (_copied("twin-a"), _copied("twin-b"), called))
    away: Beat = (20.0, "put_back", {**LAST, "seconds": 280.0})
    lost: Beat = (30.0, "lose_source", {"seconds": 350.0, "wholly": False})
    yield Scene("mix", (_added("away"), away, lost))
    torn: Beat = (20.0, "break_manifest", {**LAST, "seconds": 60.0, "torn": True})
    yield Scene("mix", (_added("torn"), torn, (30.0, "copy", {**LAST, "name": "torn-a"})))
    yield Scene("mix", (_in_set("listed"), (20.0, "empty_set", {"seconds": 40.0})))
    down: Beat = (20.0, "kill", {"down_s": 60.0})
    part: Beat = (25.0, "apply_part", {**FIRST, "patience_s": 0.0, "fate": None})
    yield Scene("mix", (_added("elsewhere"), down, part))


def _added(name: str, policy: Mapping[str, Any] | None = None) -> Beat:
    part = plain(name, "mix")
    spec = {**part.spec, "policy": {**part.spec["policy"], **(policy or {})}}
    return (0.0, "add", {"part": asdict(replace(part, spec=spec))})


def _in_set(name: str) -> Beat:
    return (0.0, "add", {"part": asdict(replace(plain(name, "mix"), in_set=True))})


def _copied(name: str) -> Beat:
    return (0.0, "copy", {**FIRST, "name": name})


_NO_SERVER = {
    "name": "acquire 500 code 501",
    "endpoint": "acquire",
    "seconds": 900.0,
    "rule": {},
}

_THREE: Mapping[str, Any] = {"count": 3, "first": 0}
_NEXT: Mapping[str, Any] = {"count": 3, "first": 3}
_FIVE: Mapping[str, Any] = {"count": 5, "first": 0}
_RASH: Mapping[str, Any] = {"patience_s": 0.0, "pause_s": 0.0, "fate": None}

CROWDS: tuple[Scene, ...] = (
    *[Scene("mix", ((100.0, "edit_many", _THREE), (400.0, "edit_many", _NEXT)))] * 2,
    Scene("mix", ((100.0, "edit_many", _FIVE),)),
    Scene(
        "mix",
        (
            (100.0, "edit_many", _THREE),
            (200.0, "restart", {"down_s": 1.0}),
            (420.0, "edit_many", _NEXT),
        ),
    ),
    Scene(
        "mix",
        (
            (100.0, "edit_many", _FIVE),
            (480.0, "approve", {}),
            (500.0, "edit_many", {**_FIVE, "first": 5}),
        ),
    ),
    Scene(
        "mix",
        (
            (99.0, "kill", {"down_s": 60.0}),
            (100.0, "edit_many", _FIVE),
            (105.0, "apply", _RASH),
        ),
    ),
)
"""Scenes about many Recordings, of which a guard lets some be ended within ten minutes."""

LONG: tuple[Scene, ...] = (
    *[Scene("mix", ())] * 2,
    Scene(
        "mix",
        (
            (2900.0, "kill", {"down_s": 800.0}),
            (3760.0, "end_orphan", {"name": "fail parameters"}),
        ),
    ),
    Scene("mix", ((2900.0, "kill", {"down_s": 800.0}), (3760.0, "end_orphan", {"name": "remove"}))),
    Scene(
        "mix",
        ((2900.0, "fault", _NO_SERVER), (3530.0, "order", {"session": 0, "name": "failover 90"})),
    ),
    Scene("mix", ((5.8, "kill", {"down_s": 3700.0}),)),
    Scene("mix", ((2400.0, "limit_apps", {"most": 1, "seconds": 1200.0}),)),
    # What takes long in a calm time: one idle end after the other, and credentials that change.
    Scene("mix", ((2400.0, "empty_channel", {**FIRST, "seconds": 1100.0, "watched": False}),)),
    Scene("mix", ((60.0, "edit_storage", FIRST), (1700.0, "turn_keys", {}))),
    # Who is told nothing asks more often than the channel may be empty.
    *[
        Scene(
            "mix",
            (
                (60.0, "garble", {**_SILENT[2], "seconds": 1500.0}),
                (61.0, "edit_field", {**FIRST, "field": "maxIdle"}),
            ),
        )
    ]
    * 2,
)
"""Scenes about the end of a resource; their moments count from the beginning."""
