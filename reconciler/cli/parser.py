"""argparse, told to speak as this program does.

Usage errors exit 1, help shows an example, nothing abbreviates.
"""

import argparse
from typing import NoReturn

from reconciler.cli.console import Console


class UsageExit(Exception):  # noqa: N818  it also ends `--help`, which is no error
    """Stop with this exit code; everything has been said."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Parser(argparse.ArgumentParser):
    """The options of one command."""

    def __init__(self, program: str, summary: str, example: str, console: Console) -> None:
        super().__init__(
            prog=program,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._console = console

    def print_help(self, file: object = None) -> None:
        """Write the help where results go."""
        del file
        self._console.write(self.format_help())

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Stop without ending the process."""
        if message:
            self._console.note(message.rstrip())
        raise UsageExit(status)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line: exit code 1, as design/cli.md says."""
        self._console.error(message, f"`{self.prog} --help` shows what it takes")
        raise UsageExit(1)
