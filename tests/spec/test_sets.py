from pathlib import Path

import pytest

from reconciler.spec.catalog import Catalog
from reconciler.spec.expand import ROWS_MAX, rows
from reconciler.spec.kinds.manifests import MatrixGenerator
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import get
from tests.spec.support import SHARED, desired, manifest, read, recording, said, setting, write

PATTERN = """\
metadata: {name: "room-${room}"}
spec:
  mode: mix
  channel: "${room}"
  channelProfile: live
  storage: archive
"""


def rooms(*generators: str, pattern: str = PATTERN, name: str = "rooms") -> str:
    """Return a RecordingSet; its generators begin at line 6, its pattern follows."""
    listed = "".join(f"  - {generator}\n" for generator in generators)
    indented = "".join(f"  {line}\n" for line in pattern.splitlines())
    return manifest("RecordingSet", name, f"generators:\n{listed}recording:\n{indented}")


def load(folder: Path, text: str, files: dict[str, str | bytes] | None = None) -> Catalog:
    return read(write(folder, {"a.yaml": f"{text}---\n{SHARED}", **(files or {})}))


def channels(found: Catalog) -> dict[str, str]:
    assert said(found.diagnostics) == []
    assert found.complete
    return {name: value.channel for name, value in desired(found).items() if value}


def test_a_list_makes_a_recording_of_each_row(tmp_path: Path) -> None:
    found = load(tmp_path, rooms("list: [{room: a, host: x}, {room: b}]"))
    assert channels(found) == {"room-a": "a", "room-b": "b"}


def test_a_matrix_makes_one_of_each_combination(tmp_path: Path) -> None:
    pattern = PATTERN.replace("${room}", "${room}-${lang}")
    found = load(tmp_path, rooms("matrix: {room: [c, d], lang: [en, de]}", pattern=pattern))
    assert list(channels(found).values()) == ["c-de", "c-en", "d-de", "d-en"]


CSV = "room,host\na,101\nb,\n"
JSON = '[{"room": "a", "host": 101}, {"room": "b"}]'
YAML = "- {room: a, host: 101}\n- room: b\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [("r.csv", CSV), ("r.json", JSON), ("r.yaml", YAML), ("b/r.yml", YAML), ("b/r.CSV", CSV)],
)
def test_a_file_makes_a_recording_of_each_row(tmp_path: Path, name: str, content: str) -> None:
    found = load(tmp_path, rooms(f"file: {name}"), {name: content})
    assert channels(found) == {"room-a": "a", "room-b": "b"}


@pytest.mark.parametrize("name", ["./r.yaml", "b/../r.yaml", "../specs/r.yaml"])
def test_rows_in_yaml_are_no_spec_however_the_set_names_them(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"specs/r.yaml": YAML, "specs/b/x": ""})
    found = load(tmp_path / "specs", rooms(f"file: {name}"))
    assert list(channels(found)) == ["room-a", "room-b"]


def test_a_spec_does_not_vanish_because_a_set_reads_it(tmp_path: Path) -> None:
    found = load(tmp_path, rooms("file: b.yaml"), {"b.yaml": recording("b")})
    assert said(found.diagnostics) == ["a.yaml:6:13 generator-file spec.generators[0].file"]
    assert list(desired(found)) == ["b"]


def test_generators_are_read_one_after_the_other(tmp_path: Path) -> None:
    generators = "list: [{room: a}]", "matrix: {room: [b]}", "file: r.csv", "list: []"
    found = load(tmp_path, rooms(*generators), {"r.csv": "room\nc\n"})
    assert list(channels(found)) == ["room-a", "room-b", "room-c"]


def test_a_set_may_yield_nothing(tmp_path: Path) -> None:
    generators = "list: []", "matrix: {room: [], lang: [en]}", "file: r.csv"
    found = load(tmp_path, rooms(*generators), {"r.csv": "room\n"})
    assert channels(found) == {}


def test_rows_are_known_in_keys_and_values(tmp_path: Path) -> None:
    pattern = f"{PATTERN}  maxIdle: ${{idle}}\n"
    pattern = pattern.replace("{name:", '{labels: {"${key}": "${room}${host}"}, name:')
    found = load(tmp_path, rooms("list: [{room: a, host: 101, key: k, idle: 7s}]", pattern=pattern))
    (value,) = desired(found).values()
    assert value
    assert value.labels == {"k": "a101"}
    assert get(value.request, ("recordingConfig", "maxIdleTime")) == 7


