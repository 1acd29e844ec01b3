"""Runs of the program in processes that can be killed, beside a simulator in another."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any

import httpx

from reconciler.clock import SystemClock
from reconciler.plan.session import Session
from reconciler.state.open import open_state
from tests.architecture.repository import ROOT

CERTIFICATE = "fedcba9876543210fedcba9876543210"
ENVIRON = {
    "CUSTOMER_ID": "simulator",
    "CUSTOMER_SECRET": "simulator",
    "CERTIFICATE": CERTIFICATE,
    "ACCESS_KEY": "access-key-7731",
    "SECRET_KEY": "secret-key-7731",
}
RUNS_MAX = 5
"""So many runs after a crash are enough for everything to be as desired."""

BACKOFF_S = 300.0
"""The longest back-off, which an apply does not sit out."""

PLENTY = 1_000_000
"""Calls a second: the limit is kept by the client on its own clock, not tested here."""


def manifest(kind: str, name: str, **spec: Any) -> str:
    """Return a manifest as JSON, which is YAML."""
    metadata = {"name": name}
    return json.dumps(
        {"apiVersion": "reconciler/v1", "kind": kind, "metadata": metadata, "spec": spec}
    )


def recording(name: str, mode: str = "mix", **spec: Any) -> str:
    """Return the manifest of a Recording in the channel of its name."""
    required: dict[str, Any] = {"mode": mode, "channel": name, "storage": "archive"}
    if mode == "web":
        required["web"] = {"url": "https://example.com/page", "maxDuration": "24h"}
    else:
        required["channelProfile"] = "live"
    whole = {**required, **spec}
    given = {key: value for key, value in whole.items() if value is not None}
    return manifest("Recording", name, **given)


class Simulated:
    """A simulator in its own process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=f"{url}/_sim")

    def reset(self) -> None:
        """Forget everything but the time."""
        self._client.post("/reset").raise_for_status()

    def now_s(self) -> float:
        """Return what time it is there."""
        now_s: float = self._client.get("/clock").json()["now"]
        return now_s

    def pass_time(self, seconds: float) -> None:
        """Let time pass, where the clock stands still."""
        self._client.post("/clock", json={"advance": seconds}).raise_for_status()

    def fail(self, *rules: Mapping[str, Any]) -> None:
        """Let things go wrong from now on."""
        self._client.post("/faults", json=list(rules)).raise_for_status()

    def order(self, cname: str, order: str, **body: Any) -> None:
        """Let something happen to the one session that lives in a channel."""
        (sid,) = (session["sid"] for session in self.live() if session["cname"] == cname)
        self._client.post(f"/sessions/{sid}/{order}", json=body).raise_for_status()

    def sessions(self) -> list[dict[str, Any]]:
        """Return all that ever started, oldest first."""
        found: list[dict[str, Any]] = self._client.get("/sessions").json()["sessions"]
        return found

    def live(self) -> list[dict[str, Any]]:
        """Return what runs now."""
        return [session for session in self.sessions() if session["phase"] == "live"]

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls to the service so far."""
        found: list[dict[str, Any]] = self._client.get("/calls").json()["calls"]
        return [call for call in found if call["endpoint"]]

    def endpoints(self) -> list[str]:
        """Return what was called so far, in order."""
        return [call["endpoint"] for call in self.calls()]

    def changes(self) -> list[str]:
        """Return the calls so far that change something."""
        return [each for each in self.endpoints() if each != "query"]

    def close(self) -> None:
        self._client.close()


@contextmanager
def simulator(folder: Path, *options: str, scale: float = 0) -> Iterator[Simulated]:
    """Run a simulator; with `scale` 0 its clock stands still until it is moved."""
    program = Path(sys.executable).with_name("reconciler")
    words = ["--port", "0", "--qps", str(PLENTY), "--time-scale", str(scale), *options]
    process = subprocess.Popen(
        [program, "simulator", *words], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    simulated = Simulated(process.stdout.readline().strip())
    try:
        yield simulated
    finally:
        simulated.close()
        process.terminate()
        process.stdout.close()
        assert process.wait(10) == 0


class Nursery:
    """The process that runs the program in children of its own (`child.py`)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.child"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._seeds = count(1)
        self._begun: set[int] = set()

    def begin(self, order: Mapping[str, Any]) -> int:
        """Begin a run; return the child's process number."""
        child = self._ask({"run": {**order, "seed": next(self._seeds)}})
        self._begun.add(child)
        return child

    def wait(self, child: int) -> int:
        """Return how a child ended: its exit code, or the negative number of a signal."""
        ended = self._ask({"wait": child})
        self._begun.discard(child)
        return ended

    def close(self) -> None:
        for child in self._begun:  # a test that failed has left it behind
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._pipe("stdin").close()
        self._pipe("stdout").close()
        assert self._process.wait(10) == 0

    def _ask(self, order: Mapping[str, Any]) -> int:
        stdin, stdout = self._pipe("stdin"), self._pipe("stdout")
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def _pipe(self, name: str) -> IO[str]:
        pipe: IO[str] = getattr(self._process, name)
        return pipe


