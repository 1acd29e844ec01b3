import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.apps import AppDefinition, broken, foreign_hosts, freeze, host_of, thaw
from reconciler.spec.roots import absolute, from_root
from reconciler.spec.secrets import Secret
from tests.spec.support import APP, manifest, read, recording, setting, write

HUSH = "hush-hush"
APP_ID = "0123456789abcdef0123456789abcdef"
WHOLE = """\
appId: {file: app-id}
credentials: {customerId: {env: ID}, customerSecret: {exec: [vault, secret]}}
certificate: {env: CERTIFICATE}
endpoints: ['https://a.example/', 'http://localhost:8787']
requestsPerSecond: 3
maxRecordings: 4
maxWebRecordings: 5
notifications: {secret: {env: NCS}}
"""


def apps(folder: Path, *texts: str, **environ: str) -> dict[str, AppDefinition]:
    """Return the Apps of a folder with these files."""
    write(folder, {f"{number}.yaml": text for number, text in enumerate(texts)})
    return dict(read(folder, replace(setting(), environ=environ)).apps)


# What a catalog says of them


def test_an_app_is_what_its_manifest_says(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert apps(tmp_path, manifest("App", "main", WHOLE)) == {
        "main": AppDefinition(
            name="main",
            app_id=Secret("file", "app-id", folder),
            customer_id=Secret("env", "ID", folder),
            customer_secret=Secret("exec", ("vault", "secret"), folder),
            certificate=Secret("env", "CERTIFICATE", folder),
            endpoints=("https://a.example", "http://localhost:8787"),
            requests_per_second=3,
            max_recordings=4,
            max_web_recordings=5,
            notification_secret=Secret("env", "NCS", folder),
        )
    }


def test_what_is_unsaid_is_as_documented(tmp_path: Path) -> None:
    (app,) = apps(tmp_path, APP).values()
    assert app.app_id == Secret("literal", APP_ID)
    assert app.endpoints == ("https://api.sd-rtn.com", "https://api.agora.io")
    assert (app.requests_per_second, app.max_recordings, app.max_web_recordings) == (10, 50, 200)
    assert (app.certificate, app.notification_secret, app.error) == (None, None, "")


def test_without_any_manifest_the_environment_describes_one(tmp_path: Path) -> None:
    environ = {
        "AGORA_APP_CERTIFICATE": "x",
        "AGORA_ENDPOINTS": "https://a.example, https://b.example",
    }
    found = apps(tmp_path, recording("a"), **environ)
    assert list(found) == ["default"]
    assert found["default"].app_id == Secret("env", "AGORA_APP_ID")
    assert found["default"].certificate == Secret("env", "AGORA_APP_CERTIFICATE")
    assert found["default"].endpoints == ("https://a.example", "https://b.example")
    assert not found["default"].error


@pytest.mark.parametrize(
    "texts",
    [
        (APP.replace("appId", "appid"),),
        (APP, APP),
        (APP.replace("{env: ID}", "{env: '${var.none}'}"),),
        (APP.replace("v1", "v2"),),
    ],
)
def test_an_app_with_errors_is_there_and_says_so(tmp_path: Path, texts: tuple[str, ...]) -> None:
    found = apps(tmp_path, *texts, APP.replace("default", "sound"))
    assert {name: app.error for name, app in found.items()} == {
        "default": "its manifest has errors",
        "sound": "",
    }


def test_an_environment_that_is_wrong_is_an_app_with_errors(tmp_path: Path) -> None:
    found = apps(tmp_path, recording("a"), AGORA_ENDPOINTS="nowhere")
    assert "AGORA_ENDPOINTS" in found["default"].error


# As text for state

SECRETS = st.one_of(
    st.builds(Secret, st.just("env"), st.text(min_size=1)),
    st.builds(Secret, st.just("file"), st.text(min_size=1), st.just("/a/b")),
    st.builds(Secret, st.just("exec"), st.lists(st.text(), min_size=1).map(tuple), st.just("/a")),
)
APPS = st.builds(
    AppDefinition,
    name=st.text(),
    app_id=SECRETS | st.builds(Secret, st.just("literal"), st.text(min_size=1)),
    customer_id=SECRETS,
    customer_secret=SECRETS,
    certificate=st.none() | SECRETS,
    endpoints=st.lists(st.text()).map(tuple),
    requests_per_second=st.integers(1, 100),
    max_recordings=st.integers(1, 100),
    max_web_recordings=st.integers(1, 100),
    notification_secret=st.none() | SECRETS,
    error=st.text(),
)


@given(APPS)
def test_a_frozen_app_thaws_to_itself(app: AppDefinition) -> None:
    assert thaw(freeze(app)) == app
    assert not app.inline


def test_references_hold_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"specs/app.yaml": manifest("App", "main", WHOLE)})
    monkeypatch.chdir(tmp_path)
    app = read(Path("specs")).apps["main"]
    assert app.customer_secret.folder == "specs"
    monkeypatch.chdir("/")
    kept = thaw(freeze_in(tmp_path, app, monkeypatch))
    assert kept.customer_secret == Secret("exec", ("vault", "secret"), str(tmp_path / "specs"))
    assert kept.app_id == Secret("file", "app-id", str(tmp_path / "specs"))
    assert kept.customer_id == Secret("env", "ID")


