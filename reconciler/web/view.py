"""How a scope is, read from state: what `status`, the daemon's page and its metrics show."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reconciler.engine.records import Records
from reconciler.engine.verdict import APPLIED
from reconciler.plan.action import Key
from reconciler.plan.session import Session
from reconciler.plan.status import Notes, Row, orphans, status_rows
from reconciler.state.store import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown of a scope, in order of name.

    `files` as `Past.files`, by session id; `commit` empty: no Git. Conditions of an empty Recording
    are those of the scope.
    """

    scope: str
    now_s: float
    rows: Sequence[Row]
    orphans: Sequence[Session]
    conditions: Sequence[Condition]
    files: Mapping[str, str]
    commit: str = ""


def view_of(
    records: Records,
    now_s: float,
    names: Collection[str] | None = None,
    commit: str = "",
    *,
    listed: bool = True,
) -> View:
    """Read how these Recordings are; None: all. Raises StateError.

    `listed`: with their files, which whoever only counts rows leaves where they are.
    """
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
    files = {**store.files(scope), **records.seen_files} if listed else {}
    return View(
        scope=scope,
        now_s=now_s,
        rows=status_rows(recorded, sessions, now_s, notes),
        orphans=orphans(sessions, now_s),
        conditions=conditions,
        files=files,
        commit=commit,
    )
