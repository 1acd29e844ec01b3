"""Adding the files that notifications tell of to those that are known of a session.

Whatever the order in which they arrive, and however often, the same list comes of it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from reconciler.agora import events
from reconciler.agora.answers import File, Upload
from reconciler.agora.events import Event
from reconciler.engine.records import Records
from reconciler.plan.applied import Applied, thaw
from reconciler.plan.life import SETTLED
from reconciler.plan.session import Session
from reconciler.plan.uri import file_uri
from reconciler.state.store import SetFiles

FILES_MAX: Final = 5_000
"""Of one session, the first by name; a day in MP4 files of 17 users is not as much."""

SCREENSHOTS_MAX: Final = 100
"""The first by name, which ends in a time: they show that they are taken, and what they are
called. All of them would be 17,280 of each user a day."""

WHOLE: Final = 10_000
"""The progress of an upload that is complete, once the session has ended (agora-api.md 8.4)."""

_PICTURE = ".jpg"
_NAME_LENGTH_MAX = 1_024
_TIME_MS_MAX = 10**15

_Value: TypeAlias = str | float | None
_Row: TypeAlias = dict[str, _Value]


def filed(records: Records, session: Session, event: Event, now_s: float) -> SetFiles | None:
    """Return what is known of a session's files with what an event tells; None: nothing new."""
    told, upload = list(_files(event)), _upload(session, event)
    if not told and not upload:
        return None
    store = records.store
    before, before_upload = _known(records, session, now_s)
    upload = _less_sure(before_upload, upload)
    files = _merged(before, told, store.applied([session.id]).get(session.id)) if told else before
    if files == before and upload == before_upload:
        return None
    return SetFiles(
        session=session.id, files=json.dumps(files) if files != before else "", upload=upload
    )


def _files(event: Event) -> Iterable[File]:
    match event:
        case (
            events.FirstFile(files=files)
            | events.FilesDelivered(files=files)
            | events.WebStopped(files=files)
            | events.PostponedResult(files=files)
        ):
            return files
        case events.Screenshot(name=str(path)):
            return (File(name=path.rpartition("/")[2]),)  # it comes with its folders (8.4)
        case events.TranscoderCompleted(users=users):
            return (file for user in users for file in user.files)
        case _:
            return ()


def _upload(session: Session, event: Event) -> str:
    match event:
        case events.FilesDelivered(in_backup=in_backup):
            return str(Upload.BACKED_UP if in_backup else Upload.UPLOADED)
        case events.UploadProgress(progress=progress) if progress == WHOLE:
            return str(Upload.UPLOADED) if session.phase in SETTLED else ""
        case _:
            return ""


def _less_sure(before: str, told: str) -> str:
    """Return the more cautious of both.

    One recorder of a session may have delivered all of its files, and another not (7.3).
    """
    return Upload.BACKED_UP if Upload.BACKED_UP in {before, told} else told or before


def _known(records: Records, session: Session, now_s: float) -> tuple[list[_Row], str]:
    """Return a session's files and upload; so asked that few others are read with them."""
    since_s = now_s if session.ended_s is None else session.ended_s
    for past in records.store.past(records.scope, session.recording, since_s):
        if past.session.id == session.id:
            return json.loads(past.files), past.upload
    return [], ""


def _merged(before: Iterable[_Row], told: Iterable[File], applied: str | None) -> list[_Row]:
    given = thaw(applied) if applied else None
    rows = {str(row["name"]): row for row in before}
    for file in told:
        if 0 < len(file.name) <= _NAME_LENGTH_MAX:
            rows[file.name] = _both(rows.get(file.name, {}), _row(file, given))
    pictures = sorted(name for name in rows if name.endswith(_PICTURE))
    others = sorted(rows.keys() - set(pictures))
    return [rows[name] for name in sorted(others[:FILES_MAX] + pictures[:SCREENSHOTS_MAX])]


def _row(file: File, applied: Applied | None) -> _Row:
    """Return a file as `engine/files.py` writes it."""
    start_ms = file.slice_start_ms
    is_time = start_ms is not None and 0 < start_ms < _TIME_MS_MAX
    return {
        "name": file.name,
        "uri": file_uri(applied, file.name) if applied else None,
        "track": file.track,
        "uid": file.uid,
        "started_at": start_ms / 1000 if is_time and start_ms is not None else None,
    }


def _both(one: Mapping[str, _Value], other: Mapping[str, _Value]) -> _Row:
    """Return what two rows of one file say; where they differ, the lesser."""
    return {name: _lesser(one.get(name), other.get(name)) for name in (*other, *one)}


def _lesser(one: _Value, other: _Value) -> _Value:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
