"""What of a running session can change, and the bodies that carry each change whole. Pure.

`update` and `updateLayout` override what was there (agora-api.md 4.1, 4.2), so each body says all
of its group: the lists of every subscribed medium, the whole layout, the whole storage.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from reconciler.spec import mapping
from reconciler.spec.desired import Desired, client_request
from reconciler.spec.wire import Json, Mode, Path, get


class Group(StrEnum):
    """A part of the configuration that changes by itself, in the order of sending (4.1)."""

    CREDENTIALS = "credentials"
    SUBSCRIPTIONS = "subscriptions"
    RTMP = "rtmp"
    PAUSED = "paused"
    LAYOUT = "layout"


def group_requests(desired: Desired) -> dict[Group, dict[str, Json]]:
    """Return the `clientRequest` that would set each group of this recording as it is desired."""
    return requests_by_group(desired.mode, client_request(desired))


def requests_by_group(mode: Mode, request: Mapping[str, Any]) -> dict[Group, dict[str, Json]]:
    """Return the `clientRequest` that sets each group as the one of a start says it."""
    found: dict[Group, dict[str, Json]] = {}
    if "storageConfig" in request:
        found[Group.CREDENTIALS] = {"storageConfig": request["storageConfig"]}
    if mode is Mode.WEB:
        return found | _web(request)
    found[Group.SUBSCRIPTIONS] = {"streamSubscribe": _subscriptions(get(request, _RECORDING) or {})}
    if mode is Mode.MIX:
        found[Group.LAYOUT] = _layout(get(request, _CANVAS) or {})
    return found


_RECORDING: Path = ("recordingConfig",)
_CANVAS: Path = (*_RECORDING, "transcodingConfig")
_LAYOUT_KEYS = frozenset(
    row.wire[len(_CANVAS)] for row in mapping.FIELDS if row.change is mapping.Change.LAYOUT
)
_MEDIA = {0: ("audio",), 1: ("video",)}


def _subscriptions(recording: Mapping[str, Any]) -> dict[str, Json]:
    """Return both media's lists: a medium without one would be switched off (3.4)."""
    recording = {
        mapping.LOWER_CASE_DENY.get(key, key): said for key, said in recording.items()
    }  # K1
    media = _MEDIA.get(recording.get("streamTypes", 2), ("audio", "video"))
    lists = {medium: _lists(medium, recording) for medium in ("audio", "video")}
    if not any(lists.values()):
        lists |= {medium: _everyone(medium) for medium in media}
    return {f"{medium}UidList": said for medium, said in lists.items() if said}


def _lists(medium: str, recording: Mapping[str, Any]) -> dict[str, Json]:
    paths = mapping.SUBSCRIPTION_WIRE[f"subscriptions.{medium}"]
    return {str(path[-1]): recording[path[-1]] for path in paths if path[-1] in recording}


def _everyone(medium: str) -> dict[str, Json]:
    allow, _ = mapping.SUBSCRIPTION_WIRE[f"subscriptions.{medium}"]
    return {str(allow[-1]): [mapping.ALL_STREAMS]}


def _layout(canvas: Mapping[str, Any]) -> dict[str, Json]:
    """Return the whole layout: what is left out would return to its default (4.2)."""
    said = {str(key): value for key, value in canvas.items() if key in _LAYOUT_KEYS}
    return {"mixedVideoLayout": 0} | said


def _web(request: Mapping[str, Any]) -> dict[Group, dict[str, Json]]:
    services = get(request, mapping.SERVICES) or []
    params = {service["serviceName"]: service["serviceParam"] for service in services}
    page = params.get(mapping.WEB_SERVICE, {})
    found: dict[Group, dict[str, Json]] = {}
    if mapping.RTMP_SERVICE in params:
        found[Group.RTMP] = {
            "rtmpPublishConfig": {"outputs": params[mapping.RTMP_SERVICE]["outputs"]}
        }
    found[Group.PAUSED] = {"webRecordingConfig": {"onhold": page.get("onhold", False)}}
    return found
