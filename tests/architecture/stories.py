"""Stories: pages whose sessions are one run in one shell, against a simulator.

A block fenced as `console story` goes on where the one before it on its page ended. It begins in a
folder with a copy of the specs of this repository, the secrets that they name set.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.architecture.repository import ROOT

BLOCK = re.compile(r"^```console story\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "http://127.0.0.1:8787"
"""What the pages and the specs say; the simulator of a test listens elsewhere."""

SECRETS = {
    "AGORA_CUSTOMER_ID": "simulator",
    "AGORA_CUSTOMER_SECRET": "simulator",
    "AGORA_APP_CERTIFICATE": "0123456789abcdef0123456789abcdef",
    "ARCHIVE_ACCESS_KEY": "demo",
    "ARCHIVE_SECRET_KEY": "demo",
    "CLINIC_KEY": "demo",
    "CLINIC_SALT": "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=",
    "NEWSROOM_RTMP_URL": "rtmp://push.example.com/live/demo",
}
STARTING_S_MAX = 20.0
STORY_S_MAX = 100.0
ERROR = re.compile(r"^error: .*\n(?:  hint: .*\n)?", re.MULTILINE)

_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "ID"),
    (re.compile(r"\S{8,}…\S{8,}"), "ID"),
    (re.compile(r"\b(?:\d+[dhms])+\b"), "SPAN"),
    (re.compile(r"process \d+"), "process N"),
    (re.compile(r"host `[^`]*`"), "host `H`"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"^ +| +$", re.MULTILINE), ""),
)


def steps(page: str) -> list[tuple[str, str]]:
    """Return each command that a page shows after `$ `, with the output below it."""
    parts = [
        part
        for block in BLOCK.findall(page)
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def told(output: str) -> str:
    """Return an output without what differs from run to run: times, ids, widths of columns."""
    for pattern, word in _VARYING:
        output = pattern.sub(word, output)
    return output


def played(commands: Sequence[str], folder: Path) -> list[str]:
    """Run the commands in one shell; return what each writes.

    That is stdout, and below it the error that ended it: what progress draws on stderr is gone when
    a command ends on a terminal.
    """
    environ = _environ(folder)
    with _simulator(folder, environ) as url:
        place = _prepared(folder, url)
        lines = (
            f"{{ {command.replace(PORT, url)}\n}} 2>{folder}/error.{number}; code=$?\n"
            f"printf '\\036'; (exit $code)\n"
            for number, command in enumerate(commands)
        )
        done = subprocess.run(
            ["sh", "-c", "".join(lines)],
            cwd=place,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STORY_S_MAX,
            check=False,
        )
    outputs = done.stdout.split("\036")[:-1]
    errors = ((folder / f"error.{number}").read_text() for number in range(len(outputs)))
    return [
        (output + "".join(ERROR.findall(error))).replace(url, PORT)
        for output, error in zip(outputs, errors, strict=True)
    ]


def _environ(folder: Path) -> dict[str, str]:
    program = Path(sys.executable).parent
    return {
        **os.environ,
        **SECRETS,
        "PATH": f"{program}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "RECONCILER_CACHE": str(folder / "cache"),
    }


def _prepared(folder: Path, url: str) -> Path:
    place = folder / "here"
    shutil.copytree(ROOT / "specs", place / "specs", ignore=shutil.ignore_patterns("withdrawn"))
    app = place / "specs/app.yaml"
    app.write_text(app.read_text(encoding="utf-8").replace(PORT, url), encoding="utf-8")
    return place


@contextmanager
def _simulator(folder: Path, environ: dict[str, str]) -> Iterator[str]:
    """Run a simulator; its base URL is the first line that it writes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler.cli.main", "simulator", "--port", "0", "-q"],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=STARTING_S_MAX)
