"""Several `run`s as processes: refused, standing by, or sharing a scope on a server."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import httpx
import psycopg
import pytest

from reconciler.simulator.settings import DEFAULT_APP_ID
from tests.daemon.nursery import Nursery
from tests.daemon.processes import Ground, Run, eventually, serviced
from tests.state.server import Server, started

LOCKED = 4
NORTH_ID, SOUTH_ID = DEFAULT_APP_ID, "f" * 32
TAKEN_OVER_S = 5.0
"""A standby asks for the lock each second."""

CLAIMED_S = 10.0
"""An App that another `run` had is asked for each 5 s."""


def test_a_second_run_on_a_scope_is_refused_and_told_who_holds_it(ground: Ground) -> None:
    ground.want("lobby")
    with ground.running() as first:
        eventually(first.is_ready)
        port = first.url.rpartition(":")[2]
        for words in ((), ("--listen", f"127.0.0.1:{port}"), ("--lock-timeout", "1s")):
            with ground.running(*words) as second:
                assert second.ended() == LOCKED
                said = second.said()
            who = f"`run` on host `{os.uname().nodename}`, process {first.process.pid}, since 20"
            assert "error: scope `default` of the state at " in said
            assert who in said
        assert first.is_ready()
        assert first.end() == 0
    ground.check("lobby")


def test_a_standby_waits_and_takes_over_when_the_first_is_killed(ground: Ground) -> None:
    ground.want("lobby")
    with ground.running("--standby") as first, ground.running("--standby") as second:
        eventually(lambda: ground.records("lobby"))
        runs = [first, second]
        (active,) = eventually(lambda: [each for each in runs if each.is_ready()])
        (standby,) = [each for each in runs if each is not active]
        assert "stands by" in refusal(standby.get("/readyz"))
        assert standby.get("/healthz").status_code == 200
        assert "lobby" in standby.get("/").text
        assert standby.get("/api/v1/status").json() == active.get("/api/v1/status").json()
        assert "stands by" in refusal(standby.post("/-/sync"))
        assert standby.post("/notifications/default", b"{}").status_code == 503
        assert "reconciler_sessions" not in standby.get("/metrics").text
        assert standby.metric("reconciler_state_errors_total") == 0, "it was asked twice"

        active.kill()
        eventually(standby.is_ready, TAKEN_OVER_S)
        ground.want("hall")
        eventually(lambda: ground.records("hall", "lobby"))
        assert standby.end() == 0
    ground.check("hall", "lobby")
    assert len(ground.service.sessions()) == 2


def refusal(answer: httpx.Response) -> str:
    """Return why something was not done, which was for want of the scope or of state."""
    assert answer.status_code == 503
    return str(answer.json()["error"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started() as server:
        yield server


@pytest.fixture
def shared(ground: Ground, server: Server) -> Ground:
    """Specs and no session; the state is on a server, and new."""
    return on_server(ground, server)


def on_server(ground: Ground, server: Server) -> Ground:
    """Let the state be on a server, and new."""
    sql(server, "DROP SCHEMA IF EXISTS reconciler CASCADE")
    ground.state = ground.environ["RECONCILER_STATE"] = server.url
    return ground


def sql(server: Server, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


def owned(run: Run) -> float:
    return run.metric("reconciler_apps_owned")


def test_of_two_runs_on_a_server_one_works_and_the_other_takes_over(shared: Ground) -> None:
    shared.want("lobby")
    with shared.running() as first, shared.running() as second:
        eventually(lambda: shared.records("lobby"))
        eventually(lambda: owned(first) + owned(second) == 1)
        worker, other = (first, second) if owned(first) else (second, first)
        eventually(worker.is_ready)
        assert "another `run` works on all Apps" in refusal(other.get("/readyz"))
        assert other.get("/healthz").status_code == 200

        worker.kill()
        eventually(other.is_ready, CLAIMED_S)
        assert owned(other) == 1
        shared.want("hall")
        eventually(lambda: shared.records("hall", "lobby"))
        assert other.end() == 0
    shared.check("hall", "lobby")
    assert len(shared.service.sessions()) == 2


@pytest.mark.slow
def test_a_recording_that_moves_to_the_app_of_another_run_is_handed_over(
    tmp_path: Path, nursery: Nursery, server: Server
) -> None:
    options = ("--app-id", NORTH_ID, "--app-id", SOUTH_ID)
    with serviced(tmp_path, *options) as service:
        shared = on_server(Ground(tmp_path / "ground", service, nursery), server)
        shared.want("lobby")
        with shared.running() as one, shared.running("--interval", "1s") as other:
            eventually(lambda: shared.records("lobby") and owned(one) + owned(other) == 1)
            worker, idle = (one, other) if owned(one) else (other, one)
            worker.signal(SIGSTOP)  # so that the other one is the first to know of the new App
            shared.write("south", shared.app(appId=SOUTH_ID).replace('"default"', '"south"'))
            eventually(lambda: owned(idle) == 1)
            worker.signal(SIGCONT)
            shared.want("lobby", app="south")
            worker.has_said("another `run` takes over", CLAIMED_S)
            eventually(lambda: owned(idle) == 2, CLAIMED_S)
            eventually(lambda: [each["appId"] for each in service.live()] == [SOUTH_ID])
            assert [run.end() for run in (one, other)] == [0, 0]
        shared.check("lobby")


def test_a_connection_that_is_cut_is_made_again_and_nothing_is_doubled(
    shared: Ground, server: Server
) -> None:
    shared.want("lobby", "hall")
    with shared.running() as run:
        eventually(lambda: shared.records("hall", "lobby"))
        eventually(run.is_ready)
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$'"
        assert sql(server, cut.replace("$", "reconciler")) == [(True,)]
        run.has_said("the lock is gone")
        eventually(run.is_ready)
        shared.want("wall")
        eventually(lambda: shared.records("hall", "lobby", "wall"))
        assert run.end() == 0
    shared.check("hall", "lobby", "wall")
    assert len(shared.service.sessions()) == 3


def test_a_server_that_is_away_is_waited_for_and_said_to_be(shared: Ground, server: Server) -> None:
    shared.want("lobby")
    with shared.running("--interval", "1s") as run:
        eventually(lambda: shared.records("lobby"))
        eventually(run.is_ready)
        with away(server):
            shared.want("hall")
            eventually(lambda: "cannot be used" in why_not_ready(run))
            assert run.get("/healthz").status_code == 200
            for path in ("/api/v1/status", "/api/v1/plan", "/api/v1/events", "/"):
                assert "cannot be used" in refusal(run.get(path))
            assert "cannot be used" in refusal(run.post("/-/sync"))
            assert run.metric("reconciler_state_errors_total") >= 1
            assert shared.records("lobby"), "nothing is started that cannot be written down"
        eventually(run.is_ready)
        eventually(lambda: shared.records("hall", "lobby"))
        assert run.end() == 0
    shared.check("hall", "lobby")
    assert len(shared.service.sessions()) == 2


@contextmanager
def away(server: Server) -> Iterator[None]:
    """Let there be no server for as long as the block lasts."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def why_not_ready(run: Run) -> str:
    return str(run.get("/readyz").json().get("error", ""))


@pytest.mark.slow
def test_without_its_server_it_does_not_start_but_as_a_standby(
    shared: Ground, server: Server
) -> None:
    shared.want("lobby")
    with ExitStack() as stack:
        with away(server):
            with shared.running() as refused:
                assert refused.ended() == 1
                assert "cannot be used" in refused.said()
            run = stack.enter_context(shared.running("--standby"))
            eventually(lambda: "cannot be used" in why_not_ready(run))
            assert run.get("/healthz").status_code == 200
        eventually(run.is_ready)
        assert run.end() == 0
    shared.check("lobby")
