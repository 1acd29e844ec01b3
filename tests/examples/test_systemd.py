"""The unit: systemd takes it, it is hardened, and its command is one of ours."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.setups import EXAMPLES, named_by_specs, parsed, variables

UNIT = EXAMPLES / "systemd/reconciler.service"
PROGRAM = "/opt/reconciler/bin/reconciler"
EXPOSURE_MAX = 20
"""In tenths of systemd's points: below 2 of 10 it is `OK`."""


def settings() -> dict[str, list[str]]:
    """Read the unit: setting to values, in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it is on a machine that has the program elsewhere."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    here = Path(sys.executable).with_name("reconciler")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace(PROGRAM, str(here)))
    return copy


def analyzed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_takes_the_unit_without_a_word(unit: Path) -> None:
    done = analyzed("verify", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_systemd_does_not_take_would_be_seen(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=yes", "ProtectHouse=yes"))
    assert "ProtectHouse" in analyzed("verify", unit).stderr


def test_systemd_finds_little_to_expose(unit: Path) -> None:
    done = analyzed("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
    assert done.returncode == 0, done.stdout


def test_the_command_is_one_that_the_program_takes() -> None:
    (line,) = settings()["ExecStart"]
    program, *words = shlex.split(line)
    args = parsed(words)
    assert program == PROGRAM
    assert (args.git, args.branch, args.path) == ("${RECONCILER_GIT}", "main", ["specs"])


def test_systemd_knows_when_it_is_up_and_when_it_hangs() -> None:
    found = settings()
    assert found["Type"] == ["notify"]
    assert found["KillSignal"] == ["SIGTERM"]
    assert int(found["WatchdogSec"][0]) >= 30
    assert int(found["TimeoutStopSec"][0]) > 10
    assert found["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_state_is_where_it_lasts() -> None:
    found = settings()
    assert "RECONCILER_STATE=sqlite:///%S/reconciler/state.db" in found["Environment"]
    assert (found["StateDirectory"], found["StateDirectoryMode"]) == (["reconciler"], ["0700"])


def test_the_environment_names_what_the_unit_and_the_specs_ask_for() -> None:
    given = variables(EXAMPLES / "systemd/reconciler.env.example")
    asked = set(re.findall(r"\$\{(\w+)\}", UNIT.read_text(encoding="utf-8")))
    assert set(given) == asked | named_by_specs(EXAMPLES / "gitops/specs")
    assert [name for name, value in given.items() if value] == ["RECONCILER_GIT"]


def test_the_page_installs_each_file_that_the_unit_reads() -> None:
    page = (EXAMPLES / "systemd/README.md").read_text(encoding="utf-8")
    found = settings()
    read = [*found["EnvironmentFile"], *(each.split(":")[1] for each in found["LoadCredential"])]
    assert [path for path in read if path not in page] == []
