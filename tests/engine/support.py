"""The real engine, client and SQLite state against a simulator in this process, on virtual time.

A `Stage` is one folder of specs, one state and one service. Each `plan` and `apply` is a run of its
own, as a new process would be: state is opened anew, nothing is remembered but what is in it.
"""

import argparse
import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import httpx

from reconciler.agora.http import Http
from reconciler.agora.messages import Reply, Request, Unanswered, Wire
from reconciler.cli.console import Console
from reconciler.cli.scope import Errand, options_of, shop_of
from reconciler.engine.apply import Apply, Limits
from reconciler.engine.assess import assess
from reconciler.engine.observe import refresh
from reconciler.engine.record import record
from reconciler.engine.refuse import refuse_unresolved
from reconciler.engine.shop import Shop
from reconciler.plan.action import Action, Plan
from reconciler.plan.result import Problem, Result
from reconciler.plan.session import Session
from reconciler.simulator.app import Application
from reconciler.simulator.calls import CALLS_MAX
from reconciler.simulator.client import InProcess
from reconciler.simulator.orders import carry_out
from reconciler.simulator.session import Phase as SimulatedPhase
from reconciler.simulator.session import Session as Simulated
from reconciler.simulator.settings import Settings, Tuning
from reconciler.simulator.simulator import Simulator
from reconciler.spec.catalog import Catalog, read_catalog
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting
from reconciler.state.open import open_state
from reconciler.state.store import Past, Store
from tests.agora.support import LoopClock, virtual_time

CERTIFICATE = "0123456789abcdef0123456789abcdef"
APP = """\
apiVersion: reconciler/v1
kind: App
metadata: {name: default}
spec:
  appId: 0123456789abcdef0123456789abcdef
  credentials: {customerId: {env: CUSTOMER_ID}, customerSecret: {env: CUSTOMER_SECRET}}
  certificate: {env: CERTIFICATE}
  endpoints: [http://127.0.0.1:8787]
"""
STORAGE = """\
apiVersion: reconciler/v1
kind: Storage
metadata: {name: archive}
spec:
  vendor: aws
  region: us-east-1
  bucket: recordings
  accessKey: {env: ACCESS_KEY}
  secretKey: {env: SECRET_KEY}
"""
ENVIRON = {
    "CUSTOMER_ID": "simulator",
    "CUSTOMER_SECRET": "simulator",
    "CERTIFICATE": CERTIFICATE,
    "ACCESS_KEY": "access-key-7731",
    "SECRET_KEY": "secret-key-7731",
    "RTMP": "rtmp://push.example.com/live/stream-key-7731",
}


def recording(name: str, mode: str = "mix", **spec: Any) -> str:
    """Return a Recording's manifest as JSON, which is YAML."""
    body: dict[str, Any] = {"mode": mode, "channel": name, "storage": "archive", **spec}
    if mode == "web" and "web" not in spec:
        body["web"] = {"url": "https://example.com/page", "maxDuration": "24h"}
    if mode != "web" and "channelProfile" not in spec:
        body["channelProfile"] = "live"
    manifest = {
        "apiVersion": "reconciler/v1",
        "kind": "Recording",
        "metadata": {"name": name},
        "spec": {key: value for key, value in body.items() if value is not None},
    }
    return json.dumps(manifest)


