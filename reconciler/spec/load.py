"""Find and read spec files.

The only part of `spec` that touches the file system, apart from secrets and the cache.

A path that is not there, or cannot be read, is an error and never an empty world
(design/reconcile.md, "Guards"). Symbolic links are followed only while they stay inside the path
that was given, so that a checkout cannot make the reconciler read its host.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.errors import SpecError
from reconciler.spec.source import FILE_BYTES_MAX, Source

SUFFIXES = (".yaml", ".yml")
GENERATOR_BYTES_MAX = 8 * 1024 * 1024
"""A generator's file may hold the rows of a large fleet: more than a spec, but bounded."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """All spec files under the paths, in order of path, each once; and what could not be read."""

    sources: tuple[Source, ...]
    diagnostics: tuple[Diagnostic, ...]


class Files:
    """Read below the given paths and nowhere else."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = tuple(paths)
        self._roots = tuple(_root(path) for path in self._paths)
        self._problems: list[Diagnostic] = []

    def load(self) -> Loaded:
        """Read every spec file.

        A file as named, a folder recursively (`*.yaml`, `*.yml`, nothing hidden).
        """
        self._problems = []
        found: dict[str, str] = {}
        for path in self._paths:
            for name in self._spec_files(path):
                found.setdefault(_real(name), name)
        sources = [source for name in found.values() if (source := self._source(name))]
        sources.sort(key=lambda source: PurePath(source.file).parts)
        return Loaded(tuple(sources), tuple(self._problems))

    def beside(self, source: Source, name: str) -> bytes:
        """Return the content of a file that a spec names.

        Relative to the spec and inside the given paths.

        Raises SpecError with what a person can do.
        """
        path = os.path.join(source.folder, name)
        if os.path.isabs(name) or not self._inside(path):
            hint = "name a file below the folder that was given, relative to this spec"
            raise SpecError("generator-file", f"`{name}` is outside the given paths", hint=hint)
        try:
            data = _read(path, GENERATOR_BYTES_MAX + 1)
        except (OSError, ValueError) as problem:
            raise SpecError("generator-file", f"`{name}` cannot be read: {_why(problem)}") from None
        if len(data) > GENERATOR_BYTES_MAX:  # cut short it would be fewer recordings
            raise SpecError("generator-file", f"`{name}` is larger than 8 MiB")
        return data

    def _spec_files(self, path: str) -> Iterator[str]:
        if not os.path.isdir(path):
            yield path
            return
        pending = [path]
        seen: set[str] = set()
        while pending:
            folder = pending.pop(0)
            real = _real(folder)
            if real not in seen:
                seen.add(real)
                yield from self._entries(folder, pending)

    def _entries(self, folder: str, pending: list[str]) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as problem:
            self._refuse(folder, "path", f"the folder cannot be read: {_why(problem)}")
            return
        for entry in entries:
            # Asking the entry itself of a link that leads to itself would be an error.
            is_folder = os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()
            if entry.name.startswith(".") or not (is_folder or entry.name.endswith(SUFFIXES)):
                continue
            name = _tidy(entry.path)
            if entry.is_symlink() and not self._inside(name):
                hint = "copy the file into the folder, or name its target as a path of its own"
                self._refuse(name, "symlink", "the link points outside the given path", hint)
            elif is_folder:
                pending.append(name)
            else:
                yield name

    def _inside(self, path: str) -> bool:
        real = _real(path)
        return any(real == root or real.startswith(root.rstrip("/") + "/") for root in self._roots)

    def _source(self, name: str) -> Source | None:
        try:
            return Source.of(_shown(name), _read(name, FILE_BYTES_MAX + 1))
        except (OSError, ValueError) as problem:
            self._refuse(name, "path", f"the path cannot be read: {_why(problem)}")
            return None

    def _refuse(self, name: str, code: str, message: str, hint: str | None = None) -> None:
        position = Position(_shown(name))
        self._problems.append(Diagnostic(position, "", Severity.ERROR, code, message, hint))


def _root(path: str) -> str:
    """Return the folder that bounds what may be read.

    The folder given, or the one that holds the file given.
    """
    return _real(path if os.path.isdir(path) else os.path.dirname(path) or ".")


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # a NUL character: no file is called so, as reading it will say
        return path


def _read(path: str, bytes_max: int) -> bytes:
    """Read a regular file up to a bound; a pipe or a device could block for ever."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        message = "not a regular file"
        raise ValueError(message)
    with Path(path).open("rb") as file:
        return file.read(bytes_max)


def _why(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror[0].lower() + problem.strerror[1:]
    return str(problem)


def _tidy(path: str) -> str:
    return path.removeprefix("./")


def _shown(path: str) -> str:
    """Return the name as it can be printed, whatever bytes the file system holds."""
    return os.fsencode(_tidy(path)).decode(errors="backslashreplace").replace(os.sep, "/")
