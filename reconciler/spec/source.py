"""A file's text as the loader read it: the unit that is parsed, cached and pointed into."""

import hashlib
import posixpath
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.diagnostics import Diagnostic, Position, Severity

FILE_BYTES_MAX = 1024 * 1024

Place: TypeAlias = tuple[int, int]
"""Line and column, both from 0."""


@dataclass(frozen=True, slots=True)
class Source:
    """One spec file.

    `file` is its name as people see it (relative where the user gave a relative path).
    """

    file: str
    data: bytes = field(repr=False)
    digest: str

    @classmethod
    def of(cls, file: str, data: bytes) -> "Source":
        """Make a Source with the digest of its content."""
        return cls(file, data, hashlib.blake2b(data, digest_size=16).hexdigest())

    @property
    def folder(self) -> str:
        """Return the folder that relative paths in this file start from.

        Empty for the current one.
        """
        return posixpath.dirname(self.file)

    @property
    def text(self) -> str:
        """Return the content without a byte order mark; ask `unreadable` first."""
        return self.data.decode("utf-8-sig")

    def problem(self, place: Place, code: str, message: str, hint: str | None = None) -> Diagnostic:
        """Make an error at a place in the text."""
        position = Position(self.file, place[0] + 1, place[1] + 1)
        return Diagnostic(position, "", Severity.ERROR, code, message, hint)


def unreadable(source: Source) -> Diagnostic | None:
    """Say why a content is no text that may be parsed, None where it is."""
    data = source.data
    if len(data) > FILE_BYTES_MAX:
        message = "the file is larger than 1 MiB"
        return source.problem((0, 0), "file-size", message, "split it into several files")
    if b"\0" in data:
        place = place_after(data[: data.index(b"\0")].decode(errors="replace"))
        hint = "save it as UTF-8 text; is it a binary file, or UTF-16?"
        return source.problem(place, "nul-byte", "the file has a NUL byte", hint)
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        place = place_after(data[: problem.start].decode())
        return source.problem(place, "encoding", "the file is not UTF-8", "save it as UTF-8")
    return None


def place_after(text: str) -> Place:
    """Return where stands what follows `text`."""
    return text.count("\n"), len(text) - text.rfind("\n") - 1
