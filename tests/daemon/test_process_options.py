"""What a `run` as a process writes, and whom it answers, as its options say."""

import subprocess

import httpx

from tests.daemon.processes import PROGRAM, Ground, eventually

TOKEN = "a-long-random-text-7731"


def test_who_has_the_token_is_answered_and_nobody_else(ground: Ground) -> None:
    ground.want("lobby")
    with ground.running("--listen", "0.0.0.0:0", RECONCILER_TOKEN=f"{TOKEN}\n") as run:
        eventually(lambda: ground.records("lobby"))
        for path in ("/", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/nowhere"):
            assert run.get(path).status_code == 401
        assert run.post("/-/sync").status_code == 401
        assert run.get("/healthz", Authorization="Bearer another").status_code == 401
        assert run.get("/healthz", Authorization=f"Bearer {TOKEN}").status_code == 200
        assert run.post("/-/sync", Authorization=f"Bearer {TOKEN}").status_code == 202
        assert run.post("/notifications/default", b"{}").status_code == 401
        wrong = httpx.post(f"{run.url}/notifications/default", content=b"{}", trust_env=False)
        assert "signature" in wrong.json()["error"]
        assert run.end() == 0
        assert TOKEN not in run.said()


def test_it_listens_nowhere_if_it_is_told_so_and_quietly_does_its_work(ground: Ground) -> None:
    ground.want("lobby")
    with ground.running("--listen", "off", "-q") as run:
        eventually(lambda: ground.records("lobby"))
        assert run.end() == 0
        assert run.said() == ""
    with ground.running("--listen", "off", "-q", "--log-level", "debug") as run:
        ground.write("broken", "kind: Recording")
        run.has_said("warning a manifest has errors")
        assert run.end() == 0
        assert " info " not in run.said()


def test_each_line_of_a_log_in_json_is_an_object_and_names_its_pass(ground: Ground) -> None:
    ground.want("lobby", "hall")
    with ground.running("--log-format", "json", "--log-level", "debug") as run:
        eventually(lambda: ground.records("hall", "lobby"))
        eventually(run.is_ready)
        assert run.end() == 0
        lines = run.logged()
    for line in lines:
        assert line.keys() >= {"time", "level", "message"}
    starts = [line for line in lines if line.get("endpoint") == "start"]
    assert {line["recording"] for line in starts} == {"hall", "lobby"}
    passes = {(line["reconcile_id"], line["recording"]) for line in lines if "reconcile_id" in line}
    assert len({number for number, _ in passes}) == len(passes), "no two passes have one id"
    told = [line for line in lines if line.get("reason") == "started"]
    assert {line["reconcile_id"] for line in told} == {line["reconcile_id"] for line in starts}


def test_a_log_that_nobody_reads_any_more_stops_nothing(ground: Ground) -> None:
    ground.want("lobby")
    process = subprocess.Popen(
        [PROGRAM, "run", str(ground.specs), "--listen", "off"],
        cwd=ground.folder,
        env=ground.environ,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        process.stderr.readline()
        process.stderr.close()
        eventually(lambda: ground.records("lobby"))
        ground.want("hall")
        eventually(lambda: ground.records("hall", "lobby"))
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(10) >= 0, "it ended by itself"
    ground.check("hall", "lobby")
