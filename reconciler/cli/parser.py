"""argparse, told to speak as this program does.

Usage errors exit 1, help shows an example, nothing abbreviates.
"""

import argparse
from collections.abc import Mapping
from typing import NoReturn

from reconciler.cli.console import Console


class UsageExit(Exception):  # noqa: N818  # it also ends `--help`, which is no error
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
        self._add_common_options(console.environ)

    def _add_common_options(self, environ: Mapping[str, str]) -> None:
        """Declare what every command takes, so that scripts can say it to all of them."""
        common = self.add_argument_group("common options")
        state = environ.get("RECONCILER_STATE", "sqlite:///.reconciler/state.db")
        scope = environ.get("RECONCILER_SCOPE", "default")
        common.add_argument("--state", metavar="URL", default=state, help="where state is kept")
        common.add_argument("--scope", metavar="NAME", default=scope, help="what one run owns")
        common.add_argument(
            "--log-format", choices=("text", "json"), default="text", help="of logs"
        )
        levels = ("debug", "info", "warning", "error")
        common.add_argument("--log-level", choices=levels, default="info", help="of logs")
        common.add_argument("-q", "--quiet", action="store_true", help="no notes on stderr")
        common.add_argument("-v", "--verbose", action="store_true", help="tracebacks of bugs")

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
