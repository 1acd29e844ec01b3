"""Read the answers of the calls that succeeded (agora-api.md 2.2, 3.11, 4.1 to 4.5, 12.3).

Each reader returns None where the answer lacks what the call is made for: such an answer is no
success, whatever its status. Pure.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any, NamedTuple

from reconciler.agora import trees
from reconciler.agora.answers import (
    Acquired,
    File,
    NotificationIps,
    Observation,
    Push,
    Started,
    Stopped,
    Updated,
    Upload,
    WebRecorder,
)
from reconciler.agora.trees import Tree
from reconciler.spec.secrets import SecretValue


class Arrival(NamedTuple):
    """Where an answer came from, and when it was asked for (Unix seconds)."""

    host: str
    request_id: str | None
    asked_s: float


def unwrapped(tree: Tree) -> Tree:
    """Return the answer itself; two old sources print it inside a `Body` (1.6, K15)."""
    return trees.branch(tree, "Body") or tree


def acquired(tree: Tree, arrival: Arrival) -> Acquired | None:
    """Read an acquire's answer."""
    resource_id = trees.text(tree, "resourceId")
    if not resource_id:
        return None
    host, request_id, asked_s = arrival
    return Acquired(host=host, request_id=request_id, resource_id=resource_id, acquired_s=asked_s)


def started(tree: Tree, arrival: Arrival) -> Started | None:
    """Read a start's answer: without a `sid` it is no success (1.6)."""
    sid = trees.text(tree, "sid")
    return Started(host=arrival.host, request_id=arrival.request_id, sid=sid) if sid else None


def updated(tree: Tree, arrival: Arrival) -> Updated | None:
    """Read an update's or a layout's answer, which says nothing but whom it is about."""
    if not _names_session(tree):
        return None
    return Updated(host=arrival.host, request_id=arrival.request_id)


def observation(tree: Tree, arrival: Arrival) -> Observation | None:
    """Read a query's answer, variants QA to QE, QL and Q0 (4.3): all have a status."""
    said = trees.branch(tree, "serverResponse")
    status = trees.whole(said, "status")
    if status is None:
        return None
    slice_start_ms = trees.time_ms(said, "sliceStartTime")
    return Observation(**_reported(tree, arrival), status=status, slice_start_ms=slice_start_ms)


def stopped(tree: Tree, arrival: Arrival) -> Stopped | None:
    """Read a stop's answer, variants SA to SD (4.4)."""
    if not _names_session(tree):
        return None
    upload = _upload(trees.branch(tree, "serverResponse"))
    return Stopped(**_reported(tree, arrival), upload=upload)


def notification_ips(tree: Tree, arrival: Arrival) -> NotificationIps | None:
    """Read the addresses; what is none is ignored (4.5), and no address at all is no answer."""
    hosts = trees.branches(trees.branch(tree, "data", "service"), "hosts")
    addresses = tuple(filter(_is_address, (trees.text(host, "primaryIP") for host in hosts)))
    if not addresses:
        return None
    return NotificationIps(
        host=arrival.host, request_id=arrival.request_id, addresses=tuple(map(str, addresses))
    )


def files(tree: Tree) -> tuple[File, ...]:
    """Read a `fileList`, which is one name or a list of files (4.3)."""
    name = trees.text(tree, "fileList")
    if name is not None:
        return (File(name=name),) if name else ()
    return tuple(_files(tree))


def _names_session(tree: Tree) -> bool:
    return bool(trees.text(tree, "resourceId") or trees.text(tree, "sid"))


def _reported(tree: Tree, arrival: Arrival) -> dict[str, Any]:
    """Return the fields of `Reported`."""
    said = trees.branch(tree, "serverResponse")
    return {
        "host": arrival.host,
        "request_id": arrival.request_id,
        "channel": trees.text(tree, "cname"),
        "uid": trees.identity(tree, "uid"),
        "sid": trees.text(tree, "sid"),
        "file_list_mode": trees.text(said, "fileListMode"),
        "files": files(said),
        "web": _web(said),
        "pushes": tuple(_pushes(said)),
        "service_status": trees.text(trees.branch(said, "subServiceStatus"), "recordingService"),
    }


def _files(tree: Tree) -> Iterator[File]:
    for item in trees.branches(tree, "fileList"):
        name = trees.text(item, "fileName", "filename")  # both are in use: K8
        if name:
            yield File(
                name=name,
                track=trees.text(item, "trackType"),
                uid=trees.identity(item, "uid"),
                mixes_all_users=trees.flag(item, "mixedAllUser"),
                is_playable=trees.flag(item, "isPlayable"),
                slice_start_ms=trees.time_ms(item, "sliceStartTime"),
            )


def _services(said: Tree) -> Iterator[tuple[str | None, Tree]]:
    """Yield name and payload of each extension service, in no promised order."""
    for service in trees.branches(said, "extensionServiceState"):
        # S3's stop schema spells it `playload`: K30.
        payload = trees.branch(service, "payload") or trees.branch(service, "playload")
        yield trees.text(service, "serviceName"), payload


def _web(said: Tree) -> WebRecorder | None:
    for name, payload in _services(said):
        if name == "web_recorder_service":
            return WebRecorder(
                state=trees.text(payload, "state"),
                is_paused=trees.flag(payload, "onhold"),
                files=files(payload),
            )
    return None


def _pushes(said: Tree) -> Iterator[Push]:
    for name, payload in _services(said):
        if name == "rtmp_publish_service":
            # A stop tells one status for all (4.4).
            outputs = trees.branches(payload, "outputs") or (
                (payload,) if "status" in payload else ()
            )
            for output in outputs:
                address = SecretValue(trees.text(output, "rtmpUrl") or "")
                yield Push(address, trees.text(output, "status"))


def _upload(said: Tree) -> str | None:
    """Return the upload's state, whichever service tells it."""
    payloads = (said, *(payload for _, payload in _services(said)))
    states = (trees.text(payload, "uploadingStatus") for payload in payloads)
    state = next(filter(None, states), None)
    return Upload.UNKNOWN if state == "unknow" else state  # one source drops the n: K31


def _is_address(found: str | None) -> bool:
    try:
        ipaddress.ip_address(found or "")
    except ValueError:
        return False
    return True
