"""`run`: what it refuses before it begins anything. What it does is shown in tests/daemon."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.support import Ran, Run


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    folder = tmp_path / "specs"
    folder.mkdir()
    return folder


def refused(ran: Ran, said: str) -> bool:
    """Tell whether a command line was refused with these words, and nothing was written."""
    assert (ran.code, ran.out) == (1, ""), ran
    assert "Traceback" not in ran.err
    return said in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "takes PATHs, or a repository with `--git`"),
        (("specs", "--git", "https://example.com/specs.git"), "takes PATHs, or a repository"),
        (("--git", ""), "takes PATHs, or a repository"),
        (("specs", "--branch", "main"), "`--branch` says something of the repository"),
        (("specs", "--path", "a"), "`--path` says something of the repository"),
        (("specs", "--checkout", "a"), "`--checkout` says something of the repository"),
        (("--git", "specs.git", "--path", "../a"), "leads out of the repository"),
        (("specs", "--interval", "0"), "--interval"),
        (("specs", "--interval", "0s"), "`0s` is less than a second"),
        (("specs", "--resync", "0s"), "`0s` is less than a second"),
        (("specs", "--poll", "0s"), "`0s` is less than a second"),
        (("specs", "--interval", "-1s"), "--interval"),
        (("specs", "--interval", "soon"), "--interval"),
        (("specs", "--prune-delay", "soon"), "--prune-delay"),
        (("specs", "--listen", "8710"), "`8710` is no HOST:PORT"),
        (("specs", "--listen", "localhost"), "`localhost` is no HOST:PORT"),
        (("specs", "--listen", "localhost:"), "`localhost:` is no HOST:PORT"),
        (("specs", "--listen", "localhost:http"), "`localhost:http` is no HOST:PORT"),
        (("specs", "--listen", "localhost:65536"), "`localhost:65536` is no HOST:PORT"),
        (("specs", "--listen", "localhost:-1"), "`localhost:-1` is no HOST:PORT"),
        (("specs", "--listen", "::1:8710x"), "is no HOST:PORT"),
        (("specs", "--var", "a"), "`--var a` sets nothing"),
        (("specs", "--state", "state.db"), "the URL of the state is of no known form"),
        (("specs", "--state", "sqlite:////dev/null/state.db"), "/dev/null"),
        (("specs", "--standby", "--state", "state.db"), "the URL of the state"),
        (("specs", "--retain-rows", "no"), "--retain-rows"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, specs: Path, words: tuple[str, ...], said: str
) -> None:
    assert specs.exists()
    listen = () if "--listen" in words else ("--listen", "127.0.0.1:0")
    assert refused(run("run", *words, *listen), said)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:0", ":0", "[::]:0", "[fe80::1]:0", "192.0.2.1:0", "example.com:0"]
)
@pytest.mark.parametrize("token", [None, "", " \n"])
def test_nobody_else_is_answered_without_a_token(
    run: Run, monkeypatch: pytest.MonkeyPatch, listen: str, token: str | None
) -> None:
    if token is not None:
        monkeypatch.setenv("RECONCILER_TOKEN", token)
    ran = run("run", "specs", "--listen", listen)
    assert refused(ran, "would answer everybody who reaches")
    assert "hint: set RECONCILER_TOKEN to a long random text" in ran.err
    assert not Path(".reconciler").exists()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        yield bound.getsockname()[1]


@pytest.mark.parametrize("more", [(), ("--standby",)])
def test_a_port_that_is_taken_is_said_and_another_asked_for(
    run: Run, specs: Path, taken: int, more: tuple[str, ...]
) -> None:
    ran = run("run", specs, "--listen", f"127.0.0.1:{taken}", *more)
    assert refused(ran, f"cannot listen on port {taken} of `127.0.0.1`: Address already in use")
    assert "hint: name another with `--listen HOST:PORT`" in ran.err


def test_an_address_that_is_not_of_this_machine_is_said(
    run: Run, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", "a-long-random-text")
    ran = run("run", specs, "--listen", "192.0.2.1:0")
    assert refused(ran, "cannot listen on port 0 of `192.0.2.1`: Cannot assign requested address")


def test_endpoints_of_the_environment_that_are_none_are_refused(
    run: Run, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGORA_ENDPOINTS", "http://[")
    assert refused(run("run", specs, "--listen", "off"), "AGORA_ENDPOINTS cannot be read")
