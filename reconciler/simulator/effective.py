"""The configuration that a recording really has: what was asked for, with every default. Pure.

Made by an accepted start and changed by accepted updates; each function returns a new one. Shown
by the control interface, since no endpoint of the service reads it back (agora-api.md 5).
"""

from reconciler.simulator import tree
from reconciler.simulator.bodies import RTMP, WEB
from reconciler.simulator.rules import INDIVIDUAL, MEDIA, MIX
from reconciler.simulator.tree import Json, Object

LAYOUT_DEFAULTS: Object = {"mixedVideoLayout": 0, "backgroundColor": "#000000"}
FRAME_RATES = (1, 7, 10, 15, 24, 30, 60)
SECRETS = frozenset({"token", "secretKey", "stsToken", "secret", "salt"})
FINGERPRINT_DIGITS = 16
HD_PIXELS = 1280 * 720

_CANVAS: Object = {"width": 360, "height": 640, "fps": 15, "bitrate": 500}
_RECORDING: Object = {
    "channelType": 0,
    "streamTypes": 2,
    "decryptionMode": 0,
    "videoStreamType": 0,
    "maxIdleTime": 30,
}
_ONLY: dict[str, Object] = {INDIVIDUAL: {"streamMode": "default"}, MIX: {"audioProfile": 0}}
_FOREIGN = {
    INDIVIDUAL: ("transcodingConfig", "audioProfile"),
    MIX: ("streamMode", "subscribeUidGroup"),
}
_WEB: Object = {
    "videoFps": 15,
    "mobile": False,
    "maxVideoDuration": 120,
    "onhold": False,
    "readyTimeout": 0,
}
_CREDENTIALS = ("accessKey", "secretKey", "stsToken", "stsExpiration")


def started(mode: str, request: Object) -> Object:
    """Return what a start's clientRequest makes of a recording."""
    config = dict(request)
    if mode in _ONLY:
        config["recordingConfig"] = _recording(mode, tree.child(request, "recordingConfig"))
    else:
        config.pop("recordingConfig", None)
        config.pop("token", None)
    if "snapshotConfig" in request:
        config["snapshotConfig"] = {"captureInterval": 10, **tree.child(request, "snapshotConfig")}
    if "snapshotConfig" not in request or "recordingFileConfig" in request:
        files = tree.child(request, "recordingFileConfig")
        config["recordingFileConfig"] = {"avFileType": ["hls"], **files}
    if WEB in _names(config):
        config = _with_service(config, WEB, _web(_service(config, WEB)))
    return config


def with_subscription(config: Object, subscribe: Object) -> Object:
    """Return the configuration after update's streamSubscribe, which replaces all lists."""
    recording = tree.child(config, "recordingConfig")
    kept = {key: value for key, value in recording.items() if not _is_list(key)}
    for medium in MEDIA:
        kept |= _canonical(tree.child(subscribe, f"{medium.lower()}UidList"))
    return {**config, "recordingConfig": kept}


def with_layout(config: Object, layout: Object) -> Object:
    """Return the configuration after updateLayout: what it leaves out is back at its default."""
    recording = tree.child(config, "recordingConfig")
    canvas = tree.child(recording, "transcodingConfig")
    size: Object = {key: canvas[key] for key in _CANVAS}
    return {**config, "recordingConfig": {**recording, "transcodingConfig": size | _layout(layout)}}


def with_credentials(config: Object, storage: Object) -> Object:
    """Return the configuration after update's storageConfig."""
    before = tree.child(config, "storageConfig")
    kept = {key: value for key, value in before.items() if key not in _CREDENTIALS}
    fresh = {key: storage[key] for key in _CREDENTIALS if key in storage}
    return {**config, "storageConfig": kept | fresh}


def with_onhold(config: Object, *, onhold: bool) -> Object:
    """Return the configuration of a web page recording that was paused or resumed."""
    return _with_service(config, WEB, {**_service(config, WEB), "onhold": onhold})


