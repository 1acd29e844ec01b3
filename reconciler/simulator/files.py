"""Names and lists of recorded files, as they grow (agora-api.md 9.1, 9.2, 8.5). Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.simulator.notices import milliseconds
from reconciler.simulator.tree import Object

BOTH_TRACKS = "audio_and_video"
EVERYBODY = "0"  # the uid of what all users share a file of
MIX_MP4_S = 7_200  # K28
MP4_FILES_MAX = 2_000

_REPLACED = str.maketrans(dict.fromkeys("!@#$%^&*()+_.=[]{}~|,;:?<>", "-"))


@dataclass(slots=True)
class Meter:
    """How long something has been running, pauses left out."""

    total_s: float = 0.0
    since_s: float | None = None

    def turn(self, now_s: float, *, on: bool) -> None:
        """Start or stop; saying the same twice changes nothing."""
        self.total_s = self.seconds(now_s)
        self.since_s = now_s if on else None

    def seconds(self, now_s: float) -> float:
        """Return the seconds until now."""
        return self.total_s + (0.0 if self.since_s is None else now_s - self.since_s)


@dataclass(slots=True)
class Take:
    """What one recorder of a session writes; a failover begins another."""

    prefix: str = ""
    first_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """When each track of each user (or of everybody) began."""
    last_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """When each track was last interrupted."""
    recorded: Meter = field(default_factory=Meter)


@dataclass(frozen=True, slots=True)
class File:
    """One entry of a file list."""

    name: str
    track: str
    uid: str
    start_s: float

    def listed(self, *, in_seconds: bool) -> Object:
        """Return it as lists of individual and composite recordings have it."""
        start = int(self.start_s) if in_seconds else milliseconds(self.start_s)
        return {
            "fileName": self.name,
            "trackType": self.track,
            "uid": self.uid,
            "mixedAllUser": self.uid == EVERYBODY,
            "isPlayable": True,
            "sliceStartTime": start,
        }


def stem(sid: str, cname: str) -> str:
    """Return what all names of a session's files begin with."""
    return f"{sid}_{cname.translate(_REPLACED)}"


def shared_files(base: str, take: Take, now_s: float, mp4_s: float | None) -> Iterator[File]:
    """Yield the files of a composite or web page recording: MP4 files first, then the index."""
    for (uid, track), start_s in take.first_s.items():
        name = f"{take.prefix}{base}"
        pieces = math.floor(take.recorded.seconds(now_s) / mp4_s) + 1 if mp4_s else 0
        for index in range(min(pieces, MP4_FILES_MAX)):
            yield File(f"{name}_{index}.mp4", track, uid, start_s + index * (mp4_s or 0))
        yield File(f"{name}.m3u8", track, uid, start_s)


def user_files(base: str, take: Take, *, combined: bool) -> Iterator[File]:
    """Yield the index files of an individual recording.

    `combined` (streamMode `standard`) adds one per user; its name is not documented.
    """
    starts: dict[str, float] = {}
    for (uid, track), start_s in sorted(take.first_s.items()):
        starts[uid] = min(start_s, starts.get(uid, start_s))
        yield File(f"{take.prefix}{user_stem(base, uid, track)}.m3u8", track, uid, start_s)
    for uid, start_s in starts.items() if combined else ():
        name = user_stem(base, uid, BOTH_TRACKS)
        yield File(f"{take.prefix}{name}.m3u8", BOTH_TRACKS, uid, start_s)


def user_stem(base: str, uid: str, track: str) -> str:
    """Return what the names of one user's files begin with."""
    return f"{base}__uid_s_{uid}__uid_e_{track}"


def stamp(time_s: float) -> str:
    """Return a time as file names have it: `yyyyMMddHHmmssSSS`, UTC."""
    time = datetime.fromtimestamp(time_s, UTC)
    return f"{time:%Y%m%d%H%M%S}{time.microsecond // 1000:03d}"
