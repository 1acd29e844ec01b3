"""Real repositories, the real git, and ways to reach them; nobody's own configuration."""

import asyncio
import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from reconciler.clock import SystemClock
from reconciler.daemon.git import Git
from reconciler.daemon.source import Fetched
from reconciler.spec.load import Files

USER, PASSWORD = "deploy-user", "s3cret/p@ss"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Upstream:
    """The repository that specs are pushed to; `home` is where the sources of a test fetch into."""

    folder: Path
    home: Path

    def write(self, **texts: str) -> str:
        """Commit these files, `specs/NAME.yaml` each, and return the commit."""
        for name, text in texts.items():
            self.put(f"specs/{name}.yaml", text)
        return self.commit()

    def put(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, *options: str) -> str:
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message=a", *options)
        return git(self.folder, "rev-parse", "HEAD")

    def source(self, url: str = "", **options: Any) -> Git:
        """Return a source of this repository, as its `run` would have it."""
        settings = {"paths": ["specs"], "poll_s": 30, "folder": self.home, "clock": SystemClock()}
        return Git(url or str(self.folder), **{**settings, **options})

    def place(self, name: str) -> Path:
        """Return one file or folder of the one home that there is."""
        [found] = self.home.glob(f"*/{name}")
        return found


def upstream_in(tmp_path: Path) -> Upstream:
    """Return a repository with one commit on `main`: a copy of one that all tests share."""
    first = Upstream(tmp_path.parent / "first-upstream", tmp_path)
    if not first.folder.exists():
        first.folder.mkdir()
        git(first.folder, "init", "--quiet", "--initial-branch=main", "--template=")
        first.write(rooms="a: 1\n")
    shutil.copytree(first.folder, tmp_path / "upstream")
    return Upstream(tmp_path / "upstream", tmp_path / "home")


def environment(tmp_path: Path) -> dict[str, str]:
    """Return what makes git the same everywhere."""
    config = tmp_path / "gitconfig"
    config.touch()
    who = {f"GIT_{role}_{part}": "a@example" for role in _ROLES for part in ("NAME", "EMAIL")}
    return {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1", **who}


_ROLES = ("AUTHOR", "COMMITTER")


def fetch(source: Git) -> Fetched:
    return asyncio.run(source.fetch())


def read(fetched: Fetched) -> dict[str, str]:
    """Return the texts of all specs, as the loader finds them, by file name."""
    loaded = Files(fetched.paths).load()
    assert loaded.diagnostics == ()
    return {source.file.rpartition("/")[2]: source.text for source in loaded.sources}


@contextmanager
def over_http(folder: Path, *, password: str = "") -> Iterator[str]:
    """Serve repositories below a folder as a Git host does; yield the URL, without credentials."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(folder, password))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(folder: Path, password: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            token = base64.b64encode(f"{USER}:{password}".encode()).decode()
            if password and self.headers.get("Authorization") != f"Basic {token}":
                self._answer("401 No", [("WWW-Authenticate", 'Basic realm="a"')], b"")
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                env=self._cgi(),
                capture_output=True,
                check=True,
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
            status = next((value for name, value in fields if name == "Status"), "200 OK")
            self._answer(status, [(name, value) for name, value in fields], content)

        def _cgi(self) -> dict[str, str]:
            path, _, query = self.path.partition("?")
            return {
                **os.environ,
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }

        def _answer(self, status: str, fields: list[tuple[str, str]], content: bytes) -> None:
            code, _, reason = status.partition(" ")
            self.send_response(int(code), reason)
            for name, value in fields:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def stand_in(path: Path, body: str) -> Path:
    """Write a program that git runs for ssh; the last of its arguments is the command."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path
