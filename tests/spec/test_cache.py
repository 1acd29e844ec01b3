import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.spec.marked import Cell
from reconciler.spec.setting import Setting
from tests.spec.caches import GIVEN, ROOMS, TEMPLATE, WORLD, facts, rows_kept, through
from tests.spec.support import (
    APP,
    NOW_S,
    SOUND,
    STORAGE,
    manifest,
    read,
    recording,
    setting,
    write,
)

ROOT = Path(__file__).resolve().parents[2]
KEPT = "key", "specs.db"


# The same, cached or not


def test_a_second_read_says_the_same(specs: Path, home: Path) -> None:
    expected = facts(read(specs, GIVEN))
    assert [through(home, specs) for _ in range(3)] == [expected] * 3
    assert [entry[0] for entry in expected[0]] == ["a", "b", "c", "x", "y"]
    assert [bool(value) for value in expected[3].values()] == [True, False, True, True, True]


def test_a_read_of_unchanged_files_needs_no_models(specs: Path, home: Path) -> None:
    through(home, specs)
    assert ask(specs, home) == {
        "imported": [],
        "names": ["a", "b", "c", "x", "y"],
        "problems": 1,
        "apps": {"default": "SECRET"},
        "sets": ["rooms"],
        "manifests": 7,
    }


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
problems = len(found.diagnostics)
apps = {app.name: app.customer_secret.source for app in found.apps.values()}
rest = {"apps": apps, "sets": list(found.sets.values()), "manifests": found.manifests}
answer = {"imported": heavy, "names": names, "problems": problems, **rest}
sys.stdout.write(json.dumps(answer))
"""


def ask(folder: Path, home: Path) -> dict[str, Any]:
    """Read in a process of its own, and return what it imported and found."""
    command = [sys.executable, "-c", ASK, str(folder), str(home), str(NOW_S)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_an_app_with_inline_secrets_is_read_each_time(specs: Path, home: Path) -> None:
    write(specs, {"app.yaml": APP.replace("{env: SECRET}", "in-the-open")})
    for _ in range(2):
        app = through(home, specs)[4][0]["default"]
        assert (app.customer_secret.source, app.inline) == ("in-the-open", True)


def tell(spec: str) -> str:
    return manifest("Template", "base", spec)


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
    "the template leads nowhere": {"template.yaml": tell("template: x")},
    "the template leads to itself": {"template.yaml": tell("template: base")},
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


@settings(max_examples=25)
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


# Secrets

HUSH = "hush-hush"
STORE = f"{{vendor: aws, region: us-east-1, bucket: b, accessKey: {HUSH}-1, secretKey: {HUSH}-2}}"
WEB = "mode: web\nchannel: w\nstorage: archive\nweb:\n  maxDuration: 2h\n  url: https://a.b/"
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
