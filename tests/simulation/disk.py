"""The disk under the state: it can be full, and a power cut loses what was not synced to it.

What is synced is heard from whoever syncs, not from the code under test. SQLite syncs its
write-ahead log with each commit where `synchronous` is FULL, and only before a checkpoint where it
is NORMAL (https://www.sqlite.org/pragma.html#pragma_synchronous). Everything else goes through
`os.fsync`: of a file its content, of a folder the names in it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from stat import S_ISDIR
from struct import Struct
from typing import Any

from tests.simulation.instead import instead
from tests.simulation.life import own_life

FULL = 2
"""The least `PRAGMA synchronous` with which a commit to a write-ahead log is synced."""

SECTOR_BYTES = 512
HEADER_BYTES, FRAME_BYTES = 32, 24
"""Of the log's own header, and of the one before each page (https://www.sqlite.org/fileformat2.html
section 4)."""

INDEX = Struct("=14xHII8x8s8x48xI")
"""Of the log's index (https://www.sqlite.org/walformat.html, section 2): the size of a page, how
many frames there are, of how many pages, the salt, and how many frames a checkpoint took over."""

PAGE = Struct(">4xI")
"""Of a frame: the size of the database in pages if it ends a commit, else 0."""

PARTS = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a write-ahead log goes; `salt` is another one each time that it begins anew."""

    salt: bytes = b""
    frames: int = 0
    settled: int = 0
    frame_bytes: int = 0

    def end(self, frames: int) -> int:
        """Return where so many frames end in the file."""
        return HEADER_BYTES + frames * self.frame_bytes


