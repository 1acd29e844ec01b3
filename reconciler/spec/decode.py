"""The wire to a Recording spec: backwards through the mapping table. Pure.

What the table does not know, or not in this mode, is left over for `raw`. Values that are the only
ones allowed and the service's default (error policies, API version) are left out, as nothing is
lost by it.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.spec import mapping
from reconciler.spec.mapping import EACH, Field
from reconciler.spec.secrets import Secret
from reconciler.spec.vendors import region_name, vendor
from reconciler.spec.wire import Json, Mode, Path, get, put

_CONSTANTS: tuple[tuple[Path, Any], ...] = (
    (("extensionServiceConfig", "errorHandlePolicy"), "error_abort"),
    (("extensionServiceConfig", "apiVersion"), "v1"),
    ((*mapping.SERVICES, mapping.WEB_SERVICE, "errorHandlePolicy"), "error_abort"),
    ((*mapping.SERVICES, mapping.RTMP_SERVICE, "errorHandlePolicy"), "error_ignore"),
    ((*mapping.SERVICES, mapping.VOD_SERVICE, "errorHandlePolicy"), "error_abort"),
)
_BLOCKS = sorted(
    {row.wire[:length] for row in mapping.FIELDS for length in range(1, len(row.wire))}, key=len
)[::-1]
"""Wire objects that say nothing when they are empty, the innermost first."""

_POLICY = ("appsCollection", "combinationPolicy")
_TRANS_MODE = ("transcodeOptions", "transConfig", "transMode")
_CIPHER = ("recordingConfig", "decryptionMode")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A Recording spec without its storage, and the wire keys that it could not hold."""

    spec: dict[str, Any]
    rest: dict[str, Json]


def decode(mode: Mode, request: Mapping[str, Json], acquire: Mapping[str, Json]) -> Decoded:
    """Return the spec of a start's `clientRequest`.

    Its `storageConfig` is `storage_spec`'s and is passed over.
    """
    whole: dict[str, Any] = copy.deepcopy(
        {key: value for key, value in request.items() if key != "storageConfig"}
    )
    rest = {
        **_by_name(whole),
        "acquire": {key: value for key, value in acquire.items() if key != "scene"},
    }
    spec: dict[str, Any] = {}
    _constants(rest)
    _one_spelling(rest)
    if mode is not Mode.WEB:
        _subscriptions(spec, rest)
        if get(rest, _CIPHER) == 0:
            _pop(rest, _CIPHER)
    if mode is Mode.INDIVIDUAL:
        _blocks(spec, rest)
    _fields(mode, spec, rest)
    for path in _BLOCKS:
        if get(rest, path) == {}:
            _pop(rest, path)
    return Decoded(spec, _relisted(rest, whole))