TYPED = (
    PATTERN
    + """\
  uid: ${uid}
  replicas: ${replicas}
  maxIdle: ${idle}
  audioProfile: ${profile}
  streams: ${streams}
  suspend: ${suspend}
  prefix: ${prefix}
  token: ${token}
  template: ${template}
  backupUids: ["${backup}"]
  video: {width: "${width}", height: "${height}", fps: 15, bitrate: 500}
  subscriptions: {audio: ["${user}"], video: ["${user}"]}
  policy: {protect: "${protect}", restart: "${restart}"}
"""
)
CELLS = {
    "room": "007", "uid": "11", "replicas": "2", "idle": "90", "profile": "1",
    "streams": "audio-video", "suspend": "TRUE", "prefix": "a/b", "token": "generate",
    "template": "base", "backup": "12",
    "width": "1280", "height": "720", "user": "5", "protect": "false", "restart": "never",
}  # fmt: skip


def test_a_cell_is_read_as_the_type_of_its_field(tmp_path: Path) -> None:
    table = f"{','.join(CELLS)}\n{','.join(CELLS.values())}\n"
    base = manifest("Template", "base", "audioProfile: 2\n")
    text = SHARED.replace("{env: SECRET}}", "{env: SECRET}}\n  certificate: {env: C}")
    typed = rooms("file: r.csv", pattern=TYPED)
    found = read(write(tmp_path, {"a.yaml": f"{typed}---\n{text}---\n{base}", "r.csv": table}))
    assert said(found.diagnostics) == []
    (value,) = desired(found).values()
    assert value
    assert (value.name, value.channel, value.uids) == ("room-007", "007", ("11", "12"))
    assert (value.replicas, value.suspend, value.generate_token) == (2, True, True)
    assert (value.policy.protect, value.policy.restart) == (False, "never")
    wire = value.request["recordingConfig"]
    assert [get(wire, (key,)) for key in ("maxIdleTime", "audioProfile")] == [90, 1]
    assert get(wire, ("transcodingConfig", "width")) == 1280
    assert get(wire, ("subscribeAudioUids",)) == ["5"]
    assert get(value.request, ("storageConfig", "fileNamePrefix")) == ["a", "b"]


@pytest.mark.parametrize(
    ("field", "cell", "message"),
    [
        ("uid", "0x1", "must be a uid"),
        ("uid", "011", "must be a uid"),
        ("replicas", "two", "must be a whole number, this is `two`"),
        ("replicas", "2.0", "must be a whole number, this is `2.0`"),
        ("protect", "yes", "must be true or false, this is `yes`"),
        ("idle", "5 m", "`5 m` is not a duration"),
    ],
)
def test_a_cell_that_is_none_of_its_type_names_its_line(
    tmp_path: Path, field: str, cell: str, message: str
) -> None:
    sound = CELLS | {"template": "", "token": ""}
    bad = sound | {"room": "bad", field: cell}
    table = "\n".join(",".join(cells) for cells in (sound, sound.values(), bad.values()))
    found = load(tmp_path, rooms("file: r.csv", pattern=TYPED), {"r.csv": table})
    (diagnostic,) = found.diagnostics
    assert diagnostic.message.startswith(message)
    assert diagnostic.message.endswith("(made from r.csv:3)")
    assert {name for name, value in desired(found).items() if value} == {"room-007"}


