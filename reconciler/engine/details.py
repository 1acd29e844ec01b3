"""What is kept of a notification's event: a list of what may be, so that no secret is in it.

Addresses of pushes hold stream keys, and messages whatever the service was sent; what no document
knows may be anything. None of these are kept. Pure.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reconciler.agora import events
from reconciler.agora.answers import File
from reconciler.agora.events import Event
from reconciler.agora.notifications import NUMBER_MAX

TEXT_LENGTH_MAX = 200

# By class of event, the fields that are kept; of files, how many there are.
_KEPT: Final[Mapping[type[Event], tuple[str, ...]]] = MappingProxyType(
    {
        events.ServiceError: ("module", "level", "code"),
        events.ServiceWarning: ("module", "code"),
        events.StatusUpdate: ("status", "mode"),
        events.FirstFile: ("files",),
        events.SessionExit: ("status",),
        events.SessionFailover: ("new_uid",),
        events.UploaderStarted: ("status",),
        events.FilesDelivered: ("status", "files"),
        events.UploadProgress: ("progress",),
        events.RecorderStarted: ("status",),
        events.RecorderLeft: ("code",),
        events.SliceStarted: ("start_ms", "gap_start_ms", "uid", "track", "mixes_all_users"),
        events.StreamChanged: ("medium", "uid", "state", "at_ms"),
        events.Screenshot: ("name",),
        events.VodStarted: ("video_id",),
        events.WebStarted: ("start_ms",),
        events.WebStopped: ("code", "files"),
        events.WebLimit: ("limit",),
        events.WebReload: ("reason",),
        events.TranscoderCompleted: ("outcome",),
        events.DownloadFailed: ("vendor", "region"),
        events.PushStatusChanged: ("status",),
        events.PostponedResult: ("outcome", "files"),
    }
)


def details_of(event: Event) -> str:
    """Return what is kept of an event as a JSON object; an empty text for nothing."""
    told = ((name, _short(getattr(event, name))) for name in _KEPT.get(type(event), ()))
    kept = {name: value for name, value in told if value is not None}
    return json.dumps(kept, separators=(",", ":")) if kept else ""


def _short(value: str | int | tuple[File, ...] | None) -> str | int | None:
    match value:
        case int():
            return value if abs(value) <= NUMBER_MAX else None
        case str():
            return value[:TEXT_LENGTH_MAX]
        case None:
            return None
        case _:
            return len(value)
