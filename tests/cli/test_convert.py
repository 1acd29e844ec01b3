"""`convert`: from a start request to manifests that make the same session."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cli.support import Run

STORAGE = {"vendor": 1, "region": 0, "bucket": "b", "accessKey": "ak", "secretKey": "sk"}
START: dict[str, Any] = {
    "cname": "Town Hall!",
    "uid": "527841",
    "clientRequest": {
        "token": "t0ken",
        "recordingConfig": {"channelType": 1, "maxIdleTime": 30},
        "recordingFileConfig": {"avFileType": ["hls"]},
        "storageConfig": STORAGE,
    },
}
SECRETS = ("t0ken", "ak", "sk")


def documents(text: str) -> list[Any]:
    return list(YAML(typ="safe").load_all(text))


def given(folder: Path, body: Any) -> Path:
    path = folder / "start.json"
    path.write_text(json.dumps(body))
    return path


def test_a_start_request_becomes_a_storage_and_a_recording(run: Run, tmp_path: Path) -> None:
    ran = run("convert", given(tmp_path, START), "--mode", "mix")
    assert ran.code == 0
    storage, recording = documents(ran.out)
    assert (storage["kind"], storage["metadata"]["name"]) == ("Storage", "town-hall")
    assert storage["spec"] == {
        "vendor": "aws",
        "region": "us-east-1",
        "bucket": "b",
        "accessKey": {"env": "TOWN_HALL_ACCESS_KEY"},
        "secretKey": {"env": "TOWN_HALL_SECRET_KEY"},
    }
    assert recording["spec"] == {
        "mode": "mix",
        "channel": "Town Hall!",
        "uid": "527841",
        "storage": "town-hall",
        "token": {"env": "TOWN_HALL_TOKEN"},
        "channelProfile": "live",
        "maxIdle": "30s",
        "files": ["hls"],
    }


def test_secrets_are_listed_on_stderr_by_name_and_appear_nowhere(run: Run, tmp_path: Path) -> None:
    ran = run("convert", given(tmp_path, START), "--mode", "mix")
    assert "TOWN_HALL_TOKEN  (clientRequest.token)" in ran.err
    assert not any(f"'{secret}'" in ran.out + ran.err for secret in SECRETS)
    assert "t0ken" not in ran.out + ran.err


def test_secrets_stay_if_that_is_wanted(run: Run, tmp_path: Path) -> None:
    ran = run("convert", given(tmp_path, START), "--mode", "mix", "--inline-secrets")
    storage, recording = documents(ran.out)
    assert storage["spec"]["secretKey"] == "sk"
    assert recording["spec"]["token"] == "t0ken"
    assert ran.err == ""


def test_what_it_makes_is_valid(run: Run, tmp_path: Path) -> None:
    ran = run("convert", given(tmp_path, START), "--mode", "mix", "--name", "hall")
    (tmp_path / "hall.yaml").write_text(ran.out)
    assert run("validate", "hall.yaml", "--strict").code == 0


def test_a_bare_client_request_takes_channel_and_uid_from_options(run: Run, tmp_path: Path) -> None:
    path = given(tmp_path, START["clientRequest"])
    ran = run("convert", path, "--mode", "mix", "--channel", "c1", "--uid", "7")
    spec = documents(ran.out)[1]["spec"]
    assert (spec["channel"], spec["uid"]) == ("c1", "7")
    missing = run("convert", path, "--mode", "mix", "--channel", "c1")
    assert (missing.code, missing.out) == (1, "")
    assert "`uid` is missing" in missing.err
    assert "give it with --uid" in missing.err


def test_it_reads_stdin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(START).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("convert", "-", "--mode", "composite").code == 0


def test_what_this_format_does_not_know_is_kept_in_raw_with_a_warning(
    run: Run, tmp_path: Path
) -> None:
    body = json.loads(json.dumps(START))
    body["clientRequest"]["recordingConfig"] |= {"privateParams": "${x}", "streamMode": "default"}
    ran = run("convert", given(tmp_path, body), "--mode", "mix")
    raw = documents(ran.out)[1]["spec"]["raw"]
    assert raw == {"recordingConfig": {"privateParams": "$${x}", "streamMode": "default"}}
    assert "warning[raw] clientRequest.recordingConfig.privateParams" in ran.err
    assert ran.code == 0


@pytest.mark.parametrize("spelling", ["unSubscribeVideoUids", "unsubscribeVideoUids"])
def test_both_spellings_of_the_excluding_lists_are_read(
    run: Run, tmp_path: Path, spelling: str
) -> None:
    body = json.loads(json.dumps(START))
    lists = {"subscribeAudioUids": ["#allstream#"], spelling: ["9"]}
    body["clientRequest"]["recordingConfig"] |= lists
    spec = documents(run("convert", given(tmp_path, body), "--mode", "mix").out)[1]["spec"]
    assert spec["subscriptions"] == {"audio": "all", "video": {"except": ["9"]}}
    assert "raw" not in spec


def test_a_body_without_an_idle_time_says_the_services_own(run: Run, tmp_path: Path) -> None:
    body = json.loads(json.dumps(START))
    del body["clientRequest"]["recordingConfig"]["maxIdleTime"]
    spec = documents(run("convert", given(tmp_path, body), "--mode", "mix").out)[1]["spec"]
    assert spec["maxIdle"] == "30s"


def test_postponed_transcoding_without_options_says_so(run: Run, tmp_path: Path) -> None:
    body = json.loads(json.dumps(START))
    policy = {"combinationPolicy": "postpone_transcoding"}
    body["clientRequest"]["appsCollection"] = policy
    ran = run("convert", given(tmp_path, body), "--mode", "individual")
    assert documents(ran.out)[1]["spec"]["postProcessing"] == {"transcode": {}}


def test_what_the_service_would_refuse_is_exit_1_and_named(run: Run, tmp_path: Path) -> None:
    body = json.loads(json.dumps(START))
    body["clientRequest"]["recordingConfig"]["maxIdleTime"] = 1
    ran = run("convert", given(tmp_path, body), "--mode", "mix")
    assert (ran.code, ran.out) == (1, "")
    assert "error[max-idle] clientRequest.recordingConfig.maxIdleTime" in ran.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[]", "a start request is a JSON object"),
        (b"\xff", "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b'{"a": 1, "a": 2}', "the key `a` stands twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * (1024 * 1024 + 1), "larger than 1 MiB"),
        (b'{"cname": "c", "uid": "1", "clientRequest": 3}', "is a JSON object"),
    ],
)
def test_input_that_is_no_request_is_exit_1(
    run: Run, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "start.json").write_bytes(content)
    ran = run("convert", "start.json", "--mode", "mix")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_a_file_that_is_not_there_is_exit_1(run: Run) -> None:
    ran = run("convert", "nowhere.json", "--mode", "mix")
    assert (ran.code, ran.out) == (1, "")
    assert "`nowhere.json` cannot be read" in ran.err


def test_a_name_that_no_manifest_may_have_is_exit_1(run: Run, tmp_path: Path) -> None:
    ran = run("convert", given(tmp_path, START), "--mode", "mix", "--name", "Hall")
    assert ran.code == 1
    assert "did you mean `hall`?" in ran.err
