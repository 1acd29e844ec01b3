"""What is written: recorded files and snapshots."""

from collections.abc import Iterable

from reconciler.spec import limits
from reconciler.spec.rules.read import (
    AUDIO_ONLY,
    RECORDING,
    STREAMS,
    block,
    literal,
    out_of_range,
    unlike,
)
from reconciler.spec.rules.rule import (
    ALL,
    INDIVIDUAL,
    MIX,
    WEB,
    Body,
    Finding,
    error,
    rule,
    warning,
)
from reconciler.spec.rules.subscriptions import AUDIO, LIST_PATHS, VIDEO, subscription_lists
from reconciler.spec.wire import Json, Mode, Path

FILES: Path = ("recordingFileConfig",)
FILE_TYPES: Path = (*FILES, "avFileType")
SNAPSHOTS: Path = ("snapshotConfig",)
INTERVAL: Path = (*SNAPSHOTS, "captureInterval")
IMAGE_TYPES: Path = (*SNAPSHOTS, "fileType")


@rule("C43", "files-missing", ALL, (FILES, SNAPSHOTS), "3.13 C43; K18, K19")
def files_missing(body: Body) -> Iterable[Finding]:
    """Warn of a start that names no files and takes no snapshots alone."""
    snapshots_only = body.mode is Mode.INDIVIDUAL and body.request.get("snapshotConfig") is not None
    if snapshots_only or body.request.get("recordingFileConfig") is not None:
        return ()
    return (warning(FILES, "is missing, `hls` files are assumed", "say which files to write"),)


@rule("C42", "file-types", ALL, (FILE_TYPES,), "3.13 C42; K27")
def file_types(body: Body) -> Iterable[Finding]:
    """Refuse files without hls and unknown kinds of files; warn of mp4 in individual recordings."""
    found = block(body.request, "recordingFileConfig").get("avFileType")
    if not isinstance(found, list) or found == ["hls"]:
        return ()
    findings = [
        finding
        for index, item in enumerate(found)
        if (finding := _file_type((*FILE_TYPES, index), item, body.mode))
    ]
    if "hls" not in map(literal, found):
        findings.append(error(FILE_TYPES, "must contain `hls`", "mp4 files are made beside hls"))
    return findings


@rule("C12", "snapshots-mode", MIX | WEB, (SNAPSHOTS,), "3.13 C12")
def snapshots_mode(body: Body) -> Iterable[Finding]:
    """Refuse snapshots outside individual mode."""
    if body.request.get("snapshotConfig") is None:
        return ()
    hint = "take snapshots with a second recording in mode individual"
    return (error(SNAPSHOTS, "is for individual recordings", hint),)


@rule("C44", "snapshot-interval", INDIVIDUAL, (INTERVAL,), "3.13 C44; K2")
def snapshot_interval(body: Body) -> Iterable[Finding]:
    """Refuse a snapshot interval that is not a whole number of seconds, 1 to 3600; warn below 5."""
    value = block(body.request, "snapshotConfig").get("captureInterval")
    if value is None:
        return ()
    if message := out_of_range(value, limits.SNAPSHOT_INTERVAL_S, "seconds"):
        return (error(INTERVAL, message),)
    common = limits.SNAPSHOT_INTERVAL_COMMON_S
    if isinstance(value, int) and value < common:
        message = f"is below {common} seconds, where some of the service's documents begin"
        return (warning(INTERVAL, message),)
    return ()


@rule("C45", "snapshot-type", INDIVIDUAL, (IMAGE_TYPES,), "3.13 C45")
def snapshot_type(body: Body) -> Iterable[Finding]:
    """Refuse snapshots in another form than jpg."""
    snapshots = body.request.get("snapshotConfig")
    if not isinstance(snapshots, dict):
        return ()
    found = snapshots.get("fileType")
    if found is None:
        return (error(IMAGE_TYPES, "is missing, must be `jpg`"),)
    if not isinstance(found, list) or list(map(literal, found)) == ["jpg"]:
        return ()
    return (error(IMAGE_TYPES, "must hold `jpg` and nothing else"),)


@rule("C46", "snapshot-streams", INDIVIDUAL, (SNAPSHOTS, STREAMS, *LIST_PATHS), "3.13 C46; K35")
def snapshot_streams(body: Body) -> Iterable[Finding]:
    """Refuse snapshots where no video is recorded, or only some users' audio is listed."""
    if body.request.get("snapshotConfig") is None:
        return ()
    if body.streams == AUDIO_ONLY:
        return (error(STREAMS, "must include video where snapshots are taken"),)
    lists = subscription_lists(body)
    if AUDIO[0] not in lists or VIDEO[0] in lists:
        return ()
    # The documents ask for this list by name: one of those to leave out does not stand for it.
    path, hint = (*RECORDING, VIDEO[0]), "list whose video to take, or everybody's"
    return (error(path, "is missing beside the list for audio, as snapshots need it", hint),)


def _file_type(path: Path, item: Json, mode: Mode) -> Finding | None:
    name = literal(item)
    if name is None or name == "hls":
        return None
    if name != "mp4":
        return error(path, unlike(item, "`hls` or `mp4`"))
    if mode is Mode.INDIVIDUAL:
        return warning(path, "is documented for mix and web recordings only", "leave it out")
    return None
