"""What the documents show as a session is what the program says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COLUMNS = "76"


def sessions() -> list[tuple[str, str]]:
    """Return each command that a document shows after `$ `, with the output below it."""
    blocks = [block for file in DOCUMENTS for block in CONSOLE.findall(file.read_text())]
    shown = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in (part.partition("\n") for part in shown)]


def test_the_readme_shows_a_validate_and_a_preview() -> None:
    commands = [command.split()[1] for command, _ in sessions()]
    assert {"validate", "preview"} <= set(commands)


@pytest.mark.parametrize(("command", "output"), sessions())
def test_a_session_in_the_documents_is_real(command: str, output: str, tmp_path: Path) -> None:
    program = Path(sys.executable).parent
    environ = {
        **os.environ,
        "PATH": f"{program}:{os.environ['PATH']}",
        "COLUMNS": COLUMNS,
        "RECONCILER_CACHE": str(tmp_path),
    }
    done = subprocess.run(
        ["sh", "-c", f"{command} 2>&1"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == output
