"""Where a `run` stands: the specs as last read, what decides on them, and what a guard holds.

`take` makes a whole load of specs the desired state; `judge` asks the guard. Nothing here waits,
but for state and for secrets: who reads when is `daemon.py`'s, who works when is `crew.py`'s.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from reconciler.engine.assess import assess, world_of_all
from reconciler.engine.guard import Guard
from reconciler.engine.record import record, record_gone, record_removed
from reconciler.engine.records import Records
from reconciler.engine.refuse import refuse_unresolved
from reconciler.engine.renewal import Aside, renew_all
from reconciler.engine.shop import Materials, Shop, assemble
from reconciler.engine.tell import WARNING, event
from reconciler.plan.action import Key, Plan
from reconciler.plan.session import Session
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.state.store import Change, Condition

GUARDED = "Guarded"
"""The condition of a replica for which a guard holds what would end its session."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a `run` treats its sessions and specs."""

    resync_s: Callable[[Shop, Session], float]
    prune_delay_s: float
    aside: Aside


@dataclass(slots=True)
class _Last:
    """What the last load came to."""

    print: object = None
    signs: dict[str, object] = field(default_factory=dict)
    late: dict[Key, dict[str, str]] = field(default_factory=dict)


class Post:
    """The one place that says what is desired now."""

    def __init__(self, records: Records, materials: Materials, rules: Rules) -> None:
        """Begin with what state remembers: what ends is stopped even before any spec is read."""
        now_s = materials.outside.clock.now_s()
        self.records = records
        self.guard = Guard(records, now_s)
        self.plan: Plan | None = None
        self.catalog: Catalog | None = None
        self._materials = materials
        self._rules = rules
        self._last = _Last()
        standing = records.store.conditions(records.scope)
        self._guarded = {
            Key(each.recording, each.replica)
            for each in standing
            if each.type == GUARDED and each.status
        }
        self.shop = self._assembled(None, Options())

    async def take(self, catalog: Catalog, options: Options) -> set[str]:
        """Make this the desired state; return the Recordings for which there is something new.

        Raises StateError where that could not be written down: then all stands as before, and the
        next load tries again.
        """
        site = self.shop.site
        options = replace(
            options, prune_delay_s=self._rules.prune_delay_s, loaded_s=site.clock.now_s()
        )
        marks = _print(catalog, options)
        if marks != self._last.print or site.apps.blocked():
            self.shop = self._assembled(catalog, options)
            if marks != self._last.print:
                self.guard.begin_anew()
        else:
            self.shop = replace(self.shop, site=replace(site, options=options))
        self.catalog = catalog
        await renew_all(self.shop.site, self.shop.differ, self._changed(), self._rules.aside)
        plan = self._planned()
        await record(self.shop.site, plan)
        await record_removed(self.shop.site)
        await self.judge()
        await record_gone(self.shop.site, self.records.recorded)
        self._last.print = marks
        return self._news(plan)

    async def judge(self) -> None:
        """Ask the guard about all that would be done now, and say what it holds."""
        plan = self._planned()
        world = world_of_all(self.shop.site, self.shop.differ, held=False)
        before = self.guard.held
        held = self.guard.judge(world, plan)
        self.plan = plan
        changes = [*self._conditions()]
        if held is not None and (before is None or before.actions.keys() != held.actions.keys()):
            text = f"{held.objection.message}; `reconciler approve {held.digest}` lets it happen"
            changes.append(event("", WARNING, held.objection.code, text, self.shop.site.now_s()))
            log.warning("a guard holds what would end sessions", extra={"digest": held.digest})
        if changes:
            await self.records.commit(*changes)

    def late(self, name: str) -> set[Key]:
        """Return the replicas that wait until what they take is free (reconcile.md, "Renames")."""
        found = set()
        for key, after in self._last.late.items():
            if key.recording == name and any(map(self._is_to_end, after, after.values())):
                found.add(key)
        return found

    def names(self) -> set[str]:
        """Return every Recording that there is anything to do or to see for."""
        living = {session.recording for session in self.records.all_sessions()}
        return {*self.shop.site.specs.wanted, *self.records.recorded, *living}

    def app_of(self, name: str) -> str:
        """Return the App of a Recording as it is desired, or else was."""
        site = self.shop.site
        known = site.specs.wanted.get(name) or self.records.recorded.get(name)
        if known is not None:
            return known.app
        sessions = self.records.sessions_of(name)
        return sessions[-1].app if sessions else ""

    def _assembled(self, catalog: Catalog | None, options: Options) -> Shop:
        shop = assemble(self.records, catalog, options, self._materials)
        site = replace(
            shop.site,
            lets=self.guard.lets,
            resync_s=lambda session: self._rules.resync_s(self.shop, session),
        )
        return replace(shop, site=site)

    def _planned(self) -> Plan:
        assert self.catalog is not None, "nothing is judged before specs are read"
        plan = assess(self.shop.site, self.shop.differ, self.catalog, held=False)
        return refuse_unresolved(self.shop.differ, plan)

    def _changed(self) -> list[str]:
        recorded = self.records.recorded
        return [
            name
            for name, wanted in self.shop.site.specs.wanted.items()
            if name not in recorded or recorded[name].digest != wanted.digest
        ]

    def _news(self, plan: Plan) -> set[str]:
        """Return the Recordings whose next action is another than after the load before."""
        signs: dict[str, object] = {}
        for action in plan.actions:
            name = action.key.recording
            wanted = self.shop.site.specs.wanted.get(name)
            sign = (action.kind, action.reason, action.session, action.groups)
            signs[name] = (signs.get(name), sign, wanted and wanted.digest)
        before, self._last.signs = self._last.signs, signs
        sessions = {action.session: action.key for action in plan.actions if action.session}
        ends = {key: session for session, key in sessions.items()}
        self._last.late = {
            action.key: {key.recording: ends.get(key, "") for key in action.after}
            for action in plan.actions
            if action.after
        }
        return {
            name for name in signs.keys() | before.keys() if signs.get(name) != before.get(name)
        }

    def _is_to_end(self, name: str, session_id: str) -> bool:
        """Tell whether a session that frees something is still to end, and nothing holds that."""
        held = self.guard.held.actions if self.guard.held else {}
        return any(
            session.id == session_id and session.may_live and Key(name, session.replica) not in held
            for session in self.records.sessions_of(name)
        )

    def _conditions(self) -> Iterator[Change]:
        held = self.guard.held
        now = set(held.actions) if held else set()
        for key in sorted(now ^ self._guarded, key=str):
            is_held = held is not None and key in now
            yield Condition(
                recording=key.recording,
                replica=key.replica,
                type=GUARDED,
                status=is_held,
                reason=held.objection.code if held and is_held else "let",
                message=_said(held.objection.message, held.digest) if held and is_held else "",
                since_s=self.shop.site.now_s(),
            )
        self._guarded = now


def _said(message: str, digest: str) -> str:
    return (
        f"{message}; it goes on as it is until the specs change, or `reconciler approve {digest}`"
    )


def _print(catalog: Catalog, options: Options) -> object:
    """Return what changes when the specs do."""
    entries = tuple((each.name, each.digest, each.file, each.app) for each in catalog.entries)
    rest = replace(options, loaded_s=0.0)
    return (
        entries,
        dict(catalog.apps),
        catalog.manifests,
        catalog.complete,
        catalog.diagnostics,
        rest,
    )
