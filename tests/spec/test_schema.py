import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from reconciler.diagnostics import Severity
from reconciler.spec.scalars import Timestamp
from reconciler.spec.schema import json_schema
from reconciler.spec.setting import Setting
from reconciler.spec.source import Source
from reconciler.spec.syntax import parse
from tests.spec.support import NOW_S, SHARED, of_text, read, write

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

Steps: TypeAlias = tuple[str | int, ...]

BASE = """\
apiVersion: reconciler/v1
kind: Template
metadata: {name: base}
spec:
  storage: archive
  channelProfile: live
  maxIdle: 10m
  layout: {type: best-fit}
  web: {url: "https://a.b", maxDuration: 4h}
"""
VARIABLES = {"flag": True, "number": 3, "text": "b", "names": ["base"], "labels": {"team": "x"}}


def every_case_of(name: str) -> pytest.MarkDecorator:
    """Run a test for each manifest of a file, with what all have in common filled in."""
    text = (Path(__file__).parent / "schema_cases" / f"{name}.yaml").read_text(encoding="utf-8")
    found = [part.removeprefix("# ").split("\n", 1) for part in text.rstrip().split("\n---\n")]
    manifests = [completed(manifest) for _, manifest in found]
    return pytest.mark.parametrize(
        "text", manifests, ids=[said.replace(" ", "-") for said, _ in found]
    )


def completed(manifest: str) -> str:
    for line in ("apiVersion: reconciler/v1", "metadata: {name: case}"):
        if f"\n{line.partition(' ')[0]}" not in f"\n{manifest}":
            manifest = f"{line}\n{manifest}"
    return manifest


def plain(value: object) -> object:
    """Return parsed YAML as JSON has it: times are text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.text if isinstance(value, Timestamp) else value


def refusal(manifest: object) -> str | None:
    """Return what the schema has against a manifest, as a tool would say it."""
    problem = best_match(VALIDATOR.iter_errors(manifest))
    return f"{problem.json_path}: {problem.message}" if problem else None


def mistakes(folder: Path, text: str) -> list[str]:
    """Return the errors that the program finds in a manifest among sound ones."""
    rows = "room,hours,width\nx,1h,320\n"
    shared = f"{SHARED}---\n{BASE}"
    write(folder, {"case.yaml": text, "shared.yaml": shared, "rooms.csv": rows})
    given = Setting(VARIABLES, allowed_hosts=frozenset(), environ={}, now_s=NOW_S)
    found = read(folder, given).diagnostics
    return [problem.message for problem in found if problem.severity is Severity.ERROR]


@every_case_of("sound")
def test_what_the_program_accepts_the_schema_accepts(text: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, text) == []
    assert refusal(plain(of_text(text).data)) is None


@every_case_of("refused")
def test_what_the_schema_refuses_the_program_refuses(text: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, text) != []
    assert refusal(plain(of_text(text).data)) is not None


@every_case_of("wider")
def test_some_mistakes_only_the_program_finds(text: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, text) != []
    assert refusal(plain(of_text(text).data)) is None


@every_case_of("sound")
def test_a_variable_may_stand_for_any_value(text: str) -> None:
    manifest = plain(of_text(text).data)
    places = [path for path in paths(manifest) if path[0] in {"metadata", "spec"}]
    assert [path for path in places if refusal(replaced(manifest, path)) is not None] == []
    assert len(places) > 2


def paths(value: object) -> Iterator[Steps]:
    """Return the path of everything in a tree but the tree itself."""
    for key, item in items(value):
        yield (key,)
        yield from ((key, *path) for path in paths(item))


def items(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def replaced(value: object, path: Steps) -> object:
    """Return a copy with a variable at the path."""
    if not path:
        return "${var.x}"
    changed = {
        key: replaced(item, path[1:]) if key == path[0] else item for key, item in items(value)
    }
    return changed if isinstance(value, dict) else list(changed.values())


def test_every_spec_of_the_repository_is_accepted() -> None:
    files = [*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("examples/**/*.yaml")]
    documents = [
        document
        for file in files
        for document in parse(Source.of(str(file), file.read_bytes())).documents
        if document.data.get("apiVersion") == "reconciler/v1"
    ]
    assert len(documents) >= 5
    assert [refused for one in documents if (refused := refusal(plain(one.data)))] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maxIdel": "5m"}, "$.spec: Additional properties are not allowed ('maxIdel' was"),
        ({"streams": "all"}, "$.spec.streams: 'all' is not one of ['audio-video', 'audio', 'vi"),
        ({"video": {"width": "640"}}, "$.spec.video.width: '640' is not valid under any of"),
        ({"mode": "webb"}, "$.spec.mode: 'webb' is not one of ['individual', 'mix', 'composite'"),
        ({"snapshots": {}}, "$.spec: Additional properties are not allowed ('snapshots' was"),
        ({"replicas": 5}, "$.spec.replicas: 5 is greater than the maximum of 4"),
    ],
)
def test_a_refusal_points_at_the_mistake(change: dict[str, Any], said: str) -> None:
    spec = {"mode": "mix", "channel": "c", "storage": "archive", **change}
    manifest = {"apiVersion": "reconciler/v1", "kind": "Recording", "metadata": {"name": "a"}}
    assert (refusal({**manifest, "spec": spec}) or "").startswith(said)


def test_the_schema_is_sound_and_the_same_in_every_run() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.dumps(json_schema()) == json.dumps(SCHEMA)
    assert "$id" not in SCHEMA
    assert "x-type" not in json.dumps(SCHEMA)


def test_every_property_and_definition_says_what_it_is() -> None:
    described = list(parts(SCHEMA))
    assert [name for name, part in described if not part.get("description")] == []
    assert len(described) > 200


def parts(schema: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Return all definitions and properties; what an `if` asks for describes nothing."""
    if isinstance(schema, dict):
        for keyword in ("properties", "$defs"):
            yield from schema.get(keyword, {}).items()
    for key, part in items(schema):
        if key != "if":
            yield from parts(part)


