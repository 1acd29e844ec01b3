"""One simulation: the real daemon, engine, client and state against the simulator, on virtual time.

`perform` lets happen what a Script says, then lets nothing go wrong any more and waits until all
has settled. Checkers hear of everything; the first violation ends it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from heapq import heappop, heappush
from inspect import isawaitable
from itertools import count
from pathlib import Path
from random import Random

from reconciler.agora.messages import Reply, Unanswered
from reconciler.engine.demands import Demand
from reconciler.plan.action import Kind, Plan
from reconciler.spec.catalog import Catalog, read_catalog
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting
from reconciler.state.store import Change, Snapshot
from reconciler.state.store import Event as Told
from tests.daemon.cast import LongStage, Role
from tests.daemon.support import Shelf
from tests.daemon.truth import Excuses
from tests.daemon.wires import Call
from tests.simulation import setting
from tests.simulation.acts.table import ACTS
from tests.simulation.book import Book
from tests.simulation.check import HOOKS, Check, Violation, hearers
from tests.simulation.checkers import CHECKS
from tests.simulation.disk import Disk
from tests.simulation.host import Host
from tests.simulation.line import Network
from tests.simulation.logs import Logs
from tests.simulation.process import DaemonProcess, Process
from tests.simulation.reached import ACT, ACTION, MOVE, ROW, Reached, row_name, row_of, told
from tests.simulation.script import Part, Script
from tests.simulation.settling import settle
from tests.simulation.timeline import Timeline
from tests.simulation.truth import app_of
from tests.simulation.windows import times_of

LOOK_S = 15.0
"""How often checkers look while nothing happens."""

RECOVERY_S = 600.0
"""After a time of trouble: the longest back-off with its jitter, a doubt, and a start."""


class ViolatedError(Exception):
    """A checker found something: there is no going on."""


class Simulation:
    """A service, a host with our processes, and people; all of it by a Script."""

    def __init__(self, script: Script, folder: Path) -> None:
        self.script = script
        self.timeline = Timeline()
        self.reached: Reached = Reached()
        self.violation: Violation | None = None
        self.mistake: Exception | None = None
        """Of a checker: the first."""

        self._numbers = count(1)
        self._order = count()
        self._later: list[tuple[float, int, Callable[[], Awaitable[None] | None]]] = []
        begins = datetime.fromtimestamp(script.begins_s, UTC)
        self.stage = LongStage(folder, setting.service_settings(script), begins=begins)
        self.clock = self.stage.wall
        self.folder = folder
        self.state_url = f"sqlite:///{folder}/state/state.db"
        self.network = Network(Random(script.seed))
        self.disk = Disk(folder / "state" / "state.db")
        self.shelf = Shelf((str(self.stage.specs),))
        self.book = Book()
        self.logs = Logs()
        self.apps = setting.Apps()
        self.roles: dict[str, Role] = {}
        self.past: list[Role] = []
        self.in_set: list[str] = []
        self._made: set[str] = set()
        """Of all names those that the set makes, or made."""

        self.labels: dict[str, dict[str, str]] = {}
        self.torn: set[str] = set()
        """Of the manifests that are broken those that nobody can read at all."""

        self.foreign: set[str] = set()
        self.excuses = Excuses()
        self.keys: list[tuple[float, str]] = []
        self.demands: list[tuple[float, Demand]] = []
        """What was asked for by command, and when."""

        self.host = Host(self)
        self.passes = 0
        """Of the `run`s, so far."""

        self.is_safe = True
        """False: the liveness phase, in which nothing goes wrong."""

        self._catalog: tuple[tuple[int, Sequence[str]], Catalog] | None = None
        self._edition = 0
        self.checks: list[Check] = [check(self) for check in CHECKS]
        self._hearers = {hook: hearers(self.checks, hook) for hook in HOOKS}

    # What others ask of it

    @property
    def now_s(self) -> float:
        """Return the time that it really is, in Unix seconds."""
        return self.clock.true_s()

    @property
    def since_s(self) -> float:
        """Return how long it has been going on."""
        return self.now_s - self.script.begins_s

    @property
    def edition(self) -> int:
        """Return how often the specs changed."""
        return self._edition

    @property
    def put_off(self) -> int:
        """Return how many things are still to happen."""
        return len(self._later)

    def next_number(self) -> int:
        """Return a number that nothing else here has."""
        return next(self._numbers)

    def say(self, who: str, text: str) -> None:
        """Write a line of the story."""
        self.timeline.add(self.since_s, who, text.replace(str(self.folder), "."))

    def reach(self, kind: str, name: str) -> None:
        """Count something that was reached (`reached.py`)."""
        self.reached[told(kind, name)] += 1

    def violated(self, check: str, text: str) -> None:
        """Take note of the first violation."""
        if self.violation is None:
            self.violation = Violation(check, self.since_s, text)
            self.say(check, f"VIOLATED: {text}")

    def after(self, seconds: float, act: Callable[[], Awaitable[None] | None]) -> None:
        """Do something later."""
        heappush(self._later, (self.since_s + seconds, next(self._order), act))

    def trouble(self, seconds: float, why: str, name: str = "") -> None:
        """Excuse a time in which something keeps Recordings (one, or all) from recording."""
        self.excuses.say(name, self.now_s, self.now_s + seconds + RECOVERY_S, why)

    @property
    def daemon(self) -> DaemonProcess | None:
        """Return the `run` that holds the scope; None: none does."""
        return self.host.daemon

    # Specs

    def enter(self, part: Part) -> None:
        """Let a Recording be wanted from now on."""
        times = times_of(part.windows, part.crons, self.script.begins_s)
        role = Role(part.name, part.mode, deepcopy(dict(part.spec)), times)
        if part.in_set:
            for name in self.in_set[:1]:
                role.spec, role.mode = self.roles[name].spec, self.roles[name].mode
            self.in_set.append(part.name)
            self._made.add(part.name)
        self.roles[part.name] = role
        role.ask(self.now_s, times)
        self.write(role)

    def leave(self, role: Role) -> None:
        """Let a Recording be wanted no more."""
        role.ask(self.now_s, None)
        self.past.append(self.roles.pop(role.name))
        self.unwrite(role.name)

    def write(self, role: Role) -> None:
        """Write a Recording as it is wanted now."""
        if role.name in self.in_set:
            self.write_set(self.in_set)
        else:
            self.stage.write(f"{role.name}.yaml", self._text(role))
        self.commit()

    def unwrite(self, name: str) -> None:
        """Take a Recording out of the specs."""
        if name in self.in_set:
            self.in_set.remove(name)
            self.write_set(self.in_set)
        else:
            (self.stage.specs / f"{name}.yaml").unlink(missing_ok=True)
        self.commit()

    def commit(self) -> None:
        """Let the daemon see that the specs changed."""
        self._edition += 1
        self.shelf.commit = f"{self._edition:040x}"
        self.shelf.touch()

    def read(self, process: Process, paths: Sequence[str]) -> Catalog:
        """Read the specs, as every command does, and not at all while nothing changed."""
        if self._catalog is None or self._catalog[0] != (self._edition, paths):
            given = Setting({}, frozenset(), self.stage.environ, self.stage.clock.now_s())
            self._catalog = ((self._edition, paths), read_catalog(Files(list(paths)), given))
        process.catalog = self._catalog[1]
        self._tell("loaded", process)
        return process.catalog

    def file_of(self, name: str) -> str:
        """Return the name of the spec file that a Recording is, or was, made by."""
        return f"{setting.SET if name in self._made else name}.yaml"

    def turn_keys(self) -> None:
        """Give out other credentials for the storages that read them from a file."""
        key = f"key-{len(self.keys)}"
        self.keys.append((self.now_s, key))
        keys = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": f"secret-of-{key}"}
        (self.folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")

    def furnish(self) -> None:
        """Write what stands in the specs beside the Recordings."""
        setting.furnish(self.stage, self.apps)
        self.commit()

    def write_set(self, names: Sequence[str]) -> None:
        """Let the set make Recordings of these names, and no others."""
        role = next((self.roles[each] for each in self.in_set if each in self.roles), None)
        if role is None:
            (self.stage.specs / f"{setting.SET}.yaml").unlink(missing_ok=True)
            return
        setting.write_set(self.stage, role, [each for each in names if each in self.roles])
        self.commit()

    def _text(self, role: Role) -> str:
        text = role.text()
        if role.broken and role.name in self.torn:
            return text[: len(text) // 2]
        if role.name not in self.labels:
            return text
        written = json.loads(text)
        written["metadata"]["labels"] = self.labels[role.name]
        return json.dumps(written)

    # What it hears

    def called(self, process: Process, call: Call) -> None:
        self.say(process.name, f"-> {call.endpoint} {call.sid[:6] or call.resource_id[:6]}")
        self._tell("called", process, call)

    def answered(
        self, process: Process, call: Call, answer: Reply | Unanswered, *, sent: bool
    ) -> None:
        status = answer.status if isinstance(answer, Reply) else answer.silence
        self.say(process.name, f"<- {call.endpoint} {status}")
        if (row := row_of(call.endpoint, answer)) is not None:
            self.reach(ROW, row_name(row))
        if sent:
            self._tell("answered", process, call, answer)
        else:
            self._tell("unsent", process, call)

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        for before, after in self.book.write(changes, self.since_s):
            was = before.phase if before else "-"
            if before is None or before.phase != after.phase:
                self.reach(MOVE, f"{was}>{after.phase}")
                key = f"{after.recording}[{after.replica}]"
                why = f" ({after.end_reason})" if after.end_reason else ""
                self.say("state", f"{key} {after.id[:6]} {was} -> {after.phase}{why}")
        for change in changes:
            if isinstance(change, Told):
                name = change.recording or "-"
                self.say("state", f"{name}: {change.reason}: {change.message}")
        self._tell("wrote", process, changes)

    def held(self, process: Process) -> None:
        self.say(process.name, "has the lock")
        self._tell("held", process)

    def planned(self, process: Process, plan: Plan) -> None:
        for action in plan.actions:
            if action.kind is not Kind.NONE:
                self.reach(ACTION, action.kind)
        self.say(process.name, f"plans: {plan.summary}")
        self._tell("planned", process, plan)

    def recalled(self, process: Process, snapshot: Snapshot) -> None:
        """Hear what a process has read of state."""
        self._tell("recalled", process, snapshot)

    def fell(self, process: Process) -> None:
        """Hear that a process has died, from within; its remains go in a moment."""
        self.say(process.name, "is killed")
        self._tell("died", process)
        self.host.fell(process)

    def ended(self, process: Process) -> None:
        """Hear that a process has ended."""
        self.say(process.name, "ends")
        self._tell("died", process)
        self.host.ended(process)

    async def hear(
        self, url: str, headers: Mapping[str, str], body: bytes, *, app: str = ""
    ) -> int | None:
        """Bring a notification to the daemon, of its App or of another; nobody answers without."""
        del url
        letter = json.loads(body)
        payload = letter["payload"]
        name = app or app_of(self, payload["sid"])
        status = None
        if self.daemon is not None and self.network.down is None:
            given = {key.lower(): value for key, value in headers.items()}
            status = await self.daemon.notify(name, given, body)
        self.say("service", f"event {letter['eventType']} of {payload['sid'][:6]}: {status}")
        self._tell("notified", name, letter, status)
        return status

    def _tell(self, hook: str, *what: object) -> None:
        """Let every checker hear. One that fails itself is found: the program would go on."""
        for check, hears in self._hearers[hook]:
            try:
                hears(*what)
            except Exception as mistake:
                self.mistake = self.mistake or mistake
                self.violated(type(check).__name__, f"the checker itself failed: {mistake!r}")

    # Its course

    async def perform(self) -> None:
        """Let it all happen."""
        try:
            with self.disk.heard():
                await self._perform()
        except ViolatedError:
            await self.host.abandon()

    async def _perform(self) -> None:
        self._set_up()
        others = self.folder / "others"
        others.mkdir()
        async with self.stage.application.delivering(self.hear):
            self.foreign |= await setting.started_by_others(self.stage, others)
            self.host.main.begin()
            for step in self.script.steps:
                await self.until(step.at_s)
                self.say("people", str(step))
                self.reach(ACT, step.act)
                result = ACTS[step.act].does(self, **step.given)
                if isawaitable(result):
                    await result
                self.look()
            await self.until(self.script.safety_s)
            await settle(self)
            await self._finish()

    async def until(self, at_s: float) -> None:
        """Let time pass, and what was put off until then happen."""
        while (left_s := at_s - self.since_s) > 0:
            due_s = self._later[0][0] - self.since_s if self._later else left_s
            await asyncio.sleep(max(min(LOOK_S, left_s, due_s), 0.0))
            while self._later and self._later[0][0] <= self.since_s:
                result = heappop(self._later)[2]()
                if isawaitable(result):
                    await result
            self.look()

    def look(self) -> None:
        """Check what is true at every moment. Raises ViolatedError."""
        self.stage.simulator.lived()
        self._tell("look")
        self.host.look()
        if self.violation is not None:
            raise ViolatedError

    # The beginning

    def _set_up(self) -> None:
        self.furnish()
        self.turn_keys()
        for part in self.script.parts:
            self.enter(part)

    # The end

    async def _finish(self) -> None:
        """End the daemon, and look at what it leaves."""
        await self.host.end()
        for check in self.checks:
            await check.settled()
        self._tell("end")
        self.look()