@dataclass(frozen=True)
class Ran:
    """How a run ended, what it wrote, and the points that it passed."""

    code: int
    out: str
    err: str
    points: list[str]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Running:
    """A run that has begun."""

    def __init__(self, nursery: Nursery, order: Mapping[str, Any]) -> None:
        self._nursery = nursery
        self._folder = Path(order["folder"])
        self.process = nursery.begin(order)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process, number)

    def said(self) -> str:
        """Return what it has written to stderr so far."""
        err = self._folder / "err"
        return err.read_text() if err.exists() else ""

    def stopped(self) -> None:
        """Return when it has stopped at the point that it was to be held at."""
        stat = Path(f"/proc/{self.process}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            os.sched_yield()

    def ended(self) -> Ran:
        """Return when it has ended."""
        code = self._nursery.wait(self.process)
        texts = {name: (self._folder / name).read_text() for name in ("out", "err", "points")}
        return Ran(code, texts["out"], texts["err"], texts["points"].splitlines())


@dataclass
class Scene:
    """A folder with specs and a state, and the service that both are about."""

    folder: Path
    nursery: Nursery
    service: Simulated
    environ: dict[str, str] = field(default_factory=lambda: dict(ENVIRON))
    _runs: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.specs = self.folder / "specs"
        self.state = self.folder / "state"
        self.specs.mkdir(parents=True)
        self.environ["RECONCILER_CACHE"] = str(self.folder / "cache")
        self.environ["SSL_CERT_DIR"] = str(self.folder)  # certificates take long to read
        self.write("app", self.app())
        keys = {"accessKey": {"env": "ACCESS_KEY"}, "secretKey": {"env": "SECRET_KEY"}}
        archive = manifest(
            "Storage", "archive", vendor="aws", region="us-east-1", bucket="b", **keys
        )
        self.write("storage", archive)

    def app(self, **more: Any) -> str:
        """Return the manifest of the App."""
        credentials = {"customerId": {"env": "CUSTOMER_ID"}}
        credentials["customerSecret"] = {"env": "CUSTOMER_SECRET"}
        spec = {
            "appId": "0123456789abcdef0123456789abcdef",
            "credentials": credentials,
            "certificate": {"env": "CERTIFICATE"},
            "endpoints": [self.service.url],
        }
        return manifest("App", "default", **{**spec, **more})

    def write(self, name: str, *manifests: str) -> None:
        """Write a file of specs."""
        (self.specs / f"{name}.yaml").write_text("\n---\n".join(manifests), encoding="utf-8")

    def want(self, *manifests: str) -> None:
        """Let these be all the Recordings that there are."""
        self.write("recordings", *manifests)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.state}/state.db"

    def begin(self, *words: str, **order: Any) -> Running:
        """Begin a run of a command on the specs, in a folder of its own."""
        folder = self.folder / f"run-{next(self._runs)}"
        folder.mkdir()
        whole = {
            "words": [words[0], "--state", self.url, *words[1:]],
            "folder": str(folder),
            "environ": self.environ,
            "url": self.service.url,
            "kill_at": 0,
            "hold_at": 0,
            "full_at": 0,
            "log": f"{self.state}/state.db-wal",
            "room": 0,
            "user": 0,
            "stdin": os.devnull,
            **order,
        }
        return Running(self.nursery, whole)

    def run(self, *words: str, **order: Any) -> Ran:
        """Run a command on the specs to its end."""
        return self.begin(*words, **order).ended()

    def apply(self, *options: str, **order: Any) -> Ran:
        return self.run("apply", str(self.specs), "--yes", *options, **order)

    def plan(self, *options: str, **order: Any) -> Ran:
        return self.run("plan", str(self.specs), *options, **order)

    def known(self) -> list[Session]:
        """Return every session that state knows, oldest first."""
        store = open_state(self.url, {}, SystemClock(), write=False)
        try:
            return [past.session for past in store.past("default")]
        finally:
            store.close()

    def converge(self) -> list[Ran]:
        """Apply until there is nothing left to do; return the runs."""
        ran: list[Ran] = []
        while not ran or any(act["action"] != "none" for act in ran[-1].json["plan"]["actions"]):
            if len(ran) == RUNS_MAX:
                told = "\n".join(f"{each.code}\n{each.out}\n{each.err}" for each in ran)
                raise AssertionError(f"not settled after {RUNS_MAX} runs:\n{told}")
            if ran:
                self.service.pass_time(BACKOFF_S)
            ran.append(self.apply("--format", "json"))
        return ran


@contextmanager
def stage(folder: Path) -> Iterator[Callable[[Path], Scene]]:
    """Run a simulator and a nursery; yield what makes a scene of them, in a folder of its own."""
    nursery = Nursery()
    try:
        with simulator(folder) as service:

            def made(place: Path) -> Scene:
                service.reset()
                return Scene(place, nursery, service)

            yield made
    finally:
        nursery.close()
