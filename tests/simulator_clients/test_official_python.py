"""The service's official Python client records against the simulator, unchanged."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.contract.target import SIMULATED_APP_ID, SIMULATED_CUSTOMER

SCRIPT = Path(__file__).with_name("record.py")
CALLS = {
    "individual": ["update"],
    "mix": ["update", "updateLayout"],
    "web": ["update", "update of the push"],
}
LATE = {"status": 404, "code": 404}
ALREADY_STARTED = 7


@cache
def recorded(python: Path, url: str, mode: str) -> Any:
    """Return what the client was told by each call of one recording."""
    words = [str(python), str(SCRIPT), url, mode, SIMULATED_APP_ID, SIMULATED_CUSTOMER]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("mode", CALLS)
def test_the_official_client_records_in_every_mode(
    clients_python: Path, url: str, mode: str
) -> None:
    told = recorded(clients_python, url, mode)
    sid = told["start"]["sid"]
    for call in ("start", "query", *CALLS[mode], "query again", "stop"):
        assert told[call]["sid"] == sid, call
        assert told[call]["resourceId"] == told["acquire"]["resourceId"], call
    assert told["query"]["serverResponse"]["status"] in {4, 5}


@pytest.mark.parametrize("mode", CALLS)
def test_the_official_client_understands_refusals(
    clients_python: Path, url: str, mode: str
) -> None:
    told = recorded(clients_python, url, mode)
    assert told["start again"]["code"] == ALREADY_STARTED
    assert "sid" not in told["start again"]
    assert told["after the end"] == LATE


def test_the_official_client_reads_the_files_of_users(clients_python: Path, url: str) -> None:
    stopped = recorded(clients_python, url, "individual")["stop"]["serverResponse"]
    assert stopped["uploadingStatus"] == "uploaded"
    assert {"123", "456"} <= {file["uid"] for file in stopped["fileList"]}


def test_the_official_client_reads_the_files_of_everybody(clients_python: Path, url: str) -> None:
    stopped = recorded(clients_python, url, "mix")["stop"]["serverResponse"]
    assert {file["uid"] for file in stopped["fileList"]} == {"0"}


def test_the_official_client_pauses_a_page_and_moves_its_push(
    clients_python: Path, url: str
) -> None:
    told = recorded(clients_python, url, "web")
    states = told["query again"]["serverResponse"]["extensionServiceState"]
    payloads = {each["serviceName"]: each["payload"] for each in states}
    assert payloads["web_recorder_service"]["onhold"] is True
    (output,) = payloads["rtmp_publish_service"]["outputs"]
    assert output["rtmpUrl"] == "rtmps://push.example.org/b"
