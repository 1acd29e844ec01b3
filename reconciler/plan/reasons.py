"""Why an action: the one table of the codes that plans, events and conditions carry.

A reason explains; it never decides anything (style.md, convention 7). The documents list this
table, and a test holds that every reason of it is decided by some case.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A code and, as `meaning`, what it says; in order of the life of a recording."""

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> Self:
        """Keep the sentence beside the code, which alone is the value."""
        reason = str.__new__(cls, code)
        reason._value_ = code
        reason.meaning = meaning
        return reason

    # Starts.
    NEW = "new", "Nothing has recorded it yet."
    WINDOW_OPEN = "window-open", "A window of its schedule has opened."
    RESUMED = "resumed", "It is no longer suspended."
    NOT_RUNNING = "not-running", "Its last session was ended on request, or never begun."
    ORPHANED = "orphaned", "Its last session is out of reach, perhaps alive; another is started."
    START_UNSETTLED = "start-unsettled", "A start was begun, and it is not known what came of it."

    # Restarts; `unconfirmed`, `replaced` and `rotated` are ends of sessions that we stop, too.
    UNCONFIRMED = "unconfirmed", "It did not come up within 90 s."
    EXITED = "exited", "It ended by itself."
    IDLE = "idle", "Its channel was empty for longer than `maxIdle`."
    MAX_DURATION = "max-duration", "`web.maxDuration` is reached, or soon will be."
    EXPIRED = "expired", "Its token ended."
    GONE = "gone", "The service has not known it for 90 s."
    BROKEN = "broken", "It exited abnormally."
    REFUSED = "refused", "The service did not take the request."
    NOT_STARTED = "not-started", "The service could not start it."
    QUOTA = "quota", "The service had no place for it, and is asked again."
    CONFLICT = "conflict", "Another session with its channel and uid runs, not one of ours."

    # Changes of what runs.
    SPEC_CHANGED = "spec-changed", "Its spec has changed."
    CREDENTIALS = "credentials", "The credentials of its storage have a new value."
    DRIFT = "drift", "The session was changed by something else."
    UNSETTLED = "unsettled", "It is not known what the session has; it is sent again."
    RESOURCE_EXPIRY = "resource-expiry", "Its resource expires soon."
    TOKEN_EXPIRY = "token-expiry", "Its token ends soon."
    EXPIRY_UNKNOWN = "expiry-unknown", "It is not known when it started, so not when it expires."

    # Stops.
    REMOVED = "removed", "It is gone from the specs."
    SUSPENDED = "suspended", "It is suspended, by its spec or by `reconciler suspend`."
    WINDOW_CLOSED = "window-closed", "The window of its schedule has closed."
    REPLICA_REMOVED = "replica-removed", "Its spec asks for fewer replicas."
    REPLACED = "replaced", "Another session takes its place, as its changed spec asks."
    ROTATED = "rotated", "Another session takes its place before it expires."
    SUPERSEDED = "superseded", "It was to take over, and no longer is what the spec asks for."
    REQUESTED = "requested", "Someone asked for it with `reconciler stop` or `destroy`."
    UNWANTED = "unwanted", "It came to be known when it was no longer wanted."
    STOP_UNCONFIRMED = "stop-unconfirmed", "It was asked to stop and is not known to have."

    # Waiting.
    STARTING = "starting", "It is coming up."
    MISSING = "missing", "The service does not find it, which may pass."
    STOPPING = "stopping", "It is being stopped."
    REPLACING = "replacing", "Its successor is coming up."
    IN_HAND = "in-hand", "Another run is at work on it."
    BACKING_OFF = "backing-off", "It failed, and is tried again after a while."
    NO_PLACE = "no-place", "As many sessions run as its App, or the service, allows."

    # Nothing to do.
    IN_SYNC = "in-sync", "It is as desired."
    RECORDED = "recorded", "What changed serves its next session."
    IGNORED = "ignored", "What changed is in `policy.ignore`."
    DEFERRED = "deferred", "What changed waits for its next session (`policy.replace: defer`)."
    OUTSIDE_SCHEDULE = "outside-schedule", "No window of its schedule is open."
    FINAL = "final", "It has ended, and `policy.restart` lets that stand."
    OBSERVED = "observed", "`policy.manage: observe`: it is watched, and never acted on."
    FORGOTTEN = "forgotten", "It is gone from the specs and was only observed: it is let go."
    LEFT_RUNNING = (
        "left-running",
        "It is gone from the specs and left running (`onRemoval: leave`).",
    )
    RENAMED = "renamed", "It goes on under another name."
    PRUNE_OFF = "prune-off", "It is gone from the specs, and `--no-prune` leaves it running."
    PRUNE_DELAYED = "prune-delayed", "It is gone from the specs, and `--prune-delay` is not over."
    PRUNE_HELD = "prune-held", "It is gone, but not all manifests could be read: it is left."
    OTHER_PATHS = "other-paths", "It was read from other paths than those given now: it is left."

    # What cannot be done.
    SPEC_INVALID = "spec-invalid", "Its manifest has errors."
    APP_INVALID = "app-invalid", "Its App has errors."
    ENDPOINT_NOT_ALLOWED = "endpoint-not-allowed", "Its App names an endpoint nobody allowed."
    SECRET_UNRESOLVED = "secret-unresolved", "A secret that it needs does not resolve here."
    TOKEN_EXPIRED = "token-expired", "The RTC token that its spec gives has expired."
    REPLACE_FORBIDDEN = "replace-forbidden", "It would be replaced, which `policy.replace` forbids."
    PROTECTED = "protected", "It would be stopped or replaced, which `policy.protect` forbids."
