"""What a `run` shows over HTTP: the documents of `status`, `plan` and `events`, the plain page.

Made of state as it is when somebody asks, so that a standby shows what the holder of the lock does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.cli.plan import document_of
from reconciler.clock import Clock
from reconciler.daemon.daemon import UNAVAILABLE, Daemon
from reconciler.daemon.http import EVENTS_MAX
from reconciler.daemon.metrics import Facts, Metrics
from reconciler.engine.assess import assess
from reconciler.engine.history import seconds_covered
from reconciler.engine.records import Records
from reconciler.errors import StateError
from reconciler.plan.session import Phase
from reconciler.state.store import Store
from reconciler.web.events import event_document
from reconciler.web.page import page
from reconciler.web.status import status_document
from reconciler.web.view import View, view_of

STANDBY = "another `run` holds the scope; this one stands by"
COVERAGE_S = 60.0
"""How old the figures of coverage in the metrics may be."""

DAY_S = 86_400.0


@dataclass(slots=True)
class Inside:
    """What the process has in hand now; None: it has none, or not yet.

    `problem` is a sentence about why it has no state; empty where nothing is wrong with that.
    """

    store: Store | None = None
    daemon: Daemon | None = None
    problem: str = ""


class Desk:
    """Answers for one process, whether it holds the scope or waits for it."""

    def __init__(self, scope: str, clock: Clock) -> None:
        self.inside = Inside()
        self.metrics_told = Metrics(self._facts)
        self._scope = scope
        self._clock = clock
        self._coverage: tuple[float, Mapping[str, float], Mapping[str, float]] | None = None

    def health(self) -> str:
        """Return what is wrong with the process; empty when it is well."""
        return self.inside.daemon.health() if self.inside.daemon else ""

    def readiness(self) -> str:
        """Return why it does not do its work yet; empty when it does."""
        daemon = self.inside.daemon
        return daemon.readiness() if daemon else self.inside.problem or STANDBY

    def sentence(self) -> str:
        """Return how it is, in one line."""
        if problem := self.health() or self.readiness():
            return problem
        try:
            rows = self._own(self._daemon()).rows
        except StateError as failure:
            return str(failure)
        recording = sum(row.phase is Phase.RUNNING for row in rows)
        desired = sum(row.desired == "recording" for row in rows)
        return f"{recording} recording, {desired} desired"

    def metrics(self) -> bytes:
        """Return what Prometheus reads."""
        return self.metrics_told.text()

    def page(self) -> str:
        """Return the page that lists what `status` lists. Raises StateError."""
        return page(self._view())

    def status(self) -> dict[str, Any]:
        """Return the document of `status`. Raises StateError."""
        return status_document(self._view())

    def plan(self) -> dict[str, Any]:
        """Return the document of `plan`, as of now. Raises StateError."""
        daemon = self._daemon()
        if daemon.post.catalog is None:
            raise StateError("the specs have not been read yet")
        shop = daemon.post.shop
        return document_of(assess(shop.site, shop.differ, daemon.post.catalog, held=False), shop)

    def events(self, name: str | None) -> list[dict[str, Any]]:
        """Return what happened, newest last. Raises StateError."""
        found = self._store().events(self._scope, name, newest=EVENTS_MAX)
        return [event_document(each) for _, each in found]

    async def notify(self, app: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take in a notification; return the HTTP status to answer."""
        daemon = self.inside.daemon
        return await daemon.notify(app, headers, body) if daemon else UNAVAILABLE

    def sync(self) -> None:
        """Reconcile everything now. Raises StateError."""
        self._daemon().sync()

    def app_named(self, app_key: str) -> str:
        """Return the name of the App with this key; empty where none is known."""
        daemon = self.inside.daemon
        facts = daemon.site.apps.facts().values() if daemon else ()
        return next((each.name for each in facts if each.app_key == app_key), "")

    def _store(self) -> Store:
        if self.inside.store is None:
            raise StateError(self.inside.problem or "state is not open yet")
        return self.inside.store

    def _daemon(self) -> Daemon:
        if self.inside.daemon is None:
            raise StateError(self.inside.problem or STANDBY)
        return self.inside.daemon

    def _view(self) -> View:
        store, fetched = self._store(), self.inside.daemon and self.inside.daemon.fetched
        records = Records(store, self._scope, store.snapshot(self._scope))
        return view_of(records, self._clock.now_s(), commit=fetched.commit if fetched else "")

    def _own(self, daemon: Daemon) -> View:
        """Read how those Recordings are that this process works on."""
        site, names = daemon.site, daemon.post.names()
        own = set(filter(daemon.claims.owns, names))
        return view_of(site.records, site.now_s(), own, listed=False)

    def _facts(self) -> Facts | None:
        if self.inside.daemon is None and not self.inside.problem:
            return None
        daemon, now_s = self._daemon(), self._clock.monotonic_s()
        view, guard, passed_s = self._own(daemon), daemon.post.guard, daemon.crew.passed_s
        sessions = daemon.site.records.all_sessions()
        wanted_s, covered_s = self._covered(daemon)
        return Facts(
            rows=view.rows,
            sessions=sum(each.may_live and daemon.claims.owns(each.recording) for each in sessions),
            orphans=len(view.orphans),
            queued=daemon.crew.depth,
            pass_age_s=None if passed_s is None else now_s - passed_s,
            commit=daemon.fetched.commit if daemon.fetched else "",
            spec_errors=daemon.post.catalog.errors if daemon.post.catalog else 0,
            guarded=len(guard.held.actions) if guard.held else 0,
            wanted_s=wanted_s,
            covered_s=covered_s,
            loop_lag_s=daemon.lag_s,
            apps_owned=len(daemon.claims),
        )

    def _covered(self, daemon: Daemon) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Return the seconds wanted and covered in the last 24 h, by Recording."""
        records, now_s = daemon.site.records, self._clock.monotonic_s()
        if self._coverage is None or now_s - self._coverage[0] > COVERAGE_S:
            until_s = self._clock.now_s()
            since_s = until_s - DAY_S
            known = seconds_covered(records.store, records.scope, since_s, until_s)
            own = {name: each for name, each in known.items() if daemon.claims.owns(name)}
            wanted_s = {name: float(wanted) for name, (wanted, _) in own.items()}
            covered_s = {name: float(covered) for name, (_, covered) in own.items()}
            self._coverage = (now_s, wanted_s, covered_s)
        return self._coverage[1:]
