"""Where a `run` stands: the specs as last read, what decides on them, and what a guard holds.

`take` makes a whole load of specs the desired state, or changes nothing. Nothing here waits but for
secrets and for passes that are in the way: who reads when is `daemon.py`'s, who works when is
`crew.py`'s.
"""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from reconciler.engine.assess import assess, world_of_all
from reconciler.engine.guard import GUARDED, Guard, Held, Judgement
from reconciler.engine.record import record, record_gone, record_removed
from reconciler.engine.records import Records
from reconciler.engine.refuse import refuse_unresolved
from reconciler.engine.renewal import Aside, renew_all, renew_apps
from reconciler.engine.shop import Materials, Shop, assemble
from reconciler.engine.site import Site
from reconciler.engine.tell import WARNING, event
from reconciler.plan.action import Key, Plan
from reconciler.plan.looks import next_look_s
from reconciler.plan.removal import prune_due_s
from reconciler.plan.session import REACHABLE, Session
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.state.store import Change, Condition

Alone: TypeAlias = Callable[[Collection[str]], AbstractAsyncContextManager[None]]
"""Keeps passes over Recordings from running meanwhile."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a `run` treats its sessions and specs."""

    resync_s: Callable[[Shop, Session], float]
    prune_delay_s: float
    aside: Aside


@dataclass(frozen=True, slots=True)
class _Load:
    """What a load came to: how to tell the next from it, and the next action of each Recording."""

    marks: object = None
    signs: dict[str, object] = field(default_factory=dict)
    late: dict[Key, dict[str, str]] = field(default_factory=dict)
    """For each replica that takes what others free: their sessions, by Recording."""


