"""The service's numeric limits, each once: rules judge by them, schema and reference show them.

Source: agora-api.md 3 (tables) and 3.13 (which of two bounds is an error, which a warning).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """An inclusive range of whole numbers; both bounds are accepted by the service."""

    low: int
    high: int

    def __contains__(self, value: object) -> bool:
        return type(value) is int and self.low <= value <= self.high


UID = Limits(1, 4_294_967_295)  # C1
RESOURCE_EXPIRY_H = Limits(1, 720)  # C70
RESOURCE_EXPIRY_DEFAULT_H = 72  # agora-api.md 2.1
MAX_IDLE_S = Limits(5, 2_592_000)  # C31
MAX_IDLE_COMMON_S = 259_200  # C31, K21: some sources end here
CANVAS_PIXELS = 2_073_600  # C33, C54
CANVAS_SIDE_COMMON = 1920  # C33, K11
VIDEO_FPS = (1, 7, 10, 15, 24, 30, 60)  # C34
VIDEO_BITRATE_KBPS = Limits(1, 6500)  # C35
LAYOUT_REGIONS = Limits(1, 17)  # C37
SUBSCRIPTION_ENTRIES = Limits(1, 32)  # C24
USERS_RECORDED = 17  # agora-api.md 3.4
SNAPSHOT_INTERVAL_S = Limits(1, 3600)  # C44
SNAPSHOT_INTERVAL_COMMON_S = 5  # C44, K2
WEB_SIDE_COMMON = Limits(240, 1920)  # C54, K3
WEB_MAX_DURATION_H = Limits(1, 720)  # C55
WEB_FPS = Limits(5, 60)  # C56
WEB_BITRATE_COMMON_KBPS = Limits(50, 8000)  # C56
WEB_FILE_DURATION_MIN = Limits(30, 240)  # C56
WEB_READY_TIMEOUT_S = Limits(0, 60)  # C56
PREFIX_LENGTH = 128  # C64, with slashes
CHANNEL_BYTES = 64  # C2, individual and mix
WEB_CHANNEL_BYTES = 1024  # C2
WEB_CHANNEL_COMMON_BYTES = 128  # C2
STS_MIN_AHEAD_S = 4 * 3600  # C66
GROUP_UIDS = (2, 7, 12, 17, 32, 49)  # C28, K4: how many uids group 0, 1, ... 5 holds
SALT_BYTES = 32  # C30
CANVAS_WIDTH_DEFAULT = 360  # agora-api.md 3.5
CANVAS_HEIGHT_DEFAULT = 640  # agora-api.md 3.5
LAYOUT_DECIMALS = 6  # C37
LAYOUT_TOLERANCE = 1e-6  # C37