def with_outputs(config: Object, publish: Object) -> Object:
    """Return the configuration of a recording that is pushed somewhere else now."""
    return _with_service(config, RTMP, {**_service(config, RTMP), "outputs": publish["outputs"]})


def shown(config: Json) -> Json:
    """Return the configuration for people: secrets as fingerprints."""
    if isinstance(config, list):
        return [shown(item) for item in config]
    if not isinstance(config, dict):
        return config
    return {
        key: _fingerprint(value) if key in SECRETS else shown(value)
        for key, value in config.items()
    }


def service(config: Object, name: str) -> Object | None:
    """Return the parameters of an extension service, or None if the recording has none."""
    return _service(config, name) if name in _names(config) else None


def _recording(mode: str, given: Object) -> Object:
    own = {key: value for key, value in given.items() if key not in _FOREIGN[mode]}
    lists = _canonical({key: value for key, value in own.items() if _is_list(key)})
    rest = {key: value for key, value in own.items() if not _is_list(key)}
    recording = _RECORDING | _ONLY[mode] | rest | lists
    if mode == MIX:
        recording["transcodingConfig"] = _canvas(tree.child(given, "transcodingConfig"))
    return recording


def _canvas(given: Object) -> Object:
    size = {key: given.get(key, default) for key, default in _CANVAS.items()}
    if size["fps"] not in FRAME_RATES:
        size["fps"] = _CANVAS["fps"]  # the service replaces what it does not know (C34)
    return size | _layout({key: value for key, value in given.items() if key not in _CANVAS})


def _layout(given: Object) -> Object:
    layout = LAYOUT_DEFAULTS | given
    if "layoutConfig" in given:
        regions = tree.items(given, "layoutConfig")
        layout["layoutConfig"] = [{"alpha": 1, "render_mode": 0, **region} for region in regions]
    if "backgroundConfig" in given:
        backgrounds = tree.items(given, "backgroundConfig")
        layout["backgroundConfig"] = [{"render_mode": 0, **entry} for entry in backgrounds]
    return layout


def _web(given: Object) -> Object:
    pixels = tree.whole(given, "videoWidth") * tree.whole(given, "videoHeight")
    rate = given.get("VideoBitrate", 2000 if pixels >= HD_PIXELS else 1500)
    named = {key: value for key, value in given.items() if key != "VideoBitrate"}
    return {**_WEB, "videoBitrate": rate, **named}


def _is_list(key: str) -> bool:
    return key.lower() in {
        f"{word}{medium}uids" for word in _WORDS for medium in ("audio", "video")
    }


_WORDS = ("subscribe", "unsubscribe")


def _canonical(lists: Object) -> Object:
    """Return lists under one spelling; empty ones say nothing (C24)."""
    return {
        f"unSubscribe{key[len('unsubscribe') :]}" if key[0] == "u" else key: value
        for key, value in lists.items()
        if value
    }


def _services(config: Object) -> list[Object]:
    return tree.items(tree.child(config, "extensionServiceConfig"), "extensionServices")


def _names(config: Object) -> list[str]:
    return [tree.text(entry, "serviceName") for entry in _services(config)]


def _service(config: Object, name: str) -> Object:
    found = [entry for entry in _services(config) if entry.get("serviceName") == name]
    return tree.child(found[0], "serviceParam") if found else {}


def _with_service(config: Object, name: str, parameters: Object) -> Object:
    entries: list[Json] = [
        {**entry, "serviceParam": parameters} if entry.get("serviceName") == name else entry
        for entry in _services(config)
    ]
    extensions = tree.child(config, "extensionServiceConfig")
    return {**config, "extensionServiceConfig": {**extensions, "extensionServices": entries}}


def _fingerprint(value: Json) -> str:
    return f"sha256:{tree.digest(value)[:FINGERPRINT_DIGITS]}"