def _by_name(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the tree with services under their names, if each has one; else as it is."""
    services = get(tree, mapping.SERVICES)
    if not isinstance(services, list):
        return copy.deepcopy(tree)
    names = [get(service, ("serviceName",)) for service in services]
    if len(set(map(str, names))) < len(names) or not all(isinstance(name, str) for name in names):
        return copy.deepcopy(tree)
    named = {
        name: {key: copy.deepcopy(value) for key, value in service.items() if key != "serviceName"}
        for name, service in zip(names, services, strict=True)
    }
    config = {**tree[mapping.SERVICES[0]], mapping.SERVICES[1]: named}
    return {**copy.deepcopy(tree), mapping.SERVICES[0]: config}


def _relisted(rest: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Give a left-over service the whole list it came from.

    In `raw` a list replaces, it cannot be mended.
    """
    if isinstance(get(rest, mapping.SERVICES), dict):
        rest[mapping.SERVICES[0]] = {
            **rest[mapping.SERVICES[0]],
            mapping.SERVICES[1]: get(whole, mapping.SERVICES),
        }
    return rest


def _constants(rest: dict[str, Any]) -> None:
    for path, value in _CONSTANTS:
        if get(rest, path) == value:
            _pop(rest, path)


def _one_spelling(rest: dict[str, Any]) -> None:
    """Read the page's bitrate as two of the official clients spell it (K33)."""
    page = get(rest, (*mapping.SERVICES, mapping.WEB_SERVICE, "serviceParam"))
    if isinstance(page, dict) and "VideoBitrate" in page:
        page.setdefault("videoBitrate", page.pop("VideoBitrate"))


def _fields(mode: Mode, spec: dict[str, Any], rest: dict[str, Any]) -> None:
    lists: dict[Path, None] = {}
    for row in mapping.of_mode(mode):
        if EACH in row.wire:
            lists[row.wire[: row.wire.index(EACH)]] = None
        elif _has_place(row, spec):
            _field(row, spec, rest)
    for wire in lists:
        _list(mode, wire, spec, rest)


def _has_place(row: Field, spec: dict[str, Any]) -> bool:
    """Tell whether this format can say a field beside what it has said so far."""
    if row.path.startswith("postProcessing."):
        return get(spec, tuple(row.path.split(".")[:2])) is not None
    if row.path == "layout.focusUid":
        return bool(get(spec, ("layout", "type")) == "vertical")
    if row.path in {"encryption.key", "encryption.salt"}:
        return get(spec, ("encryption", "mode")) is not None
    return True


def _field(row: Field, spec: dict[str, Any], rest: dict[str, Any]) -> None:
    value = get(rest, row.wire)
    if value is None:
        return
    try:
        decoded = row.codec.decode(value)
    except (TypeError, ValueError, KeyError):
        return
    put(spec, tuple(row.path.split(".")), decoded)
    _pop(rest, row.wire)


def _list(mode: Mode, wire: Path, spec: dict[str, Any], rest: dict[str, Any]) -> None:
    """Read a list of objects, if this format can say all of it.

    A layout's regions only where they have a use.
    """
    items = get(rest, wire)
    rows = [row for row in mapping.of_mode(mode) if row.wire[: len(wire) + 1] == (*wire, EACH)]
    path = tuple(rows[0].path.partition(EACH)[0].split("."))
    if not isinstance(items, list) or (
        path == ("layout", "regions") and get(spec, ("layout", "type")) != "custom"
    ):
        return
    decoded = [_item(rows, item) for item in items]
    if all(item is not None for item in decoded):
        put(spec, path, decoded)
        _pop(rest, wire)


def _item(rows: list[Field], item: Any) -> dict[str, Any] | None:
    if not isinstance(item, dict):
        return None
    rest, spec = dict(item), dict[str, Any]()
    for row in rows:
        key = str(row.wire[-1])
        if key in rest:
            try:
                spec[row.path.rpartition(".")[2]] = row.codec.decode(rest.pop(key))
            except (TypeError, ValueError, KeyError):
                return None
    return None if rest else spec


def _blocks(spec: dict[str, Any], rest: dict[str, Any]) -> None:
    """Read the blocks whose presence alone says something.

    Snapshots and what is made of the files.
    """
    if isinstance(rest.get("snapshotConfig"), dict):
        spec["snapshots"] = {}
        if get(rest, ("snapshotConfig", "fileType")) == ["jpg"]:
            _pop(rest, ("snapshotConfig", "fileType"))
    if get(rest, _POLICY) == "default":
        _pop(rest, _POLICY)
    if get(rest, _POLICY) != "postpone_transcoding":
        return
    trans_mode = get(rest, _TRANS_MODE)
    block = {"audioMix": "mixAudio", "postponeTranscoding": "transcode", None: "transcode"}.get(
        trans_mode
    )
    if block:
        spec["postProcessing"] = {block: {}}
        _pop(rest, _POLICY)
        _pop(rest, _TRANS_MODE)


def _subscriptions(spec: dict[str, Any], rest: dict[str, Any]) -> None:
    recording = rest.get("recordingConfig")
    if not isinstance(recording, dict):
        return
    for lower, right in mapping.LOWER_CASE_DENY.items():
        if lower in recording and right not in recording:
            recording[right] = recording.pop(lower)
    chosen = {path: _selection(rest, *lists) for path, lists in mapping.SUBSCRIPTION_WIRE.items()}
    if not any(chosen.values()):
        return
    unsubscribed = {0: "subscriptions.video", 1: "subscriptions.audio"}.get(
        recording.get("streamTypes", 2)
    )
    for path, value in chosen.items():
        if value or path != unsubscribed:
            put(spec, tuple(path.split(".")), value or "none")


def _selection(rest: dict[str, Any], allow: Path, deny: Path) -> Any:
    allowed, denied = get(rest, allow), get(rest, deny)
    if allowed and denied is None and _are_texts(allowed):
        _pop(rest, allow)
        return "all" if allowed == [mapping.ALL_STREAMS] else allowed
    if denied and allowed is None and _are_texts(denied):
        _pop(rest, deny)
        return {"except": denied}
    return None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def storage_spec(config: Mapping[str, Json]) -> tuple[dict[str, Any], dict[str, Json]]:
    """Return the Storage spec of a `storageConfig`, and the keys that it could not hold."""
    rest: dict[str, Any] = {"storageConfig": copy.deepcopy(dict(config))}
    inner = rest["storageConfig"]
    spec: dict[str, Any] = {}
    number = inner.get("vendor")
    found = vendor(number) if isinstance(number, int) and not isinstance(number, bool) else None
    if found:
        spec["vendor"] = found.name
        del inner["vendor"]
        region = inner.get("region")
        if isinstance(region, int) and not isinstance(region, bool):
            if found.regions:
                spec["region"] = region_name(found, region) or region
            del inner["region"]
    whole = inner.get("accessKey")
    if isinstance(whole, Secret) and whole.part:
        spec["credentials"] = mapping.secret_form(whole)
        for key in ("accessKey", "secretKey", "stsToken", "stsExpiration"):
            inner.pop(key, None)
    for row in mapping.STORAGE_FIELDS:
        _field(row, spec, rest)
    return spec, rest


def _pop(tree: dict[str, Any], path: Path) -> None:
    """Take a value out, and with it the objects and lists that this leaves empty."""
    parent: Any = get(tree, path[:-1])
    if not isinstance(parent, dict | list):
        return
    step: Any = path[-1]
    del parent[step]
    if not parent and len(path) > 1:
        _pop(tree, path[:-1])
