"""Where a `run` has its specs from: the seam between the daemon and a folder or a Git repository.

Behind it, and nowhere else in the daemon, are other programs and threads. What is wrong outside is
a sentence in `Fetched.problem`, never an exception and never an empty world (design/reconcile.md,
"Guards").
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What to read now. Until the next `fetch`, nothing of it changes by the source's doing.

    With a `problem`, a sentence's worth without credentials, `paths` and `commit` are the last good
    ones; without `paths` there is nothing to read, and what was read before stays in force.
    `commit` is empty for a folder.
    """

    paths: tuple[str, ...]
    commit: str = ""
    problem: str = ""


class Source(Protocol):
    """A place that specs are read from, again and again."""

    @property
    def place(self) -> str:
        """Name the place for people, without credentials."""
        ...

    async def fetch(self) -> Fetched:
        """Bring it up to date, as far as that can be; what is wrong outside is a `problem`.

        Callers wait for each other, and read only between two of their calls.
        """
        ...

    def changes(self) -> AsyncIterator[None]:
        """Yield whenever something may have changed since it was last asked; never ends.

        Many changes are one: what happens while the caller is at work is told once, afterwards.
        """
        ...
