"""The program around its commands: help, version, mistakes, and the last line of defence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli import validate
from reconciler.cli.main import COMMANDS
from tests.cli.support import Run


def test_the_version_is_one_line(run: Run) -> None:
    ran = run("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"reconciler {__version__}\n", "")


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_without_a_command_it_lists_the_commands(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert ran.code == 0
    assert all(f"  {name} " in ran.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_starts_with_its_name(
    run: Run, name: str
) -> None:
    ran = run(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"usage: reconciler {name}")
    assert f"example:\n  reconciler {name}" in ran.out


def test_an_unknown_command_is_exit_1_with_the_nearest_one(run: Run) -> None:
    ran = run("valdate")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: there is no command `valdate`\n  hint: did you mean `validate`?\n"


@pytest.mark.parametrize(
    "words", [("validate",), ("validate", "--nope", "x"), ("validate", "x", "--format", "xml")]
)
def test_wrong_usage_is_exit_1_with_the_way_to_help(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: ")
    assert "`reconciler validate --help` shows what it takes" in ran.err


def test_options_are_not_abbreviated(run: Run) -> None:
    assert "unrecognized arguments: --stric" in run("validate", "x", "--stric").err


def test_every_command_takes_the_common_options(run: Run, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    common = ("--state", "sqlite:///x.db", "--scope", "s", "--log-level", "debug", "-q", "-v")
    assert run("validate", "specs", *common, "--log-format", "json").code == 0


def test_a_bug_shows_where_and_not_with_what(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        secret = "s3cr3t"
        raise LookupError(secret)

    monkeypatch.setattr(validate, "run", broken)
    ran = run("validate", "specs")
    assert ran.code == 1
    assert "LookupError at " in ran.err
    assert "test_main.py:" in ran.err
    assert "This is a bug in reconciler; please report it with the lines above." in ran.err
    assert "s3cr3t" not in ran.err
    with pytest.raises(LookupError):
        run("validate", "specs", "-v")


def test_an_interrupt_is_exit_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(validate, "run", interrupted)
    assert run("validate", "specs").code == 130


def test_the_installed_program_runs_and_a_reader_that_leaves_makes_no_noise() -> None:
    program = Path(sys.executable).with_name("reconciler")
    piped = f"{program} --help | head -1"
    done = subprocess.run(["sh", "-c", piped], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("GitOps for Agora Cloud Recording")
    assert done.stderr == ""


@pytest.mark.parametrize("words", ["--version", "schema", "validate --help"])
@pytest.mark.parametrize("place", [">&-", "> /dev/full"])
def test_a_stdout_that_takes_nothing_is_exit_1_with_a_sentence(words: str, place: str) -> None:
    program = Path(sys.executable).with_name("reconciler")
    command = f"{program} {words} {place}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: stdout cannot be written: ")
    assert "bug" not in done.stderr


def test_the_version_imports_none_of_the_libraries() -> None:
    program = (
        "import sys; from reconciler.cli.main import main; main(['--version']);"
        "libraries = {'pydantic', 'ruamel', 'PIL', 'sqlite3'};"
        "sys.exit(','.join(sorted(libraries & set(sys.modules))) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (done.returncode, done.stderr) == (0, "")
