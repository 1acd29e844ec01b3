"""What happened, as JSON (design/cli.md, "status")."""

from typing import Any

from reconciler.plan.times import rfc3339
from reconciler.state.store import Event


def event_document(event: Event) -> dict[str, Any]:
    """Return one event; one of the whole scope has an empty recording."""
    return {
        "time": rfc3339(event.time_s),
        "recording": event.recording,
        "type": event.type,
        "reason": event.reason,
        "message": event.message,
    }
