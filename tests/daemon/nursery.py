"""A process in which all is imported once; each run of the program is a fork of it.

A run is then there in a tenth of the time, and is a process of its own all the same. Orders are
lines of JSON: `{"run": ...}` is answered by the child's number, `{"poll": CHILD}` by how that
ended, null while it has not. `python -m tests.daemon.nursery` takes them from stdin.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from reconciler.cli.main import main
from tests.architecture.repository import ROOT

WARM = (
    "anyio._backends._asyncio",
    "anyio.streams.tls",
    "encodings.idna",
    "reconciler.agora.http",
    "reconciler.agora.rtc_token",
    "reconciler.cli.apply",
    "reconciler.cli.destroy",
    "reconciler.cli.run",
    "reconciler.cli.stop",
    "reconciler.daemon.folder",
    "reconciler.daemon.git",
    "reconciler.plan.compare",
    "reconciler.spec.compile",
    "reconciler.spec.definitions",
    "reconciler.spec.load",
    "reconciler.state.postgres",
    "reconciler.state.sqlite",
)
"""What the program imports only when it is needed: here almost every run needs it."""

READY = "ready\n"
POLL_S = 0.02


class Child:
    """A run in a process of its own."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended: its exit code, or the negative number of a signal; None: not yet."""
        if self._code is None:
            self._code = self._nursery.ask({"poll": self.pid})
        return self._code

    def wait(self, timeout_s: float) -> int:
        """Return how it ended. Raises TimeoutError if it has not, in this time."""
        deadline_s = time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"it has not ended within {timeout_s:g} s")
            time.sleep(POLL_S)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """The process that runs are forked from."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.daemon.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._pipe("stdout").readline() == READY

    def begin(
        self, words: Sequence[str], folder: Path, environ: Mapping[str, str], out: Path, err: Path
    ) -> Child:
        """Begin a run of the program."""
        order = {"words": list(words), "folder": str(folder), "environ": dict(environ)}
        return Child(self, self.ask({"run": {**order, "out": str(out), "err": str(err)}}))

    def ask(self, order: Mapping[str, Any]) -> Any:
        """Give an order; return the answer."""
        stdin, stdout = self._pipe("stdin"), self._pipe("stdout")
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())

    def close(self) -> None:
        """End it, and what is left of its runs."""
        self._pipe("stdin").close()
        self._pipe("stdout").close()
        assert self._process.wait(10) == 0

    def _pipe(self, name: str) -> IO[str]:
        pipe: IO[str] = getattr(self._process, name)
        return pipe


def serve() -> None:
    """Take orders until stdin ends."""
    for name in WARM:
        importlib.import_module(name)
    gc.freeze()  # children share what is there, and need not look through it
    sys.stdout.write(READY)
    sys.stdout.flush()
    begun: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "run" in order:
            answer = _fork(order["run"])
            begun.add(answer)
        else:
            answer = _ended(order["poll"])
            begun -= {order["poll"]} if answer is not None else set()
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    for number in begun:  # whoever gave the orders is gone, or a test has failed
        os.kill(number, signal.SIGKILL)


def _fork(order: dict[str, Any]) -> int:
    number = os.fork()
    if number:
        return number
    code = 99
    try:
        os.setsid()
        code = _run(order)
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _run(order: dict[str, Any]) -> int:
    """Run the program as ordered, in this process; return its exit code."""
    os.chdir(order["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.environ.clear()
    os.environ.update(order["environ"])
    return main(order["words"])


def _ended(number: int) -> int | None:
    found, status = os.waitpid(number, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


if __name__ == "__main__":
    serve()
