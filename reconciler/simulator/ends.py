"""Why a recording ends, and what that looks like from outside. Pure.

Sources: agora-api.md 7.4, 8.4, 8.6.
"""

from dataclasses import dataclass

RECORDER, UPLOADER, SERVICE, PAGE = 0, 1, 2, 6  # modules of event 1
NOBODY_LEFT, OWN_CALL = 4, 16  # bits of event 41's leaveCode


@dataclass(frozen=True, slots=True)
class End:
    """One way to end."""

    name: str
    leave_code: int = OWN_CALL
    web: tuple[int, str] = (6, "recorder_error")
    """`code` and `message` of event 71."""
    error: tuple[int, int, str] | None = None
    """`module`, `errorCode` and `errorMsg` of an event 1 of the highest level."""
    abnormal: bool = False
    """Status 20 and exitStatus 1 instead of 8 and 0."""


STOPPED = End("stopped", web=(0, "ok"))
IDLE = End("idle", leave_code=NOBODY_LEFT)
HOURS_OVER = End("max_recording_hour", web=(1, "max_recording_hour"))
REMOVED = End("removed")
EVICTED = End("evicted")
KILLED = End("killed", abnormal=True)
FOURTH_FAILURE = End("fourth_failure", abnormal=True)
TOKEN_EXPIRED = End("token_expired", error=(RECORDER, 109, "token expired"), abnormal=True)

FAILURES = {
    end.name: end
    for end in (
        End("token", error=(RECORDER, 110, "token invalid"), abnormal=True),
        End("storage", error=(UPLOADER, 32, "storage configuration wrong"), abnormal=True),
        End("upload", error=(UPLOADER, 47, "upload failed"), abnormal=True),
        End("files", error=(UPLOADER, 51, "recorded files cannot be read"), abnormal=True),
        End("parameters", error=(RECORDER, 2, "transcoding parameters wrong"), abnormal=True),
        End("start", error=(SERVICE, 52, "start timeout"), abnormal=True),
    )
}
PAGE_ENDS = {
    code: End(name, web=(code, name), abnormal=True)
    for code, name in (
        (2, "capability_limit"),
        (3, "start_engine_failed"),
        (4, "page_load_timeout"),
        (5, "access_url_failed"),
        (6, "recorder_error"),
    )
}
