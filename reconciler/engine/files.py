"""A session's files as state keeps them: what an answer lists, with where each one lies."""

import json
from typing import Any

from reconciler.agora.answers import File, Observation, Reported
from reconciler.engine.site import Site
from reconciler.plan.applied import Applied, thaw
from reconciler.plan.session import Session
from reconciler.plan.uri import file_uri


def files_of(site: Site, session: Session, answer: Reported) -> str | None:
    """Return the files that an answer lists, as JSON; None if it lists none."""
    if not answer.all_files:
        return None
    text = site.records.store.applied([session.id]).get(session.id)
    return listed(answer, thaw(text) if text else None)


def listed(answer: Reported, applied: Applied | None) -> str | None:
    """Return the same of what a session was given, where that is known already."""
    if not answer.all_files:
        return None
    # Of a mixed recording the answer itself tells when its one list of slices begins (4.3).
    whole_ms = answer.slice_start_ms if isinstance(answer, Observation) else None
    return json.dumps([_file(file, applied, whole_ms) for file in answer.all_files])


def _file(file: File, applied: Applied | None, whole_ms: int | None) -> dict[str, Any]:
    begins_ms = whole_ms if file.slice_start_ms is None else file.slice_start_ms
    started_s = None if begins_ms is None else begins_ms / 1000
    return {
        "name": file.name,
        "uri": file_uri(applied, file.name) if applied else None,
        "track": file.track,
        "uid": file.uid,
        "started_at": started_s,
    }
