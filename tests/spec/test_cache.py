import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.spec.cache import ROWS_MAX, VARIABLE, Cache, open_cache
from reconciler.spec.catalog import Catalog
from reconciler.spec.desired import Desired
from reconciler.spec.marked import Cell
from reconciler.spec.setting import Setting
from tests.spec.support import (
    APP,
    NOW_S,
    SOUND,
    STORAGE,
    desired,
    manifest,
    read,
    recording,
    setting,
    write,
)

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = manifest("Template", "base", "maxIdle: 7s")
ROOMS = """\
apiVersion: reconciler/v1
kind: RecordingSet
metadata: {name: rooms}
spec:
  generators: [{file: rooms.csv}]
  recording:
    metadata: {name: "${room}"}
    spec: {mode: mix, channel: "${room}", storage: archive, channelProfile: live}
"""
WORLD: dict[str, str | bytes] = {
    "app.yaml": APP,
    "storage.yaml": STORAGE,
    "template.yaml": TEMPLATE,
    "a.yaml": recording("a", "template: base\nprefix: ${var.prefix}"),
    "b.yaml": f"{recording('b', 'replicas: 9')}---\n{recording('c', 'audioProfile: 2')}",
    "rooms.yaml": ROOMS,
    "rooms.csv": "room\nx\ny\n",
}
GIVEN = setting(prefix="p")


KEPT = "key", "specs.db"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    return write(tmp_path / "specs", WORLD)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def opened(home: Path) -> Cache | None:
    return open_cache({VARIABLE: str(home)})


Facts = tuple[list[tuple[Any, ...]], list[str], bool, dict[str, Desired | None]]


def facts(found: Catalog) -> Facts:
    """Return everything that a catalog says, wherever it has it from."""
    rows = [
        (entry.name, entry.file, entry.document, entry.origin, entry.digest, entry.uids)
        for entry in found.entries
    ]
    told = [f"{problem.position} {problem}" for problem in found.diagnostics]
    return rows, told, found.complete, desired(found)


def through(home: Path, folder: Path, given: Setting = GIVEN) -> Facts:
    """Read through the cache as a command does, bodies and all."""
    cache = opened(home)
    found = facts(read(folder, given, cache))
    if cache:
        cache.flush()
    return found


def rows_kept(home: Path) -> int:
    with closing(sqlite3.connect(home / "specs.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM indexes").fetchone()[0])


# The same, cached or not


def test_a_second_read_says_the_same(specs: Path, home: Path) -> None:
    expected = facts(read(specs, GIVEN))
    assert [through(home, specs) for _ in range(3)] == [expected] * 3
    assert [entry[0] for entry in expected[0]] == ["a", "b", "c", "x", "y"]
    assert [bool(value) for value in expected[3].values()] == [True, False, True, True, True]


def test_a_read_of_unchanged_files_needs_no_models(specs: Path, home: Path) -> None:
    through(home, specs)
    assert ask(specs, home) == {"imported": [], "names": ["a", "b", "c", "x", "y"], "problems": 1}


def test_a_read_of_one_changed_file_needs_them(specs: Path, home: Path) -> None:
    through(home, specs)
    write(specs, {"b.yaml": recording("d")})
    answer = ask(specs, home)
    assert (answer["names"], "pydantic" in answer["imported"]) == (["a", "d", "x", "y"], True)


ASK = """
import json, sys
from reconciler.spec.cache import open_cache
from reconciler.spec.catalog import read_catalog
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting
folder, home, now_s = sys.argv[1:]
given = Setting({"prefix": "p"}, frozenset(), {}, float(now_s))
found = read_catalog(Files([folder]), given, open_cache({"RECONCILER_CACHE": home}))
heavy = [name for name in ("pydantic", "jinja2", "asyncio") if name in sys.modules]
names = [entry.name for entry in found.entries]
sys.stdout.write(json.dumps({"imported": heavy, "names": names, "problems": len(found.diagnostics)}))
"""


