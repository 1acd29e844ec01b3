"""What was fetched of a Git repository, in a folder of its own beside the state.

    HOME/store        a bare repository, there only so that less is fetched; made anew if it fails
    HOME/trees/NAME   the files of one commit, whole; NAME says which, and how they looked
    HOME/current      a symbolic link to the tree that is read

The link moves in one step, once a tree is whole. So what is read is never half of a commit, after
no crash and on no full disk, and its path is the same at every commit.
"""

import asyncio
import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reconciler.daemon.program import GitError, Program
from reconciler.daemon.remote import Remote
from reconciler.state.files import leave_lock, take_lock

HOMES_MAX = 16
"""How many processes on one machine may follow the same branch from the same folder."""

LOOK_LENGTH = 16

_FETCHED = "refs/reconciler/fetched"
_ROOT_MARK = "gitdir: ../../store\n"
"""Makes a tree the root of a checkout, from which its files are named (`spec/roots.py`)."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of one commit."""

    folder: Path
    commit: str


class Checkout:
    """The one commit that is read, and the means to a newer one; calls must not overlap, but `ask`.

    What fails for a reason outside raises GitError or OSError, and leaves what stands as it is.
    """

    def __init__(self, home: Path, lock: int, remote: Remote) -> None:
        """Use `open` instead: the folder must be this process's own."""
        self.current = home / "current"
        self._home = home
        self._lock = lock
        self._remote = remote
        self._store = home / "store"
        self._trees = home / "trees"
        self._git = Program(self._store, remote.scrubbed)

    @classmethod
    def open(cls, folder: Path, remote: Remote) -> Self:
        """Take the home of this branch below the folder, or one beside it if that is in use."""
        for number in range(1, HOMES_MAX + 1):
            home = folder / (remote.name if number == 1 else f"{remote.name}-{number}")
            (home / "trees").mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = take_lock(home / "lock", f"process {os.getpid()}")
            if lock is not None:
                return cls(home, lock, remote)
        raise GitError(f"{HOMES_MAX} other processes use it from this folder")

    def close(self) -> None:
        """Leave the home to others; the end of the process does the same."""
        leave_lock(self._lock)

    async def ask(self) -> str:
        """Return the commit that the branch is at on the other side; empty: there is none."""
        answer = await self._git.run("ls-remote", "--", self._remote.url, self._remote.ref)
        # What is asked for is a pattern, which the ends of other names fit too.
        found = (line.split("\t", 1) for line in answer.splitlines())
        return next((commit for commit, *ref in found if ref == [self._remote.ref]), "")

    async def newest(self) -> str:
        """Return what `ask` does, with a store that is sound."""
        await self._make_store()
        try:
            return await self.ask()
        except GitError:
            if await self._is_sound():
                raise
        await self._drop_store()
        await self._make_store()
        return await self.ask()

    async def fetch(self) -> Tree:
        """Return the newest commit, whole, beside the tree that stands."""
        try:
            return await self._fetch()
        except GitError:  # a git that was killed leaves locks and halves, as does a full disk
            await self._drop_store()
            return await self._fetch()

    async def standing(self) -> Tree | None:
        """Return the tree that is read; None if there is none that is as it was made."""
        return await asyncio.to_thread(self._standing)

    async def stand(self, tree: Tree) -> None:
        """Let this be the tree that is read; all others go."""
        await asyncio.to_thread(self._stand, tree)

    async def mend(self) -> Tree | None:
        """Make the tree that is read anew from what was fetched, without asking anybody."""
        try:
            commit = self.current.readlink().name.partition("-")[0]
            tree = await self._build(commit)
            await self.stand(tree)
        except (GitError, OSError):
            return None
        return tree

    async def _fetch(self) -> Tree:
        await self._make_store()
        only = ("--depth=1", "--no-tags", "--no-recurse-submodules")
        quiet = ("--quiet", "--no-write-fetch-head")
        source = (self._remote.url, f"+{self._remote.ref}:{_FETCHED}")
        await self._git.run("fetch", *only, *quiet, "--", *source)
        return await self._build(_FETCHED)

    async def _build(self, revision: str) -> Tree:
        answer = await self._git.run("rev-parse", "--verify", f"{revision}^{{commit}}")
        commit = answer.strip()
        new = await asyncio.to_thread(self._prepare)
        await self._git.run(f"--work-tree={new}", "read-tree", "--reset", "-u", commit)
        return await asyncio.to_thread(self._finish, new, commit)

    def _prepare(self) -> Path:
        self._sweep()
        (self._store / "index").unlink(missing_ok=True)  # it would tell of the tree before
        new = self._trees / "new"
        new.mkdir(mode=0o700)
        return new

    def _finish(self, new: Path, commit: str) -> Tree:
        (new / ".git").write_text(_ROOT_MARK, encoding="utf-8")
        return Tree(new.rename(self._trees / f"{commit}-{_look(new)}"), commit)

    def _standing(self) -> Tree | None:
        try:
            folder = self._trees / self.current.readlink().name
        except OSError:
            return None
        commit, _, look = folder.name.partition("-")
        return Tree(folder, commit) if look == _look(folder) else None

    def _stand(self, tree: Tree) -> None:
        link = self._home / "next"
        link.unlink(missing_ok=True)
        link.symlink_to(tree.folder.relative_to(self._home), target_is_directory=True)
        link.replace(self.current)
        self._sweep()

    def _sweep(self) -> None:
        """Remove all trees but the one that is read."""
        kept = ""
        with suppress(FileNotFoundError):
            kept = self.current.readlink().name
        for folder in self._trees.iterdir():
            if folder.name != kept:
                shutil.rmtree(folder)

    async def _make_store(self) -> None:
        if not (self._store / "HEAD").exists():
            await self._git.run("init", "--quiet", "--bare", "--template=")

    async def _drop_store(self) -> None:
        with suppress(FileNotFoundError):
            await asyncio.to_thread(shutil.rmtree, self._store)

    async def _is_sound(self) -> bool:
        try:
            await self._git.run("rev-parse", "--git-dir")
        except GitError:
            return False
        return True


def _look(folder: Path) -> str:
    """Return what becomes another when a file below is changed, added or removed."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        seen = "" if path.is_dir() else f"{status.st_size} {status.st_mtime_ns}"
        line = f"{path.relative_to(folder)}\0{status.st_mode} {seen}\0"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:LOOK_LENGTH]
