"""Generated worlds of a few recordings in every state that planning can meet.

A world is drawn from a seed, which a failing law prints: choices made evenly meet the rare
combinations sooner than those that a shrinking strategy prefers.
"""

from random import Random

from hypothesis import strategies as st

from reconciler.plan.session import End
from reconciler.plan.world import World
from tests.plan.support import Case, world_of

NAMES = ("a", "b", "c", "d")

OPEN = {"start": "2027-01-15T07:00:00Z", "until": "2027-01-15T20:00:00Z"}
CLOSED = {"start": "2027-01-15T06:00:00Z", "until": "2027-01-15T07:30:00Z"}

WHEN: tuple[Case, ...] = (
    *({},) * 6,
    {"suspend": True},
    {"schedule": [OPEN]},
    {"schedule": [CLOSED]},
)
POLICIES: tuple[Case, ...] = (
    *({},) * 4,
    {"restart": "on-failure"},
    {"restart": "never"},
    {"replace": "stop-first"},
    {"replace": "defer"},
    {"replace": "forbid"},
    {"protect": True},
    {"on_removal": "leave"},
    {"manage": "observe"},
)
ROWS: tuple[Case, ...] = (
    *({},) * 6,
    {"digest": "before"},
    {"override": {}},
    {"override": {"until": -600}},
    {"source": "other/talks.yaml"},
)
COMPARISONS: tuple[Case, ...] = (
    {"changes": [["labels.team", "local"]]},
    {"changes": [["layout.type", "update_layout"]], "groups": ["layout"]},
    {"changes": [["subscriptions.audio", "update"]], "groups": ["subscriptions"]},
    {"changes": [["web.paused", "update", "observed"]], "groups": ["paused"]},
    {"changes": [["storage.secretKey", "update"]], "groups": ["credentials"]},
    {"changes": [["streams", "replace"]], "replaces": True},
    {"ignored": [["layout.background", "update_layout"]]},
)
SHAPES = (("one",), ("one",), ("one", "two"), ("past",), ("one", "past"), ("past",), ())
PHASES = ("acquired", "starting", "missing", *("running",) * 6)
STATES: tuple[Case, ...] = (
    *({},) * 8,
    {"pending": ["layout"]},
    {"started": -250000, "created": -250000, "resource_ends": 500},
    {"started": -250000, "created": -250000, "resource_ends": 50},
    {"resource_ends": -5},
    {"started": None},
    {"started": -95},
    {"stop_reason": "removed"},
    {"stop_reason": "replaced"},
    {"stop_reason": "unconfirmed"},
    {"stop_reason": "requested", "stop_asked": -5, "stops": 1},
)


def case_of(random: Random) -> Case:
    """Draw a case of several recordings, some of which cannot be read."""
    case = sound_case_of(random)
    for recording in case["recordings"].values():
        if random.random() < 0.1:
            recording["wanted"] = {"error": "its manifest has errors"}
    case["options"]["sound"] = random.random() < 0.7
    case["held"] = random.random() < 0.3
    case["apps"] = {"main": {"max_recordings": random.choice([0, 2, 4, 40])}}
    return case


def sound_case_of(random: Random) -> Case:
    """Draw a case of several recordings in which nothing stands in the way."""
    options = {"prune": random.random() < 0.8, "prune_all": random.random() < 0.5}
    return {
        "recordings": {name: _recording(random, name) for name in NAMES},
        "options": options,
        "apps": {"main": {"max_recordings": 40}},
    }


def _recording(random: Random, name: str) -> Case:
    channel = random.choice(["room", "hall", "yard", "yard", name, name])
    wanted = {
        **random.choice(WHEN),
        "policy": random.choice(POLICIES),
        "replicas": random.randint(1, 2),
        "uids": ["7", "8"],
        "channel": channel,
    }
    row = {**random.choice(ROWS), "channel": channel}
    is_gone, is_new = random.random() < 0.25, random.random() < 0.25
    is_known = is_gone or not is_new  # of what is neither, sessions may be left all the same
    sessions = _sessions(random, name, channel) if is_known else []
    return {
        "wanted": None if is_gone else wanted,
        "recorded": None if is_new else row,
        "sessions": sessions,
    }


def _sessions(random: Random, name: str, channel: str) -> list[Case]:
    """Draw at most a pair that lives, and perhaps one that does not, for each replica."""
    found: list[Case] = []
    for replica in range(random.randint(1, 2)):
        place = {"replica": replica, "channel": channel}
        before = f"{name}{replica}-before"
        shape = random.choice(SHAPES)
        if "one" in shape:
            found.append({**_living(random), **place, "id": before})
        if "two" in shape:
            session = {**_living(random), **place, "created": -50}
            found.append({**session, "id": f"{name}{replica}-after", "replaces": before})
        if "past" in shape:
            found.append({**_past(random, before), **place, "id": f"{name}{replica}-past"})
    return found


def _living(random: Random) -> Case:
    session = {"phase": random.choice(PHASES), **random.choice(STATES)}
    if random.random() < 0.5:
        return session
    return {**session, "digest": "old", "comparison": random.choice(COMPARISONS)}


def _past(random: Random, before: str) -> Case:
    phase = random.choice(["ended", "failed", "orphan"])
    tried = {
        "phase": phase,
        "attempt": random.randint(0, 3),
        "created": random.choice([-60, -9000]),
        "replaces": random.choice(["", before]),
    }
    if phase == "orphan":
        return tried
    end = {"end_reason": str(random.choice(list(End))), "ended": random.randint(-400, 0)}
    return {**tried, **end}


_SEEDS = st.integers(0, 2**32 - 1)

worlds: st.SearchStrategy[World] = _SEEDS.map(lambda seed: world_of(case_of(Random(seed))))
sound_worlds: st.SearchStrategy[World] = _SEEDS.map(
    lambda seed: world_of(sound_case_of(Random(seed)))
)
