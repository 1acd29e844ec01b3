"""What systemd is told of a `run` (sd_notify(3)): that it is ready, that it lives, that it ends."""

import socket
from collections.abc import Mapping
from contextlib import suppress

ADDRESS, WATCHDOG = "NOTIFY_SOCKET", "WATCHDOG_USEC"


class Systemd:
    """Tells systemd, where it started this process; else nobody."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get(ADDRESS, "")
        # An address that begins with `@` is one without a file.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog = environ.get(WATCHDOG, "")

    @property
    def beat_s(self) -> float | None:
        """Return how often it wants to hear that this process lives; None: not at all.

        Twice as often as it asks for, as its manual says.
        """
        is_asked = self._watchdog.isascii() and self._watchdog.isdecimal()
        return int(self._watchdog) / 2e6 if self._address and is_asked else None

    def ready(self) -> None:
        """Say that the process does its work, or stands by."""
        self._tell("READY=1")

    def beat(self) -> None:
        """Say that it lives."""
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in a sentence how it is."""
        self._tell(f"STATUS={text}")

    def ending(self) -> None:
        """Say that it ends."""
        self._tell("STOPPING=1")

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told,
        ):
            told.sendto(what.encode(), self._address)
