"""Every spec of the repository runs: compiled, sent by the client, taken by the simulator.

Client and simulator share no code, only the service's documentation; here they meet over HTTP.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from reconciler.agora.answers import Acquired, Handle, Observation, Started, Stopped, Updated
from reconciler.agora.budget import Limit, MemoryBudget
from reconciler.agora.client import Client
from reconciler.agora.http import Http
from reconciler.agora.project import Project
from reconciler.agora.rtc_token import recorder_token
from reconciler.clock import SystemClock
from reconciler.spec.catalog import read_catalog
from reconciler.spec.desired import Desired, acquire_body, start_body
from reconciler.spec.groups import Group, group_requests
from reconciler.spec.load import Files
from reconciler.spec.resolve import Resolver
from reconciler.spec.secrets import SecretValue
from reconciler.spec.setting import Setting
from tests.architecture.repository import ROOT

APP_ID = "0123456789abcdef0123456789abcdef"
CERTIFICATE = "fedcba9876543210fedcba9876543210"
SALT = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # base64 of 32 digits
ENVIRON = {
    "AGORA_CUSTOMER_ID": "simulator",
    "AGORA_CUSTOMER_SECRET": "simulator",
    "AGORA_APP_CERTIFICATE": CERTIFICATE,
    "ARCHIVE_ACCESS_KEY": "access",
    "ARCHIVE_SECRET_KEY": "secret",
    "CLINIC_KEY": "key",
    "CLINIC_SALT": SALT,
    "NEWSROOM_RTMP_URL": "rtmp://live.example.com/app/key",
    "VOD_ACCESS_KEY": "access",
    "VOD_SECRET_KEY": "secret",
}
QPS = 100
STARTED = (4, 5)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a simulator whose sessions start at once."""
    program = Path(sys.executable).with_name("reconciler")
    options = ("--port", "0", "--qps", str(QPS), "--start-delay", "0")
    process = subprocess.Popen(
        [program, "simulator", *options],
        cwd=tmp_path_factory.mktemp("simulator"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.stdout.close()
    assert process.wait(10) == 0


def desired_of_repository() -> list[Desired]:
    setting = Setting({}, frozenset(), {}, SystemClock().now_s())
    catalog = read_catalog(Files([str(ROOT / "specs")]), setting)
    assert catalog.errors == 0
    return [entry.desired() for entry in catalog.entries]


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    clock = SystemClock()
    project = Project(
        name="default",
        app_id=SecretValue(APP_ID),
        customer_id=SecretValue("simulator"),
        customer_secret=SecretValue("simulator"),
        endpoints=(url,),
        allowed_hosts=frozenset({"127.0.0.1"}),
        limit=Limit(calls_per_s=QPS),
    )
    http = Http()
    try:
        yield Client(project, http, MemoryBudget(clock), clock, Random(0))
    finally:
        await http.close()


def uid_of(desired: Desired) -> str:
    return desired.uids[0] if desired.uids else "2147483648"


def bodies(desired: Desired) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the bodies of acquire and start with every secret resolved."""
    token = None
    if desired.generate_token:
        made = recorder_token(
            APP_ID, SecretValue(CERTIFICATE), desired.channel, int(SystemClock().now_s()), 1
        )
        token = made.reveal()
    resolver = Resolver(ENVIRON)
    uid = uid_of(desired)
    return (
        resolver.body(acquire_body(desired, uid, token)),
        resolver.body(start_body(desired, uid, token)),
    )


async def started(client: Client, desired: Desired) -> Handle:
    acquire, start = bodies(desired)
    acquired = await client.acquire(acquire)
    assert isinstance(acquired, Acquired), acquired
    session = await client.start(acquired, desired.mode, start)
    assert isinstance(session, Started), session
    return Handle(
        channel=desired.channel,
        uid=uid_of(desired),
        resource_id=acquired.resource_id,
        sid=session.sid,
        mode=desired.mode,
        host=session.host,
    )


async def life(url: str, desired: Desired) -> Mapping[str, Any]:
    """Start a session, change all that can change, stop it; return what was seen on the way."""
    async with client_of(url) as client:
        handle = await started(client, desired)
        observed = await client.query(handle)
        assert isinstance(observed, Observation), observed
        for group, request in group_requests(desired).items():
            body = Resolver(ENVIRON).body(request)
            change = client.update_layout if group is Group.LAYOUT else client.update
            answer = await change(handle, body)
            assert isinstance(answer, Updated), (group, answer)
        stopped = await client.stop(handle)
        assert isinstance(stopped, Stopped), stopped
        return {"status": observed.status, "sid": handle.sid}


DESIRED = desired_of_repository()


@pytest.mark.parametrize("desired", DESIRED, ids=[desired.name for desired in DESIRED])
def test_a_spec_is_accepted_changed_and_stopped(url: str, desired: Desired) -> None:
    seen = asyncio.run(life(url, desired))
    assert seen["status"] in STARTED


async def running_as(url: str, desired: Desired) -> Any:
    """Start a session and return what the simulator then knows of it."""
    async with client_of(url) as client, httpx.AsyncClient() as control:
        handle = await started(client, desired)
        sessions = (await control.get(f"{url}/_sim/sessions")).json()["sessions"]
        await client.stop(handle)
    (session,) = (each for each in sessions if each["sid"] == handle.sid)
    return session


def test_what_runs_is_what_the_spec_says(url: str) -> None:
    (town_hall,) = (each for each in DESIRED if each.name == "town-hall")
    desired = replace(town_hall, uids=town_hall.uids[1:])  # the first may still be stopping
    shown = json.dumps(asyncio.run(running_as(url, desired)))
    canvas = bodies(desired)[1]["clientRequest"]["recordingConfig"]["transcodingConfig"]
    for key in ("width", "height", "fps", "bitrate", "mixedVideoLayout", "backgroundColor"):
        assert f'"{key}": {json.dumps(canvas[key])}' in shown
