"""Commands over real HTTP against a simulator on loopback, with a SQLite state, on a fast clock."""

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from reconciler.cli.console import Console
from reconciler.cli.main import main
from reconciler.clock import SystemClock
from reconciler.plan.session import Session
from reconciler.simulator.server import Listening, serving
from reconciler.simulator.settings import DEFAULT_APP_ID, Settings, Tuning
from reconciler.state.open import open_state
from reconciler.state.store import Holder, Past, Store
from tests.cli.support import Ran

SCALE = 15.0
"""So many times faster than the clock on the wall: 90 s take 2."""

QPS = 1_000_000
SECRETS = ("simulator-customer-7731", "storage-access-7731", "storage-secret-7731")


class FastClock:
    """The clock on the wall, hurried."""

    def __init__(self, scale: float = SCALE) -> None:
        self._scale = scale
        self._wall = SystemClock()
        self._began_s = self._wall.now_s()
        self._began_monotonic_s = self._wall.monotonic_s()

    def now_s(self) -> float:
        return self._began_s + self.monotonic_s()

    def monotonic_s(self) -> float:
        return (self._wall.monotonic_s() - self._began_monotonic_s) * self._scale

    async def sleep(self, seconds: float) -> None:
        await self._wall.sleep(seconds / self._scale)


@dataclass
class World:
    """One folder of specs, one state, one service; `run` is one command line."""

    folder: Path
    url: str
    environ: dict[str, str]
    clock: Any = field(default_factory=FastClock)
    runs: int = 0

    def __post_init__(self) -> None:
        self.specs = self.folder / "specs"
        self.specs.mkdir()
        storage = {
            "vendor": "aws",
            "region": "us-east-1",
            "bucket": "recordings",
            "accessKey": {"env": "ACCESS_KEY"},
            "secretKey": {"env": "SECRET_KEY"},
        }
        self.write("storage.yaml", manifest("Storage", "archive", storage))

    def run(self, *words: object) -> Ran:
        """Run a command line to its end."""
        self.runs += 1
        out, err = io.StringIO(), io.StringIO()
        console = Console(out, err, self.environ, clock=self.clock, rng=Random(self.runs))
        code = main([str(word) for word in words], console)
        for secret in SECRETS:
            assert secret not in out.getvalue() + err.getvalue()
        assert "Traceback" not in err.getvalue()
        assert "bug in reconciler" not in err.getvalue(), err.getvalue()
        return Ran(code, out.getvalue(), err.getvalue())

    def write(self, file: str, *manifests: Any) -> Path:
        """Write a file of manifests under the specs."""
        path = self.specs / file
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n---\n".join(map(json.dumps, manifests)), encoding="utf-8")
        return path

    def want(self, *names: str, **spec: Any) -> None:
        """Write Recordings, each into a file of its own."""
        for name in names:
            self.write(f"{name}.yaml", recording(name, **spec))

    def apply(self) -> None:
        """Apply the specs, and insist that it works."""
        ran = self.run("apply", self.specs, "--yes")
        assert ran.code == 0, ran

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the state."""
        store = open_state(self.environ["RECONCILER_STATE"], {}, self.clock, write=True)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the scope's lock, as another run would."""
        with self.store() as store:
            holder = Holder(host="elsewhere", process=7, command="apply", since_s=0.0)
            with store.lock("default", holder):
                yield

    def past(self, name: str | None = None) -> list[Past]:
        """Return what state keeps of sessions."""
        with self.store() as store:
            return store.past("default", name)

    def session(self, name: str) -> Session:
        """Return a Recording's newest session."""
        return self.past(name)[-1].session

    def events(self, name: str) -> list[str]:
        """Return the reasons of a Recording's events."""
        with self.store() as store:
            return [event.reason for _, event in store.events("default", name)]

    def recorded(self) -> set[str]:
        """Return the names of the Recordings that state knows."""
        with self.store() as store:
            return set(store.snapshot("default").recorded)

    def live(self) -> set[str]:
        """Return the channels that the service records now."""
        sessions = self.look("/sessions")["sessions"]
        return {each["cname"] for each in sessions if each["phase"] == "live"}

    def calls(self) -> list[str]:
        """Return the endpoints that were called, in order."""
        return [call["endpoint"] for call in self.look("/calls")["calls"]]

    def look(self, path: str) -> Any:
        """Ask the control interface."""
        return _checked(httpx.get(f"{self.url}/_sim{path}", trust_env=False))

    def order(self, path: str, body: Any = None) -> Any:
        """Tell the control interface."""
        return _checked(httpx.post(f"{self.url}/_sim{path}", json=body or {}, trust_env=False))


def recording(name: str, **spec: Any) -> dict[str, Any]:
    """Return a Recording's manifest."""
    body = {"mode": "mix", "channel": name, "channelProfile": "live", "storage": "archive"}
    return manifest("Recording", name, {**body, **spec})


def manifest(kind: str, name: str, spec: Any) -> dict[str, Any]:
    metadata = {"name": name}
    return {"apiVersion": "reconciler/v1", "kind": kind, "metadata": metadata, "spec": spec}


def recording_set(name: str, *rooms: str) -> dict[str, Any]:
    """Return a RecordingSet that makes `room-NAME` for each."""
    spec = recording("x")["spec"] | {"channel": "room-${room}"}
    made = {"metadata": {"name": "room-${room}"}, "spec": spec}
    generators = [{"list": [{"room": room} for room in rooms]}]
    return manifest("RecordingSet", name, {"generators": generators, "recording": made})


@contextmanager
def world_at(folder: Path) -> Iterator[World]:
    """Make a world, with a simulator of its own."""
    with _simulator() as url:
        environ = {
            "RECONCILER_STATE": f"sqlite:///{folder}/state/state.db",
            "RECONCILER_CACHE": str(folder / "cache"),
            "COLUMNS": "100",
            "AGORA_APP_ID": DEFAULT_APP_ID,
            "AGORA_ENDPOINTS": url,
            "AGORA_CUSTOMER_ID": "simulator",
            "AGORA_CUSTOMER_SECRET": SECRETS[0],
            "ACCESS_KEY": SECRETS[1],
            "SECRET_KEY": SECRETS[2],
        }
        yield World(folder, url, environ)


@contextmanager
def _simulator() -> Iterator[str]:
    """Serve in a thread; yield the base URL."""
    loop = asyncio.new_event_loop()
    end = asyncio.Event()
    urls: list[str] = []
    listens = threading.Event()
    tuning = Tuning(qps=QPS, start_delay_s=0, upload_s=1, linger_s=1)
    settings = Settings(customer_secret=SECRETS[0], tuning=tuning)

    async def serve() -> None:
        async with serving(settings, Listening(scale=SCALE)) as url:
            urls.append(url)
            listens.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert listens.wait(10)
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


def _checked(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()