class Heard:
    """A Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, total: int, pairs: int, rate: float) -> None:
        self.told.append(f"begin {total} {pairs} {rate:g}")

    def doing(self, key: object, what: str) -> None:
        self.told.append(f"{key}: {what}")

    def done(self, result: Result) -> None:
        self.told.append(f"{result.key}: {result.outcome}")

    def calls(self, made: int) -> None:
        del made

    def say(self, text: str) -> None:
        self.told.append(text)

    def end(self) -> None:
        self.told.append("end")


@dataclass
class Tap:
    """The way to the service, where a test can stand: `before` and `after` see every request."""

    inner: Wire
    before: Callable[[Request], None] = lambda _: None
    after: Callable[[Request, Reply | Unanswered], Reply | Unanswered] = lambda _, answer: answer

    async def send(self, request: Request) -> Reply | Unanswered:
        self.before(request)
        return self.after(request, await self.inner.send(request))


@dataclass
class Stage:
    """One folder of specs, one state, one service."""

    folder: Path
    settings: Settings = field(default_factory=Settings)
    environ: dict[str, str] = field(default_factory=lambda: dict(ENVIRON))
    faults: list[Any] = field(default_factory=list)
    scope: str = "default"
    allow_exec: bool = False
    tap: Callable[[Wire], Wire] = lambda wire: wire
    opened: Callable[[Store], Store] = lambda store: store
    runs: int = 0
    state_url: str = ""

    def __post_init__(self) -> None:
        self.clock = LoopClock()
        self.state_url = self.state_url or f"sqlite:///{self.folder}/state/state.db"
        self.specs = self.folder / "specs"
        self.specs.mkdir(exist_ok=True)
        self.write("app.yaml", APP)
        self.write("storage.yaml", STORAGE)
        self.simulator = Simulator(self.settings, self.clock.now_s, faults=self.faults)
        self.application = Application(self.simulator)
        self.heard = Heard()

    # The specs

    def write(self, file: str, *manifests: str) -> None:
        """Write a file of manifests."""
        (self.specs / file).write_text("\n---\n".join(manifests), encoding="utf-8")

    def want(self, name: str, mode: str = "mix", **spec: Any) -> None:
        """Write a Recording into a file of its own."""
        self.write(f"{name}.yaml", recording(name, mode, **spec))

    def drop(self, name: str) -> None:
        """Take a Recording's file away."""
        (self.specs / f"{name}.yaml").unlink()

    # Runs

    async def plan(self, **options: Any) -> Plan:
        """Make a plan as `reconciler plan` does."""
        async with self.shop(acts=False, **options) as (shop, catalog):
            asks = options.get("refresh", True)
            problems = await refresh(shop.site, write=False) if asks else []
            held = options.get("held", False)
            return assess(shop.site, shop.differ, catalog, problems, held=held)

    async def apply(
        self,
        *,
        limits: Limits | None = None,
        interrupt: asyncio.Event | None = None,
        **options: Any,
    ) -> list[Result]:
        """Plan and act as `reconciler apply --yes` does; a refused plan raises AssertionError."""
        async with self.shop(acts=True, **options) as (shop, catalog):
            problems = await refresh(shop.site, write=True)
            plan = assess(shop.site, shop.differ, catalog, problems, held=False)
            assert not plan.refused, plan.refused
            plan = refuse_unresolved(shop.differ, plan)
            await record(shop.site, plan)
            site = replace(
                shop.site,
                doing=lambda name, replica, what: self.heard.doing(f"{name}[{replica}]", what),
                alarm=self.heard.told.append,
            )
            work = Apply(site, shop.differ, plan, self.heard, limits or Limits())
            watcher = asyncio.ensure_future(_watch(shop, interrupt)) if interrupt else None
            try:
                await work.run()
            finally:
                if watcher:
                    watcher.cancel()
            return work.results

    @asynccontextmanager
    async def shop(self, *, acts: bool, **options: Any) -> AsyncIterator[tuple[Shop, Catalog]]:
        """Open state and make the engine's parts as a command does."""
        self.runs += 1
        setting = Setting({}, frozenset(), self.environ, self.clock.now_s())
        catalog = read_catalog(Files(options.get("paths", [str(self.specs)])), setting)
        http = Http(transport=InProcess(self.application))
        args = self._args(**options)
        console = Console(
            out=io.StringIO(),
            err=io.StringIO(),
            environ=self.environ,
            clock=self.clock,
            rng=Random(self.runs),
        )
        try:
            with self.store(write=acts) as store:
                given = options_of(args, catalog)
                wire = self.tap(http)
                yield (
                    shop_of(Errand(args, console, lambda: wire), store, catalog, given, acts=acts),
                    catalog,
                )
        finally:
            await http.close()

    def _args(self, **options: Any) -> argparse.Namespace:
        defaults: dict[str, Any] = {
            "paths": [str(self.specs)],
            "scope": self.scope,
            "allow_exec": self.allow_exec,
            "allow_endpoint": [],
            "no_prune": False,
            "prune_all": False,
            "target": [],
            "allow_stops": 0,
            "allow_empty": False,
            "at": None,
        }
        return argparse.Namespace(**{**defaults, **options})

    @contextmanager
    def store(self, *, write: bool = True) -> Any:
        """Open the state."""
        store = self.opened(open_state(self.state_url, self.environ, self.clock, write=write))
        try:
            yield store
        finally:
            store.close()

    # What is

    def sessions(self, name: str | None = None) -> list[Session]:
        """Return every session that state knows, oldest first."""
        return [past.session for past in self.past(name)]

    def past(self, name: str | None = None) -> list[Past]:
        """Return every session that state knows with its files, oldest first."""
        with self.store() as store:
            found: list[Past] = store.past(self.scope, name)
            return found

    def alive(self, channel: str | None = None) -> list[Simulated]:
        """Return the sessions that the service runs now, whoever knows of them."""
        world = self.simulator.lived()
        return [
            session
            for session in world.sessions.values()
            if session.phase is SimulatedPhase.LIVE
            if channel is None or session.identity.cname == channel
        ]

    def started(self) -> int:
        """Return how many sessions the service ever started."""
        return len(self.simulator.lived().sessions)

    def order(self, session: Simulated, name: str, **body: Any) -> None:
        """Let something happen to a session of the service."""
        carry_out(self.simulator.lived(), session, name, body)

    def fault(self, endpoint: str, *, effect: dict[str, Any], **rule: Any) -> None:
        """Let calls go wrong from now on (docs/simulator.md)."""
        self.simulator.gateway.faults.add({"endpoint": endpoint, "effect": effect, **rule})

    def heal(self) -> None:
        """Let no call go wrong any more."""
        self.simulator.gateway.faults.rules.clear()

    def log(self, *endpoints: str) -> list[dict[str, Any]]:
        """Return the calls so far to these endpoints, as the service lists them."""
        calls = [call.shown() for call in self.simulator.gateway.log.since(0, CALLS_MAX)]
        return [call for call in calls if call["endpoint"] in endpoints]

    async def calls(self, *, changing: bool = True) -> list[str]:
        """Return the endpoints of the calls so far, in order; `changing`: not the queries."""
        transport = InProcess(self.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            log = (await client.get("/_sim/calls")).json()["calls"]
        endpoints = [str(call["endpoint"]) for call in log]
        return [each for each in endpoints if not changing or each not in {"query", None}]


async def _watch(shop: Shop, interrupt: asyncio.Event) -> None:
    await interrupt.wait()
    shop.site.halt.order()


def kinds(plan: Plan) -> dict[str, str]:
    """Return the kinds of a plan's actions, by key; those in sync are left out."""
    return {
        str(action.key): str(action.kind)
        for action in plan.actions
        if not (action.kind == "none" and action.reason == "in-sync")
    }


def action_of(plan: Plan, name: str) -> Action:
    """Return the one action of a Recording."""
    (action,) = (action for action in plan.actions if action.key.recording == name)
    return action


def outcomes(results: list[Result]) -> dict[str, str]:
    """Return how results ended, by key."""
    return {str(result.key): result.outcome for result in results}


def problem_of(results: list[Result], name: str) -> Problem:
    """Return why a Recording's action failed."""
    (found,) = (each for each in results if each.key.recording == name)
    assert found.error is not None
    return found.error


def settings(*, certificate: str | None = None, **tuning: Any) -> Settings:
    """Return the settings of a service; with a certificate it checks tokens."""
    return Settings(certificate=certificate, tuning=Tuning(**tuning))


def only(mapping: Mapping[str, Any]) -> Any:
    """Return the only value there is."""
    (value,) = mapping.values()
    return value


__all__ = [
    "Heard",
    "Stage",
    "Tap",
    "action_of",
    "kinds",
    "only",
    "outcomes",
    "problem_of",
    "recording",
    "settings",
    "virtual_time",
]
