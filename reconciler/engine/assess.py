"""From specs and state to a Plan: read everything, then decide, on values alone."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.engine.differ import Differ
from reconciler.engine.site import Site, Specs
from reconciler.plan.action import Action, Kind, Plan
from reconciler.plan.make import make_plan
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Recorded, Terms, terms_in, terms_of
from reconciler.plan.renames import find_renames, with_renames
from reconciler.plan.result import Problem
from reconciler.plan.world import Wanted, World
from reconciler.spec.catalog import Catalog
from reconciler.spec.desired import Desired, Policy
from reconciler.spec.groups import Group
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
    if not site.vault.key_id and any(each.may_live for each in site.records.all_sessions()):
        diagnostics.append(_unseen(_NO_KEY))
    world = world_of_all(site, differ, held=held)
    plan = make_plan(world, diagnostics)
    missing = unresolved(differ, plan)
    return make_plan(replace(world, unresolved=missing), diagnostics) if missing else plan


def refuse_unresolved(differ: Differ, plan: Plan) -> Plan:
    """Return the plan as an apply takes it: what needs a secret that has no value is an error.

    Layouts, stops and queries need none but the App's (design/cli.md, "plan").
    """
    missing = unresolved(differ, plan)
    actions = tuple(
        _refused(action, missing[action.key.recording])
        if action.key.recording in missing and _needs_secrets(action)
        else action
        for action in plan.actions
    )
    return replace(plan, actions=actions)


def _needs_secrets(action: Action) -> bool:
    """Tell whether it cannot be begun; one that stops first may have to, whatever follows."""
    if action.kind in {Kind.START, Kind.RESTART, Kind.REPLACE, Kind.ROTATE}:
        return action.kind is not Kind.ROTATE or not action.stop_first
    return bool({Group.CREDENTIALS, Group.RTMP} & set(action.groups))


def _refused(action: Action, references: tuple[str, ...]) -> Action:
    named = ", ".join(f"`{reference}`" for reference in references)
    message = f"`{action.key}` needs {named}, which does not resolve here"
    return replace(action, kind=Kind.ERROR, reason=Reason.SECRET_UNRESOLVED, message=message)


def world_of_all(site: Site, differ: Differ, *, held: bool) -> World:
    """Return the whole scope as planning reads it."""
    now_s = site.now_s()
    sessions = tuple(site.records.all_sessions())
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
    names = {action.key.recording for action in plan.actions if action.kind in _SENDING}
    found = {name: differ.unresolved(name) for name in sorted(names)}
    return {name: references for name, references in found.items() if references}


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