def test_a_bad_row_fails_its_own_recording_only(tmp_path: Path) -> None:
    pattern = f"{PATTERN}  replicas: ${{n}}\n"
    table = "room,n\na,1\nb,9\nc,2\n"
    found = load(tmp_path, rooms("file: r.csv", pattern=pattern), {"r.csv": table})
    assert said(found.diagnostics) == ["a.yaml:14:17 replicas spec.recording.spec.replicas"]
    assert found.diagnostics[0].message == "must be 1 to 4, this is 9 (made from r.csv:3)"
    assert [name for name, value in desired(found).items() if not value] == ["room-b"]
    assert len(found.entries) == 3
    assert found.complete


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b,2,3", "the row has 3 cells, the header 2 (made from r.csv:3)"),
        ("b", "the row has 1 cells, the header 2 (made from r.csv:3)"),
        ("B?,2", "a name has lower-case letters"),
    ],
)
def test_a_row_that_cannot_be_named_leaves_the_set_incomplete(
    tmp_path: Path, row: str, message: str
) -> None:
    found = load(tmp_path, rooms("file: r.csv"), {"r.csv": f"room,n\na,1\n{row}\nc,2\n"})
    (diagnostic,) = found.diagnostics
    assert diagnostic.message.startswith(message)
    assert list(desired(found)) == ["room-a", "room-c"]
    assert not found.complete


UNREADABLE: list[tuple[str, dict[str, str | bytes]]] = [
    ("file: none.csv", {}),
    ("file: ../r.csv", {}),
    ("file: r.txt", {"r.txt": "room\na\n"}),
    ("file: r.csv", {"r.csv": ""}),
    ("file: r.csv", {"r.csv": "room,room\na,b\n"}),
    ("file: r.csv", {"r.csv": "room,\na,b\n"}),
    ("file: r.csv", {"r.csv": 'room\n"a\n'}),
    ("file: r.csv", {"r.csv": 'room\n"a" b\n'}),
    ("file: r.csv", {"r.csv": b"room\n\xff\n"}),
    ("file: r.csv", {"r.csv": b"room\n\0\n"}),
    ("file: r.csv", {"r.csv": "r" * 200_000 + "\n"}),
    ("file: r.json", {"r.json": "[{]"}),
    ("file: r.json", {"r.json": "{}"}),
    ("file: r.json", {"r.json": "[NaN]"}),
    ("file: r.json", {"r.json": "[" * 100_000}),
    ("file: r.json", {"r.json": '[{"room": "a", "room": "b"}]'}),
    ("file: r.json", {"r.json": ""}),
    ("file: r.yml", {"r.yml": "- room: a\n\t- b\n"}),
    ("file: r.yml", {"r.yml": "room: a\n"}),
    ("file: r.yml", {"r.yml": "- {room: a}\n---\n- {room: b}\n"}),
    ("file: r.yml", {"r.yml": "- !x a\n"}),
    ("list: x", {}),
    ("matrix: {room: a}", {}),
    ("matrix: {room: [" + "a, " * 400 + "], lang: [" + "b, " * 400 + "]}", {}),
]


@pytest.mark.parametrize(("generator", "files"), UNREADABLE)
def test_a_set_that_cannot_be_read_prunes_nothing(
    tmp_path: Path, generator: str, files: dict[str, str | bytes]
) -> None:
    found = load(tmp_path, rooms("list: [{room: z}]", generator), files)
    assert [diagnostic.position.line for diagnostic in found.diagnostics] == [7]
    assert not found.complete


def test_the_other_generators_of_a_set_are_read(tmp_path: Path) -> None:
    found = load(tmp_path, rooms("file: none.csv", "list: [{room: z}]"))
    assert list(desired(found)) == ["room-z"]


def csv_rows(tmp_path: Path, table: str) -> list[tuple[str, str, str]]:
    pattern = PATTERN.replace("{name:", '{annotations: {x: "<${x}>"}, name:')
    found = load(tmp_path, rooms("file: r.csv", pattern=pattern), {"r.csv": table})
    assert said(found.diagnostics) == []
    sound = [(entry.origin, entry.desired()) for entry in found.entries]
    return [(origin, value.channel, value.annotations["x"]) for origin, value in sound]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("room,x\na,1\n", [("r.csv:2", "a", "<1>")]),
        ("\ufeffroom,x\na,1\n", [("r.csv:2", "a", "<1>")]),
        ("room,x\r\na,1\r\nb,2\r\n", [("r.csv:2", "a", "<1>"), ("r.csv:3", "b", "<2>")]),
        ("room,x\na,1", [("r.csv:2", "a", "<1>")]),
        ("room,x\n\n\na,1\n\n", [("r.csv:4", "a", "<1>")]),
        (" room , x \n a , 1 \n", [("r.csv:2", "a", "<1>")]),
        ('"room","x"\n"a","1,2"\n', [("r.csv:2", "a", "<1,2>")]),
        ('room,x\na,"say ""hi"""\n', [("r.csv:2", "a", '<say "hi">')]),
        ('room,x\na,"1\n2"\nb,3\n', [("r.csv:2", "a", "<1\n2>"), ("r.csv:4", "b", "<3>")]),
        ("room,x\na,\n", [("r.csv:2", "a", "<>")]),
        ("room,x\n007,007\n", [("r.csv:2", "007", "<007>")]),
        ("room,x\na,true\n", [("r.csv:2", "a", "<true>")]),
        ("room,x\na,${room}\n", [("r.csv:2", "a", "<${room}>")]),
        ("room,x\na,é 日\n", [("r.csv:2", "a", "<é 日>")]),
    ],
)
def test_a_csv_is_read_as_spreadsheets_write_it(
    tmp_path: Path, table: str, expected: list[tuple[str, str, str]]
) -> None:
    assert csv_rows(tmp_path, table) == expected


