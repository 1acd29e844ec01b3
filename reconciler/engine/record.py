"""What an apply writes down before it acts: which Recordings there are, and what they are called.

Local changes (labels, schedule, policy) are all done with this; no call follows them.
"""

from collections.abc import Collection, Iterator, Sequence

from reconciler.engine.site import Site
from reconciler.plan.action import Plan
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Recorded, terms_text
from reconciler.plan.world import Wanted
from reconciler.spec.apps import freeze
from reconciler.state.store import Change, Rename, SetApp, SetCounter, SetRecorded

CHANGES_MAX = 500
"""So many changes go into one transaction, so that no other process waits long."""


async def record(site: Site, plan: Plan) -> None:
    """Write what the specs say of each Recording that this run may touch.

    One that is started since it is no longer suspended is left to `record_resumed`: it is what
    state says of before that tells so.
    """
    renames = [change for before, after in plan.renames for change in _renamed(site, before, after)]
    if renames:
        await site.records.commit(*renames)
    resumed = {each.key.recording for each in plan.actions if each.reason == Reason.RESUMED}
    used = {wanted.app for wanted in site.specs.wanted.values()}
    known = site.records.recorded.keys()
    changes = [*apps_used(site, used), *_recordings(site, passed_over=resumed & known)]
    for batch in _batches(changes):
        await site.records.commit(*batch)


async def record_resumed(site: Site) -> None:
    """Write, at the end of a run, what `record` left."""
    for batch in _batches([*_recordings(site)]):
        await site.records.commit(*batch)


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
        known = site.records.recorded.get(name)
        now = recorded_now(wanted, known)
        if now != known:
            yield SetRecorded(recorded=now)


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