def test_every_definition_is_there_and_used() -> None:
    text = json.dumps(SCHEMA)
    used = {part.partition('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert used == set(SCHEMA["$defs"])


def test_every_mapping_of_ours_is_closed() -> None:
    bodies = [name for name, part in SCHEMA["$defs"].items() if "properties" in part]
    open_ones = [name for name in bodies if "additionalProperties" not in SCHEMA["$defs"][name]]
    assert open_ones == []
    assert "PolicySpec" in bodies


@pytest.mark.parametrize(
    ("model", "field", "end"),
    [
        (
            "MixSpec",
            "maxIdle",
            (
                "always sent. Range: 5s to 30d. The service's default: `30s`. "
                "Wire: `clientRequest.recordingConfig.maxIdleTime`. "
                "Modes: individual, mix. Change: replacement."
            ),
        ),
        (
            "WebSpec",
            "region",
            (
                "stays in. Wire: `acquire: clientRequest.region`. "
                "Modes: individual, mix, web. Change: replacement."
            ),
        ),
        (
            "WebPageSpec",
            "url",
            (
                "`clientRequest.extensionServiceConfig.extensionServices[web_recorder_service]"
                ".serviceParam.url`. Modes: web. Change: replacement."
            ),
        ),
        (
            "SubscriptionsSpec",
            "audio",
            (
                "Wire: `clientRequest.recordingConfig.subscribeAudioUids`, "
                "`clientRequest.recordingConfig.unSubscribeAudioUids`. "
                "Modes: individual, mix. Change: `update`."
            ),
        ),
        ("LayoutSpec", "regions", ".layoutConfig`. Modes: mix. Change: `updateLayout`."),
        ("StorageSpec", "sse", "storageConfig.extensionParams.sse`. Change: replacement."),
        ("StorageSpec", "refresh", "Local: not sent."),
        ("PolicySpec", "stop", "Local: not sent."),
        ("RecordingSetSpec", "generators", "Local: not sent."),
    ],
)
def test_a_description_ends_with_wire_path_modes_and_change(
    model: str, field: str, end: str
) -> None:
    assert SCHEMA["$defs"][model]["properties"][field]["description"].endswith(end)


@pytest.mark.parametrize(
    ("model", "field", "default"),
    [
        ("MixSpec", "maxIdle", "5m"),
        ("StorageSpec", "refresh", "45m"),
        ("WebPageSpec", "width", 1280),
        ("WebSpec", "files", ["hls"]),
        ("PolicySpec", "protect", False),
    ],
)
def test_a_default_is_written_as_in_a_spec(model: str, field: str, default: object) -> None:
    assert SCHEMA["$defs"][model]["properties"][field]["default"] == default