def test_an_empty_cell_leaves_the_key_out(tmp_path: Path) -> None:
    pattern = PATTERN + "  uid: ${uid}\n  region: ${region}\n  backupUids: ['${more}', 12]\n"
    table = "room,uid,region,more\na,11,EU,13\nb,,,\n"
    found = desired(load(tmp_path, rooms("file: r.csv", pattern=pattern), {"r.csv": table}))
    first, second = found["room-a"], found["room-b"]
    assert first
    assert second
    assert (first.uids, first.acquire) == (("11", "13", "12"), {"region": "EU"})
    assert (second.uids, second.acquire) == (("12",), {})


def test_an_empty_cell_inherits_from_the_template(tmp_path: Path) -> None:
    base = manifest("Template", "base", "maxIdle: 7s")
    pattern = PATTERN + "  template: base\n  maxIdle: ${idle}\n"
    text = f"{rooms('file: r.csv', pattern=pattern)}---\n{base}"
    found = desired(load(tmp_path, text, {"r.csv": "room,idle\na,\nb,9s\n"}))
    path = "recordingConfig", "maxIdleTime"
    assert [get(value.request, path) for value in found.values() if value] == [7, 9]


def test_json_and_yaml_rows_have_types(tmp_path: Path) -> None:
    pattern = PATTERN + "  subscriptions: {audio: '${users}'}\n  replicas: ${n}\n"
    for file in ("r.json", "r.yml"):
        row = '[{"room": "a", "users": [1, 2], "n": 2}]'
        found = desired(load(tmp_path, rooms(f"file: {file}", pattern=pattern), {file: row}))
        assert found["room-a"]
        assert found["room-a"].replicas == 2
        lists = get(found["room-a"].request, ("recordingConfig", "subscribeAudioUids"))
        assert lists == ["1", "2"]


def test_text_in_rows_is_not_a_number(tmp_path: Path) -> None:
    pattern = PATTERN + "  replicas: ${n}\n"
    found = load(tmp_path, rooms('list: [{room: a, n: "2"}]', pattern=pattern))
    assert [diagnostic.hint for diagnostic in found.diagnostics] == ["remove the quotes"]


@pytest.mark.parametrize("name", ["rows/r.json", "rows/r.yml"])
def test_a_secret_in_a_row_is_relative_to_the_spec(tmp_path: Path, name: str) -> None:
    pattern = PATTERN + "  token: ${token}\n"
    table = '[{"room": "a", "token": {"file": "t"}}]'
    found = desired(load(tmp_path, rooms(f"file: {name}", pattern=pattern), {name: table}))
    assert found["room-a"]
    assert found["room-a"].request["token"] == Secret("file", "t", str(tmp_path))


def test_rows_as_deep_as_nobody_writes_them_are_an_error(tmp_path: Path) -> None:
    pattern = PATTERN + "  raw: ${raw}\n"
    table = '[{"room": "a", "raw": ' + '{"a": ' * 800 + "1" + "}" * 800 + "}]"
    found = load(tmp_path, rooms("file: r.json", pattern=pattern), {"r.json": table})
    (diagnostic,) = found.diagnostics
    assert diagnostic.message == "nested more than 64 levels deep (made from r.json[0])"


