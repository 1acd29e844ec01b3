"""What several values of a body must be together (agora-api.md 3.13, rules C2 to C66). Pure.

Only what the documents call an error is refused; what they merely advise against is recorded as
it was asked for. Each function raises ShapeError with the first rule that is broken.
"""

import base64
import binascii
import re

from reconciler.simulator import tree
from reconciler.simulator.bodies import DENY_WORDS, RTMP, VOD, WEB
from reconciler.simulator.shape import refuse
from reconciler.simulator.tree import Object

INDIVIDUAL, MIX, WEB_PAGE = MODES = ("individual", "mix", "web")
SCENES = {0: (INDIVIDUAL, MIX), 1: (WEB_PAGE,), 2: (INDIVIDUAL,)}
AUDIO_ONLY, VIDEO_ONLY, BOTH = 0, 1, 2
PIXELS_MAX = 2_073_600
PREFIX_LENGTH_MAX = 128
SALT_BYTES = 32
SALTED_MODES = (7, 8)
CUSTOM_LAYOUT = 3
S3_COMPATIBLE = 11
TOLERANCE = 1e-6  # of sums of fractions (C37)
MEDIA = ("Audio", "Video")

_CHANNEL_BYTES_MAX = 64
_LABEL_BYTES_MAX = 1024
_CHANNEL_NAME = re.compile(r"[a-zA-Z0-9 !#$%&()+\-:;<=.>?@\[\]^_{}~,|]+")


def is_channel_name(cname: str, scene: int) -> bool:
    """Tell whether a recording of this scene may have this cname (C2)."""
    if scene in SCENES and WEB_PAGE in SCENES[scene]:
        return len(cname.encode()) <= _LABEL_BYTES_MAX
    return bool(_CHANNEL_NAME.fullmatch(cname)) and len(cname) <= _CHANNEL_BYTES_MAX


def check_start(mode: str, scene: int, request: Object) -> None:
    """Check start's clientRequest."""
    if mode not in SCENES[scene]:
        refuse("mode", f"`{mode}` does not fit scene {scene} of acquire")
    _check_blocks(mode, request)
    if mode != WEB_PAGE:
        recording = tree.child(request, "recordingConfig")
        path = "clientRequest.recordingConfig"
        _check_lists(recording, path, tree.whole(recording, "streamTypes", BOTH))
        _check_encryption(recording, path)
        canvas = tree.child(recording, "transcodingConfig")
        _check_pixels(canvas, f"{path}.transcodingConfig", ("width", "height"), (360, 640))
        check_layout(canvas, f"{path}.transcodingConfig")
    if "snapshotConfig" in request:
        _check_screenshots(tree.child(request, "recordingConfig"))
    _check_postponed(request)
    _check_services(request)
    if "storageConfig" in request:
        check_storage(tree.child(request, "storageConfig"))


def check_layout(layout: Object, path: str = "clientRequest") -> None:
    """Check what updateLayout and transcodingConfig share (C36, C37)."""
    regions = tree.items(layout, "layoutConfig")
    if tree.whole(layout, "mixedVideoLayout") == CUSTOM_LAYOUT and not regions:
        refuse(f"{path}.layoutConfig", "is missing, layout 3 needs it")
    for index, region in enumerate(regions):
        for start, length in (("x_axis", "width"), ("y_axis", "height")):
            if tree.number(region, start) + tree.number(region, length) > 1 + TOLERANCE:
                refuse(f"{path}.layoutConfig[{index}]", f"`{start}` and `{length}` exceed 1")


def check_subscription(subscribe: Object, stream_types: int) -> None:
    """Check update's streamSubscribe against what the recording subscribes to (4.1)."""
    for medium in MEDIA:
        block = f"{medium.lower()}UidList"
        path = f"clientRequest.streamSubscribe.{block}"
        _check_medium(tree.child(subscribe, block), path, medium, stream_types)


def check_storage(storage: Object) -> None:
    """Check storageConfig (C64, C65)."""
    path = "clientRequest.storageConfig"
    prefix = tree.texts(storage, "fileNamePrefix")
    if len("".join(f"{part}/" for part in prefix)) > PREFIX_LENGTH_MAX:
        refuse(f"{path}.fileNamePrefix", f"must have at most {PREFIX_LENGTH_MAX} characters")
    endpoint = tree.text(tree.child(storage, "extensionParams"), "endpoint")
    if tree.whole(storage, "vendor") == S3_COMPATIBLE and not endpoint:
        refuse(f"{path}.extensionParams.endpoint", f"is missing, vendor {S3_COMPATIBLE} needs it")


def services(request: Object) -> dict[str, Object]:
    """Return the parameters of each extension service by its name."""
    found = tree.items(tree.child(request, "extensionServiceConfig"), "extensionServices")
    return {
        tree.text(service, "serviceName"): tree.child(service, "serviceParam") for service in found
    }


