"""From specs and state to a Plan: read everything, then decide, on values alone."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, partial

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.engine.differ import Differ
from reconciler.engine.refuse import STARTING, refuse_expired
from reconciler.engine.site import Site, Specs
from reconciler.plan.action import Kind, Plan
from reconciler.plan.basis import with_marks
from reconciler.plan.make import make_plan
from reconciler.plan.recorded import Recorded, Terms, terms_in, terms_of
from reconciler.plan.renames import find_renames, with_renames
from reconciler.plan.result import Problem
from reconciler.plan.world import Wanted, World
from reconciler.spec.catalog import Catalog
from reconciler.spec.desired import Desired, Policy
from reconciler.spec.index import Entry
from reconciler.spec.roots import from_root


def specs_of(catalog: Catalog, recorded: Mapping[str, Recorded]) -> Specs:
    """Return what a catalog wants.

    What state has recorded already is taken from there: a Recording that has not changed is not
    read a second time (performance.md, "Validating, comparing, hashing").
    """
    entries = {entry.name: entry for entry in catalog.entries}

    @cache
    def desired(name: str) -> Desired:
        return entries[name].desired()

    @cache
    def folder(name: str) -> str:
        return from_root(name)

    @cache
    def source(file: str) -> str:
        place, name = posixpath.split(file)
        return posixpath.normpath(posixpath.join(folder(place), name))

    def wanted(entry: Entry) -> Wanted:
        set_name = catalog.sets.get((entry.file, entry.document), "")
        place = {"source": source(entry.file), "set_name": set_name}
        known = recorded.get(entry.name)
        if not entry.digest:
            error = "its manifest has errors"
            return _wanted(entry, known, {**place, "error": error})
        if known is not None and known.digest == entry.digest:
            return _wanted(entry, known, place)
        whole = desired(entry.name)
        return Wanted(
            name=entry.name,
            app=whole.app,
            channel=whole.channel,
            mode=str(whole.mode),
            uids=whole.uids,
            digest=entry.digest,
            terms=terms_in(whole),
            **place,
        )

    return Specs(wanted={name: wanted(entry) for name, entry in entries.items()}, desired=desired)


def assess(
    site: Site, differ: Differ, catalog: Catalog, problems: Iterable[Problem] = (), *, held: bool
) -> Plan:
    """Make the plan of a scope as it was last seen (`observe.refresh` looks anew).

    `problems` are what kept the service from telling. `held`: another run is at work on this scope.
    """
    diagnostics: list[Diagnostic] = list(catalog.diagnostics)
    diagnostics += [_unseen(problem) for problem in (*problems, *site.apps.unresolved())]
    if _no_key(site):
        diagnostics.append(_unseen(_NO_KEY))
    world = world_of_all(site, differ, held=held)
    plan = make_plan(world, diagnostics)
    missing = unresolved(differ, plan)
    if missing:
        plan = make_plan(replace(world, unresolved=missing), diagnostics)
    plan = refuse_expired(differ, plan)
    return replace(plan, based_on=partial(_basis, differ, plan))


def _no_key(site: Site) -> bool:
    """Tell whether changed secrets are not seen; a state that is still to be made gets a key."""
    records = site.records
    in_use = records.store.writable and site.specs.wanted
    return not site.vault.key_id and bool(
        in_use or any(each.may_live for each in records.all_sessions())
    )


def _basis(differ: Differ, plan: Plan) -> str:
    """Return what decided, and the secrets that would be sent: few ask for it."""
    names = {action.key.recording for action in plan.actions if action.kind in _SENDING}
    return with_marks(plan.basis, {name: differ.marks(name) for name in sorted(names)})


def world_of_all(site: Site, differ: Differ, *, held: bool) -> World:
    """Return the whole scope as planning reads it."""
    now_s = site.now_s()
    sessions = differ.as_planned(site.records.all_sessions(), now_s)
    world = World(
        scope=site.records.scope,
        now_s=now_s,
        at_s=now_s if site.at_s is None else site.at_s,
        wanted=site.specs.wanted,
        recorded=site.records.recorded,
        sessions=sessions,
        apps=site.apps.facts(),
        elsewhere=site.records.elsewhere,
        options=site.options,
        held=held,
    )
    renamed = with_renames(world, find_renames(world)).sessions
    compared = [session for session in renamed if site.is_selected(session.recording)]
    return replace(world, comparisons=differ.comparisons(compared, now_s))


def unresolved(differ: Differ, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the references that the plan's changes need and that do not resolve, by Recording."""
    found: dict[str, set[str]] = defaultdict(set)
    for action in plan.actions:
        if action.kind in _SENDING:
            name = action.key.recording
            found[name].update(differ.unresolved(name, starts=action.kind in STARTING))
    return {name: tuple(sorted(found[name])) for name in sorted(found) if found[name]}


_SENDING = frozenset(Kind) - {Kind.STOP, Kind.WAIT, Kind.NONE, Kind.ERROR}


def _wanted(entry: Entry, known: Recorded | None, more: Mapping[str, str]) -> Wanted:
    return Wanted(
        name=entry.name,
        app=entry.app or (known.app if known else ""),
        channel=entry.channel or (known.channel if known else ""),
        mode=known.mode if known else "",
        uids=entry.uids,
        digest=entry.digest,
        terms=terms_of(known.terms) if known else _NO_TERMS,
        **more,
    )


_NO_TERMS = Terms(policy=Policy())


_NO_KEY = Problem(
    "state-key-missing",
    "the key of the state's hashes is not here, so that changed secrets are not seen",
    "set RECONCILER_STATE_KEY to the same text wherever this state is used",
)


def _unseen(problem: Problem) -> Diagnostic:
    return Diagnostic(
        Position("state"), "", Severity.WARNING, problem.code, problem.message, problem.hint
    )
