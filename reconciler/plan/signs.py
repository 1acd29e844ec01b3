"""What the codes in `Session.signs` mean: the tables of agora-api.md 8.4, 8.6 and 6.8.

A sign is `KIND:CODE`, or a `KIND` alone, as a notification told it. `plan/explain.py` makes
sentences of them.
"""

from typing import Final

from reconciler.plan.session import Session

NOBODY_LEFT: Final = 4
"""The bit of a leave code that says that the channel was empty."""

INTERRUPTED: Final = 2
LEFT_ITSELF: Final = 16
"""Further bits: the recorder's process was ended; it left by a call of its own."""

NOT_INITIALISED: Final = 0
"""The leave code of a recorder that never came to be; no bits."""

EVENT_ERRORS: Final = {
    (1, 32): "The storage's vendor, region, bucket or keys are wrong.",
    (1, 47): "Files could not be uploaded to the storage.",
    (1, 51): "The files that were recorded could not be uploaded.",
    (2, 50): "Uploading takes longer than expected; it goes on.",
    (2, 52): "Starting the session took too long.",
    (0, 109): "The RTC token has expired.",
    (0, 110): "The RTC token is missing or wrong: check the App certificate, channel and uid.",
}
"""What the codes of error events mean, by module and code (6.8, 8.6)."""

MODULES: Final = {0: "recorder", 1: "uploader", 2: "recording service", 6: "web recorder"}
"""The parts of the service that error events name."""


def codes(session: Session, kind: str) -> list[str]:
    """Return the codes of a session's signs of one kind, oldest first; "" of one without."""
    split = (sign.partition(":") for sign in session.signs)
    return [code for found, _, code in split if found == kind]


def numbers(session: Session, kind: str) -> list[int]:
    """Return the same of a kind whose codes are numbers; what is none is passed over."""
    return [int(code) for code in codes(session, kind) if code.isascii() and code.isdecimal()]


def errors(session: Session) -> list[tuple[int, int]]:
    """Return module and code of each error that was told, oldest first."""
    pairs = (code.partition("/") for code in codes(session, "error"))
    return [
        (int(module), int(code))
        for module, _, code in pairs
        if (module + code).isascii() and module.isdecimal() and code.isdecimal()
    ]
