"""A database file that is removed or replaced while it is in use: seen, and written back.

What is removed lives on for whoever has it open, and ends with the last of them: without this, the
sessions of a whole `run` would end up known to nobody. `sqlite.py` asks before each transaction.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import StateError
from reconciler.state import files

log = logging.getLogger(__name__)

SETTLE_S = 0.02
"""Who removes a database goes on with its log, its locks and its key: that takes microseconds."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The file that a connection was made to; `place` is how messages call it."""

    path: Path
    place: str
    device: int
    number: int

    def is_gone(self) -> bool:
        """Tell whether no state is at its path. Raises StateError if another is.

        An empty file is none: a command that is refused because the state is gone leaves one.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return True
        if (status.st_dev, status.st_ino) == (self.device, self.number):
            return False
        if status.st_size == 0:
            return True
        raise _replaced(self.place)


def opened(path: Path, place: str) -> Opened:
    """Return which file is there; asked before connecting, so that it is never a later one."""
    status = path.stat()
    return Opened(path, place, status.st_dev, status.st_ino)


@contextmanager
def written_back(
    lost: Opened, key: bytes | None, held: Mapping[str, int], content: Callable[[], bytes]
) -> Iterator[dict[str, int]]:
    """Put a database back that is gone, its key too; give the locks of the scopes that are held.

    They are those of `held`, or new ones where their files are gone. Whoever makes a state anew
    waits meanwhile. If the block fails, the database is removed again.
    """
    time.sleep(SETTLE_S)
    files.make_folder(lost.path)
    with files.preparing(lost.path, key):
        if not lost.is_gone() or files.read_key(lost.path) != key:
            raise _replaced(lost.place)
        with _locks(lost, held) as locks:
            files.put(lost.path, content())
            try:
                yield locks
            except BaseException:
                lost.path.unlink(missing_ok=True)
                raise
    log.warning(
        "the state was removed while it is in use, and was written back",
        extra={"place": lost.place},
    )


@contextmanager
def _locks(lost: Opened, held: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Hold each lock on the file that is there now; let go of those on files that are gone."""
    locks = dict(held)
    with ExitStack() as taken:
        for scope, file in held.items():
            path = files.lock_path(lost.path, scope)
            if not files.is_file_at(path, file):
                locks[scope] = _taken(path, file, lost.place)
                taken.callback(files.leave_lock, locks[scope])
        yield locks
        taken.pop_all()
    for scope, file in held.items():
        if locks[scope] != file:
            files.leave_lock(file)


def _taken(path: Path, before: int, place: str) -> int:
    text = os.pread(before, files.LOCK_TEXT_BYTES_MAX, 0).decode("utf-8", "replace")
    file = files.take_lock(path, text)
    if file is None:
        raise _replaced(place)
    return file


def removed(place: str) -> StateError:
    """Return the refusal to write where nothing is, of one who may not write it back."""
    return StateError(
        f"the file of the state at `{place}` was removed while it is in use",
        hint="run again: whoever holds its lock writes it back; if nobody does, restore a backup",
    )


def not_written_back(place: str, problem: Exception) -> StateError:
    """Return the error for a rescue that failed; it is tried again."""
    reason = str(getattr(problem, "strerror", None) or problem).lower()
    return StateError(
        f"the file of the state at `{place}` was removed while it is in use, and it cannot be"
        f" written back: {reason}",
        hint="let this process write there, and do not end it: it alone has the state, and tries"
        " again with every write",
    )


def _replaced(place: str) -> StateError:
    return StateError(
        f"the file of the state at `{place}` was replaced while it is in use",
        hint="put the right one back, or end this process and look which one is right",
    )
