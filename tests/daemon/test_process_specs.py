"""A `run` as a process: what the specs come to be is done, within 5 s; what is broken is told."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.support import recording
from tests.daemon.processes import Ground, eventually
from tests.daemon.repositories import Upstream, environment, git, upstream_in

ACTED_S = 5.0
"""A change is acted on within this time (docs/guide/daemon.md, "What wakes it")."""


def test_from_nothing_it_comes_to_what_the_specs_say_and_leaves_it_there(ground: Ground) -> None:
    ground.want("lobby", "hall")
    with ground.running() as run:
        eventually(lambda: ground.records("hall", "lobby"))
        eventually(run.is_ready)
        assert run.get("/healthz").status_code == 200
        assert run.condition("Source")["status"]
        assert run.get("/").headers["content-type"].startswith("text/html")
        assert run.metric("reconciler_recordings_desired") == 2
        assert run.get("/api/v1/plan").json()["summary"]["start"] == 0
        assert run.end() == 0
    ground.check("hall", "lobby")
    with ground.running() as run:
        eventually(run.is_ready)
        assert run.end() == 0
    ground.check("hall", "lobby")
    assert len(ground.service.sessions()) == 2


def test_files_that_change_come_go_and_are_replaced_are_acted_on_in_time(ground: Ground) -> None:
    ground.want("lobby", "hall")
    with ground.running("--prune-delay", "1s", "--interval", "1h") as run:
        eventually(lambda: ground.records("hall", "lobby"))
        eventually(lambda: run.has_confirmed(2))

        ground.want("lobby", subscriptions={"audio": ["7"], "video": "none"})
        eventually(lambda: "update" in ground.service.endpoints(), ACTED_S)

        ground.want("wall")
        eventually(lambda: ground.records("hall", "lobby", "wall"), ACTED_S)

        beside = ground.folder / "beside"
        beside.write_text(recording("hall", layout={"background": {"color": "#202020"}}))
        beside.replace(ground.specs / "hall.yaml")
        eventually(lambda: "updateLayout" in ground.service.endpoints(), ACTED_S)

        ground.drop("hall")
        eventually(lambda: ground.records("lobby", "wall"), 1.0 + ACTED_S)
        assert run.end() == 0
    ground.check("lobby", "wall")
    assert len(ground.service.sessions()) == 3


def test_a_broken_manifest_stops_nothing_and_is_shown_until_it_is_mended(ground: Ground) -> None:
    ground.want("lobby", "hall")
    with ground.running("--prune-delay", "0s", "--interval", "1s", "--log-format", "json") as run:
        eventually(lambda: ground.records("hall", "lobby"))
        eventually(run.is_ready)
        assert run.condition("Specs")["status"]
        assert run.metric("reconciler_spec_errors") == 0

        ground.want("lobby", mode="nothing")
        ground.want("wall")
        eventually(lambda: ground.records("hall", "lobby", "wall"), ACTED_S)
        broken = run.condition("Specs")
        assert not broken["status"]
        assert "lobby.yaml:1:" in broken["message"]
        assert run.metric("reconciler_spec_errors") == 1
        assert run.metric('reconciler_spec_loads_total{result="errors"}') >= 1
        warnings = [line for line in run.logged() if line["level"] == "warning"]
        assert any("lobby.yaml:1:" in str(line) for line in warnings)
        loads = run.metric('reconciler_spec_loads_total{result="errors"}')
        eventually(lambda: run.metric('reconciler_spec_loads_total{result="errors"}') > loads)
        assert run.is_ready()

        ground.want("lobby")
        eventually(lambda: run.condition("Specs")["status"], ACTED_S)
        assert run.metric("reconciler_spec_errors") == 0
        assert run.end() == 0
    ground.check("hall", "lobby", "wall")
    assert len(ground.service.sessions()) == 3


def test_a_sync_and_a_hangup_read_what_no_watch_sees(ground: Ground) -> None:
    """A variable file is none of the PATHs, so nobody watches it."""
    ground.want("lobby", "${var.second}")
    values = ground.folder / "values.yaml"
    values.write_text("second: hall")
    (ground.specs / "${var.second}.yaml").rename(ground.specs / "second.yaml")
    words = ("--var-file", str(values), "--interval", "1h", "--prune-delay", "1h")
    with ground.running(*words) as run:
        eventually(lambda: ground.records("hall", "lobby"))
        eventually(run.is_ready)

        values.write_text("second: wall")
        answer = run.post("/-/sync")
        assert (answer.status_code, answer.json()) == (202, {})
        eventually(lambda: ground.records("hall", "lobby", "wall"), ACTED_S)

        values.write_text("second: yard")
        run.signal(signal.SIGHUP)
        eventually(lambda: ground.records("hall", "lobby", "wall", "yard"), ACTED_S)

        values.unlink()
        run.signal(signal.SIGHUP)
        eventually(lambda: "values.yaml" in run.condition("Source")["message"], ACTED_S)
        assert ground.records("hall", "lobby", "wall", "yard")
        assert run.end() == 0


def test_what_is_not_there_yet_is_told_and_waited_for(ground: Ground) -> None:
    specs = ground.specs.rename(ground.folder / "elsewhere")
    values = ground.folder / "values.yaml"
    with ground.running("--var-file", str(values), "--interval", "1h") as run:
        missing = eventually(lambda: run.condition("Source"))
        assert not missing["status"]
        assert f"`{ground.specs}` is not there" in missing["message"]
        assert run.get("/readyz").json() == {"error": "the specs have not been read yet"}
        assert run.get("/healthz").status_code == 200

        specs.rename(ground.specs)
        ground.want("lobby")
        eventually(lambda: "values.yaml` cannot be read" in run.condition("Source")["message"])
        assert not run.is_ready()
        assert run.metric("reconciler_source_failures_total") >= 1

        values.write_text("a: b")
        assert run.post("/-/sync").status_code == 202
        eventually(lambda: ground.records("lobby"), ACTED_S)
        eventually(lambda: run.condition("Source")["status"], ACTED_S)
        assert run.end() == 0


@pytest.fixture
def upstream(tmp_path: Path, ground: Ground) -> Iterator[Upstream]:
    """A repository over file://, with the App and the Storage of the ground."""
    ground.environ |= environment(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(tmp_path).items():
            patch.setenv(name, value)
        made = upstream_in(tmp_path)
        (made.folder / "specs/rooms.yaml").unlink()
        for name in ("app", "storage"):
            made.put(f"specs/{name}.yaml", (ground.specs / f"{name}.yaml").read_text())
        yield made


def test_a_new_commit_is_acted_on_and_named(ground: Ground, upstream: Upstream) -> None:
    first = upstream.write(lobby=recording("lobby"))
    bare = ground.folder / "bare.git"
    git(upstream.folder, "clone", "--quiet", "--bare", str(upstream.folder), str(bare))
    words = ("--git", f"file://{bare}", "--branch", "main", "--path", "specs", "--poll", "1s")
    with ground.running(*words, "--interval", "2s") as run:
        eventually(lambda: ground.records("lobby"))
        assert first in run.condition("Source")["message"]

        second = upstream.write(hall=recording("hall"))
        git(upstream.folder, "push", "--quiet", str(bare), "main")
        eventually(lambda: ground.records("hall", "lobby"), 1.0 + ACTED_S)
        assert second in run.condition("Source")["message"]
        assert run.metric(f'reconciler_source_info{{commit="{second}"}}') == 1

        bare.rename(ground.folder / "gone.git")
        eventually(lambda: not run.condition("Source")["status"], 2.0 + ACTED_S)
        assert second in run.condition("Source")["message"]
        assert run.is_ready()
        assert run.end() == 0
    ground.check("hall", "lobby")
    assert list((ground.folder / "state/git").iterdir()), "it is kept beside the state"
