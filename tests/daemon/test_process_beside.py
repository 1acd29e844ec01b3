"""Other commands beside a `run`: it does what they ask, and they say what came of it."""

import re
from typing import Any

import pytest

from tests.daemon.processes import Ground, Run, eventually

LOCKED = 4
ROOMS = tuple(f"room-{number}" for number in range(10))


def done(ground: Ground, *words: str) -> str:
    """Let a command do what it is to do; return what it told.

    It gives up with another code what no `run` has taken up within 5 s.
    """
    ran = ground.command(*words)
    assert ran.code == 0, ran
    return ran.out


def test_what_is_asked_by_hand_is_done_and_an_apply_refused(ground: Ground) -> None:
    ground.want("yard")
    done(
        ground, "apply", str(ground.specs), "--yes", "--no-wait", "--state", "sqlite:///another.db"
    )
    (foreign,) = ground.service.live()
    ground.want("yard", suspend=True)
    ground.want("lobby", "hall")
    with ground.running() as run:
        eventually(lambda: ground.records("hall", "lobby", "yard"))
        eventually(run.is_ready)

        taken = ("--resource-id", foreign["resourceId"], "--sid", foreign["sid"])
        done(ground, "import", "yard", str(ground.specs), *taken, "--uid", foreign["uid"])
        eventually(lambda: ground.records("hall", "lobby"))

        done(ground, "suspend", "lobby", "--reason", "the room is painted")
        eventually(lambda: ground.records("hall"))
        told = done(ground, "stop", "hall", "--yes")
        assert "Stop: 1 done, 0 failed, 0 skipped." in told
        eventually(lambda: ground.records("hall"))
        assert len(ground.service.sessions()) == 4
        eventually(lambda: "the room is painted" in run.get("/").text)
        done(ground, "resume", "lobby")
        eventually(lambda: ground.records("hall", "lobby"))

        done(ground, "forget", "hall", "--yes")
        eventually(lambda: ground.records("hall", "hall", "lobby"))

        for words in (("apply", str(ground.specs), "--yes"), ("destroy", "--yes")):
            refused = ground.command(*words)
            assert refused.code == LOCKED
            assert "hint: a `run` acts on its own specs" in refused.err
        assert run.end() == 0


@pytest.mark.slow
def test_what_a_guard_holds_is_done_once_it_is_approved(ground: Ground) -> None:
    ground.write("app", ground.app(requestsPerSecond=100))
    ground.want(*ROOMS, "wall")
    with ground.running("--prune-delay", "0s", "--interval", "1s") as run:
        eventually(lambda: ground.records(*ROOMS, "wall"))
        eventually(run.is_ready)
        for name in ROOMS:
            ground.drop(name)
        digest = eventually(lambda: held(run))
        assert run.metric("reconciler_guarded_actions") == len(ROOMS)
        assert ground.records(*ROOMS, "wall")
        assert ground.command("approve", "0" * 8).code == 1
        done(ground, "approve", digest)
        eventually(lambda: ground.records("wall"))
        assert run.metric("reconciler_guarded_actions") == 0
        assert run.end() == 0
    ground.check("wall")


def held(run: Run) -> str:
    """Return the digest by which what is held can be approved; empty where nothing is."""
    events: list[Any] = run.get("/api/v1/events").json()
    found = (re.search(r"reconciler approve (\w+)", each["message"]) for each in events)
    return next((match[1] for match in found if match), "")