def freeze_in(folder: Path, app: AppDefinition, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as place:
        place.chdir(folder)
        return freeze(app)


@pytest.mark.parametrize(
    "said",
    ["customer_id", "customer_secret", "certificate", "notification_secret"],
)
def test_inline_secrets_are_not_kept_and_that_is_said(tmp_path: Path, said: str) -> None:
    (app,) = apps(tmp_path, manifest("App", "main", WHOLE)).values()
    changes: dict[str, Any] = {said: Secret("literal", HUSH)}
    inline = replace(app, **changes)
    assert inline.inline
    assert HUSH not in freeze(inline)
    assert "--specs PATH" in thaw(freeze(inline)).error


def test_an_app_id_in_the_open_is_no_inline_secret(tmp_path: Path) -> None:
    (app,) = apps(tmp_path, APP).values()
    assert not app.inline
    assert thaw(freeze(app)).app_id == Secret("literal", APP_ID)
    assert not thaw(freeze(app)).error


def test_an_app_with_errors_survives_as_one() -> None:
    assert thaw(freeze(broken("a", "why"))) == broken("a", "why")


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', json.dumps({"app_id": 5})])
def test_what_nobody_froze_does_not_thaw(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        thaw(text)


def test_credentials_go_to_known_hosts_only() -> None:
    endpoints = (
        *("https://api.agora.io", "https://x.sd-rtn.com", "http://localhost:1", "http://[::1]:1"),
        *("https://evilagora.io", "https://ok.example", "https://bad.example:8443"),
    )
    foreign = foreign_hosts(endpoints, frozenset({"ok.example"}))
    assert foreign == ((4, "evilagora.io"), (6, "bad.example"))
    assert host_of("https://A.example:1/x") == "a.example"


# Names of places


@pytest.mark.parametrize("git", ["folder", "file", None])
def test_a_path_is_kept_relative_to_its_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: str | None
) -> None:
    write(tmp_path, {"repo/specs/a.yaml": "", "repo/more/x": ""})
    if git == "folder":
        (tmp_path / "repo" / ".git").mkdir()
    if git == "file":
        write(tmp_path, {"repo/.git": "gitdir: elsewhere\n"})
    monkeypatch.chdir(tmp_path / "repo" / "specs")
    root = "" if git else "../"
    inside = "specs/" if git else ""
    names = {
        "a.yaml": f"{inside}a.yaml",
        "./x/../a.yaml": f"{inside}a.yaml",
        ".": "specs" if git else ".",
        "new/": f"{inside}new",
        "../more": f"{root}more",
        str(tmp_path / "repo" / "more" / "x"): f"{root}more/x",
        str(tmp_path / "repo"): "." if git else "..",
    }
    assert {path: from_root(path) for path in names} == names


def test_a_folder_has_one_whole_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("") == absolute(".") == absolute("x/..") == os.fspath(tmp_path)
    assert absolute("/a//b/") == "/a/b"
