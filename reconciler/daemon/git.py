"""Specs from a branch of a Git repository.

What cannot be fetched, and a branch or path that is not there, leave the last good commit in force:
none of them is an empty world (design/reconcile.md, "Guards").
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path, PurePosixPath

from reconciler.clock import Clock
from reconciler.daemon.checkout import Checkout, Tree
from reconciler.daemon.program import GitError
from reconciler.daemon.remote import Remote
from reconciler.daemon.source import Fetched
from reconciler.errors import UsageError

SHORT_COMMIT_LENGTH = 12


class Git:
    """A Source: one branch, and paths in it. `close` lets another of this process have its folder.

    Another process, or another that is not closed, fetches into a folder of its own.
    """

    def __init__(
        self,
        url: str,
        *,
        branch: str = "",
        paths: Sequence[str] = (),
        poll_s: float,
        folder: Path,
        clock: Clock,
    ) -> None:
        """Follow a URL, or a path of this machine; without a branch its HEAD, without paths all.

        Asks the other side every `poll_s`; keeps what it fetches below `folder`. Raises UsageError.
        """
        if not url:
            raise UsageError("`--git` names no repository", hint="give it a URL")
        self._remote = Remote(_absolute(url), branch)
        self._paths = tuple(map(_inside, paths)) or (PurePosixPath(),)
        self._poll_s = poll_s
        self._folder = folder
        self._clock = clock
        self._turn = asyncio.Lock()
        self._checkout: Checkout | None = None
        # The commit of the other side as last dealt with; None: not, so that any is news.
        self._seen: str | None = None

    @property
    def place(self) -> str:
        """Name repository, branch and paths, without credentials."""
        branch = f", branch {self._remote.branch}" if self._remote.branch else ""
        paths = " ".join(str(path) for path in self._paths)
        return f"{self._remote.shown}{branch}" + ("" if paths == "." else f", path {paths}")

    async def fetch(self) -> Fetched:
        """Bring the tree to the newest commit; see `Source`."""
        async with self._turn:
            self._seen = None
            try:
                checkout = await self._opened()
            except (GitError, OSError) as error:
                return Fetched(paths=(), problem=self._failed(error))
            try:
                problem = await self._advance(checkout)
            except (GitError, OSError) as error:
                problem = self._failed(error)
            return await self._fetched(checkout, problem)

    async def changes(self) -> AsyncIterator[None]:
        """Yield when the branch has moved, or can be fetched again; see `Source`."""
        while True:
            await self._clock.sleep(self._poll_s)
            if await self._has_moved():
                yield

    def close(self) -> None:
        """Let go of the folder."""
        if self._checkout is not None:
            self._checkout.close()
            self._checkout = None

    async def _opened(self) -> Checkout:
        if self._checkout is None:
            self._checkout = await asyncio.to_thread(Checkout.open, self._folder, self._remote)
        return self._checkout

    async def _advance(self, checkout: Checkout) -> str:
        """Let the newest commit stand; return why that cannot be."""
        newest = await checkout.newest()
        if not newest:
            self._seen = ""
            return self._no_branch()
        tree = await checkout.standing()
        if tree is None or tree.commit != newest:
            tree = await checkout.fetch()
        missing = self._missing_in(tree)
        if not missing:
            await checkout.stand(tree)
        self._seen = tree.commit
        return missing

    async def _fetched(self, checkout: Checkout, problem: str) -> Fetched:
        try:
            tree = await checkout.standing() or await checkout.mend()
            # Other paths may have been asked for when it was fetched.
            is_read = tree is not None and not self._missing_in(tree)
        except OSError as error:
            return Fetched(paths=(), problem=problem or self._failed(error))
        if tree is None or not is_read:
            return Fetched(paths=(), problem=problem)
        paths = tuple(str(checkout.current / path) for path in self._paths)
        return Fetched(paths=paths, commit=tree.commit, problem=problem)

    async def _has_moved(self) -> bool:
        if self._checkout is None:
            return False
        try:
            return await self._checkout.ask() != self._seen
        except (GitError, OSError):  # told by the next fetch, which does not wait for this
            return False

    def _missing_in(self, tree: Tree) -> str:
        """Say which paths the commit does not have."""
        absent = [f"`{path}`" for path in self._paths if not (tree.folder / path).exists()]
        if not absent:
            return ""
        verb = "is" if len(absent) == 1 else "are"
        commit = tree.commit[:SHORT_COMMIT_LENGTH]
        return f"{', '.join(absent)} {verb} not in commit {commit} of `{self._remote.shown}`"

    def _no_branch(self) -> str:
        if self._remote.branch:
            return f"the branch `{self._remote.branch}` is not in `{self._remote.shown}`"
        return f"`{self._remote.shown}` has no commit at its HEAD; name a branch with --branch"

    def _failed(self, error: GitError | OSError) -> str:
        shown = self._remote.shown
        if isinstance(error, GitError):
            return f"`{shown}` cannot be fetched: {error}"
        why = (error.strerror or str(error)).lower()
        return f"what was fetched of `{shown}` cannot be kept in `{self._folder}`: {why}"


def _absolute(url: str) -> str:
    """Return a path of this machine as a whole one; git tells them from others in the same way."""
    is_path = "://" not in url and (":" not in url or "/" in url.partition(":")[0])
    return str(Path(url).absolute()) if is_path else url


def _inside(path: str) -> PurePosixPath:
    inside = PurePosixPath(path)
    if not path or inside.is_absolute() or ".." in inside.parts:
        hint = "name a file or folder in the repository, from its root"
        raise UsageError(f"`--path {path}` leads out of the repository", hint=hint)
    return inside
