"""What an apply writes down before it acts: which Recordings there are, and what they are called.

Local changes (labels, schedule, policy) are all done with this; no call follows them.
"""

from collections.abc import Iterator, Sequence

from reconciler.engine.site import Site
from reconciler.plan.action import Plan
from reconciler.plan.recorded import Recorded, terms_text
from reconciler.plan.world import Wanted
from reconciler.spec.apps import freeze
from reconciler.state.store import Change, Rename, SetApp, SetRecorded

CHANGES_MAX = 500
"""So many changes go into one transaction, so that no other process waits long."""


async def record(site: Site, plan: Plan) -> None:
    """Write what the specs say of each Recording that this run may touch."""
    changes: list[Change] = [
        Rename(before=before, after=after) for before, after in plan.renames
    ]
    if changes:
        await site.records.commit(*changes)
    changes = [*_apps(site), *_recordings(site)]
    for batch in _batches(changes):
        await site.records.commit(*batch)


def _apps(site: Site) -> Iterator[Change]:
    used = {wanted.app for wanted in site.specs.wanted.values()}
    for name, app in site.apps.definitions.items():
        text = "" if app.error else freeze(app)
        if name in used and text and site.records.apps.get(name) != text:
            yield SetApp(name=name, manifest=text)


def _recordings(site: Site) -> Iterator[Change]:
    targets = site.options.targets
    for name, wanted in site.specs.wanted.items():
        if wanted.error or (targets and not {name, wanted.set_name} & targets):
            continue
        known = site.records.recorded.get(name)
        now = _recorded(wanted, known)
        if now != known:
            yield SetRecorded(recorded=now)


def _recorded(wanted: Wanted, known: Recorded | None) -> Recorded:
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
