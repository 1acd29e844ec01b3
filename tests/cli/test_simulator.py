"""`simulator`: what it says, what it refuses, and how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.support import Run

SECONDS_MAX = 20


@contextmanager
def simulator(*words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command; yield the process and the first line that it writes."""
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler.cli.main", "simulator", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_serves_and_ends_when_told(
    tmp_path: Path, number: signal.Signals
) -> None:
    port_file = tmp_path / "port"
    app_id = "a" * 32
    words = ("--port", 0, "--port-file", port_file, "--app-id", app_id, "--customer-secret", "s")
    with simulator(*words, "--certificate", "c" * 32, "--seed", 7) as (process, url):
        assert url == f"http://127.0.0.1:{port_file.read_text(encoding='ascii').strip()}"
        with httpx.Client(base_url=url, auth=("simulator", "s"), trust_env=False) as client:
            acquired = client.post(
                f"/v1/apps/{app_id}/cloud_recording/acquire",
                json={"cname": "c", "uid": "1", "clientRequest": {}},
            )
            assert acquired.status_code == 200
            os.kill(process.pid, number)
            out, err = process.communicate(timeout=SECONDS_MAX)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err


def test_rules_and_time_come_from_the_command_line(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("- {endpoint: ncs-ip, nth: 2, effect: {status: 500}}\n", encoding="utf-8")
    words = ("--port", 0, "--faults", faults, "--time-scale", 500, "--qps", 3, "--start-delay", 9)
    with (
        simulator(*words) as (_, url),
        httpx.Client(base_url=url, auth=("simulator",) * 2, trust_env=False) as client,
    ):
        statuses = [client.get("/v1/ncs/ip").status_code for _ in range(4)]
        tuning = client.get("/_sim/tuning").json()
        assert client.get("/_sim/clock").json()["scale"] == 500
    assert statuses == [200, 500, 200, 429]
    assert (tuning["qps"], tuning["start_delay_s"]) == (3, 9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "192.0.2.1"), "loopback only"),
        (("--host", "example.com"), "loopback only"),
        (("--port", "65536"), "is not from 0 to 65535"),
        (("--port", "http"), "is no number"),
        (("--qps", "0"), "is not from 1"),
        (("--start-delay", "-1"), "is not from 0"),
        (("--start-delay", "nan"), "is not from 0"),
        (("--time-scale", "inf"), "is not from 0"),
        (("--seed", "x"), "--seed"),
        (("--notify", "http://localhost/hook"), "--notify-secret"),
        (("--notify-secret", "s"), "--notify-secret"),
        (("--notify", "localhost/hook", "--notify-secret", "s"), "http or https"),
        (("--notify", "http://[", "--notify-secret", "s"), "http or https"),
        (("--app-id", "a/b"), "letters and digits"),
        (("--app-id", ""), "letters and digits"),
        (("--faults", "missing.yaml"), "cannot be read"),
        (("unexpected",), "unrecognized"),
    ],
)
def test_what_cannot_be_is_refused(run: Run, words: tuple[str, ...], said: str) -> None:
    ran = run("simulator", *words)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
