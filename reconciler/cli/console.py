"""What a command is given of the world: where to write, what time it is, chance.

Results to stdout, everything else to stderr, colour only where somebody sees it.
"""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import TextIO

from reconciler.clock import Clock, SystemClock
from reconciler.errors import ReconcilerError

DEFAULT_COLUMNS = 100


class OutputError(ReconcilerError):
    """What a command found out cannot be written."""


@dataclass(frozen=True, slots=True)
class Console:
    """The two streams and what is known of them, and what else comes from outside.

    `rng` makes ids and salts, and spreads what would come all at once.
    """

    out: TextIO
    err: TextIO
    environ: Mapping[str, str]
    quiet: bool = False
    clock: Clock = field(default_factory=SystemClock)
    rng: Random = field(default_factory=SystemRandom)

    @classmethod
    def of_process(cls) -> "Console":
        """Return the console of this process.

        Text that its encoding cannot hold is written with escapes.
        """
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdout or _Closed(), sys.stderr or io.StringIO(), os.environ)

    def flush(self) -> None:
        """Hand everything over. Raises OutputError where stdout takes no more."""
        self._to_out("")

    def write(self, text: str) -> None:
        """Write a result as it is. Raises OutputError where stdout takes no more."""
        self._to_out(text)

    def _to_out(self, text: str) -> None:
        try:
            self.out.write(text)
            if not text:
                self.out.flush()
        except BrokenPipeError:
            raise
        except OSError as problem:
            raise OutputError(f"stdout cannot be written: {problem.strerror}") from None

    def line(self, text: str = "") -> None:
        """Write one line of a result. Raises OutputError where stdout takes no more."""
        self._to_out(f"{text}\n")

    def note(self, text: str) -> None:
        """Write one line that is no result, unless nobody wants to know."""
        if not self.quiet:
            self.err.write(f"{text}\n")

    def alarm(self, text: str) -> None:
        """Write one line that must reach somebody, however quiet the run is."""
        self.err.write(f"{text}\n")
        self.err.flush()

    def error(self, message: str, hint: str | None = None) -> None:
        """Say what went wrong, and what to do."""
        self.err.write(f"{self.styled('error:', '1;31', self.err)} {message}\n")
        if hint:
            self.err.write(f"  hint: {hint}\n")

    def styled(self, text: str, style: str, stream: TextIO | None = None) -> str:
        """Return the text in a terminal's style, or as it is where nobody would see it."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.colour(stream or self.out) else text

    def colour(self, stream: TextIO) -> bool:
        """Tell whether colours make sense on a stream (https://no-color.org)."""
        return (
            not self.environ.get("NO_COLOR")
            and self.environ.get("TERM") != "dumb"
            and stream.isatty()
        )

    def columns(self) -> int:
        """Return how wide a line may be."""
        if self.environ.get("COLUMNS", "").isdecimal():
            return int(self.environ["COLUMNS"])
        try:
            return os.get_terminal_size(self.out.fileno()).columns or DEFAULT_COLUMNS
        except (OSError, ValueError):
            return DEFAULT_COLUMNS

    def abandon(self) -> None:
        """Give up on stdout, whose reader went away, and keep the interpreter's end quiet."""
        with contextlib.suppress(OSError):
            out = self.out.fileno()
            os.dup2(os.open(os.devnull, os.O_WRONLY), out)


class _Closed(io.StringIO):
    """A stdout that was closed before this program started."""

    def write(self, text: str) -> int:
        """Refuse, as a closed file would."""
        del text
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
