"""Events, one a line: JSON for programs, text for people (design/cli.md, "status")."""

import json

from reconciler.cli.console import Console
from reconciler.cli.table import fit_text
from reconciler.plan.times import rfc3339
from reconciler.state.store import Event
from reconciler.web.events import event_document

SCOPE_SHOWN = "(scope)"
"""Stands in text where an event is about no recording."""


def event_json(event: Event) -> str:
    """Return one line of `events --format json`; of the whole scope: an empty recording."""
    return json.dumps(event_document(event))


def event_text(event: Event, console: Console) -> str:
    """Return one line, as long as its message."""
    style = "33" if event.type == "warning" else "2"
    kind = console.styled(f"{fit_text(event.type):<7}", style)
    name = fit_text(event.recording) or SCOPE_SHOWN
    said = f"{fit_text(event.reason)}: {fit_text(event.message)}"
    return f"{rfc3339(event.time_s)}  {kind}  {name}  {said}"
