"""Specs from Git over the network: https, ssh, credentials, and what is shown of them."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.daemon.remote import Remote
from tests.daemon.repositories import (
    PASSWORD,
    USER,
    Upstream,
    environment,
    fetch,
    over_http,
    read,
    stand_in,
    upstream_in,
)

SERVE = 'for command; do :; done; [ "$1" = -G ] && exit 1; exec sh -c "$command"'


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return upstream_in(tmp_path)


def test_a_repository_is_read_over_http_and_each_new_commit(upstream: Upstream) -> None:
    with over_http(upstream.folder.parent) as host:
        source = upstream.source(f"{host}/upstream")
        assert read(fetch(source)) == {"rooms.yaml": "a: 1\n"}
        upstream.write(rooms="a: 2\n")
        fetched = fetch(source)
        assert (read(fetched), fetched.problem) == ({"rooms.yaml": "a: 2\n"}, "")
    assert "cannot be fetched: unable to access" in fetch(source).problem


def test_a_password_in_the_url_serves_and_is_shown_nowhere(
    upstream: Upstream, tmp_path: Path
) -> None:
    def url_with(password: str) -> str:
        return url.replace("//", f"//{USER}:{quote(password, safe='')}@")

    with over_http(tmp_path, password=PASSWORD) as host:
        url = f"{host}/upstream"
        source = upstream.source(url_with(PASSWORD))
        assert read(fetch(source)) == {"rooms.yaml": "a: 1\n"}
        refused = fetch(upstream.source(url_with(f"no-{PASSWORD}"))).problem
    unreachable = fetch(source).problem
    assert source.place == f"{url}, path specs"
    assert f"Authentication failed for '{url}/'" in refused
    assert unreachable.startswith(f"`{url}` cannot be fetched: unable to access '{url}/'")
    written = [file.read_bytes() for file in upstream.home.rglob("*") if file.is_file()]
    assert "s3cret" not in f"{written}{refused}{unreachable}{source.place}"


def test_credentials_come_from_gits_own_helper(upstream: Upstream, tmp_path: Path) -> None:
    helper = f'!f() {{ echo username={USER}; echo "password={PASSWORD}"; }}; f'
    with over_http(tmp_path, password=PASSWORD) as host:
        source = upstream.source(f"{host}/upstream")
        problem = fetch(source).problem
        assert problem.endswith("terminal prompts disabled; git has no credentials for it here")
        config = helper.replace('"', '\\"')
        (tmp_path / "gitconfig").write_text(f'[credential]\nhelper = "{config}"\n')
        assert read(fetch(source)) == {"rooms.yaml": "a: 1\n"}


@pytest.mark.parametrize("url", ["git@host:{}", "ssh://git@host{}"])
def test_a_repository_is_read_over_ssh_that_asks_nobody(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    said = tmp_path / "arguments"
    stand_in(tmp_path / "bin/ssh", f'echo "$*" >>{said}\n{SERVE}')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    assert read(fetch(upstream.source(url.format(upstream.folder)))) == {"rooms.yaml": "a: 1\n"}
    lines = said.read_text().splitlines()
    assert lines
    assert all(line.startswith("-o BatchMode=yes ") for line in lines)


@pytest.mark.parametrize("way", ["environment", "configuration"])
def test_the_ssh_that_the_user_chose_is_used(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    chosen = stand_in(tmp_path / "chosen", f"touch {tmp_path}/was-used\n{SERVE}")
    if way == "environment":
        monkeypatch.setenv("GIT_SSH_COMMAND", str(chosen))
    else:
        (tmp_path / "gitconfig").write_text(f"[core]\nsshCommand = {chosen}\n")
    assert read(fetch(upstream.source(f"git@host:{upstream.folder}"))) == {"rooms.yaml": "a: 1\n"}
    assert (tmp_path / "was-used").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            "git@host: Permission denied (publickey).",
            "git@host: Permission denied (publickey).; ssh has no key here that it takes",
        ),
        (
            "Host key verification failed.",
            "Host key verification failed.; ssh does not know its host here",
        ),
        ("ERROR: Repository not found.", "Repository not found."),
        (
            "ssh: connect to host host port 22: Network is unreachable",
            "ssh: connect to host host port 22: Network is unreachable",
        ),
    ],
)
def test_what_ssh_says_is_told(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, problem: str
) -> None:
    script = stand_in(tmp_path / "refuse", f"echo '{words}' >&2; exit 255")
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    fetched = fetch(upstream.source("git@host:specs"))
    assert fetched.problem == f"`git@host:specs` cannot be fetched: {problem}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@host/a.git", "https://host/a.git"),
        ("https://token@host:8443/a@b.git?key=1", "https://host:8443/a@b.git"),
        ("https://host:8080/a@b.git", "https://host:8080/a@b.git"),
        ("https://user:pa/ss@host/a", "https://host/a"),
        ("https://user:p@ss@host/a", "https://host/a"),
        ("ssh://git:pass@host/a", "ssh://git@host/a"),
        ("git@host:a/b", "git@host:a/b"),
        ("/a/b?c", "/a/b?c"),
        ("file:///a b/c", "file:///a b/c"),
    ],
)
def test_a_url_is_shown_without_credentials(url: str, shown: str) -> None:
    assert Remote(url).shown == shown


def test_repositories_and_branches_have_names_of_their_own() -> None:
    remotes = [
        Remote(url, branch)
        for url in ("https://host/a", "https://host/b", "ssh://x@host/a", "ssh://y@host/a", "/a")
        for branch in ("", "main", "live")
    ]
    assert len({remote.name for remote in remotes}) == len(remotes)
    assert Remote("https://u:old@host/a").name == Remote("https://u:new@host/a").name


@given(st.sampled_from(["https", "http", "ssh"]), st.text(min_size=4, max_size=20))
def test_no_password_gets_through(scheme: str, password: str) -> None:
    password = f"§{password}§"
    remote = Remote(f"{scheme}://user:{quote(password, safe='')}@host/a")
    for text in (remote.url, password, f"no {password}", f"at '{remote.url}/' {password}"):
        assert password not in remote.scrubbed(text)
        assert quote(password, safe="") not in remote.scrubbed(text)
    assert "§" not in remote.shown