def _check_blocks(mode: str, request: Object) -> None:
    """Check which blocks belong to which mode (C7, C10, C11, C12, C14)."""
    names = services(request)
    needed = ["extensionServiceConfig"] if mode == WEB_PAGE else ["recordingConfig"]
    needed += [] if VOD in names else ["storageConfig"]
    for key in needed:
        if key not in request:
            refuse(f"clientRequest.{key}", "is missing")
    foreign = {"snapshotConfig", "transcodeOptions"} if mode != INDIVIDUAL else set()
    if mode != INDIVIDUAL and _policy(request) == "postpone_transcoding":
        foreign.add("appsCollection")
    for key in sorted(foreign & set(request)):
        refuse(f"clientRequest.{key}", f"is for mode `{INDIVIDUAL}` only")
    if mode != WEB_PAGE and {WEB, RTMP} & set(names):
        refuse("clientRequest.extensionServiceConfig", f"is for mode `{WEB_PAGE}` only")
    if mode == WEB_PAGE and (WEB not in names or VOD in names):
        refuse("clientRequest.extensionServiceConfig", f"must hold `{WEB}`, not `{VOD}`")


def _check_lists(lists: Object, path: str, stream_types: int) -> None:
    for medium in MEDIA:
        _check_medium(lists, path, medium, stream_types)


def _check_medium(lists: Object, path: str, medium: str, stream_types: int) -> None:
    """Check one medium's lists (C22, C26)."""
    given = [f"{word}{medium}Uids" for word in ("subscribe", *DENY_WORDS)]
    given = [key for key in given if key in lists]
    if len(given) > 1:
        refuse(f"{path}.{given[1]}", f"must not stand beside `{given[0]}`")
    silent = VIDEO_ONLY if medium == "Audio" else AUDIO_ONLY
    if given and stream_types == silent:
        refuse(f"{path}.{given[0]}", f"must not be given with streamTypes {stream_types}")


def _check_encryption(recording: Object, path: str) -> None:
    """Check secret and salt (C30)."""
    mode = tree.whole(recording, "decryptionMode")
    if mode and not tree.text(recording, "secret"):
        refuse(f"{path}.secret", f"is missing, decryptionMode {mode} needs it")
    if mode in SALTED_MODES and not _is_salt(tree.text(recording, "salt")):
        refuse(f"{path}.salt", f"must be base64 of {SALT_BYTES} bytes with decryptionMode {mode}")


def _is_salt(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == SALT_BYTES
    except (binascii.Error, ValueError):
        return False


def _check_pixels(
    size: Object, path: str, keys: tuple[str, str], defaults: tuple[int, int] = (0, 0)
) -> None:
    """Check the area of a picture (C33, C54)."""
    width, height = (
        tree.whole(size, key, default) for key, default in zip(keys, defaults, strict=True)
    )
    if width * height > PIXELS_MAX:
        refuse(f"{path}.{keys[0]}", f"times `{keys[1]}` must be at most {PIXELS_MAX}")


def _check_screenshots(recording: Object) -> None:
    """Check that somebody's picture is there to be taken (C46)."""
    path = "clientRequest.snapshotConfig"
    if tree.whole(recording, "streamTypes", BOTH) == AUDIO_ONLY:
        refuse(path, "must not be given with streamTypes 0")
    if "subscribeAudioUids" in recording and "subscribeVideoUids" not in recording:
        refuse(path, "needs `subscribeVideoUids` beside `subscribeAudioUids`")


def _check_postponed(request: Object) -> None:
    """Check postponed transcoding and mixing (C48, C49, C51)."""
    options = tree.child(request, "transcodeOptions")
    if not options:
        return
    path = "clientRequest.transcodeOptions"
    if _policy(request) != "postpone_transcoding":
        refuse(path, "needs appsCollection.combinationPolicy `postpone_transcoding`")
    container = tree.text(tree.child(options, "container"), "format")
    if tree.text(tree.child(options, "transConfig"), "transMode") == "postponeTranscoding":
        if container not in {"", "mp4"}:
            refuse(f"{path}.container.format", "must be mp4")
        return
    if container == "mp4":
        refuse(f"{path}.container.format", "must be one of mp3, m4a, aac")
    recording = tree.child(request, "recordingConfig")
    if tree.whole(recording, "streamTypes", BOTH) != AUDIO_ONLY:
        refuse(path, "audioMix needs streamTypes 0")
    if tree.text(recording, "streamMode") != "original":
        refuse(path, "audioMix needs streamMode `original`")


def _check_services(request: Object) -> None:
    """Check the extension services (C53, C54)."""
    path = "clientRequest.extensionServiceConfig.extensionServices"
    listed = tree.items(tree.child(request, "extensionServiceConfig"), "extensionServices")
    names = [tree.text(service, "serviceName") for service in listed]
    if len(names) != len(set(names)):
        refuse(path, "must name each service once")
    for index, service in enumerate(listed):
        size = tree.child(service, "serviceParam")
        _check_pixels(size, f"{path}[{index}].serviceParam", ("videoWidth", "videoHeight"))


def _policy(request: Object) -> str:
    return tree.text(tree.child(request, "appsCollection"), "combinationPolicy")
