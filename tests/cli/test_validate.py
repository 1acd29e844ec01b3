"""`validate` in its four forms, and what specs are read with."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Run
from tests.spec.support import APP, SHARED, manifest, recording, write

BROKEN = recording("lobby", "maxIdle: 1\ncname: x\n")
WARNED = manifest("Recording", "lobby", "mode: mix\nchannel: c\nstorage: archive\n")


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    return write(tmp_path / "specs", {"shared.yaml": SHARED})


def test_sound_specs_are_exit_0_and_one_line(run: Run, specs: Path) -> None:
    write(specs, {"a.yaml": recording("lobby")})
    ran = run("validate", "specs")
    assert (ran.code, ran.out, ran.err) == (0, "1 recording, 0 errors, 0 warnings\n", "")


def test_every_problem_is_a_line_with_its_hint_below(run: Run, specs: Path) -> None:
    write(specs, {"a.yaml": BROKEN})
    ran = run("validate", "specs")
    assert (ran.code, ran.err) == (1, "")
    bounds = "must be a whole number of seconds from 5 to 2592000, this is `1`"
    assert ran.out.splitlines() == [
        f"specs/a.yaml:9:12: error[max-idle] spec.maxIdle: {bounds}",
        "specs/a.yaml:10:3: error[unknown-key] spec.cname: `cname` is not known here",
        "  hint: did you mean `channel`? The service calls it `cname`",
        "0 of 1 recording sound, 2 errors, 0 warnings",
    ]


def test_json_is_the_document_of_the_contract(run: Run, specs: Path) -> None:
    write(specs, {"a.yaml": BROKEN})
    ran = run("validate", "specs", "--format", "json")
    assert ran.code == 1
    assert list(ran.json) == ["format_version", "diagnostics", "summary"]
    assert ran.json["format_version"] == "1"
    assert ran.json["summary"] == {"errors": 2, "warnings": 0, "recordings": 1}
    assert ran.json["diagnostics"][1] == {
        "file": "specs/a.yaml",
        "line": 10,
        "column": 3,
        "path": "spec.cname",
        "severity": "error",
        "code": "unknown-key",
        "message": "`cname` is not known here",
        "hint": "did you mean `channel`? The service calls it `cname`",
    }


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 1)])
def test_warnings_fail_only_when_strict(
    run: Run, specs: Path, options: tuple[str, ...], code: int
) -> None:
    write(specs, {"a.yaml": WARNED})
    ran = run("validate", "specs", *options)
    assert ran.code == code
    assert "warning[channel-profile-assumed]" in ran.out
    assert ran.out.endswith("1 recording, 0 errors, 1 warning\n")


def test_github_gets_workflow_commands_with_their_special_characters_escaped(
    run: Run, specs: Path
) -> None:
    write(specs, {"a,b:%.yaml": BROKEN})
    ran = run("validate", "specs", "--format", "github")
    second = ran.out.splitlines()[1]
    assert second == (
        "::error file=specs/a%2Cb%3A%25.yaml,line=10,col=3,title=unknown-key::"
        "spec.cname: `cname` is not known here%0A"
        "hint: did you mean `channel`? The service calls it `cname`"
    )


def test_sarif_is_a_run_whose_results_name_their_rules(run: Run, specs: Path) -> None:
    write(specs, {"a.yaml": BROKEN})
    document: Any = run("validate", "specs", "--format", "sarif").json
    (only,) = document["runs"]
    rules = {rule["id"] for rule in only["tool"]["driver"]["rules"]}
    assert document["version"] == "2.1.0"
    assert {result["ruleId"] for result in only["results"]} == rules == {"max-idle", "unknown-key"}
    place = only["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "specs/a.yaml"}
    assert place["region"] == {"startLine": 9, "startColumn": 12}


def test_the_same_problem_over_and_over_is_folded_in_text_only(run: Run, specs: Path) -> None:
    many = "---\n".join(recording(f"r{number}", "maxIdle: 1\n") for number in range(9))
    write(specs, {"a.yaml": many})
    text = run("validate", "specs").out
    assert text.count("error[max-idle]") == 5
    assert "... and 4 more like `max-idle`" in text
    assert len(run("validate", "specs", "--format", "json").json["diagnostics"]) == 9


def test_a_value_cannot_move_the_terminals_cursor(run: Run, specs: Path) -> None:
    write(specs, {"a.yaml": recording("lobby", 'streams: "\\e[2J\\n"\n')})
    ran = run("validate", "specs")
    assert "\x1b" not in ran.out
    assert "`\\x1b[2J\\n`" in ran.out


def test_a_path_that_is_not_there_is_an_error(run: Run) -> None:
    ran = run("validate", "nowhere")
    assert ran.code == 1
    assert ran.out.startswith("nowhere:1:1: error[path]: the path cannot be read")


VARIABLES = [
    (("--var", "C=a", "--var-file", "v.yaml"), {"RECONCILER_VAR_C": "c"}, "a"),
    (("--var-file", "v.yaml"), {"RECONCILER_VAR_C": "c"}, "b"),
    (("--var-file", "v.yaml", "--var-file", "w.json"), {}, "later"),
    ((), {"RECONCILER_VAR_C": "c"}, "c"),
]


@pytest.mark.parametrize(("options", "environ", "channel"), VARIABLES)
def test_variables_come_from_options_then_files_then_the_environment(
    run: Run,
    specs: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    environ: dict[str, str],
    channel: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    write(specs.parent, {"v.yaml": "C: b\n", "w.json": json.dumps({"C": "later"})})
    spec = "mode: nope-${var.C}\nchannel: x\nstorage: archive\n"
    write(specs, {"a.yaml": manifest("Recording", "lobby", spec)})
    assert f"`nope-{channel}`" in run("validate", "specs", *options).out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--var", "C"), "`--var C` sets nothing"),
        (("--var-file", "nowhere.yaml"), "cannot be read: No such file or directory"),
        (("--var-file", "list.yaml"), "must hold a mapping"),
        (("--var-file", "bad.json"), "cannot be read: "),
        (("--var-file", "bad.yaml"), "bad.yaml:1:4: "),
    ],
)
def test_variables_that_cannot_be_read_are_exit_1(
    run: Run, specs: Path, options: tuple[str, ...], said: str
) -> None:
    write(specs.parent, {"list.yaml": "[1]", "bad.json": "{", "bad.yaml": "a: @"})
    ran = run("validate", "specs", *options)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


FOREIGN = APP.replace("spec:\n", "spec:\n  endpoints: [https://agora.example.com]\n")


@pytest.mark.parametrize(
    ("options", "environ", "warnings"),
    [
        ((), {}, 1),
        (("--allow-endpoint", "agora.example.com"), {}, 0),
        ((), {"RECONCILER_ALLOW_ENDPOINTS": "x, agora.example.com"}, 0),
        ((), {"AGORA_ENDPOINTS": "https://agora.example.com"}, 0),
    ],
)
def test_a_foreign_endpoint_is_warned_of_until_somebody_allows_it(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    environ: dict[str, str],
    warnings: int,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    write(tmp_path, {"app.yaml": FOREIGN})
    ran = run("validate", "app.yaml", "--format", "json", *options)
    assert ran.code == 0
    codes = [found["code"] for found in ran.json["diagnostics"]]
    assert codes == ["endpoint-not-allowed"] * warnings


def test_endpoints_of_the_environment_that_are_no_urls_are_exit_1(
    run: Run, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGORA_ENDPOINTS", "http://[")
    ran = run("validate", specs)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: AGORA_ENDPOINTS cannot be read")
