"""Notifications: what they say and how they are signed (agora-api.md 8.2 to 8.5). Pure."""

import hmac
from dataclasses import dataclass
from enum import IntEnum

from reconciler.simulator.tree import Object, encode

PRODUCT_CLOUD_RECORDING = 3


class Event(IntEnum):
    """The events that something here can cause."""

    ERROR = 1
    WARNING = 2
    STATUS_UPDATE = 3
    FILE_INFOS = 4
    SESSION_EXIT = 11
    FAILOVER = 12
    UPLOADER_STARTED = 30
    UPLOADED = 31
    BACKUPED = 32
    PROGRESS = 33
    RECORDER_STARTED = 40
    RECORDER_LEAVE = 41
    SLICE_START = 42
    AUDIO_STATE = 43
    VIDEO_STATE = 44
    SNAPSHOT = 45
    VOD_STARTED = 60
    VOD_TRIGGERED = 61
    WEB_STARTED = 70
    WEB_STOPPED = 71
    WEB_LIMIT = 72
    WEB_RELOAD = 73
    TRANSCODER_STARTED = 80
    TRANSCODER_COMPLETED = 81
    DOWNLOAD_FAILED = 90
    RTMP_STATUS = 100
    POSTPONED_RESULT = 1001


KINDS: dict[int, tuple[int, str]] = {
    Event.ERROR: (0, "cloud_recording_error"),
    Event.WARNING: (0, "cloud_recording_warning"),
    Event.STATUS_UPDATE: (0, "cloud_recording_status_update"),
    Event.FILE_INFOS: (0, "cloud_recording_file_infos"),
    Event.SESSION_EXIT: (0, "session_exit"),
    Event.FAILOVER: (0, "session_failover"),
    Event.UPLOADER_STARTED: (2, "uploader_started"),
    Event.UPLOADED: (2, "uploaded"),
    Event.BACKUPED: (2, "backuped"),
    Event.PROGRESS: (2, "uploading_progress"),
    Event.RECORDER_STARTED: (1, "recorder_started"),
    Event.RECORDER_LEAVE: (1, "recorder_leave"),
    Event.SLICE_START: (1, "recorder_slice_start"),
    Event.AUDIO_STATE: (1, "recorder_audio_stream_state_changed"),
    Event.VIDEO_STATE: (1, "recorder_video_stream_state_changed"),
    Event.SNAPSHOT: (1, "recorder_snapshot_file"),
    Event.VOD_STARTED: (4, "vod_started"),
    Event.VOD_TRIGGERED: (4, "vod_triggered"),
    Event.WEB_STARTED: (6, "web_recorder_started"),
    Event.WEB_STOPPED: (6, "web_recorder_stopped"),
    Event.WEB_LIMIT: (6, "web_recorder_capability_limit"),
    Event.WEB_RELOAD: (6, "web_recorder_reload"),
    Event.TRANSCODER_STARTED: (0, "transcoder_started"),
    Event.TRANSCODER_COMPLETED: (0, "transcoder_completed"),
    Event.DOWNLOAD_FAILED: (8, "download_failed"),
    Event.RTMP_STATUS: (6, "rtmp_publish_status"),
    Event.POSTPONED_RESULT: (0, "postpone_transcode_final_result"),
}
"""serviceType and msgName; where the documents leave serviceType open it is 0."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event, as it happened; what is sent of it differs from try to try."""

    notice_id: str
    event_type: int
    service_type: int
    cname: str
    uid: str
    sid: str
    sequence: int
    at_s: float
    details: Object

    def body(self, now_s: float) -> bytes:
        """Return the raw bytes of a try that is made now."""
        payload: Object = {
            "cname": self.cname,
            "uid": self.uid,
            "sid": self.sid,
            "sequence": self.sequence,
            "sendts": milliseconds(self.at_s),
            "serviceType": self.service_type,
            "details": self.details,
        }
        return encode(
            {
                "noticeId": self.notice_id,
                "productId": PRODUCT_CLOUD_RECORDING,
                "eventType": self.event_type,
                "notifyMs": milliseconds(now_s),
                "payload": payload,
            }
        )


def signatures(secret: str, body: bytes) -> dict[str, str]:
    """Return the headers that prove who sent these bytes."""
    key = secret.encode()
    return {
        "Agora-Signature": hmac.digest(key, body, "sha1").hex(),
        "Agora-Signature-V2": hmac.digest(key, body, "sha256").hex(),
    }


def milliseconds(time_s: float) -> int:
    """Return a time as the service writes it."""
    return round(time_s * 1000)
