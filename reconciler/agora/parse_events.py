"""Read the `details` of an event by its type (agora-api.md 8.4). Pure."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from reconciler.agora import events, trees
from reconciler.agora.events import Event
from reconciler.agora.parse import files
from reconciler.agora.trees import Tree
from reconciler.spec.secrets import SecretValue


def read_event(kind: int | None, details: Tree) -> Event:
    """Return the event; one of an unknown type, or of another product (None), whole."""
    reader = READERS.get(kind) if kind is not None else None
    return reader(details) if reader else events.UnknownEvent(MappingProxyType(dict(details)))


def _error(details: Tree) -> Event:
    return events.ServiceError(
        module=trees.whole(details, "module"),
        level=trees.whole(details, "errorLevel"),
        code=trees.whole(details, "errorCode"),
        message=trees.text(details, "errorMsg"),
    )


def _warning(details: Tree) -> Event:
    return events.ServiceWarning(trees.whole(details, "module"), trees.whole(details, "warnCode"))


def _status_update(details: Tree) -> Event:
    status, mode = trees.whole(details, "status"), trees.whole(details, "recordingMode")
    return events.StatusUpdate(status, mode, files(details))


def _delivered(details: Tree, *, in_backup: bool) -> Event:
    return events.FilesDelivered(in_backup, trees.whole(details, "status"), files(details))


def _slice_started(details: Tree) -> Event:
    return events.SliceStarted(
        start_ms=trees.time_ms(details, "startUtcMs"),
        gap_start_ms=trees.time_ms(details, "discontinueUtcMs"),
        uid=trees.identity(details, "streamUid"),
        track=trees.text(details, "trackType"),
        mixes_all_users=trees.flag(details, "mixedAllUser"),
    )


def _stream_changed(details: Tree, medium: str) -> Event:
    uid, state = trees.identity(details, "streamUid"), trees.whole(details, "state")
    return events.StreamChanged(medium, uid, state, trees.time_ms(details, "UtcMs"))


def _web_stopped(details: Tree) -> Event:
    return events.WebStopped(
        code=trees.whole(details, "code"),
        # One message is printed with a space at its end (8.4).
        message=(trees.text(details, "message") or "").strip() or None,
        details=trees.text(details, "details"),
        files=files(details),
    )


def _transcoded(details: Tree) -> Event:
    users = tuple(
        events.TranscodedUser(trees.identity(user, "uid"), trees.text(user, "result"), files(user))
        for user in trees.branches(details, "uids")
    )
    return events.TranscoderCompleted(trees.text(details, "result"), users)


def _download_failed(details: Tree) -> Event:
    names = (trees.text(details, "fileName") or "").split(";")
    return events.DownloadFailed(
        vendor=trees.whole(details, "vendor"),
        region=trees.whole(details, "region"),
        bucket=trees.text(details, "bucket"),
        names=tuple(name for name in names if name),
    )


def _push_status(details: Tree) -> Event:
    address = SecretValue(trees.text(details, "rtmpUrl") or "")
    # The table says number, its values are texts (8.4).
    return events.PushStatusChanged(address, trees.identity(details, "status"))


# By the event's type.
READERS: Final[Mapping[int, Callable[[Tree], Event]]] = {
    1: _error,
    2: _warning,
    3: _status_update,
    4: lambda details: events.FirstFile(files(details)),
    11: lambda details: events.SessionExit(trees.whole(details, "exitStatus")),
    12: lambda details: events.SessionFailover(trees.identity(details, "newUid")),
    13: lambda _: events.StandbyReady(),
    30: lambda details: events.UploaderStarted(trees.whole(details, "status")),
    31: lambda details: _delivered(details, in_backup=False),
    32: lambda details: _delivered(details, in_backup=True),
    33: lambda details: events.UploadProgress(trees.whole(details, "progress")),
    40: lambda details: events.RecorderStarted(trees.whole(details, "status")),
    41: lambda details: events.RecorderLeft(trees.whole(details, "leaveCode")),
    42: _slice_started,
    43: lambda details: _stream_changed(details, "audio"),
    44: lambda details: _stream_changed(details, "video"),
    45: lambda details: events.Screenshot(trees.text(details, "fileName")),
    60: lambda details: events.VodStarted(
        trees.text(trees.branch(details, "aliVodInfo"), "videoId")
    ),
    61: lambda _: events.VodTriggered(),
    70: lambda details: events.WebStarted(trees.time_ms(details, "recorderStartTime")),
    71: _web_stopped,
    72: lambda details: events.WebLimit(trees.text(details, "limitType")),
    73: lambda details: events.WebReload(trees.text(details, "reason")),
    80: lambda _: events.TranscoderStarted(),
    81: _transcoded,
    90: _download_failed,
    100: _push_status,
    1001: lambda details: events.PostponedResult(trees.text(details, "result"), files(details)),
}
