"""What time one session covers: when it surely recorded, and when it may have. Pure.

It says the least that is known: a session whose end nothing told counts up to the last time it was
seen alive, and what lives counts up to its last observation.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Protocol

from reconciler.plan.life import SETTLED
from reconciler.plan.session import End, Phase, Session


class Past(Protocol):
    """A session with what is kept of its files: `files` a JSON array, `upload` how they fared."""

    @property
    def session(self) -> Session:
        """The session."""
        ...

    @property
    def files(self) -> str:
        """Its files, as `sessions --format json` has them; empty: none is known."""
        ...

    @property
    def upload(self) -> str:
        """What became of them; empty: not known yet."""
        ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """The life of one session, in Unix seconds.

    It recorded from `begins_s` to `seen_s`, and may have until `over_s`; `begins_s` None: it never
    came up, or not yet. `over_s` is infinite for what nothing is known to have ended.
    """

    session: Session
    begins_s: float | None
    seen_s: float
    over_s: float


def stretch(past: Past) -> Stretch:
    """Return when a session recorded, as far as that is known."""
    session = past.session
    begins_s = _begins_s(session, _first_slice_s(past.files))
    over_s = _over_s(session)
    seen_s = over_s if session.phase in SETTLED else min(_alive_s(session), over_s)
    if begins_s is None:
        return Stretch(session, None, over_s, over_s)
    return Stretch(session, begins_s, max(begins_s, seen_s), max(begins_s, over_s))


def files_of(text: str) -> list[dict[str, object]]:
    """Read a session's files."""
    return list(json.loads(text)) if text else []


def _begins_s(session: Session, slice_s: float | None) -> float | None:
    """Return when it began to record: its first slice or its confirmation, whichever is first.

    A slice is not older than its session, whatever a clock says.
    """
    if slice_s is not None and session.started_s is not None:
        slice_s = max(slice_s, session.started_s)
    known = [moment for moment in (slice_s, session.confirmed_s) if moment is not None]
    return min(known, default=None)


def _first_slice_s(files: str) -> float | None:
    begun = (_moment_s(file.get("started_at")) for file in files_of(files))
    return min((moment for moment in begun if moment is not None), default=None)


def _moment_s(said: object) -> float | None:
    if isinstance(said, int | float):
        return float(said)
    return datetime.fromisoformat(said).timestamp() if isinstance(said, str) else None


def _over_s(session: Session) -> float:
    """Return the last moment at which it may have recorded.

    A stop that was taken may have been so as soon as it was asked for: its answer may be late, and
    that of a synchronous one waits for the files.
    """
    if session.stop_taken_s is None:
        return _ended_s(session)
    asked_s = inf if session.stop_asked_s is None else session.stop_asked_s
    return min(asked_s, session.stop_taken_s, _ended_s(session))


def _ended_s(session: Session) -> float:
    match session.phase:
        case Phase.ORPHAN:
            return _alive_s(session)
        case Phase.MISSING:
            return _alive_s(session) if session.missing_s is None else session.missing_s
        case phase if phase not in SETTLED or session.ended_s is None:
            return inf
        case _ if _is_guessed(session, session.ended_s):
            return _alive_s(session)
        case _:
            return session.ended_s


def _is_guessed(session: Session, ended_s: float) -> bool:
    """Tell whether nobody saw it end: 404 alone says so, or we no longer look."""
    if session.end_reason in {End.UNSEEN, End.FORGOTTEN}:
        return True
    if session.missing_s is None:
        return False
    # The first 404 after a stop that was taken tells when it was seen to be over, and after what
    # was told of an end only that it is: that may have been long before.
    return ended_s > session.missing_s or (
        ended_s == session.missing_s and session.stop_taken_s is None
    )


def _alive_s(session: Session) -> float:
    """Return when it was last seen alive."""
    known = (session.observed_s, session.confirmed_s)
    return max((moment for moment in known if moment is not None), default=session.created_s)
