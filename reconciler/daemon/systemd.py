"""What systemd is told of a `run` (sd_notify(3)): that it is ready, that it lives, how it is."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from reconciler.clock import Clock

ADDRESS, WATCHDOG = "NOTIFY_SOCKET", "WATCHDOG_USEC"

STATUS_S = 30.0
"""How old the sentence may be that `systemctl status` shows."""

FIRST_STATUS_S = 2.0
"""Soon after the start there is more to tell."""

TELL_S = 1.0
"""So long may it take to hand systemd a message: it reads them one by one, hundreds fit."""


class Attended(Protocol):
    """What systemd wants to know about."""

    def health(self) -> str:
        """Return what is wrong with the process; empty when it is well."""
        ...

    def sentence(self) -> str:
        """Return how it is, in one line."""
        ...


class Systemd:
    """Tells systemd, where it started this process; else nobody."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get(ADDRESS, "")
        # An address that begins with `@` is one without a file.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog = environ.get(WATCHDOG, "")
        self._said = ""

    @property
    def beat_s(self) -> float | None:
        """Return how often it wants to hear that this process lives; None: not at all.

        Twice as often as it asks for, as its manual says.
        """
        is_asked = self._watchdog.isascii() and self._watchdog.isdecimal()
        asked_us = int(self._watchdog) if self._address and is_asked else 0
        return asked_us / 2e6 if asked_us else None

    def ready(self) -> None:
        """Say that the process does its work, or stands by."""
        self._tell("READY=1")

    def ending(self) -> None:
        """Say that it ends."""
        self._tell("STOPPING=1")

    async def attend(self, attended: Attended, clock: Clock) -> None:
        """Say for ever that it lives, as long as it is well, and how it is."""
        if self._address:
            await asyncio.gather(self._beat(attended, clock), self._say(attended, clock))

    async def _beat(self, attended: Attended, clock: Clock) -> None:
        while self.beat_s is not None:
            if not attended.health():
                self._tell("WATCHDOG=1")
            await clock.sleep(self.beat_s)

    async def _say(self, attended: Attended, clock: Clock) -> None:
        pause_s = FIRST_STATUS_S
        while True:
            sentence = attended.sentence()
            if sentence != self._said:
                self._tell(f"STATUS={sentence}")
            self._said = sentence
            await clock.sleep(pause_s)
            pause_s = STATUS_S

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told,
        ):
            told.settimeout(TELL_S)
            told.sendto(what.encode(), self._address)
