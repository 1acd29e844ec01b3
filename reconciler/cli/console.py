"""Where a command writes.

Results to stdout, everything else to stderr, colour only where somebody sees it.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

DEFAULT_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Console:
    """The two streams and what is known of them."""

    out: TextIO
    err: TextIO
    environ: Mapping[str, str]
    quiet: bool = False

    @classmethod
    def of_process(cls) -> "Console":
        """Return the console of this process.

        Text that its encoding cannot hold is written with escapes.
        """
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdout, sys.stderr, os.environ)

    def write(self, text: str) -> None:
        """Write a result as it is."""
        self.out.write(text)

    def line(self, text: str = "") -> None:
        """Write one line of a result."""
        self.out.write(f"{text}\n")

    def note(self, text: str) -> None:
        """Write one line that is no result, unless nobody wants to know."""
        if not self.quiet:
            self.err.write(f"{text}\n")

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
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())
