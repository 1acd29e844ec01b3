"""What is written down of the Recordings themselves: which there are, and what they are called.

Local changes (labels, schedule, policy) are all done with this; no call follows them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.engine.asked import asked_change, gone_change
from reconciler.engine.site import Site
from reconciler.plan.action import Plan
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Recorded, terms_text
from reconciler.plan.removal import prune_due_s, why_kept
from reconciler.plan.world import Wanted
from reconciler.spec.apps import freeze
from reconciler.state.store import (
    Change,
    DropRecorded,
    Rename,
    SetApp,
    SetCounter,
    SetRecorded,
)

CHANGES_MAX = 500
"""So many changes go into one transaction, so that no other process waits long."""


async def record(site: Site, plan: Plan, held: Collection[str] = ()) -> None:
    """Write what the specs say of each Recording that this run may touch.

    One that is started since it is no longer suspended is left to `record_resumed`, one that a
    guard has `held` to `record_one`: it is what state says of before that tells so.
    """
    renames = [change for before, after in plan.renames for change in _renamed(site, before, after)]
    if renames:
        await site.records.commit(*renames)
    resumed = {each.key.recording for each in plan.actions if each.reason == Reason.RESUMED}
    used = {wanted.app for wanted in site.specs.wanted.values()}
    known = site.records.recorded.keys()
    changes = [*apps_used(site, used), *_recordings(site, passed_over={*(resumed & known), *held})]
    for batch in _batches(changes):
        await site.records.commit(*batch)


async def record_resumed(site: Site) -> None:
    """Write, at the end of a run, what `record` left."""
    for batch in _batches([*_recordings(site)]):
        await site.records.commit(*batch)


async def record_one(site: Site, name: str) -> None:
    """Write the same of one Recording, once it runs."""
    wanted = site.specs.wanted.get(name)
    if wanted is None or wanted.error:
        return
    changes = [*_changes(site, recorded_now(wanted, site.records.recorded.get(name)))]
    if changes:
        await site.records.commit(*changes)


async def record_removed(site: Site) -> None:
    """Write since when a Recording is gone that is to be pruned (reconcile.md, "Guards").

    One that is there again is gone no more, however wrong its manifest is; nor is one that a file
    which cannot be read might have.
    """
    now_s = site.now_s()
    back = [
        replace(each, removed_s=None)
        for each in site.records.recorded.values()
        if each.removed_s is not None
        and (each.name in site.specs.wanted or why_kept(site.options, each) is Reason.PRUNE_HELD)
    ]
    gone = [
        replace(each, removed_s=now_s)
        for each in site.records.recorded.values()
        if each.removed_s is None
        and _is_unwanted(site, each.name)
        and why_kept(site.options, each) is None
    ]
    for batch in _batches([change for each in (*back, *gone) for change in _changes(site, each)]):
        await site.records.commit(*batch)


async def record_gone(site: Site, names: Iterable[str]) -> None:
    """Remove the rows of those of these Recordings that are gone, and of which nothing lives."""
    now_s = site.now_s()
    for name in dict.fromkeys(names):
        if _is_over(site, name):
            await site.records.commit(gone_change(name, now_s), DropRecorded(name=name))


def _is_over(site: Site, name: str) -> bool:
    if not _is_unwanted(site, name):
        return False
    recorded = site.records.recorded.get(name)
    if recorded is not None and not _is_pruned(site, recorded):
        return False
    return site.records.is_over(name)


def _is_unwanted(site: Site, name: str) -> bool:
    is_run_over_specs = bool(site.options.paths)
    return is_run_over_specs and name not in site.specs.wanted and site.is_selected(name)


def _is_pruned(site: Site, recorded: Recorded) -> bool:
    options = site.options
    return why_kept(options, recorded) is None and prune_due_s(options, recorded) is None


def _renamed(site: Site, before: str, after: str) -> Iterator[Change]:
    """Yield a rename; the old name keeps its counters, or a new bearer would get uids again."""
    yield Rename(before=before, after=after)
    for replica, counter in site.records.counters(before):
        yield SetCounter(recording=before, replica=replica, counter=counter)


def apps_used(site: Site, used: Collection[str]) -> Iterator[Change]:
    """Yield what state is to know of these Apps."""
    for name, app in site.apps.definitions.items():
        text = "" if app.error else freeze(app)
        if name in used and text and site.records.apps.get(name) != text:
            yield SetApp(name=name, manifest=text)


def _recordings(site: Site, passed_over: Collection[str] = ()) -> Iterator[Change]:
    for name, wanted in site.specs.wanted.items():
        if wanted.error or name in passed_over or not site.is_selected(name):
            continue
        if _is_blocked(site, wanted):
            continue
        yield from _changes(site, recorded_now(wanted, site.records.recorded.get(name)))


def _is_blocked(site: Site, wanted: Wanted) -> bool:
    """Tell whether nothing can be done for a known Recording: its change waits to be judged.

    Else the guard would take it, once its App is well again, for one that was accepted before.
    """
    app = site.apps.facts().get(wanted.app)
    return wanted.name in site.records.recorded and (app is None or bool(app.error))


def _changes(site: Site, now: Recorded) -> Iterator[Change]:
    """Yield what makes a Recording known as it is now, and what it was asked."""
    if now != site.records.recorded.get(now.name):
        yield SetRecorded(recorded=now)
        yield asked_change(now, site.now_s())


def recorded_now(wanted: Wanted, known: Recorded | None) -> Recorded:
    """Return a sound Recording of the specs as state is to know it."""
    changed = known is not None and known.digest != wanted.digest
    generation = (known.generation if known else 1) + changed
    return Recorded(
        name=wanted.name,
        app=wanted.app,
        channel=wanted.channel,
        mode=wanted.mode,
        digest=wanted.digest,
        terms=terms_text(wanted.terms),
        source=wanted.source,
        set_name=wanted.set_name,
        generation=generation,
        override=known.override if known else None,
    )


def _batches(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changes), CHANGES_MAX):
        yield changes[start : start + CHANGES_MAX]
