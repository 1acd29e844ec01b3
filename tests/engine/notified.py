"""A Stage that is told what happens: the service's own notifications, signed, in this process.

`Daemon` is as much of one as it takes: it hears, and makes the passes of the Recordings that are
due or were woken.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.agora.notifications import Notification, is_genuine, read_notification
from reconciler.engine.assess import assess
from reconciler.engine.notices import Notices
from reconciler.engine.outcome import RequeueAfter
from reconciler.engine.reconcile import reconcile
from reconciler.engine.record import record
from reconciler.engine.shop import Shop
from reconciler.errors import StateError
from reconciler.plan.looks import next_look_s
from reconciler.plan.session import Session
from reconciler.simulator.session import Session as Simulated
from reconciler.simulator.settings import Settings, Tuning
from reconciler.spec.secrets import SecretValue
from reconciler.state.store import Event, Gap, Notice
from tests.engine.support import Stage

SECRET = "secret-of-notifications-7731"
RESYNC_S = 120.0


def told_stage(folder: Path, certificate: str | None = None, **tuning: Any) -> Stage:
    """Return a Stage whose service notifies."""
    url = "http://127.0.0.1:8710/notifications/default"
    settings = Settings(
        certificate=certificate,
        notify_url=url,
        notify_secret=SECRET,
        tuning=Tuning(**tuning),
    )
    return Stage(folder, settings)


async def recording(folder: Path, mode: str = "mix", **spec: Any) -> tuple[Stage, Simulated]:
    """Return a Stage with one session that records, which the service has not told of yet."""
    stage = told_stage(folder)
    stage.want("lobby", mode, **spec)
    await stage.apply()
    (alive,) = stage.alive("lobby")
    return stage, alive


def happens(stage: Stage, alive: Simulated, order: str, **body: Any) -> None:
    """Let something happen to a session of the service, and be told."""
    stage.order(alive, order, **body)
    stage.simulator.clock.nudge()


def queries(stage: Stage, alive: Simulated) -> list[float]:
    """Return when a session was queried."""
    return [call["at"] for call in stage.log("query") if call["sid"] == alive.sid]


def some(stage: Stage, **changed: Any) -> Notification:
    """Return a notification that the service has sent, or one like it."""
    world = stage.simulator.lived()
    found = read_notification(world.outbox.letters[-1].notice.body(world.now_s))
    assert found is not None
    return replace(found, **changed)


@dataclass
class Daemon:
    """What hears and acts for a while. `loses` says which notifications do not arrive."""

    stage: Stage
    shop: Shop
    notices: Notices
    app: str = "default"
    loses: Callable[[Notification], bool] = lambda _: False
    heard: list[Notification] = field(default_factory=list)
    missed: list[Notification] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    passes: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int | None:
        """Answer as the receiver does: 200 once it is stored."""
        assert url == self.stage.settings.notify_url
        signature = headers["Agora-Signature-V2"]
        assert is_genuine(body, SecretValue(SECRET), signature_v2=signature)
        notification = read_notification(body)
        assert notification is not None
        if self.loses(notification):
            self.missed.append(notification)
            return None
        self.heard.append(notification)
        try:
            await self.hear(notification)
        except StateError:
            return 500
        return 200

    async def hear(self, notification: Notification) -> None:
        """Take one notification in, however it came."""
        names = await self.notices.take(self.shop.site, self.app, notification)
        self.woken += sorted(names)
        if names:
            self._wake.set()

    async def work(self, name: str, seconds: float) -> None:
        """Make the passes of a Recording for so long."""
        until_s = self.stage.clock.now_s() + seconds
        while (now_s := self.stage.clock.now_s()) < until_s:
            self._wake.clear()
            outcome = (await reconcile(self.shop.site, self.shop.differ, name)).outcome
            self.passes += 1
            at_s = outcome.at_s if isinstance(outcome, RequeueAfter) else until_s
            looks = (next_look_s(each, RESYNC_S) for each in self.sessions(name))
            due_s = min([at_s, until_s, *(look for look in looks if look is not None)])
            wait_s = max(due_s - self.stage.clock.now_s(), 0.05)
            try:
                await asyncio.wait_for(self._wake.wait(), min(wait_s, max(until_s - now_s, 0.01)))
            except TimeoutError:
                continue

    def sessions(self, name: str) -> tuple[Session, ...]:
        """Return a Recording's sessions that matter still, as memory has them."""
        return self.shop.site.records.sessions_of(name)

    def gaps(self) -> list[Gap]:
        """Return the gaps that state has."""
        return self.shop.site.records.store.gaps(self.stage.scope)

    def events(self, reason: str) -> list[Event]:
        """Return the events for one reason."""
        found = self.shop.site.records.store.events(self.stage.scope)
        return [event for _, event in found if event.reason == reason]

    def stored(self) -> list[Notice]:
        """Return the notifications that state has."""
        return self.shop.site.records.store.notices(self.stage.scope, 0.0)

    def kinds(self) -> list[int]:
        """Return the types of what was heard, in order."""
        return [notification.kind for notification in self.heard]


@asynccontextmanager
async def daemon(stage: Stage, *, delivers: bool = True, **options: Any) -> AsyncIterator[Daemon]:
    """Hear and act in the block."""
    async with AsyncExitStack() as stack:
        shop, _ = await stack.enter_async_context(stage.shop(acts=True))
        notices = Notices(shop.site.records, stage.clock)
        one = Daemon(stage, shop, notices, **options)
        if delivers:
            await stack.enter_async_context(stage.application.delivering(one.post))
        yield one


async def record_only(stage: Stage, one: Daemon) -> None:
    """Write what is wanted to state, as the daemon does before its first pass."""
    async with stage.shop(acts=False) as (shop, catalog):
        plan = assess(shop.site, shop.differ, catalog, [], held=False)
    await record(one.shop.site, plan)