def test_a_mistake_in_the_pattern_names_its_line_and_every_row(tmp_path: Path) -> None:
    pattern = PATTERN.replace("mode: mix", "mode: mxi")
    matrix = "matrix: {room: [b], live: [true]}"
    generators = "list: [{room: a}]", matrix, "file: r.csv", "file: r.yml"
    files: dict[str, str | bytes] = {"r.csv": "room\nc\n", "r.yml": "[{room: d}]"}
    found = load(tmp_path, rooms(*generators, pattern=pattern), files).diagnostics
    assert {diagnostic.position.line for diagnostic in found} == {13}
    assert [diagnostic.message.partition(" (made from ")[2] for diagnostic in found] == [
        "generators[0].list[0])",
        "generators[1].matrix[0])",
        "r.csv:2)",
        "r.yml[0])",
    ]


def test_names_that_a_set_makes_twice_name_both_rows(tmp_path: Path) -> None:
    found = load(tmp_path, rooms("file: r.csv", "list: [{room: a}]"), {"r.csv": "room\na\n"})
    (diagnostic,) = found.diagnostics
    assert "a.yaml:9:22, made from r.csv:2 (made from generators[1].list[0])" in diagnostic.message
    assert desired(found) == {"room-a": None}


def test_what_a_set_makes_clashes_with_what_is_written(tmp_path: Path) -> None:
    found = load(tmp_path, f"{rooms('list: [{room: a}]')}---\n{recording('room-a')}")
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["duplicate-name"]
    assert desired(found) == {"room-a": None}


def test_of_two_sets_with_one_name_none_is_used(tmp_path: Path) -> None:
    one, two = rooms("list: [{room: a}]"), rooms("list: [{room: b}]")
    found = load(tmp_path, f"{one}---\n{two}---\n{recording('c')}")
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["duplicate-name"]
    assert {name for name, value in desired(found).items() if value} == {"c"}


def test_variables_reach_generators_and_pattern(tmp_path: Path) -> None:
    generators = "list: '${var.rows}'", "file: '${var.file}'", "matrix: {room: ['${var.room}']}"
    pattern = PATTERN.replace('channel: "${room}"', 'channel: "${var.prefix}${room}"')
    text = f"{rooms(*generators, pattern=pattern)}---\n{SHARED}"
    given = setting(rows=[{"room": "a"}], file="r.csv", room="c", prefix="x-")
    found = read(write(tmp_path, {"a.yaml": text, "r.csv": "room\nb\n"}), given)
    assert channels(found) == {"room-a": "x-a", "room-b": "x-b", "room-c": "x-c"}


def test_a_row_is_not_known_outside_the_pattern(tmp_path: Path) -> None:
    found = load(tmp_path, rooms("list: [{room: '${lang}'}]"))
    assert said(found.diagnostics) == ["a.yaml:6:21 variable spec.generators[0].list[0].room"]
    assert not found.complete


def test_what_a_row_holds_is_not_filled_in_again(tmp_path: Path) -> None:
    found = load(tmp_path, rooms("file: r.json"), {"r.json": '[{"room": "a${var.x}"}]'})
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["name"]


def test_a_literal_reference_passes_through_a_set(tmp_path: Path) -> None:
    pattern = PATTERN.replace("{name:", '{annotations: {note: "$${room}"}, name:')
    (value,) = desired(load(tmp_path, rooms("list: [{room: a}]", pattern=pattern))).values()
    assert value
    assert value.annotations == {"note": "${room}"}


def test_a_matrix_has_a_bound() -> None:
    numbers = list(range(400))
    generator = MatrixGenerator.model_validate({"matrix": {"a": numbers, "b": numbers}})
    with pytest.raises(Exception, match=f"more than {ROWS_MAX} combinations"):
        next(rows(generator, "m", lambda name: name.encode()))


def test_a_set_of_thousands_is_read_in_order_of_name(tmp_path: Path) -> None:
    table = "room\n" + "".join(f"r{number}\n" for number in range(2000))
    found = load(tmp_path, rooms("file: r.csv"), {"r.csv": table})
    names = [entry.name for entry in found.entries]
    assert (len(names), names) == (2000, sorted(names))
