"""A file's text as the loader read it: the unit that is parsed, cached and pointed into."""

import hashlib
import posixpath
from dataclasses import dataclass, field


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
