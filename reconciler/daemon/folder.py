"""Specs from files and folders of this machine, and the only module that knows watchfiles.

Watched are folders, never files: what replaces a file by renaming, as editors do and Kubernetes
does with the link `..data` of a mounted ConfigMap, changes the folder. Which ones is worked out
anew after each change, for links can lead elsewhere, and a PATH come and go. What the watch misses
is found by whoever fetches at intervals.
"""

import asyncio
import logging
import os
import re
import stat
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import watchfiles

from reconciler.clock import Clock
from reconciler.daemon.source import Fetched

QUIET_MS = 100
"""A change is told when nothing has followed for so long: editors and `cp` write in steps."""

GATHER_MS_MAX = 1_000
"""However much goes on, it is told after this time; it is to be acted on within 5 s."""

LOOK_AGAIN_MS = 10_000
"""How often to see if other folders are to be watched: one that is moved away does not say so."""

RETRY_S = 30.0
"""When to try again where the system lets nothing be watched."""

LINKS_MAX = 40
"""As many in one path as Linux follows."""

# Hidden files, and what editors, databases and logs leave: a state or a log in the folder would
# make each pass the cause of the next.
_NOISE = re.compile(
    r"^\.|~$|\.(?:sw[a-z]|tmp|lock|log|pid|sock)$|\.(?:db|sqlite3?)(?:-wal|-shm|-journal)?$"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder to watch: for these names in it, or for all; `identity` tells it from another."""

    identity: tuple[int, int]
    names: frozenset[str]
    whole: bool


_Places: TypeAlias = Mapping[str, _Place]


class Folder:
    """A Source: the PATHs as given. A PATH that cannot be read is a problem in words."""

    def __init__(self, paths: Iterable[str], clock: Clock) -> None:
        """Read from these files and folders."""
        self._paths = tuple(paths)
        self._clock = clock

    @property
    def place(self) -> str:
        """Name the PATHs."""
        return ", ".join(self._paths)

    async def fetch(self) -> Fetched:
        """Say whether the PATHs can be read; see `Source`. Where none can, none is read."""
        problems = [problem for path in self._paths if (problem := _problem(path))]
        paths = self._paths if len(problems) < len(self._paths) else ()
        return Fetched(paths=paths, problem="; ".join(problems))

    async def changes(self) -> AsyncIterator[None]:
        """Yield when files may have changed, and first once all is watched; see `Source`."""
        changed = asyncio.Event()
        watching = asyncio.create_task(self._watch(changed))
        watching.add_done_callback(lambda _: changed.set())
        try:
            while True:
                await changed.wait()
                changed.clear()
                if watching.done():
                    watching.result()  # it ends by a bug alone, and that is raised here
                yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self, changed: asyncio.Event) -> None:
        """Tell of changes, for ever; without the system's help only every now and then."""
        was_told = False
        while True:
            # It runs at the first wait below: what changed before is told, the rest is watched.
            asyncio.get_running_loop().call_soon(changed.set)
            try:
                await self._watch_these(_places(self._paths), changed)
                was_told = False
            except (OSError, RuntimeError, ExceptionGroup) as problem:  # as watchfiles says no
                if not was_told:
                    log.warning(
                        "files cannot be watched; they are read at intervals",
                        extra={"why": _why(problem)},
                    )
                was_told = True
                await self._clock.sleep(RETRY_S)

    async def _watch_these(self, places: _Places, changed: asyncio.Event) -> None:
        """Tell of changes until other places are to be watched."""
        async with aclosing(_batches(places)) as batches:
            async for has_news in batches:
                if _places(self._paths) != places:
                    return
                if has_news:
                    changed.set()


async def _batches(places: _Places) -> AsyncGenerator[bool, None]:
    """Yield True for changes in these places, False when there were none for some time."""
    watch = watchfiles.awatch(
        *places,
        watch_filter=lambda _, path: _concerns(places, path),
        debounce=GATHER_MS_MAX,
        step=QUIET_MS,
        rust_timeout=LOOK_AGAIN_MS,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    )
    async with aclosing(watch) as changes:
        async for change in changes:
            yield bool(change)


def _concerns(places: _Places, path: str) -> bool:
    folder, _, name = path.rpartition(os.sep)
    place = places.get(folder or os.sep)
    if place is None:  # of a watched folder itself
        return True
    return name in place.names or (place.whole and not _NOISE.search(name))


def _places(paths: Iterable[str]) -> _Places:
    """Return all folders to watch, by their real names: of one folder only one name is told."""
    names: dict[Path, set[str]] = defaultdict(set)
    whole: set[Path] = set()
    for path in map(Path, paths):
        for folder, name in _steps(path):
            names[folder].add(name)
        for folder, links in _read_from(path):
            whole.add(folder)
            for link in links:
                for holder, name in _steps(link):
                    names[holder].add(name)
    found: dict[str, _Place] = {}
    for folder in sorted(names.keys() | whole):
        with suppress(OSError):  # it went away just now
            status = folder.stat()
            identity = (status.st_dev, status.st_ino)
            found[str(folder)] = _Place(identity, frozenset(names[folder]), folder in whole)
    return found


def _steps(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield what a path hangs on: its own name, and the link it leads through, each in its folder.

    Where it leads nowhere, the last is the first name that is missing.
    """
    folder, pending = _split(path.absolute())
    links = 0
    while pending and links < LINKS_MAX:
        name = pending.pop()
        here = folder.parent if name == ".." else folder / name
        if here.is_symlink():
            yield folder, name
            links += 1
            start, more = _split(here.readlink())
            folder = start if start.is_absolute() else folder
            pending += more
        elif not pending or not here.exists():
            yield folder, name
            return
        else:
            folder = here


def _split(path: Path) -> tuple[Path, list[str]]:
    """Return where a path begins, and the names after that, the last first."""
    anchor = Path(path.anchor)
    return anchor, [name for name in reversed(path.parts) if name != path.anchor]


def _read_from(path: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield the folders that files are read from, each with the links in it.

    That of a file; or a folder and all below it, as in `spec/load.py`: nothing hidden, and links as
    far as they stay inside.
    """
    with suppress(OSError, RuntimeError, ValueError):  # it is not there, a circle, or no name
        root = path.resolve(strict=True)
        if not root.is_dir():
            yield root.parent, []
            return
        seen = {root}
        pending = [root]
        while pending:
            folder = pending.pop()
            with suppress(OSError):  # one that cannot be read is watched by the folder it is in
                links, below = _entries(folder)
                yield folder, links
                below |= {link.resolve() for link in links if link.is_dir()}
                inside = {each for each in below - seen if each.is_relative_to(root)}
                seen |= inside
                pending += inside


def _entries(folder: Path) -> tuple[list[Path], set[Path]]:
    """Return the links and the folders in a folder, but hidden ones."""
    links: list[Path] = []
    folders: set[Path] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                links.append(Path(entry.path))
            elif entry.is_dir():
                folders.add(Path(entry.path))
    return links, folders


def _problem(path: str) -> str:
    """Say why a PATH cannot be read; nothing if it can."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return f"`{path}` is not there"
    except (OSError, ValueError) as problem:
        return f"`{path}` cannot be read: {_why(problem)}"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return f"`{path}` is neither a file nor a folder"
    needed = os.R_OK | os.X_OK if stat.S_ISDIR(mode) else os.R_OK
    return "" if os.access(path, needed) else f"`{path}` cannot be read: permission denied"


def _why(problem: Exception) -> str:
    return ((isinstance(problem, OSError) and problem.strerror) or str(problem)).lower()
