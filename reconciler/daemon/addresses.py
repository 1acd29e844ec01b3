"""Where notifications come from; whoever keeps a firewall wants to know when that changes."""

from contextlib import suppress

from reconciler.agora.answers import NotificationIps
from reconciler.engine.site import Site
from reconciler.engine.tell import NORMAL, event
from reconciler.errors import StateError
from reconciler.plan.result import Problem


class Addresses:
    """The addresses of each App, as last read."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}

    async def read(self, site: Site) -> None:
        """Ask for every App with notifications (agora-api.md 4.5, 7.6), and tell of changes."""
        for name, app in site.apps.definitions.items():
            if app.notification_secret is None:
                continue
            client = site.apps.client(name)
            answer = None if isinstance(client, Problem) else await client.notification_ips()
            if isinstance(answer, NotificationIps):
                await self._compare(site, name, tuple(sorted(answer.addresses)))

    async def _compare(self, site: Site, name: str, now: tuple[str, ...]) -> None:
        before = self._known.get(name)
        self._known[name] = now
        if before in {None, now}:
            return
        text = (
            f"notifications of the App `{name}` come from other addresses now; "
            "`reconciler notification-ips` lists them"
        )
        with suppress(StateError):
            await site.records.commit(event("", NORMAL, "addresses-changed", text, site.now_s()))
