"""The simulator, started as users start it, and what its control interface can do for a test."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.contract.customer import Task

PROGRAM = (str(Path(sys.executable).with_name("reconciler")), "simulator")
TIME_SCALE = 20  # a synchronous stop then takes milliseconds
CALLS_PER_SECOND = 100_000  # no test but those of the limit may meet it
STOPPED_WITHIN_S = 10


@contextmanager
def simulator(*options: object) -> Iterator[str]:
    """Run a simulator of its own on a free port; its base URL, while it runs."""
    words = [*PROGRAM, "--port", "0", *(str(option) for option in options)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            base_url = process.stdout.readline().strip()
            assert base_url, "the simulator did not start; see its message on stderr"
            yield base_url
        finally:
            process.terminate()
            process.wait(STOPPED_WITHIN_S)


class Control:
    """What can be asked of a simulator beside the calls of the service."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._post("clock", {"advance": seconds})

    def now(self) -> float:
        """Return the simulated time, in seconds."""
        found: float = self._json(self._http.get("/_sim/clock"))["now"]
        return found

    def only(self, cname: str, *users: dict[str, object]) -> None:
        """Let these users, and no others, be in a channel."""
        self._post(f"channels/{cname}", {"empty": True, "join": list(users)})

    def order(self, task: Task, name: str, **how: object) -> None:
        """Let something happen to a task."""
        self._post(f"sessions/{task.sid}/{name}", how)

    def session(self, task: Task) -> Any:
        """Return all that the simulator knows of a task."""
        return self._json(self._http.get(f"/_sim/sessions/{task.sid}"))

    def config(self, task: Task) -> Any:
        """Return a task's configuration as it is in effect."""
        return self.session(task)["config"]

    def tries(self, notice_id: str) -> int:
        """Return how often a notification was sent and answered, or not."""
        notices = self._json(self._http.get("/_sim/notices"))["notices"]
        (found,) = (each["tries"] for each in notices if each["noticeId"] == notice_id)
        return int(found)

    def _post(self, path: str, body: object) -> None:
        self._json(self._http.post(f"/_sim/{path}", json=body))

    def _json(self, answer: httpx.Response) -> Any:
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()


def user(uid: int, **sends: object) -> dict[str, object]:
    """Return a user of a channel, who sends sound and picture unless told otherwise."""
    return {"uid": str(uid), **sends}
