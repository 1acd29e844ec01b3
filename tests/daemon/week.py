"""Days in the life of a daemon: people change specs, the service fails, processes die.

One seeded Random decides what happens when. Whatever may keep a Recording from recording is excused
for as long as design/reconcile.md lets it take; all other seconds that were wanted are to be there.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

from reconciler.engine.demands import Resume, Stop, Suspend, request_of
from reconciler.simulator.channels import User
from reconciler.simulator.media import refresh_channel
from reconciler.simulator.outbox import Chaos
from reconciler.simulator.session import Phase, Session
from tests.daemon.cast import NORTH, SOUTH, LongStage, Role, Times, app, manifest, renamed
from tests.daemon.support import Run
from tests.daemon.truth import Excuses, Truth
from tests.laws.engine_worlds import start_foreign

MINUTE_S = 60.0
START_S = 12.0
"""From when a Recording is to record until it does: 2 s there, its slots, and its answers."""

GRACE_S = 90.0
RECOVERY_S = 340.0
"""After a time of trouble: the longest back-off with its jitter, and a start."""


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
        self.roles: dict[str, Role] = {}
        self.gone: dict[str, Role] = {}
        self.count: Counter[str] = Counter()
        self.keys: list[tuple[float, str]] = []
        self._later: list[tuple[float, Callable[[], Awaitable[None]]]] = []
        self._numbers = 0
        resync_s = self.run.settings.resync_s
        self.unseen_s = 5 * 1.1 * 1.1 * resync_s + GRACE_S + START_S
        """How long an end may go unnoticed that nobody tells of."""

    @property
    def now_s(self) -> float:
        return self.stage.wall.true_s()

    # The cast

    def enter(self, *roles: Role) -> None:
        """Let these Recordings be wanted."""
        for role in roles:
            self.roles[role.name] = role
            role.ask(self.now_s, role.times)
            self._expect(role, "wanted")
            self._write(role)

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
        sid = await start_foreign(self.stage, "lobby", "77")
        self.truth.foreign.add(sid)
        self.truth.look()
        self.run.begin()

    def _write(self, role: Role) -> None:
        self.stage.write(f"{role.name}.yaml", role.text())
        self.run.change()

    def _expect(self, role: Role, why: str) -> None:
        """Excuse the starts of its windows: a start takes its time."""
        begun = [role.asked[-1].since_s]
        times = role.asked[-1].times
        if times is not None and times.schedule:
            opens = times.opens(self.now_s, self.now_s + 40 * 86_400)
            begun += [from_s for from_s, _ in opens]
        for from_s in begun:
            self.excuses.say(role.name, from_s, from_s + START_S, why)

    # Time

    async def live(self, until_s: float, gap_s: tuple[float, float]) -> None:
        """Let time pass, with something that happens every so often."""
        while self.now_s < until_s:
            await self.wait(min(self.rng.uniform(*gap_s), until_s - self.now_s))
            act = self.rng.choice(self._acts())
            self.count[act.__name__] += 1
            await act()
            self.truth.look()

    async def wait(self, seconds: float) -> None:
        """Let time pass, and look every minute; do what was put off until then."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self._later.sort(key=lambda each: each[0])
            due_s = self._later[0][0] if self._later else until_s
            next_s = max(min(self.now_s + MINUTE_S, until_s, due_s), self.now_s)
            await asyncio.sleep(next_s - self.now_s)
            while self._later and self._later[0][0] <= self.now_s:
                await self._later.pop(0)[1]()
            self.look()

    def look(self) -> None:
        """Check what is true at every moment."""
        assert not self.run.work.done() or self.run.store.dead, "the daemon ended"
        self.truth.look()
        self._check_keys()

    def _after(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        self._later.append((self.now_s + seconds, act))

    def _check_keys(self) -> None:
        """Check that nobody writes with keys that were replaced longer ago than is allowed."""
        for session in self.stage.alive():
            role = self.roles.get(session.identity.cname)
            refresh_s = {"filed": 300.0, "asked": 2700.0}.get(role.spec["storage"] if role else "")
            if refresh_s is None or role is None:
                continue
            oldest_s = self.now_s - refresh_s - 60.0
            if not self.excuses.is_free(role.name, oldest_s) or not self.excuses.is_free(
                role.name, self.now_s
            ):
                continue
            used = str(session.config["storageConfig"]["accessKey"])  # type: ignore[index,call-overload]
            left = [until_s for until_s, key in self._validity() if key == used]
            assert max(left) >= oldest_s, f"{role.name} has keys of long ago"

    def _validity(self) -> list[tuple[float, str]]:
        ends = [since_s for since_s, _ in self.keys[1:]] + [float("inf")]
        return [(end_s, key) for end_s, (_, key) in zip(ends, self.keys, strict=True)]

    # What people do

    def turn_keys(self) -> None:
        """Give out other credentials for the storage."""
        key = f"key-{len(self.keys)}"
        self.keys.append((self.now_s, key))
        keys = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": f"secret-of-{key}"}
        (self.folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
