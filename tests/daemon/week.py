"""Days in the life of a daemon: people change specs, the service fails, processes die.

One seeded Random decides what happens when. Whatever may keep a Recording from recording is excused
for as long as design/reconcile.md lets it take; all other seconds that were wanted are to be there.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from reconciler.engine.renewal import FRESH_S
from reconciler.plan.spans import both
from reconciler.simulator import tree
from reconciler.simulator.notices import Event
from reconciler.simulator.session import Session
from tests.daemon.cast import NORTH, SOUTH, LongStage, Role, app, manifest
from tests.daemon.support import Run
from tests.daemon.truth import Excuses, Truth

Act: TypeAlias = Callable[["Week"], Awaitable[None]]
"""Something that people do, or that happens to them."""

MINUTE_S = 60.0
START_S = 20.0
"""From when a Recording is to record until it does: 2 s there, slots, answers, one of them lost."""

GRACE_S = 90.0
REFRESH_S = {"filed": 300.0, "asked": 2700.0}
RECOVERY_S = 360.0 + GRACE_S + START_S
"""After a time of trouble: the longest back-off with its jitter, a doubt, and a start."""

CALM_S = 700.0
"""So long after a failure what fails is a first failure again."""


class Week:
    """One daemon, its service, and who works with them."""

    def __init__(self, folder: Path, stage: LongStage, rng: Random, **settings: Any) -> None:
        self.folder = folder
        self.stage = stage
        self.rng = rng
        self.run = Run(stage, **settings)
        self.run.wire.latency_s = 0.3
        self.run.wire.rng = Random(rng.random())
        self.truth = Truth(self.run)
        self.excuses = Excuses()
        self.doubts = Excuses()
        self.roles: dict[str, Role] = {}
        self.past: list[Role] = []
        self.calm_s = 0.0
        self.count: Counter[str] = Counter()
        self.keys: list[tuple[float, str]] = []
        self._numbers = count()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self.progress = 1.0
        """The share of the reports that arrive which every session sends each minute."""

        self.rooms_max = 3
        self.taken_s = self.run.settings.tick_s + 5.0
        """How long a request may wait until it is taken and carried out."""

        resync_s = self.run.settings.resync_s
        self.unseen_s = 5 * 1.1 * 1.1 * resync_s + GRACE_S + START_S
        """How long an end may go unnoticed that nobody tells of, until another session records."""

    @property
    def now_s(self) -> float:
        return self.stage.wall.true_s()

    # The cast

    def enter(self, *roles: Role) -> None:
        """Let these Recordings be wanted."""
        for role in roles:
            self.roles[role.name] = role
            role.ask(self.now_s, role.times)
            self.expect(role, "wanted")
            self.write(role)

    def set_up(self) -> None:
        """Write the Apps and the storages."""
        self.stage.environ["NOTICES"] = self.stage.settings.notify_secret
        self.stage.allow_exec = True
        south = app("south", SOUTH, requestsPerSecond=5)
        self.stage.write("app.yaml", app("north", NORTH), south)
        self.run.wire.left.rates |= {NORTH: 10, SOUTH: 5}
        self.turn_keys()
        bucket = {"vendor": "aws", "region": "us-east-1", "bucket": "recordings"}
        keys = {"accessKey": {"env": "ACCESS_KEY"}, "secretKey": {"env": "SECRET_KEY"}}
        self.stage.write(
            "storage.yaml",
            manifest("Storage", "archive", {**bucket, **keys}),
            manifest(
                "Storage",
                "filed",
                {**bucket, "credentials": {"file": "../keys.json"}, "refresh": "5m"},
            ),
            manifest(
                "Storage",
                "asked",
                {**bucket, "credentials": {"exec": ["cat", "../keys.json"]}, "refresh": "45m"},
            ),
        )

    async def begin(self) -> None:
        """Begin, beside somebody else's session."""
        await self._start_foreign()
        self.run.begin()
        self.truth.look()

    async def _start_foreign(self) -> None:
        """Let others record under the same App ID, with a state of their own."""
        folder = self.folder / "others"
        folder.mkdir()
        others = LongStage(folder, self.stage.settings)
        others.scope, others.wall.begins_s = "others", self.stage.wall.begins_s
        others.application = self.stage.application
        page = {"url": "https://example.com/others", "maxDuration": "720h"}
        others.want("lobby", "web", web=page, resourceExpiry="720h")
        await others.apply()
        self.truth.foreign |= {each.sid for each in self.stage.alive()}

    def write(self, role: Role) -> None:
        self.stage.write(f"{role.name}.yaml", role.text())
        self.commit()

    def commit(self) -> None:
        """Let the daemon see that the specs changed."""
        self.run.source.commit = f"{next(self._numbers):040x}"
        self.run.change()

    async def hear(self, url: str, headers: Mapping[str, str], body: bytes) -> int | None:
        """Bring a notification to the address of its App."""
        del url
        told = json.loads(body)
        if told["eventType"] == Event.PROGRESS and self.rng.random() > self.progress:
            return 200
        session = self.stage.simulator.world.sessions.get(told["payload"]["sid"])
        is_south = session is not None and session.identity.app_id == SOUTH
        return await self.run.hear("south" if is_south else "north", headers, body)

    def expect(self, role: Role, why: str) -> None:
        """Excuse the starts of its windows: a start takes its time."""
        begun = [role.asked[-1].since_s]
        times = role.asked[-1].times
        if times is not None and times.schedule:
            opens = times.opens(self.now_s, self.now_s + 40 * 86_400)
            begun += [from_s for from_s, _ in opens]
        for from_s in begun:
            self.excuses.say(role.name, from_s, from_s + START_S, why)

    # Time

    async def live(self, until_s: float, gap_s: tuple[float, float], acts: Sequence[Act]) -> None:
        """Let time pass, with something that happens every so often."""
        while self.now_s < until_s:
            await self.wait(min(self.rng.uniform(*gap_s), until_s - self.now_s))
            act = self.rng.choice(acts)
            self.count[act.__name__] += 1
            await act(self)
            self.look()

    async def wait(self, seconds: float) -> None:
        """Let time pass, and look every minute; do what was put off until then."""
        until_s = self.now_s + seconds
        while (left_s := until_s - self.now_s) > 0:
            due_s = self._later[0][0] - self.now_s if self._later else left_s
            await asyncio.sleep(max(min(MINUTE_S, left_s, due_s), 0.0))
            while self._later and self._later[0][0] <= self.now_s:
                heappop(self._later)[2]()
            self.look()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later."""
        heappush(self._later, (self.now_s + seconds, next(self._numbers), act))

    def look(self) -> None:
        """Check what is true at every moment."""
        assert not (self.run.alive and self.run.work.done()), "the daemon ended"
        self.truth.look()
        self._check_keys()

    # Who is there

    def sessions(self) -> list[tuple[Role, Session]]:
        """Return what lives, with whose it is."""
        roles = {role.channel: role for role in self.roles.values()}
        alive = (each for each in self.stage.alive() if each.sid not in self.truth.foreign)
        found = ((roles.get(each.identity.cname), each) for each in alive)
        return [(role, each) for role, each in found if role is not None]

    def is_well(self, role: Role) -> bool:
        """Tell whether nothing is wrong with a Recording now, by the order of anybody."""
        is_calm = self.now_s >= max(role.calm_s, self.calm_s)
        return is_calm and not role.busy and self.excuses.is_free(role.name, self.now_s)

    def some(self, fits: Callable[[Role], bool]) -> Role | None:
        """Return one of the Recordings with which nothing is wrong now."""
        found = [role for role in self.roles.values() if self.is_well(role) and fits(role)]
        return self.rng.choice(found) if found else None

    def some_session(self) -> tuple[Role, Session] | None:
        """Return a session of such a Recording."""
        found = [pair for pair in self.sessions() if self.is_well(pair[0])]
        return self.rng.choice(found) if found else None

    # Credentials

    def turn_keys(self) -> None:
        """Give out other credentials for the storage."""
        key = f"key-{len(self.keys)}"
        self.keys.append((self.now_s, key))
        keys = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": f"secret-of-{key}"}
        (self.folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")

    def _check_keys(self) -> None:
        """Check that nobody writes with keys that were replaced longer ago than is allowed."""
        ends_s = [since_s for since_s, _ in self.keys[1:]] + [inf]
        left_s = {key: end_s for (_, key), end_s in zip(self.keys, ends_s, strict=True)}
        for role, session in self.sessions():
            refresh_s = REFRESH_S.get(role.spec["storage"])
            if refresh_s is None:
                continue
            oldest_s = self.now_s - refresh_s - FRESH_S - MINUTE_S
            storage = tree.child(session.config, "storageConfig")
            if left_s[tree.text(storage, "accessKey")] < oldest_s:
                lately = ((int(oldest_s), int(self.now_s) + 1),)
                is_excused = both(self.excuses.of(role.name), lately)
                assert is_excused, f"`{role.name}` has keys of long ago"
