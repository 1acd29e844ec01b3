"""The image's recipe, as far as it can be judged where no image can be built, and its probe."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address

import pytest

from tests.architecture.repository import ROOT, pyproject
from tests.examples.setups import EXAMPLES, parsed

RECIPE = EXAMPLES / "container/Containerfile"
PROBE = EXAMPLES / "container/probe.py"
TOKEN = "bearer-token-7731"


def instructions() -> list[tuple[str, str]]:
    """Return the recipe's instructions, lines joined."""
    text = re.sub(r"^#.*\n", "", RECIPE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    pairs = (line.split(" ", 1) for line in lines if line)
    return [(word, rest) for word, rest in pairs]


def said(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def copied() -> list[str]:
    """Return what is copied from the source tree."""
    return [
        source
        for rest in said("COPY")
        if not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]


def test_what_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    ignored = (EXAMPLES / "container/Containerfile.dockerignore").read_text(encoding="utf-8")
    lines = [line for line in ignored.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_all_that_the_package_is_built_from_is_copied() -> None:
    project = pyproject()
    parts = {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"}
    parts |= set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert parts - set(copied()) == set()


def test_libraries_come_with_their_hashes_and_the_program_takes_no_other() -> None:
    download, install = (line for line in said("RUN") if "pip" in line)
    assert "--require-hashes --requirement requirements.lock --dest /wheels" in download
    assert "--no-index --find-links /wheels ." in install
    assert "--require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text()


def test_python_is_slim_and_new_enough() -> None:
    (image,) = said("ARG")
    version = re.fullmatch(r"PYTHON=docker\.io/library/python:3\.(\d+)-slim-\w+", image)
    least = re.fullmatch(r">=3\.(\d+)", pyproject()["project"]["requires-python"])
    assert version
    assert least
    assert int(version[1]) >= int(least[1])


def test_git_and_ssh_are_there_and_nothing_runs_as_root() -> None:
    (system,) = (line for line in said("RUN") if "apt-get" in line)
    assert {"git", "openssh-client", "--no-install-recommends"} <= set(system.split())
    assert said("USER") == ["10001:10001"]
    order = [word for word, _ in instructions()]
    assert order.index("USER") > max(at for at, word in enumerate(order) if word == "RUN")


def test_it_listens_where_it_is_asked_how_it_is() -> None:
    (entry,), (command,), (check,) = said("ENTRYPOINT"), said("CMD"), said("HEALTHCHECK")
    assert json.loads(entry) == ["reconciler"]
    args = parsed(json.loads(command))
    assert ip_address(args.listen.host).is_unspecified
    assert [str(args.listen.port)] == said("EXPOSE")
    _, _, probe = check.partition("CMD ")
    assert json.loads(probe) == ["probe", f"http://127.0.0.1:{args.listen.port}/healthz"]


class Handler(BaseHTTPRequestHandler):
    """A daemon that is well for those who have the token, but is not ready."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, "no token")
        elif self.path == "/healthz":
            self._answer(200, "well")
        else:
            self._answer(503, "the first pass has not ended")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def probed(url: str, **environ: str) -> tuple[int, str]:
    command = [sys.executable, str(PROBE), url]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert TOKEN not in done.stdout + done.stderr
    return done.returncode, done.stdout


def test_the_probe_tells_well_from_not_well(url: str) -> None:
    assert probed(f"{url}/healthz", RECONCILER_TOKEN=TOKEN) == (0, "200 well\n")
    not_ready = (1, "503 the first pass has not ended\n")
    assert probed(f"{url}/readyz", RECONCILER_TOKEN=TOKEN) == not_ready
    assert probed(f"{url}/healthz") == (1, "401 no token\n")


def test_where_nothing_listens_the_probe_says_so() -> None:
    code, out = probed("http://127.0.0.1:9/healthz", RECONCILER_TOKEN=TOKEN)
    assert code == 1
    assert out.startswith("http://127.0.0.1:9/healthz does not answer: ")