class Disk:
    """Where the state's files are; `path` is its database's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_full = False
        self._synced = Reach()
        self._numbers: set[int] = set()
        self._names: frozenset[str] = frozenset()
        self._left: dict[str, bytes] = {}
        self._reach = Reach()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear of all that is synced, and let a full disk be one."""
        connect, fsync = sqlite3.connect, os.fsync

        def heard_connect(database: Any, **how: Any) -> Any:
            if str(self.path) in str(database):
                return _Heard(self, database, **how)
            return connect(database, **how)

        def heard_fsync(file: int) -> None:
            fsync(file)
            self._hear(os.fstat(file))

        with ExitStack() as stack:
            stack.enter_context(instead(sqlite3, "connect", heard_connect))
            stack.enter_context(instead(os, "fsync", heard_fsync))
            yield

    def reach(self) -> Reach:
        """Return how far the log goes now."""
        try:
            with _beside(self.path, "-shm").open("rb", buffering=0) as file:
                index = file.read(INDEX.size)
        except FileNotFoundError:
            return Reach()
        if len(index) < INDEX.size:
            return Reach()
        page_bytes, frames, _, salt, settled = INDEX.unpack(index)
        return Reach(salt, frames, settled, FRAME_BYTES + (page_bytes if page_bytes > 1 else 65536))

    def synced(self, reach: Reach) -> None:
        """Take note that the log is on the disk up to here."""
        self._synced = reach

    def cut(self) -> None:
        """Take down what is in the files at this moment, before the dead let go of them."""
        found = ((part, _beside(self.path, part)) for part in PARTS[:2])
        self._left = {part: path.read_bytes() for part, path in found if path.exists()}
        self._reach = self.reach()

    def remove(self, *, key: bool) -> None:
        """Remove the database, its log, and the key too, under whoever has them open."""
        for part in PARTS:
            _beside(self.path, part).unlink(missing_ok=True)
        if key:
            self.path.with_suffix(".key").unlink()

    def come_back(self, rng: Random) -> str:
        """Put back what was left: what was not synced is kept, lost or torn; return which."""
        for part in PARTS:
            _beside(self.path, part).unlink(missing_ok=True)
        what, frames = self._fate(rng)
        log = self._left.get("-wal", b"")
        if what == "lost":
            log = log[: self._reach.end(frames)]
        elif what == "torn":
            log, frames = self._torn(log, rng.randrange(frames, self._reach.frames), rng)
        for part, content in {**self._left, "-wal": log}.items():
            if content or not part:
                _beside(self.path, part).write_bytes(content)
                _beside(self.path, part).chmod(0o600)
        self._synced = Reach(self._reach.salt, frames)
        self._spoil_others(rng)
        return what

    def _fate(self, rng: Random) -> tuple[str, int]:
        """Return what becomes of what was not synced, and how many frames are sure to be there."""
        reach, synced = self._reach, self._synced
        sure = max(synced.frames if synced.salt == reach.salt else 0, reach.settled)
        what = rng.choice(["kept", "lost", "lost", "torn", "torn"])
        if sure >= reach.frames or what == "kept":
            return "kept", reach.frames
        return what, sure

    def _torn(self, log: bytes, whole: int, rng: Random) -> tuple[bytes, int]:
        """Keep so many frames; of the next ones some sectors. Return how many are of use, too.

        What comes after a frame that is not whole is of no use: each one's checksum goes on from
        that of the one before.
        """
        reach = self._reach
        torn = bytearray(log)
        spoilt = [
            at
            for at in range(reach.end(whole), reach.end(reach.frames), SECTOR_BYTES)
            if rng.random() < 0.5
        ]
        for at in spoilt or [reach.end(whole)]:
            until = min(at + SECTOR_BYTES, reach.end(reach.frames))
            torn[at:until] = rng.randbytes(until - at)
        first = (min(spoilt, default=reach.end(whole)) - HEADER_BYTES) // reach.frame_bytes
        ends = (n for n in range(first, 0, -1) if PAGE.unpack_from(log, reach.end(n - 1))[0])
        return bytes(torn), next(ends, 0)

    def _spoil_others(self, rng: Random) -> None:
        """Lose names and contents that nobody synced."""
        for path in sorted(self.path.parent.glob("*")):  # there may be no folder yet
            is_ours = path.name in {_beside(self.path, part).name for part in PARTS}
            if is_ours or not path.is_file():
                continue
            if path.name not in self._names and rng.random() < 0.3:
                path.unlink()
            elif path.stat().st_ino not in self._numbers and rng.random() < 0.5:
                path.write_bytes(rng.choice([b"", rng.randbytes(40)]))

    def _hear(self, status: os.stat_result) -> None:
        if not S_ISDIR(status.st_mode):
            self._numbers.add(status.st_ino)
        elif self.path.parent.exists() and status.st_ino == self.path.parent.stat().st_ino:
            self._names = frozenset(each.name for each in os.scandir(self.path.parent))


class _Heard(sqlite3.Connection):
    """A connection to the state, whose commits are heard of."""

    def __init__(self, disk: Disk, database: Any, **how: Any) -> None:
        super().__init__(database, **how)
        self._disk = disk
        self._writes = False

    def execute(self, sql: str, /, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self._writes:
            return self._commit()
        if sql.startswith(("BEGIN", "ROLLBACK")):
            self._writes = sql == "BEGIN IMMEDIATE"
        return super().execute(sql, *values)

    def _commit(self) -> sqlite3.Cursor:
        """Commit, unless that is cut short, or there is no room.

        Only processes find the disk full: people have what is reserved for them.
        """
        disk, life = self._disk, own_life()
        if life is not None:
            life.come_to("commit")
            if disk.is_full:
                raise _full()
        ((level,),) = super().execute("PRAGMA synchronous")
        before = disk.reach()
        done = super().execute("COMMIT")
        after = disk.reach()
        if level >= FULL and (after.salt, after.frames) != (before.salt, before.frames):
            disk.synced(after)
        return done


def _full() -> sqlite3.OperationalError:
    problem = sqlite3.OperationalError("database or disk is full")
    problem.sqlite_errorcode = sqlite3.SQLITE_FULL
    return problem


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
