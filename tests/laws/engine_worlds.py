"""Generated worlds for the engine: Recordings of all modes and policies, and edits of them.

Every world can be applied: its secrets resolve, its sessions are fewer than the guards care for,
and whatever starts has somebody to record.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from hypothesis import strategies as st

from reconciler.engine.apply import Limits
from reconciler.engine.quell import Quell, plan_stops
from reconciler.plan.result import Result
from reconciler.simulator.client import InProcess
from tests.agora.support import APP_ID
from tests.engine.support import Stage, recording
from tests.laws.worlds import LAYOUTS, SELECTIONS, Spec, optional

NAMES = ("a", "b", "c", "d")
SHARED = "shared"
World = Mapping[str, Spec]
"""The spec of each Recording, by name; there is at least one."""

OPEN = [{"from": "2026-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}]
CLOSED = [{"from": "2030-01-01T00:00:00Z", "until": "2031-01-01T00:00:00Z"}]

IGNORABLE = ["storage", "files"]
POLICIES = optional(
    restart=st.sampled_from(["always", "on-failure", "never"]),
    replace=st.sampled_from(["start-first", "stop-first", "defer", "forbid"]),
    stop=st.sampled_from(["async", "sync"]),
    protect=st.sampled_from([False, False, True]),
    onRemoval=st.sampled_from(["stop", "leave"]),
    manage=st.sampled_from(["full", "full", "full", "observe"]),
    ignore=st.lists(st.sampled_from(IGNORABLE), max_size=2, unique=True),
)
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "replicas": st.integers(1, 2),
    "policy": POLICIES,
    "suspend": st.sampled_from([False, False, False, True]),
    "schedule": st.sampled_from([OPEN, OPEN, OPEN, CLOSED]),
    "prefix": st.sampled_from([["one"], ["one", "two"]]),
    "resourceExpiry": st.sampled_from(["24h", "72h"]),
}
CHANNEL = COMMON | {
    "token": st.just("generate"),
    "channelProfile": st.sampled_from(["communication", "live"]),
    "videoStream": st.sampled_from(["high", "low"]),
    "maxIdle": st.sampled_from(["5m", "10m"]),
    "subscriptions": st.fixed_dictionaries({"audio": SELECTIONS, "video": SELECTIONS}),
}
PAGES = st.builds(
    lambda more: {"url": "https://example.com/page", "maxDuration": "24h"} | more,
    optional(
        width=st.sampled_from([640, 1280]),
        paused=st.booleans(),
        rtmp=st.sampled_from([{"env": "RTMP"}, {"env": "OTHER_RTMP"}]),
        readyTimeout=st.sampled_from(["0s", "20s"]),
    ),
)
MP4 = st.sampled_from([["hls"], ["hls", "mp4"]])
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "mix": CHANNEL | {"audioProfile": st.integers(0, 2), "layout": LAYOUTS, "files": MP4},
    "individual": CHANNEL | {"streamMode": st.sampled_from(["default", "standard"])},
    "web": COMMON | {"web": PAGES, "files": MP4},
}
"""The fields of each mode; every one may be missing."""

IN_PLACE = ("layout", "subscriptions", "web")
"""Fields that change while a session runs, at least in part."""

FATES = ("edited", "edited", "edited", "edited", "same", "another", "gone")


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Return the spec of one Recording."""
    mode = draw(st.sampled_from(sorted(FIELDS)))
    return {"mode": mode, **draw(optional(**FIELDS[mode]))}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return a few Recordings, some of which may record the same channel."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, unique=True))
    return {name: {"channel": draw(channel_of(name)), **draw(specs())} for name in names}


def channel_of(name: str) -> st.SearchStrategy[str]:
    """Return a channel of a Recording's own, or the one that some share."""
    return st.sampled_from([name, name, SHARED])


@st.composite
def edits(draw: st.DrawFn, world: World) -> World:
    """Return the world after someone edited it: each Recording as it was, other, or gone."""
    after: dict[str, Spec] = {}
    for name in NAMES:
        fate = draw(st.sampled_from(FATES if name in world else ("another", "gone")))
        if fate == "another":
            after[name] = {"channel": draw(channel_of(name)), **draw(specs())}
        elif fate != "gone":
            after[name] = {
                **world[name],
                **(draw(changes(world[name])) if fate == "edited" else {}),
            }
    return after or world


@st.composite
def changes(draw: st.DrawFn, spec: Spec) -> Spec:
    """Return other values for a field or two."""
    fields = FIELDS[spec["mode"]]
    often = [key for key in IN_PLACE if key in fields] * 5
    keys = draw(st.lists(st.sampled_from([*often, *sorted(fields)]), min_size=1, max_size=2))
    return {key: draw(fields[key]) for key in keys}


class WorldStage(Stage):
    """A stage on which a whole world is wanted at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.environ["OTHER_RTMP"] = "rtmp://push.example.com/live/stream-key-7732"

    def want_all(self, world: World, files: Mapping[str, str] | None = None) -> None:
        """Let these be all the Recordings; `files` says in which file each stands."""
        for left in self.specs.glob("recordings*.yaml"):
            left.unlink()
        manifests: dict[str, list[str]] = {}
        for name, spec in world.items():
            file = (files or {}).get(name, "")
            manifests.setdefault(f"recordings{file}.yaml", []).append(recording(name, **spec))
        for file, texts in manifests.items():
            self.write(file, *texts)

    async def destroy(self) -> list[Result]:
        """Stop all that the scope records, as `reconciler destroy` does."""
        async with self.shop(acts=True) as (shop, _):
            names = {session.recording for session in shop.site.records.all_sessions()}
            plan = plan_stops(shop.site, sorted(names), refuses_observed=False)
            work = Quell(shop.site, plan, self.heard, Limits())
            await work.run()
            return work.results


async def start_foreign(stage: Stage, channel: str, uid: str) -> str:
    """Start a session as somebody else would; return its `sid`."""
    storage = {"vendor": 1, "region": 0, "bucket": "b", "accessKey": "a", "secretKey": "s"}
    body = {"cname": channel, "uid": uid, "clientRequest": {}}
    request = {"recordingConfig": {"channelType": 1}, "storageConfig": storage}
    transport = InProcess(stage.application)
    base = f"http://127.0.0.1/v1/apps/{APP_ID}/cloud_recording"
    auth = ("simulator", "simulator")
    async with httpx.AsyncClient(transport=transport, base_url=base, auth=auth) as client:
        acquired = (await client.post("/acquire", json=body)).json()["resourceId"]
        start = f"/resourceid/{acquired}/mode/mix/start"
        answer = await client.post(start, json={**body, "clientRequest": request})
    sid: str = answer.json()["sid"]
    return sid


def new_stage(folder: Path, number: int) -> WorldStage:
    """Return a stage in a folder of its own."""
    place = folder / f"stage-{number}"
    place.mkdir()
    return WorldStage(place)
