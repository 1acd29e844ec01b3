"""A process that runs the program in children of its own, and ends them where it is told to.

Everything is imported once, then each run is a fork. It reads orders as lines of JSON from stdin:
`{"run": ...}` is answered by the child's number, `{"wait": CHILD}` by how that ended. See
`support.Nursery`, which speaks to it.

A run passes numbered points: before and after every call to the service, and before and after every
commit to state. At one of them it can be killed (SIGKILL), or stopped until it is told to go on.
"""

import gc
import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from reconciler.agora.messages import Reply, Request, Unanswered
from reconciler.cli import scope
from reconciler.cli.console import Console
from reconciler.cli.main import main as program
from reconciler.cli.service import Service
from reconciler.state.store import Change, Store
from tests.crash.clocks import Together

WARM = (
    "anyio._backends._asyncio",
    "anyio.streams.tls",
    "encodings.idna",
    "encodings.utf_8_sig",
    "reconciler.agora.http",
    "reconciler.agora.rtc_token",
    "reconciler.cli.apply",
    "reconciler.cli.plan_markdown",
    "reconciler.cli.progress",
    "reconciler.plan.compare",
    "reconciler.spec.compile",
    "reconciler.spec.definitions",
    "reconciler.spec.load",
    "reconciler.state.sqlite",
)
"""What the program imports only when it is needed: here it is needed by almost every run."""


ROOM_TO_TALK = 8_000
"""Bytes that every file may have, so that a run can say what is wrong."""


class Points:
    """Counts the points, writes each into a file, and does what is ordered at one."""

    def __init__(self, file: Path, order: Mapping[str, Any]) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._orders = {
            order["kill_at"]: lambda: os.kill(os.getpid(), signal.SIGKILL),
            order["hold_at"]: lambda: os.kill(os.getpid(), signal.SIGSTOP),
            order["full_at"]: lambda: fill(Path(order["log"])),
        }
        self._passed = 0

    def pass_(self, what: str) -> None:
        """Pass a point; what is killed there does not come back."""
        self._passed += 1
        with suppress(OSError):  # a run on a full disk cannot write it
            os.write(self._file, f"{what}\n".encode())
        if self._passed in self._orders:
            self._orders[self._passed]()


def fill(log: Path) -> None:
    """Let the disk be full from now on: no file may be longer than the state's log is now."""
    size = max(log.stat().st_size if log.exists() else 0, ROOM_TO_TALK)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Watched:
    """A Store whose commits are points."""

    def __init__(self, store: Store, points: Points) -> None:
        self._store = store
        self._points = points

    def commit(self, scope_name: str, changes: Sequence[Change]) -> int:
        told = ", ".join(_named(change) for change in changes)
        self._points.pass_(f"before commit of {told}")
        serial = self._store.commit(scope_name, changes)
        self._points.pass_(f"after commit of {told}")
        return serial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def _named(change: Change) -> str:
    for part in ("session", "recorded", "name", "recording", "scope"):
        value = getattr(change, part, None)
        if value is not None:
            return f"{type(change).__name__} {getattr(value, 'phase', '')}".strip()
    return type(change).__name__


def watch(points: Points, clock: Together) -> None:
    """Make points of every call and every commit of this process."""
    send, open_state = Service.send, vars(scope)["open_state"]

    async def sent(self: Service, request: Request) -> Reply | Unanswered:
        endpoint = request.url.rsplit("/", 1)[-1]
        points.pass_(f"before {endpoint}")
        clock.calls += 1
        try:
            answer = await send(self, request)
        finally:
            clock.calls -= 1
        points.pass_(f"after {endpoint}")
        return answer

    def opened(*args: Any, **options: Any) -> Any:
        return Watched(open_state(*args, **options), points)

    Service.send = sent  # type: ignore[method-assign]  # the only way in, for a whole process
    vars(scope)["open_state"] = opened


def run(order: dict[str, Any]) -> int:
    """Run the program as ordered, in this process; return its exit code."""
    os.chdir(order["folder"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(order["stdin"], os.O_RDONLY), 0)
    clock = Together(order["url"])
    clock.install()
    points = Points(Path("points"), order)
    watch(points, clock)
    os.environ.clear()
    os.environ.update(order["environ"])
    if order["room"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["room"], order["room"]))
    if order["user"]:
        os.setuid(order["user"])
    console = Console(
        out=sys.stdout,
        err=sys.stderr,
        environ=order["environ"],
        clock=clock,
        rng=Random(order["seed"]),
    )
    return program(order["words"], console)


def child(order: dict[str, Any]) -> int:
    """Fork a run; return its number."""
    number = os.fork()
    if number:
        return number
    code = 99
    try:
        os.setsid()
        code = run(order)
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def ended(number: int) -> int:
    """Wait for a run; return its exit code, or the signal that ended it as a negative number."""
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status)


def serve() -> None:
    """Take orders until stdin ends."""
    for name in WARM:
        importlib.import_module(name)
    gc.freeze()  # children share what is there, and need not look through it
    for line in sys.stdin:
        order = json.loads(line)
        answer = child(order["run"]) if "run" in order else ended(order["wait"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
