"""Run git, and nothing else: never through a shell, never asking anybody, never for ever.

Credentials, proxies and known hosts come from the user's own git and ssh configuration; what could
make a repository run something here is switched off.
"""

import asyncio
import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TIMEOUT_S = 120.0
"""For one call: a large repository on a slow line; a hung one is tried again at the next turn."""

OUTPUT_BYTES_MAX = 1024 * 1024
"""Of each stream. What is asked for are a few lines; the rest is read and dropped."""

_SETTINGS = (
    # A link that a commit brings becomes a file: specs must not read this machine through it.
    "core.symlinks=false",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    # Tidying up happens within the call that is timed, and keeps nothing: one commit is in use.
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "gc.pruneExpire=now",
)
_OPTIONS = tuple(word for setting in _SETTINGS for word in ("-c", setting))

_OF_ONE_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""What git's hooks are started with; `git rev-parse --local-env-vars`, but for configuration."""

_NOISE = re.compile(
    r"\s*$|hint:|warning:|fatal: Could not read from remote repository\.$"
    r"|Please make sure you have the correct access rights$|and the repository exists\.$",
    re.IGNORECASE,
)
_TELLING = re.compile(r"(?:fatal|error|git|ssh): ")
_PREFIX = re.compile(r"^(?:(?:fatal|error|remote): +)+", re.IGNORECASE)
_ADVICE = {
    "terminal prompts disabled": "git has no credentials for it here",
    "Host key verification failed": "ssh does not know its host here",
    "Permission denied (publickey": "ssh has no key here that it takes",
}


class GitError(Exception):
    """Say why git did not do it, in its words and without credentials; ends in `git.py`."""


class Program:
    """Git, at work on the repository in one folder."""

    def __init__(self, repository: Path, scrub: Callable[[str], str]) -> None:
        """Take the folder, and what takes credentials out of what git says."""
        self._repository = repository
        self._scrub = scrub
        self._ssh: dict[str, str] | None = None

    async def run(self, *words: str) -> str:
        """Return what git answers. Raises GitError."""
        if self._ssh is None:
            self._ssh = await self._unasking_ssh()
        return await self._run(words, self._ssh)

    async def _unasking_ssh(self) -> dict[str, str]:
        """Return what keeps ssh from asking anybody; nothing where the user chose the program."""
        if {"GIT_SSH", "GIT_SSH_COMMAND"} & os.environ.keys():
            return {}
        try:
            await self._run(("config", "--get", "core.sshCommand"), {})
        except GitError:  # it is not set
            return {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
        return {}

    async def _run(self, words: tuple[str, ...], ssh: dict[str, str]) -> str:
        process = await self._start(words, ssh)
        assert process.stdout
        assert process.stderr
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer, said, code = await asyncio.gather(
                    _read(process.stdout), _read(process.stderr), process.wait()
                )
        except TimeoutError:
            raise GitError(f"git took longer than {TIMEOUT_S:g} s") from None
        finally:
            if process.returncode is None:
                await _kill(process)
        if code:
            raise GitError(self._scrub(_gist(said)) or f"git ended with exit code {code}")
        return answer

    async def _start(
        self, words: tuple[str, ...], ssh: dict[str, str]
    ) -> asyncio.subprocess.Process:
        inherited = {key: os.environ[key] for key in os.environ.keys() - _OF_ONE_REPOSITORY}
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                f"--git-dir={self._repository}",
                *_OPTIONS,
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**inherited, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **ssh},
                start_new_session=True,  # a terminal's ^C is not for it, and it dies as one
            )
        except FileNotFoundError:
            raise GitError("the program `git` is not installed here") from None
        except ValueError:  # a NUL character
            raise GitError("its name holds a character that no name can have") from None


async def _read(stream: asyncio.StreamReader) -> str:
    kept = bytearray()
    while chunk := await stream.read(64 * 1024):
        kept += chunk[: OUTPUT_BYTES_MAX - len(kept)]
    return kept.decode(errors="replace")


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End it with its children: git leaves the talking to ssh and others."""
    with suppress(ProcessLookupError, PermissionError):  # it ended just now
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _gist(said: str) -> str:
    """Return the line that says why: git's own, or that of what it ran for us."""
    lines = [line.strip() for line in said.splitlines() if not _NOISE.match(line)]
    line = next(filter(_TELLING.match, lines), lines[-1] if lines else "")
    advice = [words for sign, words in _ADVICE.items() if sign in line]
    return "; ".join([_PREFIX.sub("", line), *advice])
