"""What the signs of a session say of its end: that there is one, and why (agora-api.md 7.4, 8.4).

Pure. A sign is only as good as nothing later speaks against it: `withdrawn` takes back what was
told of an end that did not come.
"""

from dataclasses import replace
from typing import Final

from reconciler.plan.session import End, Session
from reconciler.plan.signs import NOBODY_LEFT, NOT_INITIALISED, codes, errors, numbers

_TELLING: Final = ("exit", "leave", "web")

_IGNORED: Final = 8
"""The bit of a leave code that says nothing (8.6)."""

_HOURS_OVER: Final = 1
"""The code of a web recording that reached `web.maxDuration` (8.4)."""

_TOKEN_ERRORS: Final = frozenset({109, 110})
_RECORDERS: Final = frozenset({0, 6})
"""The modules whose errors have the numbers of the API: the recorder and that of pages (8.6)."""


def is_told(session: Session) -> bool:
    """Tell whether notifications said that it left or ended; then one 404 is an end (7.3)."""
    return bool(codes(session, "exit") or codes(session, "web") or _leave_codes(session))


def why(session: Session) -> End | None:
    """Return why it ended, where its signs name a cause; None: they name none."""
    if _HOURS_OVER in numbers(session, "web"):
        return End.MAX_DURATION
    if any(code & NOBODY_LEFT for code in numbers(session, "leave")):
        return End.IDLE
    if any(module in _RECORDERS and code in _TOKEN_ERRORS for module, code in errors(session)):
        return End.EXPIRED
    return None


def is_abnormal(session: Session) -> bool:
    """Tell whether its signs say that it broke.

    After an error, an end is taken for a normal one only where it was told to be (8.4).
    """
    return (
        any(numbers(session, "exit"))
        or bool(errors(session) and not codes(session, "exit"))
        or any(code > _HOURS_OVER for code in numbers(session, "web"))
        or NOT_INITIALISED in numbers(session, "leave")
    )


def withdrawn(session: Session) -> Session:
    """Return the session without what was told of its end, for it goes on."""
    kept = tuple(sign for sign in session.signs if sign.partition(":")[0] not in _TELLING)
    return session if kept == session.signs else replace(session, signs=kept)


def _leave_codes(session: Session) -> list[int]:
    return [code for code in numbers(session, "leave") if code != _IGNORED]
