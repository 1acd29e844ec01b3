"""Write docs/reference from the program: `python tools/reference.py [--check]`.

Models and tables make the pages on specs, the commands and the reasons the others. With `--check`
it writes nothing, names the pages that are out of date, and exits 1 if any are.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TextIO

from reconciler.cli.console import Console
from reconciler.cli.main import COMMANDS
from reconciler.cli.parser import Parser
from reconciler.plan.reasons import Reason
from reconciler.spec.reference import pages as spec_pages
from reconciler.spec.reference_tables import table

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"

COMMANDS_SAID = """\
`reconciler COMMAND --help` says the same. Options stand after the command's name, and none may be
shortened. [Exit codes](../guide/safety.md#exit-codes) are the same for all."""

COMMON_SAID = """\
Two of them can also be set by the environment: `RECONCILER_STATE` and `RECONCILER_SCOPE`."""

REASONS_SAID = """\
Each action of a plan says why, in a word of this list; events and `status` use the same words. The
words are fixed, so that scripts can rely on them; more may come."""

NOTICES_SAID = """\
They stand beside the actions of a plan or an apply, and change no exit code. Those with a flag in
the last column are safety rules: the plan is shown, and an apply refused (exit code 3)."""

NOTICES = (
    (
        "app-id-changed",
        "The App has another App ID now, and the one of a session is not known.",
        "",
    ),
    ("expiry-unknown", "A session is handed over now, since it is not known when it expires.", ""),
    ("guard-empty", "Specs, or a RecordingSet, yield nothing while sessions run.", "--allow-empty"),
    ("guard-stops", "More than 30 % of the running sessions would end.", "--allow-stops"),
    ("hash-key-changed", "A secret was hashed with another key and is taken as unchanged.", ""),
    ("orphan", "A session may go on where no call reaches it.", ""),
    ("other-paths", "A Recording was read from other paths, and is left.", "--prune-all"),
    ("rotation-forced", "A session is stopped before its successor starts: some seconds miss.", ""),
    ("secret-unresolved", "A secret has no value here and is taken as unchanged.", ""),
    ("state-key-missing", "Without the key of its hashes no changed secret is seen.", ""),
    ("unattended-expiry", "Nobody hands sessions over but an apply; this one is the first.", ""),
)
"""Code, meaning, and what lifts it."""


def main(arguments: Sequence[str], folder: Path, out: TextIO) -> int:
    """Write the pages into the folder and remove others, or only compare; return the exit code."""
    stale = outdated(folder)
    if list(arguments) == ["--check"]:
        out.writelines(f"{name} is out of date; run `make docs`\n" for name in stale)
        return 1 if stale else 0
    if arguments:
        out.write("usage: python tools/reference.py [--check]\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name in stale:
        if name in made:
            (folder / name).write_text(made[name], encoding="utf-8", newline="\n")
        else:
            (folder / name).unlink()
    return 0


def outdated(folder: Path) -> list[str]:
    """Name the pages that are missing, differ, or are no longer made."""
    made = pages()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    return {**spec_pages(), "commands.md": _commands(), "reasons.md": _reasons()}


def _reasons() -> str:
    reasons = table(["Reason", "Meaning"], [[f"`{each}`", each.meaning] for each in Reason])
    notices = [[f"`{code}`", said, f"`{lifts}`" if lifts else "-"] for code, said, lifts in NOTICES]
    warnings = table(["Code", "Meaning", "Lifted by"], notices)
    parts = ("# Reasons", REASONS_SAID, reasons, "## Warnings of plans", NOTICES_SAID, warnings)
    return "\n\n".join(parts) + "\n"


def _commands() -> str:
    common = {name for name, _ in _options(_parser("schema"))}
    parts = ["# Commands", COMMANDS_SAID]
    for name in COMMANDS:
        parts += _command(name, common)
    parts += ["## Options of all commands", COMMON_SAID, _table(_options(_parser("schema")))]
    return "\n\n".join(parts) + "\n"


def _command(name: str, common: Iterable[str]) -> Iterator[str]:
    parser = _parser(name)
    summary = COMMANDS[name]
    yield f"## {name}"
    yield f"{summary[0].upper()}{summary[1:]}."
    yield f"```\n{_module(name).EXAMPLE}\n```"
    own = [(option, said) for option, said in _options(parser) if option not in common]
    if own:
        yield _table(own)


def _table(options: Iterable[tuple[str, str]]) -> str:
    return table(["Option", "Meaning"], options)


def _module(name: str) -> ModuleType:
    module = name.replace("-", "_")
    return import_module(f"reconciler.cli.{module}{'_' if name == 'import' else ''}")


def _parser(name: str) -> Parser:
    command = _module(name)
    parser = Parser(f"reconciler {name}", COMMANDS[name], command.EXAMPLE, Console.of_process())
    command.add_arguments(parser)
    return parser


def _options(parser: Parser) -> list[tuple[str, str]]:
    """Return what a command takes and what it means, in order; argparse has no public list."""
    actions: list[argparse.Action] = vars(parser)["_actions"]
    return [(_spelt(action), _meaning(action)) for action in actions if action.dest != "help"]


def _spelt(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _value(action)
    if not action.option_strings:
        return f"`{value}`"
    return f"`{', '.join(action.option_strings)}{value and ' '}{value}`"


def _value(action: argparse.Action) -> str:
    if action.metavar:
        return str(action.metavar)
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _meaning(action: argparse.Action) -> str:
    said = (action.help or "").replace("%(default)s", str(action.default))
    text = said or ("what is written to stdout" if action.dest == "format" else "-")
    return re.sub(r"\$\{[^}]*\}", r"`\g<0>`", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], FOLDER, sys.stdout))