def ask(folder: Path, home: Path) -> dict[str, Any]:
    """Read in a process of its own, and return what it imported and found."""
    command = [sys.executable, "-c", ASK, str(folder), str(home), str(NOW_S)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


CHANGES: dict[str, dict[str, str | None]] = {
    "a recording": {"a.yaml": recording("a", "uid: 7")},
    "a recording is gone": {"a.yaml": None},
    "a recording is broken": {"a.yaml": "a: ["},
    "a recording more": {"z.yaml": recording("z")},
    "a name twice": {"z.yaml": recording("a")},
    "a uid twice": {"y.yaml": recording("y", "uid: 7"), "z.yaml": recording("z", "uid: 7")},
    "the storage": {"storage.yaml": STORAGE.replace("bucket: b", "bucket: other")},
    "the storage is gone": {"storage.yaml": None},
    "the storage is broken": {"storage.yaml": STORAGE.replace("aws", "amazon")},
    "the storage is there twice": {"y.yaml": STORAGE},
    "another storage before it": {"s.yaml": STORAGE.replace("us-east-1", "us-west-1")},
    "the storage moves": {"storage.yaml": None, "s.yaml": STORAGE},
    "the template": {"template.yaml": TEMPLATE.replace("7s", "8s")},
    "the template is gone": {"template.yaml": None},
    "the template is broken": {"template.yaml": TEMPLATE.replace("7s", "1x")},
    "the template is there twice": {"t.yaml": TEMPLATE},
    "the template leads nowhere": {"template.yaml": TEMPLATE.replace("maxIdle: 7s", "template: x")},
    "the template leads in a circle": {"template.yaml": TEMPLATE.replace("maxIdle: 7s", "template: base")},
    "the app": {"app.yaml": APP.replace("ID}", "ID2}")},
    "the app is another": {"app.yaml": APP.replace("default", "other")},
    "the app is gone": {"app.yaml": None},
    "apps to choose from": {
        "app.yaml": APP.replace("default", "one"), "b.yaml": APP.replace("default", "two")},
    "the app is there twice": {"y.yaml": APP},
    "the app is broken": {"app.yaml": APP.replace("appId", "appid")},
    "the rows": {"rooms.csv": "room\nx\nz\n"},
    "the rows are gone": {"rooms.csv": None},
    "the rows are broken": {"rooms.csv": "room\nx\nA\n"},
    "the set": {"rooms.yaml": ROOMS.replace("mode: mix", "mode: mix, uid: 7")},
    "the set is gone": {"rooms.yaml": None},
    "the set is there twice": {"z.yaml": ROOMS},
}  # fmt: skip


def change(folder: Path, files: dict[str, str | None]) -> None:
    for name, content in files.items():
        if content is None:
            (folder / name).unlink()
        else:
            write(folder, {name: content})


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_change_touches_is_read_anew(specs: Path, home: Path, name: str) -> None:
    before = through(home, specs)
    change(specs, CHANGES[name])
    expected = facts(read(specs, GIVEN))
    assert [through(home, specs) for _ in range(2)] == [expected] * 2
    for file in CHANGES[name]:
        (specs / file).unlink(missing_ok=True)
    write(specs, WORLD)
    assert through(home, specs) == before


SETTINGS = {
    "a variable": setting(prefix="q"),
    "a variable's type": setting(prefix=Cell("p/q")),
    "no variable": setting(),
    "a variable more": setting(prefix="p", more="x"),
    "a host": replace(GIVEN, allowed_hosts=frozenset({"a.example"})),
    "the environment": replace(GIVEN, environ={"AGORA_ENDPOINTS": "https://a.example"}),
    "the time": replace(GIVEN, now_s=NOW_S + 1e9),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("app", [APP, None, APP + "  endpoints: ['https://a.example']\n"])
def test_what_comes_from_outside_is_heeded(
    specs: Path, home: Path, name: str, app: str | None
) -> None:
    change(specs, {"app.yaml": app})
    through(home, specs)
    for now in (SETTINGS[name], GIVEN, SETTINGS[name]):
        assert through(home, specs, now) == facts(read(specs, now))


CHOICES: dict[str, list[str | None]] = {
    name: [str(content), *(files[name] for files in CHANGES.values() if name in files)]
    for name, content in WORLD.items()
} | {"z.yaml": [None, recording("z", "uid: 7"), recording("a", "uid: 7"), STORAGE, ROOMS]}
STATES = st.fixed_dictionaries({name: st.sampled_from(each) for name, each in CHOICES.items()})
STEPS = st.tuples(STATES, st.sampled_from([GIVEN, *SETTINGS.values()]))


@settings(max_examples=40)
@given(st.lists(STEPS, min_size=2, max_size=4))
def test_no_history_is_seen(history: list[tuple[dict[str, str | None], Setting]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, home = Path(place) / "specs", Path(place) / "cache"
        for state, now in history:
            write(folder, {name: content for name, content in state.items() if content is not None})
            assert through(home, folder, now) == facts(read(folder, now))
            for file in folder.iterdir():
                file.unlink()


# What the clock changes


def test_a_window_that_ends_is_judged_again(specs: Path, home: Path) -> None:
    window = "{from: 2026-09-21T15:00:00Z, until: 2026-09-21T16:00:00Z}"
    write(specs, {"a.yaml": recording("a", f"schedule: [{window}]")})
    end_s = NOW_S + 6400
    told = []
    for now_s in (NOW_S, end_s - 1, end_s, end_s + 1e6, end_s + 2e6):
        given = replace(GIVEN, now_s=now_s)
        found = through(home, specs, given)
        assert found == facts(read(specs, given))
        told.append(any("window-over" in line for line in found[1]))
    assert told == [False, False, True, True, True]


@pytest.mark.parametrize("where", ["inline", "shared"])
def test_temporary_keys_that_end_are_judged_again(specs: Path, home: Path, where: str) -> None:
    end_s = int(NOW_S) + 5 * 3600
    keys = "accessKey: {env: A}, secretKey: {env: S}, stsToken: {env: T}"
    store = f"{{vendor: aws, region: us-east-1, bucket: b, {keys}, stsExpiration: {end_s}}}"
    if where == "inline":
        own = SOUND.replace("storage: archive", f"storage: {store}")
        write(specs, {"a.yaml": manifest("Recording", "a", own)})
    else:
        write(specs, {"storage.yaml": STORAGE.partition("spec:")[0] + f"spec: {store}\n"})
    told = set()
    for now_s in (NOW_S, end_s - 4 * 3600 - 1, end_s - 4 * 3600 + 1, end_s - 1, end_s + 1e6):
        given = replace(GIVEN, now_s=float(now_s))
        found = through(home, specs, given)
        assert found == facts(read(specs, given))
        told.add(len(found[1]))
    assert len(told) > 1


# What others did to the files


def cut(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])


def flip(file: Path, seed: int) -> None:
    data = bytearray(file.read_bytes())
    chance = random.Random(seed)  # noqa: S311  the same damage in every run
    for _ in range(chance.choice([1, 5, 100])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def run_sql(*statements: str) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        with closing(sqlite3.connect(home / "specs.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return run


def replaced_by(content: bytes | None, name: str) -> Callable[[Path], None]:
    """Put another content in a file's place, or for None a folder."""

    def replace_it(home: Path) -> None:
        (home / name).unlink()
        if content is None:
            (home / name).mkdir()
        else:
            (home / name).write_bytes(content)

    return replace_it


DAMAGES: dict[str, Callable[[Path], None]] = {
    "an empty database": replaced_by(b"", "specs.db"),
    "no database": lambda home: (home / "specs.db").unlink(),
    "another file": replaced_by(b"hello" * 1000, "specs.db"),
    "a folder": replaced_by(None, "specs.db"),
    "half of it": lambda home: cut(home / "specs.db", 6000),
    "an empty key": replaced_by(b"", "key"),
    "a short key": replaced_by(b"x" * 31, "key"),
    "another key": replaced_by(b"x" * 32, "key"),
    "no key": lambda home: (home / "key").unlink(),
    "a folder for the key": replaced_by(None, "key"),
    "other tables": run_sql("DROP TABLE indexes", "CREATE TABLE indexes (a, b)"),
    "no rows": run_sql("DELETE FROM indexes", "DELETE FROM bodies"),
    "no bodies": run_sql("DELETE FROM bodies"),
    "other contents": run_sql("UPDATE indexes SET content = x'7b7d'"),
    "other bodies": run_sql("UPDATE bodies SET content = x'5b5d'"),
    "text": run_sql("UPDATE indexes SET content = 'a', mark = 'b'", "UPDATE bodies SET mark = 'c'"),
    "numbers": run_sql("UPDATE indexes SET content = 1, mark = 2", "UPDATE bodies SET content = 3"),
    "nulls": run_sql("UPDATE indexes SET content = NULL", "UPDATE bodies SET mark = NULL"),
    "text that is none": run_sql("UPDATE indexes SET content = CAST(x'ff' AS TEXT)"),
    "keys of others": run_sql("UPDATE indexes SET key = randomblob(16)"),
    "marks of others": run_sql(
        "UPDATE indexes SET mark = (SELECT max(mark) FROM indexes)",
        "UPDATE bodies SET mark = (SELECT max(mark) FROM bodies)",
    ),
    "contents of others": run_sql(
        "UPDATE indexes SET content = (SELECT max(content) FROM indexes)",
        "UPDATE bodies SET content = (SELECT max(content) FROM bodies)",
    ),
    "a folder for all": lambda home: home.chmod(0o777),
    "a folder for the group": lambda home: home.chmod(0o770),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_cache_that_others_touched_is_ignored(specs: Path, home: Path, name: str) -> None:
    expected = through(home, specs)
    DAMAGES[name](home)
    assert [through(home, specs) for _ in range(3)] == [expected] * 3


def test_a_database_with_bits_flipped_is_ignored(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    sound = (home / "specs.db").read_bytes()
    for seed in range(150):
        (home / "specs.db").write_bytes(sound)
        flip(home / "specs.db", seed)
        assert through(home, specs) == expected


def test_a_database_cut_anywhere_is_ignored(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    sound = (home / "specs.db").read_bytes()
    for size in range(0, len(sound), len(sound) // 40):
        (home / "specs.db").write_bytes(sound[:size])
        assert through(home, specs) == expected


def test_a_cache_of_another_user_is_not_believed(specs: Path, home: Path, tmp_path: Path) -> None:
    """A database that came with a checkout has the right shape and somebody else's key."""
    expected = through(home, specs)
    theirs = tmp_path / "theirs"
    lies = write(tmp_path / "lies", {**WORLD, "a.yaml": recording("lie")})
    (tmp_path / "specs").rename(tmp_path / "aside")
    lies.rename(tmp_path / "specs")
    through(theirs, specs)
    (tmp_path / "specs").rename(lies)
    (tmp_path / "aside").rename(tmp_path / "specs")
    (home / "specs.db").write_bytes((theirs / "specs.db").read_bytes())
    assert through(home, specs) == expected


def test_a_damaged_key_is_replaced_and_all_is_read_anew(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    (home / "key").write_bytes(b"short")
    assert opened(home) is None
    assert through(home, specs) == expected
    assert len((home / "key").read_bytes()) == 32


def test_a_folder_that_others_may_write_to_is_not_used(home: Path) -> None:
    assert opened(home)
    for mode in (0o770, 0o707, 0o777):
        home.chmod(mode)
        assert opened(home) is None
    home.chmod(0o755)
    assert opened(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(home: Path) -> None:
    home.mkdir(mode=0o700)
    os.chown(home, 12345, 12345)
    assert opened(home) is None


def test_a_folder_that_cannot_be_made_is_no_error(specs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert opened(tmp_path / "file") is None
    assert opened(tmp_path / "file/below") is None
    assert through(tmp_path / "file", specs) == facts(read(specs, GIVEN))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_no_error(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    home.chmod(0o500)
    (home / "specs.db").chmod(0o400)
    assert through(home, specs) == expected


def test_a_database_that_is_read_only_is_no_error(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    change(specs, {"a.yaml": recording("a", "uid: 7")})
    with closing(sqlite3.connect(f"file:{home}/specs.db?mode=ro", uri=True)) as connection:
        cache = Cache(connection, (home / "key").read_bytes())
        found = facts(read(specs, GIVEN, cache))
        cache.flush()
    assert found == facts(read(specs, GIVEN)) != expected


def test_a_locked_database_is_no_error(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    with closing(sqlite3.connect(home / "specs.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert through(home, specs) == expected
    assert opened(home)


def test_a_database_locked_while_it_is_written_is_no_error(specs: Path, home: Path) -> None:
    cache = opened(home)
    assert cache
    found = facts(read(specs, GIVEN, cache))
    with closing(sqlite3.connect(home / "specs.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        cache.flush()
    assert rows_kept(home) == 0
    assert through(home, specs) == found


def test_bodies_that_vanish_meanwhile_are_made_again(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    found = read(specs, GIVEN, opened(home))
    run_sql("DELETE FROM bodies")(home)
    assert facts(found) == expected


def test_the_folder_and_the_key_are_for_this_user_alone(home: Path) -> None:
    assert opened(home)
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "environ",
    [{}, {VARIABLE: "off"}, {"HOME": ""}, {"XDG_CACHE_HOME": "relative"}, {"HOME": "relative"}],
)
def test_without_a_place_there_is_no_cache(environ: dict[str, str]) -> None:
    assert open_cache(environ) is None


def test_the_cache_lies_where_the_user_keeps_caches(tmp_path: Path) -> None:
    assert open_cache({"HOME": str(tmp_path)})
    assert open_cache({"HOME": "/nowhere", "XDG_CACHE_HOME": str(tmp_path / "xdg")})
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("key"))
    assert found == [".cache/reconciler/key", "xdg/reconciler/key"]


def test_the_cache_does_not_grow_without_end(home: Path) -> None:
    cache = opened(home)
    assert cache
    for number in range(ROWS_MAX + 100):
        cache.put(number.to_bytes(4, "big"), b"index", b"bodies")
    cache.flush()
    assert rows_kept(home) == ROWS_MAX
    again = opened(home)
    assert again
    kept = [again.index(number.to_bytes(4, "big")) for number in (0, 99, 100, ROWS_MAX + 99)]
    assert kept == [None, None, b"index", b"index"]


# Secrets

HUSH = "hush-hush"
STORE = f"{{vendor: aws, region: us-east-1, bucket: b, accessKey: {HUSH}-1, secretKey: {HUSH}-2}}"
WEB = f"mode: web\nchannel: w\nstorage: archive\nweb:\n  maxDuration: 2h\n  url: https://a.b/{HUSH[:0]}"
SECRETIVE: dict[str, dict[str, str]] = {
    "an app": {"app.yaml": APP.replace("{env: SECRET}", HUSH)},
    "a storage": {"storage.yaml": STORAGE.replace("{env: S}", HUSH)},
    "an inline storage": {"a.yaml": manifest("Recording", "a", SOUND.replace("archive", STORE))},
    "a session token": {"storage.yaml": STORAGE.replace("}}", f"}}, stsToken: {HUSH}}}")},
    "a token": {"a.yaml": recording("a", f"token: {HUSH}")},
    "a key": {"a.yaml": recording("a", f"encryption: {{mode: aes-128-gcm, key: {HUSH}}}")},
    "raw": {"a.yaml": recording("a", f"raw: {{recordingConfig: {{x: [{{y: {HUSH}}}]}}}}")},
    "raw with a reference": {"a.yaml": recording("a", f"raw: {{a: {{env: E}}, b: {HUSH}}}")},
    "a push": {"a.yaml": manifest("Recording", "a", f"{WEB}\n  rtmp: rtmp://a.b/{HUSH}")},
    "a page": {"a.yaml": manifest("Recording", "a", f"{WEB}?token={HUSH}")},
    "a page with a user": {"a.yaml": manifest("Recording", "a", WEB.replace("//", f"//u:{HUSH}@"))},
    "a template": {"template.yaml": manifest("Template", "base", f"token: {HUSH}")},
    "a set": {"rooms.yaml": ROOMS.replace("mode: mix", f"mode: mix, token: {HUSH}")},
    "a row": {
        "rooms.yaml": ROOMS.replace("mode: mix", "mode: mix, token: '${token}'"),
        "rooms.csv": f"room,token\nx,{HUSH}\n",
    },
    "a variable": {"a.yaml": recording("a", "token: ${var.token}")},
    "a variable in a storage": {"storage.yaml": STORAGE.replace("{env: S}", "'${var.token}'")},
    "a broken recording": {"a.yaml": recording("a", f"token: {HUSH}\nreplicas: 9")},
    "a broken secret": {"a.yaml": recording("a", f"token: {{env: [{HUSH}]}}")},
    "a broken push": {"a.yaml": manifest("Recording", "a", f"{WEB}\n  rtmp: http://a.b/{HUSH}")},
    "a broken page": {"a.yaml": manifest("Recording", "a", WEB.replace("https", f"ftp://{HUSH}@"))},
    "a broken storage": {"storage.yaml": STORAGE.replace("{env: S}", HUSH).replace("aws", "x")},
    "two secrets": {"a.yaml": recording("a", f"token: {{env: A, file: {HUSH}}}")},
}


@pytest.mark.parametrize("name", SECRETIVE)
def test_no_secret_lies_in_the_cache(specs: Path, home: Path, name: str) -> None:
    write(specs, dict(SECRETIVE[name]))
    given = setting(prefix="p", token=Cell(HUSH))
    for _ in range(2):
        assert through(home, specs, given) == facts(read(specs, given))
    assert rows_kept(home) > 2
    for path in home.iterdir():
        assert HUSH.encode() not in path.read_bytes()
    assert {path.name for path in home.iterdir()} <= {*KEPT, "specs.db-journal"}


def test_what_has_no_secrets_does_lie_there(specs: Path, home: Path) -> None:
    write(specs, {"a.yaml": recording("a", f"prefix: {HUSH.replace('-', '')}")})
    through(home, specs)
    assert HUSH.replace("-", "").encode() in (home / "specs.db").read_bytes()
