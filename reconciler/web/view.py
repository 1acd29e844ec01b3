"""How a scope is, read from state: what `status`, the daemon's page and its metrics show."""

from collections.abc import Collection

from reconciler.engine.records import Records
from reconciler.engine.verdict import APPLIED
from reconciler.plan.action import Key
from reconciler.plan.status import Notes, orphans, status_rows
from reconciler.web.page import View


def view_of(
    records: Records, now_s: float, names: Collection[str] | None = None, commit: str = ""
) -> View:
    """Read how these Recordings are; None: all. Raises StateError."""
    store, scope = records.store, records.scope
    recorded = {
        name: each for name, each in records.recorded.items() if names is None or name in names
    }
    sessions = [each for each in records.all_sessions() if names is None or each.recording in names]
    conditions = store.conditions(scope)
    failed = {
        Key(each.recording, each.replica): (each.reason, each.message)
        for each in conditions
        if each.type == APPLIED and not each.status
    }
    notes = Notes(unseen=records.unseen, failed=failed)
    files = {past.session.id: past.files for past in store.latest(scope)}
    return View(
        scope=scope,
        rows=status_rows(recorded, sessions, now_s, notes),
        orphans=orphans(sessions, now_s),
        conditions=conditions,
        files=files | records.seen_files,
        commit=commit,
        now_s=now_s,
    )
