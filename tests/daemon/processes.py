"""Real `run`s in processes of their own, beside a simulator in another. All of them take real time.

What is expected is waited for, within a time that says how long it may take; nothing ever sleeps
for a time after which it must have happened.
"""

import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Any, TypeVar

import httpx

from reconciler.clock import SystemClock
from reconciler.plan.session import Session
from reconciler.state.open import open_state
from reconciler.state.store import Store
from tests.crash.support import ENVIRON, Simulated, manifest, recording, simulator
from tests.daemon.nursery import Child, Nursery

T = TypeVar("T")

PROGRAM = Path(sys.executable).with_name("reconciler")
NOTIFY_SECRET = "notify-secret-7731"
SECRETS = frozenset({NOTIFY_SECRET, ENVIRON["ACCESS_KEY"], ENVIRON["SECRET_KEY"]})

LISTENS = re.compile(r"HTTP is answered.*(http://[\w.:]+)")

POLL_S = 0.02
PATIENCE_S = 30.0
"""For what has no bound of its own, on a machine that is busy with other things."""

COMMAND_S = 50.0
"""For a command to end; `stop` waits for the service, which is asked 5 s after the call first."""

END_S = 10.0
"""A `run` ends within this time (docs/guide/daemon.md, "Health")."""


def eventually(what: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """Return what comes to be true, within a time."""
    deadline_s = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < deadline_s, f"it has not come true within {within_s:g} s"
        time.sleep(POLL_S)
    return found


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


class Run:
    """A `run` that has begun."""

    def __init__(self, process: Child, log: Path) -> None:
        self.process = process
        self._log = log
        self._client = httpx.Client(trust_env=False, timeout=PATIENCE_S)

    def said(self) -> str:
        """Return what it has written to stderr so far."""
        return self._log.read_text(encoding="utf-8")

    def logged(self) -> list[dict[str, Any]]:
        """Return the lines of its log, which is to be JSON; one may be in the middle of its way."""
        return [json.loads(line) for line in self.said().splitlines(keepends=True) if "\n" in line]

    def has_said(self, what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until it has written something."""
        eventually(lambda: what in self.said(), within_s)

    @property
    def url(self) -> str:
        """Return where it answers HTTP, once it does."""

        def found() -> str:
            match = LISTENS.search(self.said())
            assert match or self.process.poll() is None, self.said()
            return match[1] if match else ""

        return eventually(found)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask something."""
        return self._client.get(self.url + path, headers=headers)

    def post(self, path: str, content: bytes = b"", **headers: str) -> httpx.Response:
        """Tell something."""
        return self._client.post(self.url + path, content=content, headers=headers)

    def is_ready(self) -> bool:
        return self.get("/readyz").status_code == 200

    def has_confirmed(self, count: int) -> bool:
        """Tell whether it knows of so many sessions that they record."""
        return self.metric('reconciler_recordings_by_phase{phase="running"}') == count

    def condition(self, kind: str) -> dict[str, Any]:
        """Return a condition of the scope, as HTTP shows it; nothing where there is none."""
        conditions = self.get("/api/v1/status").json()["conditions"]
        return next((each for each in conditions if each["type"] == kind), {})

    def metric(self, sample: str, *, or_none: bool = False) -> float:
        """Return a metric, named with its labels as it stands there; `or_none`: 0 for none."""
        lines = self.get("/metrics").text.splitlines()
        values = [float(line.split()[-1]) for line in lines if line.startswith(f"{sample} ")]
        assert values or or_none, f"there is no metric {sample}"
        return sum(values)

    def signal(self, number: Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, number: Signals = SIGTERM) -> int:
        """Let it end by a signal, in time; return its exit code."""
        self.signal(number)
        return self.ended(END_S)

    def ended(self, within_s: float = PATIENCE_S) -> int:
        """Wait until it has ended; return its exit code."""
        return self.process.wait(within_s)

    def kill(self) -> None:
        """End it as a power cut would, if it has not ended."""
        self._client.close()
        self.process.send_signal(SIGKILL)
        self.ended()


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass
class Ground:
    """A folder with specs and a state, and the service that both are about."""

    folder: Path
    service: Simulated
    nursery: Nursery
    state: str = field(init=False)
    environ: dict[str, str] = field(init=False)
    _files: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.specs = self.folder / "specs"
        self.specs.mkdir(parents=True)
        self.state = f"sqlite:///{self.folder}/state/state.db"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RECONCILER_", "AGORA_"))
        }
        self.environ = {
            **inherited,
            **ENVIRON,
            "NOTIFY_SECRET": NOTIFY_SECRET,
            "RECONCILER_STATE": self.state,
            "RECONCILER_STATE_KEY": "of the tests",
            "RECONCILER_CACHE": str(self.folder / "cache"),
            "SSL_CERT_DIR": str(self.folder),  # certificates take long to read
        }
        self.write("app", self.app())
        self.write("storage", STORAGE)

    def app(self, **more: Any) -> str:
        """Return the manifest of the App, which is in no hurry to keep to a rate."""
        spec = {
            "appId": "0123456789abcdef0123456789abcdef",
            "credentials": {
                "customerId": {"env": "CUSTOMER_ID"},
                "customerSecret": {"env": "CUSTOMER_SECRET"},
            },
            "endpoints": [self.service.url],
            "notifications": {"secret": {"env": "NOTIFY_SECRET"}},
        }
        return manifest("App", "default", **{**spec, **more})

    def write(self, name: str, *manifests: str) -> Path:
        """Write a file of specs, in one piece."""
        path = self.specs / f"{name}.yaml"
        path.write_text("\n---\n".join(manifests), encoding="utf-8")
        return path

    def want(self, *names: str, **spec: Any) -> None:
        """Write Recordings, each into a file of its own."""
        for name in names:
            self.write(name, recording(name, **spec))

    def drop(self, name: str) -> None:
        """Remove the file of a Recording."""
        (self.specs / f"{name}.yaml").unlink()

    @contextmanager
    def running(self, *words: str, **environ: str) -> Iterator[Run]:
        """Run `run` on the specs, beside what the block does; kill what it has left.

        Without a word about what to read, the specs.
        """
        run = self.begin(*(words if "--git" in words else (str(self.specs), *words)), **environ)
        try:
            yield run
        except BaseException as problem:
            problem.add_note(f"the log of the `run`:\n{run.said()}")
            raise
        finally:
            run.kill()
            assert not [secret for secret in SECRETS if secret in run.said()]
            assert "Traceback" not in run.said()
            assert "bug in reconciler" not in run.said()

    def begin(self, *words: str, **environ: str) -> Run:
        """Begin a `run`, somewhere where nobody listens yet."""
        listen = () if "--listen" in words else ("--listen", "127.0.0.1:0")
        log = self._file("log")
        given = {**self.environ, **environ}
        out = self._file("out")
        child = self.nursery.begin(["run", *words, *listen], self.folder, given, out, log)
        return Run(child, log)

    def command(self, *words: str) -> Ran:
        """Run another command to its end."""
        out, err = self._file("out"), self._file("err")
        code = self.nursery.begin(words, self.folder, self.environ, out, err).wait(COMMAND_S)
        return Ran(code, out.read_text(), err.read_text())

    def _file(self, kind: str) -> Path:
        """Return a file for what a process writes; it is there before the process is."""
        path = self.folder / f"{next(self._files)}.{kind}"
        path.touch()
        return path

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the state, to read it."""
        store = open_state(self.state, self.environ, SystemClock(), write=False)
        try:
            yield store
        finally:
            store.close()

    def known(self) -> list[Session]:
        """Return every session that state knows, oldest first."""
        with self.store() as store:
            return [past.session for past in store.past("default")]

    def forgive(self) -> None:
        """Let nothing go wrong any more."""
        httpx.delete(f"{self.service.url}/_sim/faults", trust_env=False).raise_for_status()

    def live(self) -> list[str]:
        """Return the channels that are recorded now, one as often as it is."""
        return sorted(each["cname"] for each in self.service.live())

    def records(self, *names: str) -> bool:
        """Tell whether these channels are recorded once, and no other."""
        return self.live() == sorted(names)

    def check(self, *names: str) -> None:
        """Insist that these are recorded, each once, and that state knows all that lives.

        An orphan is not counted, since it is known to live beside what is recorded.
        """
        known = [each for each in self.known() if each.may_live]
        lost = {(each.channel, each.uid) for each in known if each.is_orphan}
        own = [each for each in self.service.live() if (each["cname"], each["uid"]) not in lost]
        assert sorted(each["cname"] for each in own) == sorted(names)
        assert {each["sid"] for each in own} <= {each.sid for each in known}


STORAGE = manifest(
    "Storage",
    "archive",
    vendor="aws",
    region="us-east-1",
    bucket="recordings",
    accessKey={"env": "ACCESS_KEY"},
    secretKey={"env": "SECRET_KEY"},
)


@contextmanager
def serviced(folder: Path, *options: str) -> Iterator[Simulated]:
    """Run a simulator in real time, whose sessions come up at once."""
    with simulator(folder, "--start-delay", "0", *options, scale=1) as service:
        yield service
