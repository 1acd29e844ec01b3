"""The page for users of the simulator is a script that works."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOOLS = ("sh", "curl", "jq")


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
def test_the_commands_of_the_guide_do_what_it_says(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 5
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["sh", "-eux", "-c", "".join(blocks)],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "no_proxy": "127.0.0.1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as script,
    ):
        try:
            assert script.wait() == 0, log.read_text(encoding="utf-8")
        finally:
            _end_all(script.pid)


def _end_all(group: int) -> None:
    """End what a script that failed has left running."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