class Post:
    """The one place that says what is desired now."""

    def __init__(self, records: Records, materials: Materials, rules: Rules) -> None:
        """Begin with what state remembers: what ends is stopped even before any spec is read."""
        now_s = materials.outside.clock.now_s()
        self.records = records
        self.guard = Guard(records, now_s)
        self.catalog: Catalog | None = None
        self._materials = materials
        self._rules = rules
        self._last = _Load()
        self._has_heard = False
        self._told: Held | None = None
        """What is held, as it was last written down."""

        standing = records.store.conditions(records.scope)
        self._guarded = {
            Key(each.recording, each.replica)
            for each in standing
            if each.type == GUARDED and each.status
        }
        self.shop = self._assembled(None, Options())

    async def take(
        self, catalog: Catalog, options: Options, alone: Alone, *, reread: bool = False
    ) -> set[str]:
        """Make this the desired state; return the Recordings for which there is something new.

        `reread`: files changed, and those that secrets are read from may be among them. Raises
        StateError where it could not be written down: then what was desired before stays in force,
        and the next load tries again.
        """
        marks = _marks(catalog, options)
        is_new = marks != self._last.marks
        await self._ask_secrets(reread=reread)
        shop = await self._made(catalog, options, is_new=is_new or self._has_heard)
        renamed = {name for pair in _planned(shop, catalog).renames for name in pair}
        async with alone(renamed):  # a pass would go on under the old name
            plan = _planned(shop, catalog)
            judgement = self._judged(shop, plan, anew=is_new)
            await record(shop.site, plan, judgement.held.names if judgement.held else ())
            await record_removed(shop.site)
            self.shop, self.catalog = shop, catalog
            held = self._guarded
            await self._adopt(judgement)
            await record_gone(shop.site, self.records.recorded)
        news = self.names() if self._has_heard else set()
        self._has_heard = False
        return news | self._news(plan, marks) | {key.recording for key in held - self._guarded}

    def foreseen(self, catalog: Catalog, options: Options) -> Site:
        """Return the Site of specs that are not in force yet; no secret is asked for."""
        return self._assembled(catalog, options).site

    async def judge(self) -> None:
        """Ask the guard about all that would be done now, and say what it holds."""
        if self.catalog is not None:
            await self._adopt(self._judged(self.shop, _planned(self.shop, self.catalog)))

    def late(self, name: str) -> set[Key]:
        """Return the replicas that wait until what they take is free (reconcile.md, "Renames")."""
        return {
            key
            for key, after in self._last.late.items()
            if key.recording == name and any(map(self._is_to_end, after, after.values()))
        }

    def prune_due_s(self) -> float | None:
        """Return when the next Recording that is gone may be pruned; None: none waits for that."""
        options, wanted = self.shop.site.options, self.shop.site.specs.wanted
        gone = (each for name, each in self.records.recorded.items() if name not in wanted)
        waiting = (prune_due_s(options, each) for each in gone if each.removed_s is not None)
        return min((due_s for due_s in waiting if due_s is not None), default=None)

    def names(self) -> set[str]:
        """Return every Recording that there is anything to do or to see for."""
        living = {session.recording for session in self.records.all_sessions()}
        return {*self.shop.site.specs.wanted, *self.records.recorded, *living}

    def unseen(self) -> set[str]:
        """Return the Recordings with a session that is to be asked by now, and nobody does.

        Nothing else says that a session has fallen silent whose notifications were relied upon.
        """
        site = self.shop.site
        now_s = site.now_s()
        looks = (
            (each.recording, next_look_s(each, site.resync_s(each)))
            for each in self.records.all_sessions()
            if each.phase in REACHABLE and each.id not in self.records.looks
        )
        return {name for name, look_s in looks if look_s is not None and look_s <= now_s}

    def is_known(self, name: str) -> bool:
        """Tell whether there is anything to do or to see for a Recording."""
        records = self.records
        is_named = name in self.shop.site.specs.wanted or name in records.recorded
        return is_named or bool(records.sessions_of(name))

    def app_of(self, name: str, site: Site | None = None) -> str:
        """Return the App of a Recording as it is desired (by a Site's specs), or else was."""
        wanted = (site or self.shop.site).specs.wanted
        known = wanted.get(name) or self.records.recorded.get(name)
        if known is not None:
            return known.app
        sessions = self.records.sessions_of(name)
        return sessions[-1].app if sessions else ""

    async def _ask_secrets(self, *, reread: bool) -> None:
        """Ask anew for secrets that may have changed."""
        site = self.shop.site
        self._has_heard |= reread and site.vault.reread()
        if site.apps.blocked():
            self._has_heard |= await renew_apps(site, self._rules.aside)

    async def _made(self, catalog: Catalog, options: Options, *, is_new: bool) -> Shop:
        """Return a Shop for this load, its secrets asked for; nothing of it is in force yet."""
        site, aside = self.shop.site, self._rules.aside
        now_s = site.clock.now_s()
        options = replace(options, prune_delay_s=self._rules.prune_delay_s, loaded_s=now_s)
        if not is_new and not site.apps.blocked():
            return replace(self.shop, site=replace(site, options=options))
        shop = self._assembled(catalog, options)
        recorded, wanted = self.records.recorded, shop.site.specs.wanted
        changed = [
            name
            for name, each in wanted.items()
            if name not in recorded or recorded[name].digest != each.digest
        ]
        await renew_all(shop.site, shop.differ, changed, aside)
        return shop

    def _assembled(self, catalog: Catalog | None, options: Options) -> Shop:
        shop = assemble(self.records, catalog, options, self._materials)

        def resync_s(session: Session) -> float:
            return self._rules.resync_s(shop, session)

        return replace(shop, site=replace(shop.site, lets=self.guard.lets, resync_s=resync_s))

    def _judged(self, shop: Shop, plan: Plan, *, anew: bool = False) -> Judgement:
        return self.guard.judge(world_of_all(shop.site, shop.differ, held=False), plan, anew=anew)

    async def _adopt(self, judgement: Judgement) -> None:
        before, held = self._told, judgement.held
        self.guard.adopt(judgement)
        changes = [*self._conditions(before)]
        if held is not None and (before is None or _sign(before) != _sign(held)):
            text = f"{held.objection.message}; `reconciler approve {held.digest}` lets it happen"
            changes.append(event("", WARNING, held.objection.code, text, self.shop.site.now_s()))
        if changes:
            await self.records.commit(*changes)
        self._told, self._guarded = held, set(held.actions) if held else set()

    def _news(self, plan: Plan, marks: object) -> set[str]:
        """Return the Recordings whose next action is another than after the load before."""
        signs: dict[str, object] = {}
        for action in plan.actions:
            name = action.key.recording
            wanted = self.shop.site.specs.wanted.get(name)
            sign = (action.kind, action.reason, action.session, action.groups)
            signs[name] = (signs.get(name), sign, wanted and wanted.digest)
        ends = {action.key: action.session for action in plan.actions}
        late = {
            action.key: {key.recording: ends.get(key, "") for key in action.after}
            for action in plan.actions
            if action.after
        }
        is_first, before = self._last.marks is None, self._last.signs
        self._last = _Load(marks, signs, late)
        if is_first:  # what goes on as it is has to wait for what does not
            return {action.key.recording for action in plan.actions if action.is_change}
        return {
            name for name in signs.keys() | before.keys() if signs.get(name) != before.get(name)
        }

    def _is_to_end(self, name: str, session_id: str) -> bool:
        """Tell whether a session that frees something is still to end, and nothing holds that."""
        held = self.guard.held.names if self.guard.held else set()
        return name not in held and any(
            session.id == session_id and session.may_live
            for session in self.records.sessions_of(name)
        )

    def _conditions(self, before: Held | None) -> Iterator[Change]:
        """Yield what is new about what is held; another digest is, for `approve` takes no other."""
        held = self.guard.held
        now = set(held.actions) if held else set()
        is_same = held is None or (before is not None and held.digest == before.digest)
        for key in sorted(now ^ self._guarded if is_same else now | self._guarded, key=str):
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


def _sign(held: Held) -> object:
    return held.digest, held.actions.keys()


def _planned(shop: Shop, catalog: Catalog) -> Plan:
    plan = assess(shop.site, shop.differ, catalog, held=False)
    return refuse_unresolved(shop.differ, plan)


def _said(message: str, digest: str) -> str:
    return (
        f"{message}; it goes on as it is until the specs change, or `reconciler approve {digest}`"
    )


def _marks(catalog: Catalog, options: Options) -> object:
    """Return what changes when the specs do."""
    entries = tuple((each.name, each.digest, each.file, each.app) for each in catalog.entries)
    return entries, dict(catalog.apps), catalog.manifests, catalog.complete, options
