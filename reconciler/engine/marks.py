"""What an event is to a session beside its effect: a sign that is kept, a sentence for people.

Signs are read by `plan/signs.py` and what builds on it. Texts of the service are taken only where
they are short words, as those that its documents list. Pure.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reconciler.agora import events
from reconciler.agora.events import Event
from reconciler.plan.signs import EVENT_ERRORS

MAJOR: Final = 4
"""The least level of an error that is worth keeping; 5 is `events.FATAL` (agora-api.md 8.4)."""

_CODE_MAX: Final = 1_000_000
_WORD: Final = re.compile(r"\w{1,40}", re.ASCII)

# By class of event, the kind of its sign and the field that is its code.
_SIGNS: Final[Mapping[type[Event], tuple[str, str]]] = MappingProxyType(
    {
        events.SessionExit: ("exit", "status"),
        events.RecorderLeft: ("leave", "code"),
        events.WebStopped: ("web", "code"),
        events.WebLimit: ("limit", "limit"),
        events.WebReload: ("reload", "reason"),
    }
)

# By class of event, the reason of a warning and the rest of a sentence about the session.
_COMPLAINTS: Final[Mapping[type[Event], tuple[str, str]]] = MappingProxyType(
    {
        events.SessionFailover: (
            "failover",
            "was moved to another server; some seconds may not be recorded",
        ),
        events.WebLimit: ("web-limit", "ends: its page asks for too much"),
        events.WebReload: ("web-reload", "loads its page again"),
        events.DownloadFailed: (
            "download-failed",
            "cannot be converted: its files cannot be read from the storage",
        ),
    }
)

_ALL_WELL: Final = frozenset({None, "all_success", "total_success"})


def sign_of(event: Event) -> str:
    """Return the sign of an event; empty: it leaves none."""
    match event:
        case events.ServiceError() if _is_major(event):
            module, code = _code(event.module), _code(event.code)
            return f"error:{module}/{code}" if module and code else ""
        case events.SessionFailover():
            return "failover"
        case events.FilesDelivered(in_backup=True):
            return "upload:backuped"
        case _ if type(event) in _SIGNS:
            kind, field = _SIGNS[type(event)]
            code = _code(getattr(event, field))
            return f"{kind}:{code}" if code else kind
        case _:
            return ""


def complaint_of(event: Event) -> tuple[str, str] | None:
    """Return what to warn of: a reason, and the rest of a sentence about the session."""
    match event:
        case events.ServiceError() if _is_major(event):
            return "service-error", f"tells of an error: {_meaning(event)}"
        case events.FilesDelivered(in_backup=True):
            text = "has files in the service's backup, which moves them to the storage later"
            return "upload-delayed", text
        case events.TranscoderCompleted(outcome=outcome) | events.PostponedResult(outcome=outcome):
            is_well = outcome in _ALL_WELL
            return None if is_well else ("postponed-failed", "was not converted wholly")
        case _:
            return _COMPLAINTS.get(type(event))


def _is_major(error: events.ServiceError) -> bool:
    return error.level is not None and error.level >= MAJOR


def _meaning(error: events.ServiceError) -> str:
    module, code = _code(error.module) or "-", _code(error.code) or "-"
    known = EVENT_ERRORS.get((error.module or 0, error.code or 0), "It is not documented.")
    return f"module {module}, code {code}. {known}"


def _code(said: str | int | None) -> str:
    if isinstance(said, int):
        return str(said) if 0 <= said <= _CODE_MAX else ""
    return said if said is not None and _WORD.fullmatch(said) else ""
