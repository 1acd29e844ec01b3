"""One session: what is known of it, and what can be read off it. Pure.

`lifecycle`, `service` and `orders` change sessions; nothing here does. A session's status only
ever rises.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.simulator import tree
from reconciler.simulator.bodies import RTMP, VOD, WEB
from reconciler.simulator.effective import service, shown
from reconciler.simulator.ends import End
from reconciler.simulator.files import MIX_MP4_S, File, Take, shared_files, stem, user_files
from reconciler.simulator.resources import Identity
from reconciler.simulator.rules import INDIVIDUAL, MIX, WEB_PAGE
from reconciler.simulator.subscription import Subscription
from reconciler.simulator.tree import Object

READY, RECORDING, STOPPING, STOPPED, EXITED, BROKEN = 4, 5, 6, 7, 8, 20
HISTORY_MAX = 200


class Phase(StrEnum):
    """Where a session stands between its start and being forgotten."""

    LIVE = "live"
    LEAVING = "leaving"
    """It records no more; files are being uploaded."""
    EXITED = "exited"
    """All is done; status 8 or 20 can still be seen."""
    GONE = "gone"


class Tick(StrEnum):
    """What may come due for a session."""

    STATUS = "status"
    FIRST_SLICE = "first-slice"
    IDLE = "idle"
    HOURS = "hours"
    TOKEN = "token"  # noqa: S105  # the name of a deadline
    UNREACHABLE = "unreachable"
    BACK = "back"
    RTMP = "rtmp"
    PROGRESS = "progress"
    SNAPSHOT = "snapshot"
    HALF = "half"
    EXIT = "exit"
    GONE = "gone"
    ORDER = "order"


@dataclass(slots=True)
class Page:
    """What a web page recording has beside the others."""

    onhold: bool = False
    reloads: int = 0
    rtmp: str = "connecting"


@dataclass(slots=True)
class Session:
    """One accepted start and what became of it."""

    identity: Identity
    mode: str
    sid: str
    resource_id: str
    started_s: float
    config: Object
    subscription: Subscription
    recorder_uid: str
    start_delay_s: float
    upload_s: float
    status: int = 0
    phase: Phase = Phase.LIVE
    reachable: bool = True
    """False once resourceExpiredHour is over: no call finds it, the recording goes on."""
    away: bool = False
    """True while it moves to another server: no call finds it."""
    failovers: int = 0
    doom: End | None = None
    """How it ends instead of joining the channel, None if it can join."""
    takes: list[Take] = field(default_factory=lambda: [Take()])
    flowing: frozenset[tuple[str, str]] = frozenset()
    """The tracks, by user, that are being recorded."""
    page: Page = field(default_factory=Page)
    upload_result: str = "uploaded"
    sequence: int = 0
    end: End | None = None
    order: tuple[str, Object] | None = None
    """An order that is carried out later, and its body."""
    due: dict[Tick, float] = field(default_factory=dict)
    history: deque[Object] = field(default_factory=lambda: deque(maxlen=HISTORY_MAX))

    @property
    def is_web(self) -> bool:
        """Tell whether it records a web page, and no channel."""
        return self.mode == WEB_PAGE

    @property
    def recording(self) -> Object:
        """Return its recordingConfig."""
        return tree.child(self.config, "recordingConfig")

    @property
    def is_live_channel(self) -> bool:
        """Tell whether only hosts keep it from being idle."""
        return tree.whole(self.recording, "channelType") == 1

    @property
    def has_screenshots(self) -> bool:
        """Tell whether it takes screenshots."""
        return "snapshotConfig" in self.config

    @property
    def screenshots_only(self) -> bool:
        """Tell whether it records nothing else."""
        return "recordingFileConfig" not in self.config

    @property
    def has_mp4(self) -> bool:
        """Tell whether it writes MP4 files too."""
        return "mp4" in tree.texts(tree.child(self.config, "recordingFileConfig"), "avFileType")

    @property
    def lists_names_only(self) -> bool:
        """Tell whether its file list is one name (variants QB and SB)."""
        return self.mode == MIX and not self.has_mp4

    @property
    def has_rtmp(self) -> bool:
        """Tell whether it is pushed to a CDN."""
        return service(self.config, RTMP) is not None

    @property
    def has_vod(self) -> bool:
        """Tell whether it is handed to video on demand."""
        return service(self.config, VOD) is not None

    @property
    def has_data(self) -> bool:
        """Tell whether anything was recorded."""
        return any(take.first_s for take in self.takes)

    @property
    def first_slice_s(self) -> float | None:
        """Return when the first slice began, or None if there is none."""
        starts = [start_s for take in self.takes for start_s in take.first_s.values()]
        return min(starts) if starts else None

    @property
    def stem(self) -> str:
        """Return what all its file names begin with."""
        return stem(self.sid, self.identity.cname)

    def files(self, now_s: float) -> list[File]:
        """Return its files, those of the first recorder first."""
        if self.screenshots_only:
            return []
        if self.mode == INDIVIDUAL:
            combined = self.recording.get("streamMode") == "standard"
            return [
                file
                for take in self.takes
                for file in user_files(self.stem, take, combined=combined)
            ]
        piece_s = self._mp4_s() if self.has_mp4 else None
        return [
            file for take in self.takes for file in shared_files(self.stem, take, now_s, piece_s)
        ]

    def index_name(self, now_s: float) -> str:
        """Return the name of the newest M3U8, empty if there is none."""
        names = [file.name for file in self.files(now_s) if file.name.endswith(".m3u8")]
        return names[-1] if names else ""

    def shown(self, now_s: float) -> Object:
        """Return all that is known, for people; secrets as fingerprints."""
        return {
            "sid": self.sid,
            "resourceId": self.resource_id,
            "appId": self.identity.app_id,
            "cname": self.identity.cname,
            "uid": self.identity.uid,
            "mode": self.mode,
            "status": self.status,
            "phase": self.phase.value,
            "reachable": self.reachable,
            "failingOver": self.away,
            "failovers": self.failovers,
            "recorderUid": self.recorder_uid,
            "startedAt": self.started_s,
            "end": self.end.name if self.end else None,
            "flowing": [f"{uid}/{track}" for uid, track in sorted(self.flowing)],
            "files": [file.listed(in_seconds=False) for file in self.files(now_s)],
            "uploadResult": self.upload_result,
            "deadlines": {tick.value: due_s for tick, due_s in self.due.items()},
            "config": shown(self.config),
            "history": list(self.history),
        }

    def _mp4_s(self) -> int:
        page = service(self.config, WEB) or {}
        return tree.whole(page, "maxVideoDuration") * 60 if self.is_web else MIX_MP4_S
