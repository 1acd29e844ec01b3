"""What unchanged files came to, kept between runs in the user's cache folder.

A row is found by its content, and believed only with a keyed hash that this user's key made: a
damaged row, another program's file, or one that came with a checkout is no row. No failure of the
cache is ever an error; no secret goes in (docs/decisions/004-spec-cache.md).
"""

import contextlib
import hashlib
import hmac
import os
import sqlite3
import stat
from collections.abc import Mapping
from pathlib import Path

ROWS_MAX = 50_000
KEY_BYTES = 32
VARIABLE = "RECONCILER_CACHE"
OFF = "off"


class Cache:
    """Two texts under each key.

    `index`, read whenever the key is met, and `bodies`, read when somebody asks.
    """

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self.key = key
        self._connection = connection
        self._rows: dict[bytes, tuple[bytes, bytes]] = {}
        self._new: list[tuple[bytes, bytes, bytes, bytes]] = []
        self._read_all()

    def _read_all(self) -> None:
        rows = self._connection.execute("SELECT key, mark, content FROM indexes")
        self._rows = {key: _sound(mark, content) for key, mark, content in rows}

    def name(self, *parts: str) -> bytes:
        """Return the key for what these parts (program version, file, content digest) name."""
        return self._hash("\0".join(parts).encode())

    def index(self, key: bytes) -> bytes | None:
        """Return the index under a key, or None if there is none that this user made."""
        mark, content = self._rows.get(key, (b"", b""))
        return content if hmac.compare_digest(mark, self._hash(key, content)) else None

    def bodies(self, key: bytes) -> bytes | None:
        """Return the bodies under a key, or None."""
        try:
            found = self._connection.execute(
                "SELECT mark, content FROM bodies WHERE key = ?", (key,)
            ).fetchone()
        except sqlite3.Error:
            return None
        mark, content = _sound(*found) if found else (b"", b"")
        return content if hmac.compare_digest(mark, self._hash(key, b"bodies", content)) else None

    def put(self, key: bytes, index: bytes, bodies: bytes) -> None:
        """Remember a result; it is written by `flush`."""
        self._new.append((key, self._hash(key, index), index, bodies))

    def flush(self) -> None:
        """Write what is new and keep the size bounded. A failure costs nothing but time later."""
        with contextlib.suppress(sqlite3.Error):
            if self._new:
                self._write()
        self._new = []

    def _write(self) -> None:
        with self._connection:
            bodies = [
                (key, self._hash(key, b"bodies", content), content)
                for key, _, _, content in self._new
            ]
            self._connection.executemany("REPLACE INTO bodies VALUES (?, ?, ?)", bodies)
            self._connection.executemany(
                "REPLACE INTO indexes VALUES (?, ?, ?)", [row[:3] for row in self._new]
            )
            for table in ("indexes", "bodies"):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?",  # noqa: S608  # our own names
                    (ROWS_MAX,),
                )

    def _hash(self, *parts: bytes) -> bytes:
        hashed = hashlib.blake2b(key=self.key, digest_size=16)
        for part in parts:
            hashed.update(len(part).to_bytes(8, "big"))
            hashed.update(part)
        return hashed.digest()


def _sound(mark: object, content: object) -> tuple[bytes, bytes]:
    """Return what a row holds, nothing if it is of other types than were put there."""
    if isinstance(mark, bytes) and isinstance(content, bytes):
        return mark, content
    return b"", b""


def open_cache(environ: Mapping[str, str]) -> Cache | None:
    """Open the user's cache, making it if need be.

    None where it is switched off, unsafe, locked or damaged.
    """
    folder = _folder(environ)
    if folder is None:
        return None
    try:
        _make_private(folder)
        key = _key(folder / "key")
        return _open(folder / "specs.db", key)
    except (OSError, ValueError, sqlite3.Error):
        return None


def _folder(environ: Mapping[str, str]) -> Path | None:
    said = environ.get(VARIABLE, "")
    if said == OFF:
        return None
    if said:
        return Path(said)
    base = environ.get("XDG_CACHE_HOME") or (
        f"{environ['HOME']}/.cache" if environ.get("HOME") else ""
    )
    return Path(base) / "reconciler" if base.startswith("/") else None


def _make_private(folder: Path) -> None:
    """Make the folder for this user alone; refuse one that others own or may write to."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = "the cache folder is not this user's alone"
        raise ValueError(message)


def _key(path: Path) -> bytes:
    with contextlib.suppress(FileExistsError):
        new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(new, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        path.unlink()
        message = "the cache's key is damaged; the next run makes another"
        raise ValueError(message)
    return key


def _open(path: Path, key: bytes) -> Cache:
    try:
        return Cache(_connect(path), key)
    except sqlite3.DatabaseError as problem:
        if isinstance(problem, sqlite3.OperationalError):  # locked or read-only: leave it alone
            raise
        path.unlink()
        return Cache(_connect(path), key)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0.2)
    connection.execute("PRAGMA synchronous = OFF")  # a torn row fails its hash
    for table in ("indexes", "bodies"):
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {table} (key BLOB UNIQUE, mark BLOB, content BLOB)"
        )
    return connection
